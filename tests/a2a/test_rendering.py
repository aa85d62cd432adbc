"""a2a/rendering.py: an error has the form of its caller's version and binding, and nothing else in it."""

import json
from typing import Any

import pytest

from fedgate.a2a import errors
from fedgate.a2a.errors import A2aError
from fedgate.a2a.rendering import error_event, render
from fedgate.a2a.values import Speech
from fedgate.core.call import JSON, Reply
from fedgate.core.errors import (
    BadRequest,
    Conflict,
    Forbidden,
    GatewayError,
    Internal,
    MethodNotAllowed,
    Misdirected,
    NotAcceptable,
    NotFound,
    Overloaded,
    RateLimited,
    RequestTimeout,
    RpcError,
    TooLarge,
    Unauthorized,
    UnsupportedMediaType,
    UpstreamBroken,
    UpstreamInvalid,
    UpstreamRefused,
    UpstreamTimeout,
)
from fedgate.core.rawjson import EMPTY, Raw
from fedgate.core.sse import Reader

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, SPEECHES

ID = Raw(b'"i-1"')
INFO = '{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"%s","domain":"a2a-protocol.org","metadata":%s}'


def whole(speech: Speech | None, error: GatewayError, id_: Raw = ID) -> tuple[int, str]:
    reply = render(speech, id_, error)
    assert isinstance(reply.body, bytes)
    assert reply.headers[0] == JSON
    return reply.status, reply.body.decode()


