"""federation/spent.py: time at upstreams is counted while it runs, and anew where another request goes on."""

from fedgate.core.clock import ManualClock
from fedgate.core.trail import Trail
from fedgate.federation.spent import Spent


def test_it_is_counted_while_it_runs_and_adds_up() -> None:
    clock = ManualClock()
    spent = Spent(clock)
    assert spent.seconds == 0.0
    spent.begin()
    clock.advance(2.0)
    spent.begin()
    assert spent.seconds == 2.0
    clock.advance(1.0)
    spent.end()
    clock.advance(5.0)
    assert spent.seconds == 3.0
    spent.end()
    spent.begin()
    clock.advance(1.0)
    spent.end()
    assert spent.seconds == 4.0


def test_the_request_that_takes_it_up_counts_from_then_on() -> None:
    clock = ManualClock()
    first, second = Trail(clock), Trail(clock)
    spent = Spent(clock, first)
    spent.begin()
    clock.advance(7.0)
    spent.goes_on(second)
    assert (spent.seconds, spent.trail) == (0.0, second)
    clock.advance(2.0)
    spent.end()
    assert spent.seconds == 2.0
    spent.goes_on(None)
    clock.advance(2.0)
    assert (spent.seconds, spent.trail) == (0.0, None)
