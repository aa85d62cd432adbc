"""OpenAI chat completions, streamed: chunks read into neutral events, and written from them.

`ReadStream` is fed the data of each server-sent event; `WriteStream` (in `openai_chunks`) gives whole
frames. Providers that imitate the API leave things out: ids, indexes, names, the end. What can be made up
is; a stream that stops in the middle ends in `Failed`. Pure. Above: the relay that translates.
"""

from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Raw
from .blocks import made_id
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Reason,
    Refusal,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)
from .openai_answer import read_logprobs, read_reason, read_usage
from .openai_chunks import WriteStream
from .openai_errors import read_member
from .openai_messages import call_signature
from .openai_thoughts import detail_text, format_of, part_text
from .openai_wire import Answer, Call, Choice, Detail, Part, Response, responses
from .reading import answered, decode
from .wire import MAX_BLOCKS, says, tokens

__all__ = ["ReadStream", "WriteStream"]

CUT = "the provider's stream ended in the middle of the answer"
MAX_HELD = 64 * 1024
"""Characters of arguments kept until the name of their tool comes."""


def _chunk(data: bytes) -> Response:
    return decode(responses, data)


class _Call:
    """A call of a tool under way. `index` is its block's; -1 until its name is known."""

    __slots__ = ("held", "id", "index", "name")

    def __init__(self, id_: str) -> None:
        self.id = id_
        self.name = ""
        self.held = ""
        self.index = -1


