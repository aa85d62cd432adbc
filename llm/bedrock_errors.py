"""Errors in the form of AWS, read: `{"message": ...}`, with the kind in `__type` where it stands in the body. Pure."""

import msgspec

from ..core.rawjson import encode

MAX_MESSAGE = 2000
"""Characters of a provider's sentence that are passed on."""
_KINDS = {
    "accessdeniedexception": "permission_error",
    "unrecognizedclientexception": "authentication_error",
    "expiredtokenexception": "authentication_error",
    "invalidsignatureexception": "authentication_error",
    "incompletesignature": "authentication_error",
    "resourcenotfoundexception": "not_found_error",
    "throttlingexception": "rate_limit_error",
    "servicequotaexceededexception": "rate_limit_error",
    "validationexception": "invalid_request_error",
    "modeltimeoutexception": "timeout_error",
    "modelnotreadyexception": "overloaded_error",
    "serviceunavailableexception": "overloaded_error",
    "internalserverexception": "api_error",
    "modelerrorexception": "api_error",
    "modelstreamerrorexception": "api_error",
}
_STATUSES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


class _Error(msgspec.Struct):
    message: str | None = None
    Message: str | None = None
    type: str | None = msgspec.field(name="__type", default=None)


_error = msgspec.json.Decoder(_Error)


def read_error(status: int, body: bytes, name: str = "") -> tuple[str, str]:
    """Kind and sentence of a provider's error; `name` is its kind where that stands outside of the body
    (`x-amzn-errortype`, a frame's header). Never fails: what cannot be read is told by its status."""
    try:
        found = _error.decode(body)
    except (ValueError, RecursionError):
        found = _Error()
    message = (found.message or found.Message or "")[:MAX_MESSAGE]
    return kind_of_name(name or found.type or "") or kind_of(status), message


def kind_of_name(name: str) -> str:
    """The kind of an exception's name, which may carry a namespace before `#` and more behind `:`."""
    return _KINDS.get(name.rpartition("#")[2].partition(":")[0].lower(), "")


def kind_of(status: int) -> str:
    return _STATUSES.get(status) or ("invalid_request_error" if 400 <= status < 500 else "api_error")


def write_error(status: int, kind: str, message: str) -> bytes:
    """The body of an answer that failed, for whoever speaks this format."""
    del status, kind  # they stand outside of the body
    return encode({"message": message})
