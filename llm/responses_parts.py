"""OpenAI Responses: parts of content (text, images, files, refusals), both ways. Sound is read only.

The same parts stand in messages and in results of tools. Pure; `responses_items` stands above.
"""

from typing import Any

import msgspec

from ..core.rawjson import EMPTY, Raw
from .blocks import Losses, data_url, media_of_url, media_type
from .neutral import Block, Foreign, Media, Refusal, Text
from .reading import decode
from .reading import media_type as type_by_name

FORMAT = "responses"
EPHEMERAL = Raw(b'{"type":"ephemeral"}')
"""What a breakpoint of a prompt's cache is called everywhere else."""

_AUDIO = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_ENDINGS = {
    "text/csv": "csv",
    "application/msword": "doc",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "text/html": "html",
    "application/json": "json",
    "text/markdown": "md",
    "text/plain": "txt",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}
"""How the name of a file must end that came without one."""


class _Kind(msgspec.Struct):
    type: str = ""


class _Text(msgspec.Struct):
    text: str
    annotations: Raw = EMPTY
    prompt_cache_breakpoint: Raw = EMPTY


class _Refusal(msgspec.Struct):
    refusal: str


class _Image(msgspec.Struct):
    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: Raw = EMPTY


class _File(msgspec.Struct):
    file_data: str | None = None
    file_url: str | None = None
    file_id: str | None = None
    filename: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: Raw = EMPTY


class _Sound(msgspec.Struct):
    data: str
    format: str = ""


class _Audio(msgspec.Struct):
    input_audio: _Sound


_kind = msgspec.json.Decoder(_Kind)
_text = msgspec.json.Decoder(_Text)
_refusal = msgspec.json.Decoder(_Refusal)
_image = msgspec.json.Decoder(_Image)
_file = msgspec.json.Decoder(_File)
_audio = msgspec.json.Decoder(_Audio)
_content = msgspec.json.Decoder(str | list[Raw])


def read_content(raw: Raw, where: str) -> tuple[Block, ...]:
    """Content that is a string or a list of parts."""
    content = decode(_content, raw, where)
    if isinstance(content, str):
        return (Text(content),)
    return tuple([_read_part(part, f"{where}[{number}]") for number, part in enumerate(content)])


def _read_part(raw: Raw, where: str) -> Block:
    match decode(_kind, raw, where).type:
        case "input_text" | "output_text" | "text" | "summary_text" | "reasoning_text":
            part = decode(_text, raw, where)
            return Text(part.text, cache=_mark(part.prompt_cache_breakpoint), citations=some(part.annotations))
        case "refusal":
            return Refusal(decode(_refusal, raw, where).refusal)
        case "input_image":
            return _read_image(decode(_image, raw, where), where)
        case "input_file":
            return _read_file(decode(_file, raw, where), where)
        case "input_audio":
            sound = decode(_audio, raw, where).input_audio
            return Media("audio", media_type=_AUDIO.get(sound.format, f"audio/{sound.format}"), data=sound.data)
        case _:
            return Foreign(FORMAT, raw)


def _read_image(part: _Image, where: str) -> Media:
    detail = "" if part.detail == "auto" else part.detail or ""
    if part.image_url:
        media = media_of_url("image", part.image_url, detail=detail)
    elif part.file_id:
        media = Media("image", id=part.file_id, detail=detail)
    else:
        raise ValueError(f"{where}: an input_image needs image_url or file_id")
    return _marked(media, part.prompt_cache_breakpoint)


def _read_file(part: _File, where: str) -> Media:
    name = part.filename or ""
    detail = "" if part.detail == "auto" else part.detail or ""
    if part.file_data:
        media = media_of_url("file", part.file_data, name=name, detail=detail)
        if not media.data:
            kind = media_type(type_by_name(name), part.file_data)
            media = Media("file", media_type=kind, data=part.file_data, name=name, detail=detail)
    elif part.file_url:
        media = Media("file", url=part.file_url, name=name, detail=detail)
    elif part.file_id:
        media = Media("file", id=part.file_id, name=name, detail=detail)
    else:
        raise ValueError(f"{where}: an input_file needs file_data, file_url or file_id")
    return _marked(media, part.prompt_cache_breakpoint)


def _marked(media: Media, breakpoint_: Raw) -> Media:
    return msgspec.structs.replace(media, cache=EPHEMERAL) if bytes(_mark(breakpoint_)) else media


def _mark(breakpoint_: Raw) -> Raw:
    return EPHEMERAL if bytes(some(breakpoint_)) else EMPTY


def some(raw: Raw) -> Raw:
    """The value, or nothing where it says nothing."""
    return EMPTY if bytes(raw) in (b"null", b"[]") else raw


def write_part(block: Block, lost: Losses) -> dict[str, Any] | Raw | None:
    """One part of what the model is given; `None` if there is no such part."""
    if isinstance(block, Text):
        if bytes(block.cache):
            lost.add("cache_control")
        return {"type": "input_text", "text": block.text}
    if isinstance(block, Media):
        if bytes(block.cache):
            lost.add("cache_control")
        return _write_media(block, lost)
    if isinstance(block, Foreign) and block.format == FORMAT:
        return block.raw
    lost.add("foreign")
    return None


def _write_media(media: Media, lost: Losses) -> dict[str, Any] | None:
    match media.kind:
        case "image":
            if media.name:
                lost.add("image.name")
            where = {"file_id": media.id} if media.id else {"image_url": media.url or data_url(media)}
            return {"type": "input_image", "detail": media.detail or "auto"} | where
        case "file":
            lost.note("file.name", media.id and media.name)
            return _write_file(media)
        case kind:
            lost.add(kind)
            return None


def _write_file(media: Media) -> dict[str, Any]:
    part = {"type": "input_file"}
    if media.name and not media.id:
        part["filename"] = media.name
    if media.detail:
        part["detail"] = media.detail
    if media.id:
        return part | {"file_id": media.id}
    if media.url:
        return part | {"file_url": media.url}
    # Data without a name is refused.
    return {"filename": f"document.{_ending(media)}"} | part | {"file_data": data_url(media)}


def _ending(media: Media) -> str:
    return _ENDINGS.get(media_type(media.media_type, media.data), "pdf")
