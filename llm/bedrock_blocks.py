"""Bedrock Converse: blocks of content, written for the provider. Pure; `bedrock_request` stands above.

Bedrock refuses empty texts, ids and names with other characters, and media that lie elsewhere
than with AWS. A cache point is a block of its own, behind what it ends.
"""

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import Losses, made_id, media_type, tool_name
from .custom_calls import arguments_of
from .neutral import Block, Foreign, Media, Refusal, Text, Thinking, Tool, ToolCall, ToolResult
from .reading import media_type as type_by_name

FORMAT = "bedrock"
OWN = frozenset({"", FORMAT, "anthropic"})
"""Whose thoughts are taken: Claude signs alike wherever it runs."""
_ID = re.compile(r"[a-zA-Z0-9_.:-]{1,64}")
_NAME = re.compile(r"[^a-zA-Z0-9\s\-()\[\]]")
_ODD_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_SPACES = re.compile(r"\s+")
_IMAGES = {"image/png": "png", "image/jpeg": "jpeg", "image/gif": "gif", "image/webp": "webp"}
_VIDEOS = {
    "video/x-matroska": "mkv",
    "video/quicktime": "mov",
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-flv": "flv",
    "video/mpeg": "mpeg",
    "video/x-ms-wmv": "wmv",
    "video/3gpp": "three_gp",
}
_AUDIO = {
    "audio/mpeg": "mp3",
    "audio/wav": "wav",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/aac": "aac",
    "audio/mp4": "mp4",
    "audio/opus": "opus",
    "audio/webm": "webm",
}
_FILES = {
    "application/pdf": "pdf",
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/html": "html",
    "text/plain": "txt",
    "text/markdown": "md",
}
_FORMATS: dict[str, dict[str, str]] = {"image": _IMAGES, "video": _VIDEOS, "audio": _AUDIO, "file": _FILES}


class _Mark(msgspec.Struct):
    ttl: str | None = None


_mark = msgspec.json.Decoder(_Mark)


