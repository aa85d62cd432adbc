"""Gemini streamGenerateContent: chunks read as neutral events, and written from them.

Each chunk is an answer of its own with a piece of the parts. Callers get server-sent events,
or a JSON array that grows, which is what the API sends unless `alt=sse` asks otherwise. Calls
are not streamed: one is written when it is complete. Pure; the relay stands above,
`gemini_answer` below.
"""

from typing import Any

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Raw, encode
from . import gemini_members as wire
from .blocks import Losses
from .gemini_answer import (
    WORDS,
    decode_answer,
    known_call,
    read_answer_part,
    read_logprobs,
    read_reason,
    read_usage,
    write_logprobs,
    write_part,
    write_usage,
)
from .gemini_errors import error_object, read_member
from .gemini_parts import write_answer_call, write_answer_thinking
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
    Usage,
)
from .reading import answered
from .wire import MAX_BLOCKS, says

CUT = "The provider ended its stream before the answer was complete."
MAX_HELD = 16 * 1024 * 1024
"""Characters of calls' arguments that are held until they are complete."""


class ReadStream:
    """`feed` each event of the stream, `end` when it is over."""

    def __init__(self) -> None:
        self._id = ""
        self._started = False
        self._over = False
        self._next = 0
        self._open: Block | None = None
        self._kinds: set[type[Block]] = set()
        self._usage = Usage()
        self._word = ""

    def feed(self, data: bytes, name: bytes = b"") -> list[Event]:
        del name  # events have no names here
        if self._over or data.strip() == b"[DONE]":
            return []
        return answered(self._read, data)

    def end(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        if not self._word:
            return [Failed("api_error", CUT)]
        return self._finished()

    def _read(self, data: bytes) -> list[Event]:
        answer = decode_answer(data)
        if says(answer.error):
            self._over = True
            kind, message = read_member(answer.error)
            return [Failed(kind or "api_error", message or "The provider broke its stream off.")]
        events = self._start(answer)
        if answer.usage_metadata is not None:
            self._usage = read_usage(answer.usage_metadata)
        for candidate in answer.candidates or ():
            if candidate.index == 0:  # the neutral stream has one answer
                events += self._candidate(candidate, data)
        if answer.prompt_feedback is not None and answer.prompt_feedback.block_reason and not answer.candidates:
            self._word = "SAFETY"
        if self._word and answer.usage_metadata is not None:
            self._over = True
            events += self._finished()
        return events

    def _start(self, answer: wire.Answer) -> list[Event]:
        if self._started:
            return []
        self._started = True
        self._id = answer.response_id or ""
        return [Started(self._id, answer.model_version or "", usage=read_usage(answer.usage_metadata))]

    def _finished(self) -> list[Event]:
        events = self._close()
        return [*events, Finished(read_reason(self._word, self._kinds), self._usage)]

    def _candidate(self, candidate: wire.Candidate, data: bytes) -> list[Event]:
        self._word = candidate.finish_reason or self._word
        logprobs = read_logprobs(candidate.logprobs_result)
        events: list[Event] = []
        parts = (candidate.content.parts if candidate.content else None) or ()
        for number, each in enumerate(parts):
            for block in read_answer_part(each, f"candidates[0].content.parts[{number}]"):
                events += self._block(known_call(block, self._id, data, number), logprobs)
                logprobs = EMPTY if isinstance(block, Text) else logprobs
        return events

    def _block(self, block: Block, logprobs: Raw) -> list[Event]:
        if isinstance(block, Text):
            return self._text(Text(""), block.text, logprobs)
        if isinstance(block, Thinking):
            return self._thought(block)
        events = self._close()
        if isinstance(block, ToolCall):
            empty = msgspec.structs.replace(block, arguments="")
            events += self._begin(empty)
            events += [TextDelta(self._next - 1, block.arguments)] if block.arguments else []
        else:
            events += self._begin(block)
        return events + self._close()

    def _text(self, kind: Text | Thinking, text: str, logprobs: Raw = EMPTY) -> list[Event]:
        if not text:
            return []
        events = [] if type(self._open) is type(kind) else [*self._close(), *self._begin(kind)]
        return [*events, TextDelta(self._next - 1, text, logprobs)]

    def _thought(self, block: Thinking) -> list[Event]:
        events = self._text(Thinking(format=block.format), block.text)
        if not block.signature and not block.sealed:
            return events
        if not isinstance(self._open, Thinking):
            events += [*self._close(), *self._begin(Thinking(format=block.format))]
        # What is signed is complete.
        return [*events, Signed(self._next - 1, block.signature, block.sealed), *self._close()]

    def _begin(self, block: Block) -> list[Event]:
        if self._next >= MAX_BLOCKS:
            raise ValueError(f"it has more than {MAX_BLOCKS} blocks")
        self._open = block
        self._kinds.add(type(block))
        self._next += 1
        return [BlockStarted(self._next - 1, block)]

    def _close(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [BlockEnded(self._next - 1)]


class WriteStream:
    """`write(event)` gives the frames for it; `array` asks for a JSON array instead of server-sent events."""

    def __init__(self, model: str, wants_usage: bool = True, *, array: bool = False) -> None:
        del wants_usage  # the format always tells
        self._model = model
        self._array = array
        self._written = False
        self._id = ""
        self._blocks: dict[int, Block] = {}
        self._arguments: dict[int, list[str]] = {}
        self._held = 0

    def write(self, event: Event) -> bytes:
        match event:
            case TextDelta():
                return self._delta(event)
            case Started():
                self._id = event.id
                return b""
            case BlockStarted():
                return self._begin(event)
            case Signed():
                return self._sign(event)
            case BlockEnded():
                return self._end(event.index)
            case Finished():
                return self._finish(event)
            case Failed():
                return self._chunk(error_object(event.kind, event.message)) + self._last()

    def _chunk(self, chunk: dict[str, Any]) -> bytes:
        data = encode(chunk)
        if not self._array:
            return b"data: %b\r\n\r\n" % data
        first, self._written = not self._written, True
        return b"%b%b" % (b"[" if first else b",\r\n", data)

    def _last(self) -> bytes:
        return b"]" if self._array else b""

    def _part(self, part: Any, logprobs: Raw = EMPTY) -> bytes:
        candidate: dict[str, Any] = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if told := write_logprobs(logprobs):
            candidate["logprobsResult"] = told
        return self._chunk({"candidates": [candidate]} | self._about())

    def _about(self) -> dict[str, Any]:
        return {"modelVersion": self._model} | ({"responseId": self._id} if self._id else {})

    def _begin(self, event: BlockStarted) -> bytes:
        block = event.block
        self._blocks[event.index] = block
        if isinstance(block, ToolCall):
            self._arguments[event.index] = [block.arguments] if block.arguments else []
            return b""
        if isinstance(block, Thinking):
            return self._part(write_answer_thinking(block)) if block.text or block.signature or block.sealed else b""
        if isinstance(block, Text) and not block.text:
            return b""
        part = write_part(block, Losses())
        # A refusal is text here, and comes in pieces as text does.
        return self._part(part) if part is not None and part != {"text": ""} else b""

    def _delta(self, event: TextDelta) -> bytes:
        if (pieces := self._arguments.get(event.index)) is not None:
            self._held += len(event.text)
            if self._held > MAX_HELD:
                raise UpstreamInvalid(f"the arguments of its calls are longer than {MAX_HELD} characters")
            pieces.append(event.text)
            return b""
        if isinstance(self._blocks.get(event.index), Thinking):
            return self._part({"text": event.text, "thought": True})
        return self._part({"text": event.text}, event.logprobs)

    def _sign(self, event: Signed) -> bytes:
        block = self._blocks.get(event.index)
        if isinstance(block, ToolCall):
            self._blocks[event.index] = msgspec.structs.replace(block, signature=event.signature)
        elif isinstance(block, Thinking):
            signed = msgspec.structs.replace(block, text="", signature=event.signature, sealed=event.sealed)
            return self._part(write_answer_thinking(signed))
        return b""

    def _end(self, index: int) -> bytes:
        block, pieces = self._blocks.pop(index, None), self._arguments.pop(index, None)
        if not isinstance(block, ToolCall) or pieces is None:
            return b""
        return self._part(write_answer_call(msgspec.structs.replace(block, arguments="".join(pieces)), Losses()))

    def _finish(self, event: Finished) -> bytes:
        calls = b"".join([self._end(index) for index in list(self._arguments)])
        content = {"parts": [{"text": ""}], "role": "model"}
        candidate = {"content": content, "finishReason": WORDS.get(event.reason, "OTHER"), "index": 0}
        last = {"candidates": [candidate], "usageMetadata": write_usage(event.usage)} | self._about()
        return calls + self._chunk(last) + self._last()
