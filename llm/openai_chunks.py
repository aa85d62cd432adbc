"""Writes neutral events as chunks of OpenAI's chat format: whole frames, in the order of the real API.

One chunk with the role, chunks that add to the message, one with the reason, one with the usage if the
caller wants it, `[DONE]`; a failure is a frame with `error` and nothing after it. What is the same in all
chunks is encoded once. Pure. Above: `openai_stream`, which hands it on.
"""

from typing import Any

from ..core.rawjson import encode
from .blocks import Losses
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
from .openai_answer import write_answered_call, write_reason, write_tier, write_usage
from .openai_errors import error_member
from .openai_thoughts import detail_tail
from .wire import MAX_BLOCKS

_DONE = b"data: [DONE]\n\n"


class _Open:
    """A block under way: its number among the calls or thoughts, and whether anything of it was written."""

    __slots__ = ("block", "empty", "number")

    def __init__(self, block: Block, number: int) -> None:
        self.block = block
        self.number = number
        self.empty = True


class WriteStream:
    """`write` each event. `model` is the name that the caller asked for."""

    def __init__(self, model: str, wants_usage: bool, created: int = 0) -> None:
        self._model = model
        self._wants_usage = wants_usage
        self._created = created
        self._open: dict[int, _Open] = {}
        self._calls = 0
        self._thoughts = 0
        self._refused = False
        self._head = b""
        self._start("chatcmpl-unknown", created)
        usage = b',"usage":null' if wants_usage else b""
        self._tail = b',"logprobs":null,"finish_reason":null}]' + usage + b"}\n\n"
        self._logprobs_tail = b',"refusal":null},"finish_reason":null}]' + usage + b"}\n\n"

    def _start(self, id_: str, created: int) -> None:
        fixed = {"id": id_, "object": "chat.completion.chunk", "created": created, "model": self._model}
        self._frame = b"data: " + encode(fixed)[:-1]
        self._head = self._frame + b',"choices":[{"index":0,"delta":'

    def write(self, event: Event) -> bytes:
        """The frames that an event becomes, often none."""
        if isinstance(event, TextDelta):
            return self._delta(event)
        if isinstance(event, BlockStarted):
            return self._begin(event)
        if isinstance(event, BlockEnded):
            return self._end_block(event)
        if isinstance(event, Signed):
            return self._sign(event)
        if isinstance(event, Started):
            self._start(event.id or "chatcmpl-unknown", event.created or self._created)
            return self._chunk({"role": "assistant", "content": "", "refusal": None})
        if isinstance(event, Finished):
            return self._finish(event)
        return _fail(event)

    def _chunk(self, delta: dict[str, Any]) -> bytes:
        return self._head + encode(delta) + self._tail

    def _begin(self, event: BlockStarted) -> bytes:
        block = event.block
        if len(self._open) >= MAX_BLOCKS:
            return b""
        number = 0
        if isinstance(block, ToolCall):
            number, self._calls = self._calls, self._calls + 1
        elif isinstance(block, Thinking):
            number, self._thoughts = self._thoughts, self._thoughts + 1
        opened = self._open[event.index] = _Open(block, number)
        if isinstance(block, ToolCall):
            opened.empty = not block.arguments
            return self._chunk({"tool_calls": [{"index": number, **_begun_call(block)}]})
        written = b""
        if isinstance(block, Text | Refusal | Thinking) and block.text:
            written = self._delta(TextDelta(event.index, block.text))
        if isinstance(block, Thinking) and (block.signature or block.sealed):
            written += self._sign(Signed(event.index, block.signature, block.sealed))
        return written

    def _delta(self, event: TextDelta) -> bytes:
        opened = self._open.get(event.index)
        if opened is None:
            return b""
        block = opened.block
        if isinstance(block, Text):
            return self._content(event)
        if isinstance(block, ToolCall):
            opened.empty = False
            kind = "custom" if block.custom else "function"
            told = {"input" if block.custom else "arguments": event.text}
            return self._chunk({"tool_calls": [{"index": opened.number, kind: told}]})
        if isinstance(block, Thinking):
            return self._think(event.text, block, opened)
        if isinstance(block, Refusal):
            self._refused = True
            return self._chunk({"refusal": event.text})
        return b""

    def _content(self, event: TextDelta) -> bytes:
        head = self._head + b'{"content":' + encode(event.text) + b"}"
        if bytes(event.logprobs):
            return head + b',"logprobs":{"content":' + bytes(event.logprobs) + self._logprobs_tail
        return head + self._tail

    def _think(self, text: str, block: Thinking, opened: _Open) -> bytes:
        delta: dict[str, Any] = {"reasoning_content": text}
        if block.format or opened.number:
            # Its signature will follow, and is worth nothing without the text beside it; or it is a thought of its own.
            delta["reasoning_details"] = [{"type": "reasoning.text", "text": text, **_tail(block, opened)}]
        return self._chunk(delta)

    def _sign(self, event: Signed) -> bytes:
        opened = self._open.get(event.index)
        if opened is None:
            return b""
        block = opened.block
        if isinstance(block, ToolCall):
            signed = {"index": opened.number, "extra_content": {"google": {"thought_signature": event.signature}}}
            return self._chunk({"tool_calls": [signed]}) if event.signature else b""
        if not isinstance(block, Thinking):
            return b""
        details: list[dict[str, Any]] = []
        if event.signature:
            signature = {"text": "", "signature": event.signature}
            details.append({"type": "reasoning.text", **signature, **_tail(block, opened)})
        if event.sealed:
            details.append({"type": "reasoning.encrypted", "data": event.sealed, **_tail(block, opened)})
        return self._chunk({"reasoning_details": details}) if details else b""

    def _end_block(self, event: BlockEnded) -> bytes:
        opened = self._open.pop(event.index, None)
        if opened is not None and opened.empty and isinstance(opened.block, ToolCall) and not opened.block.custom:
            # Callers parse what they have collected: nothing is no JSON.
            return self._chunk({"tool_calls": [{"index": opened.number, "function": {"arguments": "{}"}}]})
        return b""

    def _finish(self, event: Finished) -> bytes:
        losses = Losses()
        choice = {
            "index": 0,
            "delta": {},
            "logprobs": None,
            "finish_reason": write_reason(event.reason, self._refused, losses),
        }
        last: dict[str, Any] = {"choices": [choice]}
        if self._wants_usage:
            last["usage"] = None
        if tier := write_tier(event.service_tier, losses):
            last["service_tier"] = tier
        written = self._whole(last)
        usage = write_usage(event.usage, losses) if self._wants_usage else None
        if usage is not None:
            written += self._whole({"choices": [], "usage": usage})
        return written + _DONE

    def _whole(self, members: dict[str, Any]) -> bytes:
        return self._frame + b"," + encode(members)[1:] + b"\n\n"


def _tail(block: Thinking, opened: _Open) -> dict[str, Any]:
    # The official SDK joins the strings of one index: what is told in the first piece is not told again.
    first, opened.empty = opened.empty, False
    return detail_tail(block, opened.number) if first else {"index": opened.number}


def _begun_call(call: ToolCall) -> dict[str, Any]:
    written = write_answered_call(call)
    if not call.custom:
        written["function"]["arguments"] = call.arguments
    return written


def _fail(event: Failed) -> bytes:
    return b"data: " + encode({"error": error_member(event.kind, event.message)}) + b"\n\n"
