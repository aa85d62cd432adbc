"""federation/backoff.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.federation.backoff import Attempts, Backoff


def test_without_jitter_the_delay_doubles_up_to_the_cap() -> None:
    backoff = Backoff(jitter=0)
    assert [backoff.delay(n, 0.7) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_jitter_shortens_by_at_most_its_share() -> None:
    backoff = Backoff(initial=10, jitter=0.2)
    assert backoff.delay(0, 0.0) == 10
    assert backoff.delay(0, 0.5) == pytest.approx(9)
    assert backoff.delay(0, 1.0) == pytest.approx(8)


@given(st.integers(0, 10**6), st.floats(0, 1, exclude_max=True))
def test_any_attempt_however_late_stays_within_the_bounds(attempt: int, random: float) -> None:
    assert 0.4 <= Backoff().delay(attempt, random) <= 30


@pytest.mark.parametrize(
    "wrong",
    [{"initial": 0.0}, {"initial": 5.0, "max": 1.0}, {"multiplier": 0.5}, {"jitter": -0.1}, {"jitter": 1.5}],
)
def test_values_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="initial must be above 0"):
        Backoff(**wrong)


def test_failures_in_a_row_wait_longer_and_longer() -> None:
    attempts = Attempts(Backoff(jitter=0))
    assert [attempts.failed(0.1, 0) for _ in range(3)] == [0.5, 1, 2]
    assert attempts.failures == 3


def test_a_stable_run_starts_the_count_anew() -> None:
    attempts = Attempts(Backoff(jitter=0), stable=60)
    attempts.failed(0.1, 0)
    assert attempts.failed(59.9, 0) == 1
    assert attempts.failed(60.0, 0) == 0.5
    assert attempts.failures == 1
    assert "failures=1" in repr(attempts)
