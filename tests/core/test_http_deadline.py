import asyncio
from math import inf

import pytest

from fedgate.core.http_deadline import Deadline
from tests.core.http_peer import LIMIT, on_both_loops

pytestmark = pytest.mark.anyio
anyio_backend = on_both_loops()


async def test_a_deadline_that_is_reached_is_told_once() -> None:
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[float] = asyncio.Queue()
    deadline = Deadline(loop, lambda: told.put_nowait(loop.time()))
    moment = loop.time() + 0.02
    deadline.set(moment)
    async with asyncio.timeout(LIMIT):
        assert await told.get() >= moment - 0.002
    assert told.empty()


async def test_a_deadline_moved_later_is_told_at_the_later_moment() -> None:
    loop = asyncio.get_running_loop()
    told: asyncio.Queue[float] = asyncio.Queue()
    deadline = Deadline(loop, lambda: told.put_nowait(loop.time()))
    moment = loop.time() + 0.03
    deadline.set(moment - 0.02)
    deadline.set(moment)
    async with asyncio.timeout(LIMIT):
        assert await told.get() >= moment - 0.002


async def test_a_deadline_moved_earlier_is_told_at_the_earlier_moment() -> None:
    loop = asyncio.get_running_loop()
    told = asyncio.Event()
    deadline = Deadline(loop, told.set)
    deadline.set(loop.time() + 1000)
    deadline.set(loop.time() + 0.01)
    async with asyncio.timeout(LIMIT):
        await told.wait()
    deadline.stop()


@pytest.mark.parametrize("end", ["clear", "stop"])
async def test_a_deadline_taken_back_is_never_told(end: str) -> None:
    loop = asyncio.get_running_loop()
    told: list[str] = []
    deadline = Deadline(loop, lambda: told.append("taken back"))
    deadline.set(loop.time() + 0.01)
    getattr(deadline, end)()
    later = asyncio.Event()
    loop.call_later(0.03, later.set)
    async with asyncio.timeout(LIMIT):
        await later.wait()
    assert told == []
    deadline.set(inf)
    deadline.stop()
