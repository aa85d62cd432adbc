"""Edits to a JSON body that somebody else wrote: members of the outermost object, every other byte untouched. Pure.

Where the members stand is found by walking over them, not by searching: names repeat further inside.
A body that names a member twice is refused; which one a provider would take is anybody's guess.
"""

import re
from collections.abc import Mapping

import msgspec

from ..core.errors import BadRequest
from ..core.rawjson import Raw, encode, fields, value, well_formed

_KEY = re.compile(rb'[ \t\r\n]*(,?)[ \t\r\n]*("(?:[^"\\]|\\.)*")[ \t\r\n]*:[ \t\r\n]*')
_BACKSLASH = 0x5C
_END = re.compile(rb"[ \t\r\n]*\}[ \t\r\n]*")


class Span(msgspec.Struct, frozen=True):
    """Where a member stands: from its name (or the comma before it) to the end of its value."""

    begin: int
    value: int
    end: int


def members(body: bytes) -> tuple[bytes, dict[str, Raw]]:
    """The body's members, raw, and the body; halves of emoji in it are mended, which no decoder here would take.

    Raises `BadRequest` for what is no JSON object.
    """
    try:
        return body, fields(body)
    except (ValueError, UnicodeDecodeError) as error:
        if (mended := well_formed(body)) != body:
            return mended, members(mended)[1]
        raise BadRequest(f"the body is {error}") from error


def spans(body: bytes, found: Mapping[str, Raw]) -> dict[str, Span]:
    """Where the members `found` of the object `body` stand. Raises `BadRequest` if one of them is there twice."""
    if _is_tight(body, found):
        return _tight_spans(found)
    at = body.index(b"{") + 1
    places: dict[str, Span] = {}
    for number, (key, member) in enumerate(found.items()):
        match = _KEY.match(body, at)
        if match is None or bool(match[1]) is not (number > 0) or value(match[2]) != key:
            break
        end = match.end() + len(bytes(member))
        if body[match.end() : end] != bytes(member):
            break
        places[key] = Span(match.start(1), match.end(), end)
        at = end
    if len(places) < len(found) or _END.fullmatch(body, at) is None:
        raise BadRequest("the body names one of its members twice: send each of them once")
    return places


def _tight_spans(found: Mapping[str, Raw]) -> dict[str, Span]:
    places: dict[str, Span] = {}
    at = 1
    for key, member in found.items():
        value_at = at + len(key) + (4 if places else 3)
        end = value_at + len(member)
        places[key] = Span(at, value_at, end)
        at = end
    return places


def set_members(body: bytes, new: Mapping[str, bytes], *, remove: str = "") -> bytes:
    """The object with members set to raw JSON values (new ones come last) and another taken out."""
    body, found = members(body)
    return set_found(body, found, new, remove=remove)


def set_found(body: bytes, found: Mapping[str, Raw], new: Mapping[str, bytes], *, remove: str = "") -> bytes:
    """The same, with the members known already."""
    places = spans(body, found)
    edits = [(places[key].value, places[key].end, raw) for key, raw in new.items() if key in places]
    gone = remove in places
    if gone:
        edits.append(_removal(body, places, remove))
    added = b",".join(encode(key) + b":" + raw for key, raw in new.items() if key not in places)
    if added:
        end = body.rindex(b"}")
        comma = b"," if len(places) > gone else b""
        edits.append((end, end, comma + added))
    parts: list[bytes] = []
    at = 0
    for begin, end, raw in sorted(edits):
        parts += (body[at:begin], raw)
        at = end
    return b"".join((*parts, body[at:]))


def set_one(body: bytes, found: Mapping[str, Raw], key: str, new: bytes) -> bytes:
    """One member set. Quicker where its name stands but once in the whole body, as `model` mostly does."""
    name = encode(key)
    if key not in found or _is_tight(body, found) or body.count(name) != 1 or _has_escapes(body):
        return set_found(body, found, {key: new})
    old = bytes(found[key])
    begin = body.index(old, body.index(b":", body.index(name) + len(name)) + 1)
    return b"%b%b%b" % (body[:begin], new, body[begin + len(old) :])


def check_once(body: bytes, found: Mapping[str, Raw], key: str) -> None:
    """Raises `BadRequest` if the member is there twice: two readers would take two different ones."""
    if not _is_tight(body, found) and (body.count(encode(key)) > 1 or _has_escapes(body)):
        spans(body, found)


def _is_tight(body: bytes, found: Mapping[str, Raw]) -> bool:
    """Whether there is no white space around members, nor an escape in their names.

    Then every member stands where the lengths of those before it say, and there is no room for another one.
    """
    room = len(body) - 1
    for key, member in found.items():
        room -= len(key) + 4 + len(member)
    return room == 0


def _has_escapes(body: bytes) -> bool:
    return _BACKSLASH in body and b"\\u" in body  # the first look is much the quicker one


def _removal(body: bytes, places: Mapping[str, Span], key: str) -> tuple[int, int, bytes]:
    """A member goes with the comma before it; the first one with the comma behind it."""
    span = places[key]
    if body[span.begin : span.begin + 1] == b",":
        return span.begin, span.end, b""
    behind = re.compile(rb"[ \t\r\n]*,?").match(body, span.end)
    return span.begin, behind.end() if behind is not None else span.end, b""
