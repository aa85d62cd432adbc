"""llm/breaker.py: closed, open, half-open, as drawn in docs/resilience.md."""

import pytest

from fedgate.core.clock import ManualClock
from fedgate.llm.breaker import MAX_BREAKERS, Breaker, Breakers, State, Threshold
from fedgate.llm.values import Failure

FAILED = Failure("status", "api_error", 503, "x", 503)
THRESHOLD = Threshold(3, 60.0)


def breaker() -> tuple[Breaker, ManualClock, list[State]]:
    clock, told = ManualClock(), list[State]()
    return Breaker(clock, told.append), clock, told


def fail(each: Breaker, times: int = 1, failure: Failure = FAILED) -> None:
    for _ in range(times):
        assert each.admit()
        each.failed(failure, THRESHOLD)


def test_failures_in_a_row_open_it_and_a_success_starts_the_count_again() -> None:
    each, _, told = breaker()
    fail(each, 2)
    assert each.admit()
    each.succeeded()
    fail(each, 2)
    assert (each.state, told) == ("closed", [])
    fail(each)
    assert (each.state, told, each.admit()) == ("open", ["open"], False)
    assert each.last == FAILED


def test_after_its_time_one_request_tries_and_a_success_closes_it() -> None:
    each, clock, told = breaker()
    fail(each, 3)
    clock.advance(59.9)
    assert not each.admit()
    assert each.opens_in == pytest.approx(0.1)
    clock.advance(0.1)
    assert each.admit()
    assert not each.admit()
    assert each.state == "half_open"
    each.succeeded()
    assert told == ["open", "half_open", "closed"]
    assert each.admit()
    assert each.admit()


def test_a_failed_try_opens_it_for_another_while() -> None:
    each, clock, told = breaker()
    fail(each, 3)
    clock.advance(60)
    fail(each)
    assert told == ["open", "half_open", "open"]
    assert each.opens_in == 60
    assert not each.admit()


def test_a_try_that_the_caller_gave_up_leaves_the_place_to_the_next() -> None:
    each, clock, _ = breaker()
    fail(each, 3)
    clock.advance(60)
    assert each.admit()
    each.release()
    assert each.state == "half_open"
    assert each.admit()


def test_a_stream_that_begins_well_lets_others_through_but_its_failure_still_counts() -> None:
    each, clock, told = breaker()
    fail(each, 3)
    clock.advance(60)
    assert each.admit()
    each.answering()
    assert each.admit()
    each.failed(FAILED, THRESHOLD)
    assert told == ["open", "half_open", "closed", "open"]


def test_requests_that_were_under_way_when_it_opened_do_not_keep_it_open() -> None:
    each, clock, _ = breaker()
    assert all(each.admit() for _ in range(6))
    for _ in range(3):
        each.failed(FAILED, THRESHOLD)
    clock.advance(30)
    each.failed(FAILED, THRESHOLD)
    assert each.opens_in == 30


def test_a_retry_after_shortens_the_time_and_never_lengthens_it() -> None:
    each, _, _ = breaker()
    fail(each, 3, Failure("status", "rate_limit_error", 429, "x", 429, 5.0))
    assert each.opens_in == 5
    other, _, _ = breaker()
    fail(other, 3, Failure("status", "rate_limit_error", 429, "x", 429, 500.0))
    assert other.opens_in == 60


def test_each_model_of_each_provider_has_its_own_and_changes_are_told() -> None:
    clock, told = ManualClock(), list[tuple[str, str, State]]()
    breakers = Breakers(clock, lambda *change: told.append(change))
    assert breakers.of("a", "m") is breakers.of("a", "m")
    assert breakers.of("a", "m") is not breakers.of("a", "n")
    fail(breakers.of("a", "m"), 3)
    assert told == [("a", "m", "open")]
    assert breakers.states() == {("a", "m"): "open", ("a", "n"): "closed"}


def test_the_table_is_bounded_and_forgets_the_longest_untouched() -> None:
    breakers = Breakers(ManualClock(), lambda *_: None)
    kept = breakers.of("a", "first")
    for number in range(MAX_BREAKERS):
        breakers.of("a", str(number))
        breakers.of("a", "first")
    assert len(breakers) == MAX_BREAKERS
    assert breakers.of("a", "first") is kept
    assert ("a", "0") not in breakers.states()
