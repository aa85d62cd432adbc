"""Errors in OpenAI's form, both ways. Pure. Above: rendering, and `openai_answer`, `openai_stream`."""

from typing import Any

import msgspec

from ..core.rawjson import Raw, encode, fields
from .errors import KINDS, kind_of
from .wire import says

MAX_MESSAGE = 2000
"""Characters of a provider's sentence that are passed on."""

_TYPES = {
    "authentication_error": "authentication_error",
    "permission_error": "permission_error",
    "not_found_error": "invalid_request_error",
    "request_too_large": "invalid_request_error",
    "rate_limit_error": "rate_limit_error",
    "api_error": "server_error",
    "overloaded_error": "overloaded_error",
    "timeout_error": "timeout",
    "invalid_request_error": "invalid_request_error",
}
_CODES = {
    "authentication_error": "invalid_api_key",
    "not_found_error": "model_not_found",
    "request_too_large": "request_too_large",
    "rate_limit_error": "rate_limit_exceeded",
    "overloaded_error": "overloaded",
    "timeout_error": "timeout",
}
_KINDS = {
    "insufficient_quota": "rate_limit_error",
    "rate_limit_exceeded": "rate_limit_error",
    "rate_limit_error": "rate_limit_error",
    "tokens": "rate_limit_error",
    "requests": "rate_limit_error",
    "invalid_api_key": "authentication_error",
    "authentication_error": "authentication_error",
    "permission_error": "permission_error",
    "permission_denied": "permission_error",
    "model_not_found": "not_found_error",
    "not_found_error": "not_found_error",
    "request_too_large": "request_too_large",
    "overloaded": "overloaded_error",
    "overloaded_error": "overloaded_error",
    "service_unavailable": "overloaded_error",
    "engine_overloaded": "overloaded_error",
    "timeout": "timeout_error",
    "timeout_error": "timeout_error",
    "server_error": "api_error",
    "api_error": "api_error",
    "internal_error": "api_error",
    "invalid_request_error": "invalid_request_error",
}


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None


_errors = msgspec.json.Decoder(_Error | str)


def error_member(kind: str, message: str) -> dict[str, Any]:
    """What stands under `error`: in a body, and in a stream."""
    return {"message": message, "type": _TYPES.get(kind, kind), "param": None, "code": _CODES.get(kind)}


def write_error(status: int, kind: str, message: str) -> bytes:
    """The body of an answer that failed; `kind` as Anthropic names them."""
    return encode({"error": error_member(kind or kind_of(status), message)})


def read_error(status: int, body: bytes) -> tuple[str, str]:
    """Kind and sentence of a provider's error. Never fails: what cannot be read is told by its status."""
    try:
        found = fields(body)
    except ValueError:
        return kind_of(status), ""
    if "error" not in found:
        # Some imitations leave the envelope out.
        kind, message = read_member(Raw(body))
    else:
        kind, message = read_member(found["error"])
    return kind or kind_of(status), message


def read_member(error: Raw) -> tuple[str, str]:
    """Kind (empty if it cannot be told) and sentence of what stands under `error`."""
    if not says(error):
        return "", ""
    try:
        found = _errors.decode(error)
    except (msgspec.DecodeError, RecursionError):
        return "", ""
    if isinstance(found, str):
        return "", found[:MAX_MESSAGE]
    words = (str(found.code or ""), found.type or "")
    kind = next((_KINDS[word] for word in words if word in _KINDS), "")
    if not kind and isinstance(found.code, int):
        kind = KINDS.get(found.code, "")
    return kind, (found.message or "")[:MAX_MESSAGE]
