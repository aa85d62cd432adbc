"""Child processes: started in a process group of their own, watched, stopped with all they started.

Knows pipes and signals, not what is said over them. POSIX only. Above: `stdio`, and the
assembly, which makes one `ProcessTable`, closes it last, and registers `kill_all_nowait`
with `atexit`. Below: `process_pipes`, `process_command`.

`PR_SET_PDEATHSIG` is not used: it needs code between fork and exec, which is unsafe with
threads, and it fires when the starting *thread* ends. If the gateway itself is killed,
its children see the end of their input, upon which a stdio server exits.
"""

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable

from ..core.clock import Clock
from ..core.errors import Overloaded, UpstreamRefused
from ..core.tasks import Tasks
from .process_command import StdioCommand, build_environment, explain_failure
from .process_pipes import Reader, Writer

log = logging.getLogger("fedgate.process")

GRACE = 2.0
"""Seconds to exit after the end of input; then SIGTERM, and half of it later SIGKILL."""
KILL_PATIENCE = 0.5
"""Seconds for the kernel to end what was killed. `stop` takes at most these together, group included: 5 s."""
EXIT_SIGHT = 0.5
"""Seconds between a child's closing of a pipe and its exit in which the two count as one event."""
LAST_WORDS = 0.1
"""Seconds to read what an exited child left in its pipes when a grandchild holds them open."""

Output = Callable[[int, bytes], None]
"""`(stream, data)`: what a child wrote on stream 1 (standard output) or 2 (standard error)."""


