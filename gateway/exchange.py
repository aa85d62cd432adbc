"""What the data path asks of the server for one request: the body, a reply, and word of a caller that leaves.

Two servers fulfil it: ours (`http_exchange.py`) directly, and any other by ASGI (`asgi_exchange.py`). Above:
`asgi.py`, `admit.py`. Below: nothing.
"""

from collections.abc import Iterable
from typing import Protocol

from ..core.call import Header
from ..core.errors import BadRequest, RequestTimeout, TooLarge

EXTENSION = "fedgate.exchange"
"""Under this name in the scope's `extensions`, our own server gives the exchange itself."""


NO_CONTENT = frozenset({204, 304})
"""Replies without a body, nor a length of one (RFC 9110 6.4.1)."""
CLOSE = ((b"connection", b"close"),)


def too_large(limit: int) -> TooLarge:
    """The body is."""
    return TooLarge(f"the body is larger than {limit} bytes (gateway.max_body)")


def too_late(seconds: float) -> RequestTimeout:
    """The body is."""
    return RequestTimeout(f"the body did not arrive within {seconds:g} s", headers=CLOSE)


def cut_short() -> BadRequest:
    """The body is."""
    return BadRequest("the connection ended before the body was complete")


class Exchange(Protocol):
    """One request and its reply. Headers of replies have lower-case names."""

    async def body(self, limit: int, timeout: float) -> bytes:
        """The whole body, once. `timeout`: seconds for all of it to arrive.

        Raises `TooLarge` beyond `limit` bytes, `RequestTimeout`, and `BadRequest` if the caller leaves before its end.
        """
        ...

    gone: bool
    """The caller has left, and the task that serves it was cancelled for that."""

    def watch(self) -> None:
        """From now on, cancel the task that serves this if the caller leaves before it has its reply.

        Not before the body was read: `body` tells of it.
        """
        ...

    def unwatch(self) -> None:
        """It makes no difference any more."""
        ...

    async def whole(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        """A reply that is all there. Its length is told by the headers, or it has no body."""
        ...

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        """The head of a reply that streams."""
        ...

    async def chunk(self, data: bytes) -> None:
        """More of it; waits while the caller does not take what was sent."""
        ...

    async def end(self) -> None:
        """It was complete."""
        ...
