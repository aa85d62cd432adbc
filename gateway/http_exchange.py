"""One request on a connection of our server, and its reply: what was asked is in `http_incoming.py`, the reply here.

The data path uses it as an `Exchange`, everything else as the two callables of ASGI. A reply whose length is known
goes out in one write, because a second one is a system call more. Above: `asgi.py`, `http_protocol.py`.
"""

import asyncio
import http
import logging
from collections.abc import Iterable

from ..core.call import Header
from .asgi_exchange import Application, Message, Scope
from .exchange import NO_CONTENT
from .http_incoming import Incoming, Link

MAX_JOINED = 64 * 1024
"""Bytes of a body up to which it goes out with its head: a copy costs less than a second write."""

log = logging.getLogger("fedgate.gateway")

_FAILED = b"Internal Server Error"
_LINES = {code.value: f"HTTP/1.1 {code} {code.phrase}\r\n".encode() for code in http.HTTPStatus}


class HttpExchange(Incoming):
    """The `Exchange` port."""

    _chunked = False
    _length: int | None = None
    """Bytes of the body that are still to come, where ASGI's head told how many."""
    _pending: tuple[int, list[Header]] | None = None
    """A head that waits for the first piece of the body."""

    def __init__(self, link: Link, scope: Scope, *, keep: bool, expects: bool) -> None:
        """`keep`: the caller wants to go on after this; `expects`: it waits for a 100 before it sends the body."""
        super().__init__(link, scope, expects=expects)
        self._keep = keep

    def last(self) -> None:
        """No further request: the gateway stops."""
        self._keep = False

    async def run(self, application: Application) -> None:
        """Serve it, whatever becomes of the application."""
        try:
            await application(self.scope, self.receive, self.send)
            if not self.complete and not self.lost:
                log.error("a request was left without a whole reply")
                self._fail()
        except asyncio.CancelledError:
            self._fail()
            raise
        except Exception:
            log.exception("a request failed on its way out")
            self._fail()
        finally:
            if self.task is not None:
                self._link.left(self.task)

    def _fail(self) -> None:
        """The reply ends here: as a 500 if it has not begun."""
        if self.complete or self.lost:
            return
        if self._pending is not None:
            self._put_head(*self._pending, b"")
        elif not self._begun:
            kind, length = (b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(_FAILED))
            self._put_head(500, [kind, length], _FAILED)
        self._keep = False
        self._finish()

    # The data path's side.

    async def whole(self, status: int, headers: Iterable[Header], body: bytes) -> None:
        link = self._link
        if link.congested and not self.lost:
            await link.drain()
        if not self.lost:
            self._put_head(status, list(headers), body)
            self._finish()

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        if not self.lost:
            self._put_head(status, list(headers), None)

    async def chunk(self, data: bytes) -> None:
        link = self._link
        if link.congested and not self.lost:
            await link.drain()
        if data and not self.lost and self.scope["method"] != "HEAD":
            link.write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    async def end(self) -> None:
        if self._chunked and not self.lost:
            self._link.write(b"0\r\n\r\n")
        self._finish()

    def _put_head(self, status: int, headers: list[Header], body: bytes | None) -> None:
        """The head, with the first piece of the body if there is one. Raises `ValueError` for what is no header."""
        lines = [_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        framed = body is not None or self._bodiless(status)
        closes = False
        if self._expects and self._open:
            self._keep = False  # whether the body comes now, only the caller knows
        for name, value in (*self._link.defaults, *headers):
            lines.append(b"%b: %b\r\n" % (name, value))
            if name == b"content-length":
                framed = True
            elif name == b"transfer-encoding":
                framed = self._chunked = True
            elif name == b"connection" and b"close" in value.lower():
                self._keep, closes = False, True
        if not framed:
            self._frame(lines)
        if not self._keep and not closes:
            lines.append(b"connection: close\r\n")
        head = b"".join(lines)
        if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
            raise ValueError("a header of the reply has a line break in it")
        self._begun, self._pending = True, None
        piece = b"" if body is None or self.scope["method"] == "HEAD" else body
        if len(piece) <= MAX_JOINED:
            self._link.write(b"%b\r\n%b" % (head, piece))
        else:
            self._link.write(head + b"\r\n")
            self._link.write(piece)

    def _bodiless(self, status: int) -> bool:
        return status in NO_CONTENT or self.scope["method"] == "HEAD"

    def _frame(self, lines: list[bytes]) -> None:
        """A body whose length nobody knows comes in chunks; HTTP/1.0 has nothing for it but the connection's end."""
        if self.scope["http_version"] == "1.0":
            self._keep = False
            return
        self._chunked = True
        lines.append(b"transfer-encoding: chunked\r\n")

    def _finish(self) -> None:
        self.complete = True
        self._watched = False
        self._chunks.clear()
        self._wake()
        self._link.finished(keep=self._keep)

    # As ASGI has it.

    async def send(self, message: Message) -> None:
        """Raises `RuntimeError` for what does not fit what was sent before."""
        if self._link.congested and not self.lost:
            await self._link.drain()
        if self.lost:
            return
        if message["type"] == "http.response.start" and not self._begun and self._pending is None:
            self._start(message["status"], list(message.get("headers", ())))
        elif message["type"] == "http.response.body" and (self._begun or self._pending) and not self.complete:
            self._piece(message.get("body", b""), more=message.get("more_body", False))
        else:
            raise RuntimeError(f"{message['type']} does not come now")

    def _start(self, status: int, headers: list[Header]) -> None:
        for name, value in headers:
            if name == b"content-length":
                self._length = int(value)
                self._pending = status, headers
                return
        self._put_head(status, headers, None)

    def _piece(self, body: bytes, *, more: bool) -> None:
        if self.scope["method"] == "HEAD":
            body = b""
        elif self._length is not None:
            self._length -= len(body)
            if self._length < 0 or (self._length and not more):
                raise RuntimeError("the body is not as long as its head says")
        if self._pending is not None:
            self._put_head(*self._pending, body)
        elif self._chunked:
            framed = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            framed += b"" if more else b"0\r\n\r\n"
            if framed:
                self._link.write(framed)
        elif body:
            self._link.write(body)
        if not more:
            self._finish()
