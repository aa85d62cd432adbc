"""Caller and provider speak different formats: requests, answers and events pass through the neutral form. Pure.

What the provider's format cannot carry is named, never lost in silence. Above: `relay`. Below: `formats`.
"""

from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import msgspec

from ..core.errors import BadRequest, UpstreamInvalid
from ..core.sse_frames import Frames
from . import formats, neutral
from .blocks import Written, restore, restore_event
from .custom_calls import Customs
from .errors import API, INVALID, STATUSES
from .exchange import Piece, Unable
from .marks import CONTENT, END, ERROR, PREAMBLE, THOUGHT, Mark
from .presets import Dialect
from .same import MAX_EVENT
from .splice import set_found
from .usage import Told
from .values import Asked, Failure, Format

_UNNAMED = b'"unnamed"'
_PREFIXES = {"openai": "chatcmpl-", "anthropic": "msg_", "responses": "resp_"}
"""Of the ids of answers, where clients may look at them."""
KEPT_ELSEWHERE = (
    "the request refers to what another provider keeps (a previous response, a stored item or prompt): "
    "send the whole conversation in input"
)


class Made(msgspec.Struct, frozen=True):
    """What an answer is called where its provider does not say, and when it was made (seconds since the epoch)."""

    id: str = ""
    created: int = 0


class Reading:
    """The caller's request in the neutral form, read once however many targets are tried."""

    def __init__(self, asked: Asked, made: Made | None = None) -> None:
        self.asked = asked
        self._made = made or Made()
        self._request: neutral.Request | None = None

    @property
    def request(self) -> neutral.Request:
        """Raises `BadRequest`."""
        if self._request is None:
            self._request = formats.caller(self.asked.format).read_request(self._named())
        return self._request

    def made(self, id_: str, created: int) -> Made:
        """The answer's own id and date, and where it has none (and the caller's format has a place for it), ours."""
        dated = self.asked.format in ("openai", "responses")
        ours = _PREFIXES.get(self.asked.format, "") + self._made.id if self._made.id else ""
        return Made(id_ or ours, created or (self._made.created if dated else 0))

    def _named(self) -> Asked:
        """Below a route's path a request need not name a model, which every format's reader expects."""
        asked = self.asked
        if asked.model:
            return asked
        return msgspec.structs.replace(asked, body=set_found(asked.body, asked.members, {"model": _UNNAMED}))


class Translated:
    """`format_` is the provider's, `model` the target's. Raises `Unable` for what no translation can carry."""

    def __init__(self, reading: Reading, format_: Format, model: str, dialect: Dialect = "openai") -> None:
        self.format: Format = format_
        self._reading = reading
        self._asked = reading.asked
        self._dialect = dialect
        self._provider = formats.provider(format_)
        request = self._readable(reading)
        if reading.asked.format == "responses" and formats.is_kept_elsewhere(request):
            raise Unable(Failure("unfit", INVALID, 400, KEPT_ELSEWHERE))
        self._model = model
        self._request = msgspec.structs.replace(request, model=reading.asked.model or model)
        self._written = self._write(request)
        self.dropped: tuple[str, ...] = self._written.dropped

    def _readable(self, reading: Reading) -> neutral.Request:
        try:
            return reading.request
        except BadRequest as error:
            raise Unable(Failure("unfit", INVALID, 400, error.message)) from error

    def _write(self, request: neutral.Request) -> Written:
        asked = self._asked
        try:
            # The provider is always asked for usage: the gateway counts it.
            request = msgspec.structs.replace(request, model=self._model, stream=asked.stream, usage_wanted=True)
            return self._provider.write_request(request, self._dialect)
        except BadRequest as error:
            raise Unable(Failure("unfit", INVALID, 400, error.message)) from error

    def body(self) -> bytes:
        return self._written.body

    def whole(self, body: bytes) -> tuple[bytes, Told]:
        read = self._provider.read_response(body)
        response = Customs(self._request.tools).response(restore(read, self._written.renamed))
        made = self._reading.made(response.id, response.created)
        response = msgspec.structs.replace(response, id=made.id, created=made.created)
        written = formats.caller(self._asked.format).write_response(response, self._request)
        self.dropped = (*self.dropped, *(name for name in written.dropped if name not in self.dropped))
        return written.body, Told(response.model, response.usage)

    def stream(self) -> "TranslatedStream":
        return TranslatedStream(self._reading, self._request, self.format, self._written)

    def error_body(self, _body: bytes, /) -> bytes:
        return b""


