"""AWS event-stream framing (application/vnd.amazon.eventstream), which Bedrock streams its answers in: bytes to events.

    total length u32 | headers length u32 | CRC-32 of these u32 | headers | payload | CRC-32 of all before u32

The reader is fed chunks as they come and gives whole events, like `core/sse.py` does for
server-sent events. Both checksums are checked, and nothing beyond the limits is held. It
knows the framing and not what the events mean: that is `bedrock_stream`, above.
"""

import zlib
from typing import NamedTuple

from ..core.errors import UpstreamInvalid
from ..core.rawjson import encode

PRELUDE = 12
"""Bytes of the two lengths and their checksum."""
OVERHEAD = PRELUDE + 4
MAX_HEADERS = 128 * 1024
"""Bytes of one event's headers: the limit of the protocol itself."""
EXCEPTION = b"exception:"
"""What the name of an event begins with that reports an error."""

_STRING = 7
_LENGTHS = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type: true, false, byte, short, integer, long, timestamp, UUID."""
_SIZED = {6, _STRING}
"""Types whose value says its own length: bytes and string."""


class Frame(NamedTuple):
    """One event: its payload, and its name. Errors are named `exception:` and their kind."""

    data: bytes
    event: bytes


class Reader:
    """`feed(chunk)` returns the events it completed. `UpstreamInvalid` for what is no event stream."""

    rest = b""
    """What completes an event that was cut: nothing does."""

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._held: list[bytes] = []
        self._size = 0
        self._wanted = PRELUDE
        """Bytes without which nothing more can be said."""

    def feed(self, chunk: bytes) -> list[Frame]:
        self._held.append(chunk)
        self._size += len(chunk)
        if self._size < self._wanted:
            return []  # joined once, when the event is whole: joining at each chunk would be quadratic
        data = b"".join(self._held)
        frames: list[Frame] = []
        at = 0
        while len(data) - at >= (wanted := self._length(data, at)):
            frames.append(_frame(data[at : at + wanted]))
            at += wanted
        self._held, self._size, self._wanted = [data[at:]], len(data) - at, wanted
        return frames

    @property
    def pending(self) -> bool:
        """Whether an event has begun that is not complete: at the end of a body, that it was cut off."""
        return self._size > 0

    def _length(self, data: bytes, at: int) -> int:
        if len(data) - at < PRELUDE:
            return PRELUDE
        total = int.from_bytes(data[at : at + 4])
        headers = int.from_bytes(data[at + 4 : at + 8])
        if zlib.crc32(data[at : at + 8]) != int.from_bytes(data[at + 8 : at + PRELUDE]):
            raise UpstreamInvalid("the event stream is damaged: the checksum of an event's lengths is wrong")
        if total > self._limit:
            raise UpstreamInvalid(f"an event of the stream is larger than {self._limit} bytes")
        if headers > MAX_HEADERS or headers > total - OVERHEAD:
            raise UpstreamInvalid("the event stream is damaged: the lengths of an event cannot be")
        return total


def _frame(whole: bytes) -> Frame:
    if zlib.crc32(whole[:-4]) != int.from_bytes(whole[-4:]):
        raise UpstreamInvalid("the event stream is damaged: the checksum of an event is wrong")
    end = PRELUDE + int.from_bytes(whole[4:8])
    headers = _headers(whole[PRELUDE:end])
    payload = whole[end:-4]
    kind = headers.get(b":message-type", b"event")
    if kind == b"exception":
        return Frame(payload, EXCEPTION + headers.get(b":exception-type", b""))
    if kind == b"error":
        # An error that the service does not model: its text stands in a header, the payload is empty.
        message = headers.get(b":error-message", b"").decode("utf-8", "replace")
        return Frame(encode({"message": message}), EXCEPTION + headers.get(b":error-code", b""))
    return Frame(payload, headers.get(b":event-type", b""))


def _headers(block: bytes) -> dict[bytes, bytes]:
    """The headers whose value is a string; others are stepped over."""
    found: dict[bytes, bytes] = {}
    at = 0
    while at < len(block):
        name_end = at + 1 + block[at]
        name, kind = block[at + 1 : name_end], block[name_end : name_end + 1]
        at = name_end + 1
        length = _LENGTHS.get(kind[0]) if kind else None
        if kind and kind[0] in _SIZED:
            length = int.from_bytes(block[at : at + 2])
            at += 2
        if length is None or at + length > len(block):
            raise UpstreamInvalid("the event stream is damaged: an event's headers cannot be read")
        if kind[0] == _STRING:
            found[name] = block[at : at + length]
        at += length
    return found
