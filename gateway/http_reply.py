"""Head and body of a reply in one write: uvicorn writes them one after the other, which is a system call more.

Bytes and their order are uvicorn's. Above: `http_protocol.py`. Below: a transport; knows nothing of HTTP
but how a head says that a body follows.
"""

import asyncio

MAX_JOINED = 64 * 1024
"""Bytes of a body's first piece up to which it is joined: a copy costs less than a second write."""

_INFORMATIONAL = b"HTTP/1.1 1"
_LENGTH = b"\r\ncontent-length: "


class Joining(asyncio.Transport):
    """The transport for one reply: a head that says how long its body is waits for the body's first piece.

    Heads of streams go out at once. Not for HEAD, where no body follows such a head.
    """

    __slots__ = ("_begun", "_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._begun = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._head:
            head, self._head = self._head, b""
            if len(data) <= MAX_JOINED:
                data = head + data
            else:
                self._transport.write(head)
        elif not self._begun and not bytes(data).startswith(_INFORMATIONAL):
            self._begun = True
            if _LENGTH in bytes(data):
                self._head = bytes(data)
                return
        self._transport.write(data)

    def close(self) -> None:
        """What was held goes out first: the reply ends where it would have ended."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()