class Blocks:
    """Writes the blocks of one request. `caches`: whether the model knows cache points."""

    def __init__(self, lost: Losses, *, caches: bool) -> None:
        self._lost = lost
        self._caches = caches
        self._documents = 0

    def write(self, blocks: Iterable[Block]) -> list[Any]:
        return self._each(blocks, self._block)

    def system(self, blocks: Iterable[Block]) -> list[Any]:
        return self._each(blocks, self._system)

    def cache_point(self, mark: Raw) -> list[Any]:
        """The block for a mark, if there is one."""
        if not bytes(mark):
            return []
        if not self._caches:
            self._lost.add("cache_control")
            return []
        try:
            ttl = _mark.decode(mark).ttl
        except (ValueError, RecursionError):
            ttl = None
        return [{"cachePoint": {"type": "default"} | ({"ttl": ttl} if ttl in ("5m", "1h") else {})}]

    def _each(self, blocks: Iterable[Block], write: Callable[[Any], Any]) -> list[Any]:
        written: list[Any] = []
        for block in blocks:
            one = write(block)
            if one is not None:
                written.append(one)
                written += self.cache_point(_mark_of(block))
        return written

    def _system(self, block: Block) -> dict[str, Any] | None:
        if isinstance(block, Text):
            return self._text(block)
        self._lost.add("system.media")
        return None

    def _block(self, block: Block) -> Any:
        match block:
            case Text() | Refusal():
                return self._text(block)
            case Media():
                return self._media(block)
            case Thinking():
                return self._thinking(block)
            case ToolCall():
                return {"toolUse": self._call(block)}
            case ToolResult():
                return {"toolResult": self._result(block)}
            case Foreign(format=format_, raw=raw) if format_ == FORMAT:
                return raw
            case _:
                self._lost.add("foreign")
                return None

    def _text(self, block: Text | Refusal) -> dict[str, Any] | None:
        self._lost.note("refusal", isinstance(block, Refusal))
        self._lost.note("citations", isinstance(block, Text) and bytes(block.citations))
        if not block.text.strip():
            self._lost.add("message.empty")
            return None
        return {"text": block.text}

    def _thinking(self, block: Thinking) -> dict[str, Any] | None:
        self._lost.note("thinking.id", block.id)
        if block.format not in OWN or not (block.signature or block.sealed):
            kind = "thinking.signature" if block.signature else "thinking.sealed" if block.sealed else "thinking"
            self._lost.add(kind)
            return None
        if block.sealed:
            self._lost.note("thinking", block.text)
            return {"reasoningContent": {"redactedContent": block.sealed}}
        return {"reasoningContent": {"reasoningText": {"text": block.text, "signature": block.signature}}}

    def _call(self, call: ToolCall) -> dict[str, Any]:
        self._lost.note("tool_call.custom", call.custom)
        self._lost.note("tool_call.signature", call.signature)
        return {"toolUseId": self._id(call.id), "name": own_name(call), "input": self._input(call)}

    def _input(self, call: ToolCall) -> Raw:
        body = call.arguments.strip().encode() or b"{}"
        try:
            if not call.custom and isinstance(msgspec.json.decode(body), dict):
                return Raw(body)
        except (ValueError, RecursionError):
            pass
        self._lost.note("tool_call.arguments", not call.custom)
        return Raw(arguments_of(call.arguments).encode())

    def _result(self, result: ToolResult) -> dict[str, Any]:
        self._lost.note("tool_result.name", result.name)
        self._lost.note("tool_call.custom", result.custom)
        # Cache points stand behind results, never in them; sound has no place there either.
        sound = [block for block in result.content if isinstance(block, Media) and block.kind == "audio"]
        self._lost.note("audio", sound)
        written = [self._block(block) for block in result.content if block not in sound]
        content = [each for each in written if each is not None] or [{"text": "(no output)"}]
        told = {"toolUseId": self._id(result.id), "content": content}
        return told | ({"status": "error"} if result.is_error else {})

    def _id(self, id_: str) -> str:
        if _ID.fullmatch(id_):
            return id_
        self._lost.add("tool_call.id")
        return made_id(id_)

    def _media(self, media: Media) -> dict[str, Any] | None:
        kind = media.kind
        source = self._source(media)
        if source is None:
            return None
        told = media_type(media.media_type, media.data) or type_by_name(media.name)
        format_ = _FORMATS[kind].get(told)
        if format_ is None:
            self._lost.add(kind)
            return None
        self._lost.note(f"{kind}.detail", media.detail)
        if kind == "file":
            return {"document": {"format": format_, "name": self._document_name(media), "source": source}}
        self._lost.note(f"{kind}.name", media.name)
        return {kind: {"format": format_, "source": source}}

    def _source(self, media: Media) -> dict[str, Any] | None:
        if media.data:
            return {"bytes": media.data}
        if media.url.startswith("s3://"):
            return {"s3Location": {"uri": media.url}}
        self._lost.add(f"{media.kind}.id" if media.id else f"{media.kind}.url")
        return None

    def _document_name(self, media: Media) -> str:
        """A document's name, of the characters that it may have, unlike all others of the request."""
        self._documents += 1
        plain = _SPACES.sub(" ", _NAME.sub(" ", media.name)).strip()[:150]
        self._lost.note("file.name", plain != media.name)
        return plain if plain and self._documents == 1 else f"{plain or 'document'} {self._documents}"


def own_name(tool: Tool | ToolCall) -> str:
    """The tool's name, of the characters that it may have; one that had to change ends in its digest."""
    name = tool_name(tool)
    plain = _ODD_NAME.sub("_", name)
    return plain if plain == name != "" else f"{plain[:55]}_{made_id(name)[-8:]}"


def _mark_of(block: Block) -> Raw:
    """The mark of a block, or of the last that it holds."""
    mark: Raw = getattr(block, "cache", EMPTY)
    if isinstance(block, ToolResult) and not bytes(mark):
        return next((each.cache for each in reversed(block.content) if bytes(each.cache)), EMPTY)
    return mark
