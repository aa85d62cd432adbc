"""OpenAI Responses: the items of a conversation and neutral messages, both ways.

Items are flatter than messages: a call, a result and a thought stand beside the messages.
Read, neighbours of the assistant become one turn, and so do results and what the user says
after them. Pure; `responses_request` stands above, `responses_parts` below.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import JOINT, Losses, short_id
from .carried import unpack, unpack_thinking
from .neutral import Block, Foreign, Media, Message, Refusal, Role, Text, Thinking, ToolCall, ToolResult
from .reading import decode
from .responses_parts import FORMAT, read_content, write_part

MAX_ID = 64
"""Characters of a call's id that OpenAI takes."""
REFERENCES = frozenset({"item_reference", "configuration_update", "compaction_trigger"})
"""Items that say something to the provider that keeps the conversation, and nothing to any other."""
_NOTHING = (b"", b"null", b'""')
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}


class _Kind(msgspec.Struct):
    type: str | None = None
    role: str | None = None


class _Message(msgspec.Struct):
    role: str
    content: Raw


class _Call(msgspec.Struct):
    name: str
    call_id: str
    arguments: str = ""
    input: str = ""
    namespace: str | None = None


class _Output(msgspec.Struct):
    call_id: str | None = None
    output: Raw = EMPTY
    name: str | None = None


class _Summary(msgspec.Struct):
    text: str = ""


class _Reasoning(msgspec.Struct):
    id: str | None = None
    summary: list[_Summary] | None = None
    content: list[_Summary] | None = None
    encrypted_content: str | None = None


class _Tools(msgspec.Struct):
    tools: list[Raw] = []


_kind = msgspec.json.Decoder(_Kind)
_message = msgspec.json.Decoder(_Message)
_call = msgspec.json.Decoder(_Call)
_output = msgspec.json.Decoder(_Output)
_reasoning = msgspec.json.Decoder(_Reasoning)
_tools = msgspec.json.Decoder(_Tools)


class Items:
    """Reads items one by one: `add` them all, then take `messages`, `tools` (of items) and `unread`."""

    def __init__(self) -> None:
        self._turns: list[tuple[Role, list[Block], bool]] = []
        self._signatures: dict[str, str] = {}
        self.tools: list[Raw] = []
        self.unread: dict[str, None] = {}

    def add(self, raw: Raw, where: str) -> None:
        kind = decode(_kind, raw, where)
        match kind.type or ("message" if kind.role else "item_reference"):
            case "message":
                self._message(decode(_message, raw, where), where)
            case "function_call" | "custom_tool_call" as name:
                self._assistant(_tool_call(decode(_call, raw, where), custom=name == "custom_tool_call"))
            case "function_call_output" | "custom_tool_call_output" as name:
                self._result(decode(_output, raw, where), where, custom=name == "custom_tool_call_output")
            case "reasoning":
                self._reasoning(decode(_reasoning, raw, where))
            case "additional_tools":
                self.tools += decode(_tools, raw, where).tools
            case name if name in REFERENCES:
                self.unread[name] = None
            case name if name.endswith("_output") or name == "mcp_approval_response":
                self._add("user", Foreign(FORMAT, raw), joined=True)
            case _:
                self._assistant(Foreign(FORMAT, raw))

    def messages(self) -> tuple[Message, ...]:
        return tuple([Message(role, tuple(self._signed(blocks))) for role, blocks, _ in self._turns])

    def _signed(self, blocks: list[Block]) -> list[Block]:
        if not self._signatures:
            return blocks
        signatures = self._signatures
        return [
            msgspec.structs.replace(block, signature=signatures[block.id])
            if isinstance(block, ToolCall) and block.id in signatures
            else block
            for block in blocks
        ]

    def _message(self, message: _Message, where: str) -> None:
        role = _ROLES.get(message.role)
        if role is None:
            raise ValueError(f"{where}.role: must be user, assistant, system or developer")
        content = read_content(message.content, f"{where}.content")
        if role == "assistant":
            self._assistant(*content)
        elif role == "user" and self._turns and self._turns[-1][0] == "user" and self._turns[-1][2]:
            self._turns[-1] = ("user", [*self._turns[-1][1], *content], False)
        else:
            self._turns.append((role, list(content), False))

    def _assistant(self, *blocks: Block) -> None:
        for block in blocks:
            self._add("assistant", block, joined=True)

    def _add(self, role: Role, block: Block, *, joined: bool) -> None:
        """To the last turn, if it is of the same role and still takes more."""
        if self._turns and self._turns[-1][0] == role and self._turns[-1][2]:
            self._turns[-1][1].append(block)
        else:
            self._turns.append((role, [block], joined))

    def _result(self, output: _Output, where: str, *, custom: bool) -> None:
        content = read_content(output.output, f"{where}.output") if bytes(output.output) not in _NOTHING else ()
        kept = tuple(block for block in content if isinstance(block, Text | Media))
        if len(kept) < len(content):
            self.unread["foreign"] = None
        result = ToolResult(output.call_id or "", kept, name=output.name or "", custom=custom)
        self._add("user", result, joined=True)

    def _reasoning(self, item: _Reasoning) -> None:
        text = JOINT.join([part.text for part in item.summary or item.content or ()])
        sealed = item.encrypted_content or ""
        carried = unpack(sealed)
        if carried is None:
            self._assistant(Thinking(text, sealed=sealed, id=item.id or "", format=FORMAT))
        elif carried.call:
            self._signatures[carried.call] = carried.signature
        else:
            self._assistant(unpack_thinking(text, carried))


