"""One answer, from the moment its request is sent: the head, then the body as it comes.

The connection below fills it through `head`, `feed`, `finish` and `fail`; the caller
above reads. It holds at most about `HIGH_WATER` plus one read of the socket before the
connection is told to pause, except while `read(limit)` collects, which `limit` bounds.
It knows the connection only as a `Link`.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

from .call import Header
from .errors import GatewayError, UpstreamInvalid
from .http_values import Timeouts

HIGH_WATER = 64 * 1024


class Link(Protocol):
    """What an answer may ask of its connection."""

    def expect(self, seconds: float) -> None:
        """Fail the answer unless something arrives within `seconds`."""
        ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def abandon(self) -> None:
        """Close the connection; called only while the answer is incomplete."""
        ...


class HttpResponse:
    """An answer. Read it to its end, by `read` or by iterating, or `aclose` it: until then it holds a connection.

    `status`; `headers` in order, names in lower case. Body chunks are what has arrived
    since the last one, joined; trailers are read and left out. Reading raises `UpstreamTimeout`, `UpstreamBroken` or
    `UpstreamInvalid`; cancelling it closes the connection. One reader at a time.
    """

    __slots__ = (
        "_chunks",
        "_complete",
        "_error",
        "_limit",
        "_link",
        "_loop",
        "_size",
        "_timeouts",
        "_waiter",
        "headers",
        "interrupt",
        "status",
        "total_at",
    )

    def __init__(self, link: Link, loop: asyncio.AbstractEventLoop, timeouts: Timeouts, total_at: float) -> None:
        self.status = 0
        self.headers: tuple[Header, ...] = ()
        self.total_at = total_at
        self.interrupt: Callable[[], None] | None = None
        """Called when there is no more point in sending the rest of the request."""
        self._link = link
        self._loop = loop
        self._timeouts = timeouts
        self._chunks: list[bytes] = []
        self._size = 0
        self._limit = -1
        self._complete = False
        self._error: GatewayError | None = None
        self._waiter: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        state = "complete" if self._complete else "failed" if self._error else "open"
        return f"<HttpResponse {self.status} {state}, {self._size} bytes to read>"

    # The caller's side.

    def header(self, name: bytes) -> bytes | None:
        """The first value of `name` (lower case)."""
        for key, value in self.headers:
            if key == name:
                return value
        return None

    async def read(self, limit: int) -> bytes:
        """The whole body (or what iteration has left of it); more than `limit` bytes is `UpstreamInvalid`."""
        if not self._complete:
            self._limit = limit
            self._link.resume()
            while self._error is None and self._size <= limit and not self._complete:
                await self._wait(self._timeouts.idle)
        if self._size > limit:
            await self.aclose()
            raise UpstreamInvalid(f"the upstream's answer is longer than {limit} bytes")
        if self._error is not None:
            raise self._error
        return self._take()

    def __aiter__(self) -> "HttpResponse":
        return self

    async def __anext__(self) -> bytes:
        while not self._size:
            if self._complete:
                raise StopAsyncIteration
            if self._error is not None:
                raise self._error
            await self._wait(self._timeouts.idle)
        chunk = self._take()
        if not self._complete:
            self._link.resume()
        return chunk

    async def aclose(self) -> None:
        """Give the answer up: closes the connection unless the body is complete. Idempotent."""
        self._chunks.clear()
        self._size = 0
        if not self._complete and self._error is None:
            self._link.abandon()

    def _take(self) -> bytes:
        chunks, self._chunks = self._chunks, []
        self._size = 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    # The client's side.

    async def arrive(self) -> None:
        """Wait for the head."""
        while not self.status and self._error is None:
            await self._wait(self._timeouts.first_byte)
        if not self.status and self._error is not None:
            raise self._error

    async def _wait(self, seconds: float) -> None:
        if self._waiter is not None:
            raise ValueError("the answer is being read by somebody else already")
        self._waiter = waiter = self._loop.create_future()
        self._link.expect(seconds)
        try:
            await waiter
        except asyncio.CancelledError:
            await self.aclose()
            raise
        finally:
            self._waiter = None

    # The connection's side.

    @property
    def waiting(self) -> bool:
        """Does somebody wait for the upstream right now?"""
        return self._waiter is not None and not self._waiter.done()

    @property
    def settled(self) -> bool:
        """Is there no point in sending more of the request?"""
        return self._complete or self._error is not None or self.status >= 300

    def head(self, status: int, headers: tuple[Header, ...]) -> None:
        self.status = status
        self.headers = headers
        self._wake()
        self._interrupt()

    def feed(self, data: bytes) -> None:
        self._chunks.append(data)
        self._size += len(data)
        if self._limit < 0:
            self._wake()
            if self._size > HIGH_WATER:
                self._link.pause()
        elif self._size > self._limit:
            self._wake()
        elif self._waiter is not None:
            self._link.expect(self._timeouts.idle)

    def finish(self) -> None:
        self._complete = True
        self._end()

    def fail(self, error: GatewayError) -> None:
        """What has arrived can still be iterated over; then `error` is raised."""
        self._error = error
        self._end()

    def _end(self) -> None:
        self._wake()
        self._interrupt()

    def _interrupt(self) -> None:
        if self.interrupt is not None and self.settled:
            self.interrupt()

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
