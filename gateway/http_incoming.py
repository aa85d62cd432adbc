"""The request's side of one exchange on a connection of our server: its body as it comes, and its caller's leaving.

Above: `http_exchange.py`, which adds the reply; `http_protocol.py`, which feeds it. Below: the connection, as a `Link`.
"""

import asyncio
from typing import Protocol

from ..core.call import Header
from .asgi_exchange import Message, Scope
from .exchange import cut_short, too_large, too_late

HIGH_WATER = 64 * 1024
"""Bytes of a body that wait for their reader before the connection is told to pause."""

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Link(Protocol):
    """What an exchange asks of its connection."""

    @property
    def defaults(self) -> list[Header]:
        """Headers of every reply."""
        ...

    congested: bool
    """The caller does not take what was sent."""

    def write(self, data: bytes) -> None: ...

    def pause(self) -> None:
        """Read no more for now."""
        ...

    def resume(self) -> None: ...

    async def drain(self) -> None:
        """Until the caller takes more, or leaves."""
        ...

    def finished(self, *, keep: bool) -> None:
        """The reply is complete. `keep`: the connection may serve another request."""
        ...

    def left(self, task: "asyncio.Task[None]") -> None:
        """The application has returned."""
        ...


class Incoming:
    """`scope`: the request's head, as ASGI has it."""

    # Most of it is never set for most requests.
    task: asyncio.Task[None] | None = None
    """What serves it; set by who starts it."""
    complete = False
    """The reply is."""
    lost = False
    """The caller has left before."""
    gone = False
    _open = True
    """More of the body is to come."""
    _size = 0
    _told = False
    """ASGI was given the body's end."""
    _awaits = False
    _waiter: asyncio.Future[None] | None = None
    _watched = False
    _begun = False
    """The reply has."""

    def __init__(self, link: Link, scope: Scope, *, expects: bool) -> None:
        """`expects`: the caller waits for a 100 before it sends the body."""
        self.scope = scope
        self._link = link
        self._expects = expects
        self._chunks: list[bytes] = []

    # The connection's side.

    def feed(self, data: bytes) -> None:
        """More of the request's body; nobody reads it any more once the reply is complete."""
        if self.complete:
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > HIGH_WATER and not self._awaits:
            self._link.pause()
        self._wake()

    def ended(self) -> None:
        """The request is complete."""
        self._open = False
        self._wake()

    def leave(self) -> None:
        """The caller has gone."""
        if not self.complete:
            self.lost = True
            if self._watched:
                self._cancel()
        self._wake()

    def _cancel(self) -> None:
        self._watched = False
        if self.task is not None:
            self.gone = True
            self.task.cancel()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # The data path's side.

    async def body(self, limit: int, timeout: float) -> bytes:
        if self._open and not self.lost:
            await self._arrive(limit, timeout)
        if self._size > limit:
            raise too_large(limit)
        if self._open:
            raise cut_short()
        return self._taken()

    async def _arrive(self, limit: int, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                while self._open and not self.lost and self._size <= limit:
                    await self._more()
        except TimeoutError as error:
            raise too_late(timeout) from error

    async def _more(self) -> None:
        """Wait for more of the body, for its end, or for the end of all."""
        if self._expects and self._open and not self._begun:
            self._link.write(_CONTINUE)
        self._expects = False
        self._awaits = True
        self._link.resume()
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._awaits = False
            self._waiter = None

    def _taken(self) -> bytes:
        chunks, self._chunks, self._size = self._chunks, [], 0
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def watch(self) -> None:
        self._watched = True
        if self.lost:
            self._cancel()

    def unwatch(self) -> None:
        self._watched = False

    # As ASGI has it.

    async def receive(self) -> Message:
        """The next piece of the request's body; when all was given, word of the caller's leaving or the reply's end."""
        while not (self.lost or self.complete or self._chunks) and (self._open or self._told):
            await self._more()
        if self.lost or self.complete:
            return {"type": "http.disconnect"}
        self._told = not self._open
        return {"type": "http.request", "body": self._taken(), "more_body": self._open}
