"""Which conversation a session has with an agent."""

import asyncio
from collections.abc import Callable

import pytest

from fedgate.a2a.agent_settings import Pins
from fedgate.a2a.threads import Key, Threads
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.sessions.table import SessionTable

pytestmark = pytest.mark.anyio

KEY: Key = ("support", "key:alice", "s1")
LIMIT = 5.0


def threads(clock: ManualClock | None = None, **rules: int) -> Threads:
    made = Threads(SessionTable(clock or ManualClock(), idle=60, limit=10))
    made.shelve("support", Pins(**rules))
    return made


async def test_a_session_goes_on_with_the_conversation_it_has() -> None:
    found = threads()
    assert await found.enter(KEY) == ""
    found.learn(KEY, "c1")
    found.leave(KEY)
    assert await found.enter(KEY) == "c1"
    assert await found.enter(("support", "key:alice", "s2")) == ""
    assert repr(found) == "<Threads 1>"


async def test_messages_that_begin_together_are_one_conversation() -> None:
    found = threads()
    assert await found.enter(KEY) == ""
    others = [asyncio.ensure_future(found.enter(KEY)) for _ in range(3)]
    await asyncio.sleep(0)
    assert not any(each.done() for each in others)
    found.learn(KEY, "c1")
    found.leave(KEY)
    async with asyncio.timeout(LIMIT):
        assert await asyncio.gather(*others) == ["c1"] * 3


async def test_if_nothing_came_of_the_first_the_next_one_begins() -> None:
    found = threads()
    assert await found.enter(KEY) == ""
    others = [asyncio.ensure_future(found.enter(KEY)) for _ in range(2)]
    await asyncio.sleep(0)
    found.leave(KEY)
    async with asyncio.timeout(LIMIT):
        done, waiting = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
        assert [each.result() for each in done] == [""]
        found.leave(KEY)
        await asyncio.wait(waiting)


async def test_a_conversation_that_is_called_otherwise_is_followed() -> None:
    found = threads()
    found.learn(KEY, "c1")
    found.learn(KEY, "c2")
    assert await found.enter(KEY) == "c2"


async def test_another_owner_finds_nothing_and_changes_nothing() -> None:
    found = threads()
    found.learn(KEY, "c1")
    stranger: Key = ("support", "key:bob", "s1")
    assert await found.enter(stranger) == ""
    found.learn(stranger, "c9")
    assert await found.enter(KEY) == "c1"


async def test_what_is_lost_or_forgotten_begins_anew() -> None:
    found = threads()
    ends: tuple[Callable[[], None], ...] = (lambda: found.lose(KEY), lambda: found.forget("s1"))
    for end in ends:
        found.learn(KEY, "c1")
        end()
        assert await found.enter(KEY) == ""
        found.leave(KEY)
    found.lose(KEY)
    found.forget("s1")


async def test_it_lives_as_long_as_contexts_do_and_makes_no_room_for_others() -> None:
    clock = ManualClock()
    found = threads(clock, context_idle=100, max=1)
    found.learn(KEY, "c1")
    with pytest.raises(Overloaded):
        found.learn(("support", "key:alice", "s2"), "c2")
    clock.advance(99)
    assert await found.enter(KEY) == "c1"
    clock.advance(101)
    assert await found.enter(KEY) == ""
