"""What an HTTP server answered, whole and decompressed: status, headers, media type, text. Pure."""

import zlib
from functools import cached_property
from http import HTTPStatus

from ..core.call import Header
from ..core.errors import UpstreamInvalid
from .openapi_document import media_type

_STATUSES = frozenset(HTTPStatus)


class HttpAnswer:
    """Raises `UpstreamInvalid` for a body that is not compressed as it says, or that grows beyond `limit` bytes."""

    def __init__(self, status: int, headers: tuple[Header, ...], body: bytes, limit: int) -> None:
        self.status = status
        self._headers = dict(reversed(headers))
        self.body = _decompressed(body, self.header(b"content-encoding").lower(), limit)
        kind = self.header(b"content-type")
        self.media = media_type(kind)
        self.charset = kind.lower().partition("charset=")[2].partition(";")[0].strip("\"' ") or "utf-8"

    def header(self, name: bytes) -> str:
        """The first value of `name` (lower case), or nothing."""
        return self._headers.get(name, b"").decode("latin-1").strip()

    def told(self, names: tuple[bytes, ...]) -> str:
        """The status, and those of the headers that are there, for people and models."""
        phrase = HTTPStatus(self.status).phrase if self.status in _STATUSES else ""
        lines = [f"HTTP {self.status} {phrase}".rstrip()]
        lines += [f"{name.decode()}: {self.header(name)[:500]}" for name in names if self.header(name)]
        return "\n".join(lines)

    @cached_property
    def text(self) -> str:
        try:
            return self.body.decode(self.charset, "replace").removeprefix("\ufeff")
        except LookupError:
            return self.body.decode("utf-8", "replace")


def _decompressed(body: bytes, encoding: str, limit: int) -> bytes:
    """No compression was asked for, but some servers compress always."""
    if encoding in ("", "identity") or not body:
        return body
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise UpstreamInvalid(f"it answered with the content encoding {encoding[:40]!r}, which was not asked for")
    machine = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        found = machine.decompress(body, limit)
    except zlib.error as error:
        raise UpstreamInvalid("its answer is not compressed as it says") from error
    if machine.unconsumed_tail:
        raise UpstreamInvalid(f"its answer is longer than {limit} bytes")
    if not machine.eof:
        raise UpstreamInvalid("its compressed answer ends too early")
    return found
