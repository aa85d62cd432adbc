"""How the formats read JSON that others wrote: errors that name the member, escapes that are mended, data URLs.

Inside a format's reader everything wrong is a `ValueError` whose text begins with the path
of the member ("input[3].role: ..."). `asked` and `answered` make it an error of the side
that wrote the JSON. No format is known here; every format's reader stands above.
"""

import re
from collections.abc import Callable
from typing import TypeVar

import msgspec

from ..core.errors import BadRequest, UpstreamInvalid
from ..core.rawjson import Fields, Raw, well_formed

T = TypeVar("T")

MAX_NAMES = 32
"""Unread members that are reported, and ..."""
MAX_NAME = 48
"""... characters of their names."""

_AT = re.compile(r"(.*) - at `\$(.*)`", re.DOTALL)
_ODD = re.compile(r"[^A-Za-z0-9_.\-]")
_DATA_URL = re.compile(r"data:([^;,]*)(?:;[^;,]*)*;base64,", re.IGNORECASE)
_MEDIA_TYPES = {
    "csv": "text/csv",
    "doc": "application/msword",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "html": "text/html",
    "json": "application/json",
    "md": "text/markdown",
    "pdf": "application/pdf",
    "txt": "text/plain",
    "xls": "application/vnd.ms-excel",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def asked(read: Callable[[bytes], T], body: bytes) -> T:
    """What a caller sent, read; `BadRequest` says what is wrong with it."""
    try:
        return _mended(read, body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the request cannot be read: {error}") from error


def answered(read: Callable[[bytes], T], body: bytes) -> T:
    """What a provider sent, read; `UpstreamInvalid` says what is wrong with it."""
    try:
        return _mended(read, body)
    except (ValueError, RecursionError) as error:
        raise UpstreamInvalid(f"the answer of the provider cannot be read: {error}") from error


def _mended(read: Callable[[bytes], T], body: bytes) -> T:
    try:
        return read(body)
    except ValueError:
        if (mended := well_formed(body)) == body:
            raise
        return read(mended)


def decode(decoder: msgspec.json.Decoder[T], raw: Raw | bytes, where: str = "") -> T:
    """Decoded by a typed decoder; `ValueError` with the path, `where` being the path of `raw` itself."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        found = _AT.fullmatch(str(error))
        what, path = (found[1], found[2]) if found else (str(error), "")
        raise ValueError(f"{(where + path).lstrip('.') or 'the body'}: {what}") from error


def others(members: Fields, known: frozenset[str]) -> tuple[str, ...]:
    """The names of members that say something (are not null) and are not known, fit to stand in a header."""
    if members.keys() <= known:
        return ()
    names = [name for name, raw in members.items() if name not in known and bytes(raw) != b"null"]
    return tuple([_ODD.sub("_", name[:MAX_NAME]) for name in names[:MAX_NAMES]])


def data_url(url: str) -> tuple[str, str]:
    """The media type and base64 of a `data:` URL; two empty strings for any other."""
    found = _DATA_URL.match(url)
    return (found[1].lower(), url[found.end() :]) if found else ("", "")


def media_type(name: str) -> str:
    """The media type that a file's name tells, or an empty string."""
    return _MEDIA_TYPES.get(name.rpartition(".")[2].lower(), "")
