"""uvicorn's HTTP/1.1 protocol with the limits it lacks: size of the head, time to send it, and no upgrades.

Everything else is uvicorn's. Below the ASGI application; knows nothing above it.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD = 64 * 1024
MAX_HEADERS = 200
HEAD_TIMEOUT = 30.0
"""Seconds from the connection, or the first byte of a further request, to the end of the head."""

_REPLY = b"HTTP/1.1 %b\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%b"


class BoundedProtocol(HttpToolsProtocol):
    """One connection."""

    _size = 0
    _refused = False
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._refused:
            super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._size = 0
        if self._head_timer is None:
            self._arm()

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        self._disarm()
        if not self._refused:
            super().on_headers_complete()

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_HEAD or len(self.headers) > MAX_HEADERS:
            self._refuse(b"431 Request Header Fields Too Large", b"The request's head is too large.")

    def _arm(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_TIMEOUT, self._late)

    def _disarm(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _late(self) -> None:
        self._refuse(b"408 Request Timeout", b"The request's head did not arrive in time.")

    def _refuse(self, status: bytes, body: bytes) -> None:
        if not self._refused and not self.transport.is_closing():
            self._refused = True
            self._disarm()
            self.transport.write(_REPLY % (status, len(body), body))
            self.transport.close()

    def _should_upgrade(self) -> bool:
        return False
