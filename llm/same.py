"""Caller and provider speak the same format: bytes pass as they are. Pure.

Only the model's name is changed where an alias applies, and usage is asked for where a stream does not
bring it of itself; the event that brings it then is kept from a caller that did not ask. Above: `relay`.
Below: `splice`, `watch`.
"""

from ..core.rawjson import encode
from ..core.sse_frames import Frames, read
from .errors import STATUSES
from .exchange import Piece, Unable
from .marks import END, ERROR, PING
from .rendering import array_piece, error_frame
from .splice import set_found, set_members, set_one
from .usage import Told, read_answer
from .values import Asked, Failure, Format
from .watch import watch_for
from .watch_openai import OpenAiWatch

MAX_EVENT = 8 * 1024 * 1024
"""Bytes of one event of a stream: images come in one piece."""
_USAGE = b'{"include_usage":true}'


class Same:
    """`model`: the target's. `asks_usage`: the provider may be asked for usage in streams."""

    def __init__(self, asked: Asked, model: str, *, asks_usage: bool) -> None:
        self.format: Format = asked.format
        self.dropped: tuple[str, ...] = ()
        self._asked = asked
        self._model = model
        self._asks_usage = asks_usage and asked.stream and asked.format == "openai" and not asked.wants_usage

    def body(self) -> bytes:
        asked = self._asked
        renamed = asked.format != "gemini" and (asked.model != self._model or "model" not in asked.members)
        if asked.operation == "count_tokens" and asked.format == "gemini":
            return self._count()
        if not self._asks_usage:
            return set_one(asked.body, asked.members, "model", encode(self._model)) if renamed else asked.body
        options = bytes(asked.members.get("stream_options", b"null"))
        new = {"stream_options": set_members(options, {"include_usage": b"true"}) if options[:1] == b"{" else _USAGE}
        if renamed:
            new["model"] = encode(self._model)
        return set_found(asked.body, asked.members, new)

    def _count(self) -> bytes:
        """Gemini's request for a count may hold another one, which names the model a second time."""
        asked = self._asked
        inner = bytes(asked.members.get("generateContentRequest", b"null"))
        if inner[:1] != b"{" or asked.model == self._model:
            return asked.body
        named = set_members(inner, {"model": encode(f"models/{self._model}")})
        return set_found(asked.body, asked.members, {"generateContentRequest": named})

    def whole(self, body: bytes) -> tuple[bytes, Told]:
        told = read_answer(self.format, body)
        if told.error is not None:
            raise Unable(_answered_error(told, body))
        return body, told

    def stream(self) -> "SameStream":
        return SameStream(self._asked, hides_usage=self._asks_usage)

    def error_body(self, body: bytes, /) -> bytes:
        return body


def _answered_error(told: Told, body: bytes) -> Failure:
    """An error behind a 200, as some compatible servers send it."""
    kind, message = told.error or ("", "")
    status = STATUSES.get(kind, 502)
    kind = kind if kind in STATUSES else "api_error"
    return Failure("status", kind, status, message or "The provider answered with an error.", 500, body=body)


class SameStream:
    """Frames of a provider's stream, passed on as they came."""

    def __init__(self, asked: Asked, *, hides_usage: bool) -> None:
        self.dropped: tuple[str, ...] = ()
        self._asked = asked
        self._frames = Frames(MAX_EVENT)
        self._watch = watch_for(asked.format)
        self._see = self._watch.see
        self._hiding = self._watch if hides_usage and isinstance(self._watch, OpenAiWatch) else None
        self._events = 0

    @property
    def told(self) -> Told:
        return self._watch.told

    @property
    def ended(self) -> bool:
        return self._watch.ended

    def feed(self, chunk: bytes) -> list[Piece]:
        return [self._piece(frame, data, name) for frame, data, name in self._frames.events(chunk)]

    def _piece(self, frame: bytes, data: bytes, name: bytes) -> Piece:
        if not data:
            return Piece(b"" if self._asked.array else frame, PING)
        try:
            mark = self._see(data, name)
        except ValueError:
            mark = ERROR
        if self._asked.array:
            self._events += 1
            return Piece(array_piece(data, first=self._events == 1), mark)
        hidden = self._hiding is not None and self._hiding.only_usage
        return Piece(b"" if hidden else frame, mark)

    def end(self) -> list[Piece]:
        rest = self._frames.rest()
        last = rest.rstrip(b"\r\n") + b"\n\n"
        pieces = [self._piece(last, *read(last))] if rest.strip() else []
        if self._asked.array and self._watch.ended:
            pieces.append(Piece(b"]" if self._events else b"[]", END))
        return pieces

    def fail(self, failure: Failure) -> bytes:
        return error_frame(self._asked, failure, first=self._events == 0)
