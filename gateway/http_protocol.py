"""HTTP/1.1 of our server, under uvicorn's, which listens, ticks and shuts down: one connection, its requests in turn.

Parsing is httptools'. Limits: size of the head, time to send it, time between requests, body that nobody reads.
No upgrades. Requests that come while one is answered wait their turn. Above: uvicorn's server. Below:
`http_exchange.py`; knows nothing of what requests mean.
"""

import asyncio
from collections import deque
from typing import Any, ClassVar, cast

import httptools
import uvicorn
from uvicorn.server import ServerState

from ..core.call import Header
from .asgi_exchange import Application, Scope
from .exchange import EXTENSION
from .http_exchange import HttpExchange
from .http_scope import BASE, address, scope_of

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
HEAD_TIMEOUT = 30.0
"""Seconds from the connection, or the first byte of a further request, to the end of the head."""

_FRAMING = (b"content-length", b"transfer-encoding")
_REPLY = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"


class BoundedProtocol(asyncio.Protocol):
    """One connection. The `Link` of its exchanges."""

    head_timeout: ClassVar[float] = HEAD_TIMEOUT

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],  # noqa: ARG002 - as uvicorn makes it
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self.loop = _loop or asyncio.get_running_loop()
        self.congested = False
        self._application = cast("Application", config.loaded_app)
        self._state = server_state
        self._keep_alive = config.timeout_keep_alive
        self._transport: asyncio.Transport
        self._base: Scope = dict(BASE)
        self._exchange: HttpExchange | None = None
        """Of the request that came last."""
        self._served: HttpExchange | None = None
        self._waiting: deque[HttpExchange] = deque()
        """Further requests; reading is paused while there are any."""
        self._room: asyncio.Future[None] | None = None
        self._paused = False
        self._idle_since = 0.0
        self._idle_timer: asyncio.TimerHandle | None = None
        self._head_timer: asyncio.TimerHandle | None = None
        self._new_parser()
        self._headers: list[Header] = []
        self._url = b""
        self._size = 0
        self._unseen = 0
        """Bytes since the parser last gave something: it holds a header back, however long, until it is complete."""
        self._refused = False
        self._replaying = False
        self._in_head = False
        """A further request has begun, and its head is not complete."""

    def _new_parser(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        # A request with `connection: close` may have others behind it: they are left, and no error.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)

    @property
    def defaults(self) -> list[Header]:
        """Headers of every reply: the date."""
        return self._state.default_headers

    # The transport's events.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._state.connections.add(cast("Any", self))
        self._base["client"] = address(transport.get_extra_info("peername"))
        self._base["server"] = address(transport.get_extra_info("sockname"))
        self._arm()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._disarm()
        self._state.connections.discard(cast("Any", self))
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        for each in (self._served, *self._waiting):
            if each is not None:
                each.leave()
        self._waiting.clear()
        self.resume_writing()

    def data_received(self, data: bytes) -> None:
        while data and not self._refused:
            data = self._fed(data)

    def pause_writing(self) -> None:
        self.congested = True

    def resume_writing(self) -> None:
        self.congested = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def _fed(self, data: bytes) -> bytes:
        """Parse; gives what stands behind an upgrade that was not taken up."""
        self._unseen += len(data)
        rest = b""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._stay()
            rest = data[upgrade.args[0] :]
        except httptools.HttpParserError:
            self._refuse(b"400 Bad Request", b"Invalid HTTP request received.")
        if self._unseen > MAX_HEAD:
            self._too_large()
        if self._in_head and self._head_timer is None and not self._refused:
            self._arm()  # only now: most heads are complete as soon as they begin
        return rest

    def _stay(self) -> None:
        """Refuse an upgrade by going on in HTTP/1.1, as if it had not been offered (RFC 9110 7.8).

        The parser takes what follows the head for another protocol: one that was told
        the framing alone reads it as the body. Java clients offer h2c with their first
        request, POST or not.
        """
        framing = [b"%b: %b\r\n" % line for line in self._headers if line[0] in _FRAMING]
        self._new_parser()
        self._replaying = True
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))

    # What the parser finds. After a refusal it goes on to the end of the bytes that it has.

    def on_message_begin(self) -> None:
        self._size = self._unseen = 0
        if not self._refused and not self._replaying:
            self._headers = []
            self._url = b""
            self._in_head = True

    def on_url(self, url: bytes) -> None:
        if not self._refused and not self._replaying:
            self._url += url
            self._unseen = 0
            self._size += len(url)
            if self._size > MAX_HEAD:
                self._too_large()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._refused or self._replaying:
            return
        headers = self._headers
        headers.append((name.lower(), value))
        self._unseen = 0
        self._size += len(name) + len(value) + 4
        if self._size > MAX_HEAD or len(headers) > MAX_HEADERS:
            self._too_large()

    def on_headers_complete(self) -> None:
        if self._head_timer is not None:
            self._disarm()
        self._unseen = 0
        self._in_head = False
        if not self._refused and not self._replaying:
            self._begin()
        self._replaying = False

    def _begin(self) -> None:
        parser, headers = self._parser, self._headers
        scope = scope_of(self._base, parser.get_http_version(), parser.get_method(), self._url, headers)
        expects = any(name == b"expect" and value.lower() == b"100-continue" for name, value in headers)
        keep = scope["http_version"] != "1.0" and parser.should_keep_alive()
        made = HttpExchange(self, scope, keep=keep, expects=expects)
        scope["extensions"] = {EXTENSION: made}
        before, self._exchange = self._exchange, made
        if before is None or before.complete:
            self._serve(made)
        else:
            self.pause()
            self._waiting.append(made)

    def on_body(self, body: bytes) -> None:
        self._unseen = 0
        if not self._refused and self._exchange is not None:
            self._exchange.feed(body)

    def on_message_complete(self) -> None:
        self._unseen = 0
        if not self._refused and self._exchange is not None and not self._parser.should_upgrade():
            self._exchange.ended()

    # The exchanges' side.

    def _serve(self, exchange: HttpExchange) -> None:
        self._served = exchange
        exchange.task = task = self.loop.create_task(exchange.run(self._application))
        self._state.tasks.add(task)

    def left(self, task: "asyncio.Task[None]") -> None:
        self._state.tasks.discard(task)

    def write(self, data: bytes) -> None:
        self._transport.write(data)

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume(self) -> None:
        if self._paused and not self._waiting:
            self._paused = False
            self._transport.resume_reading()

    async def drain(self) -> None:
        while self.congested:
            if self._room is None or self._room.done():
                self._room = self.loop.create_future()
            await self._room

    def finished(self, *, keep: bool) -> None:
        self._state.total_requests += 1
        if not keep:
            self._transport.close()
        if self._transport.is_closing():
            return
        if self._waiting:
            self._serve(self._waiting.popleft())
        self.resume()
        self._idle_since = self.loop.time()
        if self._idle_timer is None:
            self._idle_timer = self.loop.call_later(self._keep_alive, self._idle)

    # Limits.

    def _idle(self) -> None:
        """Close if nothing was asked for so long; else look again when that could be: a timer a request costs more."""
        self._idle_timer = None
        if self._transport.is_closing() or self._in_head or self._exchange is None or not self._exchange.complete:
            return  # there is another timer, or there will be one
        left = self._idle_since + self._keep_alive - self.loop.time()
        if left <= 0:
            self._transport.close()
        else:
            self._idle_timer = self.loop.call_later(left, self._idle)

    def _too_large(self) -> None:
        self._refuse(b"431 Request Header Fields Too Large", b"The request's head is too large.")

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout, self._late)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._refuse(b"408 Request Timeout", b"The request's head did not arrive in time.")

    def _refuse(self, status: bytes, body: bytes) -> None:
        if self._refused or self._transport.is_closing():
            return
        self._refused = True
        self._disarm()
        if self._exchange is None or self._exchange.complete:
            # Otherwise it would stand in the middle of the reply to an earlier request.
            self._transport.write(_REPLY % (status, len(body), body))
        self._transport.close()

    def shutdown(self) -> None:
        """No further request: the gateway stops."""
        if self._exchange is None or self._exchange.complete:
            self._transport.close()
        else:
            self._exchange.last()
