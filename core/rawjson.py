"""JSON that is passed on rather than understood: objects taken apart one level deep.

A payload the gateway does not own is never decoded and encoded again. Where one member
must change (a name, an id), the object is split into its members, whose values stay the
bytes they were, and put together again. Member order is kept; of two equal keys the
last one stays, so what was checked is what is sent on.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

Raw = msgspec.Raw
Fields = dict[str, Raw]

NULL = Raw(b"null")
EMPTY: Raw = Raw(b"")

_fields = msgspec.json.Decoder(dict[str, Raw])
_items = msgspec.json.Decoder(list[Raw])
_any = msgspec.json.Decoder()
_text = msgspec.json.Decoder(str)
encode = msgspec.json.Encoder().encode

MENDABLE = 1024 * 1024
"""Bytes up to which `well_formed` is worth its time."""
_KEY = re.compile(rb'[ \t\r\n]*(,?)[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*')
_END = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")
_SURROGATES = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def fields(raw: Raw | bytes) -> Fields:
    """The members of a JSON object, values untouched. `ValueError` if it is not an object."""
    try:
        return _fields.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a JSON object: {error}") from error


def items(raw: Raw | bytes) -> list[Raw]:
    """The elements of a JSON array, untouched. `ValueError` if it is not an array."""
    try:
        return _items.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not a JSON array: {error}") from error


def join(members: Mapping[str, Any]) -> bytes:
    """The object again; `Raw` values go in as they are, others are encoded."""
    return encode(members)


def value(raw: Raw | bytes) -> Any:
    """Fully decoded, for small values that are ours to read. `ValueError` if malformed."""
    try:
        return _any.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(f"not JSON: {error}") from error


def raw(anything: Any) -> Raw:
    """Encode a value of ours so that it can stand among untouched ones."""
    return Raw(encode(anything))


def text(member: Raw | None) -> str | None:
    """The member as a string, or `None` if it is absent or no string."""
    if member is None:
        return None
    try:
        return _text.decode(member)
    except ValueError:  # something else, or not UTF-8
        return None


def is_object(member: Raw | None) -> bool:
    return member is not None and bytes(member).lstrip()[:1] == b"{"


def sub(members: Fields, key: str) -> Fields:
    """The object under `key`, or an empty one if it is absent, no object or not readable."""
    member = members.get(key)
    if member is None or not is_object(member):
        return {}
    try:
        return fields(member)
    except ValueError:
        return {}


def well_formed(body: bytes) -> bytes:
    """The body with U+FFFD for every escaped half of a surrogate pair (JavaScript: `toWellFormed`).

    Strings that were cut in the middle of an emoji hold such halves; JavaScript writes
    them, and the decoder here refuses the whole message for one.
    """
    if len(body) > MENDABLE:
        return body
    return _SURROGATES.sub(lambda found: found[1] + (found[2] or rb"\ufffd"), body)


def repeats(body: Raw | bytes, members: Fields | None = None) -> bool:
    """Whether an object names one of its members twice, in whatever spelling. `ValueError` if it is not an object.

    The last of equal ones is the one that is read here (`members`, if known already);
    other readers take the first.
    """
    whole = bytes(body)
    if members is None:
        members = fields(whole)
    room = len(whole) - 1
    for key, member in members.items():
        room -= len(key) + 4 + len(member)
    if room <= 0:
        return False  # without white space there is no room for more
    at = whole.index(b"{") + 1
    # With every member there once, they stand one behind the other exactly so.
    for number, (key, member) in enumerate(members.items()):
        found = _KEY.match(whole, at)
        if found is None or bool(found[1]) is not (number > 0) or value(found[2]) != key:
            return True
        at = found.end() + len(bytes(member))
        if whole[found.end() : at] != bytes(member):
            return True
    return _END.fullmatch(whole, at) is None


def detach(raw: Raw | bytes) -> Raw:
    """A copy that does not keep the message it was cut from alive."""
    return Raw(bytes(raw))
