"""a2a/inbound.py: a request is read or refused by the first rule that it breaks, and the refusal knows who asked."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.inbound import MAX_RPC_ID, read, speech_of
from fedgate.a2a.operations import OPERATIONS, method_name, route_path
from fedgate.a2a.values import Asked, Ids, Speech, Version
from fedgate.core.call import Request
from fedgate.core.errors import ClientError, MethodNotAllowed

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, compact, dump, message, request, rpc, shown

VERSIONS: list[Version] = ["1.0", "0.3"]
POST = request()
TASK: dict[Version, dict[str, Any]] = {"1.0": {"id": "t"}, "0.3": {"id": "t"}}
PARAMS: dict[str, dict[Version, dict[str, Any]]] = {
    "GetTask": TASK,
    "CancelTask": TASK,
    "SubscribeToTask": TASK,
    "SendMessage": {"1.0": {"message": message()}, "0.3": {"message": message()}},
    "SendStreamingMessage": {"1.0": {"message": message()}, "0.3": {"message": message()}},
    "ListTasks": {"1.0": {}},
    "CreateTaskPushNotificationConfig": {
        "1.0": {"taskId": "t", "id": "p"},
        "0.3": {"taskId": "t", "pushNotificationConfig": {"id": "p"}},
    },
    "GetTaskPushNotificationConfig": {
        "1.0": {"taskId": "t", "id": "p"},
        "0.3": {"id": "t", "pushNotificationConfigId": "p"},
    },
    "DeleteTaskPushNotificationConfig": {
        "1.0": {"taskId": "t", "id": "p"},
        "0.3": {"id": "t", "pushNotificationConfigId": "p"},
    },
    "ListTaskPushNotificationConfigs": {"1.0": {"taskId": "t"}, "0.3": {"id": "t"}},
    "GetExtendedAgentCard": {"1.0": {}, "0.3": {}},
}
"""What each operation needs in JSON-RPC."""


def refusal(rest: str, head: Request, body: bytes) -> tuple[int, Speech | None, bytes]:
    with pytest.raises(A2aError) as caught:
        read("x", rest, head, body)
    return shown(caught.value)


# JSON-RPC.


@pytest.mark.parametrize("rest", ["", "/"])
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_method_is_read_in_both_versions(operation: str, version: Version, rest: str) -> None:
    method = method_name(operation, version)
    if method is None:
        return
    body = rpc(method, PARAMS[operation][version])
    asked = read("x", rest, POST, body)
    config = "p" if operation.endswith("Config") else ""
    task = "" if operation in ("ListTasks", "GetExtendedAgentCard") or operation.startswith("Send") else "t"
    sends = operation.startswith("Send")
    assert asked.ids == Ids(task, config=config, message="m-1" if sends else "", bare=sends)
    assert (asked.operation, asked.speech, asked.agent) == (operation, Speech(version, "jsonrpc"), "x")
    assert (asked.path, asked.query, asked.method, asked.extensions) == ("", "", "POST", "")
    assert asked.body is body
    assert bytes(asked.id) == b"1"
    assert bytes(asked.params) == dump(PARAMS[operation][version])


def test_the_bytes_are_kept_as_they_came() -> None:
    params = b'{ "message": {"contextId":"c","parts":[{"data":1.50e+3}],"x":{"y":1,"y":2}},"z" :[ ] }'
    body = b' {"method":"SendMessage","id": "\\u0061-1" ,"x":1,"jsonrpc":"2.0","params":%b}\n' % params
    asked = read("x", "", POST, body)
    assert asked.body is body
    assert (bytes(asked.params), bytes(asked.id)) == (params, b'"\\u0061-1"')
    assert asked.ids == Ids(context="c", bare=True)


@pytest.mark.parametrize("id_", [b"0", b"-7", b"1.5", b'""', b'"abc"', b"12345678901234567890", b'"%b"' % (b"a" * 510)])
def test_ids_are_strings_or_numbers_and_are_kept_as_they_were_written(id_: bytes) -> None:
    body = b'{"jsonrpc":"2.0","method":"ListTasks","id":%b}' % id_
    assert bytes(read("x", "", POST, body).id) == id_


@pytest.mark.parametrize(
    ("body", "code", "id_"),
    [
        (b"", -32700, b""),
        (b"{", -32700, b""),
        (b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"\xff"}}', -32700, b""),
        (b"[]", -32600, b""),
        (b'[{"jsonrpc":"2.0","id":1,"method":"GetTask"}]', -32600, b""),
        (b'"GetTask"', -32600, b""),
        (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ListTasks"}', -32602, b""),
        (b'{"jsonrpc":"2.0","id":1,"method":"ListTasks","method":"GetTask"}', -32602, b""),
        (b'{"jsonrpc":"2.0","id":1,"method":"ListTasks","Params":{"contextId":"c"}}', -32602, b""),
        (b'{"jsonrpc":"2.0","id":1,"method":"ListTasks","x":1,"x":2}', -32602, b""),
        (b'{"jsonrpc":"2.0","method":"ListTasks"}', -32600, b""),
        (b'{"jsonrpc":"2.0","id":null,"method":"ListTasks"}', -32600, b""),
        (b'{"jsonrpc":"2.0","id":true,"method":"ListTasks"}', -32600, b""),
        (b'{"jsonrpc":"2.0","id":{},"method":"ListTasks"}', -32600, b""),
        (b'{"jsonrpc":"2.0","id":[1],"method":"ListTasks"}', -32600, b""),
        (b'{"jsonrpc":"2.0","id":"%b","method":"ListTasks"}' % (b"a" * MAX_RPC_ID), -32600, b""),
        (b'{"id":7,"method":"ListTasks"}', -32600, b"7"),
        (b'{"jsonrpc":"1.0","id":7,"method":"ListTasks"}', -32600, b"7"),
        (b'{"jsonrpc":2.0,"id":7,"method":"ListTasks"}', -32600, b"7"),
        (b'{"jsonrpc":"2.0","id":7}', -32600, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":null}', -32600, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":["ListTasks"]}', -32600, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":""}', -32600, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"tools/call"}', -32601, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"tasks/list"}', -32601, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"ListTasks","params":null}', -32602, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"ListTasks","params":[]}', -32602, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"GetExtendedAgentCard","params":"x"}', -32602, b"7"),
        (b'{"jsonrpc":"2.0","id":7,"method":"ListTasks","params":{"contextId":5}}', -32602, b"7"),
    ],
)
def test_a_request_that_breaks_a_rule_is_refused_under_its_id(body: bytes, code: int, id_: bytes) -> None:
    assert refusal("", POST, body) == (code, RPC, id_)


@pytest.mark.parametrize(
    ("version", "method", "code", "speech"),
    [
        ("", "GetTask", 0, RPC),
        ("", "tasks/get", 0, LEGACY_RPC),
        ("1.0", "GetTask", 0, RPC),
        ("1.0.1", "GetTask", 0, RPC),
        ("0.3", "tasks/get", 0, LEGACY_RPC),
        ("0.3.0", "tasks/get", 0, LEGACY_RPC),
        ("1.0", "tasks/get", -32601, RPC),
        ("0.3", "GetTask", -32009, RPC),
        ("2.0", "GetTask", -32009, RPC),
        ("99.0", "tasks/get", -32009, RPC),
        ("1.1", "GetTask", -32009, RPC),
        ("1", "GetTask", -32009, RPC),
        ("1.0, 0.3", "GetTask", -32009, RPC),
        ("v1.0", "GetTask", -32009, RPC),
        ("1.0\x00", "GetTask", -32009, RPC),
        ("2.0", "tasks/list", -32601, RPC),
    ],
)
@pytest.mark.parametrize("where", ["header", "query"])
def test_a_version_that_is_named_must_be_the_methods(
    version: str, method: str, code: int, speech: Speech, where: str
) -> None:
    if where == "header":
        head = request(a2a_version=version.encode())
    else:
        head = request(query=b"x=1&A2A-Version=" + version.replace(" ", "%20").replace("\x00", "%00").encode())
    body = rpc(method, {"id": "t"}, id="i")
    if code:
        assert refusal("", head, body) == (code, speech, b'"i"')
    else:
        assert read("x", "", head, body).speech == speech


def test_the_header_and_the_query_must_not_contradict_one_another() -> None:
    same = request(query=b"A2A-Version=1.0", a2a_version=b"1.0")
    assert read("x", "", same, rpc("ListTasks")).speech == RPC
    assert refusal("", request(query=b"A2A-Version=0.3", a2a_version=b"1.0"), rpc("ListTasks"))[0] == -32600
    assert refusal("", request(query=b"A2A-Version=0.3&A2A-Version=1.0"), rpc("ListTasks"))[0] == -32600


def test_errors_in_what_an_old_method_was_sent_are_told_in_the_old_form() -> None:
    assert refusal("", POST, rpc("tasks/get", {})) == (-32602, LEGACY_RPC, b"1")


@pytest.mark.parametrize("kind", [b"", b"text/plain", b"application/x-www-form-urlencoded", b"application/a2a+json"])
def test_json_rpc_is_sent_as_json(kind: bytes) -> None:
    assert refusal("", request(content_type=kind), rpc("ListTasks")) == (-32005, RPC, b"")
    assert refusal("", request(content_type=kind, a2a_version=b"0.3"), rpc("tasks/get"))[1] == LEGACY_RPC


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"Application/JSON", b" application/json ;x"])
def test_parameters_of_the_content_type_do_not_matter(kind: bytes) -> None:
    assert read("x", "", request(content_type=kind), rpc("ListTasks")).operation == "ListTasks"


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
def test_json_rpc_is_sent_by_post(method: str) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        read("x", "/", request(method), b"")
    assert caught.value.headers == ((b"allow", b"POST"),)


@pytest.mark.parametrize(
    ("headers", "extensions"),
    [
        ({}, ""),
        ({"a2a_extensions": b"urn:a, urn:b"}, "urn:a, urn:b"),
        ({"x_a2a_extensions": b"urn:a"}, "urn:a"),
        ({"a2a_extensions": b"urn:a", "x_a2a_extensions": b"urn:a"}, "urn:a"),
        ({"a2a_extensions": b"urn:a", "x_a2a_extensions": b"urn:b"}, "urn:a, urn:b"),
    ],
)
def test_extensions_are_read_by_either_name(headers: Any, extensions: str) -> None:
    assert read("x", "", request(**headers), rpc("ListTasks")).extensions == extensions
    assert read("x", "/tasks", request("GET", **headers), b"").extensions == extensions


def test_half_surrogates_are_mended_in_what_is_sent_on() -> None:
    body = b'{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"contextId":"c","x":"\\ud83d"}}}'
    asked = read("x", "", POST, body)
    assert asked.body == body.replace(b"\\ud83d", b"\\ufffd")
    assert bytes(asked.params) in asked.body


# HTTP+JSON.


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_every_route_is_read_in_both_versions(operation: str, version: Version) -> None:
    written = route_path(operation, version, "t 1", "p")
    if written is None:
        return
    method, rest = written
    body = dump({"message": message()}) if operation.startswith("Send") else b"{}" if method == "POST" else b""
    asked = read("x", rest, request(method), body)
    assert (asked.operation, asked.speech, asked.agent) == (operation, Speech(version, "rest"), "x")
    assert (asked.method, asked.path, asked.query) == (method, rest.removeprefix("/v1"), "")
    assert asked.body is body
    assert (bytes(asked.params), bytes(asked.id)) == (body, b"")
    assert asked.ids.task == ("t 1" if "/tasks/" in rest else "")
    assert asked.ids.config == ("p" if rest.endswith("/p") else "")


def test_a_query_is_passed_on_without_the_version() -> None:
    asked = read("x", "/tasks", request("GET", b"pageSize=5&A2A-Version=1.0.3&contextId=c%201"), b"")
    assert (asked.query, asked.ids) == ("pageSize=5&contextId=c%201", Ids(context="c 1"))


@pytest.mark.parametrize(
    ("rest", "version", "code", "speech"),
    [
        ("/tasks/t", "", 0, REST),
        ("/tasks/t", "1.0", 0, REST),
        ("/v1/tasks/t", "", 0, LEGACY_REST),
        ("/v1/tasks/t", "0.3", 0, LEGACY_REST),
        ("/tasks/t", "0.3", -32009, REST),
        ("/v1/tasks/t", "1.0", -32009, LEGACY_REST),
        ("/tasks/t", "99.0", -32009, REST),
    ],
)
def test_the_path_says_the_version_and_the_header_must_agree(
    rest: str, version: str, code: int, speech: Speech
) -> None:
    for head in (request("GET", a2a_version=version.encode()), request("GET", b"A2A-Version=" + version.encode())):
        if code:
            assert refusal(rest, head, b"") == (code, speech, b"")
        else:
            assert read("x", rest, head, b"").speech == speech


@pytest.mark.parametrize(
    ("method", "rest", "why"),
    [
        ("GET", "/nothing", "there is no such operation of A2A"),
        ("GET", "/v1/nothing", "there is no such operation of A2A"),
        ("GET", "/tasks/a%2Fb", "there is no such operation of A2A"),
        ("GET", "/v1/tasks", "ListTasks came with A2A 1.0: GET /tasks"),
        ("GET", "/acme/tasks/t", "this gateway serves no tenants; leave out the first segment of the path"),
        ("POST", "/acme/message:send", "this gateway serves no tenants; leave out the first segment of the path"),
    ],
)
def test_an_unknown_path_is_told_why(method: str, rest: str, why: str) -> None:
    with pytest.raises(A2aError) as caught:
        read("x", rest, request(method), b"")
    assert (caught.value.code, caught.value.status, caught.value.message) == (-32601, 404, why)
    assert caught.value.speech == (LEGACY_REST if rest.startswith("/v1") else REST)


@pytest.mark.parametrize(
    ("method", "rest", "allow"), [("POST", "/tasks/t", b"GET"), ("HEAD", "/v1/tasks/t:subscribe", b"GET, POST")]
)
def test_a_known_path_says_which_methods_it_has(method: str, rest: str, allow: bytes) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        read("x", rest, request(method), b"")
    assert caught.value.headers == ((b"allow", allow),)


@pytest.mark.parametrize(
    ("method", "rest", "body", "code"),
    [
        ("POST", "/message:send", b"", -32700),
        ("POST", "/message:send", b"{", -32700),
        ("POST", "/message:send", b"[]", -32600),
        ("POST", "/tasks/t/pushNotificationConfigs", b"", -32700),
        ("POST", "/tasks/t:cancel", b"x", -32700),
        ("POST", "/tasks/t:cancel", b"[]", -32600),
        ("GET", "/tasks/t", b"{}", -32600),
        ("DELETE", "/tasks/t/pushNotificationConfigs/p", b"{}", -32600),
        ("GET", "/tasks/%00", b"", -32602),
    ],
)
def test_a_body_must_fit_its_route(method: str, rest: str, body: bytes, code: int) -> None:
    assert refusal(rest, request(method), body) == (code, REST, b"")
    assert refusal("/v1" + rest, request(method), body) == (code, LEGACY_REST, b"")


@pytest.mark.parametrize("kind", [b"application/json", b"application/a2a+json", b"application/a2a+json; v=1"])
def test_http_json_may_have_a_media_type_of_its_own(kind: bytes) -> None:
    assert read("x", "/message:send", request(content_type=kind), b"{}").operation == "SendMessage"


def test_a_content_type_is_needed_for_a_body_alone() -> None:
    assert read("x", "/tasks/t:cancel", request(content_type=b""), b"").operation == "CancelTask"
    assert read("x", "/tasks/t", request("GET", content_type=b"text/plain"), b"").operation == "GetTask"
    assert refusal("/message:send", request(content_type=b"text/plain"), b"{}") == (-32005, REST, b"")
    assert refusal("/v1/message:send", request(content_type=b""), b"{}") == (-32005, LEGACY_REST, b"")


# Who asked, when nobody has read the body.


@pytest.mark.parametrize(
    ("rest", "version", "speech"),
    [
        ("", b"", RPC),
        ("/", b"1.0", RPC),
        ("", b"0.3", LEGACY_RPC),
        ("", b"0.3.1", LEGACY_RPC),
        ("", b"0.31", RPC),
        ("/tasks", b"", REST),
        ("/v1/tasks", b"1.0", LEGACY_REST),
        ("/nothing", b"0.3", REST),
    ],
)
def test_how_to_answer_is_known_from_the_head(rest: str, version: bytes, speech: Speech) -> None:
    assert speech_of(rest, request(a2a_version=version)) == speech


# Whatever comes.

ODD: list[Any] = [None, 1, "", "t", "2.0", "GetTask", "message/send", [], {}, {"message": {"taskId": "t"}}]
BODIES = st.dictionaries(st.sampled_from(["jsonrpc", "id", "method", "params", "Id", "x"]), st.sampled_from(ODD)).map(
    compact
)


@given(st.binary(max_size=80) | BODIES)
@example(b'{"jsonrpc":"2.0","id":1,"method":"GetTask","params":{"id":"\\ud800"}}')
@example(b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}')
@example(b'{"a":' * 20_000)
def test_any_body_is_read_or_refused(body: bytes) -> None:
    for rest in ("", "/message:send", "/v1/message:send", "/tasks/t:cancel"):
        with suppress(ClientError):
            assert isinstance(read("x", rest, POST, body), Asked)


@given(
    st.text(max_size=30) | st.sampled_from(["/tasks", "/tasks/t", "/message:send", "/v1/tasks/t"]),
    st.sampled_from(["GET", "POST", "DELETE", "HEAD", "\xff"]),
    st.binary(max_size=30),
    st.binary(max_size=12),
)
def test_any_head_is_read_or_refused(rest: str, method: str, query: bytes, header: bytes) -> None:
    head = request(method, query, a2a_version=header, a2a_extensions=header, content_type=header)
    with suppress(ClientError):
        assert isinstance(read("x", rest, head, b"{}"), Asked)
    assert isinstance(speech_of(rest, head), Speech)


def test_a_method_that_nobody_knows_is_unknown_in_the_version_that_the_header_names() -> None:
    for version, speech in (("0.3", LEGACY_RPC), ("1.0", RPC), ("", RPC)):
        head = request(a2a_version=version.encode()) if version else request()
        assert refusal("", head, rpc("tasks/list", {}, id="i")) == (-32601, speech, b'"i"')
