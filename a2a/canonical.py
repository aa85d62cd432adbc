"""Canonical JSON (RFC 8785): the one spelling of a value that a signature can be made over.

Pure. Numbers are written as ECMAScript writes doubles, members stand in the order of their
UTF-16 code units. Above: `signing`. Below: nothing.
"""

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite
from typing import Any

MAX_DEPTH = 128
"""Objects and arrays inside one another; as deep as the SDK's verifiers look."""


def canonical(value: Any) -> bytes:
    """The canonical form of what a JSON decoder returns. `ValueError` if it has none."""
    return "".join(_written(value, 0)).encode()  # half a surrogate pair has no UTF-8: a `ValueError` too


def without_empty(value: Any, depth: int = 0) -> Any:
    """Without empty strings, arrays and objects, and nulls, from the inside out; `None` if nothing is left.

    So SDKs canonicalise cards, because Protocol Buffers do not tell an empty member from an
    absent one. (The specification keeps required ones, which they cannot know.)
    """
    _check_depth(value, depth)
    if isinstance(value, dict):
        members = {key: without_empty(member, depth + 1) for key, member in value.items()}
        return {key: member for key, member in members.items() if member is not None} or None
    if isinstance(value, list):
        elements = [without_empty(element, depth + 1) for element in value]
        return [element for element in elements if element is not None] or None
    return None if value == "" else value


def _check_depth(value: Any, depth: int) -> None:
    if depth >= MAX_DEPTH and isinstance(value, dict | list):
        raise ValueError(f"nested deeper than {MAX_DEPTH}")


def _written(value: Any, depth: int) -> Iterator[str]:
    _check_depth(value, depth)
    match value:
        case dict():
            yield from _object(value, depth)
        case list():
            yield "["
            for place, element in enumerate(value):
                yield "," if place else ""
                yield from _written(element, depth + 1)
            yield "]"
        case bool() | None | str():
            yield _plain(value)
        case int() | float():
            yield number(value)
        case _:
            raise ValueError(f"{type(value).__name__} is no JSON value")


def _object(members: Mapping[str, Any], depth: int) -> Iterator[str]:
    yield "{"
    for place, key in enumerate(sorted(members, key=_utf_16)):
        yield "," if place else ""
        yield f"{_plain(key)}:"
        yield from _written(members[key], depth + 1)
    yield "}"


def _plain(value: str | bool | None) -> str:
    return json.dumps(value, ensure_ascii=False)


def _utf_16(key: str) -> bytes:
    return key.encode("utf-16-be")


def number(value: float) -> str:
    """As ECMAScript writes it (ECMA-262 6.1.6.1.20): the shortest digits that mean this double."""
    try:
        double = float(value)
    except OverflowError as error:
        raise ValueError("a number that is too large") from error
    if not isfinite(double):
        raise ValueError("not a JSON number")
    if double == 0:
        return "0"
    sign, digits, _ = Decimal(repr(double)).normalize().as_tuple()
    text = "".join(map(str, digits))
    point = Decimal(repr(double)).adjusted() + 1
    return ("-" if sign else "") + _placed(text, point)


def _placed(digits: str, point: int) -> str:
    """`digits` with the decimal point after the first `point` of them."""
    if len(digits) <= point <= 21:
        return digits.ljust(point, "0")
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    mantissa = digits if len(digits) == 1 else f"{digits[0]}.{digits[1:]}"
    return f"{mantissa}e{point - 1:+d}"
