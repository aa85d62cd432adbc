"""Errors as a caller of A2A expects them: in its version and binding, whole or as the last event of a stream.

    1.0 JSON-RPC   error {code, message, data: [ErrorInfo]}; HTTP 200
    0.3 JSON-RPC   error {code, message, data: {reason, metadata}}; HTTP 200
    1.0 REST       {error: {code: HTTP status, status, message, details: [ErrorInfo]}}
    0.3 REST       the same below `error`, and {code, message, data, type} beside it: the clients of 0.3 look at
                   one or another of these

Every error of the data path has a form; those of the transport (who may, how much, too busy)
keep their HTTP status in JSON-RPC too. Above: the endpoint, the relay. Below: `errors`.
"""

from typing import NamedTuple

from ..core import jsonrpc, sse
from ..core.call import JSON, Header, Reply
from ..core.errors import GatewayError, Overloaded, RateLimited, RpcError, UpstreamInvalid
from ..core.rawjson import Raw, encode
from .errors import (
    BY_CODE,
    CONTENT_TYPE_NOT_SUPPORTED,
    INTERNAL,
    INVALID_AGENT_RESPONSE,
    INVALID_REQUEST,
    LIMITED,
    METHOD_NOT_FOUND,
    A2aError,
    Kind,
)
from .values import Speech

ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
DOMAIN = "a2a-protocol.org"
RETRY: Header = (b"retry-after", b"1")
"""Told to callers that came when there was no room, unless the error knows better."""

_UNREAD = Speech("1.0", "rest")
_BINDING_STATUS = frozenset({401, 403, 404, 405, 406, 408, 413, 421, 429, 503})
"""HTTP statuses that JSON-RPC keeps: they are about the request, the address or the room, not about its content."""
_WORDS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""gRPC words of HTTP statuses; what is not here is the caller's mistake."""
_NEAR = {404: METHOD_NOT_FOUND, 405: METHOD_NOT_FOUND, 415: CONTENT_TYPE_NOT_SUPPORTED}
_REASONS = {
    "bad_request": INVALID_REQUEST.reason,
    "internal_error": INTERNAL.reason,
    "method_not_allowed": METHOD_NOT_FOUND.reason,
    "unsupported_media_type": CONTENT_TYPE_NOT_SUPPORTED.reason,
}
"""Reasons of the data path that the protocol has a word for."""


class _Form(NamedTuple):
    """An error with all that any of the four forms needs."""

    kind: Kind
    message: str
    metadata: dict[str, str]
    rpc_status: int
    headers: tuple[Header, ...]


def render(speech: Speech | None, id_: Raw, error: GatewayError) -> Reply:
    """The whole answer. What an `A2aError` knows of its caller counts where `speech` is not known."""
    if isinstance(error, A2aError) and speech is None:
        speech, id_ = error.speech, error.id
    form = _form(error)
    speech = speech or _UNREAD
    if speech.binding == "jsonrpc":
        return Reply(form.rpc_status, (JSON, *form.headers), _rpc_body(speech, id_, form))
    status = form.kind.status if speech.version == "1.0" else form.kind.legacy_status
    return Reply(status, (JSON, *form.headers), _rest_body(speech, form))


def error_event(speech: Speech, id_: Raw, error: GatewayError) -> bytes:
    """The event that ends a stream, as SDK servers write it: JSON-RPC of 0.3 gives it no name."""
    form = _form(error)
    if speech.binding == "rest":
        return sse.event(_rest_body(speech, form), name=b"error")
    return sse.event(_rpc_body(speech, id_, form), name=b"error" if speech.version == "1.0" else b"")


def code_of(speech: Speech, error: GatewayError) -> int:
    """The JSON-RPC code that a caller of this speech is told."""
    kind = _form(error).kind
    return kind.code if speech.version == "1.0" else kind.legacy_code


def _form(error: GatewayError) -> _Form:
    if isinstance(error, A2aError):
        return _Form(error.kind, error.message, error.metadata, 200, error.headers)
    if isinstance(error, RateLimited):
        again = {} if error.retry_after is None else {"retryDelay": f"{error.retry_after:g}s"}
        return _Form(LIMITED, error.message, again, error.status, error.headers)
    if isinstance(error, UpstreamInvalid):
        return _Form(INVALID_AGENT_RESPONSE, error.message, {}, 200, error.headers)
    if isinstance(error, RpcError) and (known := BY_CODE.get(error.code)):
        return _Form(known, error.message, {}, _rpc_status(error), error.headers)
    headers = error.headers
    if isinstance(error, Overloaded) and not any(name == b"retry-after" for name, _ in headers):
        headers = (*headers, RETRY)
    return _Form(_kind(error), error.message, {}, _rpc_status(error), headers)


def _rpc_status(error: GatewayError) -> int:
    return error.status if error.status in _BINDING_STATUS else 200


def _kind(error: GatewayError) -> Kind:
    """An error that the protocol has no name for, under the nearest code, with its own status and reason."""
    near = _NEAR.get(error.status) or (INVALID_REQUEST if error.side == "client" else INTERNAL)
    if isinstance(error, RpcError):
        near = INTERNAL._replace(code=error.code)
    status = error.status if error.status >= 400 else near.status
    word = _WORDS.get(status, "INVALID_ARGUMENT" if status < 500 else "INTERNAL")
    reason = _REASONS.get(error.reason) or error.reason.upper()
    return near._replace(status=status, legacy_status=status, word=word, reason=reason)


def _details(form: _Form) -> list[dict[str, object]]:
    return [{"@type": ERROR_INFO, "reason": form.kind.reason, "domain": DOMAIN, "metadata": form.metadata}]


def _legacy_data(form: _Form) -> dict[str, object]:
    return {"reason": form.kind.reason, "metadata": form.metadata}


def _rpc_body(speech: Speech, id_: Raw, form: _Form) -> bytes:
    if speech.version == "1.0":
        error = jsonrpc.error_object(form.kind.code, form.message, encode(_details(form)))
    else:
        error = jsonrpc.error_object(form.kind.legacy_code, form.message, encode(_legacy_data(form)))
    return jsonrpc.error(id_, error)


def _rest_body(speech: Speech, form: _Form) -> bytes:
    kind = form.kind
    status = kind.status if speech.version == "1.0" else kind.legacy_status
    error = {"code": status, "status": kind.word, "message": form.message, "details": _details(form)}
    if speech.version == "1.0":
        return encode({"error": error})
    top = {"type": kind.name, "code": kind.legacy_code, "message": form.message, "data": _legacy_data(form)}
    return encode({**top, "error": error})
