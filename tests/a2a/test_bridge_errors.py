"""Errors of agents between the speeches; against the SDK's table of errors and its own writing of them."""

import json
from typing import Any

import pytest
from a2a.compat.v0_3.jsonrpc_adapter import _to_v03_jsonrpc_error as to_legacy
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.utils import errors as sdk
from a2a.utils.error_handlers import build_rest_error_payload
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.bridge_errors import MAX_MESSAGE, Problem, of_rest, of_rpc, of_stranger, to_rest, to_rpc
from fedgate.core.rawjson import Raw

ERRORS = [each for each in sdk.JSON_RPC_ERROR_CODE_MAP if each is not sdk.JSONParseError]
INFO = "type.googleapis.com/google.rpc.ErrorInfo"


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize("error", ERRORS, ids=[each.__name__ for each in ERRORS])
def test_an_error_of_1_0_is_in_the_other_binding_what_the_sdk_writes_there(error: type[sdk.A2AError]) -> None:
    raised = error("why", data={"taskId": "t1"})
    rpc = build_error_response(1, raised)["error"]
    rest = build_rest_error_payload(raised)
    answered = to_rest(of_rpc(raw(rpc)), "1.0")
    assert (answered.status, json.loads(answered.body)) == (rest["error"]["code"], rest)
    problem = of_rest("GetTask", rest["error"]["code"], json.dumps(rest).encode())
    assert json.loads(to_rpc(problem, "1.0")) == rpc


@pytest.mark.parametrize("error", ERRORS, ids=[each.__name__ for each in ERRORS])
def test_an_error_of_1_0_has_in_0_3_the_code_that_the_sdk_gives_it(error: type[sdk.A2AError]) -> None:
    raised = error("why")
    legacy = json.loads(to_rpc(of_rpc(raw(build_error_response(1, raised)["error"])), "0.3"))
    assert (legacy["code"], legacy["message"]) == (to_legacy(raised).code, "why")


@pytest.mark.parametrize("error", ERRORS, ids=[each.__name__ for each in ERRORS])
def test_an_error_over_rest_of_0_3_is_named_as_its_sdk_looks_for_it(error: type[sdk.A2AError]) -> None:
    problem = of_rpc(raw(build_error_response(1, error("why"))["error"]))
    answered = to_rest(problem, "0.3")
    body = json.loads(answered.body)
    assert (body["type"], body["message"]) == (error.__name__, "why")
    assert of_rest(
        "GetTask", answered.status, json.dumps({"type": body["type"], "message": "why"}).encode()
    ) == Problem(problem.code, "why")


@pytest.mark.parametrize(
    ("operation", "status", "body", "code"),
    [
        ("GetTask", 404, {"message": "m"}, -32001),
        ("ListTasks", 404, {"message": "m"}, -32601),
        ("CancelTask", 409, {"message": "m"}, -32002),
        ("SendMessage", 409, {"message": "m"}, -32603),
        ("SendMessage", 422, {"message": "m"}, -32602),
        ("SendMessage", 501, {"message": "m"}, -32004),
        ("GetTaskPushNotificationConfig", 501, {"message": "m"}, -32003),
        ("SendMessage", 415, {"message": "m"}, -32005),
        ("SendMessage", 502, {"message": "m"}, -32006),
        ("SendMessage", 400, {"message": "m"}, -32600),
        ("SendMessage", 500, {"message": "m"}, -32603),
        ("SendMessage", 418, {"message": "m"}, -32603),
        ("SendMessage", 400, {"error": {"message": "m", "status": "INVALID_ARGUMENT"}}, -32602),
        ("SendMessage", 400, {"error": {"message": "m", "status": "FAILED_PRECONDITION"}}, -32004),
        ("SendMessage", 404, {"message": "m", "type": "AuthenticatedExtendedCardNotConfiguredError"}, -32007),
        ("SendMessage", 0, {"error": {"message": "m", "code": 404}}, -32001),
        ("SendMessage", 0, {"error": {"message": "m", "code": "x"}}, -32603),
    ],
)
def test_an_error_that_gives_no_reason_is_known_by_its_status(
    operation: str, status: int, body: dict[str, Any], code: int
) -> None:
    problem = of_rest(operation, status, json.dumps(body).encode())
    assert (problem.code, problem.message) == (code, "m")


