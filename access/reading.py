"""What rules may be shown of values that others wrote: small, shallow, and to be read in one way only. Pure.

A tool's arguments or a token's claims are read here within limits, so that no expression over them is slow. JSON
that names a member twice is not shown: whoever executes it may take the other one. Above: `variables.py`.
"""

import json
from contextlib import suppress
from typing import Any, NoReturn

import msgspec

from ..core.rawjson import Fields, fields, repeats

MAX_JSON = 16 * 1024
"""Bytes of a value that is read for rules."""
MAX_TEXT = 4096
"""Characters of one text."""
MAX_LIST = 256
"""Elements of one list: macros go through it, some in the square of its length."""
MAX_GROUPS = 1000
"""Of a list that the gateway has made (a tuple), such as a caller's groups."""
MAX_VALUES = 1024
"""Values in all."""
MAX_DEPTH = 16
_MOST, _LEAST = 2**63 - 1, -(2**63)
_string = msgspec.json.Decoder(str)


class Unshown(Exception):
    """It is too large for rules, or cannot be read in one way only. The text is a predicate about it."""


def read(raw: msgspec.Raw | bytes) -> Any:
    """JSON as values. Raises `Unshown`."""
    body = bytes(raw)
    if len(body) > MAX_JSON:
        raise Unshown(f"is longer than {MAX_JSON} bytes")
    if body[:1] == b'"':
        with suppress(ValueError):  # half characters: the other decoder reads them
            return _text(_string.decode(body))
    try:
        found = json.loads(body, object_pairs_hook=_once, parse_constant=_none)
    except (ValueError, RecursionError) as error:
        raise Unshown("cannot be read") from error
    return bounded(found)


def members_of(raw: msgspec.Raw) -> Fields:
    """The members of an object, each still raw: they are read one by one. Raises `Unshown`."""
    try:
        members = fields(raw)
        twice = repeats(raw, members)
    except ValueError as error:
        raise Unshown("cannot be read") from error
    if twice:
        raise Unshown("names a member twice")
    return members


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Unshown("names a member twice")
    return members


def _none(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def bounded(value: Any) -> Any:
    """The value, as rules and their engine take it. Raises `Unshown`."""
    if isinstance(value, bool) or value is None:
        return value
    return _within(value, MAX_DEPTH, [MAX_VALUES])


def _within(value: Any, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise Unshown("has too many values in it, or is nested too deeply")
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, dict):
        return {_text(str(key)): _within(member, depth - 1, left) for key, member in value.items()}
    if isinstance(value, list | tuple):
        most = MAX_GROUPS if isinstance(value, tuple) else MAX_LIST
        if len(value) > most:
            raise Unshown(f"has a list of more than {most}")
        return [_within(member, depth - 1, left) for member in value]
    raise Unshown("is nothing that rules know")


def _text(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Unshown(f"has a text of more than {MAX_TEXT} characters")
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise Unshown("has half a character in it") from error
    return text


def _number(number: float) -> float:
    """The engine knows whole numbers of 64 bits, and doubles."""
    if isinstance(number, int) and not _LEAST <= number <= _MOST:
        try:
            return float(number)
        except OverflowError as error:
            raise Unshown("has a number that is too large") from error
    if number - number != 0:
        raise Unshown("has a number that is none")
    return number
