"""A provider's stream on its way to the caller: held back until it commits, then passed on as it comes.

As long as neither text nor a tool call has come, the stream can be given up for another target, and the
caller has seen nothing. From then on a failure ends the caller's stream in its own format. The caller's
pace is the provider's: nothing is read ahead beyond one chunk. Above: `relay`. Below: `exchange`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from ..core.clock import Clock
from ..core.errors import UpstreamError
from .encoding import Answer
from .errors import cut, in_stream, of_error
from .exchange import Piece, Pieces, Unable
from .marks import CONTENT, ERROR, PING, THOUGHT
from .values import Failure

MAX_HELD = 256 * 1024
"""Bytes that are held back at most; a preamble (or a train of thought) that is longer commits the stream."""


class Held:
    """What has come before the stream committed."""

    def __init__(self, data: bytes, *, over: bool, content_at: float | None) -> None:
        self.data = data
        self.over = over
        """The provider's stream has ended already."""
        self.content_at = content_at
        """When the first text or tool call came."""


async def hold(provider: str, answer: Answer, pieces: Pieces, clock: Clock, *, patience: float, can_fall: bool) -> Held:
    """Read until the stream commits. Raises `Unable` if it fails before.

    `patience`: seconds that the first event may take. `can_fall`: there is another target, so thoughts are
    held back as well; otherwise they are shown as they come.
    """
    commits = CONTENT if can_fall else THOUGHT
    held: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(patience) as deadline:
            while True:
                chunk = await anext(answer, None)
                found = pieces.end() if chunk is None else pieces.feed(chunk)
                highest = PING
                for piece in found:
                    if piece.mark is ERROR:
                        raise Unable(failure_of(provider, pieces))
                    if piece.mark > highest:
                        highest = piece.mark
                    held.append(piece.data)
                    size += len(piece.data)
                if highest > PING:
                    deadline.reschedule(None)
                if chunk is None and not pieces.ended:
                    raise Unable(cut(provider))
                if chunk is None or highest >= commits or size > MAX_HELD:
                    at = clock.monotonic() if highest >= CONTENT else None
                    return Held(b"".join(held), over=chunk is None, content_at=at)
    except TimeoutError as error:
        text = f"The provider {provider} began no answer within {patience:g} s."
        raise Unable(Failure("timeout", "timeout_error", 504, text)) from error
    except UpstreamError as error:
        raise Unable(of_error(provider, error)) from error


def failure_of(provider: str, pieces: Pieces) -> Failure:
    """What the provider's own error event says; an event that cannot be read is a stream cut short."""
    if pieces.told.error is None:
        return cut(provider)
    return in_stream(provider, *pieces.told.error)


class StreamBody:
    """The reply's body. `ended(failure, left)` is called once: a failure, or that the caller left, or neither."""

    def __init__(
        self,
        provider: str,
        answer: Answer,
        pieces: Pieces,
        held: Held,
        clock: Clock,
        ended: Callable[["StreamBody", Failure | None, bool], None],
    ) -> None:
        self.content_at = held.content_at
        self._provider = provider
        self._answer = answer
        self._read = answer.__anext__
        self._pieces = pieces
        self._feed = pieces.feed
        self._ready = held.data
        self._over = held.over
        self._clock = clock
        self._ended = ended
        self._told = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if self._ready:
            ready, self._ready = self._ready, b""
            return ready
        while not self._over:
            try:
                try:
                    chunk = await self._read()
                except StopAsyncIteration:
                    data = self._last()
                else:
                    data = self._passed(self._feed(chunk))
            except UpstreamError as error:
                data = self._fail(of_error(self._provider, error))
            except asyncio.CancelledError:
                await self.aclose()
                raise
            if data:
                return data
        self._end(None)
        raise StopAsyncIteration

    def _passed(self, found: list[Piece]) -> bytes:
        for number, piece in enumerate(found):
            if piece.mark is ERROR:
                return b"".join([each.data for each in found[:number]]) + self._broken(piece.data)
            if piece.mark is CONTENT and self.content_at is None:
                self.content_at = self._clock.monotonic()
        return found[0].data if len(found) == 1 else b"".join([piece.data for piece in found])

    def _last(self) -> bytes:
        self._over = True
        data = self._passed(self._pieces.end())
        return data if self._pieces.ended or self._told else data + self._fail(cut(self._provider))

    def _broken(self, last: bytes) -> bytes:
        """The provider's own error event passes if it is in the caller's format, else ours takes its place."""
        failure = failure_of(self._provider, self._pieces)
        if last and self._pieces.told.error is not None:
            self._finish(failure)
            return last
        return self._fail(failure)

    def _fail(self, failure: Failure) -> bytes:
        if self._pieces.ended:  # what the caller needs has come: an untidy end harms nobody
            self._finish(None)
            return b"".join(piece.data for piece in self._pieces.end() if piece.mark is not ERROR)
        self._finish(failure)
        return self._pieces.fail(failure)

    def _finish(self, failure: Failure | None) -> None:
        self._over = True
        self._end(failure)

    def _end(self, failure: Failure | None, *, left: bool = False) -> None:
        if not self._told:
            self._told = True
            self._ended(self, failure, left)

    async def aclose(self) -> None:
        """The provider's request ends at once if its answer is not complete. Idempotent."""
        self._over = True
        self._ready = b""
        try:
            await self._answer.aclose()
        finally:
            self._end(None, left=not self._pieces.ended)
