"""Errors as callers must get them, byte for member: the table of the specification, and the four forms.

Written out here a second time, so that the gateway's own table is tested rather than believed.
"""

import json
from typing import Any, NamedTuple

from tests.e2e.a2a_client import Answer
from tests.e2e.a2a_speech import Speech, Tree


class Problem(NamedTuple):
    """JSON-RPC code, HTTP status and gRPC word of 1.0, reason; name, HTTP status and code of 0.3."""

    code: int
    status: int
    word: str
    reason: str
    name: str
    old_status: int
    old_code: int = 0
    rpc_status: int = 200


BAD = "INVALID_ARGUMENT"
TASK_NOT_FOUND = Problem(-32001, 404, "NOT_FOUND", "TASK_NOT_FOUND", "TaskNotFoundError", 404)
NO_PUSH = Problem(
    -32003,
    400,
    "FAILED_PRECONDITION",
    "PUSH_NOTIFICATION_NOT_SUPPORTED",
    "PushNotificationNotSupportedError",
    501,
)
BAD_KIND = Problem(-32005, 415, BAD, "CONTENT_TYPE_NOT_SUPPORTED", "ContentTypeNotSupportedError", 415)
BAD_ANSWER = Problem(-32006, 500, "INTERNAL", "INVALID_AGENT_RESPONSE", "InvalidAgentResponseError", 502)
BAD_VERSION = Problem(
    -32009, 400, "FAILED_PRECONDITION", "VERSION_NOT_SUPPORTED", "VersionNotSupportedError", 400, -32603
)
NO_JSON = Problem(-32700, 400, BAD, "INVALID_REQUEST", "JSONParseError", 400)
BAD_REQUEST = Problem(-32600, 400, BAD, "INVALID_REQUEST", "InvalidRequestError", 400)
NO_METHOD = Problem(-32601, 404, "NOT_FOUND", "METHOD_NOT_FOUND", "MethodNotFoundError", 404)
BAD_PARAMS = Problem(-32602, 400, BAD, "INVALID_PARAMS", "InvalidParamsError", 422)
UNAVAILABLE = Problem(-32603, 503, "UNAVAILABLE", "INSTANCE_UNAVAILABLE", "InternalError", 503)
BAD_CONTEXT = Problem(-32602, 400, BAD, "INVALID_CONTEXT", "InvalidParamsError", 400)
LOST = Problem(-32602, 400, BAD, "CONTEXT_LOST", "InvalidParamsError", 400)
NO_KEY = Problem(-32600, 401, "UNAUTHENTICATED", "UNAUTHORIZED", "InvalidRequestError", 401, rpc_status=401)
NO_AGENT = Problem(-32601, 404, "NOT_FOUND", "NOT_FOUND", "MethodNotFoundError", 404, rpc_status=404)
TOO_LARGE = Problem(-32600, 413, "RESOURCE_EXHAUSTED", "TOO_LARGE", "InvalidRequestError", 413, rpc_status=413)
NOT_HERE = Problem(-32601, 405, "UNIMPLEMENTED", "METHOD_NOT_FOUND", "MethodNotFoundError", 405, rpc_status=405)

GONE = "Task not found"
NOBODY = "no instance of this agent can take a new conversation just now; try again later"
AWAY = "the agent's instance that holds this conversation is not reachable just now; try again later"


def said(speech: Speech, problem: Problem, message: str, metadata: Tree | None = None, ident: Any = "r-1") -> Tree:
    """The whole body (or the data of an event)."""
    data = {"reason": problem.reason, "metadata": metadata or {}}
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "domain": "a2a-protocol.org", **data}
    old = speech.version == "0.3"
    code = (problem.old_code or problem.code) if old else problem.code
    if speech.binding == "jsonrpc":
        error = {"code": code, "message": message, "data": data if old else [info]}
        return {"jsonrpc": "2.0", "id": ident, "error": error}
    status = problem.old_status if old else problem.status
    outer: Tree = {"error": {"code": status, "status": problem.word, "message": message, "details": [info]}}
    return {"type": problem.name, "code": code, "message": message, "data": data, **outer} if old else outer


def status_of(speech: Speech, problem: Problem) -> int:
    """The HTTP status it travels with."""
    if speech.binding == "jsonrpc":
        return problem.rpc_status
    return problem.old_status if speech.version == "0.3" else problem.status


def refused(
    answer: Answer,
    problem: Problem,
    message: str | None = None,
    metadata: Tree | None = None,
    ident: Any = "r-1",
    retry: str | None = None,
) -> None:
    """The answer is this refusal, exactly; without `message`, in whatever words."""
    assert answer.status == status_of(answer.speech, problem), (answer.status, answer.body)
    assert answer.headers["content-type"] == answer.kind
    assert answer.headers.get("retry-after") == retry
    assert answer.headers["x-fedgate-request-id"]
    found = answer.tree
    sentence = message_of(answer.speech, found) if message is None else message
    assert sentence
    assert found == said(answer.speech, problem, sentence, metadata, ident), json.dumps(found)


def message_of(speech: Speech, tree: Tree) -> str:
    return str(tree["error"]["message"])


def task_gone(answer: Answer, task: str) -> None:
    """The task is not here, or is somebody else's: there is one answer for both."""
    refused(answer, TASK_NOT_FOUND, GONE, {"taskId": task})


def away(answer: Answer, message: str = AWAY) -> None:
    """The instance cannot be reached just now."""
    refused(answer, UNAVAILABLE, message, {"retryDelay": "2s"}, retry="2")
