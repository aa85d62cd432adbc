"""Bedrock Converse: the events of a stream, read as neutral events. Their framing is `bedrock_frames`.

Blocks are numbered by the provider, and only calls are announced; others begin with their first
piece. The end comes in two events: why, then the usage. Pure; the relay stands above.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, raw
from .bedrock_answer import WireTier, WireUsage, read_reason, read_tier, read_usage
from .bedrock_blocks import FORMAT
from .bedrock_errors import read_error
from .bedrock_frames import EXCEPTION
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)
from .reading import answered, decode
from .wire import MAX_BLOCKS, Count

CUT = "The provider ended its stream before the answer was complete."


class _Call(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    type: str | None = None


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _Call | None = None
    tool_result: Raw = EMPTY


class _Input(msgspec.Struct):
    input: str = ""


class _Thought(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Delta(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _Input | None = None
    reasoning_content: _Thought | None = None


class _Event(msgspec.Struct, rename="camel"):
    content_block_index: Count = 0
    start: _Start | None = None
    delta: _Delta | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    service_tier: WireTier | None = None


class _Open(msgspec.Struct):
    index: int
    block: Block


_event = msgspec.json.Decoder(_Event)


class ReadStream:
    """`feed` each event by its name, `end` when it is over."""

    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._next = 0
        self._open: dict[int, _Open] = {}
        self._skipped: set[int] = set()
        self._kinds: set[type[Block]] = set()
        self._word: str | None = None

    def feed(self, data: bytes, name: bytes) -> list[Event]:
        if self._over:
            return []
        if name.startswith(EXCEPTION):
            self._over = True
            kind, message = read_error(0, data, name.removeprefix(EXCEPTION).decode("utf-8", "replace"))
            return [Failed(kind, message or "The provider broke its stream off.")]
        return answered(lambda body: self._read(body, name), data)

    def end(self) -> list[Event]:
        if self._over:
            return []
        if self._word is None:
            self._over = True
            return [Failed("api_error", CUT)]
        return self._finish(_Event())

    def _read(self, data: bytes, name: bytes) -> list[Event]:
        event = decode(_event, data)
        first: list[Event] = [] if self._started else [Started("", "")]
        self._started = True
        match name:
            case b"contentBlockStart":
                return first + self._start(event)
            case b"contentBlockDelta":
                return first + self._delta(event)
            case b"contentBlockStop":
                return first + self._stop(event.content_block_index)
            case b"messageStop":
                self._word = event.stop_reason or ""
                return first + [each for place in list(self._open) for each in self._stop(place)]
            case b"metadata":
                return first + self._finish(event)
            case _:
                return first

    def _start(self, event: _Event) -> list[Event]:
        place, start = event.content_block_index, event.start or _Start()
        if start.tool_use is not None and not start.tool_use.type:
            call = ToolCall(start.tool_use.tool_use_id, start.tool_use.name)
            return self._begin(place, call)
        if start.tool_use is not None or bytes(start.tool_result):
            # What the provider's own tools do, and what comes of it, is its affair.
            self._skip(place)
            return [*self._begin(place, Foreign(FORMAT, _foreign(start))), *self._stop(place)]
        return []

    def _skip(self, place: int) -> None:
        if len(self._skipped) < MAX_BLOCKS:
            self._skipped.add(place)

    def _begin(self, place: int, block: Block) -> list[Event]:
        if self._next >= MAX_BLOCKS:
            raise ValueError(f"it has more than {MAX_BLOCKS} blocks")
        ended = self._stop(place)
        self._open[place] = _Open(self._next, block)
        self._kinds.add(type(block))
        self._next += 1
        return [*ended, BlockStarted(self._next - 1, block)]

    def _delta(self, event: _Event) -> list[Event]:
        place, delta = event.content_block_index, event.delta or _Delta()
        if place in self._skipped:
            return []
        if delta.reasoning_content is not None:
            return self._thought(place, delta.reasoning_content)
        if delta.tool_use is not None:
            block = self._open.get(place)
            said = delta.tool_use.input
            return [TextDelta(block.index, said)] if block is not None and said else []
        if delta.text is None:
            return []
        begun = self._expect(place, Text(""))
        return [*begun, TextDelta(self._open[place].index, delta.text)] if delta.text else begun

    def _expect(self, place: int, block: Block) -> list[Event]:
        there = self._open.get(place)
        return [] if there is not None and type(there.block) is type(block) else self._begin(place, block)

    def _thought(self, place: int, thought: _Thought) -> list[Event]:
        events = self._expect(place, Thinking(format=FORMAT))
        index = self._open[place].index
        if thought.text:
            events.append(TextDelta(index, thought.text))
        if thought.signature or thought.redacted_content:
            events.append(Signed(index, thought.signature or "", thought.redacted_content or ""))
        return events

    def _stop(self, place: int) -> list[Event]:
        block = self._open.pop(place, None)
        return [BlockEnded(block.index)] if block is not None else []

    def _finish(self, event: _Event) -> list[Event]:
        ended = [each for place in list(self._open) for each in self._stop(place)]
        self._over = True
        reason = read_reason(self._word, self._kinds)
        return [*ended, Finished(reason, read_usage(event.usage), service_tier=read_tier(event.service_tier))]


def _foreign(start: _Start) -> Raw:
    if start.tool_use is None:
        return raw({"toolResult": start.tool_result})
    call: dict[str, Any] = {"toolUseId": start.tool_use.tool_use_id, "name": start.tool_use.name}
    return raw({"toolUse": call | {"type": start.tool_use.type, "input": {}}})