def body(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


def test_an_error_in_each_of_the_four_forms() -> None:
    error = errors.task_not_found("t-1")
    info = INFO % ("TASK_NOT_FOUND", '{"taskId":"t-1"}')
    inner = '{"code":404,"status":"NOT_FOUND","message":"Task not found","details":[%s]}' % info  # noqa: UP031
    data = '{"reason":"TASK_NOT_FOUND","metadata":{"taskId":"t-1"}}'
    assert whole(RPC, error) == (
        200,
        '{"jsonrpc":"2.0","id":"i-1","error":{"code":-32001,"message":"Task not found","data":[' + info + "]}}",
    )
    assert whole(LEGACY_RPC, error) == (
        200,
        '{"jsonrpc":"2.0","id":"i-1","error":{"code":-32001,"message":"Task not found","data":' + data + "}}",
    )
    assert whole(REST, error) == (404, '{"error":' + inner + "}")
    assert whole(LEGACY_REST, error) == (
        404,
        '{"type":"TaskNotFoundError","code":-32001,"message":"Task not found","data":'
        + data
        + ',"error":'
        + inner
        + "}",
    )


@pytest.mark.parametrize("speech", SPEECHES)
def test_events_have_the_same_bodies_as_answers(speech: Speech) -> None:
    error = errors.instance_unavailable(5)
    [event] = Reader().feed(error_event(speech, ID, error))
    _, text = whole(speech, error)
    assert event.data.decode() == text
    assert event.event == (b"message" if speech == LEGACY_RPC else b"error")


def test_an_event_of_the_old_json_rpc_has_no_name() -> None:
    assert error_event(LEGACY_RPC, ID, errors.internal("why")).startswith(b"data: {")
    assert error_event(RPC, ID, errors.internal("why")).startswith(b"event: error\ndata: {")


@pytest.mark.parametrize(
    ("error", "current", "legacy"),
    [
        (errors.push_not_supported(), 400, 501),
        (errors.unsupported_operation("why"), 400, 501),
        (errors.content_type_not_supported("why"), 415, 415),
        (errors.invalid_agent_response("why"), 500, 502),
        (errors.extended_card_not_configured(), 400, 404),
        (errors.invalid_params("why"), 400, 422),
        (errors.version_not_supported("why"), 400, 400),
        (errors.instance_unavailable(1), 503, 503),
        (errors.method_not_found("why"), 404, 404),
    ],
)
def test_errors_of_the_protocol_have_the_http_status_of_their_version(
    error: A2aError, current: int, legacy: int
) -> None:
    for speech, status in ((REST, current), (LEGACY_REST, legacy), (RPC, 200), (LEGACY_RPC, 200)):
        reply = render(speech, ID, error)
        assert reply.status == status
        assert speech.binding == "jsonrpc" or body(reply)["error"]["code"] == status


def test_a_code_that_the_old_version_does_not_have_is_an_internal_error_there() -> None:
    error = errors.version_not_supported("why")
    assert body(render(RPC, ID, error))["error"]["code"] == -32009
    assert body(render(LEGACY_RPC, ID, error))["error"]["code"] == -32603
    assert body(render(LEGACY_REST, ID, error))["code"] == -32603


def test_an_instance_that_is_away_says_when_to_come_again_in_every_form() -> None:
    for speech in SPEECHES:
        reply = render(speech, ID, errors.instance_unavailable(2.5))
        assert reply.headers == (JSON, (b"retry-after", b"3"))
    inner = body(render(REST, ID, errors.instance_unavailable(2.5)))["error"]
    assert (inner["status"], inner["details"][0]["metadata"]) == ("UNAVAILABLE", {"retryDelay": "2.5s"})


@pytest.mark.parametrize("speech", SPEECHES)
def test_a_context_of_somebody_else_cannot_be_told_from_an_unknown_one(speech: Speech) -> None:
    assert render(speech, ID, errors.foreign_context("c")) == render(speech, ID, errors.unknown_context("c"))


CHALLENGE = ((b"www-authenticate", b"Bearer"),)
RETRY = ((b"retry-after", b"1"),)


@pytest.mark.parametrize(
    ("error", "rest", "rpc", "code", "word", "reason", "headers"),
    [
        (BadRequest("why"), 400, 200, -32600, "INVALID_ARGUMENT", "INVALID_REQUEST", ()),
        (
            *(Unauthorized("why", headers=CHALLENGE), 401, 401, -32600, "UNAUTHENTICATED", "UNAUTHORIZED"),
            CHALLENGE,
        ),
        (Forbidden("why"), 403, 403, -32600, "PERMISSION_DENIED", "FORBIDDEN", ()),
        (NotFound("why"), 404, 404, -32601, "NOT_FOUND", "NOT_FOUND", ()),
        (
            *(MethodNotAllowed("why", headers=((b"allow", b"GET"),)), 405, 405, -32601, "UNIMPLEMENTED"),
            *("METHOD_NOT_FOUND", ((b"allow", b"GET"),)),
        ),
        (NotAcceptable("why"), 406, 406, -32600, "INVALID_ARGUMENT", "NOT_ACCEPTABLE", ()),
        (RequestTimeout("why"), 408, 408, -32600, "DEADLINE_EXCEEDED", "REQUEST_TIMEOUT", ()),
        (Conflict("why"), 409, 200, -32600, "ABORTED", "CONFLICT", ()),
        (TooLarge("why"), 413, 413, -32600, "RESOURCE_EXHAUSTED", "TOO_LARGE", ()),
        (UnsupportedMediaType("why"), 415, 200, -32005, "INVALID_ARGUMENT", "CONTENT_TYPE_NOT_SUPPORTED", ()),
        (Misdirected("why"), 421, 421, -32600, "INVALID_ARGUMENT", "MISDIRECTED", ()),
        (RpcError(-32602, "why"), 400, 200, -32602, "INVALID_ARGUMENT", "INVALID_PARAMS", ()),
        (RpcError(-32000, "why"), 500, 200, -32000, "INTERNAL", "RPC_ERROR", ()),
        (RpcError(-32000, "why", status=429), 429, 429, -32000, "RESOURCE_EXHAUSTED", "RPC_ERROR", ()),
        (RateLimited("why"), 429, 429, -32000, "RESOURCE_EXHAUSTED", "RATE_LIMITED", ()),
        (UpstreamRefused("why"), 502, 200, -32603, "UNAVAILABLE", "UPSTREAM_REFUSED", ()),
        (UpstreamBroken("why"), 502, 200, -32603, "UNAVAILABLE", "UPSTREAM_BROKEN", ()),
        (UpstreamTimeout("why"), 504, 200, -32603, "DEADLINE_EXCEEDED", "UPSTREAM_TIMEOUT", ()),
        (UpstreamInvalid("why"), 500, 200, -32006, "INTERNAL", "INVALID_AGENT_RESPONSE", ()),
        (Overloaded("why"), 503, 503, -32603, "UNAVAILABLE", "OVERLOADED", RETRY),
        (
            *(Overloaded("why", headers=((b"retry-after", b"9"),)), 503, 503, -32603, "UNAVAILABLE", "OVERLOADED"),
            ((b"retry-after", b"9"),),
        ),
        (Internal("why"), 500, 200, -32603, "INTERNAL", "INTERNAL_ERROR", ()),
    ],
)
def test_every_error_of_the_data_path_has_a_form(
    error: GatewayError, rest: int, rpc: int, code: int, word: str, reason: str, headers: Any
) -> None:
    by_rest, by_rpc = render(REST, EMPTY, error), render(RPC, EMPTY, error)
    details = json.loads("[" + INFO % (reason, "{}") + "]")
    assert by_rest.status == rest
    assert by_rest.headers == by_rpc.headers == (JSON, *headers)
    assert body(by_rest) == {"error": {"code": rest, "status": word, "message": "why", "details": details}}
    assert by_rpc.status == rpc
    assert body(by_rpc) == {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": "why", "data": details}}
    old = render(LEGACY_RPC, EMPTY, error)
    assert (old.status, body(old)["error"]["data"]) == (rpc, {"reason": reason, "metadata": {}})


def test_an_error_that_knows_its_caller_needs_no_other_speech() -> None:
    error = errors.invalid_params("why").asked(LEGACY_RPC, ID)
    assert render(None, EMPTY, error) == render(LEGACY_RPC, ID, errors.invalid_params("why"))
    assert render(REST, EMPTY, error) == render(REST, EMPTY, errors.invalid_params("why"))


def test_an_unknown_caller_gets_plain_json() -> None:
    for error in (NotFound("why"), errors.invalid_params("why")):
        assert render(None, EMPTY, error) == render(REST, EMPTY, error)
