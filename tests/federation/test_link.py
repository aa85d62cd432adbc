"""federation/link.py"""

import asyncio

import pytest

from fedgate.core.errors import UpstreamBroken
from fedgate.core.tasks import Tasks
from fedgate.federation.link import Link, LinkClosed, link_pair

pytestmark = pytest.mark.anyio


async def test_what_one_end_sends_the_other_receives_in_order() -> None:
    ends: tuple[Link, Link] = link_pair("notes")
    one, other = ends
    await one.send(b"1")
    await one.send(b"2")
    await other.send(b"back")
    assert [await other.receive(), await other.receive(), await one.receive()] == [b"1", b"2", b"back"]
    assert (one.name, other.endpoint) == ("notes", "memory:notes")


async def test_a_full_link_makes_the_sender_wait_until_something_is_received() -> None:
    one, other = link_pair(limit=1)
    tasks = Tasks("test")
    await one.send(b"1")
    sending = tasks.start(one.send(b"2"), "send")
    async with asyncio.timeout(5):
        assert await other.receive() == b"1"
        await sending
        assert await other.receive() == b"2"
    await tasks.aclose()


async def test_what_was_sent_before_the_close_is_still_received_by_the_other_end() -> None:
    one, other = link_pair()
    await one.send(b"last")
    await one.aclose()
    await one.aclose()
    assert await other.receive() == b"last"
    for _ in range(2):
        with pytest.raises(LinkClosed, match="the link was closed"):
            await other.receive()


async def test_the_end_that_closes_receives_nothing_more() -> None:
    one, other = link_pair()
    await other.send(b"unread")
    await one.aclose()
    with pytest.raises(LinkClosed):
        await one.receive()
    with pytest.raises(LinkClosed):
        await one.send(b"late")


async def test_a_failure_wakes_everybody_who_waits_with_its_reason() -> None:
    one, other = link_pair(limit=1)
    tasks = Tasks("test")
    await one.send(b"1")
    waiting = [tasks.start(one.send(b"2"), "send"), tasks.start(one.receive(), "receive")]
    await asyncio.wait(waiting, timeout=0.01)
    await other.fail("it was killed by SIGKILL")
    async with asyncio.timeout(5):
        errors = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(error) for error in errors] == ["it was killed by SIGKILL"] * 2
    assert all(isinstance(error, UpstreamBroken) for error in errors)
    await tasks.aclose()
