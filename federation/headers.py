"""Header forms of modern requests (2026-07-28, transports: standard and custom headers). Pure.

`Mcp-Name` and `Mcp-Param-*` repeat values of the body. A value that would not survive a
header field travels as `=?base64?...?=`. Which arguments become `Mcp-Param-*` is said by
`x-mcp-header` annotations in a tool's input schema.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

_FIELD = re.compile(r"[\t\x20-\x7e]*")
_SENTINEL = re.compile(r"=\?base64\?(.*)\?=")
_BEGIN, _END = "=?base64?", "?="
_INTEGER = re.compile(r"(-?[0-9]{1,400})(?:\.0+)?")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_SCALARS = frozenset({"string", "integer", "boolean"})

ParamHeaders = Mapping[str, tuple[str, ...]]
"""Lower-case header token → the path of `properties` keys that leads to its argument."""


def encode_value(value: str) -> bytes:
    """The value as it stands in a header field."""
    marked = value.startswith(_BEGIN) and value.endswith(_END)
    if value.isascii() and value.isprintable() and value == value.strip() and not marked:
        return value.encode("ascii")
    return b"=?base64?%b?=" % base64.b64encode(value.encode())


def decode_value(field: str) -> str | None:
    """Inverse of `encode_value`; `None` for a broken sentinel or illegal characters, so that it can match nothing."""
    field = field.strip(" \t")
    if field.isascii() and field.isprintable() and not field.startswith(_BEGIN):
        return field
    if _FIELD.fullmatch(field) is None:
        return None
    if (match := _SENTINEL.fullmatch(field)) is None:
        return field
    try:
        decoded = base64.b64decode(match[1], validate=True)
        # Non-canonical forms are refused: two spellings of one value invite a mismatch further on.
        return decoded.decode() if base64.b64encode(decoded).decode() == match[1] else None
    except (binascii.Error, UnicodeDecodeError):
        return None


def param_headers(schema: Any) -> ParamHeaders | None:
    """Which arguments of a tool travel as headers. `None`: an annotation is invalid and the tool must be hidden.

    An annotation is legal on integer, string and boolean properties that are reached
    through `properties` alone, with a token that is unique without regard to case.
    """
    found: dict[str, tuple[str, ...]] = {}
    total = _annotations(schema)
    stack: list[tuple[tuple[str, ...], Any]] = [((), schema)]
    while stack:
        path, node = stack.pop()
        properties = node.get("properties") if isinstance(node, dict) else None
        for name, sub in (properties or {}).items() if isinstance(properties, dict) else ():
            if isinstance(sub, dict):
                stack.append(((*path, name), sub))
                if "x-mcp-header" in sub and not _admit(found, (*path, name), sub):
                    return None
    return found if len(found) == total else None


def _admit(found: dict[str, tuple[str, ...]], path: tuple[str, ...], schema: dict[str, Any]) -> bool:
    token = schema["x-mcp-header"]
    kind = schema.get("type")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not isinstance(kind, str) or kind not in _SCALARS:
        return False
    if token.lower() in found:
        return False
    found[token.lower()] = path
    return True


_SCHEMA_LISTS = ("allOf", "anyOf", "oneOf", "prefixItems", "items")
_SCHEMA_MAPS = ("properties", "patternProperties", "dependentSchemas", "dependencies", "$defs", "definitions")
_SCHEMA_ONES = (
    "items",
    "contains",
    "additionalItems",
    "additionalProperties",
    "unevaluatedItems",
    "unevaluatedProperties",
    "propertyNames",
    "not",
    "if",
    "then",
    "else",
    "contentSchema",
)


def _annotations(schema: Any) -> int:
    """How many annotations stand at schema positions anywhere (never inside data such as `default`)."""
    count, stack = 0, [schema]
    while stack:
        node = stack.pop()
        if not isinstance(node, dict):
            continue
        count += "x-mcp-header" in node
        stack.extend(node.get(key) for key in _SCHEMA_ONES)
        for key in _SCHEMA_LISTS:
            stack.extend(part if isinstance(part := node.get(key), list) else ())
        for key in _SCHEMA_MAPS:
            stack.extend(part.values() if isinstance(part := node.get(key), dict) else ())
    return count


def render_params(headers: ParamHeaders, arguments: Any) -> tuple[tuple[bytes, bytes], ...]:
    """The `Mcp-Param-*` headers of a call. Absent and null arguments have none."""
    out = []
    for token, path in headers.items():
        if (text := scalar_text(_at(arguments, path))) is not None:
            out.append((b"mcp-param-" + token.encode(), encode_value(text)))
    return tuple(out)


def mismatch(headers: ParamHeaders, arguments: Any, sent: Mapping[bytes, bytes]) -> str | None:
    """Why the sent `Mcp-Param-*` headers do not agree with the arguments, or `None` if they do."""
    for token, path in headers.items():
        field = sent.get(b"mcp-param-" + token.encode())
        expected = scalar_text(_at(arguments, path))
        where = ".".join(path)
        if field is None and expected is not None:
            return f"the header Mcp-Param-{token} is missing: argument {where} has a value"
        if field is not None:
            got = decode_value(field.decode("latin-1"))
            if expected is None or not _same(got, expected, _at(arguments, path)):
                return f"the header Mcp-Param-{token} does not equal argument {where}"
    return None


def _same(got: str | None, expected: str, value: Any) -> bool:
    if got == expected:
        return True
    if got is None or isinstance(value, (bool, str)):
        return False
    number = _INTEGER.fullmatch(got)  # 1.0 and 1 are one JSON number
    return number is not None and int(number[1]) == value


def _at(arguments: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        if not isinstance(arguments, dict):
            return None
        arguments = arguments.get(key)
    return arguments


def scalar_text(value: Any) -> str | None:
    """A scalar as header text: booleans as `true`/`false`, 1.0 as `1`; `None` for null and structures."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else None
