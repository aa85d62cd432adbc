"""llm/retry.py: when another try is worth it, and how long to wait for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.retry import Backoff, parse_retry_after
from fedgate.llm.values import Failure

BACKOFF = Backoff()


def status(code: int, retry_after: float | None = None) -> Failure:
    return Failure("status", "api_error", code, "x", code, retry_after)


def test_waits_double_up_to_the_longest_with_half_of_them_jitter() -> None:
    many = Backoff(attempts=6)
    assert [many.wait(n, status(503), 1.0) for n in range(7)] == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, None]
    assert [many.wait(n, status(503), 0.0) for n in range(5)] == [0.5, 1.0, 2.0, 4.0, 5.0]


@pytest.mark.parametrize("code", [429, 500, 502, 503, 529])
def test_the_seeds_statuses_are_worth_a_retry(code: int) -> None:
    assert BACKOFF.wants(status(code))


@pytest.mark.parametrize("code", [400, 401, 404, 501, 504])
def test_other_statuses_are_not(code: int) -> None:
    assert not BACKOFF.wants(status(code))


def test_a_refused_connection_counts_as_503_and_a_time_out_is_not_worth_another() -> None:
    assert BACKOFF.wants(Failure("refused", "api_error", 502, "x"))
    assert not Backoff(on=frozenset({429})).wants(Failure("refused", "api_error", 502, "x"))
    assert not BACKOFF.wants(Failure("timeout", "timeout_error", 504, "x"))
    assert not BACKOFF.wants(Failure("busy", "overloaded_error", 503, "x"))


def test_retry_after_comes_before_the_back_off_and_beyond_the_longest_wait_there_is_no_retry() -> None:
    assert BACKOFF.wait(0, status(429, 7.0), 0.5) == 7.0
    assert BACKOFF.wait(0, status(429, 0.0), 0.5) == 0.0
    assert BACKOFF.wait(0, status(429, 10.1), 0.5) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2015 07:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("²", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert parse_retry_after(value, 1445412420.0) == seconds


@given(st.text())
def test_any_other_retry_after_says_nothing(value: str) -> None:
    seconds = parse_retry_after(value, 0.0)
    assert seconds is None or seconds >= 0
