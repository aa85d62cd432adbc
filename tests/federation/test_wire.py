"""federation/wire.py: one request in the spelling of each era, and its answers in the client's."""

import json
from typing import Any

import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.jsonrpc import Message, parse_one
from fedgate.core.rawjson import EMPTY, Raw
from fedgate.federation.headers import decode_value
from fedgate.federation.messages import Answer, Client, Notice, Outbound
from fedgate.federation.wire import (
    answer_of,
    cancelled,
    notice_of,
    refuse,
    request_body,
    request_headers,
    response_body,
    server_answer,
    token_of,
)

from .fakes import META, MODERN, dump, raws

CLIENT = Client("key", Raw(b'{"sampling": {}}'), Raw(b'{"name": "n"}'), "warning")


def outbound(method: str = "tools/call", name: str = "add", /, **meta: Any) -> Outbound:
    return Outbound(method, raws({"name": "add", "arguments": {"a": 1}}), raws(meta), CLIENT, name)


def sent(out: Outbound, era: Any = "legacy") -> Any:
    return json.loads(request_body(out, era, 7))


def message(rest: str) -> Message:
    return parse_one(b'{"jsonrpc":"2.0",' + rest.encode() + b"}")


def test_a_legacy_request_has_no_envelope() -> None:
    meta: dict[str, Any] = {META + "protocolVersion": MODERN, META + "clientCapabilities": {}, "com.example/x": 1}
    out = outbound(**meta)
    assert sent(out) == {
        "jsonrpc": "2.0",
        "id": 7,
        "method": "tools/call",
        "params": {"name": "add", "arguments": {"a": 1}, "_meta": {"com.example/x": 1}},
    }
    assert "_meta" not in sent(outbound(**{META + "logLevel": "debug"}))["params"]


def test_a_modern_request_carries_the_envelope_of_its_client() -> None:
    meta = sent(outbound(traceparent="00-1", **{META + "protocolVersion": "old"}), "modern")["params"]["_meta"]
    assert meta == {
        "traceparent": "00-1",
        META + "protocolVersion": MODERN,
        META + "clientCapabilities": {"sampling": {}},
        META + "clientInfo": {"name": "n"},
        META + "logLevel": "warning",
    }


def test_what_is_not_known_of_a_client_is_not_said() -> None:
    out = Outbound("tools/list", {}, {})
    assert sent(out, "modern")["params"]["_meta"] == {META + "protocolVersion": MODERN, META + "clientCapabilities": {}}


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_progress_token_is_ours_if_the_client_has_one(era: Any) -> None:
    assert sent(outbound(progressToken="theirs"), era)["params"]["_meta"]["progressToken"] == 7
    assert "progressToken" not in sent(outbound(x=1), era)["params"]["_meta"]


def test_arguments_keep_their_bytes() -> None:
    out = Outbound("tools/call", {"arguments": Raw(b'{ "a": 1.50, "a": 2 }')}, {})
    assert b'"arguments":{ "a": 1.50, "a": 2 }' in request_body(out, "legacy", 1)


@pytest.mark.parametrize(
    ("method", "name", "shown"),
    [
        ("tools/call", "add", "add"),
        ("prompts/get", "größe", "größe"),
        ("resources/read", "file:///x", "file:///x"),
        ("tasks/get", "t1", "t1"),
        ("tools/call", "a\r\nevil: 1", "a\r\nevil: 1"),
        ("tools/call", "", None),
        ("tools/list", "add", None),
        ("completion/complete", "add", None),
    ],
)
def test_modern_headers_repeat_the_method_and_the_name(method: str, name: str, shown: str | None) -> None:
    headers = dict(request_headers(outbound(method, name)))
    assert headers[b"mcp-protocol-version"] == MODERN.encode()
    assert headers[b"mcp-method"] == method.encode()
    field = headers.get(b"mcp-name")
    assert (None if field is None else decode_value(field.decode("ascii"))) == shown
    assert all(b"\r" not in value for value in headers.values())


def test_the_parameters_of_a_call_travel_as_headers() -> None:
    params = ((b"mcp-param-region", b"eu"),)
    out = Outbound("tools/call", {}, {}, name="add", param_headers=params)
    assert request_headers(out)[-1:] == params


def test_a_cancellation_names_our_request() -> None:
    assert json.loads(cancelled(7))["requestId"] == 7


