"""OpenAI chat completions: an answer read into the neutral form, and written from it. Pure.

Above: the relay that translates, and `openai_stream`. Below: `openai_messages`, `openai_thoughts`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from ..core.rawjson import EMPTY, Raw, encode, items, value
from .blocks import Losses, Written, made_id
from .neutral import Block, Media, Reason, Refusal, Response, Text, Thinking, ToolCall, Usage
from .openai_errors import read_member
from .openai_messages import in_order, read_call
from .openai_parts import read_content
from .openai_thoughts import read_thoughts, write_thoughts
from .openai_turns import signed
from .openai_wire import Answer, Choice, responses
from .openai_wire import Response as WireResponse
from .openai_wire import Usage as WireUsage
from .reading import answered, decode
from .wire import members, said, says, tokens

_REASONS: dict[str, Reason] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tools",
    "function_call": "tools",
    "content_filter": "filter",
    "model_length": "context",
    "insufficient_system_resource": "error",
    "error": "error",
    "abort": "error",
}
_WORDS: dict[Reason, str] = {
    "length": "length",
    "context": "length",
    "tools": "tool_calls",
    "filter": "content_filter",
    "refusal": "content_filter",
}
_INEXACT = ("pause", "context", "error", "other")
_TIERS = frozenset({"auto", "default", "flex", "scale", "priority", "fast"})
_RANKS: dict[type, int] = {Thinking: 0, ToolCall: 2}


def read_response(body: bytes) -> Response:
    """`UpstreamInvalid` says what the provider did wrong."""
    return answered(_read, body)


def _read(body: bytes) -> Response:
    members(body)
    wire = decode(responses, body)
    if says(wire.error):
        raise ValueError("it is an error: " + read_member(wire.error)[1])
    if not wire.choices:
        raise ValueError("choices: there is none")
    first, *others = [_read_choice(choice, number, wire) for number, choice in enumerate(wire.choices)]
    return Response(
        id=wire.id or "",
        model=wire.model or "",
        content=first.content,
        reason=first.reason,
        usage=read_usage(wire.usage),
        created=tokens(wire.created) or 0,
        service_tier=wire.service_tier or "",
        logprobs=read_logprobs(wire.choices[0]),
        others=tuple(others),
    )


def _read_choice(choice: Choice, number: int, wire: WireResponse) -> Response:
    if choice.message is None:
        raise ValueError(f"choices[{number}].message: is missing")
    content = _read_answer(choice.message, f"choices[{number}].message", (wire.id, wire.created, number))
    return Response("", "", content, read_reason(choice.finish_reason, content))


def _read_answer(answer: Answer, where: str, seed: tuple[object, ...]) -> tuple[Block, ...]:
    spoken = answer.audio.transcript if answer.audio is not None and not answer.content else None
    content = read_content(spoken or answer.content, f"{where}.content", None)
    if says(answer.annotations) and len(content) == 1 and isinstance(content[0], Text):
        content = (Text(content[0].text, citations=_unless_empty(answer.annotations)),)
    blocks: list[Block] = [*read_thoughts(answer), *content]
    if answer.refusal:
        blocks.append(Refusal(answer.refusal))
    for number, call in enumerate(answer.tool_calls or ()):
        id_ = call.id or made_id(*seed, number)
        blocks.append(read_call(call, id_, f"{where}.tool_calls[{number}]"))
    return tuple(blocks)


def _unless_empty(annotations: Raw) -> Raw:
    return EMPTY if bytes(annotations).strip() == b"[]" else annotations


def read_reason(word: str | None, blocks: Iterable[Block]) -> Reason:
    """Why it ended. Where a call was forced, and in some imitations always, `stop` is said beside calls."""
    reason = _REASONS.get(word or "", "other")
    if reason in ("stop", "other"):
        kinds = {type(block) for block in blocks}
        if ToolCall in kinds:
            return "tools"
        if Refusal in kinds:
            return "refusal"
    return reason


def read_usage(usage: WireUsage | None) -> Usage:
    if usage is None:
        return Usage()
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    read = write = None
    if prompt is not None:
        read = prompt.cached_tokens
        write = prompt.cache_creation_tokens if prompt.cache_write_tokens is None else prompt.cache_write_tokens
    return Usage(
        input=tokens(usage.prompt_tokens),
        output=tokens(usage.completion_tokens),
        cache_read=tokens(usage.prompt_cache_hit_tokens if read is None else read),
        cache_write=tokens(write),
        reasoning=None if completion is None else tokens(completion.reasoning_tokens),
    )


def read_logprobs(choice: Choice) -> Raw:
    return EMPTY if choice.logprobs is None else said(choice.logprobs.content)


def write_response(response: Response, model: str) -> Written:
    """The body for a caller that asked for `model`."""
    losses = Losses()
    choices = [_write_choice(each, number, losses) for number, each in enumerate((response, *response.others))]
    body: dict[str, Any] = {
        "id": response.id or "chatcmpl-unknown",
        "object": "chat.completion",
        "created": response.created,
        "model": model,
        "choices": choices,
    }
    usage = write_usage(response.usage, losses)
    if usage is not None:
        body["usage"] = usage
    if tier := write_tier(response.service_tier, losses):
        body["service_tier"] = tier
    return Written(encode(body), losses.names())


def _write_choice(response: Response, number: int, losses: Losses) -> dict[str, Any]:
    logprobs = {"content": response.logprobs, "refusal": None} if bytes(response.logprobs) else None
    message = _write_message(response.content, losses)
    losses.note("stop_sequence", response.stop_sequence)
    return {
        "index": number,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": write_reason(response.reason, message["refusal"] is not None, losses),
    }


def _write_message(blocks: Sequence[Block], losses: Losses) -> dict[str, Any]:
    written = [block for block in blocks if isinstance(block, Text)]
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    losses.note("blocks.order", not in_order(blocks, _RANKS))
    losses.note("blocks.merged", len(written) > 1 or len(refusals) > 1)
    note_others(blocks, losses)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(block.text for block in written) if written else None,
        "refusal": "".join(refusals) if refusals else None,
    }
    if annotations := _annotations(written, losses):
        message["annotations"] = annotations
    message |= write_thoughts([block for block in blocks if isinstance(block, Thinking)])
    if calls:
        message["tool_calls"] = [write_answered_call(call) for call in calls]
    return message


def note_others(blocks: Iterable[Block], losses: Losses) -> None:
    """Blocks that answers of this format have no place for."""
    for block in blocks:
        if isinstance(block, Media):
            losses.add("assistant.media")
        elif not isinstance(block, Text | Refusal | Thinking | ToolCall):
            losses.add("foreign")


def _annotations(written: list[Text], losses: Losses) -> Raw | None:
    cited = [block.citations for block in written if bytes(block.citations)]
    if len(written) == 1 and cited and are_annotations(cited[0]):
        return cited[0]
    losses.note("citations", cited)
    return None


def are_annotations(citations: Raw) -> bool:
    """Whether citations are this format's own."""
    try:
        return all(value(each).get("type") == "url_citation" for each in items(citations))
    except (ValueError, AttributeError):
        return False


