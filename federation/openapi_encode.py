"""Arguments as the bytes of a request body: JSON, urlencoded and multipart forms, text, binary. Pure.

JSON is spliced from the arguments' own bytes. What cannot be sent raises `BadArgument`,
whose text the caller (a model, as a rule) can act on.
"""

import binascii
import secrets
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import msgspec

from ..core.rawjson import Fields, encode, fields, is_object, value
from .openapi_body import Body, Part
from .openapi_document import is_json
from .openapi_style import in_parts, in_query, plain

_SAFE = "*-._"
_PLAIN = Part()


class BadArgument(ValueError):
    """What the caller sent cannot become a request; the text says what to change."""


def encoded(body: Body, arguments: Fields) -> tuple[str, bytes] | None:
    """Content type and bytes, or nothing where no body is given. Raises `BadArgument`."""
    given = _given(body, arguments)
    if given is None:
        return None
    if body.kind == "json":
        return body.media, bytes(given) if isinstance(given, msgspec.Raw) else encode(given)
    if body.kind in ("text", "binary"):
        content = value(given) if isinstance(given, msgspec.Raw) else ""
        if not isinstance(content, str):
            raise BadArgument(f"{body.argument} must be a string")
        return body.media, decoded(body.argument, content) if body.kind == "binary" else content.encode()
    members = _members(body, given)
    return _multipart(body, members) if body.kind == "multipart" else (body.media, _form(body, members))


def _given(body: Body, arguments: Fields) -> msgspec.Raw | Fields | None:
    if body.argument:
        return arguments.get(body.argument)
    given = {name: each for name, each in arguments.items() if name in body.members}
    return given if given or body.required else None


def _members(body: Body, given: msgspec.Raw | Fields) -> dict[str, Any]:
    if isinstance(given, msgspec.Raw):
        if not is_object(given):
            raise BadArgument(f"{body.argument} must be an object")
        given = fields(given)
    found = {name: value(each) for name, each in given.items()}
    return {name: each for name, each in found.items() if each is not None}


def decoded(name: str, content: Any) -> bytes:
    """The bytes that base64 text stands for."""
    try:
        return binascii.a2b_base64("".join(content.split()), strict_mode=True)
    except (AttributeError, ValueError) as error:
        raise BadArgument(f"{name} must be a string in base64") from error


def _form(body: Body, members: dict[str, Any]) -> bytes:
    written: list[str] = []
    for name, each in members.items():
        part = body.parts.get(name, _PLAIN)
        if part.style is not None:
            written += in_query(name, part.style, each)
        else:
            written += [f"{quote(name, safe=_SAFE)}={quote(text, safe=_SAFE)}" for _, text in _values(part, each)]
    return "&".join(written).encode()


def _values(part: Part, content: Any) -> Iterator[tuple[str, str]]:
    """Media type (where it is not plain text) and text of a field's values: one for each element of an array."""
    for each in content if isinstance(content, list) and not is_json(part.media) else [content]:
        if is_json(part.media) or isinstance(each, dict | list):
            yield part.media or "application/json", encode(each).decode()
        elif each is not None:
            yield part.media, plain(each)


def _multipart(body: Body, members: dict[str, Any]) -> tuple[str, bytes]:
    # Not to be guessed, so no argument can end its part.
    boundary = secrets.token_hex(16)
    lines: list[bytes] = []
    for name, each in members.items():
        for head, content in _fields(name, body.parts.get(name, _PLAIN), each):
            lines += [f"--{boundary}\r\n{head}\r\n\r\n".encode(), content, b"\r\n"]
    lines.append(f"--{boundary}--\r\n".encode())
    return f"{body.media}; boundary={boundary}", b"".join(lines)


def _fields(name: str, part: Part, content: Any) -> Iterator[tuple[str, bytes]]:
    """Head and content of each part of one field."""
    if part.style is not None:
        for key, text in in_parts(name, part.style, content):
            yield _head(key), text.encode()
    elif part.binary:
        for each in content if isinstance(content, list) else [content]:
            yield f'{_head(name)}; filename="{_quotable(name)}"\r\ncontent-type: {part.media}', decoded(name, each)
    else:
        for media, text in _values(part, content):
            yield f"{_head(name)}\r\ncontent-type: {media}" if media else _head(name), text.encode()


def _head(name: str) -> str:
    return f'content-disposition: form-data; name="{_quotable(name)}"'


def _quotable(name: str) -> str:
    """As browsers write it (HTML, multipart form data)."""
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
