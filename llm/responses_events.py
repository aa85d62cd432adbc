"""OpenAI Responses: the neutral events of an answer, written as the format's stream of server-sent events.

The format repeats: what came in pieces comes whole when a part, an item and the response end.
So an answer's text is held until its end, up to a limit. Sequence numbers, places and ids of
items are consistent throughout. Pure; the relay stands above, `responses_output` below.
"""

from typing import Any

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Raw, encode, items
from ..core.sse import event as sse_event
from .neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Failed,
    Finished,
    Foreign,
    Refusal,
    Request,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)
from .responses_answer import FAILED, envelope, response_id
from .responses_output import (
    token_of,
    write_call,
    write_message,
    write_part,
    write_signature,
    write_status,
    write_thinking,
    write_usage,
)
from .responses_parts import FORMAT

MAX_HELD = 64 * 1024 * 1024
"""Characters of an answer that are held for the events at its end."""
ERROR_CODES = {"rate_limit_error": "rate_limit_exceeded", "invalid_request_error": "invalid_prompt"}
"""Kinds of errors that have a code of their own; others are `server_error`."""
_NOTHING = Request("", ())


class _Item:
    """An item of the output that is being written; a message has several blocks."""

    def __init__(self, place: int, id_: str, block: Block) -> None:
        self.place = place
        self.id = id_
        self.block = block
        self.part = 0
        self.parts: list[Any] = []
        self.pieces: list[str] = []
        self.logprobs: list[Raw] = []
        self.open = True

    @property
    def text(self) -> str:
        return "".join(self.pieces)


