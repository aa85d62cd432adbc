"""Server-sent events on bytes (WHATWG HTML §9.2): a reader for streams we relay, a writer for ours.

The reader is fed chunks as they come and gives whole events; the data of an event is
the bytes that stood there. It never decodes. An event beyond `limit` bytes is an
`UpstreamInvalid`, so that a peer cannot make it hold more.
"""

from typing import NamedTuple

from .errors import UpstreamInvalid

COMMENT = b": keep-alive\n\n"
NAME = 16
"""Bytes a line may be longer than an event: room for the field's name."""


class Event(NamedTuple):
    """One dispatched event. `id` is the last event id seen so far; `retry` in milliseconds, -1 if not given."""

    data: bytes
    event: bytes = b"message"
    id: bytes = b""
    retry: int = -1


class Reader:
    """`feed(chunk)` returns the events it completed. LF, CR and CRLF end lines, also when cut between chunks.

    `last_id` is where a resumption starts: the id of the last event that was complete.
    """

    def __init__(self, limit: int = 16 * 1024 * 1024) -> None:
        self._limit = limit
        self._tail = b""
        self._held: list[bytes] = []
        self._held_size = 0
        self._data: list[bytes] = []
        self._size = 0
        self._event = b""
        self._id = b""
        self._retry = -1
        self._started = False
        self.last_id = b""

    def feed(self, chunk: bytes) -> list[Event]:
        if not self._ends_a_line(chunk):
            self._hold(chunk)
            return []
        text = b"".join((*self._held, chunk))
        self._held, self._held_size = [], 0
        if not self._started:
            text = text.removeprefix(b"\xef\xbb\xbf")
            self._started = True
        lines = self._split(text)
        events: list[Event] = []
        for line in lines:
            if line:
                self._field(line)
            elif (done := self._dispatch()) is not None:
                events.append(done)
        return events

    @staticmethod
    def _ends_a_line(chunk: bytes) -> bool:
        return b"\n" in chunk or b"\r" in chunk

    def _hold(self, chunk: bytes) -> None:
        # Chunks of one long line are joined once, when it ends: joining at each would be quadratic.
        if chunk:
            self._held.append(chunk)
            self._held_size += len(chunk)
            self._check(self._held_size - NAME)

    def _split(self, text: bytes) -> list[bytes]:
        if self._tail == b"\r" and text.startswith(b"\n"):
            text = text[1:]
        self._tail = b""
        if b"\r" in text:
            if text.endswith(b"\r"):
                self._tail = b"\r"
            text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = text.split(b"\n")
        if rest:
            self._hold(rest)
        return lines

    def _field(self, line: bytes) -> None:
        self._check(len(line) - NAME)
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._check(self._size + len(value))
            self._size += len(value) + 1  # the line break that follows, so that empty lines count too
            self._data.append(value)
        elif name == b"event":
            self._event = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        elif name == b"retry" and value.isdigit():
            self._retry = int(value[:9])

    def _dispatch(self) -> Event | None:
        data, event, retry = self._data, self._event, self._retry
        self.last_id = self._id
        if not data and retry < 0:
            self._event = b""
            return None
        self._data, self._event, self._size, self._retry = [], b"", 0, -1
        return Event(b"\n".join(data), event or b"message", self.last_id, retry)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise UpstreamInvalid(f"a server-sent event is larger than {self._limit} bytes")


def event(data: bytes, *, id_: bytes = b"", name: bytes = b"message", retry: int = -1) -> bytes:
    """One event as bytes. JSON has no raw line breaks, but other data may: each line gets its own field."""
    head = b"event: %b\n" % name if name else b""
    if id_:
        head += b"id: %b\n" % id_
    if retry >= 0:
        head += b"retry: %d\n" % retry
    if b"\n" in data or b"\r" in data:
        lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        return head + b"".join(b"data: %b\n" % line for line in lines) + b"\n"
    return b"%bdata: %b\n\n" % (head, data)
