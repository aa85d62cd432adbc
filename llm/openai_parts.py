"""Content of OpenAI's chat messages: texts, refusals, images, files and sound, both ways.

Pure. Above: `openai_messages` and `openai_answer`. Below: `blocks`.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ..core.rawjson import EMPTY, Raw
from .blocks import JOINT, Losses, data_url, media_of_url, media_type
from .neutral import Block, Foreign, Media, Refusal, Text, Thinking
from .openai_dialect import Dialect
from .openai_thoughts import part_text
from .openai_wire import FORMAT, Address, Part
from .reading import data_url as split_data_url
from .reading import media_type as type_by_name
from .wire import says

_EPHEMERAL = Raw(b'{"type":"ephemeral"}')
_AUDIO = {"mp3": "audio/mpeg", "wav": "audio/wav"}
_AUDIO_FORMATS = {"audio/mpeg": "mp3", "audio/wav": "wav", "audio/wave": "wav", "audio/vnd.wave": "wav"}

RawPart = Callable[[int], Raw]
"""The part with this number, as it was written."""


def read_content(content: str | list[Part] | None, where: str, raw: RawPart | None) -> tuple[Block, ...]:
    """The blocks of a message's `content`; parts of unknown types are left out without `raw`.

    `ValueError` names the part that is wrong.
    """
    if not content:
        return ()
    if isinstance(content, str):
        return (Text(content),)
    blocks: list[Block] = []
    for number, part in enumerate(content):
        if (read := _READERS.get(part.type)) is not None:
            blocks.append(read(part, f"{where}[{number}]"))
        elif raw is not None:
            blocks.append(Foreign(FORMAT, raw(number)))
    return tuple(blocks)


def _text(part: Part, where: str) -> Block:
    if part.text is None:
        raise ValueError(f"{where}.text: the text is missing")
    return Text(part.text, _cache(part))


def _cache(part: Part) -> Raw:
    if says(part.cache_control):
        return part.cache_control
    return _EPHEMERAL if says(part.prompt_cache_breakpoint) else EMPTY


def _address(found: Address | str | None, where: str) -> Address:
    if found is None:
        raise ValueError(f"{where}: an object with the member url is missing")
    return Address(found) if isinstance(found, str) else found


def _image(part: Part, where: str) -> Block:
    found = _address(part.image_url, f"{where}.image_url")
    return _marked(media_of_url("image", found.url, detail=found.detail or ""), _cache(part))


def _video(part: Part, where: str) -> Block:
    return _marked(media_of_url("video", _address(part.video_url, f"{where}.video_url").url), _cache(part))


def _marked(media: Media, cache: Raw) -> Media:
    if cache == EMPTY:
        return media
    return Media(media.kind, media.media_type, media.data, media.url, media.id, media.name, media.detail, cache)


def _audio(part: Part, where: str) -> Block:
    if part.input_audio is None:
        raise ValueError(f"{where}.input_audio: the sound is missing")
    form = part.input_audio.format or "wav"
    return Media("audio", _AUDIO.get(form, f"audio/{form}"), part.input_audio.data, cache=_cache(part))


def _file(part: Part, where: str) -> Block:
    file = part.file
    if file is None or not (file.file_data or file.file_id):
        raise ValueError(f"{where}.file: either file_data or file_id must be given")
    name, cache = file.filename or "", _cache(part)
    if not file.file_data:
        return Media("file", id=file.file_id or "", name=name, cache=cache)
    if file.file_data.startswith(("http://", "https://")):
        return Media("file", url=file.file_data, name=name, cache=cache)
    form, data = split_data_url(file.file_data)
    data = data or file.file_data
    return Media("file", media_type(form or type_by_name(name), data), data, name=name, cache=cache)


def _refusal(part: Part, where: str) -> Block:
    if part.refusal is None:
        raise ValueError(f"{where}.refusal: the text is missing")
    return Refusal(part.refusal)


def _thinking(part: Part, where: str) -> Block:
    if part.thinking is None:
        raise ValueError(f"{where}.thinking: the thoughts are missing")
    return Thinking(part_text(part))


_READERS: dict[str, Callable[[Part, str], Block]] = {
    "text": _text,
    "image_url": _image,
    "video_url": _video,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
    "thinking": _thinking,
}


def write_content(blocks: Iterable[Block], dialect: Dialect, losses: Losses) -> str | list[Any]:
    """The blocks as a message's `content`: a string if that says it all."""
    parts = [part for block in blocks if (part := _write_part(block, dialect, losses)) is not None]
    if not parts:
        return ""
    plain = [part["text"] for part in parts if isinstance(part, dict) and len(part) == 2 and part["type"] == "text"]
    if len(plain) == len(parts) and (len(plain) == 1 or not dialect.parts):
        losses.note("blocks.merged", len(plain) > 1)
        return JOINT.join(plain)
    return parts


def _write_part(block: Block, dialect: Dialect, losses: Losses) -> dict[str, Any] | Raw | None:
    if isinstance(block, Text):
        losses.note("citations", block.citations)
        part: dict[str, Any] | None = {"type": "text", "text": block.text}
    elif isinstance(block, Refusal):
        return {"type": "refusal", "refusal": block.text}
    elif isinstance(block, Media):
        part = write_media(block, losses)
    elif isinstance(block, Foreign) and block.format == FORMAT:
        return block.raw
    else:
        losses.add("foreign")
        return None
    if part is not None:
        write_cache(part, block.cache, dialect, losses)
    return part


def write_cache(target: dict[str, Any], cache: Raw, dialect: Dialect, losses: Losses) -> None:
    if not bytes(cache):
        return
    if dialect.cache_control:
        target["cache_control"] = cache
    else:
        losses.add("cache_control")


def write_media(media: Media, losses: Losses) -> dict[str, Any] | None:
    """A part for an image, a file or sound; `None` if there is none for it."""
    if media.kind == "image":
        return _write_image(media, losses)
    if media.kind == "file":
        return _write_file(media, losses)
    form = _AUDIO_FORMATS.get(media_type(media.media_type, media.data), "")
    if media.kind == "audio" and media.data and form:
        losses.note("audio.name", media.name)
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}}
    losses.add(f"{media.kind}.{'url' if media.url else 'id' if media.id else ''}".rstrip("."))
    return None


def _write_image(media: Media, losses: Losses) -> dict[str, Any] | None:
    if media.id:
        losses.add("image.id")
        return None
    losses.note("image.name", media.name)
    address = {"url": media.url or data_url(media)}
    if media.detail:
        address["detail"] = media.detail
    return {"type": "image_url", "image_url": address}


def _write_file(media: Media, losses: Losses) -> dict[str, Any] | None:
    if media.url:
        losses.add("file.url")
        return None
    losses.note("file.detail", media.detail)
    file = {"file_id": media.id} if media.id else {"file_data": data_url(media)}
    if media.name:
        file["filename"] = media.name
    elif not media.id:
        # The official API refuses sent files that have no name.
        file["filename"] = f"file.{media.media_type.rpartition('/')[2] or 'bin'}"
    return {"type": "file", "file": file}
