"""Blocks of content in Anthropic's format, both ways: of requests, answers and results of tools.

Thoughts of other providers ride in `signature`, and signatures of calls in a thought of their own
(`llm/carried.py`): callers send both back, and the readers here unpack them. Pure.
Above: `anthropic_turns`, `anthropic_answer`, `anthropic_stream`. Below: `anthropic_media`.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from ..core.rawjson import Raw, is_object, items, value
from . import blocks as common
from .anthropic_ids import read_id, write_id
from .anthropic_media import read_document, read_image, write_media
from .anthropic_wire import FORMAT, OWN, block_lists
from .anthropic_wire import Block as WireBlock
from .blocks import Losses, tool_name
from .carried import Carried, pack, pack_thinking, unpack, unpack_thinking
from .custom_calls import arguments_of
from .neutral import Block, Foreign, Media, Text, Thinking, ToolCall, ToolResult
from .reading import decode
from .wire import said, says

Wire = dict[str, Any]
RawBlock = Callable[[int], Raw]
"""The block with this number, as it was written."""

_CITED = frozenset(
    {
        "char_location",
        "page_location",
        "content_block_location",
        "web_search_result_location",
        "search_result_location",
    }
)


def read_blocks(found: str | Sequence[WireBlock], where: str, raw: RawBlock, unread: list[str]) -> tuple[Block, ...]:
    """`ValueError` names the block that is wrong; what gets lost is added to `unread`."""
    if isinstance(found, str):
        return (Text(found),) if found else ()
    blocks: list[Block] = []
    signatures: dict[str, str] = {}
    for number, block in enumerate(found):
        carried = unpack(block.signature) if block.signature else None
        if carried is not None and carried.call:
            signatures[carried.call] = carried.signature
        else:
            blocks.append(_read_block(block, f"{where}[{number}]", number, raw, unread))
    if signatures:
        return tuple(_signed(block, signatures) for block in blocks)
    return tuple(blocks)


def _signed(block: Block, signatures: dict[str, str]) -> Block:
    if isinstance(block, ToolCall) and block.id in signatures:
        return msgspec.structs.replace(block, signature=signatures[block.id])
    return block


def _read_block(block: WireBlock, where: str, number: int, raw: RawBlock, unread: list[str]) -> Block:
    if block.type == "text":
        return Text(_text(block.text, f"{where}.text"), said(block.cache_control), said(block.citations))
    if block.type == "tool_use":
        return read_call(block, where)
    if block.type == "tool_result":
        return _read_result(block, where, unread)
    if block.type == "thinking":
        return read_thinking(block)
    if block.type == "redacted_thinking":
        return Thinking(sealed=_text(block.data, f"{where}.data"), format=FORMAT)
    if block.type == "image":
        return read_image(block, where)
    if block.type == "document":
        _note_document(block, unread)
        return read_document(block, where) or Foreign(FORMAT, raw(number))
    return Foreign(FORMAT, raw(number))


def _text(text: str | None, where: str) -> str:
    if text is None:
        raise ValueError(f"{where}: is missing")
    return text


def _note_document(block: WireBlock, unread: list[str]) -> None:
    if says(block.context):
        unread.append("document.context")
    if says(block.citations):
        unread.append("document.citations")


def read_thinking(block: WireBlock) -> Thinking:
    text, signature = block.thinking or "", block.signature or ""
    carried = unpack(signature)
    if carried is not None:
        return unpack_thinking(text, carried)
    return Thinking(text, signature, format=FORMAT if signature else "")


def read_call(block: WireBlock, where: str) -> ToolCall:
    arguments = bytes(said(block.input)).decode()
    if arguments and not is_object(block.input):
        raise ValueError(f"{where}.input: must be an object")
    id_, name = _text(block.id, f"{where}.id"), _text(block.name, f"{where}.name")
    return ToolCall(read_id(id_), name, arguments, cache=said(block.cache_control))


def _read_result(block: WireBlock, where: str, unread: list[str]) -> ToolResult:
    id_ = read_id(_text(block.tool_use_id, f"{where}.tool_use_id"))
    content: tuple[Text | Media, ...] = ()
    if says(block.content):
        found = decode(block_lists, block.content, f"{where}.content")
        blocks = read_blocks(found, f"{where}.content", raw_blocks(block.content), unread)
        content = tuple(each for each in blocks if isinstance(each, Text | Media))
        if len(content) < len(blocks):
            unread.append("tool_result.content")
    return ToolResult(id_, content, bool(block.is_error), cache=said(block.cache_control))


def raw_blocks(content: Raw) -> RawBlock:
    """Cuts blocks out of a `content`."""
    return lambda number: items(content)[number]


# Writing


def write_text(block: Text, losses: Losses) -> Wire | None:
    """`None` for a text that says nothing: the API refuses it."""
    if not block.text or block.text.isspace():
        losses.note("message.empty", block.text)
        return None
    written: Wire = {"type": "text", "text": block.text}
    if are_citations(block.citations):
        written["citations"] = block.citations
    else:
        losses.note("citations", block.citations)
    return write_cache(written, block.cache, losses)


def are_citations(citations: Raw) -> bool:
    """Whether citations are this format's own."""
    if not bytes(citations):
        return False
    try:
        return all(value(each).get("type") in _CITED for each in items(citations))
    except (ValueError, AttributeError):
        return False