class Events(Protocol):
    """Takes a stream apart, however it is framed."""

    rest: bytes
    """What completes an event that has come as far as it will."""

    def feed(self, chunk: bytes, /) -> Sequence[tuple[bytes, bytes]]:
        """Data and name of each event that the chunk completes."""
        ...


class TranslatedStream:
    """Events of a provider's stream, written anew in the caller's format."""

    def __init__(self, reading: Reading, request: neutral.Request, format_: Format, written: Written) -> None:
        asked = reading.asked
        self.told = Told()
        self.ended = False
        self.dropped = written.dropped
        self._reading = reading
        self._renamed = written.renamed
        self._customs = Customs(request.tools)
        self._restores = bool(written.renamed or self._customs)
        self._source = _source(format_)
        self._reader = formats.provider(format_).reader()
        self._writer = formats.caller(asked.format).writer(asked, request)
        self._thoughts: set[int] = set()

    def feed(self, chunk: bytes) -> list[Piece]:
        pieces: list[Piece] = []
        for data, name in self._source.feed(chunk):
            if data:
                pieces += [self._piece(event) for event in self._reader.feed(data, name)]
        return pieces

    def _piece(self, event: neutral.Event) -> Piece:
        mark = self._mark(event)
        if mark is ERROR:
            return Piece(b"", mark)
        if isinstance(event, neutral.Started):
            made = self._reading.made(event.id, event.created)
            event = msgspec.structs.replace(event, id=made.id, created=made.created)
        if not self._restores:
            return Piece(self._writer.write(event), mark)
        events = self._customs.event(restore_event(event, self._renamed))
        written = [self._writer.write(each) for each in events]
        return Piece(b"".join(written), mark)

    def _mark(self, event: neutral.Event) -> Mark:
        match event:
            case neutral.TextDelta(index=index, text=text):
                return (THOUGHT if index in self._thoughts else CONTENT) if text else PREAMBLE
            case neutral.BlockStarted(index=index, block=neutral.Thinking()):
                self._thoughts.add(index)
                return THOUGHT
            case neutral.BlockStarted(block=neutral.Text(text="")):
                return PREAMBLE
            case neutral.BlockStarted():
                return CONTENT
            case neutral.Started(model=model, usage=usage):
                self.told.model, self.told.usage = model, usage
            case neutral.Finished(usage=usage):
                self.told.usage = usage
                self.ended = True
                return END
            case neutral.Failed(kind=kind, message=message):
                self.told.error = (kind, message)
                return ERROR
            case _:
                pass
        return PREAMBLE

    def end(self) -> list[Piece]:
        """An event that was cut is none; if the answer was complete without it, nothing is missing."""
        pieces: list[Piece] = []
        with suppress(UpstreamInvalid):
            pieces += self.feed(self._source.rest)
        ends = [self._piece(event) for event in self._reader.end()]
        if ends and ends[-1].mark is ERROR:
            self.told.error = None  # the reader's words for a stream that was cut; who cut it is known above
        return pieces + ends

    def fail(self, failure: Failure) -> bytes:
        kind = failure.kind if failure.kind in STATUSES else API
        return self._writer.write(neutral.Failed(kind, failure.message))


class _Sse:
    """Server-sent events."""

    rest = b"\n\n"
    """Servers that leave out the empty line behind their last event have sent it all the same."""

    def __init__(self) -> None:
        self._frames = Frames(MAX_EVENT)

    def feed(self, chunk: bytes, /) -> list[tuple[bytes, bytes]]:
        return [(data, name) for _, data, name in self._frames.events(chunk)]


def _source(format_: Format) -> Events:
    if format_ == "bedrock":
        from .bedrock_frames import Reader

        return Reader(MAX_EVENT)
    return _Sse()
