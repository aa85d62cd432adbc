"""From ASGI to a `Call` and from a `Reply` to ASGI: the wire side of the data path.

Hot paths are picked by one look-up before anything else; the rest goes to the cold
application. A caller that disconnects cancels the work in progress, at whatever stage.
"""

import asyncio
import itertools
import secrets
from collections.abc import Iterable
from typing import NamedTuple

from ..core.call import Call, Handler, Header, Record, Reply, Request
from ..core.clock import Clock
from ..core.streams import closing
from ..core.tasks import Tasks
from .asgi_exchange import Application, AsgiExchange, Receive, Scope, Send
from .exchange import EXTENSION, NO_CONTENT, Exchange

BODY_TIMEOUT = 60.0
"""Seconds for a request body to arrive."""


class Hot(NamedTuple):
    """A data path and the protocol it belongs to."""

    protocol: str
    handler: Handler


class Wire:
    """The ASGI application. `prefixes`: first path segment → data path; the second segment is the view."""

    def __init__(
        self,
        prefixes: dict[str, Hot],
        cold: Application,
        clock: Clock,
        *,
        max_body: int,
        body_timeout: float = BODY_TIMEOUT,
    ) -> None:
        self.tasks = Tasks("disconnect watchers")
        self._prefixes = prefixes
        self._cold = cold
        self._clock = clock
        self._max_body = max_body
        self._body_timeout = body_timeout
        self._boot = secrets.token_hex(5)
        self._numbers = itertools.count(1)

    def swap(self, prefixes: dict[str, Hot], cold: Application) -> None:
        """Where requests go from now on; those under way go on as they began."""
        self._prefixes, self._cold = prefixes, cold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        _, _, rest = scope["path"].partition("/")
        first, _, view = rest.partition("/")
        hot = self._prefixes.get(first)
        if hot is None:
            await self._cold(scope, receive, send)
        else:
            await self._serve(hot, view.removesuffix("/"), scope, receive, send)

    async def _serve(self, hot: Hot, view: str, scope: Scope, receive: Receive, send: Send) -> None:
        extensions = scope.get("extensions")
        exchange: Exchange | None = extensions.get(EXTENSION) if extensions else None
        if exchange is None:
            exchange = AsgiExchange(receive, send, self.tasks)
        request = self._request(scope, exchange)
        call = Call(hot.protocol, request, Record(request, hot.protocol, self._clock.monotonic(), request.path), view)
        if request.method != "POST":
            exchange.watch()
        try:
            reply = await hot.handler(call)
            if isinstance(reply.body, bytes):
                await exchange.whole(reply.status, _measured(reply, reply.body), reply.body)
            else:
                await _stream(reply, request.method, exchange)
        except asyncio.CancelledError:
            if not exchange.gone:
                raise
            _forgive()
        finally:
            exchange.unwatch()

    def _request(self, scope: Scope, exchange: Exchange) -> Request:
        headers = _folded(scope["headers"])
        client = scope.get("client")
        path = scope["path"]

        async def read() -> bytes:
            body = await exchange.body(self._max_body, self._body_timeout)
            exchange.watch()
            return body

        return Request(
            f"{self._boot}-{next(self._numbers):x}",
            scope["method"],
            path,
            scope["query_string"],
            headers,
            f"{client[0]}:{client[1]}" if client else "",
            headers.get(b"host", b"").decode("latin-1"),
            f"HTTP/{scope['http_version']}",
            read,
            scope.get("raw_path", b"").decode("latin-1") or path,
        )


def _folded(lines: list[Header]) -> dict[bytes, bytes]:
    """Lines of one name become one list (RFC 9110 5.3), so that nobody before us took another one for the header."""
    headers = dict(lines)
    if len(headers) == len(lines):
        return headers
    headers = {}
    for name, value in lines:
        headers[name] = value if name not in headers else headers[name] + b", " + value
    return headers


def _forgive() -> None:
    """The caller has left: this is its end, not the gateway's."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _measured(reply: Reply, body: bytes) -> Iterable[Header]:
    if reply.status in NO_CONTENT:
        return reply.headers
    return (*reply.headers, (b"content-length", b"%d" % len(body)))


async def _stream(reply: Reply, method: str, exchange: Exchange) -> None:
    assert not isinstance(reply.body, bytes)
    # Closed whatever happens, and before the end is told: some servers call the end of a reply a disconnect.
    async with closing(reply.body) as chunks:
        exchange.watch()
        await exchange.begin(reply.status, reply.headers)
        if method != "HEAD":
            async for chunk in chunks:
                await exchange.chunk(chunk)
    await exchange.end()
