"""Values of arguments as they stand in a URL, a header, a cookie or a form (OpenAPI 3.1.1, "style values"; RFC 6570).

Whatever the value, it stays where its parameter belongs: what is not plain is
percent-encoded, so it ends no path segment, no query parameter, no cookie. Elements of
arrays and members of objects that are structures themselves (undefined in the
specification) are written as JSON; under `deepObject` they get brackets of their own.
Pure.
"""

from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from .openapi_document import is_json

Where = Literal["path", "query", "header", "cookie"]
Pair = tuple[str, str]

_RESERVED = "/:?@!$'()*,="
"""Of RFC 3986's reserved characters, those that leave a value in its place; the others stay encoded always."""
_COOKIE = "!#$&'()*+-./:<=>?@[]^_`{|}~"
"""Cookie octets (RFC 6265 4.1.1) without the percent sign."""
_BETWEEN = {"spaceDelimited": " ", "pipeDelimited": "|"}


class Style(msgspec.Struct, frozen=True):
    """How a parameter, or a field of a form, is written. `media`: by a media type instead of a style."""

    name: str = "form"
    explode: bool = True
    reserved: bool = False
    media: str = ""


def plain(value: Any) -> str:
    """A value as text: JSON's spelling, strings without quotes, null as nothing."""
    if isinstance(value, str):
        return value
    return "" if value is None else msgspec.json.encode(value).decode()


def _whole(style: Style, value: Any) -> str:
    return msgspec.json.encode(value).decode() if is_json(style.media) else plain(value)


def _keep(text: str) -> str:
    return text


def _percent(text: str) -> str:
    return quote(text, safe="")


def _lenient(text: str) -> str:
    """For `allowReserved`: triplets that are encoded already stay as they are."""
    parts = text.split("%")
    out = [quote(parts[0], safe=_RESERVED)]
    for part in parts[1:]:
        encoded = len(part) >= 2 and all(each in "0123456789abcdefABCDEF" for each in part[:2])
        out.append(("%" if encoded else "%25") + quote(part, safe=_RESERVED))
    return "".join(out)


def _cookie(text: str) -> str:
    return quote(text, safe=_COOKIE)


def _members(value: dict[str, Any]) -> list[Pair]:
    return [(name, plain(each)) for name, each in value.items() if each is not None]


def _elements(value: list[Any]) -> list[str]:
    return [plain(each) for each in value if each is not None]


def in_path(name: str, style: Style, value: Any) -> str:
    """`simple`, `label` or `matrix`; one path segment or a part of one."""
    if style.media:
        return _percent(_whole(style, value))
    if style.name == "label":
        return "." + _joined(value, style.explode, "." if style.explode else ",", _percent)
    if style.name == "matrix":
        return _matrix(_percent(name), value, style.explode)
    return _joined(value, style.explode, ",", _percent)


def _joined(value: Any, explode: bool, between: str, encode: Callable[[str], str]) -> str:
    if isinstance(value, dict):
        sign = "=" if explode else ","
        return between.join(f"{encode(name)}{sign}{encode(each)}" for name, each in _members(value))
    if isinstance(value, list):
        return between.join(map(encode, _elements(value)))
    return encode(plain(value))


def _matrix(name: str, value: Any, explode: bool) -> str:
    if explode and isinstance(value, dict):
        return "".join(f";{_percent(key)}={_percent(each)}" for key, each in _members(value))
    if explode and isinstance(value, list):
        return "".join(f";{name}={_percent(each)}" for each in _elements(value))
    shown = _joined(value, False, ",", _percent)
    return f";{name}={shown}" if shown else f";{name}"


def in_header(style: Style, value: Any) -> str:
    """`simple`; not percent-encoded."""
    return _whole(style, value) if style.media else _joined(value, style.explode, ",", _keep)


def in_query(name: str, style: Style, value: Any) -> list[str]:
    """`name=value` parts, encoded, in order; also the fields of an urlencoded form."""
    encode = _lenient if style.reserved else _percent
    return [f"{_percent(key)}={shown}" for key, shown in _pairs(name, style, value, encode)]


def in_parts(name: str, style: Style, value: Any) -> list[Pair]:
    """As in a query, but nothing encoded: for the parts of a multipart form."""
    return _pairs(name, style, value, _keep)


def in_cookie(name: str, style: Style, value: Any) -> list[str]:
    return [f"{_percent(key)}={shown}" for key, shown in _pairs(name, style, value, _cookie)]


def _pairs(name: str, style: Style, value: Any, encode: Callable[[str], str]) -> list[Pair]:
    """Names as they are, values encoded."""
    if style.media:
        return [(name, encode(_whole(style, value)))]
    if not isinstance(value, dict | list):
        return [(name, encode(plain(value)))]
    if style.name == "deepObject":
        return [(key, encode(plain(each))) for key, each in deep(name, value)]
    if style.explode and isinstance(value, list):
        return [(name, encode(each)) for each in _elements(value)]
    if style.explode and isinstance(value, dict):
        return [(key, encode(each)) for key, each in _members(value)]
    between = encode(_BETWEEN[style.name]) if style.name in _BETWEEN else ","
    parts = [part for pair in _members(value) for part in pair] if isinstance(value, dict) else _elements(value)
    return [(name, between.join(map(encode, parts)))] if parts else []


def deep(name: str, value: Any) -> list[Pair]:
    """`name[key][0]=...` for whatever is nested, nulls left out."""
    if isinstance(value, dict):
        return [pair for key, each in value.items() for pair in deep(f"{name}[{key}]", each)]
    if isinstance(value, list):
        return [pair for index, each in enumerate(value) for pair in deep(f"{name}[{index}]", each)]
    return [] if value is None else [(name, plain(value))]
