"""Event streams that are passed on: cut into whole frames, every byte kept (WHATWG HTML 9.2).

A frame is all bytes up to and including the blank line that ends it: comments, ids and line
breaks stay as they came, so that frames put together again are the stream. What a frame says is
read only by who needs it (`read`). Above: the relays of A2A and LLM streams. `sse.Reader` is for
streams that are understood rather than passed on.
"""

import re
from typing import NamedTuple

from .errors import UpstreamInvalid

_BLANK = re.compile(rb"(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|\Z))")
"""The end of a line and the empty line behind it. A last CR may be half of a CRLF: it waits for what follows."""
_OVERLAP = 3
"""Bytes of a blank line that may have been seen already."""


class Data(NamedTuple):
    """What one frame says. `data` is empty if it only keeps the connection alive, or sets an id."""

    data: bytes
    name: bytes = b"message"


class Frames:
    """`feed(chunk)` returns the frames it completed. Raises `UpstreamInvalid` for one of more than `limit` bytes."""

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._held = bytearray()
        self._searched = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        held = self._held
        if not held and chunk.endswith(b"\n\n") and chunk.find(b"\n\n") == len(chunk) - 2 and b"\r" not in chunk:
            self._check(len(chunk))
            return [chunk]  # what most servers write: one frame at a time
        held += chunk
        frames: list[bytes] = []
        start = 0
        for blank in _BLANK.finditer(held, self._searched):
            frames.append(bytes(held[start : blank.end()]))
            self._check(len(frames[-1]))
            start = blank.end()
        if start:
            del held[:start]
        self._searched = max(0, len(held) - _OVERLAP)
        self._check(len(held))
        return frames

    def rest(self) -> bytes:
        """What came after the last whole frame. A stream that ends here was cut, or forgot its last blank line."""
        return bytes(self._held)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise UpstreamInvalid(f"a server-sent event is larger than {self._limit} bytes")


def read(frame: bytes) -> Data:
    """Data and name of the event in a frame."""
    if frame.startswith(b"data: ") and frame.find(b"\n") == len(frame) - 2 and b"\r" not in frame:
        return Data(frame[6:-2])
    data: list[bytes] = []
    name = b""
    for line in frame.removeprefix(b"\xef\xbb\xbf").splitlines():
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Data(b"\n".join(data), name or b"message")