def test_statuses_that_say_more_than_the_protocol_survive_between_versions() -> None:
    problem = of_rest("GetTask", 429, b'{"message":"slow down"}')
    answered = to_rest(problem, "1.0")
    assert answered.status == 429
    assert json.loads(answered.body)["error"]["status"] == "RESOURCE_EXHAUSTED"
    assert json.loads(to_rpc(problem, "1.0"))["code"] == -32603


def test_details_survive_and_are_made_where_1_0_demands_them() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": []}]
    made = {"@type": INFO, "reason": "INVALID_PARAMS", "domain": "a2a-protocol.org", "metadata": {}}
    problem = of_rpc(raw({"code": -32602, "message": "m", "data": details}))
    assert json.loads(to_rpc(problem, "1.0"))["data"] == [made, *details]
    assert json.loads(to_rpc(problem, "0.3"))["data"] == details
    assert json.loads(to_rest(problem, "1.0").body)["error"]["details"] == [made, *details]


@pytest.mark.parametrize(
    ("data", "reason", "metadata"),
    [
        ({"a": "b", "n": {"x": 1}}, "TASK_NOT_FOUND", {"a": "b", "n": '{"x": 1}'}),
        ("text", "TASK_NOT_FOUND", {"data": "text"}),
        ([1], "TASK_NOT_FOUND", {"data": "[1]"}),
        (None, "TASK_NOT_FOUND", {}),
        ({"reason": "CONTEXT_LOST", "metadata": {"contextId": "c"}}, "CONTEXT_LOST", {"contextId": "c"}),
    ],
)
def test_free_data_of_0_3_becomes_the_metadata_of_a_detail(data: Any, reason: str, metadata: dict[str, str]) -> None:
    problem = of_rpc(raw({"code": -32001, "message": "m", "data": data}))
    assert json.loads(to_rpc(problem, "1.0"))["data"] == [
        {"@type": INFO, "reason": reason, "domain": "a2a-protocol.org", "metadata": metadata}
    ]
    assert json.loads(to_rpc(problem, "0.3")).get("data") == data


def test_a_code_of_nobody_is_passed_on_and_an_internal_error_in_rest() -> None:
    problem = of_rpc(raw({"code": -32050, "message": "m"}))
    assert json.loads(to_rpc(problem, "0.3")) == {"code": -32050, "message": "m"}
    assert json.loads(to_rpc(problem, "1.0"))["code"] == -32050
    answered = to_rest(problem, "1.0")
    assert answered.status == 500
    assert json.loads(answered.body)["error"]["details"][0]["reason"] == "UNKNOWN_ERROR"


def test_a_sentence_has_a_limit_and_may_be_missing() -> None:
    assert len(of_rpc(raw({"code": 1, "message": "m" * 10_000})).message) == MAX_MESSAGE
    assert of_rpc(raw({"code": 1})).message == "the agent gave no reason"


def test_a_router_that_does_not_know_the_operation_says_so() -> None:
    for status in (404, 405, 501):
        assert of_stranger("GetTask", status) == Problem(-32601, "the agent does not know GetTask")
    with pytest.raises(ValueError, match="it is HTTP 503 without an error of the protocol"):
        of_stranger("GetTask", 503)


@pytest.mark.parametrize("error", [b"7", b"{}", b'{"code":"x"}', b'{"code":true}', b'{"code":1.5}'])
def test_an_error_without_a_code_is_none(error: bytes) -> None:
    with pytest.raises(ValueError, match=r"no code|not a JSON object"):
        of_rpc(Raw(error))


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"detail":"Not Found"}', b'{"error":{"code":1}}'])
def test_a_body_without_a_sentence_is_no_error_of_the_protocol(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"no error of the protocol|not a JSON object"):
        of_rest("GetTask", 404, body)


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=4) | st.just(INFO),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["error", "code", "message", "details", "data", "@type", "reason", "metadata", "status"]),
            inner,
            max_size=5,
        )
    ),
    max_leaves=10,
)


@given(JSON | st.fixed_dictionaries({"code": st.integers(), "message": st.just("m"), "data": JSON, "details": JSON}))
def test_any_json_is_an_error_or_a_value_error(value: Any) -> None:
    for read in (of_rpc, lambda raw: of_rest("GetTask", 400, bytes(raw))):
        try:
            problem = read(raw(value))
            for version in ("1.0", "0.3"):
                json.loads(to_rpc(problem, version))
                assert json.loads(to_rest(problem, version).body)["error"]["details"]
        except ValueError:
            continue
