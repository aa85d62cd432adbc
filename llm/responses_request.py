"""OpenAI Responses: a request and the neutral form, both ways.

What only the provider that keeps a conversation can make sense of is named in
`Request.unread`; without the members in `STATEFUL` a request means something else, so for
another format it must be refused. Pure; the relay stands above, `responses_items` and
`responses_tools` below.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw, encode
from .blocks import Losses, Written
from .neutral import Block, Message, Request, Sampling, Text, ToolChoice
from .reading import asked, decode, others
from .responses_items import Items, write_items
from .responses_options import (
    LOGPROBS,
    SEALED,
    ReasoningOptions,
    TextOptions,
    read_format,
    read_reasoning,
    write_about,
    write_reasoning,
    write_sampling,
    write_text,
)
from .responses_tools import read_choice, read_tools, write_choice, write_tools
from .wire import Count, Whole, members, said

STATEFUL = frozenset({"previous", "conversation", "item_reference", "prompt", "background"})
"""`Request.unread` (and `previous`): what only the provider itself can answer."""

CANNOT: dict[str, str] = {
    "top_k": "the format has no such member",
    "stop": "the format has no stop sequences",
    "stop_sequence": "the format has no stop sequences",
    "seed": "the format has no such member",
    "frequency_penalty": "the format has no such member",
    "presence_penalty": "the format has no such member",
    "n": "there is one answer to a request",
    "reasoning.off": "only some models can be told not to think; none is told unless the caller says effort none",
    "reasoning.budget": "thinking has an effort, no budget; the nearest effort is asked for",
    "cache_control": "prompts are cached by themselves; marks are understood by some models only",
    "message.name": "messages have no names",
    "image.name": "images have no names",
    "file.name": "a stored file has its own",
    "audio": "there is no sound",
    "video": "there is no video",
    "assistant.media": "the model's own turns hold text and calls",
    "system.media": "instructions hold text",
    "thinking": "thoughts come back only as the provider sealed them",
    "thinking.signature": "another provider's signature means nothing here",
    "thinking.sealed": "another provider's sealed thoughts cannot be read here",
    "tool_call.id": "ids are at most 64 characters long; longer ones are replaced by a digest",
    "tool_call.signature": "another provider's signature means nothing here",
    "tool_result.is_error": "results do not say whether the tool failed",
    "tool_result.name": "results are known by the call's id",
    "citations": "sources are part of answers only",
    "tool_choice": "is left out where there are no tools",
    "tool_choice.parallel": "is left out where there are no tools",
    "service_tier": "tiers of other providers mean nothing here",
    "tool.foreign": "a tool that another provider runs itself",
    "foreign": "content that only another format knows",
    "usage.unknown": "an unknown count is written as 0",
    "reason": "an answer is complete or not, for two reasons",
}
"""Feature -> why this format cannot carry it."""


class _Body(msgspec.Struct):
    model: str
    input: Raw = EMPTY
    instructions: str | None = None
    tools: list[Raw] | None = None
    tool_choice: Raw = EMPTY
    parallel_tool_calls: bool | None = None
    text: TextOptions | None = None
    reasoning: ReasoningOptions | None = None
    include: list[str] | None = None
    store: bool | None = None
    stream: bool | None = None
    previous_response_id: str | None = None
    prompt_cache_key: str | None = None
    max_output_tokens: Count | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_logprobs: Whole | None = None
    truncation: str | None = None
    service_tier: str | None = None
    metadata: Raw = EMPTY
    user: str | None = None
    safety_identifier: str | None = None
    background: bool | None = None


_KNOWN = frozenset({*_Body.__struct_fields__, "stream_options"})
_body = msgspec.json.Decoder(_Body)
_input = msgspec.json.Decoder(str | list[Raw] | None)


def read_request(body: bytes) -> Request:
    """`BadRequest` names the member that is wrong."""
    return asked(_read, body)


def _read(body: bytes) -> Request:
    there = members(body)
    wire = decode(_body, body)
    items, head, messages = _read_input(wire)
    tools = read_tools([*(wire.tools or ()), *items.tools])
    choice, tools, understood = read_choice(wire.tool_choice, tools)
    left_out = dict.fromkeys([*others(there, _KNOWN), *items.unread, *_unread_values(wire)])
    if not understood:
        left_out["tool_choice"] = None
    if wire.parallel_tool_calls is not None and (tools or choice):
        choice = msgspec.structs.replace(choice or ToolChoice(), parallel=wire.parallel_tool_calls)
    return Request(
        model=wire.model,
        messages=messages,
        system=head,
        tools=tools,
        tool_choice=choice,
        max_tokens=wire.max_output_tokens,
        sampling=_read_sampling(wire),
        reasoning=read_reasoning(wire.reasoning),
        format=read_format(wire.text),
        verbosity=(wire.text.verbosity if wire.text else None) or "",
        stream=bool(wire.stream),
        user=wire.safety_identifier or wire.user or "",
        cache_key=wire.prompt_cache_key or "",
        service_tier=wire.service_tier or "",
        metadata=said(wire.metadata),
        previous=wire.previous_response_id or "",
        store=wire.store,
        unread=tuple(left_out),
    )


def _read_input(wire: _Body) -> tuple[Items, tuple[Block, ...], tuple[Message, ...]]:
    """The items, the system prompt (instructions and what stands first in its role), and the turns."""
    items = Items()
    given = decode(_input, wire.input, "input") if bytes(wire.input) else None
    system: tuple[Block, ...] = (Text(wire.instructions),) if wire.instructions else ()
    if isinstance(given, str):
        return items, system, (Message("user", (Text(given),)),)
    for number, item in enumerate(given or ()):
        items.add(item, f"input[{number}]")
    messages = items.messages()
    first = next((at for at, message in enumerate(messages) if message.role != "system"), len(messages))
    for message in messages[:first]:
        system += message.content
    return items, system, messages[first:]


def _read_sampling(wire: _Body) -> Sampling:
    logprobs = True if LOGPROBS in (wire.include or ()) else None
    return Sampling(wire.temperature, wire.top_p, logprobs=logprobs, top_logprobs=wire.top_logprobs)


def _unread_values(wire: _Body) -> list[str]:
    """Members that are known, with values that say more than can be carried."""
    found = []
    if wire.truncation not in (None, "disabled"):
        found.append("truncation")
    if wire.background:
        found.append("background")
    if any(each not in (LOGPROBS, SEALED) for each in wire.include or ()):
        found.append("include")
    return found


def write_request(request: Request) -> Written:
    """The request for a provider of this format."""
    lost = Losses(request.unread)
    body: dict[str, Any] = {"model": request.model}
    items: list[Any] = []
    _write_system(request.system, body, items, lost)
    for message in request.messages:
        items += write_items(message, lost)
    body["input"] = items
    if request.stream:
        body["stream"] = True
    _write_tools(request, body, lost)
    write_sampling(request.sampling, body, lost)
    write_reasoning(request.reasoning, body, lost)
    write_text(request, body)
    write_about(request, body, lost)
    return Written(encode(body), lost.names())


def _write_system(system: tuple[Block, ...], body: dict[str, Any], items: list[Any], lost: Losses) -> None:
    if any(not isinstance(block, Text) for block in system):
        lost.add("system.media")
        system = tuple(block for block in system if isinstance(block, Text))
    if len(system) == 1 and isinstance(system[0], Text):
        if bytes(system[0].cache):
            lost.add("cache_control")
        body["instructions"] = system[0].text
    elif system:
        items += write_items(Message("system", system), lost)


def _write_tools(request: Request, body: dict[str, Any], lost: Losses) -> None:
    tools, choice = write_tools(request.tools, lost), request.tool_choice
    if tools:
        body["tools"] = tools
    if choice is None:
        return
    if not tools:
        lost.note("tool_choice", choice.mode != "auto")
        lost.note("tool_choice.parallel", choice.parallel is not None)
        return
    body["tool_choice"] = write_choice(choice, request.tools)
    if choice.parallel is not None:
        body["parallel_tool_calls"] = choice.parallel
