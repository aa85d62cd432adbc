"""Writes neutral events as events of Anthropic's format: whole frames, in the order of the real API.

`message_start`, then for each block start, deltas and stop, then `message_delta` with the reason and the
usage, and `message_stop`; a failure is an `error` event and nothing after it. What the API could only
tell at the end (a provider's usage) stands in `message_delta`.

A thought of another provider that says nothing and only carries a signature waits until something follows:
behind the text that ends an answer it is left out, for clients take the last block for the answer. Pure.
Above: `anthropic_stream`.
"""

from typing import Any

from msgspec.structs import replace

from ..core.rawjson import Raw, encode
from .anthropic_answer import is_silent, message, write_blocks, write_stop, write_usage
from .anthropic_blocks import call_carrier, write_own_thinking, write_signature
from .anthropic_errors import error_body
from .anthropic_ids import write_id
from .blocks import Losses, tool_name
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
from .wire import MAX_BLOCKS

_NO_INPUT = Raw(b"{}")
_NO_THOUGHT = {"type": "thinking", "thinking": "", "signature": ""}


def _frame(kind: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind, data)


class _Open:
    """A block under way: its number on the wire, and the signature of a call that is written behind it.

    `whole`: everything was said when it began.
    """

    __slots__ = ("block", "carried", "head", "index", "whole")

    def __init__(self, block: Block, index: int) -> None:
        self.block = block
        self.index = index
        self.carried = ""
        self.head = b'{"type":"content_block_delta","index":%d,"delta":{"type":' % index
        self.whole = _is_whole(block)


def _is_whole(block: Block) -> bool:
    if isinstance(block, Thinking):
        return bool(block.sealed) and write_own_thinking(block) is not None
    return not isinstance(block, Text | Refusal | ToolCall)


class WriteStream:
    """`write` each event. `model` is the name that the caller asked for; usage is always told in this format."""

    def __init__(self, model: str, wants_usage: bool = True) -> None:  # noqa: ARG002 - one shape for all formats
        self._model = model
        self._open: dict[int, _Open] = {}
        self._next = 0
        self._silent: dict[int, Thinking] = {}
        """Thoughts that have begun and said nothing so far."""
        self._waiting: list[Thinking] = []
        """Those that ended so."""
        self._spoke = False
        """The last block that was written is text."""

    def write(self, event: Event) -> bytes:
        """The frames that an event becomes."""
        if isinstance(event, TextDelta):
            opened = self._open.get(event.index)
            return self._break_silence(event) if opened is None else _delta(opened, event.text)
        if isinstance(event, BlockStarted):
            return self._begin(event)
        if isinstance(event, BlockEnded):
            return self._end_block(event)
        if isinstance(event, Signed):
            return self._sign(event)
        if isinstance(event, Started):
            return self._start(event)
        if isinstance(event, Finished):
            return self._finish(event)
        return _fail(event)

    def _start(self, event: Started) -> bytes:
        begun = message(event.id, self._model, [])
        begun["usage"] = write_usage(event.usage, "", Losses())
        return _frame(b"message_start", encode({"type": "message_start", "message": begun}))

    def _begin(self, event: BlockStarted) -> bytes:
        block = event.block
        if len(self._open) + len(self._silent) + len(self._waiting) >= MAX_BLOCKS:
            return b""
        if is_silent(block):
            self._silent[event.index] = block
            return b""
        carrier = self._waited()
        if isinstance(block, ToolCall) and block.signature:
            carrier += self._carry(block.id, block.signature)
        start = _start_of(block)
        if start is None:
            return carrier
        self._spoke = isinstance(block, Text | Refusal)
        opened = self._open[event.index] = _Open(block, self._next)
        return carrier + self._begin_block(start) + _first(opened)

    def _break_silence(self, event: TextDelta) -> bytes:
        """A thought says its first word, if it is one."""
        silent = self._silent.pop(event.index, None) if event.text else None
        if silent is None:
            return b""
        return self._begin(BlockStarted(event.index, replace(silent, text=event.text)))

    def _waited(self) -> bytes:
        """The thoughts without words, for something follows them."""
        waiting, self._waiting = self._waiting, []
        return b"".join(self._signature(write_signature(silent)) for silent in waiting)

    def _begin_block(self, start: Any) -> bytes:
        data = {"type": "content_block_start", "index": self._next, "content_block": start}
        self._next += 1
        return _frame(b"content_block_start", encode(data))

    def _carry(self, call: str, signature: str) -> bytes:
        carried: str = call_carrier(call, signature)["signature"]
        return self._signature(carried)

    def _signature(self, signature: str) -> bytes:
        """A thought that is nothing but a signature."""
        index = self._next
        start = self._begin_block(_NO_THOUGHT)
        delta = {"type": "signature_delta", "signature": signature}
        signed = encode({"type": "content_block_delta", "index": index, "delta": delta})
        return start + _frame(b"content_block_delta", signed) + _stop(index)

    def _sign(self, event: Signed) -> bytes:
        opened = self._open.get(event.index)
        if opened is None:
            if (silent := self._silent.get(event.index)) is not None:
                self._silent[event.index] = replace(silent, signature=event.signature, sealed=event.sealed)
            return b""
        block = opened.block
        if isinstance(block, ToolCall):
            opened.carried = event.signature
        if not isinstance(block, Thinking) or opened.whole:
            return b""
        signed = Thinking("", event.signature, event.sealed, block.id, block.format)
        return _part(opened, b'"signature_delta","signature":', write_signature(signed))

    def _end_block(self, event: BlockEnded) -> bytes:
        opened = self._open.pop(event.index, None)
        if opened is None:
            silent = self._silent.pop(event.index, None)
            self._waiting += [silent] if silent is not None and (silent.signature or silent.sealed or silent.id) else []
            return b""
        last = b""
        if isinstance(opened.block, ToolCall) and opened.block.custom:
            last = _part(opened, b'"input_json_delta","partial_json":', '"}')
        ended = last + _stop(opened.index)
        if opened.carried and isinstance(opened.block, ToolCall):
            return ended + self._carry(opened.block.id, opened.carried)
        return ended

    def _finish(self, event: Finished) -> bytes:
        losses = Losses()
        data = {
            "type": "message_delta",
            "delta": write_stop(event.reason, event.stop_sequence, (), losses),
            "usage": write_usage(event.usage, "", losses),
        }
        rest = b"" if self._spoke else self._waited()
        return rest + _frame(b"message_delta", encode(data)) + _frame(b"message_stop", b'{"type":"message_stop"}')


