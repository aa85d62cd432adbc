"""Bedrock Converse: a whole answer, read. Pure; the relay and `bedrock_stream` stand above."""

from collections.abc import Iterable

import msgspec

from ..core.rawjson import EMPTY, Raw, fields
from .bedrock_blocks import FORMAT
from .neutral import Block, Foreign, Media, Reason, Response, Text, Thinking, ToolCall, Usage
from .reading import answered, decode
from .wire import MAX_BLOCKS, Tokens, members, tokens

REASONS: dict[str, Reason] = {
    "end_turn": "stop",
    "tool_use": "tools",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "guardrail_intervened": "filter",
    "content_filtered": "filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "model_context_window_exceeded": "context",
}


class WireUsage(msgspec.Struct, rename="camel"):
    input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cache_read_input_tokens: Tokens | None = None
    cache_write_input_tokens: Tokens | None = None


class _Source(msgspec.Struct, frozen=True):
    bytes: str = ""


class _Media(msgspec.Struct):
    format: str = ""
    source: _Source = _Source()


class _Call(msgspec.Struct, rename="camel"):
    tool_use_id: str
    name: str
    input: Raw = EMPTY
    type: str | None = None


class _Reasoning(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class _Thought(msgspec.Struct, rename="camel"):
    reasoning_text: _Reasoning | None = None
    redacted_content: str | None = None


class _Said(msgspec.Struct):
    text: str = ""


class _Cited(msgspec.Struct):
    content: list[_Said] = []


class WireTier(msgspec.Struct):
    type: str | None = None


class _Message(msgspec.Struct):
    content: list[Raw] | None = None


class _Output(msgspec.Struct):
    message: _Message | None = None


class _Response(msgspec.Struct, rename="camel"):
    output: _Output | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    service_tier: WireTier | None = None


_response = msgspec.json.Decoder(_Response)
_text = msgspec.json.Decoder(str)
_media = msgspec.json.Decoder(_Media)
_call = msgspec.json.Decoder(_Call)
_thought = msgspec.json.Decoder(_Thought)
_cited = msgspec.json.Decoder(_Cited)


def read_response(body: bytes) -> Response:
    """`UpstreamInvalid` for what is no answer. Converse says neither id nor model nor time."""
    return answered(_read, body)


def _read(body: bytes) -> Response:
    members(body)
    wire = decode(_response, body)
    if wire.output is None or wire.output.message is None:
        raise ValueError("output.message: is missing")
    content = wire.output.message.content or []
    if len(content) > MAX_BLOCKS:
        raise ValueError(f"output.message.content: has more than {MAX_BLOCKS} blocks")
    blocks = tuple([_read_block(each, f"output.message.content[{at}]") for at, each in enumerate(content)])
    return Response(
        "",
        "",
        blocks,
        reason=read_reason(wire.stop_reason, map(type, blocks)),
        usage=read_usage(wire.usage),
        service_tier=read_tier(wire.service_tier),
    )


def _read_block(raw: Raw, where: str) -> Block:
    try:
        block = fields(raw)
    except ValueError as error:
        raise ValueError(f"{where}: must be an object") from error
    if len(block) != 1:
        return Foreign(FORMAT, raw)
    [(kind, told)] = block.items()
    where = f"{where}.{kind}"
    match kind:
        case "text":
            return Text(decode(_text, told, where))
        case "toolUse":
            call = decode(_call, told, where)
            if call.type:
                return Foreign(FORMAT, raw)  # the provider runs it itself
            return ToolCall(call.tool_use_id, call.name, bytes(call.input).decode())
        case "reasoningContent":
            return _read_thought(decode(_thought, told, where))
        case "image":
            image = decode(_media, told, where)
            return Media("image", media_type=f"image/{image.format}", data=image.source.bytes)
        case "citationsContent":
            return Text("".join([said.text for said in decode(_cited, told, where).content]))
        case _:
            return Foreign(FORMAT, raw)


def _read_thought(thought: _Thought) -> Thinking:
    said = thought.reasoning_text or _Reasoning()
    return Thinking(said.text, said.signature or "", thought.redacted_content or "", format=FORMAT)


def read_reason(word: str | None, kinds: Iterable[type[Block]]) -> Reason:
    reason = REASONS.get(word or "", "other")
    return "tools" if reason == "stop" and ToolCall in set(kinds) else reason


def read_usage(usage: WireUsage | None) -> Usage:
    if usage is None:
        return Usage()
    read, written = tokens(usage.cache_read_input_tokens), tokens(usage.cache_write_input_tokens)
    fresh = tokens(usage.input_tokens)
    return Usage(
        input=None if fresh is None else fresh + (read or 0) + (written or 0),
        output=tokens(usage.output_tokens),
        cache_read=read,
        cache_write=written,
    )


def read_tier(tier: WireTier | None) -> str:
    return (tier.type if tier else None) or ""
