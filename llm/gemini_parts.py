"""Gemini: the parts of a turn and neutral blocks, both ways.

Signatures stand on any part. On a thought they are its own; on a call, the call's; on other
text, which has no place for one, a thought without text follows and carries it. Towards a
caller what another provider signed or sealed is packed, in base64, for callers decode it.
Pure; `gemini_turns` and the answers stand above.
"""

import base64
import binascii
from typing import Any

import msgspec

from ..core.rawjson import Raw
from . import gemini_members as wire
from .blocks import Losses, media_type
from .carried import Carried, pack, pack_thinking, unpack, unpack_thinking
from .custom_calls import arguments_of
from .gemini_members import FORMAT, absent, read
from .neutral import Block, Foreign, Media, Text, Thinking, ToolCall

_part = msgspec.json.Decoder(wire.Part)
_blob = msgspec.json.Decoder(wire.Blob)
_call = msgspec.json.Decoder(wire.FunctionCall)
_DEFAULTS = {"image": "image/png", "audio": "audio/wav", "video": "video/mp4", "file": "application/pdf"}


def read_part(raw: Raw, where: str) -> tuple[wire.Part, Raw]:
    """The part as it stands on the wire, and its bytes."""
    return read(_part, raw, where), raw


def read_blocks(part: wire.Part, raw: Raw, where: str, *, callers: bool = False) -> list[Block]:
    """What a part says, except for results of tools. Ids that a call has none of stay empty.

    In what callers send, signatures may be ours (`packed`); what a provider sends is its own.
    """
    blocks = _read_blocks(part, raw, where)
    return [_unpacked(block) for block in blocks] if callers and part.thought_signature else blocks


def _unpacked(block: Block) -> Block:
    if not isinstance(block, Thinking | ToolCall) or (carried := unpacked(block.signature)) is None:
        return block
    if isinstance(block, ToolCall):
        return msgspec.structs.replace(block, signature=carried.signature)
    return unpack_thinking(block.text, carried)


def _read_blocks(part: wire.Part, raw: Raw, where: str) -> list[Block]:
    signature = part.thought_signature or ""
    if not absent(part.function_call):
        return [msgspec.structs.replace(read_call(part.function_call, where), signature=signature)]
    if not absent(part.inline_data):
        blob = read(_blob, part.inline_data, f"{where}.inlineData")
        data = standard(blob.data)
        kind = media_type(blob.mime_type, data)
        return _tail(Media(_kind(kind), media_type=kind, data=data, name=blob.display_name or ""), signature)
    if not absent(part.file_data):
        blob = read(_blob, part.file_data, f"{where}.fileData")
        kind, name = blob.mime_type.lower(), blob.display_name or ""
        return _tail(Media(_kind(kind), media_type=kind, url=blob.file_uri, name=name), signature)
    if part.text is None:
        return [Foreign(FORMAT, raw)]
    if part.thought:
        return [_signed(part.text, signature)]
    return _tail(Text(part.text), signature) if part.text or not signature else [_signed("", signature)]


def _tail(block: Block, signature: str) -> list[Block]:
    return [block, _signed("", signature)] if signature else [block]


def _signed(text: str, signature: str) -> Thinking:
    return Thinking(text, signature=signature, format=FORMAT)


def read_call(raw: Raw, where: str) -> ToolCall:
    call = read(_call, raw, f"{where}.functionCall")
    if not call.name:
        raise ValueError(f"{where}.functionCall.name: is missing")
    return ToolCall(call.id or "", call.name, "" if absent(call.args) else bytes(call.args).decode())


def unpacked(signature: str) -> Carried | None:
    """What rides in a signature that was given by `packed`; `None` if it is Gemini's own."""
    try:
        text = base64.b64decode(standard(signature), validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return unpack(text)


def packed(carried: str) -> str:
    return base64.b64encode(carried.encode()).decode()


def standard(data: str) -> str:
    """Base64 in the alphabet that every other API insists on: Google's clients write the one for addresses."""
    return data.replace("-", "+").replace("_", "/")


def _kind(type_: str) -> Any:
    kind = type_.partition("/")[0]
    return kind if kind in ("image", "audio", "video") else "file"


def write_media(media: Media, lost: Losses) -> dict[str, Any] | None:
    lost.note("cache_control", bytes(media.cache))
    lost.note(f"{media.kind}.detail", media.detail)
    if media.id:
        lost.add(f"{media.kind}.id")
        return None
    lost.note(f"{media.kind}.name", media.name)
    kind = media_type(media.media_type, media.data) or _DEFAULTS[media.kind]
    if media.data:
        return {"inlineData": {"mimeType": kind, "data": media.data}}
    return {"fileData": {"mimeType": kind, "fileUri": media.url}}


def write_call(call: ToolCall, name: str, lost: Losses) -> dict[str, Any]:
    """`functionCall`. Arguments that are no JSON object are wrapped in one."""
    lost.note("cache_control", bytes(call.cache))
    lost.note("tool_call.custom", call.custom)
    args = arguments(call.arguments, custom=call.custom)
    if args is None:
        lost.add("tool_call.arguments")
        args = Raw(arguments_of(call.arguments).encode())
    return {"functionCall": {"id": call.id, "name": name, "args": args}}


def arguments(text: str, *, custom: bool = False) -> Raw | None:
    """Arguments as the object that they must be; `None` if they are none."""
    if custom:
        return Raw(arguments_of(text).encode())
    body = text.strip().encode() or b"{}"
    try:
        return Raw(body) if isinstance(msgspec.json.decode(body), dict) else None
    except (ValueError, RecursionError):
        return None


def write_answer_call(call: ToolCall, lost: Losses) -> dict[str, Any]:
    """A call as a caller gets it, with its signature."""
    part = write_call(call, call.name, lost)
    if call.signature:
        part["thoughtSignature"] = packed(pack(Carried(signature=call.signature, call=call.id)))
    return part


def write_answer_thinking(block: Thinking) -> dict[str, Any]:
    """A thought as a caller gets it; it sends it back unread."""
    part: dict[str, Any] = {"text": block.text, "thought": True}
    if block.signature or block.sealed or block.id:
        part["thoughtSignature"] = packed(pack_thinking(block))
    return part