def _tool_call(call: _Call, *, custom: bool) -> ToolCall:
    arguments = call.input if custom else call.arguments
    return ToolCall(call.call_id, call.name, arguments, namespace=call.namespace or "", custom=custom)


def write_items(message: Message, lost: Losses) -> list[Any]:
    """The items of one turn, in its order."""
    if message.name:
        lost.add("message.name")
    if message.role == "assistant":
        return _write_assistant(message, lost)
    items: list[Any] = []
    parts: list[Any] = []
    for block in message.content:
        if isinstance(block, ToolResult):
            _close(items, message.role, parts)
            parts = []
            items.append(_write_result(block, lost))
        elif isinstance(block, Foreign) and block.format == FORMAT and _is_item(block):
            _close(items, message.role, parts)
            parts = []
            items.append(block.raw)
        elif (part := write_part(block, lost)) is not None:
            parts.append(part)
    _close(items, message.role, parts)
    return items


def _close(items: list[Any], role: str, parts: list[Any]) -> None:
    if parts:
        items.append({"type": "message", "role": role, "content": parts})


def _is_item(block: Foreign) -> bool:
    """A whole item, and no part of a message's content."""
    kind = msgspec.json.decode(block.raw, type=_Kind).type or ""
    return not kind.startswith("input_") or kind == "input_transformation"


def _write_result(result: ToolResult, lost: Losses) -> dict[str, Any]:
    lost.note("tool_result.is_error", result.is_error)
    lost.note("tool_result.name", result.name)
    lost.note("cache_control", bytes(result.cache))
    lost.note("tool_call.id", len(result.id) > MAX_ID)
    kind = "custom_tool_call_output" if result.custom else "function_call_output"
    parts = [part for part in (write_part(block, lost) for block in result.content) if part is not None]
    texts = [block.text for block in result.content if isinstance(block, Text)]
    # The plain string is what every provider of this format reads.
    output: Any = "".join(texts) if len(parts) == len(texts) <= 1 else parts
    return {"type": kind, "call_id": short_id(result.id, MAX_ID), "output": output}


def _write_assistant(message: Message, lost: Losses) -> list[Any]:
    items: list[Any] = []
    parts: list[Any] = []
    for block in message.content:
        if isinstance(block, Text | Refusal):
            parts.append(_write_said(block, lost))
            continue
        _close(items, "assistant", parts)
        parts = []
        item = _write_own(block, lost)
        if item is not None:
            items.append(item)
    _close(items, "assistant", parts)
    return items


def _write_said(block: Text | Refusal, lost: Losses) -> dict[str, Any]:
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    if bytes(block.cache):
        lost.add("cache_control")
    if bytes(block.citations):
        lost.add("citations")
    return {"type": "output_text", "text": block.text, "annotations": []}


def _write_own(block: Block, lost: Losses) -> Any:
    """An item of the assistant that is no message."""
    if isinstance(block, ToolCall):
        return _write_call(block, lost)
    if isinstance(block, Thinking):
        return _write_thinking(block, lost)
    if isinstance(block, Foreign) and block.format == FORMAT:
        return block.raw
    lost.add("assistant.media" if isinstance(block, Media) else "foreign")
    return None


def _write_call(call: ToolCall, lost: Losses) -> dict[str, Any]:
    if bytes(call.cache):
        lost.add("cache_control")
    if call.signature:
        lost.add("tool_call.signature")
    head = {"call_id": short_id(call.id, MAX_ID), "name": call.name}
    if call.namespace:
        head["namespace"] = call.namespace
    if call.custom:
        return {"type": "custom_tool_call"} | head | {"input": call.arguments}
    return {"type": "function_call"} | head | {"arguments": call.arguments or "{}"}


def _write_thinking(block: Thinking, lost: Losses) -> dict[str, Any] | None:
    if block.format not in ("", FORMAT) or not (block.sealed or block.id):
        # Thoughts of another provider would be refused here.
        lost.add("thinking.sealed" if block.sealed else "thinking.signature" if block.signature else "thinking")
        return None
    if block.signature:
        lost.add("thinking.signature")
    item: dict[str, Any] = {"type": "reasoning"}
    if block.id:
        item["id"] = block.id
    item["summary"] = [{"type": "summary_text", "text": block.text}] if block.text else []
    return item | ({"encrypted_content": block.sealed} if block.sealed else {})