class Child:
    """One running command and its group. Made by `ProcessTable.start`."""

    def __init__(self, popen: subprocess.Popen[bytes], on_output: Output, table: "ProcessTable") -> None:
        assert popen.stdin is not None
        assert popen.stdout is not None
        assert popen.stderr is not None
        self.pid = popen.pid
        self.ending = asyncio.Event()
        """Set at the first sign of the end: exit, closed standard output, or `stop`."""
        self.exited = asyncio.Event()
        self.stdin = Writer(popen.stdin)
        self.stdout = Reader(popen.stdout, lambda data: on_output(1, data), self.ending.set)
        self.stderr = Reader(popen.stderr, lambda data: on_output(2, data), lambda: None)
        self._popen = popen
        self._table = table
        self._stopping: asyncio.Task[None] | None = None
        watch_exit(popen, self._on_exit)

    def __repr__(self) -> str:
        return f"Child(pid={self.pid}, returncode={self.returncode})"

    @property
    def returncode(self) -> int | None:
        """The exit code; `-n` if killed by signal n; `None` while it runs."""
        return self._popen.returncode

    @property
    def fate(self) -> str:
        """`exited with code 1`, `was killed by SIGKILL`; empty while it runs."""
        code = self.returncode
        if code is None:
            return ""
        if code >= 0:
            return f"exited with code {code}"
        try:
            return f"was killed by {signal.Signals(-code).name}"
        except ValueError:
            return f"was killed by signal {-code}"

    def _on_exit(self) -> None:
        # Before it is reaped: the zombie still holds the group's number, so this reaches no stranger.
        self._signal_group(signal.SIGTERM)
        self._popen.poll()
        self.exited.set()
        self.ending.set()

    async def settle(self) -> None:
        """After `ending`: wait, at most 0.6 s, until its exit is known and its last output was delivered."""
        self.stdout.drain()
        self.stderr.drain()
        if await _happens(self.exited.wait(), EXIT_SIGHT):
            await _happens(asyncio.gather(self.stdout.ended.wait(), self.stderr.ended.wait()), LAST_WORDS)

    def stop_nowait(self) -> asyncio.Task[None]:
        """Begin to stop; the task, which nobody's cancellation reaches, ends when nothing is left."""
        if self._stopping is None:
            self._stopping = self._table.tasks.start(self._stop(), f"stop.{self.pid}")
        return self._stopping

    async def stop(self) -> None:
        """End of input, then SIGTERM, then SIGKILL to the whole group; reap. At most 5 s. Idempotent.

        If the caller is cancelled, stopping goes on without it.
        """
        await asyncio.shield(self.stop_nowait())

    async def _stop(self) -> None:
        self.ending.set()
        self.stdout.drain()
        self.stderr.drain()
        self.stdin.close()
        grace = self._table.grace
        if not await _happens(self.exited.wait(), grace):
            self._signal_group(signal.SIGTERM)
            if not await _happens(self.exited.wait(), grace / 2):
                self._signal_group(signal.SIGKILL)
                if not await _happens(self.exited.wait(), KILL_PATIENCE):
                    log.error("process %d cannot be killed: it hangs in the kernel", self.pid)
        await self._clear_group()
        self.stdout.close()
        self.stderr.close()
        self._table.forget(self)

    async def _clear_group(self) -> None:
        """End what the child started and left behind."""
        clock = self._table.clock
        for number, patience in ((signal.SIGTERM, self._table.grace / 2), (signal.SIGKILL, KILL_PATIENCE)):
            until = clock.monotonic() + patience
            lives = self._signal_group(number)
            while lives and clock.monotonic() < until:
                await clock.sleep(0.01)
                lives = self._signal_group(0)
            if not lives:
                return

    def kill_nowait(self) -> None:
        """SIGKILL to the whole group; nothing is awaited or reaped."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, number: int) -> bool:
        """Send the signal (0: none, only look); whether there was anybody to receive it."""
        self._reap_orphans()
        try:
            os.killpg(self.pid, number)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _reap_orphans(self) -> None:
        """In a container the gateway may be process 1: orphans of the group become its children, and zombies."""
        if self.returncode is None:
            return
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-self.pid, os.WNOHANG)[0]:
                pass


class ProcessTable:
    """All live children of the gateway, at most `limit`. Needs a clock that runs by itself."""

    def __init__(self, clock: Clock, *, limit: int = 512, grace: float = GRACE) -> None:
        self.clock = clock
        self.grace = grace
        self.tasks = Tasks("processes", grace=6.0)
        self._limit = limit
        self._children: set[Child] = set()
        self._closed = False

    def __repr__(self) -> str:
        return f"ProcessTable(live={self.live}, limit={self._limit})"

    @property
    def live(self) -> int:
        """How many children have not been stopped to the end (the gauge `stdio_processes`)."""
        return len(self._children)

    def start(self, command: StdioCommand, on_output: Output) -> Child:
        """Start the command. Raises `UpstreamRefused` with what to try, or `Overloaded` at the limit.

        Not a coroutine, so that no cancellation can fall between the fork and the table.
        """
        if self._closed:
            raise UpstreamRefused("the gateway is shutting down")
        if self.live >= self._limit:
            raise Overloaded(f"{self.live} server processes run already, which is the limit")
        try:
            popen = subprocess.Popen(
                [command.command, *command.args],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                cwd=command.cwd,
                env=build_environment(os.environ, command.env),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise UpstreamRefused(explain_failure(command, error)) from error
        child = Child(popen, on_output, self)
        self._children.add(child)
        return child

    def forget(self, child: Child) -> None:
        """The child and its group are gone."""
        self._children.discard(child)

    def kill_all_nowait(self) -> None:
        """Last resort, for `atexit` and signal handlers: SIGKILL to every group, without waiting."""
        for child in tuple(self._children):
            child.kill_nowait()

    async def aclose(self) -> None:
        """Stop all children at once and wait, at most about 6 s; nothing can be started any more."""
        self._closed = True
        stopping = [child.stop_nowait() for child in self._children]
        if stopping:
            await asyncio.wait(stopping, timeout=6.0)
        await self.tasks.aclose()


def watch_exit(popen: subprocess.Popen[bytes], on_exit: Callable[[], None]) -> None:
    """Call `on_exit` on this loop as soon as the process has exited, whoever holds its pipes."""
    loop = asyncio.get_running_loop()
    try:
        descriptor = os.pidfd_open(popen.pid)
    except (AttributeError, OSError):  # not Linux, or a sandbox that forbids it
        watch_exit_by_thread(popen, on_exit)
        return

    def readable() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        on_exit()

    loop.add_reader(descriptor, readable)


def watch_exit_by_thread(popen: subprocess.Popen[bytes], on_exit: Callable[[], None]) -> None:
    """The same with a waiting thread, where there are no process descriptors."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        popen.wait()
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to tell
            loop.call_soon_threadsafe(on_exit)

    threading.Thread(target=wait, name=f"fedgate-wait-{popen.pid}", daemon=True).start()


async def _happens(event: Awaitable[object], seconds: float) -> bool:
    """Whether it happens within so many seconds."""
    try:
        async with asyncio.timeout(seconds):
            await event
    except TimeoutError:
        return False
    return True
