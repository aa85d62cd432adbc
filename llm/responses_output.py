"""OpenAI Responses: the items of an answer, why it ended, and its usage; both ways.

Pure. Whole answers (`responses_answer`) and streams (`responses_stream`, `responses_events`)
stand above; both say the same with what is here.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import JOINT
from .carried import Carried, pack, pack_thinking
from .neutral import Block, Foreign, Reason, Refusal, Text, Thinking, ToolCall, Usage
from .reading import decode
from .responses_parts import FORMAT, some
from .wire import Tokens, tokens


class WirePart(msgspec.Struct):
    type: str = ""
    text: str = ""
    refusal: str = ""
    annotations: Raw = EMPTY
    logprobs: Raw = EMPTY


class WireItem(msgspec.Struct):
    """An item of the output, of whatever type."""

    type: str = ""
    id: str | None = None
    content: list[WirePart] | None = None
    summary: list[WirePart] | None = None
    encrypted_content: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: str | None = None
    input: str | None = None


class _Kind(msgspec.Struct):
    type: str = ""


class _Read(msgspec.Struct):
    cached_tokens: Tokens | None = None
    cache_write_tokens: Tokens | None = None


class _Thought(msgspec.Struct):
    reasoning_tokens: Tokens | None = None


class WireUsage(msgspec.Struct):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    input_tokens_details: _Read | None = None
    output_tokens_details: _Thought | None = None


_kind = msgspec.json.Decoder(_Kind)
_item = msgspec.json.Decoder(WireItem)
OWN = frozenset({"message", "reasoning", "function_call", "custom_tool_call"})
"""Types of items that are understood; others pass as they are."""


def read_wire(raw: Raw, where: str) -> WireItem | Foreign:
    """The item, or what only this format knows."""
    if decode(_kind, raw, where).type in OWN:
        return decode(_item, raw, where)
    return Foreign(FORMAT, raw)


def read_blocks(item: WireItem) -> list[Block]:
    match item.type:
        case "message":
            return [read_part(part) for part in item.content or ()]
        case "reasoning":
            return [read_thinking(item)]
        case _:
            return [read_call(item)]


def read_part(part: WirePart) -> Block:
    if part.type == "refusal":
        return Refusal(part.refusal)
    return Text(part.text, citations=some(part.annotations))


def read_thinking(item: WireItem) -> Thinking:
    text = JOINT.join([part.text for part in item.summary or item.content or ()])
    return Thinking(text, sealed=item.encrypted_content or "", id=item.id or "", format=FORMAT)


def read_call(item: WireItem) -> ToolCall:
    custom = item.type == "custom_tool_call"
    arguments = (item.input if custom else item.arguments) or ""
    return ToolCall(
        item.call_id or item.id or "", item.name or "", arguments, namespace=item.namespace or "", custom=custom
    )


def read_usage(usage: WireUsage | None) -> Usage:
    if usage is None:
        return Usage()
    read, thought = usage.input_tokens_details or _Read(), usage.output_tokens_details or _Thought()
    return Usage(
        input=tokens(usage.input_tokens),
        output=tokens(usage.output_tokens),
        cache_read=tokens(read.cached_tokens),
        cache_write=tokens(read.cache_write_tokens),
        reasoning=tokens(thought.reasoning_tokens),
    )


def read_reason(status: str, incomplete: str, blocks: Iterable[type[Block]]) -> Reason:
    """Why it ended, of the status, the reason of incompleteness, and the kinds of blocks there are."""
    if status == "incomplete":
        reasons: dict[str, Reason] = {"max_output_tokens": "length", "content_filter": "filter"}
        return reasons.get(incomplete, "other")
    kinds = set(blocks)
    return "tools" if ToolCall in kinds else "refusal" if Refusal in kinds else "stop"


def write_status(reason: Reason, *, refused: bool) -> tuple[str, str]:
    """The status, and the reason of incompleteness. `refused`: the answer holds a refusal."""
    if reason in ("stop", "tools") or (reason == "refusal" and refused):
        return "completed", ""
    if reason == "error":
        return "failed", ""
    incomplete = {"length": "max_output_tokens", "context": "max_output_tokens"}
    incomplete |= {"filter": "content_filter", "refusal": "content_filter"}
    return "incomplete", incomplete.get(reason, "")


def write_usage(usage: Usage) -> dict[str, Any] | None:
    if usage.input is None and usage.output is None:
        return None
    read, written = usage.input or 0, usage.output or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": read + written,
    }


def token_of(response_id: str) -> str:
    """What the ids of an answer's items share: the answer's own, without its prefix."""
    return response_id.removeprefix("resp_")


def write_part(block: Text | Refusal, logprobs: Raw = EMPTY) -> dict[str, Any]:
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    probabilities: Any = logprobs if bytes(logprobs) else []
    return {"type": "output_text", "text": block.text, "annotations": [], "logprobs": probabilities}


def write_message(id_: str, parts: list[Any], status: str = "completed") -> dict[str, Any]:
    return {"id": id_, "type": "message", "status": status, "role": "assistant", "content": parts}


def write_thinking(id_: str, block: Thinking) -> dict[str, Any]:
    """A thought as its caller keeps it: what another provider signed or sealed rides in `encrypted_content`."""
    summary = [{"type": "summary_text", "text": block.text}] if block.text else []
    return {"id": block.id or id_, "type": "reasoning", "summary": summary, "encrypted_content": _sealed(block)}


def _sealed(block: Thinking) -> str | None:
    if block.format == FORMAT and not block.signature:
        return block.sealed or None
    return pack_thinking(block) if block.signature or block.sealed else None


def write_signature(id_: str, call: ToolCall) -> dict[str, Any]:
    """The signature of a call, which the call's own item has no place for, as a thought without text."""
    sealed = pack(Carried(signature=call.signature, call=call.id))
    return {"id": id_, "type": "reasoning", "summary": [], "encrypted_content": sealed}


def write_call(id_: str, call: ToolCall, status: str = "completed") -> dict[str, Any]:
    head: dict[str, Any] = {"id": id_, "status": status, "call_id": call.id, "name": call.name}
    if call.namespace:
        head["namespace"] = call.namespace
    if call.custom:
        return {"type": "custom_tool_call"} | head | {"input": call.arguments}
    return {"type": "function_call"} | head | {"arguments": call.arguments}
