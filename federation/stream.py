"""One SSE stream to a client: ordered messages, written by a relay, read by at most one connection at a time.

While somebody reads, a writer that is too far ahead waits. While nobody does, the
newest messages are kept within bounds, so that a client that comes back with
`Last-Event-ID` gets what it missed (2025-11-25, resumability and redelivery).
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator

from ..core import sse
from .http_wire import MAX_MESSAGE

WINDOW_EVENTS = 256
WINDOW_BYTES = 1024 * 1024
KEEP_ALIVE = 15.0
"""Seconds of silence after which a comment is sent, so that no proxy on the way takes the stream for dead."""
RETRY_MS = 1000


class EventStream:
    """`name` is the first part of its event ids; `replay` says whether read messages are kept for a while."""

    def __init__(
        self, name: str = "", *, replay: bool = False, primed: bool = False, keep_alive: float = KEEP_ALIVE
    ) -> None:
        self.name = name
        self.ended = False
        self.dropped = 0
        """Messages that nobody read in time."""
        self._replay = replay
        self._primed = primed
        self._keep_alive = keep_alive
        self._events: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._last = 0
        self._read = 0
        self._reading = False
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []

    @property
    def reading(self) -> bool:
        """Whether a connection is reading it now."""
        return self._reading

    @property
    def waiting(self) -> bool:
        """Whether there is something that nobody has read."""
        return self._last > self._read

    async def put(self, message: bytes) -> None:
        """Append; waits while a reader is more than a window behind."""
        while self._reading and not self.ended and self._backlog_full():
            room = asyncio.get_running_loop().create_future()
            self._writers.append(room)
            await room
        if not self.ended:
            self._append(message)
            self._trim(keep_unread=self._reading)

    def put_nowait(self, message: bytes) -> None:
        """Append without waiting: the oldest message may go, unread or not, for nobody holds its writer back."""
        if not self.ended:
            self._append(message)
            self._trim(keep_unread=False)

    def _append(self, message: bytes) -> None:
        self._last += 1
        self._events.append((self._last, message))
        self._bytes += len(message)
        self._wake_reader()

    def end(self, last: bytes = b"") -> None:
        """No more messages after `last`, for which no other goes."""
        if last and not self.ended:
            self._append(last)
        self.ended = True
        self._wake_reader()
        self._wake_writers()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    def _wake_writers(self) -> None:
        writers, self._writers = self._writers, []
        for room in writers:
            if not room.done():
                room.set_result(None)

    def _backlog_full(self) -> bool:
        unread = self._last - self._read
        return unread > 1 and (unread >= WINDOW_EVENTS or self._bytes >= WINDOW_BYTES)

    def _trim(self, *, keep_unread: bool) -> None:
        while len(self._events) > 1 and (len(self._events) > 2 * WINDOW_EVENTS or self._bytes > 2 * WINDOW_BYTES):
            if keep_unread and self._events[0][0] > self._read:
                return  # a live reader will take it; the writer waits instead
            number, message = self._events.popleft()
            self._bytes -= len(message)
            self.dropped += number > self._read

    async def frames(self, after: int | None = None) -> AsyncGenerator[bytes, None]:
        """SSE frames after event number `after` (default: what was not read yet), until the stream ends."""
        self._reading = True
        position = self._read if after is None else min(after, self._last)
        try:
            if self._primed and after is None:
                yield sse.event(b"", id_=self._id(position), name=b"", retry=RETRY_MS)
            while True:
                for number, message in self._after(position):
                    position = number
                    yield sse.event(message, id_=self._id(number))
                    self._taken(number)
                if self.ended and position >= self._last:
                    return
                if not await self._news(position):
                    yield sse.COMMENT
        finally:
            self._reading = False
            self._wake_writers()

    def _after(self, position: int) -> list[tuple[int, bytes]]:
        return [event for event in self._events if event[0] > position]

    def _taken(self, number: int) -> None:
        self._read = max(self._read, number)
        if not self._replay:
            while self._events and self._events[0][0] <= self._read:
                self._bytes -= len(self._events.popleft()[1])
        if self._writers and not self._backlog_full():
            self._wake_writers()

    async def _news(self, position: int) -> bool:
        """Wait for the next message or the end; `False` if it is time for a sign of life."""
        if self._last > position or self.ended:
            return True
        self._reader = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._keep_alive):
                await self._reader
        except TimeoutError:
            return False
        finally:
            self._reader = None
        return True

    def _id(self, number: int) -> bytes:
        return f"{self.name}.{number}".encode() if self._replay else b""


async def pour(frames: AsyncIterator[bytes], into: EventStream) -> None:
    """Pass on the messages of one event stream to another, without its ids and signs of life."""
    reader = sse.Reader(MAX_MESSAGE)
    async for frame in frames:
        for event in reader.feed(frame):
            if event.data:
                await into.put(event.data)
