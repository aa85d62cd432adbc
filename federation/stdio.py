"""A `Link` to a server that is a child process: one JSON-RPC message per line on its pipes.

Source: MCP 2025-11-25, basic/transports, stdio. Knows lines and the reasons for which a
link ends; not JSON-RPC, not restarting. Above: the JSON-RPC peer and the supervisor.
Below: `process` (which owns the child) and `stdio_lines`.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from ..core.tasks import Tasks
from .link import Link, LinkClosed, LinkStalled
from .process import ProcessTable
from .process_command import StdioCommand
from .stdio_lines import LineTooLong, MessageLines, as_line, is_message
from .stdio_stderr import StderrLog

MAX_MESSAGE = 64 * 1024 * 1024
QUEUE_BYTES = 1024 * 1024
"""Bytes of messages that wait to be received beyond which reading pauses (one message more may wait)."""
QUEUE_MESSAGES = 1024
REMAINDER = 2 * 1024 * 1024
"""Bytes beyond the queue that a dead child may have left in its pipe; more can only come from survivors."""
NOISE = 100
"""Lines in a row that are not JSON after which the other side is held not to be an MCP server."""
SEND_PATIENCE = 30.0
LAST_LINE = 300
"""Characters of the last line on standard error that a reason quotes."""


async def open_stdio(
    command: StdioCommand,
    processes: ProcessTable,
    *,
    max_message: int = MAX_MESSAGE,
    on_stderr: Callable[[str], None] | None = None,
) -> Link:
    """Start the command and return the link to it.

    `on_stderr` takes the bounded lines of standard error; by default they go to the logger
    `fedgate.server.NAME`. Raises `UpstreamRefused` with what to try, or `Overloaded`.
    """
    return StdioLink(command, processes, max_message, on_stderr)


class StdioLink:
    """See `Link`. The child and everything it started end with the link, whichever side ends it."""

    def __init__(
        self,
        command: StdioCommand,
        processes: ProcessTable,
        max_message: int = MAX_MESSAGE,
        on_stderr: Callable[[str], None] | None = None,
    ) -> None:
        self.name = command.name
        self.endpoint = command.endpoint
        self.send_patience = SEND_PATIENCE
        """Seconds that a message waits for a server that does not read."""
        self._log = logging.getLogger(f"fedgate.server.{command.name}")
        self._clock = processes.clock
        self._max_message = max_message
        self._lines = MessageLines(max_message)
        self._stderr = StderrLog(on_stderr or self._log.info, processes.clock, command.secrets)
        self._rest: asyncio.Task[None] | None = None
        self._messages: deque[bytes] = deque()
        self._queued = 0
        self._noise = 0
        self._warned = False
        self._reason = ""
        self._changed = asyncio.Event()
        self._tasks = Tasks(f"stdio.{command.name}")
        self._child = processes.start(command, self._on_output)
        self._tasks.start(self._watch(), "watch")

    def __repr__(self) -> str:
        return f"StdioLink({self.name!r}, {self._child!r}, {self.statistics()})"

    def statistics(self) -> dict[str, int]:
        """What waits to be received: `messages`, `bytes`."""
        return {"messages": len(self._messages), "bytes": self._queued}

    @property
    def pid(self) -> int:
        """The process id of the child, which is also the id of its group."""
        return self._child.pid

    async def send(self, message: bytes) -> None:
        if self._reason:
            raise LinkClosed(self._reason)
        try:
            async with asyncio.timeout(self.send_patience):
                await self._child.stdin.send(as_line(message))
        except TimeoutError as error:
            raise LinkStalled(f"it has not read its input for {self.send_patience:g} s") from error
        except BrokenPipeError as error:
            if not self._reason:
                await self._child.settle()
                self._end(self._explain_end("closed its standard input"))
            raise LinkClosed(self._reason) from error

    async def receive(self) -> bytes:
        while not self._messages:
            if self._reason:
                raise LinkClosed(self._reason)
            self._changed.clear()
            await self._changed.wait()
        message = self._messages.popleft()
        self._queued -= len(message)
        if not self._is_full(QUEUE_BYTES // 2, QUEUE_MESSAGES // 2):
            self._child.stdout.resume()
        return message

    async def aclose(self) -> None:
        self._end("the gateway closed the link")
        self._messages.clear()
        self._queued = 0
        await self._child.stop()
        await self._tasks.aclose()
        self._stderr.flush()

    async def _watch(self) -> None:
        """From the first sign of the end to the last: its words are read, its reason is told, nothing stays."""
        await self._child.ending.wait()
        await self._child.settle()
        self._end(self._explain_end("closed its standard output"))
        await self._child.stop()
        self._stderr.flush()

    def _explain_end(self, otherwise: str) -> str:
        """How the child ended, with its last words if they may tell why; `otherwise` if it still runs."""
        self._stderr.flush()
        last = self._stderr.last[:LAST_LINE]
        words = f"; its last words: {last}" if last else ""
        return f"it {self._child.fate or otherwise}{words}"

    def _end(self, reason: str) -> None:
        """No message is taken any more. The first reason stays."""
        self._reason = self._reason or reason
        self._child.ending.set()
        self._changed.set()

    def _is_full(self, size: int, count: int) -> bool:
        return self._queued > size or len(self._messages) > count

    def _on_output(self, stream: int, data: bytes) -> None:
        if stream == 1:
            self._on_stdout(data)
        else:
            self._on_stderr(data)

    def _on_stdout(self, data: bytes) -> None:
        if self._reason or self._queued > QUEUE_BYTES + REMAINDER + self._max_message:
            return
        try:
            for line in self._lines.feed(data):
                self._take(line)
        except LineTooLong as error:
            self._end(error.message)
        if self._is_full(QUEUE_BYTES, QUEUE_MESSAGES):
            self._child.stdout.pause()
        self._changed.set()

    def _take(self, line: bytes) -> None:
        if is_message(line):
            self._noise = 0
            self._messages.append(line)
            self._queued += len(line)
            return
        self._noise += 1
        if not self._warned:
            self._warned = True
            self._log.warning(
                "wrote a line to standard output that is not JSON: it is skipped, and so are later ones "
                "(logs belong on standard error): %r",
                self._stderr.mask(line[:4096].decode("utf-8", "replace"))[:200],
            )
        if self._noise >= NOISE:
            self._end(
                f"it wrote {NOISE} lines in a row to standard output that are not JSON; "
                "is it an MCP server that speaks stdio?"
            )

    def _on_stderr(self, data: bytes) -> None:
        self._stderr.feed(data)
        if self._stderr.over:
            self._child.stderr.pause()
        if (self._stderr.over or self._stderr.suppressed) and (self._rest is None or self._rest.done()):
            self._rest = self._tasks.start(self._rest_stderr(), "stderr")

    async def _rest_stderr(self) -> None:
        await self._clock.sleep(self._stderr.remaining)
        self._stderr.roll()
        self._child.stderr.resume()
