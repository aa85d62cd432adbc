"""Anthropic Messages: an answer read into the neutral form, and written from it. Pure.

Above: the relay that translates, and `anthropic_stream`. Below: `anthropic_blocks`.
"""

from collections.abc import Iterable
from typing import Any, TypeGuard

from ..core.rawjson import Raw, encode, fields, items
from .anthropic_blocks import (
    Wire,
    are_citations,
    call_carrier,
    read_blocks,
    write_call,
    write_own_thinking,
    write_signature,
)
from .anthropic_errors import read_member
from .anthropic_wire import FORMAT, OWN, StopDetails, responses
from .anthropic_wire import Usage as WireUsage
from .blocks import Losses, Written
from .neutral import Block, Foreign, Media, Reason, Refusal, Response, Text, Thinking, ToolCall, ToolResult, Usage
from .reading import answered, decode
from .wire import members, says, tokens

_REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "tool_use": "tools",
    "pause_turn": "pause",
    "refusal": "refusal",
    "model_context_window_exceeded": "context",
}
_WORDS: dict[Reason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tools": "tool_use",
    "filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "context": "model_context_window_exceeded",
}
_TIERS = {"standard": "default"}
_WRITTEN_TIERS = {"default": "standard", "priority": "priority", "batch": "batch"}


def read_response(body: bytes) -> Response:
    """`UpstreamInvalid` says what the provider did wrong."""
    return answered(_read, body)


def _read(body: bytes) -> Response:
    members(body)
    wire = decode(responses, body)
    if wire.type == "error" or says(wire.error):
        raise ValueError("it is an error: " + read_member(wire.error)[1])
    if wire.type != "message":
        raise ValueError("type: must be message")

    def raw(number: int) -> Raw:
        return items(fields(body)["content"])[number]

    content = read_blocks(wire.content, "content", raw, [])
    return Response(
        id=wire.id or "",
        model=wire.model or "",
        content=(*content, *read_refusal(wire.stop_details)),
        reason=read_reason(wire.stop_reason),
        stop_sequence=wire.stop_sequence or "",
        usage=read_usage(wire.usage),
        service_tier=read_tier(wire.usage),
    )


def read_refusal(details: StopDetails | None) -> tuple[Block, ...]:
    """Why the model refused, if it says so."""
    return (Refusal(details.explanation),) if details is not None and details.explanation else ()


def read_reason(word: str | None) -> Reason:
    return _REASONS.get(word or "", "other")


def read_usage(usage: WireUsage | None) -> Usage:
    """Here `input_tokens` leaves out what was read from or written to a cache."""
    if usage is None:
        return Usage()
    read, wrote = tokens(usage.cache_read_input_tokens), tokens(usage.cache_creation_input_tokens)
    fresh, details = tokens(usage.input_tokens), usage.output_tokens_details
    return Usage(
        input=None if fresh is None else fresh + (read or 0) + (wrote or 0),
        output=tokens(usage.output_tokens),
        cache_read=read,
        cache_write=wrote,
        reasoning=None if details is None else tokens(details.thinking_tokens),
    )


def read_tier(usage: WireUsage | None) -> str:
    tier = (usage.service_tier or "") if usage is not None else ""
    return _TIERS.get(tier, tier)


def write_response(response: Response, model: str) -> Written:
    """The body for a caller that asked for `model`."""
    losses = Losses()
    losses.note("n", response.others)
    losses.note("created", response.created)
    losses.note("logprobs", bytes(response.logprobs))
    content = [written for block in _shown(response.content, losses) for written in write_blocks(block, losses)]
    body = message(response.id, model, content)
    body |= write_stop(response.reason, response.stop_sequence, response.content, losses)
    body["usage"] = write_usage(response.usage, response.service_tier, losses)
    return Written(encode(body), losses.names())


def message(id_: str, model: str, content: list[Any]) -> Wire:
    """A message that has not ended."""
    return {
        "id": id_ or "msg_unknown",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": None,
        "stop_sequence": None,
    }


def _shown(blocks: tuple[Block, ...], losses: Losses) -> tuple[Block, ...]:
    """Without the signatures behind the text that ends an answer: clients take the last block for the answer."""
    end = len(blocks)
    while end and is_silent(blocks[end - 1]):
        end -= 1
    if end == len(blocks) or not end or not isinstance(blocks[end - 1], Text | Refusal):
        return blocks
    losses.add("thinking.signature")
    return blocks[:end]


def is_silent(block: Block) -> TypeGuard[Thinking]:
    """A thought of another provider that says nothing: it carries a signature, if anything."""
    return isinstance(block, Thinking) and not block.text and block.format not in OWN


def write_blocks(block: Block, losses: Losses) -> list[Any]:
    """The blocks of an answer that one neutral block becomes."""
    if isinstance(block, Text):
        written: Wire = {"type": "text", "text": block.text}
        if are_citations(block.citations):
            written["citations"] = block.citations
        else:
            losses.note("citations", block.citations)
        return [written]
    if isinstance(block, ToolCall):
        carrier = [call_carrier(block.id, block.signature)] if block.signature else []
        return [*carrier, write_call(block, losses)]
    if isinstance(block, Thinking):
        whole = write_own_thinking(block)
        return [whole or {"type": "thinking", "thinking": block.text, "signature": write_signature(block)}]
    if isinstance(block, Refusal):
        losses.add("refusal")
        return [{"type": "text", "text": block.text}]
    return _write_other(block, losses)


def _write_other(block: Media | ToolResult | Foreign, losses: Losses) -> list[Any]:
    if isinstance(block, Foreign) and block.format == FORMAT:
        return [block.raw]
    losses.add("assistant.media" if isinstance(block, Media) else "foreign")
    return []


def write_stop(reason: Reason, sequence: str, blocks: Iterable[Block], losses: Losses) -> Wire:
    """`stop_reason` and what belongs to it."""
    losses.note("reason", reason in ("filter", "error", "other"))
    word = _WORDS.get(reason, "end_turn")
    if reason == "stop" and sequence:
        return {"stop_reason": "stop_sequence", "stop_sequence": sequence}
    losses.note("stop_sequence", sequence)
    stop: Wire = {"stop_reason": word, "stop_sequence": None}
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    if word == "refusal" and refusals:
        stop["stop_details"] = {"type": "refusal", "category": None, "explanation": "".join(refusals)}
    return stop


def write_usage(usage: Usage, tier: str, losses: Losses) -> Wire:
    losses.note("usage.unknown", usage.input is None or usage.output is None)
    cached = (usage.cache_read or 0) + (usage.cache_write or 0)
    written: Wire = {"input_tokens": max((usage.input or 0) - cached, 0), "output_tokens": usage.output or 0}
    if usage.cache_write is not None:
        written["cache_creation_input_tokens"] = usage.cache_write
    if usage.cache_read is not None:
        written["cache_read_input_tokens"] = usage.cache_read
    if usage.reasoning is not None:
        written["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    losses.note("service_tier", tier and tier not in _WRITTEN_TIERS)
    if tier in _WRITTEN_TIERS:
        written["service_tier"] = _WRITTEN_TIERS[tier]
    return written
