"""Errors in Anthropic's form, both ways; its kinds are the neutral ones. Pure. Above: rendering, `anthropic_answer`."""

import msgspec

from ..core.rawjson import Raw, encode, fields
from .errors import kind_of
from .wire import says

MAX_MESSAGE = 2000
"""Characters of a provider's sentence that are passed on."""
MAX_KIND = 64


class _Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


_errors = msgspec.json.Decoder(_Error | str)


def error_body(kind: str, message: str) -> bytes:
    """An error, as a body and as the data of an event."""
    return encode({"type": "error", "error": {"type": kind, "message": message}})


def write_error(status: int, kind: str, message: str) -> bytes:
    """The body of an answer that failed."""
    return error_body(kind or kind_of(status), message)


def read_error(status: int, body: bytes) -> tuple[str, str]:
    """Kind and sentence of a provider's error. Never fails: what cannot be read is told by its status."""
    try:
        found = fields(body)
    except ValueError:
        return kind_of(status), ""
    kind, message = read_member(found.get("error", Raw(body)))
    return kind or kind_of(status), message


def read_member(error: Raw) -> tuple[str, str]:
    """Kind (empty if it is not told) and sentence of what stands under `error`."""
    if not says(error):
        return "", ""
    try:
        found = _errors.decode(error)
    except (msgspec.DecodeError, RecursionError):
        return "", ""
    if isinstance(found, str):
        return "", found[:MAX_MESSAGE]
    kind = found.type or ""
    return (kind if kind.isidentifier() and len(kind) <= MAX_KIND else ""), (found.message or "")[:MAX_MESSAGE]
