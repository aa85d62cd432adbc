"""Errors in Gemini's form, both ways: `{"error": {"code", "message", "status"}}`. Pure.

Above: rendering, and the `gemini_*` answers and streams.
"""

from typing import Any

import msgspec

from ..core.rawjson import Raw, encode, fields, items

MAX_MESSAGE = 2000
"""Characters of a provider's sentence that are passed on."""

_STATUSES = {
    "invalid_request_error": (400, "INVALID_ARGUMENT"),
    "authentication_error": (401, "UNAUTHENTICATED"),
    "permission_error": (403, "PERMISSION_DENIED"),
    "not_found_error": (404, "NOT_FOUND"),
    "request_too_large": (413, "INVALID_ARGUMENT"),
    "rate_limit_error": (429, "RESOURCE_EXHAUSTED"),
    "api_error": (500, "INTERNAL"),
    "overloaded_error": (503, "UNAVAILABLE"),
    "timeout_error": (504, "DEADLINE_EXCEEDED"),
}
_KINDS = {status: kind for kind, (_, status) in reversed(_STATUSES.items())} | {
    "FAILED_PRECONDITION": "invalid_request_error",
    "OUT_OF_RANGE": "invalid_request_error",
    "ABORTED": "overloaded_error",
    "CANCELLED": "api_error",
    "UNKNOWN": "api_error",
}
_CODES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None


_error = msgspec.json.Decoder(_Error)


def error_object(kind: str, message: str, status: int = 0) -> dict[str, Any]:
    """The whole body; `status` is that of HTTP, 0 in a stream."""
    code, word = _STATUSES.get(kind, (500, "INTERNAL"))
    return {"error": {"code": status or code, "message": message, "status": word}}


def write_error(status: int, kind: str, message: str) -> bytes:
    """The body of an answer that failed; `kind` as Anthropic names them."""
    return encode(error_object(kind or kind_of(status), message, status))


def read_error(status: int, body: bytes) -> tuple[str, str]:
    """Kind and sentence of a provider's error. Never fails: what cannot be read is told by its status."""
    try:
        whole = body
        if body.lstrip()[:1] == b"[":  # so it comes where a JSON array was to be streamed
            whole = bytes(next(iter(items(body)), b""))
        kind, message = read_member(fields(whole).get("error", Raw(b"")))
    except ValueError:
        kind, message = "", ""
    return kind or kind_of(status), message


def read_member(error: Raw) -> tuple[str, str]:
    """Kind (empty if it cannot be told) and sentence of what stands under `error`."""
    try:
        found = _error.decode(error)
    except (ValueError, RecursionError):
        return "", ""
    kind = _KINDS.get(found.status or "", "")
    if not kind and isinstance(found.code, int) and found.code >= 400:
        kind = kind_of(found.code)
    return kind, (found.message or "")[:MAX_MESSAGE]


def kind_of(status: int) -> str:
    """The kind that a status tells."""
    return _CODES.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")
