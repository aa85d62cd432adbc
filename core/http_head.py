"""The bytes of a request's head, and the refusal of everything that could break out of them.

Pure: values in, bytes out. What callers hand over may stem from clients, so a method,
path or header that holds a line break, a NUL or a space where none belongs raises
`ValueError`. Above: the client. Below: `http_values`.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from .http_values import Target

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_REQUEST_LINE = re.compile(rf"(?!CONNECT ){_TOKEN} (?:/|http://)[!\"$-~]* HTTP/1\.1\r\nhost: [!-~]+\r\n")
_OWNED = r"(?i:host|content-length|transfer-encoding)"
_FIELD = rf"(?!{_OWNED}:){_TOKEN}: [\t\x20-\x7e\x80-\xff]*\r\n".encode()
_FIELDS = re.compile(rb"(?:%b)*" % _FIELD)
_ONE_FIELD = re.compile(_FIELD)

_CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
_BODY_EXPECTED = frozenset({"POST", "PUT", "PATCH"})

KNOWN, LONGEST_KNOWN = 1024, 256
"""Request lines that are kept, because most requests have one of a few, and the characters of a path up to which."""

Fields = Sequence[tuple[bytes, bytes]]


def request_line(method: str, target: Target, path: str, *, absolute: bool) -> bytes:
    """Request line and Host. `absolute` gives the form for a plain HTTP proxy (RFC 9112 3.2.2)."""
    prefix = target.origin if absolute else ""
    make = _known_line if len(path) <= LONGEST_KNOWN else _line
    return make(method, prefix, path, target.authority)


def _line(method: str, prefix: str, path: str, authority: str) -> bytes:
    line = f"{method} {prefix}{path} HTTP/1.1\r\nhost: {authority}\r\n"
    if path[:1] != "/" or _REQUEST_LINE.fullmatch(line) is None:
        raise ValueError(
            "the method must be a token other than CONNECT, and the path visible ASCII that begins with / and has no #"
        )
    return line.encode()


_known_line = lru_cache(KNOWN)(_line)


def header_fields(headers: Fields) -> bytes:
    """The caller's header lines as they are."""
    block = b"".join([b"%b: %b\r\n" % header for header in headers])
    # One match over the whole block is several times cheaper than one per header; the count
    # catches a value that spells out a well-formed line of its own, the colon a name that does.
    if (
        _FIELDS.fullmatch(block) is None
        or block.count(b"\n") != len(headers)
        or True in [b":" in name for name, _ in headers]
    ):
        raise ValueError(_complaint(headers))
    return block


def _complaint(headers: Fields) -> str:
    """Name the header, never its value: that may be a secret."""
    name = next((name for name, value in headers if b":" in name or _is_wrong(b"%b: %b\r\n" % (name, value))), b"")
    if re.fullmatch(_OWNED, name.decode("latin-1")):
        return f"the header {name.decode()} is set by the HTTP client itself: leave it out"
    return f"the header {name!r} has characters that HTTP does not allow in its name or value"


def _is_wrong(line: bytes) -> bool:
    return _ONE_FIELD.fullmatch(line) is None or line.count(b"\n") != 1


def framing(method: str, length: int | None) -> bytes:
    """The line that says how long the body is, and the end of the head. None: unknown, so chunked."""
    if length is None:
        return _CHUNKED
    if length == 0 and method not in _BODY_EXPECTED:
        return b"\r\n"
    return b"content-length: %d\r\n\r\n" % length


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body; empty data makes the last one (RFC 9112 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)
