"""Upstream servers that end and come back while clients work: real processes all over."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Literal

import pytest

from tests.e2e.caller import Got
from tests.e2e.gateway import AsProcess, as_process, environment, free_port, manifest_of, until

pytestmark = pytest.mark.anyio

HERE = Path(__file__).parent
STDIO = {"command": sys.executable, "args": ["-S", "-E", str(HERE / "stdio_server.py")]}
LIMIT = 20.0

Era = Literal["legacy", "modern"]


@asynccontextmanager
async def server_process(port: int, era: Era) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(HERE / "http_server.py"), str(port), era),
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT):
            assert await process.stdout.readline() == b"listening %d\n" % port
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


class Load:
    """Callers of both eras that list and call until they are told to stop."""

    def __init__(self, gateway: AsProcess) -> None:
        self.gateway = gateway
        self.lists: list[Got] = []
        self.calls: list[Got] = []
        self.stopping = False

    @staticmethod
    def good(got: Got) -> bool:
        return "result" in got.message

    async def legacy(self) -> None:
        session = await self.gateway.legacy()
        while not self.stopping:
            self.lists.append(await session.call("tools/list"))
            self.calls.append(await session.tool("one__echo", {"text": "x"}))

    async def modern(self) -> None:
        client = self.gateway.modern()
        while not self.stopping:
            self.lists.append(await client.call("tools/list"))
            self.calls.append(await client.tool("one__echo", {"text": "x"}))

    async def more_good_calls(self, count: int) -> None:
        """Wait until so many further calls went well."""
        begun = len(self.calls)
        await until(lambda: sum(self.good(got) for got in self.calls[begun:]) >= count)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_a_restart_of_a_server_under_load_is_seen_in_calls_alone_and_only_while_it_is_away(
    era: Era, tmp_path: Path
) -> None:
    port = free_port()
    manifest = manifest_of({"one": {"url": f"http://127.0.0.1:{port}/mcp"}})
    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(server_process(port, era))
        gateway = await stack.enter_async_context(as_process(manifest, tmp_path))
        load = Load(gateway)
        async with asyncio.TaskGroup() as callers:
            for work in (load.legacy, load.legacy, load.modern, load.modern):
                callers.create_task(work())
            await load.more_good_calls(40)
            first.kill()
            await first.wait()
            await stack.enter_async_context(server_process(port, era))
            await load.more_good_calls(8)
            settled = len(load.calls)
            await load.more_good_calls(40)
            load.stopping = True
        await gateway.server("one", lambda entry: entry["state"] == "ready")
    for got in load.lists:
        assert got.status == 200
        assert [tool["name"] for tool in got.message["result"]["tools"]] == ["one__echo"]
    for got in load.calls:
        assert got.status == 200
        if not load.good(got):
            assert got.message["error"]["code"] == -32000
            assert got.message["error"]["data"]["server"] == "one"
    assert [got.body for got in load.calls[settled:] if not load.good(got)] == []


def children(pid: int) -> dict[int, str]:
    """The child processes of a process and their states."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
            if int(parent) == pid:
                found[int(stat.parent.name)] = state
    return found


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_killed_process_leaves_no_zombie_and_is_started_again(tmp_path: Path) -> None:
    async with as_process(manifest_of({"one": STDIO}), tmp_path) as gateway:
        session = await gateway.legacy()
        pids = []
        for count in (1, 2, 3):
            pids.append(int(_text(await session.tool("one__pid"))))
            os.kill(pids[-1], signal.SIGKILL)
            await gateway.errors.saw("server one is lost: it was killed by SIGKILL", count)
            assert pids[-1] not in children(gateway.pid)
            assert "one__echo" in await session.tools()
            await gateway.server("one", lambda entry: entry["state"] == "ready")
        assert _text(await session.tool("one__echo", {"text": "again"})) == "again"
        assert len(set(pids)) == 3
        assert len(children(gateway.pid)) == 1
        assert await gateway.metric("fedgate_stdio_processes") == 1


def _text(got: Got) -> str:
    text: str = got.message["result"]["content"][0]["text"]
    return text


async def test_the_processes_of_a_gateway_end_with_it(tmp_path: Path) -> None:
    async with as_process(manifest_of({"one": STDIO, "two": STDIO}), tmp_path) as gateway:
        session = await gateway.legacy()
        pids = [int(_text(await session.tool(f"{name}__pid"))) for name in ("one", "two")]
        assert sorted(children(gateway.pid)) == sorted(pids)
    assert gateway.process.returncode == 0
    assert not [pid for pid in pids if exists(pid)]


async def test_a_server_that_comes_later_appears_by_itself(tmp_path: Path) -> None:
    port = free_port()
    manifest = manifest_of({"late": {"url": f"http://127.0.0.1:{port}/mcp"}, "one": STDIO})
    async with as_process(manifest, tmp_path) as gateway:
        session = await gateway.legacy()
        assert "late__echo" not in await session.tools()
        async with session.listen() as news, server_process(port, "modern"):
            assert (await news.message())["method"] == "notifications/tools/list_changed"
            assert "late__echo" in await session.tools()
            assert _text(await session.tool("late__echo", {"text": "here"})) == "here"