@pytest.mark.parametrize(
    ("rest", "answer"),
    [
        ('"id":1,"result":{"a": 1}', Answer(result=b'{"a": 1}')),
        ('"id":1,"error":{"code":-1,"message":"m", "x":1}', Answer(error=b'{"code":-1,"message":"m", "x":1}')),
        ('"id":1,"error":{"code":-1}', Answer(error=b'{"code":-1}')),
        ('"id":1,"result":{},"error":{"code":1,"message":"m"}', Answer(error=b'{"code":1,"message":"m"}')),
        ('"id":1,"result":{},"error":null', Answer(result=b"{}")),
    ],
)
def test_an_answer_is_a_result_or_an_error_as_it_was(rest: str, answer: Answer) -> None:
    assert answer_of(message(rest)) == answer
    assert server_answer(message(rest)) == answer


@pytest.mark.parametrize("result", ["null", "7", '"ok"', "[]", "true"])
def test_a_result_that_is_no_object_becomes_an_error(result: str) -> None:
    answer = answer_of(message(f'"id":1,"result":{result}'))
    assert answer.result == b""
    assert json.loads(answer.error) == {"code": -32603, "message": "the answer's result is no object"}
    with pytest.raises(UpstreamInvalid, match="the answer's result is no object"):
        server_answer(message(f'"id":1,"result":{result}'))


@pytest.mark.parametrize(
    "error", ["7", '"no"', "[]", "{}", '{"message":"m"}', '{"code":"1"}', '{"code":true}', '{"code":1.5}']
)
def test_an_error_without_a_code_becomes_one_with_a_code(error: str) -> None:
    answer = answer_of(message(f'"id":1,"error":{error}'))
    assert json.loads(answer.error) == {"code": -32603, "message": "the answer's error is no error object"}
    with pytest.raises(UpstreamInvalid, match="the answer's error is no error object"):
        server_answer(message(f'"id":1,"error":{error}'))


def test_progress_gets_the_clients_own_token_back() -> None:
    progress = message('"method":"notifications/progress","params":{"progressToken":7, "progress": 0.50}')
    notice = notice_of(progress, outbound(progressToken="theirs"))
    assert notice.method == "notifications/progress"
    assert notice.params == b'{"progressToken":"theirs","progress":0.50}'


@pytest.mark.parametrize(
    ("rest", "meta"),
    [
        ('"method":"notifications/message","params":{"level": "info"}', {"progressToken": 1}),
        ('"method":"notifications/progress","params":{"progressToken": 7}', {}),
        ('"method":"notifications/progress","params":[7]', {"progressToken": 1}),
        ('"method":"notifications/progress"', {"progressToken": 1}),
    ],
)
def test_other_notices_pass_as_they_are(rest: str, meta: dict[str, Any]) -> None:
    given = message(rest)
    assert notice_of(given, outbound(**meta)) == Notice(given.method or "", bytes(given.params))


def test_progress_that_cannot_be_read_passes_as_it_is() -> None:
    given = Message(method="notifications/progress", params=Raw(b'{"\xff":1}'))
    assert notice_of(given, outbound(progressToken=1)).params == b'{"\xff":1}'


@pytest.mark.parametrize(
    ("params", "token"),
    [
        ('{"progressToken":7}', 7),
        ('{"progressToken":"7"}', None),
        ('{"progressToken":true}', None),
        ('{"progressToken":7.0}', None),
        ("{}", None),
        ("[]", None),
    ],
)
def test_our_tokens_are_integers(params: str, token: int | None) -> None:
    assert token_of(message(f'"method":"notifications/progress","params":{params}')) == token


def test_a_token_without_parameters_is_none() -> None:
    assert token_of(Message(method="notifications/progress", params=EMPTY)) is None


def test_what_nobody_can_answer_is_refused_in_words() -> None:
    assert json.loads(refuse("roots/list").error) == {"code": -32601, "message": "roots/list is not available"}
    assert "not available: nobody there" in json.loads(refuse("roots/list", "nobody there").error)["message"]


def test_answers_to_a_server_keep_its_id() -> None:
    assert response_body(Raw(b'"a"'), Answer(result=b'{"x": 1}')) == b'{"jsonrpc":"2.0","id":"a","result":{"x": 1}}'
    assert response_body(Raw(b"1"), Answer(error=b"{}")) == b'{"jsonrpc":"2.0","id":1,"error":{}}'
    assert response_body(Raw(b"1"), Answer()) == b'{"jsonrpc":"2.0","id":1,"result":{}}'


def test_a_request_is_readable_json_whatever_its_method() -> None:
    body = request_body(Outbound('x"\n', {"a": Raw(dump([1]))}, {}), "legacy", 1)
    assert parse_one(body).method == 'x"\n'
