"""Gemini: the turns of a conversation and neutral messages, both ways.

Callers may leave ids out of calls and results: these are paired by name and order then, with
ids that are the same whenever the same conversation is read. Written, results stand in a turn
of their own right behind their calls, as Gemini demands. Pure; `gemini_request` stands above,
`gemini_parts` below.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from ..core.rawjson import Raw, fields, text
from . import gemini_members as wire
from .blocks import Losses, made_id, merge_turns, tool_name
from .gemini_members import FORMAT, MAX_PARTS, absent, read
from .gemini_parts import read_blocks, read_part, write_call, write_media
from .neutral import Block, Foreign, Media, Message, Refusal, Request, Text, Thinking, ToolCall, ToolResult

UNSIGNED = "skip_thought_signature_validator"
"""Documented by Google: stands for the signature of a call that another model made, which Gemini 3 would refuse."""
_SIGNS = re.compile(r"gemini-(?:[3-9]|\d\d)")
_SAID = ("output", "result", "error")
"""The one member of a result whose string is the result."""

_content = msgspec.json.Decoder(wire.Content)
_response = msgspec.json.Decoder(wire.FunctionResponse)


def is_third(model: str) -> bool:
    """Whether the model is of the third generation or later: signs its calls, thinks by levels, sees tools' images."""
    return _SIGNS.search(model) is not None


class Turns:
    """Reads turns one by one; `messages` is what they became."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._calls = 0
        self._waiting: list[tuple[str, str]] = []
        """Name and id of calls that have no result yet."""

    def add(self, raw: Raw, where: str) -> None:
        content = read(_content, raw, where)
        parts = content.parts or []
        if len(parts) > MAX_PARTS:
            raise ValueError(f"{where}.parts: send at most {MAX_PARTS} parts in one turn")
        if content.role not in (None, "", "user", "model", "function", "tool", "system"):
            raise ValueError(f"{where}.role: must be user or model")
        blocks: list[Block] = []
        for number, each in enumerate(parts):
            blocks += self._part(each, f"{where}.parts[{number}]")
        if content.role == "system":
            self.messages.append(Message("system", tuple(blocks)))
        else:
            self.messages.append(Message("assistant" if content.role == "model" else "user", tuple(blocks)))

    def _part(self, raw: Raw, where: str) -> list[Block]:
        part, _ = read_part(raw, where)
        if not absent(part.function_response):
            return [self._result(part.function_response, f"{where}.functionResponse")]
        blocks = read_blocks(part, raw, where, callers=True)
        return [self._known(block) if isinstance(block, ToolCall) else block for block in blocks]

    def _known(self, call: ToolCall) -> ToolCall:
        self._calls += 1
        id_ = call.id or made_id(FORMAT, self._calls, call.name)
        self._waiting.append((call.name, id_))
        return call if call.id else msgspec.structs.replace(call, id=id_)

    def _result(self, raw: Raw, where: str) -> ToolResult:
        response = read(_response, raw, where)
        said, is_error = _text_of(response.response, where)
        content: list[Text | Media] = [Text(said)] if said is not None else []
        for number, each in enumerate(response.parts or ()):
            at = f"{where}.parts[{number}]"
            part, _ = read_part(each, at)
            content += [block for block in read_blocks(part, each, at) if isinstance(block, Text | Media)]
        return ToolResult(self._answered(response), tuple(content), is_error=is_error, name=response.name)

    def _answered(self, response: wire.FunctionResponse) -> str:
        for waiting in self._waiting:
            if response.id == waiting[1] or (not response.id and response.name == waiting[0]):
                self._waiting.remove(waiting)
                return waiting[1]
        return response.id or made_id(FORMAT, "result", response.name)


def _text_of(response: Raw, where: str) -> tuple[str | None, bool]:
    """A result's text, and whether it is an error; `None` if it says nothing."""
    if absent(response):
        return None, False
    try:
        members = fields(response)
    except ValueError as error:
        raise ValueError(f"{where}.response: must be an object") from error
    if not members:
        return None, False
    if len(members) == 1:
        [(name, only)] = members.items()
        said = text(only) if name in _SAID else None
        if said is not None:
            return said, name == "error"
    return bytes(response).decode(), False


def write_turns(request: Request, lost: Losses) -> list[dict[str, Any]]:
    """`contents`."""
    writer = _Writer(request, lost)
    turns: list[dict[str, Any]] = []
    for message in merge_turns(map(writer.spoken, request.messages)):
        turns += writer.user(message) if message.role == "user" else writer.model(message)
    if is_third(request.model):
        _sign(turns)
    return turns


