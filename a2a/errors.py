"""Errors as A2A names them: one code, HTTP status, gRPC status and reason each (specification 5.4).

`A2aError` is what this part refuses with; `rendering` writes it, and every other error of the
data path, in the caller's version and binding. "Not yours" is made by the same constructor as
"not found": there is no second one that could look different. Above: every module of this part.
Below: `core.errors`.
"""

import math
from typing import NamedTuple

from ..core.errors import ClientError
from ..core.jsonrpc import SERVER_ERROR
from ..core.rawjson import EMPTY, Raw
from .values import Speech

MAX_ECHO = 128
"""Characters of what a caller wrote that are repeated in a sentence."""


class Kind(NamedTuple):
    """One row of the table of errors."""

    code: int
    """JSON-RPC."""
    status: int
    """HTTP."""
    word: str
    """gRPC."""
    reason: str
    name: str
    """What the error is called in 0.3, where a reason has no place of its own."""
    legacy_status: int
    """HTTP in 0.3, whose agents use more of its statuses."""

    @property
    def legacy_code(self) -> int:
        """The code in 0.3: what came with 1.0 is an internal error there."""
        return -32603 if self.code in (-32008, -32009) else self.code


_BAD, _STATE, _MISSING = "INVALID_ARGUMENT", "FAILED_PRECONDITION", "NOT_FOUND"

