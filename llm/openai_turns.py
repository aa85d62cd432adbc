"""Neutral turns, written as messages of OpenAI's chat format.

Results of tools must follow their calls, as messages of their own; images among them move to the
user's message behind them, for the format has no other place. Within a turn the format knows one
order only: thoughts, text, calls. Pure. Above: `openai_request`. Below: `openai_parts`.
"""

from collections.abc import Sequence
from typing import Any

from .blocks import Losses, short_id, tool_name
from .custom_calls import arguments_of
from .neutral import Block, Media, Message, Refusal, Request, Text, Thinking, ToolCall, ToolResult
from .openai_dialect import Dialect
from .openai_messages import in_order
from .openai_parts import write_cache, write_content
from .openai_thoughts import write_earlier

MAX_CALL_ID = 40
"""Characters that the official API allows the id of a call."""
_RANKS: dict[type, int] = {Thinking: 0, ToolCall: 2}
_RESULTS_FIRST: dict[type, int] = {ToolResult: 0}

Wire = dict[str, Any]


def write_messages(request: Request, dialect: Dialect, losses: Losses) -> list[Wire]:
    messages: list[Wire] = []
    if request.system:
        messages.append({"role": "system", "content": _only_text(request.system, dialect, losses)})
    for message in request.messages:
        if message.role == "user":
            messages += _user(message, dialect, losses)
        elif message.role == "assistant":
            messages.append(_assistant(message, dialect, losses))
        else:
            content = _only_text(message.content, dialect, losses)
            messages.append(_named({"role": "system", "content": content}, message))
    return messages


def _named(written: Wire, message: Message) -> Wire:
    if message.name:
        written["name"] = message.name
    return written


def _only_text(blocks: Sequence[Block], dialect: Dialect, losses: Losses) -> str | list[Any]:
    kept = [block for block in blocks if isinstance(block, Text)]
    losses.note("system.media", len(kept) < len(blocks))
    return write_content(kept, dialect, losses)


def _user(message: Message, dialect: Dialect, losses: Losses) -> list[Wire]:
    results = [block for block in message.content if isinstance(block, ToolResult)]
    rest: list[Block] = [block for block in message.content if not isinstance(block, ToolResult)]
    losses.note("blocks.order", not in_order(message.content, _RESULTS_FIRST))
    written = [_result(result, dialect, losses) for result in results]
    media = [block for result in results for block in result.content if isinstance(block, Media)]
    losses.note("tool_result.media", media)
    if media or rest or not results:
        content = write_content([*media, *rest], dialect, losses)
        written.append(_named({"role": "user", "content": content}, message))
    return written


def _result(result: ToolResult, dialect: Dialect, losses: Losses) -> Wire:
    losses.note("tool_result.is_error", result.is_error)
    losses.note("tool_result.name", result.name)
    content = write_content([block for block in result.content if isinstance(block, Text)], dialect, losses)
    written = {"role": "tool", "tool_call_id": short_id(result.id, MAX_CALL_ID), "content": content}
    write_cache(written, result.cache, dialect, losses)
    return written


def _assistant(message: Message, dialect: Dialect, losses: Losses) -> Wire:
    losses.note("blocks.order", not in_order(message.content, _RANKS))
    thoughts: list[Thinking] = []
    said: list[Block] = []
    calls: list[ToolCall] = []
    for block in message.content:
        if isinstance(block, Thinking):
            thoughts.append(block)
        elif isinstance(block, ToolCall):
            calls.append(block)
        elif isinstance(block, Media):
            losses.add("assistant.media")
        else:
            said.append(block)
    written: Wire = {"role": "assistant", **_said(said, dialect, losses)}
    written |= write_earlier(thoughts, dialect.thoughts, losses)
    if calls:
        written["content"] = written["content"] or None
        written["tool_calls"] = [write_call(call, dialect, losses) for call in calls]
    return _named(written, message)


def _said(blocks: list[Block], dialect: Dialect, losses: Losses) -> Wire:
    if len(blocks) == 1 and isinstance(blocks[0], Refusal):
        return {"content": None, "refusal": blocks[0].text}
    return {"content": write_content(blocks, dialect, losses)}


def write_call(call: ToolCall, dialect: Dialect, losses: Losses) -> Wire:
    losses.note("cache_control", bytes(call.cache))
    id_ = short_id(call.id, MAX_CALL_ID)
    if call.custom and dialect.custom_tools:
        return {"id": id_, "type": "custom", "custom": {"name": tool_name(call), "input": call.arguments}}
    losses.note("tool_call.custom", call.custom)
    arguments = arguments_of(call.arguments) if call.custom else call.arguments or "{}"
    function = {"name": tool_name(call), "arguments": arguments}
    written: Wire = {"id": id_, "type": "function", "function": function}
    if call.signature and dialect.signatures:
        written |= signed(call.signature)
    else:
        losses.note("tool_call.signature", call.signature)
    return written


def signed(signature: str) -> Wire:
    """Gemini's signature, where its imitation of this format puts it."""
    return {"extra_content": {"google": {"thought_signature": signature}}}
