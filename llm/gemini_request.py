"""Gemini generateContent: a request and the neutral form, both ways. The model's name stands in the URL.

Pure; the relay stands above, `gemini_turns`, `gemini_tools` and `gemini_config` below.
"""

from typing import Any

import msgspec

from ..core.rawjson import Raw, encode, items
from . import gemini_members as wire
from .blocks import Losses, Written, renamed_tools
from .gemini_config import read_config, write_config
from .gemini_members import absent, camel, read
from .gemini_parts import read_blocks, read_part
from .gemini_tools import read_choice, read_tools, write_choice, write_tools
from .gemini_turns import Turns, write_turns
from .neutral import Block, Request, Text
from .reading import asked, others
from .wire import members

CANNOT: dict[str, str] = {
    "message.name": "turns have no names",
    "message.empty": "an empty text is refused",
    "system.inline": "there are two speakers only; a system prompt in mid-conversation becomes the user's words",
    "system.media": "the system instruction is text",
    "blocks.order": "results of tools come before what else the user says",
    "blocks.merged": "a tool's result is one text",
    "citations": "sources are part of answers only",
    "refusal": "a refusal is text like any other",
    "cache_control": "prompts are cached by themselves, or as cached content that has a name",
    "cache_key": "the format has no such member",
    "image.id": "files have addresses",
    "image.name": "is not sent: the public API does not take it",
    "image.detail": "detail is chosen for the whole request",
    "file.id": "files have addresses",
    "file.name": "is not sent: the public API does not take it",
    "file.detail": "detail is chosen for the whole request",
    "audio.id": "files have addresses",
    "audio.name": "is not sent: the public API does not take it",
    "video.id": "files have addresses",
    "thinking": "thoughts of other providers are not taken",
    "thinking.signature": "another provider's signature means nothing here",
    "thinking.sealed": "another provider's sealed thoughts cannot be read here",
    "thinking.id": "thoughts have no ids",
    "tool.strict": "the mode VALIDATED is for all tools or none",
    "tool.namespace": "namespace and name become one name, which is taken apart again in the answer",
    "tool.custom": "free text is asked for as the one string of a function's arguments, and taken out again",
    "tool.foreign": "a tool that another provider runs itself",
    "tool_call.custom": "free text becomes the one string of a function's arguments",
    "tool_call.arguments": "arguments are an object; anything else becomes its one string",
    "tool_result.media": "models before Gemini 3 see a tool's images only behind the results, in the user's words",
    "tool_result.name": "is the name of the tool that was called",
    "tool_choice": "there is nothing to choose without tools",
    "tool_choice.parallel": "parallel calls cannot be switched off",
    "format.name": "schemas have no names",
    "format.description": "schemas have no description of their own",
    "format.strict": "schemas are always enforced",
    "reasoning.off": "is said only where the caller said effort none; Gemini 3 thinks as little as it can instead",
    "reasoning.effort": "models before Gemini 3 are given a budget instead of an effort; `max` is as high as it goes",
    "reasoning.budget": "Gemini 3 thinks by levels; a level wins over a budget",
    "reasoning.adaptive": "Gemini 3 always decides by itself",
    "verbosity": "the format has no such member",
    "user": "the format has no such member",
    "metadata": "the format has no such member",
    "store": "the format has no such member",
    "previous": "the conversation is always sent along",
    "service_tier": "only standard, flex and priority are known",
    "stop_sequence": "an answer does not say which sequence ended it",
    "created": "an answer does not say when it was made",
    "reason": "there is one word for many reasons",
    "n": "not in a stream: the neutral stream has one answer",
    "usage.unknown": "an unknown count is written as 0",
    "usage.cache_write": "is not counted",
    "foreign": "content that only another format knows",
}
"""Feature -> why this format cannot carry it."""

_KNOWN = frozenset({"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier", "model"})
_body = msgspec.json.Decoder(wire.Body)
_content = msgspec.json.Decoder(wire.Content)
_TIERS = {"default": "standard", "standard": "standard", "standard_only": "standard", "flex": "flex"}
_TIERS |= {"priority": "priority"}


def read_request(body: bytes, model: str, stream: bool = False) -> Request:
    """`model` and `stream` are what the URL says. `BadRequest` names the member that is wrong."""
    return asked(lambda sent: _read(sent, model, stream), body)


def _read(body: bytes, model: str, stream: bool) -> Request:
    there = camel(members(body))
    told = read(_body, body, "the body")
    config = read_config(told.generation_config)
    choice, tools, whole = read_choice(told.tool_config, read_tools(told.tools))
    unread = [*others(there, _KNOWN), *config.unread]
    if not whole:
        unread.append("toolConfig")
    system, inline = _read_system(told.system_instruction)
    if inline:
        unread.append("systemInstruction.parts")
    tier = (told.service_tier or "").lower()
    return Request(
        model=model,
        messages=tuple(_read_turns(told.contents).messages),
        system=system,
        tools=tools,
        tool_choice=choice,
        max_tokens=config.max_tokens,
        sampling=config.sampling,
        reasoning=config.reasoning,
        format=config.format,
        stream=stream,
        service_tier={"standard": "default", "unspecified": ""}.get(tier, tier),
        unread=tuple(dict.fromkeys(unread)),
    )


def _read_turns(contents: Raw) -> Turns:
    if absent(contents):
        raise ValueError("contents: is missing")
    try:
        sent = items(contents)
    except ValueError as error:
        raise ValueError("contents: must be a list of turns") from error
    turns = Turns()
    for number, each in enumerate(sent):
        turns.add(each, f"contents[{number}]")
    return turns


def _read_system(instruction: Raw) -> tuple[tuple[Block, ...], bool]:
    """The system prompt, and whether anything else than text and media stood there."""
    if absent(instruction):
        return (), False
    where = "systemInstruction"
    found: list[Block] = []
    for number, each in enumerate(read(_content, instruction, where).parts or ()):
        at = f"{where}.parts[{number}]"
        part, _ = read_part(each, at)
        found += read_blocks(part, each, at) if absent(part.function_response) else []
    kept = tuple(block for block in found if isinstance(block, Text))
    return kept, len(kept) < len(found)


def write_request(request: Request) -> Written:
    """The body for a provider of this format; the relay puts the model (and whether to stream) into the URL."""
    lost = Losses(request.unread)
    body: dict[str, Any] = {"contents": write_turns(request, lost)}
    system = [{"text": block.text} for block in request.system if isinstance(block, Text) and block.text]
    lost.note("system.media", any(not isinstance(block, Text) for block in request.system))
    lost.note("cache_control", any(isinstance(block, Text) and bytes(block.cache) for block in request.system))
    if system:
        body["systemInstruction"] = {"parts": system}
    tools = write_tools(request.tools, lost)
    if tools:
        body["tools"] = tools
    if calling := write_choice(request.tool_choice, request.tools if tools else (), lost):
        body["toolConfig"] = {"functionCallingConfig": calling}
    if config := write_config(request, lost):
        body["generationConfig"] = config
    _write_about(request, body, lost)
    return Written(encode(body), lost.names(), renamed_tools(request.tools))


def _write_about(request: Request, body: dict[str, Any], lost: Losses) -> None:
    for name in ("verbosity", "user", "cache_key", "previous"):
        lost.note(name, getattr(request, name))
    lost.note("metadata", bytes(request.metadata) not in (b"", b"{}"))
    lost.note("store", request.store)
    tier = _TIERS.get(request.service_tier, "")
    if tier:
        body["serviceTier"] = tier
    lost.note("service_tier", request.service_tier not in ("", "auto") and not tier)
