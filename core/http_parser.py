"""Bytes of one connection into answers, and the judgement whether it may be used again.

httptools (llhttp, strict) does the parsing. Refused beyond what llhttp refuses: every
transfer coding but one `chunked`, 101, unknown versions, oversized heads, and framing
that outweighs the data. No I/O and no waiting here. Above: `http_connection`.
"""

from typing import Protocol

import httptools

from .call import Header
from .errors import UpstreamInvalid
from .http_values import HttpLimits

_OVERHEAD = 16
"""So many bytes of chunk framing may come with each byte of data (a one-byte chunk needs six)."""


class Sink(Protocol):
    """Where an answer goes. `status` is 0 until `head` was called."""

    status: int
    headers: tuple[Header, ...]

    def head(self, status: int, headers: tuple[Header, ...]) -> None: ...

    def feed(self, data: bytes) -> None: ...


class AnswerParser:
    """Parses answers one after the other: `begin`, `feed` until it is true, `begin` again if `reusable`.

    The `on_...` methods are httptools' callbacks. An exception raised in one of them
    ends the `feed`; `_problem` says why, since httptools wraps it.
    """

    __slots__ = (
        "_bodiless",
        "_coded",
        "_done",
        "_extra",
        "_headers",
        "_keep",
        "_limits",
        "_overhead",
        "_parser",
        "_problem",
        "_sink",
    )

    def __init__(self, limits: HttpLimits) -> None:
        self._limits = limits
        self._parser = httptools.HttpResponseParser(self)

    def begin(self, sink: Sink, *, bodiless: bool = False) -> None:
        """The next answer goes to `sink`; `bodiless`: it ends with its head (HEAD, CONNECT)."""
        self._sink = sink
        self._bodiless = bodiless
        self._headers: list[Header] = []
        self._problem = ""
        self._overhead = 0
        self._coded = False
        self._done = False
        self._extra = False
        self._keep = False

    def discard(self) -> None:
        """No more answers. httptools holds methods of this object: untie the knot without the collector."""
        del self._parser

    @property
    def untouched(self) -> bool:
        """Has not one byte of the answer arrived?"""
        return not self._overhead and not self._sink.status

    @property
    def reusable(self) -> bool:
        """After a complete answer: may the connection carry another one?"""
        return self._keep and not self._extra

    @property
    def exact(self) -> bool:
        """Did nothing come after the answer's end?"""
        return not self._extra

    def feed(self, data: bytes) -> bool:
        """Take what the socket gave; true once the answer is complete. Raises `UpstreamInvalid`."""
        self._overhead += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            # What follows a complete answer costs the connection, not the answer.
            self._extra = True
            if not self._done:
                raise UpstreamInvalid(self._problem or f"malformed HTTP ({error})") from error
        if self._done:
            return True
        if self._overhead > self._limits.max_header_bytes:
            raise UpstreamInvalid("a head, or framing of chunks, that is too long")
        if self._overhead < 0:
            self._overhead = 0
        return False

    def ends(self) -> bool:
        """The connection ended: is the answer complete by that (RFC 9112 6.3, rule 8)?"""
        sink = self._sink
        if not self._done and sink.status and not self._coded:
            self._done = all(name != b"content-length" for name, _ in sink.headers)
        return self._done

    def on_message_begin(self) -> None:
        if self._done:
            self._extra = True

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"transfer-encoding" and not self._sink.status:
            # Only spaces are stripped: after a tab llhttp no longer sees that this is chunked.
            if self._coded or value.rstrip(b" ").lower() != b"chunked":
                self._refuse("a transfer coding other than chunked")
            self._coded = True
        self._headers.append((name, value.rstrip()))

    def on_headers_complete(self) -> None:
        if self._done:
            return
        status = self._parser.get_status_code()
        headers, self._headers = self._headers, []
        if status < 200:
            if status < 100 or status == 101:
                self._refuse(f"status {status}")
            self._coded = False
            return
        if self._parser.get_http_version() not in ("1.1", "1.0"):
            self._refuse("a version other than HTTP/1.1 and HTTP/1.0")
        if len(headers) > self._limits.max_headers or self._too_long(headers):
            self._refuse("too many headers, or too long ones")
        self._sink.head(status, tuple(headers))
        # The parser cannot be told that no body follows; that is why `_keep` stays false.
        self._done = self._bodiless

    def on_body(self, data: bytes) -> None:
        if self._done:
            self._extra = True
            return
        self._overhead -= len(data) * _OVERHEAD
        self._sink.feed(data)

    def on_message_complete(self) -> None:
        if not self._done and self._sink.status:
            self._done = True
            self._keep = self._parser.should_keep_alive()

    def _too_long(self, headers: list[Header]) -> bool:
        # What was fed may hold a good part of the body, so count only when it could matter.
        limit = self._limits.max_header_bytes
        return self._overhead > limit and sum(len(name) + len(value) + 4 for name, value in headers) > limit

    def _refuse(self, problem: str) -> None:
        self._problem = problem
        raise UpstreamInvalid(problem)