def _start_of(block: Block) -> Any:
    """What `content_block_start` says; `None` for what the format has no block for."""
    if isinstance(block, Text | Refusal):
        return {"type": "text", "text": ""}
    if isinstance(block, ToolCall):
        return {"type": "tool_use", "id": write_id(block.id), "name": tool_name(block), "input": _NO_INPUT}
    if isinstance(block, Thinking):
        return write_own_thinking(block) if _is_whole(block) else _NO_THOUGHT
    whole = write_blocks(block, Losses())
    return whole[0] if whole else None


def _first(opened: _Open) -> bytes:
    """The deltas for what was known of a block when it began."""
    block = opened.block
    if opened.whole:
        return b""
    if isinstance(block, Text | Refusal):
        return _delta(opened, block.text) if block.text else b""
    if isinstance(block, ToolCall):
        begun = _part(opened, b'"input_json_delta","partial_json":', '{"input":"') if block.custom else b""
        return begun + (_delta(opened, block.arguments) if block.arguments else b"")
    if not isinstance(block, Thinking):
        return b""
    text = _delta(opened, block.text) if block.text else b""
    signature = write_signature(block) if block.signature or block.sealed else ""
    return text + (_part(opened, b'"signature_delta","signature":', signature) if signature else b"")


def _delta(opened: _Open, text: str) -> bytes:
    block = opened.block
    if isinstance(block, Text | Refusal):
        return _part(opened, b'"text_delta","text":', text)
    if isinstance(block, ToolCall):
        if block.custom:  # free text, inside of a JSON string
            text = encode(text)[1:-1].decode()
        return _part(opened, b'"input_json_delta","partial_json":', text)
    if isinstance(block, Thinking) and not opened.whole:
        return _part(opened, b'"thinking_delta","thinking":', text)
    return b""


def _part(opened: _Open, kind: bytes, text: str) -> bytes:
    return b"event: content_block_delta\ndata: " + opened.head + kind + encode(text) + b"}}\n\n"


def _stop(index: int) -> bytes:
    return _frame(b"content_block_stop", b'{"type":"content_block_stop","index":%d}' % index)


def _fail(event: Failed) -> bytes:
    return _frame(b"error", error_body(event.kind, event.message))
