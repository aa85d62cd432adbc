"""governance/rated.py: what a call has taken goes back once, or is settled once."""

from typing import Literal

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


async def took(*taken: tuple[Rated, int]) -> Held:
    held = Held()
    for rated, cost in taken:
        assert await held.take(rated, "a", cost)
    return held


def rate(kind: Literal["requests", "tokens"], most: int, name: str) -> Rated:
    return Rated(kind, Rate(most, "minute"), InMemory(CLOCK, Rate(most, "minute")), name)


async def test_headers_are_of_the_rate_that_is_nearest_to_its_end_and_of_each_kind() -> None:
    held = await took((rate("requests", 10, "a"), 1), (rate("requests", 100, "b"), 1), (rate("tokens", 100, "c"), 90))
    found = dict(held.headers)
    assert len(found) == len(held.headers)
    assert found[b"ratelimit"] == b'"c";r=10;t=60'
    assert (found[b"ratelimit-limit"], found[b"ratelimit-remaining"]) == (b"100", b"10")
    assert (found[b"x-ratelimit-limit-tokens"], found[b"x-ratelimit-remaining-tokens"]) == (b"100", b"10")
    assert (found[b"x-ratelimit-limit-requests"], found[b"x-ratelimit-remaining-requests"]) == (b"10", b"9")
    other = await took((rate("requests", 2, "a"), 2), (rate("tokens", 100, "c"), 90))
    assert dict(other.headers)[b"ratelimit"].startswith(b'"a";r=0;t=')
    assert other.headers.index((b"ratelimit-limit", b"2")) == 2


async def test_without_a_rate_there_are_no_headers() -> None:
    held = Held()
    assert held.occupy(InUse(1), "a")
    assert held.headers == ()


async def test_what_was_taken_is_told_with_what_is_left() -> None:
    held = await took((rate("requests", 10, "a"), 1), (rate("tokens", 100, "c"), 90))
    assert list(map(str, held.told)) == [
        "limit a: 1 request, 9 of 10 per minute left",
        "limit c: 90 tokens, 10 of 100 per minute left",
    ]
