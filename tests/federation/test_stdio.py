"""federation/stdio.py, with real processes on both event loops."""

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from fedgate.core.clock import SystemClock
from fedgate.core.errors import UpstreamRefused
from fedgate.core.tasks import Tasks
from fedgate.federation.link import Link, LinkClosed, LinkStalled
from fedgate.federation.process import ProcessTable
from fedgate.federation.process_command import StdioCommand
from fedgate.federation.stdio import NOISE, QUEUE_BYTES, StdioLink, open_stdio

pytestmark = pytest.mark.anyio

SCRIPT = Path(__file__).with_name("stdio_child.py")


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, object]]:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def processes() -> AsyncIterator[ProcessTable]:
    processes = ProcessTable(SystemClock(), grace=0.2)
    yield processes
    async with asyncio.timeout(10):
        await processes.aclose()
    assert processes.live == 0


def act(*args: str, env: dict[str, str] | None = None) -> StdioCommand:
    return StdioCommand("actor", sys.executable, ("-S", "-E", str(SCRIPT), *args), env or {})


async def receive(link: Link) -> bytes:
    async with asyncio.timeout(20):
        return await link.receive()


async def reason_of(link: Link) -> str:
    """Why the link ended."""
    with pytest.raises(LinkClosed) as closed:
        await receive_all(link)
    return closed.value.message


async def receive_all(link: Link) -> None:
    while True:
        await receive(link)


async def close(link: Link) -> None:
    async with asyncio.timeout(5):
        await link.aclose()


async def eventually(condition: Callable[[], bool]) -> None:
    """For what has no event: look until it is so, for a bounded time."""
    async with asyncio.timeout(10):
        while not condition():
            await SystemClock().sleep(0.01)


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state in "ZX"


def assert_reaped(pid: int) -> None:
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def test_messages_go_and_come_in_order(processes: ProcessTable) -> None:
    link = await open_stdio(act("echo"), processes)
    for number in range(100):
        await link.send(b'{"id": %d}' % number)
    assert [await receive(link) for _ in range(100)] == [b'{"id": %d}' % number for number in range(100)]
    assert link.name == "actor"
    assert link.endpoint.startswith(Path(sys.executable).name)
    await close(link)
    assert processes.live == 0


async def test_a_message_with_newlines_arrives_as_one(processes: ProcessTable) -> None:
    link = await open_stdio(act("echo"), processes)
    await link.send(b'{\r\n  "a": 1\n}\n')
    assert json.loads(await receive(link)) == {"a": 1}
    await close(link)


async def test_banners_are_skipped_and_logged_once(processes: ProcessTable, caplog: pytest.LogCaptureFixture) -> None:
    link = await open_stdio(act("banner"), processes)
    assert [await receive(link), await receive(link)] == [b'{"first": 1}', b'{"second": 2}']
    await link.send(b'{"third": 3}')
    assert await receive(link) == b'{"third": 3}'
    warnings = [r for r in caplog.records if r.levelno == logging.WARNING]
    assert [r.name for r in warnings] == ["fedgate.server.actor"]
    assert "'Welcome to the server!'" in warnings[0].getMessage()
    await close(link)


async def test_lines_that_are_not_json_end_the_link_only_when_there_are_too_many(processes: ProcessTable) -> None:
    link = await open_stdio(act("noise", str(NOISE - 1)), processes)
    assert await receive(link) == b'{"after": "noise"}'
    await close(link)
    link = await open_stdio(act("noise", str(NOISE)), processes)
    assert await reason_of(link) == (
        "it wrote 100 lines in a row to standard output that are not JSON; is it an MCP server that speaks stdio?"
    )
    await close(link)


async def test_a_message_of_ten_megabytes_passes_both_ways(processes: ProcessTable) -> None:
    link = await open_stdio(act("big", "10000000"), processes)
    big = await receive(link)
    assert json.loads(big) == {"text": "x" * 10_000_000}
    async with asyncio.timeout(10):
        await link.send(big)
    assert await receive(link) == big
    await close(link)


async def test_a_message_beyond_the_limit_ends_the_link(processes: ProcessTable) -> None:
    link = await open_stdio(act("big", "100000"), processes, max_message=65_536)
    assert await reason_of(link) == "it sent a message of more than 65536 bytes"
    await close(link)


async def test_nothing_is_read_ahead_beyond_the_queue_and_nothing_is_lost(processes: ProcessTable) -> None:
    reached = asyncio.Event()
    link = StdioLink(act("pump", "200"), processes, on_stderr=lambda _: reached.set())
    peak = 0
    await eventually(lambda: link.statistics()["bytes"] > QUEUE_BYTES)
    for number in range(200):
        peak = max(peak, link.statistics()["bytes"])
        assert number > 20 or not reached.is_set()
        assert json.loads(await receive(link))["number"] == number
    assert QUEUE_BYTES < peak <= QUEUE_BYTES + 2 * 65_536
    await close(link)


