"""Servers with one process per session: each client has its own, their number is bounded, and none is left."""

import asyncio
import sys
from pathlib import Path

import pytest

from tests.e2e.gateway import as_process, manifest_of, until

pytestmark = pytest.mark.anyio

SERVER = str(Path(__file__).with_name("stdio_server.py"))
LIMIT = 8


def manifest(**settings: object) -> str:
    command = {"command": sys.executable, "args": ["-S", "-E", SERVER, "legacy"], "process": "per_session"}
    return manifest_of({"one": {**command, "max_processes": LIMIT, **settings}})


def children(pid: int) -> int:
    """Living child processes of a process, zombies included."""
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_every_session_has_a_process_of_its_own_and_keeps_it(tmp_path: Path) -> None:
    async with as_process(manifest(), tmp_path) as gateway:
        alice, bob = await gateway.legacy(), await gateway.legacy()
        first = [(await session.tool("one__pid")).message for session in (alice, bob, alice)]
        pids = [answer["result"]["content"][0]["text"] for answer in first]
        assert pids[0] == pids[2] != pids[1]


@pytest.mark.slow
async def test_abandoned_sessions_leave_no_more_processes_than_the_limit_and_none_at_the_end(tmp_path: Path) -> None:
    async with as_process(manifest(), tmp_path) as gateway:
        for _ in range(20):
            sessions = [await gateway.legacy() for _ in range(5)]
            answers = await asyncio.gather(*(session.tool("one__echo", {"text": "x"}) for session in sessions))
            assert all("result" in answer.message for answer in answers)
        assert await gateway.metric("fedgate_stdio_processes") <= LIMIT + 6  # those that are being ended still count
        await until(lambda: children(gateway.pid) <= LIMIT + 1)
        pid = gateway.pid
    assert not lives(pid)
