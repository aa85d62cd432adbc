"""What the relay asks of a pairing of caller and provider formats: a body to send, an answer to give back.

`same` passes bytes on, `translated` reads and writes them anew. Above: `relay`, `stream_relay`. Below: `values`.
"""

from typing import Protocol

import msgspec

from .marks import Mark
from .usage import Told
from .values import Failure, Format


class Piece(msgspec.Struct, frozen=True, gc=False):
    """Bytes for the caller, and what they mean."""

    data: bytes
    mark: Mark


class Unable(Exception):
    """This pairing cannot carry the request, or the answer turned out to be an error."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Pieces(Protocol):
    """One stream of a provider on its way to the caller."""

    dropped: tuple[str, ...]

    @property
    def told(self) -> Told: ...

    @property
    def ended(self) -> bool:
        """Whether the provider's last event has come."""
        ...

    def feed(self, chunk: bytes) -> list[Piece]:
        """What a chunk completes. After a piece marked `ERROR` comes none; `told.error` says why.

        Raises `UpstreamInvalid` for what is beyond all limits.
        """
        ...

    def end(self) -> list[Piece]:
        """The provider's connection has ended."""
        ...

    def fail(self, failure: Failure) -> bytes:
        """What ends the caller's stream with an error, after pieces have been sent."""
        ...


class Exchange(Protocol):
    """One attempt at one target."""

    format: Format
    """That the provider is spoken to in."""
    dropped: tuple[str, ...]
    """Features of the request that it could not be told."""

    def body(self) -> bytes: ...

    def whole(self, body: bytes) -> tuple[bytes, Told]:
        """The provider's whole answer in the caller's format. Raises `Unable` or `UpstreamInvalid`."""
        ...

    def stream(self) -> Pieces: ...

    def error_body(self, body: bytes, /) -> bytes:
        """A provider's error body, if the caller can read it as it is; else nothing."""
        ...
