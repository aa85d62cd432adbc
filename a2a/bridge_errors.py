"""An agent's error in one speech, said in another: JSON-RPC error objects and REST error bodies of both versions.

What travels is the code, the sentence and the details. An error that says its reason keeps it; one
that does not (0.3, strangers on the way) is known by its HTTP status, and what no table knows is an
internal error. Errors of the gateway itself are `rendering`'s affair.

It knows nothing of requests and results. Above: the bridge. Below: the table of `errors`, `operations`.
Everything raises `ValueError` for what is no error of the protocol.
"""

import msgspec

from ..core.jsonrpc import error_object
from ..core.rawjson import EMPTY, NULL, Fields, Raw, encode, fields, is_object, items, join, sub, text, value
from .errors import (
    BY_CODE,
    BY_REASON,
    CONTENT_TYPE_NOT_SUPPORTED,
    INTERNAL,
    INVALID_AGENT_RESPONSE,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    PUSH_NOT_SUPPORTED,
    TASK_NOT_CANCELABLE,
    TASK_NOT_FOUND,
    UNSUPPORTED_OPERATION,
    Kind,
)
from .operations import CANCEL, CARD, LIST, PUSH
from .rendering import DOMAIN, ERROR_INFO
from .values import Answered, Version

UNKNOWN = INTERNAL._replace(reason="UNKNOWN_ERROR")
"""What REST calls an error whose code the protocol does not know."""
MAX_MESSAGE = 4096
"""Characters of an agent's sentence that are passed on."""

_BY_NAME = {kind.name: kind for kind in BY_CODE.values()} | {
    "AuthenticatedExtendedCardNotConfiguredError": BY_REASON["EXTENDED_AGENT_CARD_NOT_CONFIGURED"]
}
_BY_WORD = {"INVALID_ARGUMENT": INVALID_PARAMS, "FAILED_PRECONDITION": UNSUPPORTED_OPERATION}
_BY_STATUS = {
    400: INVALID_REQUEST,
    405: UNSUPPORTED_OPERATION,
    409: TASK_NOT_CANCELABLE,
    415: CONTENT_TYPE_NOT_SUPPORTED,
    422: INVALID_PARAMS,
    501: UNSUPPORTED_OPERATION,
    502: INVALID_AGENT_RESPONSE,
}
_WORDS = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""HTTP statuses that say more than the protocol's errors do: REST keeps them, with these gRPC words."""


class Problem(msgspec.Struct, frozen=True):
    """One error of an agent."""

    code: int
    """JSON-RPC, as 1.0 numbers them."""
    message: str
    data: Raw = EMPTY
    """JSON-RPC's `data`, or REST's `details`, as it was written."""
    status: int = 0
    """The HTTP status, if it is one that says more than the code."""

    @property
    def kind(self) -> Kind:
        return BY_CODE.get(self.code, UNKNOWN)


def of_rpc(error: Raw) -> Problem:
    """A JSON-RPC error object."""
    members = fields(error)
    code = value(members.get("code", NULL))
    if not isinstance(code, int) or isinstance(code, bool):
        raise ValueError("its error has no code")
    return Problem(code, _sentence(members), members.get("data", EMPTY))


def of_rest(operation: str, status: int, body: bytes) -> Problem:
    """A REST answer with an HTTP status that is no success, or (status 0) a stream's event that says an error."""
    members = fields(body)
    error = sub(members, "error") or members
    if text(error.get("message")) is None:
        raise ValueError("it is no error of the protocol")
    details = error.get("details", error.get("data", EMPTY))
    kind = BY_REASON.get(_reason(details)) or _BY_NAME.get(text(error.get("type")) or "")
    if kind is None:
        kind = _guess(operation, status or _number(error.get("code")), text(error.get("status")) or "")
    return Problem(kind.code, _sentence(error), details, status if status in _WORDS else 0)


def of_stranger(operation: str, status: int) -> Problem:
    """An HTTP status without a word of the protocol: a router that does not know the operation."""
    if status not in (404, 405, 501):
        raise ValueError(f"it is HTTP {status} without an error of the protocol")
    return Problem(METHOD_NOT_FOUND.code, f"the agent does not know {operation}")


def to_rpc(problem: Problem, version: Version) -> bytes:
    """The JSON-RPC error object."""
    if version == "1.0":
        return error_object(problem.code, problem.message, _details(problem))
    code = problem.kind.legacy_code if problem.code in BY_CODE else problem.code
    return error_object(code, problem.message, bytes(problem.data) or None)


def to_rest(problem: Problem, version: Version) -> Answered:
    """The REST answer. Clients of 0.3 look for `type`, or `code`, and `message` at the top, others for `error`."""
    kind = problem.kind
    status = problem.status or (kind.status if version == "1.0" else kind.legacy_status)
    error = {
        "code": status,
        "status": _WORDS.get(problem.status, kind.word),
        "message": problem.message,
        "details": Raw(_details(problem)),
    }
    if version == "1.0":
        return Answered(status, join({"error": error}))
    top = {"type": kind.name, "code": kind.legacy_code, "message": problem.message}
    return Answered(status, join({**top, "error": error}))


def _sentence(error: Fields) -> str:
    return (text(error.get("message")) or "the agent gave no reason")[:MAX_MESSAGE]


def _number(member: Raw | None) -> int:
    found = value(member) if member is not None else 0
    return found if isinstance(found, int) else 0


def _guess(operation: str, status: int, word: str) -> Kind:
    if status == 404:
        return METHOD_NOT_FOUND if operation in (LIST, CARD) else TASK_NOT_FOUND
    if status == 409 and operation != CANCEL:
        return INTERNAL
    if status == 501 and operation in PUSH:
        return PUSH_NOT_SUPPORTED
    return _BY_WORD.get(word) or _BY_STATUS.get(status, INTERNAL)


def _typed(data: Raw) -> list[Raw]:
    """The details among `data`: objects that say their type."""
    try:
        found = items(data)
    except ValueError:
        return []
    return [each for each in found if is_object(each) and "@type" in fields(each)]


def _reason(data: Raw) -> str:
    for each in _typed(data):
        members = fields(each)
        if text(members["@type"]) == ERROR_INFO:
            return text(members.get("reason")) or ""
    return ""


def _details(problem: Problem) -> bytes:
    """Details as 1.0 demands them: an array that names the reason. Free-form data of 0.3 becomes its metadata."""
    found = _typed(problem.data)
    if _reason(problem.data):
        return encode(found)
    reason, metadata = (problem.kind.reason, {}) if found else _free(problem)
    return encode([{"@type": ERROR_INFO, "reason": reason, "domain": DOMAIN, "metadata": metadata}, *found])


def _free(problem: Problem) -> tuple[str, dict[str, str]]:
    """Reason and metadata (as ErrorInfo has them: strings by name) out of free-form data."""
    data = problem.data
    if bytes(data) in (b"", b"null"):
        return problem.kind.reason, {}
    members = fields(data) if is_object(data) else {"data": data}
    reason = text(members.get("reason"))
    if reason and is_object(members.get("metadata")):  # as gateways of this kind write it
        members = fields(members["metadata"])
    else:
        reason = problem.kind.reason
    return reason, {key: _plain(member) for key, member in members.items()}


def _plain(member: Raw) -> str:
    found = text(member)
    return bytes(member).decode() if found is None else found
