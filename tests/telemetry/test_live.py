"""What happens now, for those who watch: a snapshot, then what is other; who is slow loses that and begins anew."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Self

import pytest

from fedgate.core import sse
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.core.tasks import Tasks
from fedgate.telemetry.live import EVERY, MAX_ENDED, MAX_SHOWN, MAX_WATCHERS, QUEUE, Live
from tests.core.http_peer import until
from tests.telemetry.operations import over, record

pytestmark = pytest.mark.anyio

LIMIT = 10.0


async def heard(frames: AsyncGenerator[bytes, None]) -> tuple[str, dict[str, Any]]:
    async with asyncio.timeout(LIMIT):
        (event,) = sse.Reader(1 << 24).feed(await anext(frames))
    return event.event.decode(), json.loads(event.data)


async def tick(clock: ManualClock) -> None:
    """Let the next delta be sent."""
    await until(lambda: bool(clock.sleeping))
    clock.advance(EVERY)
    await until(lambda: bool(clock.sleeping))


class Watched:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.live = Live(self.clock)
        self.tasks = Tasks("test")

    async def __aenter__(self) -> Self:
        self.tasks.start(self.live.run(), "live")
        return self

    async def __aexit__(self, *_: object) -> None:
        self.live.close()
        await self.tasks.aclose()


async def test_a_snapshot_comes_first_then_what_is_new_then_what_has_ended() -> None:
    async with Watched() as there:
        first = record(there.clock, headers={b"content-length": b"17"})
        there.live.began(first)
        async with aclosing(there.live.watch()) as frames:
            name, said = await heard(frames)
            assert (name, said["total"]) == ("snapshot", 1)
            (row,) = said["operations"]
            assert (row["user"], row["state"], row["bytes_in"], row["seconds"]) == ("alice", "running", 17, None)
            first.operation, first.sent = "tools/call", 5
            first.fields["mcp.server"] = "notes"
            await tick(there.clock)
            name, said = await heard(frames)
            assert name == "delta"
            (row,) = said["operations"]
            assert (row["state"], row["bytes_out"], row["destination"]) == ("streaming", 5, "notes")
            await tick(there.clock)
            assert (await heard(frames))[1]["operations"] == []
            there.live.ended(over(there.clock, first, 502))
            await tick(there.clock)
            _, said = await heard(frames)
            assert (said["total"], said["operations"], said["ended_more"]) == (0, [], 0)
            (row,) = said["ended"]
            assert (row["state"], row["status"], row["seconds"]) == ("failed", 502, 2 * EVERY)


async def test_who_does_not_keep_up_gets_a_snapshot_and_holds_up_nobody() -> None:
    async with Watched() as there, aclosing(there.live.watch()) as slow, aclosing(there.live.watch()) as quick:
        assert (await heard(slow))[0] == (await heard(quick))[0] == "snapshot"
        for _ in range(QUEUE + 1):
            await tick(there.clock)
            assert (await heard(quick))[0] == "delta"
        there.live.began(record(there.clock))
        name, said = await heard(slow)
        assert (name, said["total"]) == ("snapshot", 1)


async def test_nothing_is_gathered_while_nobody_watches() -> None:
    async with Watched() as there:
        for _ in range(3):
            what = record(there.clock)
            there.live.began(what)
            there.live.ended(over(there.clock, what))
        await tick(there.clock)
        async with aclosing(there.live.watch()) as frames:
            assert (await heard(frames))[1]["total"] == 0
            assert there.live.watchers == 1
            await tick(there.clock)
            assert (await heard(frames))[1]["ended"] == []
        assert there.live.watchers == 0


async def test_what_is_told_at_once_is_bounded() -> None:
    async with Watched() as there, aclosing(there.live.watch()) as frames:
        await heard(frames)
        for _ in range(MAX_ENDED + 3):
            what = record(there.clock)
            there.live.began(what)
            there.live.ended(over(there.clock, what))
        for _ in range(MAX_SHOWN + 1):
            there.live.began(record(there.clock))
        await tick(there.clock)
        _, said = await heard(frames)
        assert (len(said["ended"]), said["ended_more"]) == (MAX_ENDED, 3)
        assert (len(said["operations"]), said["total"]) == (MAX_SHOWN, MAX_SHOWN + 1)


async def test_only_so_many_watch_and_none_once_it_is_over() -> None:
    async with Watched() as there:
        watching = [there.live.watch() for _ in range(MAX_WATCHERS)]
        for each in watching:
            await heard(each)
        with pytest.raises(Overloaded):
            there.live.watch()
        there.live.close()
        for each in watching:
            with pytest.raises(StopAsyncIteration):
                await anext(each)
        with pytest.raises(Overloaded):
            there.live.watch()


async def test_sessions_are_told_now_and_then() -> None:
    async def sessions() -> dict[str, Any]:
        return {"sessions": [], "total": 0}

    async with Watched() as there, aclosing(there.live.watch()) as frames:
        there.live.sessions = sessions
        await heard(frames)
        names = []
        for number in range(5):
            await tick(there.clock)
            names.append((await heard(frames))[0])
            if number in (0, 4):
                names.append((await heard(frames))[0])
        assert names == ["delta", "sessions", "delta", "delta", "delta", "delta", "sessions"]
