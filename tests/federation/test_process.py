"""federation/process.py and process_pipes.py, with real processes on both event loops."""

import asyncio
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from fedgate.core.clock import SystemClock
from fedgate.core.errors import Overloaded, UpstreamRefused
from fedgate.federation.process import Child, ProcessTable, watch_exit_by_thread
from fedgate.federation.process_command import StdioCommand

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).with_name("stdio_child.py")
SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def table() -> AsyncIterator[ProcessTable]:
    table = ProcessTable(SystemClock(), grace=0.2)
    yield table
    async with asyncio.timeout(10):
        await table.aclose()
    assert table.live == 0


class Heard:
    """What a child wrote, and a way to wait for it."""

    def __init__(self) -> None:
        self.streams: dict[int, bytes] = {1: b"", 2: b""}
        self._more = asyncio.Event()

    def __call__(self, stream: int, data: bytes) -> None:
        self.streams[stream] += data
        self._more.set()

    async def line(self) -> bytes:
        """The first line on standard output."""
        async with asyncio.timeout(10):
            while b"\n" not in self.streams[1]:
                self._more.clear()
                await self._more.wait()
        return self.streams[1].split(b"\n")[0]


def act(*args: str) -> StdioCommand:
    return StdioCommand("actor", sys.executable, ("-S", "-E", str(SCRIPT), *args))


def shell(script: str) -> StdioCommand:
    return StdioCommand("shell", "/bin/sh", ("-c", script))


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def exists(pid: int) -> bool:
    """Also as a zombie."""
    return Path(f"/proc/{pid}").exists()


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def assert_reaped(child: Child) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(child.pid, os.WNOHANG)


