"""federation/inbound.py: a request is read or refused by the first rule that it breaks, and never otherwise."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.core.call import Request
from fedgate.core.errors import (
    BadRequest,
    ClientError,
    MethodNotAllowed,
    NotAcceptable,
    RpcError,
    UnsupportedMediaType,
)
from fedgate.core.jsonrpc import Message
from fedgate.core.rawjson import Raw
from fedgate.federation.inbound import (
    MAX_BATCH,
    Inbound,
    check_http,
    era_of,
    id_of,
    read_legacy,
    read_message,
    read_modern,
    require_session_id,
    says_modern,
)

from .fakes import META, MODERN, dump, envelope, modern, request


def shown(inbound: Inbound) -> tuple[str, str, Any, Any]:
    """Kind, method, params and meta of what was read."""
    params = {key: json.loads(bytes(part)) for key, part in inbound.params.items()}
    meta = {key: json.loads(bytes(part)) for key, part in inbound.meta.items()}
    return inbound.kind, inbound.message.method or "", params, meta


# HTTP.


@pytest.mark.parametrize(
    ("version", "era"),
    [
        (b"", "legacy"),
        (b"2024-11-05", "legacy"),
        (b"2025-03-26", "legacy"),
        (b"2025-06-18", "legacy"),
        (b" 2025-11-25 ", "legacy"),
        (b"2026-07-28", "modern"),
        (b"2027-01-01", "modern"),
        (b"nonsense", "modern"),
    ],
)
def test_the_version_header_decides_the_era(version: bytes, era: str) -> None:
    assert era_of(request({b"mcp-protocol-version": version})) == era


@pytest.mark.parametrize(
    "accept",
    [
        b"application/json, text/event-stream",
        b"text/event-stream,application/json",
        b"Application/JSON, Text/Event-Stream",
        b"application/json;q=0.9 , text/event-stream; q=0.001",
        b"application/json;charset=utf-8, text/event-stream;q=1.000",
        b"*/*",
        b"application/*, text/*",
        b"text/html, */*;q=0.1",
        b"application/json;q=0, application/json, text/event-stream",
        b"*/*;q=0, application/json, text/event-stream",
    ],
)
def test_an_accept_that_allows_both_kinds_of_answer_is_enough(accept: bytes) -> None:
    assert check_http(request({b"accept": accept}), "legacy") is None


@pytest.mark.parametrize(
    "accept",
    [
        b"",
        b"application/json",
        b"text/event-stream",
        b"application/jsonp, text/event-stream",
        b"application/json, text/event-streams",
        b"x-application/json, text/event-stream",
        b"application/json, text/event-stream;q=0",
        b"application/json;q=0.000, text/event-stream",
        b"application/json, */*;q=0",
        b"application/json, text/event-stream;q=0, */*",
        b"application/json, text/*;q=0, */*",
        b"application/json text/event-stream",
        b"json, event-stream",
        b",;,",
    ],
)
def test_an_accept_that_allows_only_one_kind_of_answer_is_refused(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="send Accept: application/json, text/event-stream"):
        check_http(request({b"accept": accept}), "modern")


@pytest.mark.parametrize("kind", [b"application/json", b"Application/JSON; charset=utf-8", b" application/json ;x=y"])
def test_a_json_content_type_is_read_whatever_its_case_and_parameters(kind: bytes) -> None:
    assert check_http(request({b"content-type": kind}), "modern") is None


@pytest.mark.parametrize(
    "kind", [b"", b"text/plain", b"application/json-rpc", b"text/json", b"application/x-www-form-urlencoded"]
)
def test_another_content_type_is_refused(kind: bytes) -> None:
    with pytest.raises(UnsupportedMediaType, match="Content-Type: application/json"):
        check_http(request({b"content-type": kind}), "legacy")


def test_get_is_a_stream_and_delete_the_end_in_the_legacy_era() -> None:
    assert check_http(request({b"accept": b"text/event-stream"}, "GET"), "legacy") == "stream"
    assert check_http(request({b"accept": b""}, "DELETE"), "legacy") == "end"


@pytest.mark.parametrize("accept", [b"", b"application/json", b"text/html", b"text/event-stream;q=0"])
def test_a_get_must_accept_an_event_stream(accept: bytes) -> None:
    with pytest.raises(NotAcceptable, match="text/event-stream"):
        check_http(request({b"accept": accept}, "GET"), "legacy")


@pytest.mark.parametrize(
    ("era", "method", "allow"),
    [
        ("modern", "GET", b"POST"),
        ("modern", "DELETE", b"POST"),
        ("modern", "PUT", b"POST"),
        ("legacy", "PUT", b"GET, POST, DELETE"),
        ("legacy", "HEAD", b"GET, POST, DELETE"),
        ("legacy", "OPTIONS", b"GET, POST, DELETE"),
        ("legacy", "X" * 100, b"GET, POST, DELETE"),
    ],
)
def test_other_methods_are_refused_with_those_that_are_allowed(era: Any, method: str, allow: bytes) -> None:
    with pytest.raises(MethodNotAllowed) as caught:
        check_http(request(method=method), era)
    assert caught.value.headers == ((b"allow", allow),)
    assert len(caught.value.message) < 100


def test_the_session_id_must_be_there() -> None:
    assert require_session_id("x") == "x"
    with pytest.raises(BadRequest, match="Mcp-Session-Id is missing"):
        require_session_id(None)


# Legacy bodies.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"id": 1, "method": "ping"}, ("request", "ping", {}, {})),
        ({"id": "a", "method": "m", "params": {"a": 1}}, ("request", "m", {"a": 1}, {})),
        ({"id": 1, "method": "m", "params": {"_meta": {"x": 1}}}, ("request", "m", {}, {"x": 1})),
        ({"id": 1, "method": "m", "params": {"_meta": 7}}, ("request", "m", {"_meta": 7}, {})),
        ({"method": "n", "params": {"_meta": {"x": 1}}}, ("notification", "n", {}, {"x": 1})),
        ({"id": 1, "result": {}}, ("response", "", {}, {})),
        ({"id": None, "error": {"code": 1, "message": "m"}}, ("response", "", {}, {})),
    ],
)
def test_a_legacy_message_is_what_it_is(body: dict[str, Any], expected: Any) -> None:
    inbound = read_legacy(dump({"jsonrpc": "2.0", **body}))
    assert shown(inbound) == expected
    assert inbound.era == "legacy"


INVALID = -32600
HEAD = b'{"jsonrpc":"2.0",'


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (HEAD + b'"id":1,"method":"m","params":{"a":"\xff"}}', -32700),
        (b"7", INVALID),
        (b"[]", INVALID),
        (b"[7]", INVALID),
        (b'{"id":1,"method":"m"}', INVALID),
        (b'{"jsonrpc":"1.0","id":1,"method":"m"}', INVALID),
        (HEAD + b'"id":1}', INVALID),
        (HEAD + b'"x":1}', INVALID),
        (HEAD + b'"id":null,"method":"m"}', INVALID),
        (HEAD + b'"id":1.5,"method":"m"}', INVALID),
        (HEAD + b'"id":true,"method":"m"}', INVALID),
        (HEAD + b'"id":{},"method":"m"}', INVALID),
        (HEAD + b'"id":"\xff","method":"m"}', -32700),
        (b'{"id":1,"result":{}}', INVALID),
        (HEAD + b'"id":1.5,"result":{}}', INVALID),
        (HEAD + b'"id":[],"error":{}}', INVALID),
        (HEAD + b'"id":1,"method":"m","params":[1]}', -32602),
        (HEAD + b'"id":1,"method":"m","params":"x"}', -32602),
        (HEAD + b'"id":1,"method":"m","params":null}', -32602),
    ],
)
def test_a_legacy_body_that_is_no_message_says_why(body: bytes, code: int) -> None:
    with pytest.raises(RpcError) as caught:
        read_legacy(body)
    assert (caught.value.code, caught.value.status) == (code, 400)
    assert caught.value.message


def test_an_id_beyond_64_bits_is_an_integer_like_any_other() -> None:
    inbound = read_legacy(HEAD + b'"id":123456789012345678901234567890,"method":"m"}')
    assert inbound.message.key == 123456789012345678901234567890


def batch(*messages: dict[str, Any]) -> bytes:
    return dump([{"jsonrpc": "2.0", **message} for message in messages])


def test_a_batch_is_kept_in_order_and_not_judged_message_by_message() -> None:
    inbound = read_legacy(batch({"id": 1, "method": "a"}, {"method": "b"}, {"id": 2, "result": {}}, {"id": None}))
    assert (inbound.kind, len(inbound.batch)) == ("batch", 4)
    assert [message.method for message in inbound.batch] == ["a", "b", None, None]
    assert read_message(inbound.batch[0]).kind == "request"
    with pytest.raises(RpcError):
        read_message(inbound.batch[3])


def test_a_batch_has_a_limit() -> None:
    assert len(read_legacy(batch(*[{"method": "n"}] * MAX_BATCH)).batch) == MAX_BATCH
    with pytest.raises(RpcError, match=f"at most {MAX_BATCH} messages") as caught:
        read_legacy(batch(*[{"method": "n"}] * (MAX_BATCH + 1)))
    assert (caught.value.code, caught.value.status) == (INVALID, 400)


def test_initialize_must_not_stand_in_a_batch() -> None:
    with pytest.raises(RpcError, match="initialize must not be part of a batch") as caught:
        read_legacy(batch({"id": 1, "method": "ping"}, {"id": 2, "method": "initialize"}))
    assert (caught.value.code, caught.value.status) == (INVALID, 400)


def test_a_message_without_a_version_header_may_say_that_it_is_modern() -> None:
    def reads(body: dict[str, Any]) -> bool:
        return says_modern(read_legacy(dump({"jsonrpc": "2.0", **body})))

    assert reads({"id": 1, "method": "m", "params": {"_meta": envelope()}})
    assert not reads({"id": 1, "method": "m", "params": {"_meta": {"progressToken": 1}}})
    assert not reads({"method": "m", "params": {"_meta": envelope()}})


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'"id":7,"id":8,"method":"ping"}', -32600),
        (rb'"id":7,"\u0069d":8,"method":"ping"}', -32600),
        (b'"id":7,"method":"ping","method":"tools/call"}', -32600),
        (b'"id":7,"method":"tools/call","params":{"name":"a"},"params":{"name":"b"}}', -32600),
        (b'"id":7,"method":"tools/call","params":{"name":"a","name":"b"}}', -32602),
        (rb'"id":7,"method":"resources/read","params":{"uri":"a","\u0075ri":"b"}}', -32602),
    ],
)
def test_a_message_that_names_itself_twice_is_refused_because_readers_differ_on_which_counts(
    body: bytes, code: int
) -> None:
    with pytest.raises(RpcError, match="stands twice") as caught:
        read_legacy(HEAD + body)
    assert (caught.value.code, caught.value.status) == (code, 400)


def test_in_a_batch_too_a_message_must_not_name_itself_twice() -> None:
    with pytest.raises(RpcError, match="stands twice"):
        read_legacy(b'[{"jsonrpc":"2.0","method":"a"},' + HEAD + b'"method":"b","method":"c"}]')
    assert len(read_legacy(batch({"id": 1, "method": "a"}, {"id": 2, "method": "b"})).batch) == 2


@pytest.mark.parametrize(
    "body",
    [
        b'"id":7,"method":"tools/call","params":{"name":"a","arguments":{"id":1,"method":"x","name":"b","params":[]}}}',
        rb'"id":7,"method":"tools/call","params":{"name":"a","arguments":{"\u0069d":1}}}',
        rb'"id":7,"method":"tools/call","params":{"name":"a","arguments":{"text":"cut \ud83d"}}}',
    ],
)
def test_arguments_may_use_the_words_of_the_envelope(body: bytes) -> None:
    assert read_legacy(HEAD + body).message.key == 7


def test_a_meta_that_cannot_be_read_is_refused() -> None:
    unreadable = Message(jsonrpc="2.0", method="m", params=Raw(b'{"_meta":{"\xff":1}}'))
    with pytest.raises(RpcError, match=r"params\._meta is not readable") as caught:
        read_message(unreadable)
    assert (caught.value.code, caught.value.status) == (-32602, 400)


# Modern bodies.


def test_a_modern_request_gives_up_its_envelope() -> None:
    meta = envelope(clientInfo={"name": "n"}, logLevel="debug") | {"progressToken": "p", "traceparent": "00-1"}
    body, head = modern("tools/call", {"name": "add", "_meta": meta}, mcp_name=b"add")
    inbound = read_modern(body, head)
    assert shown(inbound) == ("request", "tools/call", {"name": "add"}, {"progressToken": "p", "traceparent": "00-1"})
    assert inbound.era == "modern"
    assert (bytes(inbound.client.capabilities), bytes(inbound.client.info)) == (b"{}", b'{"name": "n"}')
    assert inbound.client.log_level == "debug"


def test_what_a_modern_client_does_not_say_of_itself_is_unknown() -> None:
    client = read_modern(*modern("tools/list")).client
    assert (bytes(client.info), client.log_level) == (b"", "")


@pytest.mark.parametrize(
    ("method", "params", "name"),
    [
        ("tools/call", {"name": "add"}, b"add"),
        ("tools/call", {"name": "add"}, b" \tadd \t"),
        ("tools/call", {"name": "add"}, b"=?base64?YWRk?="),
        ("prompts/get", {"name": "größe"}, b"=?base64?Z3LDtsOfZQ==?="),
        ("resources/read", {"uri": "file:///x"}, b"file:///x"),
        ("tasks/get", {"taskId": "t1"}, b"t1"),
        ("tools/call", {"name": ""}, b"=?base64??="),
        ("tools/call", {}, b""),
        ("tools/call", {"name": 7}, b"whatever"),
        ("tools/list", {"name": "add"}, b"other"),
    ],
)
def test_the_name_header_is_compared_where_the_method_has_a_name(method: str, params: Any, name: bytes) -> None:
    body, head = modern(method, params, mcp_name=name)
    assert read_modern(body, head).message.method == method


def rejected(body: bytes, head: Request) -> RpcError:
    with pytest.raises(RpcError) as caught:
        read_modern(body, head)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"mcp_protocol_version": b""}, "the header MCP-Protocol-Version is missing"),
        ({"mcp_protocol_version": b"2025-11-25"}, "the header MCP-Protocol-Version does not equal what the body says"),
        ({"mcp_method": b""}, "the header Mcp-Method is missing"),
        ({"mcp_method": b"Tools/Call"}, "the header Mcp-Method does not equal what the body says"),
        ({"mcp_name": b""}, "the header Mcp-Name is missing"),
        ({"mcp_name": b"ADD"}, "the header Mcp-Name does not equal what the body says"),
        ({"mcp_name": b"=?base64?YWR?="}, "the header Mcp-Name does not equal what the body says"),
        ({"mcp_name": b"=?base64?\xe9?="}, "the header Mcp-Name does not equal what the body says"),
        ({"mcp_name": b"add, add"}, "the header Mcp-Name does not equal what the body says"),
    ],
)
def test_a_header_that_contradicts_the_body_is_a_mismatch(headers: dict[str, bytes], words: str) -> None:
    error = rejected(*modern("tools/call", {"name": "add"}, **{"mcp_name": b"add", **headers}))
    assert (error.code, error.message) == (-32020, words)


def test_a_name_with_raw_bytes_is_a_mismatch_even_if_they_would_read_alike() -> None:
    assert rejected(*modern("tools/call", {"name": "é"}, mcp_name=b"\xe9")).code == -32020


@pytest.mark.parametrize(
    ("meta", "words"),
    [
        ({}, f"params._meta lacks {META}protocolVersion and {META}clientCapabilities"),
        (None, f"params._meta lacks {META}protocolVersion and {META}clientCapabilities"),
        ([], f"params._meta lacks {META}protocolVersion and {META}clientCapabilities"),
        ({META + "protocolVersion": MODERN}, f"params._meta lacks {META}clientCapabilities"),
        ({META + "clientCapabilities": {}}, f"params._meta lacks {META}protocolVersion"),
        (envelope(protocolVersion=7), "params._meta has a protocol field of the wrong type"),
        (envelope(clientCapabilities=[]), "params._meta has a protocol field of the wrong type"),
        (envelope(clientCapabilities=None), "params._meta has a protocol field of the wrong type"),
    ],
)
def test_a_request_without_its_envelope_has_invalid_params(meta: Any, words: str) -> None:
    error = rejected(*modern("tools/list", {"_meta": meta}))
    assert (error.code, error.message) == (-32602, words)


@pytest.mark.parametrize("meta", [envelope(protocolVersion="2027-01-01"), {}])
def test_an_unknown_version_is_told_which_are_known_whether_or_not_there_is_an_envelope(meta: Any) -> None:
    error = rejected(*modern("initialize", {"_meta": meta}, mcp_protocol_version=b"2027-01-01"))
    assert (error.code, error.message) == (-32022, "Unsupported protocol version")
    assert error.data is not None
    assert json.loads(error.data) == {
        "supported": ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", MODERN],
        "requested": "2027-01-01",
    }


def test_a_long_version_is_cut_before_it_is_repeated() -> None:
    error = rejected(*modern("m", {"_meta": envelope(protocolVersion="x" * 500)}, mcp_protocol_version=b"x" * 500))
    assert error.data is not None
    assert json.loads(error.data)["requested"] == "x" * 40


def test_a_modern_notification_needs_no_envelope_and_is_read() -> None:
    body = dump({"jsonrpc": "2.0", "method": "notifications/x", "params": {"_meta": {"a": 1}}})
    head = request({b"mcp-protocol-version": MODERN.encode()})
    assert shown(read_modern(body, head)) == ("notification", "notifications/x", {"_meta": {"a": 1}}, {})


def test_a_notification_of_an_unknown_version_is_refused() -> None:
    head = request({b"mcp-protocol-version": b"2027-01-01"})
    assert rejected(b'{"jsonrpc":"2.0","method":"n"}', head).code == -32022


@pytest.mark.parametrize("body", [b'[{"jsonrpc":"2.0","id":1,"method":"m"}]', HEAD + b'"id":1,"result":{}}'])
def test_modern_clients_send_neither_batches_nor_responses(body: bytes) -> None:
    error = rejected(body, request({b"mcp-protocol-version": MODERN.encode()}))
    assert (error.code, error.message) == (-32600, "the body must be a single JSON-RPC request or notification")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", -32700),
        (b"{", -32700),
        (b"7", -32600),
        (b'{"id":1,"method":"m"}', -32600),
        (HEAD + b'"id":null,"method":"m"}', -32600),
        (HEAD + b'"id":1,"method":"m","params":[]}', -32602),
    ],
)
def test_a_modern_body_that_is_no_message_says_why(body: bytes, code: int) -> None:
    assert rejected(body, request({b"mcp-protocol-version": MODERN.encode()})).code == code


@pytest.mark.parametrize(
    ("body", "ident"),
    [
        (HEAD + b'"id": "a" ,"method":7}', b""),
        (HEAD + b'"id": "a" ,"params":7}', b'"a"'),
        (b'{"id":7}', b"7"),
        (b'{"id":null}', b""),
        (b'{"id":1.5}', b""),
        (b'{"id":"\xff"}', b""),
        (b"[]", b""),
        (b"{", b""),
        (b"", b""),
    ],
)
def test_a_refusal_carries_the_id_if_there_is_a_legal_one(body: bytes, ident: bytes) -> None:
    assert id_of(body) == ident


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
METAS = st.dictionaries(
    st.sampled_from([META + "protocolVersion", META + "clientCapabilities", META + "logLevel", "progressToken"]),
    JSON | st.sampled_from([MODERN, "2027-01-01", {}]),
)
PARAMS = st.dictionaries(st.sampled_from(["_meta", "name", "uri", "x"]), JSON | METAS)
METHODS = st.sampled_from(["tools/call", "resources/read", "initialize", "x"])
MESSAGES = st.fixed_dictionaries(
    {},
    optional={
        "jsonrpc": st.sampled_from(["2.0"]) | JSON,
        "id": JSON,
        "method": METHODS | JSON,
        "params": PARAMS | JSON,
        "result": JSON,
        "error": JSON,
    },
)
BODIES = (MESSAGES | st.lists(MESSAGES, max_size=3) | JSON).map(dump) | st.binary(max_size=100)
FIELDS = st.dictionaries(
    st.sampled_from([b"mcp-protocol-version", b"mcp-method", b"mcp-name", b"accept", b"content-type"]),
    st.binary(max_size=20) | st.sampled_from([MODERN.encode(), b"tools/call", b"=?base64?YQ==?=", b"application/json"]),
)


@given(BODIES, FIELDS, st.sampled_from(["POST", "GET", "DELETE", "PUT"]))
@example(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"\xff":1}}}', {}, "POST")
@example(b'{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":' + b'{"a":' * 990 + b"1" + b"}" * 992, {}, "POST")
@example(b'{"id":"\xff","result":{}}', {}, "POST")
@settings(deadline=None)
def test_whatever_comes_is_read_or_refused_as_the_clients_doing(
    body: bytes, headers: dict[bytes, bytes], method: str
) -> None:
    head = request(headers, method)
    for read in (
        lambda: check_http(head, era_of(head)),
        lambda: read_legacy(body),
        lambda: read_modern(body, head),
        lambda: id_of(body),
    ):
        try:
            read()
        except ClientError as error:
            assert 400 <= error.status < 500  # noqa: PT017
    for message in _messages(body):
        try:
            says_modern(read_message(message))
        except RpcError:
            continue


def _messages(body: bytes) -> Any:
    try:
        inbound = read_legacy(body)
    except RpcError:
        return ()
    return inbound.batch or (inbound.message,)
