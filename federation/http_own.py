"""The own stream (GET) of a legacy session that serves one client: what comes there during its calls belongs to them.

Servers put questions and log lines on the stream of the call that they belong to, or, as
the TypeScript SDK's `server.elicitInput` does, on the session's own. Whose they are is
plain where the session is one client's. The stream is opened before the first call, for
a question without a stream is lost, and again when it has ended while calls are under
way. Above: `http_legacy.py`, which reads it.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import anyio
from anyio.abc import ObjectSendStream
from anyio.streams.memory import MemoryObjectSendStream

from ..core.clock import Clock
from ..core.errors import GatewayError
from ..core.tasks import Tasks
from .messages import Event, Events

log = logging.getLogger("fedgate.server")

Read = Callable[[Callable[[], None]], Awaitable[bool]]
"""`await read(begun)`: read the stream until it ends, telling when it has begun. `False`: there is none."""

HEAD = 1.0
"""Seconds that a call waits for the stream to begin: some servers show its head only with its first event."""
AGAIN = 1.0
"""Seconds before one that ended is opened again."""
BACKLOG = 64
"""Events of one call that wait for a slow client."""


class OwnStream:
    """One session's. Its task belongs to `tasks`."""

    def __init__(self, read: Read, tasks: Tasks, clock: Clock) -> None:
        self._read = read
        self._tasks = tasks
        self._clock = clock
        self._calls: list[MemoryObjectSendStream[Event]] = []
        self._reading: asyncio.Task[None] | None = None
        self._absent = False

    async def merged(self, events: Events) -> AsyncGenerator[Event, None]:
        """The events of a call, and among them what this stream brings meanwhile."""
        await self.begin()
        put, take = anyio.create_memory_object_stream[Event](BACKLOG)
        self._calls.append(put)
        pump = self._tasks.start(_pump(events, put), "call", awaited=True)
        try:
            async with take:
                async for event in take:
                    yield event
            await pump
        finally:
            self._calls.remove(put)
            pump.cancel()
            put.close()  # it may not have begun

    def offer(self, event: Event) -> bool:
        """Give it to the latest call. `False` if there is none that takes it."""
        try:
            self._calls[-1].send_nowait(event)
        except (IndexError, anyio.WouldBlock, anyio.ClosedResourceError, anyio.BrokenResourceError):
            return False
        return True

    async def begin(self, *, anew: bool = False) -> None:
        """See that it is read; `anew`: the session is another one now."""
        if anew:
            self.close()
            self._absent = False
        if self._absent or (self._reading is not None and not self._reading.done()):
            return
        begun = asyncio.Event()
        self._reading = self._tasks.start(self._keep(begun), "own stream")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HEAD):
                await begun.wait()

    async def _keep(self, begun: asyncio.Event) -> None:
        """Read it, and again as long as calls are under way."""
        try:
            while not self._absent:
                try:
                    self._absent = not await self._read(begun.set)
                except GatewayError as error:
                    log.debug("the own stream of a session ended: %s", error)
                if not self._calls:
                    return
                await self._clock.sleep(AGAIN)
        finally:
            begun.set()

    def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


async def _pump(events: Events, put: ObjectSendStream[Event]) -> None:
    async with put, aclosing(events):
        async for event in events:
            await put.send(event)