async def test_standard_error_goes_to_the_log_under_the_servers_name(
    processes: ProcessTable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    link = await open_stdio(act("die"), processes)
    await reason_of(link)
    lines = [(r.name, r.levelname, r.getMessage()) for r in caplog.records if r.name.startswith("fedgate.server")]
    assert lines == [
        ("fedgate.server.actor", "INFO", "starting"),
        ("fedgate.server.actor", "INFO", "ModuleNotFoundError: no module named 'nothing'"),
    ]
    await close(link)


async def test_a_flood_on_standard_error_is_counted_and_the_server_goes_on(processes: ProcessTable) -> None:
    lines: list[str] = []
    said = asyncio.Event()

    def sink(line: str) -> None:
        lines.append(line)
        if line.startswith("(suppressed"):
            said.set()

    link = await open_stdio(act("flood", "200000"), processes, on_stderr=sink)
    assert await receive(link) == b'{"flood": "over"}'
    async with asyncio.timeout(5):
        await said.wait()
    assert lines[:2] == ["line 0", "line 1"]
    await close(link)
    counted = sum(int(line.split()[1]) for line in lines if line.startswith("(suppressed"))
    assert counted + sum(line.startswith("line") for line in lines) == 200_000


async def test_a_flood_beyond_the_bytes_of_a_second_must_wait(processes: ProcessTable) -> None:
    lines: list[str] = []
    link = await open_stdio(act("flood", "1700000"), processes, on_stderr=lines.append)
    assert await receive(link) == b'{"flood": "over"}'
    await close(link)
    assert sum(line.startswith("(suppressed") for line in lines) >= 2


async def test_a_flood_without_newlines_waits_and_then_goes_on(processes: ProcessTable) -> None:
    lines: list[str] = []
    link = await open_stdio(act("long_log", "20000000"), processes, on_stderr=lines.append)
    assert await receive(link) == b'{"log": "over"}'
    await close(link)
    assert lines == ["x" * 4096]


async def test_a_server_that_exits_at_once_says_its_code_and_last_words(processes: ProcessTable) -> None:
    link = await open_stdio(act("die"), processes)
    reason = "it exited with code 3; its last words: ModuleNotFoundError: no module named 'nothing'"
    assert await reason_of(link) == reason
    with pytest.raises(LinkClosed, match="exited with code 3"):
        await link.send(b"{}")
    assert await reason_of(link) == reason
    await close(link)


async def test_last_words_do_not_tell_the_servers_secret(processes: ProcessTable) -> None:
    link = await open_stdio(act("leak", env={"API_TOKEN": "hunter2"}), processes)
    assert await reason_of(link) == "it exited with code 1; its last words: cannot log in with ***"
    await close(link)


async def test_what_a_server_says_before_it_exits_is_still_received(processes: ProcessTable) -> None:
    link = await open_stdio(act("last_message"), processes)
    assert await receive(link) == b'{"last": "message"}'
    assert await reason_of(link) == "it exited with code 0"
    await close(link)


async def test_a_killed_server_is_named_with_its_signal_and_nothing_of_it_stays(processes: ProcessTable) -> None:
    link = StdioLink(act("family"), processes)
    grandchild = json.loads(await receive(link))["grandchild"]
    os.kill(link.pid, signal.SIGKILL)
    async with asyncio.timeout(2):
        assert await reason_of(link) == "it was killed by SIGKILL"
    await close(link)
    assert_reaped(link.pid)
    assert is_gone(grandchild)
    assert processes.live == 0


async def test_a_dead_servers_family_goes_even_if_nobody_closes_the_link(processes: ProcessTable) -> None:
    link = StdioLink(act("family", "stubborn"), processes)
    grandchild = json.loads(await receive(link))["grandchild"]
    os.kill(link.pid, signal.SIGKILL)
    async with asyncio.timeout(1):
        await reason_of(link)
    assert not is_gone(grandchild)
    await eventually(lambda: not processes.live)
    assert is_gone(grandchild)


async def test_a_server_that_ignores_sigterm_is_killed_in_time(processes: ProcessTable) -> None:
    link = StdioLink(act("stubborn"), processes)
    await receive(link)
    await close(link)
    assert is_gone(link.pid)


async def test_a_server_that_closes_its_output_is_ended(processes: ProcessTable) -> None:
    link = StdioLink(act("closes_stdout"), processes)
    await receive(link)
    assert await reason_of(link) == "it closed its standard output"
    await close(link)
    assert is_gone(link.pid)


async def test_sending_to_a_server_that_closed_its_input_says_so(processes: ProcessTable) -> None:
    link = await open_stdio(StdioCommand("x", "/bin/sh", ("-c", "exec 0<&-; echo '{}'; sleep 1000")), processes)
    assert await receive(link) == b"{}"
    async with asyncio.timeout(2):
        with pytest.raises(LinkClosed, match="it closed its standard input"):
            await link.send(b"{}")
    assert await reason_of(link) == "it closed its standard input"
    await close(link)


async def test_a_cancelled_receive_loses_nothing(processes: ProcessTable) -> None:
    link = await open_stdio(act("echo"), processes)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await link.receive()
    await link.send(b'{"id": 1}')
    assert await receive(link) == b'{"id": 1}'
    await close(link)


async def test_a_cancelled_send_was_sent_whole_or_not_at_all(processes: ProcessTable) -> None:
    link = StdioLink(act("deaf_until_told"), processes)
    await receive(link)
    first = json.dumps({"id": 1, "text": "x" * 1_000_000}).encode()
    await link.send(first)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await link.send(b'{"id": 2}')
    os.kill(link.pid, signal.SIGUSR1)
    assert await receive(link) == first
    await link.send(b'{"id": 3}')
    assert await receive(link) == b'{"id": 3}'
    await close(link)


async def test_a_server_that_does_not_read_stalls_the_sender_for_a_bounded_time(processes: ProcessTable) -> None:
    link = StdioLink(act("deaf_until_told"), processes)
    await receive(link)
    link.send_patience = 0.05
    await link.send(b'{"text": "%s"}' % (b"x" * 1_000_000))
    with pytest.raises(LinkStalled, match=r"it has not read its input for 0\.05 s"):
        await link.send(b"{}")
    await close(link)


async def test_closing_wakes_those_who_wait(processes: ProcessTable) -> None:
    link = await open_stdio(act("deaf_until_told"), processes)
    await receive(link)
    await link.send(b'{"text": "%s"}' % (b"x" * 1_000_000))
    tasks = Tasks("test")
    waiting = [tasks.start(link.receive(), "receive"), tasks.start(link.send(b"{}"), "send")]
    await asyncio.wait(waiting, timeout=0.01)
    await close(link)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [str(result) for result in results] == ["the gateway closed the link"] * 2
    await close(link)
    await tasks.aclose()


async def test_closing_drops_what_was_not_received(processes: ProcessTable) -> None:
    link = StdioLink(act("banner"), processes)
    await receive(link)
    await close(link)
    assert link.statistics() == {"messages": 0, "bytes": 0}
    assert "messages" in repr(link)
    with pytest.raises(LinkClosed, match="the gateway closed the link"):
        await link.receive()


async def test_a_cancelled_close_still_ends_the_server(processes: ProcessTable) -> None:
    link = StdioLink(act("stubborn"), processes)
    await receive(link)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await link.aclose()
    await eventually(lambda: not processes.live)
    assert is_gone(link.pid)


async def test_a_server_sees_only_the_allowed_environment(
    processes: ProcessTable, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    monkeypatch.setenv("HOME", "/home/somebody")
    command = act("environment", env={"API_TOKEN": "mine"})
    command = StdioCommand(command.name, command.command, command.args, command.env, str(tmp_path))
    link = await open_stdio(command, processes)
    seen = json.loads(await receive(link))
    assert seen["cwd"] == str(tmp_path)
    assert seen["env"]["HOME"] == "/home/somebody"
    assert seen["env"]["API_TOKEN"] == "mine"
    allowed = {"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "USER", "API_TOKEN"}
    extra = {k for k in seen["env"] if not k.startswith(("LC_", "XDG_"))} - allowed
    assert extra <= {"__CF_USER_TEXT_ENCODING"}
    await close(link)


async def test_a_command_that_cannot_be_started_is_refused(processes: ProcessTable) -> None:
    with pytest.raises(UpstreamRefused, match="not found on PATH"):
        await open_stdio(StdioCommand("x", "no-such-server"), processes)
    assert processes.live == 0


async def test_fifty_links_leave_no_process_and_no_descriptor(processes: ProcessTable) -> None:
    before = descriptors()
    links = [StdioLink(StdioCommand(f"cat{n}", "cat"), processes) for n in range(50)]
    assert processes.live == 50
    for link in links:
        await link.send(b'{"to": "%s"}' % link.name.encode())
    for link in links:
        assert json.loads(await receive(link)) == {"to": link.name}
    async with asyncio.timeout(10):
        await asyncio.gather(*(link.aclose() for link in links))
    assert processes.live == 0
    for link in links:
        assert_reaped(link.pid)
    assert descriptors() == before
