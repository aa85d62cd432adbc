"""Anthropic Messages, streamed: events read into the neutral ones, and written from them.

`ReadStream` is fed the data of each server-sent event; `WriteStream` (in `anthropic_events`) gives whole
frames. The type stands in the data, the event's name only repeats it. Pure. Above: the relay that translates.
"""

from ..core.errors import UpstreamInvalid
from ..core.rawjson import Raw
from .anthropic_answer import read_reason, read_refusal, read_tier, read_usage
from .anthropic_blocks import read_blocks
from .anthropic_errors import read_member
from .anthropic_events import WriteStream
from .anthropic_wire import Delta, StopDetails, Usage, blocks, events
from .anthropic_wire import Event as WireEvent
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Refusal,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)
from .reading import answered, decode
from .wire import MAX_BLOCKS, says

__all__ = ["ReadStream", "WriteStream"]

CUT = "the provider's stream ended in the middle of the answer"


def _event(data: bytes) -> WireEvent:
    return decode(events, data)


class _Open:
    """A block under way: its neutral number, its kind, and the arguments that came with its start."""

    __slots__ = ("arguments", "index", "kind")

    def __init__(self, index: int, kind: type[Block], arguments: str) -> None:
        self.index = index
        self.kind = kind
        self.arguments = arguments


class ReadStream:
    """`feed` each event as it comes, then `end` once. After `Finished` or `Failed` nothing more is given."""

    def __init__(self) -> None:
        self._over = False
        self._started = False
        self._next = 0
        self._open: dict[int, _Open] = {}
        self._usage = Usage()
        self._word: str | None = None
        self._sequence = ""
        self._details: StopDetails | None = None

    def feed(self, data: bytes, name: bytes = b"") -> list[Event]:  # noqa: ARG002 - the data says it too
        """The events that one server-sent event stands for. `UpstreamInvalid` if it is none of this format."""
        if self._over or not data:
            return []
        event = answered(_event, data)
        if event.type == "content_block_delta":
            return self._delta(event)
        if event.type == "content_block_start":
            return self._begin(event)
        if event.type == "content_block_stop":
            return self._end_block(event.index)
        if event.type == "message_start":
            return self._start(event)
        if event.type == "message_delta":
            return self._change(event)
        if event.type == "message_stop":
            return self._finish()
        if event.type == "error":
            kind, message = read_member(event.error)
            return self._fail(kind or "api_error", message or "the provider reports an error")
        return []  # `ping`, and what may come later

    def end(self) -> list[Event]:
        """What the end of the body means: the end of the answer if it was announced, else that it was cut."""
        if self._over:
            return []
        return self._finish() if self._word is not None else self._fail("api_error", CUT)

    def _fail(self, kind: str, message: str) -> list[Event]:
        self._over = True
        return [Failed(kind, message)]

    def _start(self, event: WireEvent) -> list[Event]:
        if self._started or event.message is None:
            return []
        message = event.message
        self._usage = message.usage or Usage()
        return self._started_by(message.id or "", message.model or "")

    def _started_by(self, id_: str, model: str) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Started(id_, model, usage=read_usage(self._usage))]

    def _begin(self, event: WireEvent) -> list[Event]:
        if self._next >= MAX_BLOCKS:
            raise UpstreamInvalid(f"the provider's answer has more than {MAX_BLOCKS} blocks")
        block, arguments = _read_start(event.content_block)
        opened = self._open[event.index] = _Open(self._next, type(block), arguments)
        self._next += 1
        begun = [*self._started_by("", ""), BlockStarted(opened.index, _empty(block))]
        if isinstance(block, Text | Thinking) and block.text:
            begun.append(TextDelta(opened.index, block.text))
        if isinstance(block, Thinking) and block.signature:
            begun.append(Signed(opened.index, block.signature))
        return begun

    def _delta(self, event: WireEvent) -> list[Event]:
        opened, delta = self._open.get(event.index), event.delta
        if opened is None or delta is None:
            return []
        if text := _text(delta, opened):
            return [TextDelta(opened.index, text)]
        if delta.signature and opened.kind is Thinking:
            return [Signed(opened.index, delta.signature)]
        return []

    def _end_block(self, index: int) -> list[Event]:
        opened = self._open.pop(index, None)
        if opened is None:
            return []
        ended: list[Event] = [BlockEnded(opened.index)]
        if opened.arguments:
            ended.insert(0, TextDelta(opened.index, opened.arguments))
        return ended

    def _change(self, event: WireEvent) -> list[Event]:
        if event.delta is not None:
            self._word = event.delta.stop_reason or self._word
            self._sequence = event.delta.stop_sequence or self._sequence
            self._details = event.delta.stop_details or self._details
        if event.usage is not None:
            self._usage = _merged(self._usage, event.usage)
        return []

    def _finish(self) -> list[Event]:
        finished = self._started_by("", "")
        for index in list(self._open):
            finished += self._end_block(index)
        for refusal in read_refusal(self._details):
            if isinstance(refusal, Refusal):
                finished += [
                    BlockStarted(self._next, Refusal("")),
                    TextDelta(self._next, refusal.text),
                    BlockEnded(self._next),
                ]
        self._over = True
        reason = read_reason(self._word or "end_turn")
        finished.append(Finished(reason, read_usage(self._usage), self._sequence, read_tier(self._usage)))
        return finished


def _read_start(raw: Raw) -> tuple[Block, str]:
    """The block, and arguments that stand in it already: some servers send them all at once."""

    def read(body: bytes) -> tuple[Block, str]:
        block = decode(blocks, body, "content_block")
        (read,) = read_blocks([block], "content_block", lambda _: Raw(body), []) or (Text(""),)
        arguments = read.arguments if isinstance(read, ToolCall) and read.arguments != "{}" else ""
        return read, arguments

    if not says(raw):
        raise UpstreamInvalid("the provider begins a block without saying what it is")
    return answered(read, bytes(raw))


def _empty(block: Block) -> Block:
    """The block, without what is told by events of its own."""
    if isinstance(block, Text):
        return Text("")
    if isinstance(block, ToolCall):
        return ToolCall(block.id, block.name)
    if isinstance(block, Thinking) and not block.sealed:
        # Its signature comes at its end.
        return Thinking(id=block.id, format="anthropic")
    return block


def _text(delta: Delta, opened: _Open) -> str:
    if opened.kind is Text:
        return delta.text or ""
    if opened.kind is ToolCall:
        if delta.partial_json:
            opened.arguments = ""
        return delta.partial_json or ""
    return delta.thinking or "" if opened.kind is Thinking else ""


def _merged(before: Usage, now: Usage) -> Usage:
    """Later counts are totals, and stand for earlier ones; those left out stand."""
    told = {name: count for name in now.__struct_fields__ if (count := getattr(now, name)) is not None}
    return Usage(**{name: getattr(before, name) for name in before.__struct_fields__} | told)
