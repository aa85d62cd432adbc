"""Request bodies of an operation: which arguments they become. How they are written: `openapi_encode.py`. Pure.

The members of a plain object are arguments of their own. A body that is no plain object,
whose names providers would not take or that collide with a parameter's, and an optional
body with required members, is one argument: `body`.
"""

from typing import Any, Literal

import msgspec

from .openapi_defs import follow
from .openapi_document import Broken, Document, is_json, is_text, listed, media_type, table, text
from .openapi_parameters import Scope, Signature, is_legal, style_of
from .openapi_schema import Converter, Schema, is_binary
from .openapi_style import Style

Kind = Literal["json", "multipart", "form", "text", "binary"]
_ORDER: tuple[Kind, ...] = ("json", "multipart", "form", "text", "binary")
"""Which of several media types is used: the one that says most first."""
_PLAIN = frozenset(("type", "properties", "required", "title", "description", "examples", "additionalProperties"))
_OCTETS = "application/octet-stream"


class Part(msgspec.Struct, frozen=True):
    """How one field of a form is written. `style`: as a query parameter; else `media`, `binary` from base64."""

    style: Style | None = None
    media: str = ""
    binary: bool = False


class Body(msgspec.Struct, frozen=True):
    """`media` is the content type sent. `argument` holds all of it; where it is empty, `members` do, by their names."""

    kind: Kind
    media: str
    argument: str = ""
    members: frozenset[str] = frozenset()
    parts: dict[str, Part] = {}
    required: bool = False


def body(scope: Scope, converter: Converter, signature: Signature) -> Body | None:
    """The operation's body, its schemas added to `signature`. Raises `Broken`."""
    declared = scope.document.follow(scope.operation.get("requestBody"))
    content = table(declared.get("content"))
    if not content:
        return None
    media, described = min(content.items(), key=lambda each: _ORDER.index(kind_of(media_type(each[0]))))
    described = scope.document.follow(described)
    kind = kind_of(media_type(media))
    required = declared.get("required") is True
    found = Body(kind, _concrete(media, kind), required=required)
    if kind in ("text", "binary"):
        schema = _opaque(media_type(media), kind, text(declared.get("description")))
        return _whole(found, schema, signature)
    schema = converter.convert(described.get("schema"))
    if kind != "json":
        found = msgspec.structs.replace(found, parts=_parts(scope.document, described, kind))
    plain = follow(schema, converter)
    if not _spreads(plain, signature, required=required):
        return _whole(found, schema, signature)
    for name, each in table(plain.get("properties")).items():
        signature.add(name, each, required=name in plain.get("required", ()))
    return msgspec.structs.replace(found, members=frozenset(table(plain.get("properties"))))


def kind_of(media: str) -> Kind:
    if is_json(media):
        return "json"
    if media.startswith("multipart/"):
        return "multipart"
    if media == "application/x-www-form-urlencoded":
        return "form"
    return "text" if is_text(media) else "binary"


def _concrete(media: str, kind: Kind) -> str:
    """The media type as it is sent: wildcards stand for something."""
    if kind == "multipart":
        return media_type(media)
    if "*" in media:
        return {"json": "application/json", "text": "text/plain"}.get(kind, _OCTETS)
    if not media.isascii() or not media.isprintable():
        raise Broken("its body has a media type that cannot be sent")
    return media


def _opaque(media: str, kind: Kind, description: str) -> Schema:
    if kind == "text":
        return {"type": "string", "description": description or f"The body, as {media}."}
    return {
        "type": "string",
        "contentEncoding": "base64",
        "description": description or f"The body ({media}), in base64.",
    }


def _whole(found: Body, schema: Schema, signature: Signature) -> Body:
    argument = signature.name("body", "request")
    signature.add(argument, schema, required=found.required)
    return msgspec.structs.replace(found, argument=argument)


def _spreads(schema: Schema, signature: Signature, *, required: bool) -> bool:
    """Whether its members can be arguments of their own without a change of meaning."""
    if schema.get("type", "object") != "object" or "properties" not in schema or not schema.keys() <= _PLAIN:
        return False
    if schema.get("additionalProperties", False) is not False or ("required" in schema and not required):
        return False
    names = schema["properties"]
    if not set(schema.get("required", ())) <= names.keys():
        return False
    return all(is_legal(name) and name not in signature.properties for name in names)


def _parts(document: Document, described: dict[str, Any], kind: Kind) -> dict[str, Part]:
    """How each field is written, by its schema and the Encoding Object (OpenAPI 3.1.1, "Encoding Object")."""
    encodings = table(described.get("encoding"))
    fields = table(document.follow(described.get("schema")).get("properties"))
    parts: dict[str, Part] = {}
    for name in (*fields, *(each for each in encodings if each not in fields)):
        encoding = table(encodings.get(name))
        schema = document.follow(fields.get(name))
        parts[name] = _part(document, schema, encoding, kind)
    return parts


def _part(document: Document, schema: dict[str, Any], encoding: dict[str, Any], kind: Kind) -> Part:
    if encoding.keys() & {"style", "explode", "allowReserved"}:
        return Part(style=style_of(encoding, text(encoding.get("style")) or "form"))
    one = document.follow(schema["items"]) if isinstance(schema.get("items"), dict) else schema
    binary = kind == "multipart" and (is_binary(schema) or is_binary(one))
    wanted = [each.strip() for each in text(encoding.get("contentType")).split(",") if each.strip()]
    wanted += [each for each in listed([one.get("contentMediaType")]) if isinstance(each, str)]
    fallback = _OCTETS if binary else ""
    concrete = (each for each in wanted if "*" not in each and each.isascii() and each.isprintable())
    return Part(media=next(concrete, fallback), binary=binary)
