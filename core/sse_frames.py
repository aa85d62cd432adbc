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
_CR, _LF = b"\r\n"
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
        if not held and _CR not in chunk:
            return self._cut(chunk)
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

    def _cut(self, chunk: bytes) -> list[bytes]:
        """A chunk at the beginning of a frame, whose lines end with LF: what most servers write."""
        size = len(chunk)
        if 2 < size <= self._limit and chunk.find(b"\n\n") == size - 2:
            return [chunk]
        *whole, rest = chunk.split(b"\n\n")
        frames = [each + b"\n\n" for each in whole]
        self._check(max(map(len, (*frames, rest))))
        self._held += rest
        self._searched = max(0, len(rest) - _OVERLAP)
        return frames

    def events(self, chunk: bytes) -> list[tuple[bytes, bytes, bytes]]:
        """The same, and of each frame what it says: data and name as `read` tells them."""
        if not self._held and len(chunk) <= self._limit and (event := _lone(chunk)) is not None:
            return [event]
        return [(frame, *read(frame)) for frame in self.feed(chunk)]

    def rest(self) -> bytes:
        """What came after the last whole frame. A stream that ends here was cut, or forgot its last blank line."""
        return bytes(self._held)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise UpstreamInvalid(f"a server-sent event is larger than {self._limit} bytes")


def _lone(chunk: bytes) -> tuple[bytes, bytes, bytes] | None:
    """One look at what most servers write: one frame at a time, of one line of data, perhaps below its name."""
    at, name = 0, b""
    if chunk.startswith(b"event: "):
        at = chunk.find(b"\n") + 1
        name = chunk[7 : at - 1]
    if not chunk.startswith(b"data: ", at):
        return None
    end = chunk.find(b"\n", at)
    if end == len(chunk) - 2 and chunk[-1] == _LF and _CR not in chunk:
        return chunk, chunk[at + 6 : end], name or b"message"
    if at == 0 and end == len(chunk) - 3 and chunk.endswith(b"\r\n\r\n") and chunk.find(b"\r") == end - 1:
        return chunk, chunk[6 : end - 1], b"message"
    return None


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
