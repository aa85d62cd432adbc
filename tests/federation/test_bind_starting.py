"""federation/bind.py while servers are being reached: what a client knows from before is waited for, no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.e2e.gateway import InProcess, in_process, manifest_of
from tests.federation.upstreams import Seen, Upstream, never, upstream

pytestmark = pytest.mark.anyio

LIMIT = 10.0


class Slow:
    """A server that lists its tools when it is told to."""

    def __init__(self, server: Upstream) -> None:
        self.server = server
        self.listing = asyncio.Event()
        server.on["tools/list"] = self.list

    async def list(self, seen: Seen) -> bytes | None:
        await self.listing.wait()
        return await self.server.usual(seen)


@asynccontextmanager
async def starting(folder: Path) -> AsyncIterator[tuple[InProcess, Slow]]:
    """A gateway that has not reached its servers yet: one is slow, one says nothing at all."""
    async with upstream() as one, upstream() as silent:
        slow = Slow(one)
        silent.on["server/discover"] = silent.on["initialize"] = never
        manifest = manifest_of({"slow": {"url": one.url}, "silent": {"url": silent.url}})
        async with in_process(manifest, folder, settled=False) as gateway:
            yield gateway, slow


async def test_a_call_waits_for_the_tool_and_for_no_other_server(tmp_path: Path) -> None:
    async with starting(tmp_path) as (gateway, slow):
        session = await gateway.legacy()
        calls = [
            asyncio.create_task(session.tool("slow__echo", {"text": "legacy"})),
            asyncio.create_task(gateway.modern().tool("slow__echo", {"text": "modern"})),
        ]
        await slow.server.saw("tools/list")
        assert not any(call.done() for call in calls)
        slow.listing.set()
        async with asyncio.timeout(LIMIT):
            answers = [(await call).message["result"]["content"][0]["text"] for call in calls]
        assert answers == ["legacy", "modern"]
        assert not gateway.gateway.hub.settled.is_set()


async def test_lists_and_what_cannot_be_there_later_are_not_waited_for(tmp_path: Path) -> None:
    async with starting(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        async with asyncio.timeout(LIMIT):
            assert await session.tools() == []
            assert (await session.call("no/such")).message["error"]["code"] == -32601
            assert (await session.call("ping")).message["result"] == {}
        assert not gateway.gateway.hub.settled.is_set()


async def test_once_every_server_was_reached_an_unknown_tool_is_refused_at_once(tmp_path: Path) -> None:
    async with upstream() as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        session = await gateway.legacy()
        assert (await session.tool("one__nothing")).message["error"]["code"] == -32602
