"""Images and documents in Anthropic's format, both ways. Pure. Above: `anthropic_blocks`."""

from typing import Any

from .anthropic_wire import Block, Source, block_lists, sources
from .blocks import JOINT, Losses, data_of_text, media_type, text_of_data
from .neutral import Media
from .reading import decode
from .wire import said, says


def read_image(block: Block, where: str) -> Media:
    """`ValueError` names what is wrong with the source."""
    source, cache = _source(block, where), said(block.cache_control)
    if source.type == "base64":
        return Media("image", source.media_type, source.data, cache=cache)
    if source.type == "url":
        return Media("image", url=source.url, cache=cache)
    if source.type == "file":
        return Media("image", id=source.file_id, cache=cache)
    raise ValueError(f"{where}.source.type: must be base64, url or file")


def read_document(block: Block, where: str) -> Media | None:
    """`None` if the document is made of blocks that are not all text."""
    source, cache, name = _source(block, where), said(block.cache_control), block.title or ""
    if source.type == "base64":
        return Media("file", source.media_type, source.data, name=name, cache=cache)
    if source.type == "text":
        return Media("file", "text/plain", data_of_text(source.data), name=name, cache=cache)
    if source.type == "url":
        return Media("file", url=source.url, name=name, cache=cache)
    if source.type == "file":
        return Media("file", id=source.file_id, name=name, cache=cache)
    if source.type != "content":
        raise ValueError(f"{where}.source.type: must be base64, text, url, file or content")
    content = decode(block_lists, source.content or b'""', f"{where}.source.content")
    if isinstance(content, str):
        return Media("file", "text/plain", data_of_text(content), name=name, cache=cache)
    if any(each.text is None for each in content):
        return None
    text = JOINT.join(each.text or "" for each in content)
    return Media("file", "text/plain", data_of_text(text), name=name, cache=cache)


def _source(block: Block, where: str) -> Source:
    if not says(block.source):
        raise ValueError(f"{where}.source: is missing")
    return decode(sources, block.source, f"{where}.source")


def write_media(media: Media, losses: Losses) -> dict[str, Any] | None:
    """A block for an image or a document; `None` if there is none for it."""
    if media.kind == "image":
        losses.note("image.name", media.name)
        losses.note("image.detail", media.detail)
        return {"type": "image", "source": _write_source(media)}
    if media.kind == "file":
        losses.note("file.detail", media.detail)
        written: dict[str, Any] = {"type": "document", "source": _write_document(media, losses)}
        if media.name:
            written["title"] = media.name
        return written
    losses.add(media.kind)
    return None


def _write_source(media: Media) -> dict[str, str]:
    if media.url:
        return {"type": "url", "url": media.url}
    if media.id:
        return {"type": "file", "file_id": media.id}
    form = media_type(media.media_type, media.data) or "image/png"
    return {"type": "base64", "media_type": form, "data": media.data}


def _write_document(media: Media, losses: Losses) -> dict[str, str]:
    if media.url or media.id:
        return _write_source(media)
    form = media_type(media.media_type, media.data) or "application/pdf"
    if form.startswith("text/") and (text := text_of_data(media.data)) is not None:
        losses.note("file.media_type", form != "text/plain")
        return {"type": "text", "media_type": "text/plain", "data": text}
    return {"type": "base64", "media_type": form, "data": media.data}
