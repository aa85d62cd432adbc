"""An issuer's keys over time: fetched once for all who wait, followed when they rotate, kept for a bounded time."""

import asyncio
import json

import pytest

from fedgate.access.jwk import BadKeySet
from fedgate.access.jwks import AGAIN, LONGEST, SHORTEST, STANDS, USUAL, CannotVerify, KeySource, Loaded
from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamRefused
from fedgate.core.tasks import Tasks
from tests.access.issuer import public

pytestmark = pytest.mark.anyio


class Publisher:
    """A place that publishes keys: those with the `kids`, or a problem."""

    def __init__(self) -> None:
        self.kids = ["a"]
        self.max_age: float | None = None
        self.problem: Exception | None = None
        self.asked = 0
        self.hold: asyncio.Event | None = None
        self.clock = ManualClock()
        self.tasks = Tasks("test")
        self.source = KeySource("https://idp", self.load, self.clock, self.tasks)

    async def load(self) -> Loaded:
        self.asked += 1
        if self.hold is not None:
            await self.hold.wait()
        if self.problem is not None:
            raise self.problem
        keys = [public("ES256", number, kid=kid) for number, kid in enumerate(self.kids)]
        return Loaded(json.dumps({"keys": keys}).encode(), self.max_age)

    async def has(self, kid: str) -> bool:
        return await self.source.find("ES256", kid) is not None

    async def quiet(self) -> None:
        """What was begun in the background is over."""
        for _ in range(10):
            await asyncio.sleep(0)
        assert len(self.tasks) == 0


async def test_keys_are_fetched_when_the_first_token_comes_and_kept() -> None:
    one = Publisher()
    assert (one.asked, one.source.generation) == (0, 0)
    assert [await one.has("a") for _ in range(3)] == [True] * 3
    assert (one.asked, one.source.generation) == (1, 1)


async def test_all_who_wait_share_one_fetch() -> None:
    one = Publisher()
    one.hold = asyncio.Event()
    waiting = [asyncio.ensure_future(one.has("a")) for _ in range(50)]
    await asyncio.sleep(0)
    one.hold.set()
    assert await asyncio.gather(*waiting) == [True] * 50
    assert one.asked == 1


async def test_one_who_leaves_does_not_take_the_fetch_along() -> None:
    one = Publisher()
    one.hold = asyncio.Event()
    leaving, staying = asyncio.ensure_future(one.has("a")), asyncio.ensure_future(one.has("a"))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    one.hold.set()
    assert await staying
    assert leaving.cancelled()


async def test_a_new_key_is_found_at_its_first_token() -> None:
    one = Publisher()
    assert await one.has("a")
    one.kids = ["a", "b"]
    one.clock.advance(AGAIN)
    assert await one.has("b")
    assert (one.asked, one.source.generation) == (2, 2)


async def test_unknown_names_cannot_make_it_fetch_more_than_now_and_then() -> None:
    one = Publisher()
    assert await one.has("a")
    one.clock.advance(AGAIN)
    assert [await one.has(f"made-up-{number}") for number in range(100)] == [False] * 100
    assert one.asked == 2
    one.clock.advance(AGAIN)
    assert not await one.has("made-up")
    assert one.asked == 3


async def test_a_set_that_is_due_serves_while_another_one_is_on_its_way() -> None:
    one = Publisher()
    assert await one.has("a")
    one.kids = ["b"]
    one.clock.advance(USUAL)
    due = [one.source.due]
    assert await one.has("a")
    await one.quiet()
    assert [*due, one.source.due] == [True, False]
    assert [await one.has("a"), await one.has("b")] == [False, True]


@pytest.mark.parametrize(
    ("said", "kept"), [(None, USUAL), (0.0, SHORTEST), (5.0, SHORTEST), (3600.0, 3600.0), (1e9, LONGEST)]
)
async def test_the_issuer_says_how_long_its_keys_are_fresh_within_bounds(said: float | None, kept: float) -> None:
    one = Publisher()
    one.max_age = said
    assert await one.has("a")
    one.clock.advance(kept - 1)
    assert not one.source.due
    one.clock.advance(1)
    assert one.source.due


PROBLEMS = [UpstreamRefused("nobody is there"), BadKeySet("is no JWK set")]


@pytest.mark.parametrize("problem", PROBLEMS)
async def test_without_any_keys_nobody_gets_in_and_is_told_to_come_again(problem: Exception) -> None:
    one = Publisher()
    one.problem = problem
    for _ in range(3):
        with pytest.raises(CannotVerify) as caught:
            await one.has("a")
    assert caught.value.status == 503
    assert caught.value.retryable
    assert caught.value.headers == ((b"retry-after", b"10"),)
    assert one.asked == 1
    assert one.source.problem
    one.problem = None
    one.clock.advance(AGAIN)
    assert await one.has("a")
    assert one.source.problem == ""


@pytest.mark.parametrize("problem", PROBLEMS)
async def test_the_last_good_set_stands_for_a_bounded_time(problem: Exception) -> None:
    one = Publisher()
    assert await one.has("a")
    one.problem = problem
    one.clock.advance(STANDS - 1)
    assert await one.has("a")
    await one.quiet()
    assert await one.has("a")
    one.clock.advance(1 + AGAIN)
    with pytest.raises(CannotVerify):
        await one.has("a")


async def test_the_same_keys_again_are_no_change() -> None:
    one = Publisher()
    await one.source.refresh()
    one.clock.advance(AGAIN)
    await one.source.refresh()
    assert (one.asked, one.source.generation) == (2, 1)


async def test_after_the_end_nothing_is_fetched_any_more() -> None:
    one = Publisher()
    assert await one.has("a")
    await one.tasks.aclose()
    one.clock.advance(USUAL)
    assert await one.has("a")
    assert not await one.has("b")
    assert one.asked == 1
    assert repr(one.source) == "<KeySource https://idp, 1 keys, generation 1>"