async def happens(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_a_child_leads_a_session_and_a_group_of_its_own(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("echo"), heard)
    await child.stdin.send(b"hello\n")
    assert await heard.line() == b"hello"
    assert os.getsid(child.pid) == os.getpgid(child.pid) == child.pid
    assert table.live == 1
    assert repr(child) == f"Child(pid={child.pid}, returncode=None)"
    assert child.fate == ""
    await child.stop()
    assert child.returncode == 0
    assert table.live == 0
    assert repr(table) == "ProcessTable(live=0, limit=512)"
    assert_reaped(child)


async def test_a_shell_script_can_write_to_dev_stderr(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(shell("echo oops > /dev/stderr; echo done"), heard)
    assert await heard.line() == b"done"
    await child.settle()
    assert heard.streams[2] == b"oops\n"


async def test_the_exit_is_seen_at_once_though_a_grandchild_holds_the_pipes(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("family", "stubborn"), heard)
    grandchild = json.loads(await heard.line())["grandchild"]
    os.kill(child.pid, signal.SIGKILL)
    async with asyncio.timeout(1):
        await child.exited.wait()
    assert child.fate == "was killed by SIGKILL"
    assert not child.stdout.ended.is_set()
    assert not is_gone(grandchild)
    await child.stop()
    assert is_gone(grandchild)
    assert_reaped(child)


async def test_a_grandchild_is_asked_to_end_as_soon_as_its_parent_has_died(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("family"), heard)
    await heard.line()
    os.kill(child.pid, signal.SIGKILL)
    await happens(child.stdout.ended)
    assert table.live == 1


async def test_a_child_that_ignores_sigterm_is_killed(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("stubborn"), heard)
    await heard.line()
    async with asyncio.timeout(5):
        await child.stop()
    assert child.fate == "was killed by SIGKILL"
    assert_reaped(child)


async def test_a_child_that_ignores_the_end_of_input_gets_sigterm(table: ProcessTable) -> None:
    child = table.start(shell("exec sleep 1000"), Heard())
    async with asyncio.timeout(2):
        await child.stop()
    assert child.fate == "was killed by SIGTERM"


async def test_a_stopped_child_is_killed(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("echo"), heard)
    os.kill(child.pid, signal.SIGSTOP)
    async with asyncio.timeout(5):
        await child.stop()
    assert child.fate == "was killed by SIGKILL"


async def test_a_child_that_waits_for_its_output_to_be_read_can_exit_when_stopped(table: ProcessTable) -> None:
    child = table.start(shell("head -c 1000000 /dev/zero; cat"), Heard())
    child.stdout.pause()
    async with asyncio.timeout(5):
        await child.stop()
    assert child.returncode == 0


async def test_stopping_a_child_that_has_already_died_is_quick(table: ProcessTable) -> None:
    child = table.start(shell("exit 7"), Heard())
    await happens(child.exited)
    async with asyncio.timeout(1):
        await child.stop()
        await child.stop()
    assert child.fate == "exited with code 7"
    with pytest.raises(BrokenPipeError):
        await child.stdin.send(b"late")


async def test_stopping_goes_on_when_the_caller_is_cancelled(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("stubborn"), heard)
    await heard.line()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await child.stop()
    assert table.live == 1
    await happens(child.exited)


async def test_an_unknown_signal_has_a_number(table: ProcessTable) -> None:
    child = table.start(shell("kill -40 $$"), Heard())
    await happens(child.exited)
    assert child.fate in ("was killed by signal 40", "was killed by SIGRTMIN+6")


async def test_the_last_resort_kills_everything_at_once(table: ProcessTable) -> None:
    heard = Heard()
    children = [table.start(act("stubborn"), Heard()), table.start(act("family", "stubborn"), heard)]
    grandchild = json.loads(await heard.line())["grandchild"]
    table.kill_all_nowait()
    for child in children:
        await happens(child.exited)
        assert child.fate == "was killed by SIGKILL"
    await table.aclose()
    assert is_gone(grandchild)


async def test_closing_the_table_stops_all_and_refuses_new_ones() -> None:
    table = ProcessTable(SystemClock())
    children = [table.start(shell("cat"), Heard()) for _ in range(5)]
    async with asyncio.timeout(5):
        await table.aclose()
    assert [child.returncode for child in children] == [0] * 5
    with pytest.raises(UpstreamRefused, match="shutting down"):
        table.start(shell("cat"), Heard())


async def test_the_table_is_bounded() -> None:
    table = ProcessTable(SystemClock(), limit=1)
    child = table.start(shell("cat"), Heard())
    with pytest.raises(Overloaded, match="1 server processes run already"):
        table.start(shell("cat"), Heard())
    await child.stop()
    table.start(shell("cat"), Heard())
    await table.aclose()


async def test_a_command_that_does_not_exist_is_refused_and_leaves_nothing(table: ProcessTable) -> None:
    before = descriptors()
    with pytest.raises(UpstreamRefused, match="not found on PATH"):
        table.start(StdioCommand("x", "no-such-server"), Heard())
    with pytest.raises(UpstreamRefused, match="working directory"):
        table.start(StdioCommand("x", "cat", cwd="/nowhere"), Heard())
    with pytest.raises(UpstreamRefused, match=r"chmod \+x"):
        table.start(StdioCommand("x", str(SCRIPT)), Heard())
    assert descriptors() == before
    assert table.live == 0


def start_cat() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["cat"], stdin=subprocess.PIPE)


async def test_without_process_descriptors_a_thread_sees_the_exit() -> None:
    popen = start_cat()
    exited = asyncio.Event()
    watch_exit_by_thread(popen, exited.set)
    assert popen.stdin is not None
    popen.stdin.close()
    await happens(exited)
    assert popen.returncode == 0


@pytest.fixture
def as_process_one() -> Iterator[None]:
    """Orphans of our descendants become our children, as for process 1 of a container."""
    libc = ctypes.CDLL(None)
    libc.prctl(SUBREAPER, 1, 0, 0, 0)
    yield
    libc.prctl(SUBREAPER, 0, 0, 0, 0)


@pytest.mark.usefixtures("as_process_one")
async def test_as_process_one_of_a_container_the_gateway_reaps_orphans_too(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(act("family"), heard)
    grandchild = json.loads(await heard.line())["grandchild"]
    await child.stop()
    assert not exists(grandchild)


async def test_a_big_buffer_is_taken_piece_by_piece_and_arrives_whole(table: ProcessTable) -> None:
    heard = Heard()
    child = table.start(shell("head -c 5000000 | md5sum; cat"), heard)
    data = os.urandom(5_000_000)
    async with asyncio.timeout(10):
        await child.stdin.send(data[:4_000_000])
        await child.stdin.send(data[4_000_000:])
    assert (await heard.line()).split()[0].decode() == hashlib.md5(data).hexdigest()