TASK_NOT_FOUND = Kind(-32001, 404, _MISSING, "TASK_NOT_FOUND", "TaskNotFoundError", 404)
TASK_NOT_CANCELABLE = Kind(-32002, 400, _STATE, "TASK_NOT_CANCELABLE", "TaskNotCancelableError", 409)
PUSH_NOT_SUPPORTED = Kind(
    -32003, 400, _STATE, "PUSH_NOTIFICATION_NOT_SUPPORTED", "PushNotificationNotSupportedError", 501
)
UNSUPPORTED_OPERATION = Kind(-32004, 400, _STATE, "UNSUPPORTED_OPERATION", "UnsupportedOperationError", 501)
CONTENT_TYPE_NOT_SUPPORTED = Kind(-32005, 400, _BAD, "CONTENT_TYPE_NOT_SUPPORTED", "ContentTypeNotSupportedError", 415)
INVALID_AGENT_RESPONSE = Kind(-32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE", "InvalidAgentResponseError", 502)
EXTENDED_CARD_NOT_CONFIGURED = Kind(
    -32007, 400, _STATE, "EXTENDED_AGENT_CARD_NOT_CONFIGURED", "ExtendedAgentCardNotConfiguredError", 404
)
EXTENSION_SUPPORT_REQUIRED = Kind(
    -32008, 400, _STATE, "EXTENSION_SUPPORT_REQUIRED", "ExtensionSupportRequiredError", 400
)
VERSION_NOT_SUPPORTED = Kind(-32009, 400, _STATE, "VERSION_NOT_SUPPORTED", "VersionNotSupportedError", 400)
PARSE_ERROR = Kind(-32700, 400, _BAD, "INVALID_REQUEST", "JSONParseError", 400)
INVALID_REQUEST = Kind(-32600, 400, _BAD, "INVALID_REQUEST", "InvalidRequestError", 400)
METHOD_NOT_FOUND = Kind(-32601, 404, _MISSING, "METHOD_NOT_FOUND", "MethodNotFoundError", 404)
INVALID_PARAMS = Kind(-32602, 400, _BAD, "INVALID_PARAMS", "InvalidParamsError", 422)
INTERNAL = Kind(-32603, 500, "INTERNAL", "INTERNAL_ERROR", "InternalError", 500)

# Of the gateway, in the protocol's form.
INVALID_CONTEXT = INVALID_PARAMS._replace(reason="INVALID_CONTEXT", legacy_status=400)
CONTEXT_LOST = INVALID_PARAMS._replace(reason="CONTEXT_LOST", legacy_status=400)
INSTANCE_UNAVAILABLE = INTERNAL._replace(
    status=503, word="UNAVAILABLE", reason="INSTANCE_UNAVAILABLE", legacy_status=503
)
LIMITED = INTERNAL._replace(
    code=SERVER_ERROR,
    status=429,
    word="RESOURCE_EXHAUSTED",
    reason="RATE_LIMITED",
    name="RateLimitedError",
    legacy_status=429,
)
"""A limit is reached. Of the codes that JSON-RPC leaves to servers the protocol takes those below -32000 for itself,
and leaves this one; that their request is invalid (-32600) would tell clients never to send it again."""

KINDS = (
    *(TASK_NOT_FOUND, TASK_NOT_CANCELABLE, PUSH_NOT_SUPPORTED, UNSUPPORTED_OPERATION, CONTENT_TYPE_NOT_SUPPORTED),
    *(INVALID_AGENT_RESPONSE, EXTENDED_CARD_NOT_CONFIGURED, EXTENSION_SUPPORT_REQUIRED, VERSION_NOT_SUPPORTED),
    *(PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL),
)
"""The errors of the protocol."""
BY_CODE = {kind.code: kind for kind in KINDS}
BY_REASON = {kind.reason: kind for kind in KINDS if kind is not PARSE_ERROR}


class A2aError(ClientError):
    """An error of the protocol. `metadata` goes to the caller; `retry_after` in seconds, 0 if it says nothing.

    `speech` and `id` say who asked, where that was known before the error was raised.
    """

    def __init__(
        self, kind: Kind, message: str, *, metadata: dict[str, str] | None = None, retry_after: float = 0
    ) -> None:
        headers = ((b"retry-after", b"%d" % max(1, math.ceil(retry_after))),) if retry_after > 0 else ()
        super().__init__(message, headers=headers)
        self.kind = kind
        self.status = kind.status
        self.reason = kind.reason.lower()
        self.metadata = metadata or {}
        self.retry_after = retry_after
        self.speech: Speech | None = None
        self.id: Raw = EMPTY

    @property
    def code(self) -> int:
        """The JSON-RPC code of 1.0."""
        return self.kind.code

    def asked(self, speech: Speech, id_: Raw = EMPTY) -> "A2aError":
        """The same error, knowing who asked; what it knows already stays."""
        if self.speech is None:
            self.speech, self.id = speech, id_
        return self


class InstanceUnavailable(A2aError):
    """The one instance that holds the state cannot be reached just now."""

    retryable = True


def quote(text: str) -> str:
    """What a caller wrote, cut to a length that a sentence can bear."""
    return text if len(text) <= MAX_ECHO else text[:MAX_ECHO] + "..."


def task_not_found(task: str) -> A2aError:
    """Also for a task of somebody else."""
    return A2aError(TASK_NOT_FOUND, "Task not found", metadata={"taskId": task})


def foreign_context(context: str) -> A2aError:
    """A context that the caller must not use: somebody else's."""
    return A2aError(
        INVALID_CONTEXT,
        "this contextId cannot be used; leave contextId out to begin a new conversation",
        metadata={"contextId": context},
    )


def unknown_context(context: str) -> A2aError:
    """A context that no answer of the agent has named, where callers may not bring their own."""
    return foreign_context(context)


def context_lost(context: str) -> A2aError:
    """The instance that held the conversation is gone (specification 3.4.1: no other context is made up for it)."""
    return A2aError(
        CONTEXT_LOST,
        "the agent's instance that held this conversation is gone; leave contextId out to begin a new one",
        metadata={"contextId": context},
    )


def instance_unavailable(retry_after: float) -> InstanceUnavailable:
    """`retry_after`: seconds after which the same request may help."""
    return InstanceUnavailable(
        INSTANCE_UNAVAILABLE,
        "the agent's instance that holds this conversation is not reachable just now; try again later",
        metadata={"retryDelay": f"{retry_after:g}s"},
        retry_after=retry_after,
    )


def nobody_ready(retry_after: float) -> InstanceUnavailable:
    """No instance can take a new conversation. `retry_after` in seconds."""
    return InstanceUnavailable(
        INSTANCE_UNAVAILABLE,
        "no instance of this agent can take a new conversation just now; try again later",
        metadata={"retryDelay": f"{retry_after:g}s"},
        retry_after=retry_after,
    )


def invalid_params(why: str) -> A2aError:
    return A2aError(INVALID_PARAMS, why)


def invalid_request(why: str) -> A2aError:
    return A2aError(INVALID_REQUEST, why)


def parse_error(why: str) -> A2aError:
    return A2aError(PARSE_ERROR, why)


def method_not_found(why: str) -> A2aError:
    """Also for an unknown path."""
    return A2aError(METHOD_NOT_FOUND, why)


def version_not_supported(why: str) -> A2aError:
    return A2aError(VERSION_NOT_SUPPORTED, f"{why}; supported are 1.0 and 0.3", metadata={"supported": "1.0,0.3"})


def push_not_supported() -> A2aError:
    return A2aError(PUSH_NOT_SUPPORTED, "Push Notification is not supported")


def unsupported_operation(why: str) -> A2aError:
    return A2aError(UNSUPPORTED_OPERATION, why)


def content_type_not_supported(why: str) -> A2aError:
    """Of the request itself: HTTP has a status of its own for that (RFC 9110 15.5.16)."""
    return A2aError(CONTENT_TYPE_NOT_SUPPORTED._replace(status=415), why)


def invalid_agent_response(why: str) -> A2aError:
    return A2aError(INVALID_AGENT_RESPONSE, why)


def extended_card_not_configured() -> A2aError:
    return A2aError(EXTENDED_CARD_NOT_CONFIGURED, "this agent has no extended card")


def internal(why: str) -> A2aError:
    return A2aError(INTERNAL, why)
