"""Answers that came compressed although nobody asked for that: unpacked within a bound.

The gateway asks for `identity`; some servers and proxies compress all the same. Above: `call`. Below: zlib.
"""

import zlib
from collections.abc import AsyncIterator
from typing import Protocol

from ..core.call import Header
from ..core.errors import UpstreamInvalid

_WINDOW = {b"gzip": 31, b"x-gzip": 31, b"deflate": 15}
STEP = 256 * 1024
"""Bytes that one chunk of a stream may become at a time."""


class Answer(Protocol):
    """An answer of the HTTP client."""

    status: int
    headers: tuple[Header, ...]

    def header(self, name: bytes) -> bytes | None: ...

    async def read(self, limit: int) -> bytes: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    async def __anext__(self) -> bytes: ...

    async def aclose(self) -> None: ...


def decoded(answer: Answer) -> "Answer":
    """The answer itself, or one that unpacks it. Raises `UpstreamInvalid` for an encoding that nobody knows here."""
    told = answer.header(b"content-encoding")
    if told is None:
        return answer
    encoding = told.strip().lower()
    if encoding in (b"identity", b""):
        return answer
    if encoding not in _WINDOW:
        name = encoding[:32].decode("latin-1")
        raise UpstreamInvalid(f"it is encoded as {name!r}, and identity was asked for")
    return Unpacked(answer, _WINDOW[encoding])


class Unpacked:
    """What an answer holds, in the same form."""

    def __init__(self, answer: Answer, window: int) -> None:
        self.status = answer.status
        self.headers = tuple(pair for pair in answer.headers if pair[0] != b"content-encoding")
        self._answer = answer
        self._window = window
        self._unpack = zlib.decompressobj(window)
        self._begun = False

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)

    async def read(self, limit: int) -> bytes:
        packed = await self._answer.read(limit)
        data = self._inflate(packed, limit + 1)
        if len(data) > limit:
            raise UpstreamInvalid(f"the upstream's answer is longer than {limit} bytes")
        if not self._unpack.eof:
            raise UpstreamInvalid("its compressed body is cut short")
        return data

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        while True:
            packed = self._unpack.unconsumed_tail
            if not packed:
                packed = await self._answer.__anext__()
            data = self._inflate(packed, STEP)
            if data:
                return data

    def _inflate(self, packed: bytes, most: int) -> bytes:
        try:
            if not self._begun and self._window == 15 and packed and packed[0] & 0x0F != 8:
                self._unpack = zlib.decompressobj(-15)  # "deflate" without its zlib header, as some servers mean it
            self._begun = self._begun or bool(packed)
            return self._unpack.decompress(packed, most)
        except zlib.error as error:
            raise UpstreamInvalid("its compressed body is damaged") from error

    async def aclose(self) -> None:
        await self._answer.aclose()