class ReadStream:
    """`feed` each event as it comes, then `end` once. After `Finished` or `Failed` nothing more is given."""

    def __init__(self) -> None:
        self._id = ""
        self._created = 0
        self._started = False
        self._over = False
        self._next = 0
        self._open: type[Block] | None = None
        self._thought: int | None = None
        self._calls: dict[int, _Call] = {}
        self._kinds: set[type[Block]] = set()
        self._word: str | None = None
        self._usage = Usage()
        self._tier = ""
        self._events: list[Event] = []

    def feed(self, data: bytes, name: bytes = b"") -> list[Event]:  # noqa: ARG002 - this format names no events
        """The events that one server-sent event stands for. `UpstreamInvalid` if it is none of this format."""
        if self._over or not data:
            return []
        self._events = []
        if data.startswith(b"[DONE]"):
            return self._finish()
        chunk = answered(_chunk, data)
        if says(chunk.error):
            kind, message = read_member(chunk.error)
            return self._fail(kind or "api_error", message or "the provider reports an error")
        if chunk.usage is not None:
            self._usage = read_usage(chunk.usage)
        self._tier = chunk.service_tier or self._tier
        for choice in chunk.choices or ():
            if choice.index == 0:
                self._read(chunk, choice)
        return self._events

    def end(self) -> list[Event]:
        """What the end of the body means: the end of the answer if it was announced, else that it was cut."""
        if self._over:
            return []
        self._events = []
        return self._finish() if self._word is not None else self._fail("api_error", CUT)

    def _finish(self) -> list[Event]:
        if any(call.index < 0 for call in self._calls.values()):
            raise UpstreamInvalid("the provider called a tool without naming it")
        self._start("", "", 0)
        self._close()
        self._over = True
        self._events.append(Finished(self._reason(), self._usage, service_tier=self._tier))
        return self._events

    def _reason(self) -> Reason:
        reason = read_reason(self._word or "stop", ())
        if reason in ("stop", "other"):
            if ToolCall in self._kinds:
                return "tools"
            if Refusal in self._kinds:
                return "refusal"
        return reason

    def _fail(self, kind: str, message: str) -> list[Event]:
        self._over = True
        self._events.append(Failed(kind, message))
        return self._events

    def _start(self, id_: str, model: str, created: int) -> None:
        if not self._started:
            self._started = True
            self._id, self._created = id_, created
            self._events.append(Started(id_, model, created))

    def _read(self, chunk: Response, choice: Choice) -> None:
        self._start(chunk.id or "", chunk.model or "", tokens(chunk.created) or 0)
        delta = choice.delta
        if delta is not None:
            self._read_delta(delta, choice)
        if choice.finish_reason:
            self._word = choice.finish_reason
            self._close()

    def _read_delta(self, delta: Answer, choice: Choice) -> None:
        if delta.reasoning_details:
            for detail in delta.reasoning_details:
                self._read_detail(detail)
        elif thought := delta.reasoning_content or delta.reasoning:
            self._add(Thinking, thought)
        if isinstance(delta.content, list):
            for part in delta.content:
                self._read_part(part)
        elif delta.content:
            self._add(Text, delta.content, read_logprobs(choice))
        elif delta.audio is not None and delta.audio.transcript:
            self._add(Text, delta.audio.transcript)
        if delta.refusal:
            self._add(Refusal, delta.refusal)
        for call in delta.tool_calls or ():
            self._read_call(call)

    def _read_part(self, part: Part) -> None:
        if part.type == "thinking":
            self._add(Thinking, part_text(part))
        elif part.text:
            self._add(Text, part.text)

    def _read_detail(self, detail: Detail) -> None:
        # Pieces of one index belong to one thought.
        if self._open is not Thinking or (detail.index is not None and detail.index != self._thought):
            self._begin(Thinking(id=detail.id or "", format=format_of(detail)))
            self._thought = detail.index
        index = self._next - 1
        if text := detail_text(detail):
            self._events.append(TextDelta(index, text))
        if detail.signature or detail.data:
            self._events.append(Signed(index, detail.signature or "", detail.data or ""))

    def _add(self, kind: type[Text | Refusal | Thinking], text: str, logprobs: Raw = EMPTY) -> None:
        if self._open is not kind:
            self._begin(Thinking() if kind is Thinking else Text("") if kind is Text else Refusal(""))
        self._events.append(TextDelta(self._next - 1, text, logprobs))

    def _begin(self, block: Block) -> None:
        self._close()
        if self._next >= MAX_BLOCKS:
            raise UpstreamInvalid(f"the provider's answer has more than {MAX_BLOCKS} blocks")
        self._open = type(block)
        self._kinds.add(type(block))
        self._thought = None
        self._events.append(BlockStarted(self._next, block))
        self._next += 1

    def _close(self) -> None:
        if self._open is not None:
            self._open = None
            self._events.append(BlockEnded(self._next - 1))

    def _read_call(self, piece: Call) -> None:
        told = piece.function or piece.custom
        name = (told.name or "") if told is not None else ""
        text = ""
        if piece.function is not None:
            text = piece.function.arguments or ""
        elif piece.custom is not None:
            text = piece.custom.input or ""
        call = self._call_of(piece, name)
        if call.index < 0 and name:
            call.name = name
            custom = piece.custom is not None
            self._begin(ToolCall(call.id, name, signature=call_signature(piece), custom=custom))
            call.index, text, call.held = self._next - 1, call.held + text, ""
        if text:
            self._add_arguments(call, text)

    def _call_of(self, piece: Call, name: str) -> _Call:
        at = piece.index
        if at is None:
            at = len(self._calls) if piece.id or not self._calls else len(self._calls) - 1
        call = self._calls.get(at)
        # Gemini's imitation sends every call at index 0.
        if call is None or (name and call.index >= 0 and piece.id and piece.id != call.id):
            if at not in self._calls and len(self._calls) >= MAX_BLOCKS:
                raise UpstreamInvalid(f"the provider calls more than {MAX_BLOCKS} tools at once")
            call = _Call(piece.id or made_id(self._id, self._created, self._next, at))
            self._calls[at] = call
        return call

    def _add_arguments(self, call: _Call, text: str) -> None:
        if call.index < 0:
            call.held += text
            if len(call.held) > MAX_HELD:
                raise UpstreamInvalid("the provider calls a tool without naming it")
        elif call.index != self._next - 1 or self._open is not ToolCall:
            raise UpstreamInvalid("the provider goes on with a tool call that was over")
        else:
            self._events.append(TextDelta(call.index, text))
