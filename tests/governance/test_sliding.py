"""governance/sliding.py: what is left, and when it fits again, to the point."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.governance.sliding import Count, left, renewed, wait, whole_seconds


@pytest.mark.parametrize(
    ("count", "used"),
    [
        (Count(60, 0, 0, 60.0), 0),
        (Count(60, 0, 7, 1.0), 7),
        (Count(60, 10, 0, 60.0), 10),
        (Count(60, 10, 0, 30.0), 5),
        (Count(60, 10, 3, 29.9), 7),
        (Count(60, 10, 3, 0.5), 3),
    ],
)
def test_of_the_window_before_counts_what_lies_within_the_last_seconds(count: Count, used: int) -> None:
    assert count.used == used
    assert left(count, 10) == 10 - used
    assert left(count, 2) == max(0, 2 - used)


@pytest.mark.parametrize(
    ("count", "limit", "cost", "seconds"),
    [
        (Count(60, 0, 0, 60.0), 10, 10, 0.0),
        (Count(60, 0, 10, 45.0), 10, 1, 45.0 + 60.0 - 60.0),  # room for 10 is 10/10 of a window: as soon as it begins
        (Count(60, 10, 0, 60.0), 10, 1, 0.0),
        (Count(60, 10, 0, 60.0), 10, 10, 54.0),  # 1 is left of the 10 when 6 seconds are left
        (Count(60, 0, 10, 45.0), 10, 10, 45.0 + 54.0),
        (Count(1, 0, 3, 0.25), 3, 1, 0.25),
    ],
)
def test_the_wait_ends_when_enough_of_the_past_has_gone(count: Count, limit: int, cost: int, seconds: float) -> None:
    assert wait(count, limit, cost) == pytest.approx(seconds)


def later(count: Count, seconds: float) -> Count:
    """The same counts, so much later, if nobody else came."""
    if seconds < count.rest:
        return Count(count.seconds, count.before, count.now, count.rest - seconds)
    seconds -= count.rest
    if seconds < count.seconds:
        return Count(count.seconds, count.now, 0, count.seconds - seconds)
    return Count(count.seconds, 0, 0, float(count.seconds))


@given(
    st.sampled_from([1, 60, 3600, 86400]),
    st.integers(0, 2000),
    st.integers(0, 1000),
    st.floats(0.001, 1.0),
    st.integers(1, 1000),
    st.floats(0.0, 1.0),
)
def test_it_fits_after_the_wait_and_not_before(
    seconds: int, before: int, now: int, share: float, limit: int, cost_share: float
) -> None:
    cost = max(1, round(limit * cost_share))
    count = Count(seconds, before, now, share * seconds)
    found = wait(count, limit, cost)
    assert left(later(count, found + seconds * 1e-6), limit) >= cost
    if found > seconds * 1e-4:
        assert left(later(count, found - seconds * 1e-4), limit) < cost or before > limit


def test_headers_are_told_whole_seconds_that_are_never_too_early() -> None:
    assert [whole_seconds(each) for each in (0.0, 0.2, 1.0, 1.01, 59.9)] == [1, 1, 1, 2, 60]


def test_more_is_there_when_something_fits_again_or_the_window_ends() -> None:
    assert renewed(Count(60, 0, 3, 40.0), 10) == 40.0
    full = Count(60, 10, 9, 40.0)
    assert left(full, 10) == 0
    assert renewed(full, 10) == wait(full, 10, 1) < 40.0