def write_answered_call(call: ToolCall) -> dict[str, Any]:
    """A call, as an answer holds it: the caller sends its id and signature back, however long."""
    if call.custom:
        return {"id": call.id, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    function = {"name": call.name, "arguments": call.arguments or "{}"}
    extra = signed(call.signature) if call.signature else {}
    return {"id": call.id, "type": "function", "function": function, **extra}


def write_reason(reason: Reason, refused: bool, losses: Losses) -> str:
    losses.note("reason", reason in _INEXACT)
    if reason == "refusal":
        losses.note("reason", not refused)
        return "stop" if refused else "content_filter"
    return _WORDS.get(reason, "stop")


def write_tier(tier: str, losses: Losses) -> str:
    losses.note("service_tier", tier and tier not in _TIERS)
    return tier if tier in _TIERS else ""


def write_usage(usage: Usage, losses: Losses) -> dict[str, Any] | None:
    """`None` if nothing is known."""
    if usage == Usage():
        return None
    losses.note("usage.unknown", usage.input is None or usage.output is None)
    read, wrote = usage.input or 0, usage.output or 0
    written: dict[str, Any] = {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}
    cached = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write}
    if known := {name: count for name, count in cached.items() if count is not None}:
        written["prompt_tokens_details"] = known
    if usage.reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return written
