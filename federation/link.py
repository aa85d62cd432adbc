"""The port of a full-duplex message channel to one upstream peer, and its in-memory fake.

A `Link` carries whole JSON-RPC messages as bytes, both ways, in order; it knows neither
methods nor ids nor reconnection. Above: the JSON-RPC peer that reads and writes one.
Below: a child process (`stdio`), an old HTTP+SSE server, or `link_pair` in tests.
"""

import asyncio
from collections import deque
from typing import Protocol

from ..core.errors import UpstreamBroken


class LinkClosed(UpstreamBroken):
    """The channel has ended. `str(error)` says why: exit code and last words, a broken rule, our own close."""


class LinkStalled(LinkClosed):
    """The other side has not read for too long: this message was not sent, and the next will hardly be.

    The link still stands; `receive` goes on. To the sender it is as good as closed.
    """


class Link(Protocol):
    """One open channel. It is never reopened: who wants another one opens another one."""

    @property
    def name(self) -> str:
        """The server's name in the manifest, for logs."""
        ...

    @property
    def endpoint(self) -> str:
        """Who is spoken to, for the access line: `uvx mcp-server-time` or `host:port`. Holds no secret."""
        ...

    async def send(self, message: bytes) -> None:
        """Send one JSON-RPC message; no newline is needed. Any number of tasks may send.

        Waits while the other side does not read, for a bounded time. Raises `LinkClosed`; of its
        kind `LinkStalled` if that time is over. The message is sent whole or not at all, also when
        the caller is cancelled.
        """
        ...

    async def receive(self) -> bytes:
        """The next message, without newline, in the order of arrival. One task may receive.

        What arrived before the end is still delivered; then, and ever after, raises `LinkClosed`.
        A cancelled `receive` loses nothing.
        """
        ...

    async def aclose(self) -> None:
        """End the channel; messages not yet received are dropped. Idempotent, bounded, raises nothing.

        If the caller is cancelled meanwhile, the closing goes on without it.
        """
        ...


class FakeLink:
    """One end of a pair in memory. For tests; shipped because other parts' tests need it."""

    def __init__(self, name: str, inbox: "_Inbox", outbox: "_Inbox") -> None:
        self.name = name
        self.endpoint = f"memory:{name}"
        self._inbox = inbox
        self._outbox = outbox

    async def send(self, message: bytes) -> None:
        await self._outbox.put(message)

    async def receive(self) -> bytes:
        return await self._inbox.get()

    async def aclose(self) -> None:
        self._inbox.waiting.clear()
        await self.fail("the link was closed")

    async def fail(self, reason: str) -> None:
        """End both directions for both ends with this reason, as a server that dies does."""
        await self._inbox.end(reason)
        await self._outbox.end(reason)


class _Inbox:
    """What waits to be received at one end; full, it makes the sender wait."""

    def __init__(self, limit: int) -> None:
        self.waiting: deque[bytes] = deque()
        self._limit = limit
        self._reason = ""
        self._changed = asyncio.Condition()

    async def put(self, message: bytes) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: self._reason or len(self.waiting) < self._limit)
            if self._reason:
                raise LinkClosed(self._reason)
            self.waiting.append(message)
            self._changed.notify_all()

    async def get(self) -> bytes:
        async with self._changed:
            await self._changed.wait_for(lambda: self._reason or self.waiting)
            if not self.waiting:
                raise LinkClosed(self._reason)
            self._changed.notify_all()
            return self.waiting.popleft()

    async def end(self, reason: str) -> None:
        async with self._changed:
            self._reason = self._reason or reason
            self._changed.notify_all()


def link_pair(name: str = "fake", *, limit: int = 64) -> tuple[FakeLink, FakeLink]:
    """Two ends: what one sends the other receives. At most `limit` messages wait in each direction."""
    one, other = _Inbox(limit), _Inbox(limit)
    return FakeLink(name, one, other), FakeLink(name, other, one)
