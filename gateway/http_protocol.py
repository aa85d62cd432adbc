"""uvicorn's HTTP/1.1 protocol with the limits it lacks: size of the head, time to send it, and no upgrades.

Everything else is uvicorn's, but that whole replies go out in one write. Below the ASGI application; knows
nothing above it.
"""

import asyncio
from typing import Any, ClassVar

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from .http_reply import Joining

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
HEAD_TIMEOUT = 30.0
"""Seconds from the connection, or the first byte of a further request, to the end of the head."""

_FRAMING = (b"content-length", b"transfer-encoding")
_REPLY = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    head_timeout: ClassVar[float] = HEAD_TIMEOUT
    _size = 0
    _unseen = 0
    """Bytes since the parser last gave something: it holds a header back, however long, until it is complete."""
    _refused = False
    _replaying = False
    _in_head = False
    """A further request has begun, and its head is not complete."""
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        while data and not self._refused:
            data = self._fed(data)

    def _fed(self, data: bytes) -> bytes:
        """Parse; gives what stands behind an upgrade that was not taken up."""
        self._unseen += len(data)
        rest = b""
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.send_400_response("Invalid HTTP request received.")
        except httptools.HttpParserUpgrade as upgrade:
            self._stay()
            rest = data[upgrade.args[0] :]
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
        framing = [b"%b: %b\r\n" % line for line in self.headers if line[0] in _FRAMING]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it
        self._replaying = True
        self.parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n" % b"".join(framing))

    # What the parser finds. After a refusal it goes on to the end of the bytes that it has.

    def on_message_begin(self) -> None:
        self._size = self._unseen = 0
        if not self._refused and not self._replaying:
            super().on_message_begin()
            self._in_head = True

    def on_url(self, url: bytes) -> None:
        if not self._refused and not self._replaying:
            super().on_url(url)
            self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._refused and not self._replaying:
            super().on_header(name, value)
            self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._unseen = 0
        self._in_head = False
        if not self._refused and not self._replaying:
            super().on_headers_complete()
            if self.scope["method"] != "HEAD":
                self.cycle.transport = Joining(self.transport)
        self._replaying = False

    def on_body(self, body: bytes) -> None:
        self._unseen = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._unseen = 0
        if not self._refused and not self.parser.should_upgrade():
            super().on_message_complete()

    # Limits.

    def _count(self, size: int) -> None:
        self._unseen = 0
        self._size += size
        if self._size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._too_large()

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
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._disarm()
        if self.cycle is None or self.cycle.response_complete:
            # Otherwise it would stand in the middle of the reply to an earlier request.
            self.transport.write(_REPLY % (status, len(body), body))
        self.transport.close()

    def _should_upgrade(self) -> bool:
        return False
