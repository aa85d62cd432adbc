"""Anthropic Messages: a request read into the neutral form, and written from it.

Pure. Above: the relay that translates. Below: `anthropic_turns`, `anthropic_tools`, `anthropic_reasoning`.
"""

import hashlib
from typing import Any

from ..core.rawjson import Raw, encode, fields, items
from .anthropic_blocks import RawBlock, raw_blocks, read_blocks
from .anthropic_models import Abilities, abilities_of
from .anthropic_reasoning import read_reasoning, write_reasoning
from .anthropic_tools import is_taken, read_choice, read_tools, write_choice, write_tools
from .anthropic_turns import write_messages, write_system
from .anthropic_wire import JsonFormat, requests
from .anthropic_wire import Message as WireMessage
from .anthropic_wire import Request as WireRequest
from .blocks import Losses, Written, called_tools, renamed_tools
from .neutral import Block, Format, Message, Request, Sampling
from .reading import asked, decode, others
from .wire import members, says

DEFAULT_MAX_TOKENS = 16_384
"""The API wants a limit. Every model that is served today can write so much, and few answers are longer."""
MAX_USER = 256
"""Characters that the API takes of a user's id; a longer one is sent as its SHA-256."""

_KNOWN = frozenset(WireRequest.__struct_fields__)
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}

CANNOT: dict[str, str] = {
    "max_tokens": f"must be said: a request without it is sent with {DEFAULT_MAX_TOKENS}, plus the budget of thoughts",
    "temperature": "goes up to 1 only, must be 1 beside thoughts, and models since 4.7 refuse it",
    "top_p": "is refused beside `temperature` since 4.1, below 0.95 beside thoughts, and by models since 4.7",
    "top_k": "is refused beside thoughts, and by models since 4.7",
    "stop": "stop sequences of white space alone are refused",
    "seed": "there is none",
    "frequency_penalty": "there is none",
    "presence_penalty": "there is none",
    "logprobs": "are never told",
    "top_logprobs": "are never told",
    "n": "there is one answer to a request",
    "reasoning": "is refused beside a tool that must be called, in a turn that another model began with a call,"
    " and where `max_tokens` leaves no room for it",
    "reasoning.off": "some models always think",
    "reasoning.adaptive": "models before 4.6 want a budget",
    "reasoning.budget": "models since 4.7 take none: it becomes the nearest effort; it is at least 1024",
    "reasoning.effort": "models before 4.6 take none: it becomes a budget; `minimal` becomes `low`",
    "format.json_object": "JSON needs a schema here",
    "format.name": "schemas have no name",
    "format.description": "schemas have no description",
    "format.strict": "schemas are always enforced",
    "verbosity": "there is none",
    "user": f"an id longer than {MAX_USER} characters is sent as its SHA-256",
    "metadata": "only the user's id is taken",
    "cache_key": "caches are found by their marks",
    "service_tier": "only `auto` and `default` can be asked for",
    "store": "nothing is stored",
    "previous": "the API keeps no conversation",
    "message.name": "speakers have no name",
    "message.first": "the user must begin: a full stop is said for it",
    "message.empty": "empty texts and turns are refused, and left out",
    "system.inline": "only Opus since 4.8 and its peers take it, after a user's turn; elsewhere it is user's text",
    "system.media": "a system prompt is text",
    "assistant.media": "the model's own turn holds no media",
    "blocks.order": "results of tools must stand first in their turn",
    "image.name": "images have no name",
    "image.detail": "images have no detail",
    "file.media_type": "documents are PDF or plain text; other text is sent as plain text",
    "file.detail": "documents have no detail",
    "audio": "there is no sound",
    "video": "there is no video",
    "thinking": "earlier thoughts must be signed by Claude",
    "thinking.signature": "another provider's, behind the text that ends an answer, is left out, for clients take the"
    " last block for the answer",
    "tool.namespace": "namespace and name become one name, which is taken apart again in the answer",
    "tool.custom": "free text is asked for as the one string of a tool's input, and taken out again",
    "tool.foreign": "server tools of other providers do not exist here",
    "tool_choice": "is left out where there are no tools",
    "tool_choice.parallel": "cannot be said where no tool may be called",
    "tool_call.arguments": "arguments must be an object: others stand in its member `arguments`",
    "tool_call.custom": "free text becomes the one string of a tool's input",
    "tool_call.signature": "the signature of a call goes to callers, who send it back, but never to Claude",
    "tool_result.name": "results name their call only",
    "citations": "only Claude's own; in a stream none",
    "refusal": "a refusal is text, and the reason says `refusal`",
    "reason": "`filter` becomes `refusal`, `error` and what is unknown become `end_turn`",
    "created": "answers have no date",
    "usage.unknown": "counts that are not known are written as 0",
    "foreign": "blocks of other formats' server tools do not exist here",
}
"""What this format cannot carry, and why."""


def read_request(body: bytes) -> Request:
    """`BadRequest` names the member that is wrong."""
    return asked(_read, body)


def _read(body: bytes) -> Request:
    found = members(body)
    wire = decode(requests, body)
    unread = list(others(found, _KNOWN))
    reasoning = read_reasoning(wire.thinking, wire.output_config, unread)
    wanted = wire.output_config.format if wire.output_config is not None else None
    return Request(
        model=wire.model,
        messages=_read_messages(wire.messages, body, unread),
        system=_read_system(wire, body, unread),
        tools=read_tools(wire.tools, body, unread),
        tool_choice=read_choice(wire.tool_choice),
        max_tokens=wire.max_tokens,
        sampling=Sampling(
            temperature=wire.temperature,
            top_p=wire.top_p,
            top_k=wire.top_k,
            stop=tuple(wire.stop_sequences or ()),
        ),
        reasoning=reasoning,
        format=_read_format(wanted or wire.output_format),
        stream=bool(wire.stream),
        user=(wire.metadata.user_id or "") if wire.metadata is not None else "",
        service_tier="default" if wire.service_tier == "standard_only" else wire.service_tier or "",
        unread=tuple(dict.fromkeys(unread)),
    )