def _sign(turns: list[dict[str, Any]]) -> None:
    """Give the first call of each turn since the user last spoke the signature that stands for none."""
    said = [at for at, turn in enumerate(turns) if turn["role"] == "user" and not _of(turn, "functionResponse")]
    spoken = said[-1] if said else 0
    for turn in turns[spoken:]:
        for part in _of(turn, "functionCall")[:1]:
            part.setdefault("thoughtSignature", UNSIGNED)


def _of(turn: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [part for part in turn["parts"] if isinstance(part, dict) and kind in part]


class _Writer:
    def __init__(self, request: Request, lost: Losses) -> None:
        self._lost = lost
        self._third = is_third(request.model)
        self._names = {call.id: tool_name(call) for call in _calls(request)}

    def spoken(self, message: Message) -> Message:
        """The turn by one of the two who speak in this format."""
        self._lost.note("message.name", message.name)
        self._lost.note("system.inline", message.role == "system")
        return Message("assistant" if message.role == "assistant" else "user", message.content)

    def user(self, message: Message) -> list[dict[str, Any]]:
        results = [block for block in message.content if isinstance(block, ToolResult)]
        rest = [block for block in message.content if not isinstance(block, ToolResult)]
        self._lost.note(
            "blocks.order", results and any(each not in results for each in message.content[: len(results)])
        )
        media: list[Block] = []
        parts = [self._result(result, media) for result in results]
        # In the results' own turn there must be as many parts as there were calls.
        turns = [{"role": "user", "parts": parts}] if parts else []
        said = self._parts([*media, *rest])
        return turns + ([{"role": "user", "parts": said}] if said else [])

    def model(self, message: Message) -> list[dict[str, Any]]:
        parts = self._parts(message.content)
        return [{"role": "model", "parts": parts}] if parts else []

    def _parts(self, blocks: Iterable[Block]) -> list[Any]:
        parts: list[Any] = []
        for block in blocks:
            if isinstance(block, Thinking):
                self._thinking(block, parts)
            elif (part := self._part(block)) is not None:
                parts.append(part)
        return parts

    def _part(self, block: Block) -> Any:
        match block:
            case Text() | Refusal():
                self._lost.note("cache_control", isinstance(block, Text) and bytes(block.cache))
                self._lost.note("citations", isinstance(block, Text) and bytes(block.citations))
                self._lost.note("refusal", isinstance(block, Refusal))
                self._lost.note("message.empty", not block.text)
                return {"text": block.text} if block.text else None
            case Media():
                return write_media(block, self._lost)
            case ToolCall():
                part = write_call(block, tool_name(block), self._lost)
                return part | ({"thoughtSignature": block.signature} if block.signature else {})
            case Foreign(format=format_, raw=raw) if format_ == FORMAT:
                return raw
            case _:
                self._lost.add("foreign")
                return None

    def _thinking(self, block: Thinking, parts: list[Any]) -> None:
        if block.format not in ("", FORMAT) or not (block.signature or block.format):
            self._lost.add(
                "thinking.signature" if block.signature else "thinking.sealed" if block.sealed else "thinking"
            )
            return
        self._lost.note("thinking.sealed", block.sealed)
        self._lost.note("thinking.id", block.id)
        signed = {"thoughtSignature": block.signature} if block.signature else {}
        if block.text:
            parts.append({"text": block.text, "thought": True} | signed)
        elif parts and isinstance(parts[-1], dict) and not {"thoughtSignature", "thought"} & parts[-1].keys():
            parts[-1] |= signed  # it was the signature of that text
        elif signed:
            parts.append({"text": ""} | signed)

    def _result(self, result: ToolResult, media: list[Block]) -> dict[str, Any]:
        self._lost.note("cache_control", bytes(result.cache))
        self._lost.note("tool_call.custom", result.custom)
        texts = [block.text for block in result.content if isinstance(block, Text)]
        self._lost.note("blocks.merged", len(texts) > 1)
        said = {"error" if result.is_error else "output": "\n".join(texts)} if texts or result.is_error else {}
        name = self._names.get(result.id) or result.name or "unknown"
        self._lost.note("tool_result.name", result.name not in ("", name))
        response: dict[str, Any] = {"id": result.id, "name": name, "response": said}
        seen = [block for block in result.content if isinstance(block, Media)]
        if self._third:
            shown = [part for part in (write_media(block, self._lost) for block in seen) if part is not None]
            response |= {"parts": shown} if shown else {}
        elif seen:
            self._lost.add("tool_result.media")
            media += seen
        return {"functionResponse": response}


def _calls(request: Request) -> Iterable[ToolCall]:
    return (block for message in request.messages for block in message.content if isinstance(block, ToolCall))
