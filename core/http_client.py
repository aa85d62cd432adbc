"""The gateway's upstream HTTP/1.1 client: a request in, an answer out, over kept connections.

RFC 9110 and 9112 over asyncio and httptools. No redirects, cookies, decompression,
environment variables or headers of its own beyond `host` and the body's framing. Every
failure is of the tree in `errors`, or `ValueError` for what a caller must not ask.
Above: every relay. Below: the other `http_` modules.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator

import msgspec

from .clock import Clock, SystemClock
from .http_connect import Connector
from .http_connection import Connection, Stale
from .http_head import Fields, framing, header_fields, request_line
from .http_pool import Pools
from .http_response import HttpResponse
from .http_upload import send_body
from .http_values import HttpLimits, OriginStatistics, Target, Timeouts, later

_LIMITS = HttpLimits()
_TIMEOUTS = Timeouts()
_CLOCK = SystemClock()
_GRACE = 5.0

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""RFC 9110 9.2.2: may be sent a second time when nobody knows whether the first arrived."""


class HttpClient:
    """One for the whole process, for all origins and any number of callers.

    `tls`: the context for https upstreams (default: the system's trust, made once when
    first needed). `proxy`: an HTTP(S) proxy for all requests. `clock` counts idleness;
    timeouts run on the event loop's own clock.
    """

    def __init__(
        self,
        *,
        limits: HttpLimits = _LIMITS,
        tls: ssl.SSLContext | None = None,
        clock: Clock = _CLOCK,
        proxy: Target | None = None,
    ) -> None:
        self._connector = Connector(tls, proxy, limits)
        self._pools = Pools(self._connector, limits, clock)

    def __repr__(self) -> str:
        return f"<HttpClient {self.statistics()}>"

    def statistics(self) -> dict[str, OriginStatistics]:
        """The state of each origin, by `scheme://host[:port]` (and the addresses of a target that gives them)."""
        return self._pools.statistics()

    async def request(
        self,
        method: str,
        target: Target,
        *,
        path: str | None = None,
        headers: Fields = (),
        body: bytes | AsyncIterator[bytes] = b"",
        timeouts: Timeouts = _TIMEOUTS,
    ) -> HttpResponse:
        """Send one request and wait for the head of its answer.

        `path` (with query) stands in place of the target's own; `target.join` puts one
        below it. `headers` are sent as they are; `host`, `content-length` and
        `transfer-encoding` must not be among them. An iterator is sent chunked.

        A request whose kept connection turns out to be dead is sent once more, if not a
        byte of an answer came and either nothing was sent or the method is idempotent.

        Raises `UpstreamRefused` (nothing was sent), `UpstreamTimeout`, `UpstreamBroken`,
        `UpstreamInvalid`, `Overloaded`, `ValueError`.
        """
        loop = asyncio.get_running_loop()
        length = len(body) if isinstance(body, bytes) else None
        head = (
            request_line(method, target, path or target.path, absolute=self._connector.is_absolute(target))
            + header_fields(headers)
            + framing(method, length)
        )
        total_at = later(loop.time(), timeouts.total)
        order = _Order(head, body, timeouts, total_at, method == "HEAD")
        pool = self._pools.of(target)
        connection = pool.take() or await pool.obtain(_connect_by(loop, order))
        try:
            return await _exchange(loop, connection, order)
        except Stale as stale:
            if length is None or not (stale.unsent or method in _IDEMPOTENT):
                raise
        connection = await self._pools.of(target).obtain(_connect_by(loop, order))
        return await _exchange(loop, connection, order)

    async def aclose(self) -> None:
        """Close all connections; answers not read to their end fail with `UpstreamBroken`. Idempotent."""
        await self._pools.aclose(_GRACE)


class _Order(msgspec.Struct, frozen=True):
    """What is to be sent, possibly twice."""

    head: bytes
    body: bytes | AsyncIterator[bytes]
    timeouts: Timeouts
    total_at: float
    bodiless: bool


def _connect_by(loop: asyncio.AbstractEventLoop, order: _Order) -> float:
    return min(loop.time() + order.timeouts.connect, order.total_at)


async def _exchange(loop: asyncio.AbstractEventLoop, connection: Connection, order: _Order) -> HttpResponse:
    """Nothing may be awaited between getting the connection and this: it would be lost to a cancellation."""
    response = HttpResponse(connection, loop, order.timeouts, order.total_at)
    if isinstance(order.body, bytes):
        connection.start(response, order.head, order.body, bodiless=order.bodiless)
    else:
        connection.start(response, order.head, bodiless=order.bodiless)
        connection.sending = True
        try:
            await send_body(connection, response, order.body, order.timeouts.idle)
        except BaseException:
            await response.aclose()
            raise
    await response.arrive()
    return response
