"""governance/rated.py: what a call has taken goes back once, or is settled once."""

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.spending import Expected
from fedgate.governance.concurrency import InUse
from fedgate.governance.rated import Held, Rated
from fedgate.governance.settings import Rate
from fedgate.governance.windows import InMemory

pytestmark = pytest.mark.anyio

CLOCK = ManualClock(600.0)


def tokens(most: int = 100) -> Rated:
    return Rated("tokens", Rate(most, "minute"), InMemory(CLOCK, Rate(most, "minute")))


async def test_undone_it_leaves_no_trace() -> None:
    rated, requests, places = tokens(), Rated("requests", Rate(5, "day"), InMemory(CLOCK, Rate(5, "day"))), InUse(1)
    held = Held()
    assert not held
    assert await held.take(rated, "a", 60)
    assert await held.take(requests, "a", 1)
    assert held.occupy(places, "a")
    assert held
    assert not await held.take(rated, "a", 41)
    assert not held.occupy(places, "a")
    held.undo()
    held.over(7)
    held.undo()
    assert ((await rated.store.count("a")).used, (await requests.store.count("a")).used, places.of("a")) == (0, 0, 0)
    assert not held


@pytest.mark.parametrize("really", [0, 12, 60, 500])
async def test_settled_it_counts_what_was_used_and_requests_as_they_were(really: int) -> None:
    rated, requests, places = tokens(), Rated("requests", Rate(5, "day"), InMemory(CLOCK, Rate(5, "day"))), InUse(1)
    held = Held()
    assert await held.take(rated, "a", 60)
    assert await held.take(requests, "a", 1)
    assert held.occupy(places, "a")
    held.expected = Expected(60)
    held.over(really)
    held.over(really)
    held.undo()
    assert (await rated.store.count("a")).used == really
    assert ((await requests.store.count("a")).used, places.of("a")) == (1, 0)


async def test_requests_alone_have_nothing_to_settle() -> None:
    held = Held()
    assert await held.take(Rated("requests", Rate(5, "day"), InMemory(CLOCK, Rate(5, "day"))), "a", 1)
    assert not held


async def test_each_unit_is_a_window_of_its_length() -> None:
    for unit, seconds in (("second", 1), ("minute", 60), ("hour", 3600), ("day", 86400)):
        clock = ManualClock(10 * seconds)
        store = InMemory(clock, Rate(1, unit))  # type: ignore[arg-type]
        assert [await store.take("a", 1), await store.take("a", 1)] == [True, False]
        clock.advance(2 * seconds - 0.01)
        assert await store.take("a", 1)
        assert (len(store), store.evicted) == (1, 0)
