"""OpenAI Responses: the format's stream of events, read as neutral events. Its writer is `responses_events`.

Parts of messages become blocks of their own; other items one block each. What is told again
when a part or an item ends is passed over, unless nothing came before. Pure; the relay stands
above, `responses_output` below.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import JOINT
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Refusal,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)
from .reading import answered, decode
from .responses_answer import WireError, WireResponse
from .responses_errors import kind_of
from .responses_events import WriteStream
from .responses_output import (
    WireItem,
    WirePart,
    read_blocks,
    read_call,
    read_part,
    read_reason,
    read_thinking,
    read_usage,
    read_wire,
)
from .responses_parts import some
from .wire import MAX_BLOCKS, Count

__all__ = ["ReadStream", "WriteStream"]

CUT = "The provider ended its stream before the answer was complete."
_ITEM = -1
"""Stands for the place of a part, where an item is one block as a whole."""


class _Event(msgspec.Struct):
    type: str = ""
    delta: Any = None
    item: Raw = EMPTY
    part: WirePart | None = None
    response: WireResponse | None = None
    output_index: Count = 0
    content_index: Count = 0
    summary_index: Count = 0
    logprobs: Raw = EMPTY
    error: WireError | None = None
    code: str | int | None = None
    message: str | None = None


class _Open(msgspec.Struct):
    """A block that is being read."""

    index: int
    block: Block
    said: bool = False
    parts: str = ""
    """Of a thought: what its text is made of, `summary` or `text`."""


_event = msgspec.json.Decoder(_Event)
_DELTAS = {
    "response.output_text.delta": False,
    "response.refusal.delta": False,
    "response.function_call_arguments.delta": True,
    "response.custom_tool_call_input.delta": True,
}
"""Events that bring a piece of a block -> whether the block is a whole item."""
_ENDS = {"response.completed", "response.incomplete"}


class ReadStream:
    """`feed` each event of the stream, `end` when it is over."""

    def __init__(self) -> None:
        self._started = False
        self._over = False
        self._next = 0
        self._kinds: set[type[Block]] = set()
        self._open: dict[tuple[int, int], _Open] = {}

    def feed(self, data: bytes, name: bytes = b"") -> list[Event]:
        del name  # the data says it too
        if self._over or data.strip() == b"[DONE]":
            return []
        return answered(self._read, data)

    def end(self) -> list[Event]:
        if self._over:
            return []
        self._over = True
        return [Failed("api_error", CUT)]

    def _read(self, data: bytes) -> list[Event]:
        event = decode(_event, data)
        if event.type in _DELTAS:
            place = _ITEM if _DELTAS[event.type] else event.content_index
            return self._delta(self._open.get((event.output_index, place)), event)
        match event.type:
            case "response.created" | "response.in_progress" | "response.queued":
                return self._start(event.response)
            case "response.output_item.added":
                return self._start(None) + self._item_added(event)
            case "response.content_part.added":
                return self._start(None) + self._part_added(event)
            case "response.content_part.done":
                return self._part_done(event)
            case "response.output_item.done":
                return self._start(None) + self._item_done(event)
            case "response.reasoning_summary_part.added":
                return self._thought(event, "summary", JOINT if event.summary_index else "")
            case "response.reasoning_summary_text.delta":
                return self._thought(event, "summary", event.delta)
            case "response.reasoning_text.delta":
                return self._thought(event, "text", event.delta)
            case _:
                return self._end_or_nothing(event)

    def _start(self, response: WireResponse | None) -> list[Event]:
        if self._started:
            return []
        self._started = True
        if response is None:
            return [Started("", "")]
        usage = read_usage(response.usage)
        return [Started(response.id or "", response.model or "", int(response.created_at or 0), usage)]

    def _begin(self, key: tuple[int, int], block: Block) -> list[Event]:
        if self._next >= MAX_BLOCKS:
            raise ValueError(f"it has more than {MAX_BLOCKS} blocks")
        self._open[key] = _Open(self._next, block)
        self._kinds.add(type(block))
        self._next += 1
        return [BlockStarted(self._next - 1, block)]

    def _whole(self, block: Block) -> list[Event]:
        """A block of which nothing came before."""
        key = (-1, self._next)
        if isinstance(block, Text):
            events = self._begin(key, Text("", citations=block.citations)) + self._text(self._open[key], block.text)
        elif isinstance(block, Refusal):
            events = self._begin(key, Refusal("")) + self._text(self._open[key], block.text)
        elif isinstance(block, ToolCall):
            empty = msgspec.structs.replace(block, arguments="")
            events = self._begin(key, empty) + self._text(self._open[key], block.arguments)
        elif isinstance(block, Thinking):
            events = self._begin(key, msgspec.structs.replace(block, text="", sealed="", signature=""))
            events += self._sealed(self._open[key], block)
        else:
            events = self._begin(key, block)
        return events + self._close(key)

    def _close(self, key: tuple[int, int]) -> list[Event]:
        block = self._open.pop(key, None)
        return [BlockEnded(block.index)] if block is not None else []

    def _text(self, block: _Open, text: str) -> list[Event]:
        block.said = block.said or bool(text)
        return [TextDelta(block.index, text)] if text else []

    def _delta(self, block: _Open | None, event: _Event) -> list[Event]:
        if block is None or not isinstance(event.delta, str) or not event.delta:
            return []
        block.said = True
        return [TextDelta(block.index, event.delta, some(event.logprobs))]

    def _thought(self, event: _Event, parts: str, text: Any) -> list[Event]:
        block = self._open.get((event.output_index, _ITEM))
        if block is None or not isinstance(text, str) or (block.parts and block.parts != parts):
            return []  # a summary and the text itself say the same twice
        block.parts = parts
        return self._text(block, text)

    def _item_added(self, event: _Event) -> list[Event]:
        item = read_wire(event.item, "item")
        key = (event.output_index, _ITEM)
        if isinstance(item, Foreign) or item.type == "message" or key in self._open:
            return []
        if item.type == "reasoning":
            return self._begin(key, Thinking(id=item.id or "", format="responses"))
        call = read_call(item)
        begun = self._begin(key, msgspec.structs.replace(call, arguments=""))
        return begun + self._text(self._open[key], call.arguments)

    def _part_added(self, event: _Event) -> list[Event]:
        key = (event.output_index, event.content_index)
        if event.part is None or event.part.type == "reasoning_text" or key in self._open:
            return []
        block = read_part(event.part)
        begun = self._begin(key, Refusal("") if isinstance(block, Refusal) else Text(""))
        return begun + self._text(self._open[key], event.part.text or event.part.refusal)

    def _part_done(self, event: _Event) -> list[Event]:
        key = (event.output_index, event.content_index)
        block = self._open.get(key)
        if block is None:
            return []
        missing = event.part.text or event.part.refusal if event.part and not block.said else ""
        return self._text(block, missing) + self._close(key)

    def _item_done(self, event: _Event) -> list[Event]:
        item = read_wire(event.item, "item")
        if isinstance(item, Foreign):
            return self._whole(item)
        if item.type == "message":
            return self._message_done(event.output_index, item)
        key = (event.output_index, _ITEM)
        block = self._open.get(key)
        if block is None:
            return [each for whole in read_blocks(item) for each in self._whole(whole)]
        if item.type == "reasoning":
            return self._sealed(block, read_thinking(item)) + self._close(key)
        return (self._text(block, read_call(item).arguments) if not block.said else []) + self._close(key)

    def _sealed(self, block: _Open, thought: Thinking) -> list[Event]:
        """What a thought has besides the text that came before; its text too, if none came."""
        events = self._text(block, thought.text) if not block.said else []
        if thought.signature or thought.sealed:
            events.append(Signed(block.index, thought.signature, thought.sealed))
        return events

    def _message_done(self, place: int, item: WireItem) -> list[Event]:
        ends: list[Event] = []
        for key in [key for key in self._open if key[0] == place]:
            ends += self._close(key)
        if ends or self._kinds & {Text, Refusal}:
            return ends
        return [each for block in read_blocks(item) for each in self._whole(block)]

    def _end_or_nothing(self, event: _Event) -> list[Event]:
        if event.type in _ENDS and event.response is not None:
            return self._finish(event.response)
        error = event.error
        if event.type == "response.failed":
            error = (event.response.error if event.response else None) or WireError()
        elif event.type == "error":
            error = error or WireError(event.code, event.message)
        if error is None:
            return []
        self._over = True
        return [Failed(kind_of(str(error.code or "")), error.message or "The provider's answer failed.")]

    def _finish(self, response: WireResponse) -> list[Event]:
        events = self._start(response)
        for key in list(self._open):
            events += self._close(key)
        if not self._next:
            events += self._output(response)
        self._over = True
        why = response.incomplete_details.reason if response.incomplete_details else None
        reason = read_reason(response.status or "", why or "", self._kinds)
        return [*events, Finished(reason, read_usage(response.usage), service_tier=response.service_tier or "")]

    def _output(self, response: WireResponse) -> list[Event]:
        """The whole output at once, where nothing of it was streamed."""
        events: list[Event] = []
        for number, each in enumerate(response.output or ()):
            item = read_wire(each, f"output[{number}]")
            blocks = [item] if isinstance(item, Foreign) else read_blocks(item)
            events += [event for block in blocks for event in self._whole(block)]
        return events
