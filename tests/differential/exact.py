"""JSON that keeps what a parser usually loses: the digits of numbers. And in several spellings.

`loads` and `dumps` are each other's inverse up to white space and escapes; two documents
are equal if their values are. Halves of surrogate pairs are kept, too.
"""

import json
from dataclasses import dataclass
from typing import Any

Json = Any


@dataclass(frozen=True)
class Number:
    """A number as it was written."""

    text: str


def loads(body: bytes) -> Json:
    """`ValueError` if it is no JSON."""
    return json.loads(body, parse_int=Number, parse_float=Number)


def exact(value: Json) -> Json:
    """A value of Python's in this form."""
    return loads(json.dumps(value).encode())


@dataclass(frozen=True)
class Spelling:
    """How a document is written: with white space or without, and what is escaped."""

    spaced: bool = False
    escaped: bool = True

    def dumps(self, value: Json) -> bytes:
        """The document as bytes."""
        return _write(value, self).encode()


COMPACT = Spelling()


def dumps(value: Json) -> bytes:
    return COMPACT.dumps(value)


def _write(value: Json, how: Spelling) -> str:
    comma, colon, edge = (" ,\n\t", " : ", " ") if how.spaced else (",", ":", "")
    if isinstance(value, Number):
        return value.text
    if isinstance(value, str):
        return _quoted(value, how)
    if isinstance(value, dict):
        members = comma.join(f"{_quoted(key, how)}{colon}{_write(part, how)}" for key, part in value.items())
        return f"{{{edge}{members}{edge}}}"
    if isinstance(value, list):
        return f"[{edge}{comma.join(_write(part, how) for part in value)}{edge}]"
    return json.dumps(value)


def _quoted(text: str, how: Spelling) -> str:
    is_half = any("\ud800" <= character <= "\udfff" for character in text)
    return json.dumps(text, ensure_ascii=how.escaped or is_half)


def mended(value: Json) -> Json:
    """With U+FFFD for what is only half a character, as every strict parser on the way must read it."""
    if isinstance(value, str):
        return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in value)
    if isinstance(value, dict):
        return {mended(key): mended(part) for key, part in value.items()}
    return [mended(part) for part in value] if isinstance(value, list) else value
