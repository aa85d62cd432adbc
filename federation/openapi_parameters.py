"""The parameters of an operation: which arguments they become and how each is written. Pure.

An argument has a parameter's name as far as model providers take it as a property
(letters, digits, `_`, `-`, `.`; at most 64). What the manifest fixes (its headers, the query of its
base_url) is no argument, and neither is what HTTP or the gateway owns.
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from .openapi_document import Broken, Document, listed, media_type, table, text
from .openapi_keywords import short
from .openapi_schema import Converter, Schema
from .openapi_style import Style, Where

_STYLES: dict[Where, tuple[str, ...]] = {
    "path": ("simple", "label", "matrix"),
    "query": ("form", "spaceDelimited", "pipeDelimited", "deepObject"),
    "header": ("simple",),
    "cookie": ("form",),
}
"""`in` → the styles it may have, the default first."""
_PLACES: dict[str, Where] = {"path": "path", "query": "query", "header": "header", "cookie": "cookie"}
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.-]+")
_MAX_NAME = 64
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_TEMPLATED = re.compile(r"\{([^{}/]+)\}")

OWNED = frozenset(
    ("accept", "accept-encoding", "authorization", "connection", "content-encoding", "content-length", "content-type",
     "expect", "host", "keep-alive", "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding",
     "upgrade")
)  # fmt: skip
"""Headers that no argument sets: OpenAPI says so of three, HTTP of the others."""


class Fixed(msgspec.Struct, frozen=True):
    """What the manifest decides, so that no argument does. Header names in lower case."""

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()


class Parameter(msgspec.Struct, frozen=True):
    """`argument`: its name among the tool's arguments; `name`: its name in the API."""

    argument: str
    name: str
    where: Where
    style: Style
    required: bool = False


class Signature:
    """The arguments of one tool, as they are gathered: names, schemas, which are required."""

    def __init__(self) -> None:
        self.properties: dict[str, Schema] = {}
        self.required: list[str] = []

    def name(self, wanted: str, where: str) -> str:
        """A free name for an argument: as wanted, then with its place in front, then numbered."""
        plain = legal_name(wanted)
        if plain not in self.properties:
            return plain
        name, number = f"{where}_{plain}"[:_MAX_NAME], 2
        while name in self.properties:
            name, number = f"{where}_{plain[:48]}_{number}", number + 1
        return name

    def add(self, name: str, schema: Schema, *, required: bool) -> None:
        self.properties[name] = schema
        if required:
            self.required.append(name)


def legal_name(name: str) -> str:
    """A name that providers accept for a property."""
    return _ILLEGAL.sub("_", name).strip("_")[:_MAX_NAME] or "value"


def is_legal(name: str) -> bool:
    return bool(name) and len(name) <= _MAX_NAME and not _ILLEGAL.search(name)


def templated(path: str) -> list[str]:
    """The parameters that a path template names."""
    return _TEMPLATED.findall(path)


class Scope(msgspec.Struct, frozen=True):
    """Where an operation stands: its document, its path template, path item and own object."""

    document: Document
    path: str
    item: dict[str, Any]
    operation: dict[str, Any]


def parameters(scope: Scope, converter: Converter, fixed: Fixed, signature: Signature) -> tuple[Parameter, ...]:
    """The operation's parameters, its path item's included; their schemas go to `signature`. Raises `Broken`."""
    found: list[Parameter] = []
    for where, name, declared in _declared(scope):
        if not _is_open(where, name, fixed):
            continue
        argument = signature.name(name, where)
        style, schema = _style(scope.document, where, declared)
        required = where == "path" or declared.get("required") is True
        found.append(Parameter(argument, name, where, style, required))
        signature.add(argument, _described(converter.convert(schema), declared), required=required)
    return tuple(found)


def _declared(scope: Scope) -> Iterator[tuple[Where, str, dict[str, Any]]]:
    """(in, name, object), the operation's in place of its path item's; what only the template names comes last."""
    found: dict[tuple[Where, str], dict[str, Any]] = {}
    for each in (*listed(scope.item.get("parameters")), *listed(scope.operation.get("parameters"))):
        declared = scope.document.follow(each)
        where, name = _PLACES.get(text(declared.get("in"))), text(declared.get("name"))
        if where is None or not name or (where == "header" and not _TOKEN.fullmatch(name)):
            raise Broken(f"it has a parameter {name[:60]!r} in {text(declared.get('in'))[:20]!r}, which cannot be sent")
        found[where, name.lower() if where == "header" else name] = declared
    names = templated(scope.path)
    for name in names:
        found.setdefault(("path", name), {"name": name, "schema": {"type": "string"}})
    for (where, _), declared in found.items():
        if where != "path" or declared["name"] in names:
            yield where, declared["name"], declared


def _is_open(where: Where, name: str, fixed: Fixed) -> bool:
    """Whether an argument may say it."""
    if where == "header":
        return name.lower() not in OWNED and name.lower() not in fixed.headers
    if where == "cookie":
        return "cookie" not in fixed.headers
    return where != "query" or name not in fixed.query


def _style(document: Document, where: Where, declared: dict[str, Any]) -> tuple[Style, Any]:
    """How it is written, and its schema."""
    content = table(declared.get("content"))
    if content:
        media, described = next(iter(content.items()))
        return Style(media=media_type(media)), document.follow(described).get("schema")
    known = _STYLES[where]
    name = text(declared.get("style"))
    return style_of(declared, name if name in known else known[0]), declared.get("schema")


def style_of(declared: dict[str, Any], name: str) -> Style:
    """A style and its modifiers; `form` is exploded unless it is said otherwise."""
    explode = declared.get("explode")
    return Style(name, explode if isinstance(explode, bool) else name == "form", declared.get("allowReserved") is True)


def _described(schema: Schema, declared: dict[str, Any]) -> Schema:
    """With what the parameter says beside its schema."""
    said: Schema = {}
    if text(declared.get("description")):
        said["description"] = short(declared["description"])
    if declared.get("deprecated") is True:
        said["deprecated"] = True
    if "example" in declared and "examples" not in schema:
        said["examples"] = [declared["example"]]
    return type(schema)({**schema, **said})