def write_cache(written: Wire, cache: Raw, losses: Losses) -> Wire:
    if is_object(cache):
        written["cache_control"] = cache
    else:
        losses.note("cache_control", bytes(cache))
    return written


def write_call(call: ToolCall, losses: Losses) -> Wire:
    losses.note("tool_call.custom", call.custom)
    written = {"type": "tool_use", "id": write_id(call.id), "name": tool_name(call), "input": _input(call, losses)}
    return write_cache(written, call.cache, losses)


def _input(call: ToolCall, losses: Losses) -> Any:
    if call.custom:
        return Raw(arguments_of(call.arguments).encode())
    if not call.arguments:
        return {}
    if common.is_object(call.arguments):
        return Raw(call.arguments.encode())
    losses.add("tool_call.arguments")
    return {"arguments": call.arguments}


def write_result(result: ToolResult, losses: Losses) -> Wire:
    losses.note("tool_result.name", result.name)
    content = [each for block in result.content if (each := _write_part(block, losses)) is not None]
    written: Wire = {"type": "tool_result", "tool_use_id": write_id(result.id)}
    if content:
        written["content"] = shorten(content)
    if result.is_error:
        written["is_error"] = True
    return write_cache(written, result.cache, losses)


def _write_part(block: Text | Media, losses: Losses) -> Wire | None:
    return write_text(block, losses) if isinstance(block, Text) else write_image(block, losses)


def write_image(media: Media, losses: Losses) -> Wire | None:
    written = write_media(media, losses)
    return written if written is None else write_cache(written, media.cache, losses)


def shorten(content: list[Any]) -> str | list[Any]:
    """The content, as a string if that says it all."""
    if len(content) == 1 and isinstance(content[0], dict) and content[0].keys() == {"type", "text"}:
        text: str = content[0]["text"]
        return text
    return content


def write_own_thinking(thinking: Thinking) -> Wire | None:
    """A thought that Claude signed or sealed; `None` for every other."""
    if thinking.format not in OWN:
        return None
    if thinking.signature:
        return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature}
    if thinking.sealed and not thinking.text:
        return {"type": "redacted_thinking", "data": thinking.sealed}
    return None


def write_signature(thinking: Thinking) -> str:
    """What stands in `signature` towards a caller: Claude's own, or what is packed of another provider's."""
    if thinking.format in OWN and not thinking.sealed and not thinking.id:
        return thinking.signature
    return pack_thinking(thinking)


def call_carrier(call_id: str, signature: str) -> Wire:
    """A thought that only carries the signature of a call."""
    carried = pack(Carried(signature=signature, call=call_id))
    return {"type": "thinking", "thinking": "", "signature": carried}