def _read_system(wire: WireRequest, body: bytes, unread: list[str]) -> tuple[Block, ...]:
    if wire.system is None:
        return ()

    def raw(number: int) -> Raw:
        return raw_blocks(fields(body)["system"])(number)

    return read_blocks(wire.system, "system", raw, unread)


def _read_messages(messages: list[WireMessage], body: bytes, unread: list[str]) -> tuple[Message, ...]:
    read: list[Message] = []
    for number, message in enumerate(messages):
        content = read_blocks(message.content, f"messages[{number}].content", _raw_of(body, number), unread)
        if message.role == "user":
            read.append(Message("user", content))
        elif message.role == "assistant":
            read.append(Message("assistant", content))
        elif message.role == "system":
            read.append(Message("system", content))
        else:
            raise ValueError(f"messages[{number}].role: must be user, assistant or system")
    return tuple(read)


def _raw_of(body: bytes, message: int) -> RawBlock:
    return lambda number: items(fields(items(fields(body)["messages"])[message])["content"])[number]


def _read_format(wanted: JsonFormat | None) -> Format | None:
    if wanted is None:
        return None
    if wanted.type != "json_schema" or not says(wanted.schema):
        raise ValueError("output_config.format: must be of type json_schema, with its schema")
    return Format(wanted.schema)


def write_request(request: Request, abilities: Abilities | None = None) -> Written:
    """The body for a provider of this format; what the model takes is told by its name unless `abilities` says so."""
    losses = Losses(request.unread)
    able = abilities or abilities_of(request.model)
    thinking, effort = write_reasoning(request, able, losses)
    body: dict[str, Any] = {
        "model": request.model,
        "max_tokens": _max_tokens(request, thinking),
        "messages": write_messages(request, able.inline_system, losses),
    }
    if request.system and (system := write_system(request.system, losses)):
        body["system"] = system
    body |= _write_tools(request, losses)
    body |= _write_sampling(request, able, thinking is not None and thinking["type"] != "disabled", losses)
    if thinking is not None:
        body["thinking"] = thinking
    if config := _write_config(request.format, effort, losses):
        body["output_config"] = config
    body |= _write_rest(request, losses)
    if request.stream:
        body["stream"] = True
    return Written(encode(body), losses.names(), renamed_tools(request.tools))


def _max_tokens(request: Request, thinking: dict[str, Any] | None) -> int:
    if request.max_tokens is not None:
        return request.max_tokens
    budget: int = thinking.get("budget_tokens", 0) if thinking is not None else 0
    return DEFAULT_MAX_TOKENS + budget


def _write_tools(request: Request, losses: Losses) -> dict[str, Any]:
    tools = write_tools(request.tools, losses)
    if not tools:
        write_choice(request.tool_choice, (), losses)
        # A conversation with calls is refused without tools; none of them may be called again.
        called = write_tools(called_tools(request), losses)
        return {"tools": called, "tool_choice": {"type": "none"}} if called else {}
    choice = write_choice(request.tool_choice, tuple(filter(is_taken, request.tools)), losses)
    return {"tools": tools} if choice is None else {"tools": tools, "tool_choice": choice}


def _write_sampling(request: Request, able: Abilities, thinks: bool, losses: Losses) -> dict[str, Any]:
    sampling = request.sampling
    for name in ("seed", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs"):
        losses.note(name, getattr(sampling, name))
    losses.note("n", sampling.n is not None and sampling.n > 1)
    written: dict[str, Any] = {}
    if stop := [each for each in sampling.stop if each and not each.isspace()]:
        written["stop_sequences"] = stop
    losses.note("stop", len(stop) < len(sampling.stop))
    temperature, top_p, top_k = sampling.temperature, sampling.top_p, sampling.top_k
    if temperature is not None:
        losses.note("temperature", temperature > 1)
        temperature = min(temperature, 1.0)
    chosen = {
        "temperature": temperature if able.sampling and (not thinks or temperature == 1) else None,
        "top_k": top_k if able.sampling and not thinks else None,
    }
    alone = able.both or chosen["temperature"] is None
    chosen["top_p"] = top_p if able.sampling and alone and (not thinks or (top_p or 0) >= 0.95) else None
    for name, value in chosen.items():
        losses.note(name, value is None and getattr(sampling, name) is not None)
        if value is not None:
            written[name] = value
    return written


def _write_config(wanted: Format | None, effort: str, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {"effort": effort} if effort else {}
    if wanted is None:
        return config
    losses.note("format.name", wanted.name)
    losses.note("format.description", wanted.description)
    losses.note("format.strict", wanted.strict is False)
    if bytes(wanted.schema):
        config["format"] = {"type": "json_schema", "schema": wanted.schema}
    else:
        losses.add("format.json_object")
    return config


def _write_rest(request: Request, losses: Losses) -> dict[str, Any]:
    losses.note("verbosity", request.verbosity)
    losses.note("cache_key", request.cache_key)
    losses.note("metadata", bytes(request.metadata))
    losses.note("store", request.store)
    losses.note("previous", request.previous)
    written: dict[str, Any] = {}
    if user := request.user:
        written["metadata"] = {"user_id": user if len(user) <= MAX_USER else hashlib.sha256(user.encode()).hexdigest()}
    tier = _TIERS.get(request.service_tier)
    losses.note("service_tier", request.service_tier and tier is None)
    if tier is not None:
        written["service_tier"] = tier
    return written
