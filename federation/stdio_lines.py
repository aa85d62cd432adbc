"""Lines out of bytes, pure: MCP messages on standard output, log text on standard error.

No clock, no logger, no process. Source: MCP 2025-11-25, basic/transports, stdio: messages
are JSON-RPC, delimited by newlines, and hold none. Above: `stdio`.
"""

import re
from collections.abc import Iterator

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import well_formed

_parse = msgspec.json.Decoder(msgspec.Raw).decode
_UNPRINTABLE = re.compile(r"\x1b\[[0-9;?]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")


class LineTooLong(UpstreamInvalid):
    """A line exceeds the limit; the reader cannot go on."""


class MessageLines:
    """Cuts a stream into lines of at most `limit` bytes. Linear in the bytes, also for one huge line."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The non-empty lines that `data` completes, stripped. Raises `LineTooLong` after the good ones."""
        head, *rest = data.split(b"\n")
        self._add(head)
        for line in rest:
            whole = b"".join(self._parts).strip()
            self._parts.clear()
            if whole:
                self._size = 0
                yield whole
            else:
                # Blank lines count on until a message comes, so that a flood of them ends too.
                self._size += 1
            self._add(line)

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise LineTooLong(f"it sent a message of more than {self._limit} bytes")
        if part:
            self._parts.append(part)


class LogLines:
    """Cuts a stream into lines of text, each shortened to `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._partial = b""

    def feed(self, data: bytes, most: int) -> tuple[list[str], int]:
        """The non-empty lines among the first `most` that `data` completes, and how many more there were.

        What is more is only counted: a flood must not cost time per line.
        """
        *ends, rest = data.split(b"\n", most)
        lines: list[str] = []
        for end in ends:
            self._add(end)
            lines += self.flush()
        more = rest.count(b"\n")
        if more:
            self._partial = b""
        self._add(rest[rest.rfind(b"\n") + 1 :])
        return lines, more

    def _add(self, part: bytes) -> None:
        self._partial = (self._partial + part[: self._limit])[: self._limit]

    def flush(self) -> list[str]:
        """The last line, if it lacks its newline."""
        text = clean(self._partial)
        self._partial = b""
        return [text] if text else []


def clean(line: bytes) -> str:
    """The line as text without control characters, which could forge log lines or drive a terminal."""
    return _UNPRINTABLE.sub("", line.decode("utf-8", "replace")).rstrip()


def is_message(line: bytes) -> bool:
    """Whether the line is a JSON object or array (a batch, in revisions that have them)."""
    if line[:1] not in (b"{", b"["):
        return False
    try:
        _parse(line)
    except (msgspec.DecodeError, RecursionError):
        return _is_mendable(line)
    return True


def _is_mendable(line: bytes) -> bool:
    """Whether only halves of surrogate pairs, which JavaScript writes, kept it from being read."""
    try:
        _parse(well_formed(line))
    except (msgspec.DecodeError, RecursionError):
        return False
    return True


def as_line(message: bytes) -> bytes:
    """The message as one line. Newlines can only be white space between JSON tokens: blanks say the same."""
    if b"\n" in message or b"\r" in message:
        message = message.replace(b"\n", b" ").replace(b"\r", b" ")
    return message + b"\n"