class WriteStream:
    """`write(event)` gives the frames for it, in the order of the real API."""

    def __init__(self, model: str, wants_usage: bool = True, request: Request | None = None) -> None:
        del wants_usage  # the format always tells
        self._model = model
        self._request = request or _NOTHING
        self._sequence = 0
        self._started: Started | None = None
        self._envelope: dict[str, Any] = {}
        self._output: list[Any] = []
        self._items: dict[int, _Item] = {}
        self._message: _Item | None = None
        self._refused = False
        self._held = 0

    def write(self, event: Event) -> bytes:
        match event:
            case TextDelta():
                return self._delta(event)
            case Started():
                return self._start(event)
            case BlockStarted():
                return self._begin(event)
            case Signed():
                return self._sign(event)
            case BlockEnded():
                return self._end(event.index)
            case Finished():
                return self._finish(event)
            case Failed():
                return self._fail(event)

    def _frame(self, kind: str, **members: Any) -> bytes:
        data = encode({"type": kind, "sequence_number": self._sequence, **members})
        self._sequence += 1
        return sse_event(data, name=kind.encode())

    def _start(self, event: Started) -> bytes:
        self._started = event
        id_ = response_id(event.id, self._model, event.created)
        self._envelope = envelope(id_, self._model, event.created, self._request)
        return self._frame("response.created", response=self._envelope) + self._frame(
            "response.in_progress", response=self._envelope
        )

    def _id(self, prefix: str) -> str:
        return f"{prefix}_{token_of(self._envelope['id'])}_{len(self._output)}"

    def _begin(self, event: BlockStarted) -> bytes:
        first = b"" if self._started else self._start(Started("", self._model))
        match event.block:
            case Text() | Refusal() as block:
                return first + self._begin_part(event.index, block)
            case Thinking() as block:
                return first + self._close_message() + self._begin_thinking(event.index, block)
            case ToolCall() as block:
                return first + self._close_message() + self._begin_call(event.index, block)
            case Foreign(format=format_, raw=raw) if format_ == FORMAT:
                return first + self._close_message() + self._whole(raw)
            case _:
                return first

    def _add(self, index: int, id_: str, block: Block, item: dict[str, Any]) -> tuple[_Item, bytes]:
        added = _Item(len(self._output), id_, block)
        self._items[index] = added
        self._output.append(item)
        return added, self._frame("response.output_item.added", output_index=added.place, item=item)

    def _whole(self, item: Any) -> bytes:
        place = len(self._output)
        self._output.append(item)
        return self._frame("response.output_item.added", output_index=place, item=item) + self._frame(
            "response.output_item.done", output_index=place, item=item
        )

    def _begin_part(self, index: int, block: Text | Refusal) -> bytes:
        frames = b""
        message = self._message
        if message is None or message.open:
            frames = self._close_message()
            id_ = self._id("msg")
            message, added = self._add(index, id_, block, write_message(id_, [], "in_progress"))
            self._message = message
            frames += added
        self._refused = self._refused or isinstance(block, Refusal)
        self._items[index] = message
        message.block, message.open = block, True
        message.part, message.pieces, message.logprobs = len(message.parts), [], []
        empty = write_part(Refusal("") if isinstance(block, Refusal) else Text(""))
        frames += self._at_part("response.content_part.added", message, part=empty)
        return frames + (self._delta(TextDelta(index, block.text)) if block.text else b"")

    def _begin_thinking(self, index: int, block: Thinking) -> bytes:
        id_ = block.id or self._id("rs")
        _, frames = self._add(index, id_, block, write_thinking(id_, Thinking()))
        return frames + (self._delta(TextDelta(index, block.text)) if block.text else b"")

    def _begin_call(self, index: int, block: ToolCall) -> bytes:
        frames = self._whole(write_signature(self._id("rs"), block)) if block.signature else b""
        id_ = self._id("ctc" if block.custom else "fc")
        empty = msgspec.structs.replace(block, arguments="")
        _, added = self._add(index, id_, block, write_call(id_, empty, "in_progress"))
        return frames + added + (self._delta(TextDelta(index, block.arguments)) if block.arguments else b"")

    def _at(self, kind: str, item: _Item, **members: Any) -> bytes:
        return self._frame(kind, item_id=item.id, output_index=item.place, **members)

    def _at_part(self, kind: str, item: _Item, **members: Any) -> bytes:
        return self._at(kind, item, content_index=item.part, **members)

    def _delta(self, event: TextDelta) -> bytes:
        item = self._items.get(event.index)
        if item is None or not item.open:
            return b""
        self._held += len(event.text)
        if self._held > MAX_HELD:
            raise UpstreamInvalid(f"the answer is longer than {MAX_HELD} characters")
        first = not item.pieces
        item.pieces.append(event.text)
        match item.block:
            case Text():
                logprobs = event.logprobs if bytes(event.logprobs) else []
                if logprobs:
                    item.logprobs += items(event.logprobs)
                return self._at_part("response.output_text.delta", item, delta=event.text, logprobs=logprobs)
            case Refusal():
                return self._at_part("response.refusal.delta", item, delta=event.text)
            case ToolCall(custom=custom):
                kind = "custom_tool_call_input" if custom else "function_call_arguments"
                return self._at(f"response.{kind}.delta", item, delta=event.text)
            case _:
                part = {"type": "summary_text", "text": ""}
                kind = "response.reasoning_summary_part.added"
                added = self._at(kind, item, summary_index=0, part=part) if first else b""
                return added + self._at(
                    "response.reasoning_summary_text.delta", item, summary_index=0, delta=event.text
                )

    def _sign(self, event: Signed) -> bytes:
        item = self._items.get(event.index)
        if item is None:
            return b""
        if isinstance(item.block, Thinking):
            signature = event.signature or item.block.signature
            sealed = event.sealed or item.block.sealed
            item.block = msgspec.structs.replace(item.block, signature=signature, sealed=sealed)
        elif isinstance(item.block, ToolCall):
            # It stands behind the call then; readers find it by the call's id.
            signed = msgspec.structs.replace(item.block, signature=event.signature)
            return self._whole(write_signature(self._id("rs"), signed))
        return b""

    def _end(self, index: int) -> bytes:
        item = self._items.pop(index, None)
        if item is None or not item.open:
            return b""
        item.open = False
        match item.block:
            case Text() | Refusal() as block:
                return self._end_part(item, block)
            case Thinking() as block:
                return self._end_thinking(item, block)
            case ToolCall() as block:
                return self._end_call(item, block)
            case _:
                return b""

    def _end_part(self, item: _Item, block: Text | Refusal) -> bytes:
        logprobs = Raw(encode(item.logprobs)) if item.logprobs else EMPTY
        if isinstance(block, Refusal):
            part = write_part(Refusal(item.text))
            done = self._at_part("response.refusal.done", item, refusal=item.text)
        else:
            part = write_part(Text(item.text), logprobs)
            done = self._at_part("response.output_text.done", item, text=item.text, logprobs=part["logprobs"])
        item.parts.append(part)
        return done + self._at_part("response.content_part.done", item, part=part)

    def _end_thinking(self, item: _Item, block: Thinking) -> bytes:
        text, frames = item.text, b""
        if item.pieces:
            part = {"type": "summary_text", "text": text}
            frames = self._at("response.reasoning_summary_text.done", item, summary_index=0, text=text)
            frames += self._at("response.reasoning_summary_part.done", item, summary_index=0, part=part)
        return frames + self._done(item, write_thinking(item.id, msgspec.structs.replace(block, text=text)))

    def _end_call(self, item: _Item, block: ToolCall) -> bytes:
        call = msgspec.structs.replace(block, arguments=item.text)
        if call.custom:
            done = self._at("response.custom_tool_call_input.done", item, input=call.arguments)
        else:
            done = self._at("response.function_call_arguments.done", item, arguments=call.arguments)
        return done + self._done(item, write_call(item.id, call))

    def _done(self, item: _Item, whole: dict[str, Any]) -> bytes:
        self._output[item.place] = whole
        return self._frame("response.output_item.done", output_index=item.place, item=whole)

    def _close_message(self) -> bytes:
        message, self._message = self._message, None
        return self._done(message, write_message(message.id, message.parts)) if message is not None else b""

    def _close(self) -> bytes:
        ends = [self._end(index) for index in list(self._items)]
        return b"".join(ends) + self._close_message()

    def _finish(self, event: Finished) -> bytes:
        first = b"" if self._started else self._start(Started("", self._model))
        frames = first + self._close()
        status, incomplete = write_status(event.reason, refused=self._refused)
        ended = self._envelope | {
            "status": status,
            "error": FAILED if status == "failed" else None,
            "incomplete_details": {"reason": incomplete} if incomplete else None,
            "output": self._output,
            "service_tier": event.service_tier or "default",
            "usage": write_usage(event.usage),
        }
        return frames + self._frame(f"response.{status}", response=ended)

    def _fail(self, event: Failed) -> bytes:
        code = ERROR_CODES.get(event.kind, "server_error")
        if self._started is None:
            return self._frame("error", code=code, message=event.message, param=None)
        error = {"code": code, "message": event.message}
        # Items that were begun stay unfinished; they are told as far as they came.
        ended = self._envelope | {"status": "failed", "error": error, "output": self._output}
        return self._frame("response.failed", response=ended)
