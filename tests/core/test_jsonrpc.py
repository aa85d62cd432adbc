"""core/jsonrpc.py: envelopes are read once, and nothing but `RpcError` comes of what cannot be read."""

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.core import jsonrpc
from fedgate.core.errors import RpcError
from fedgate.core.jsonrpc import Message, id_key, parse, parse_one
from fedgate.core.rawjson import EMPTY, Raw

HEAD = b'{"jsonrpc":"2.0",'


def one(rest: bytes) -> Message:
    return parse_one(HEAD + rest + b"}")


def kinds(message: Message) -> tuple[bool, bool, bool]:
    return message.is_request, message.is_notification, message.is_response


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b'"id":1,"method":"ping"', (True, False, False)),
        (b'"id":null,"method":"ping"', (True, False, False)),
        (b'"method":"notifications/initialized"', (False, True, False)),
        (b'"id":1,"result":{}', (False, False, True)),
        (b'"id":1,"result":null', (False, False, True)),
        (b'"id":null,"error":{"code":-32700}', (False, False, True)),
        (b'"id":1', (False, False, False)),
        (b'"result":{}', (False, False, False)),
        (b'"id":1,"method":null', (False, False, False)),
        (b'"x":1', (False, False, False)),
    ],
)
def test_method_and_id_tell_requests_notifications_and_responses_apart(
    rest: bytes, expected: tuple[bool, bool, bool]
) -> None:
    assert kinds(one(rest)) == expected


def test_params_and_result_stay_the_bytes_they_were() -> None:
    message = one(b'"id": "a" ,"method":"m","params": {"b": 1.0, "b":\n2}')
    assert (bytes(message.id), bytes(message.params)) == (b'"a"', b'{"b": 1.0, "b":\n2}')
    assert bytes(one(b'"id":1,"result":[ 1 ]').result) == b"[ 1 ]"


def test_unknown_members_are_passed_over_and_the_last_of_equal_ones_counts() -> None:
    message = one(b'"id":1,"vendor":{},"method":"a","id":2')
    assert message.key == 2


@pytest.mark.parametrize(
    ("raw", "key"),
    [
        (b"1", 1),
        (b"-0", 0),
        (b'"1"', "1"),
        (b'""', ""),
        (str(2**64).encode(), 2**64),
        (b"9" * 400, int("9" * 400)),
        (b"null", None),
        (b"1.5", None),
        (b"1.0", None),
        (b"1e2", None),
        (b"true", None),
        (b"[1]", None),
        (b"{}", None),
        (b"", None),
        (b"9" * 5000, None),
        (rb'"\ud800"', None),
        (b'"\xff"', None),
        (b"[" * 100_000, None),
    ],
)
def test_an_id_is_a_string_or_an_integer_and_nothing_else(raw: bytes, key: jsonrpc.Id | None) -> None:
    assert id_key(raw) == key
    assert id_key(Raw(raw)) == key


def test_one_and_the_string_one_are_two_ids() -> None:
    assert one(b'"id":1,"method":"m"').key != one(b'"id":"1","method":"m"').key
    assert Message().key is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b"[",
        b'[{"jsonrpc":"2.0"}',
        b'{"jsonrpc":"2.0","params":' + b"[" * 100_000,
        HEAD + b'"method":"\xff"}',
        rb'{"jsonrpc":"2.0","method":"\ud83"}',
        '{"jsonrpc":"2.0","method":"m"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"jsonrpc":"2.0","method":"m"}',
        HEAD + b'"method":"m"}\x00',
    ],
)
def test_malformed_json_is_a_parse_error(body: bytes) -> None:
    with pytest.raises(RpcError) as caught:
        parse(body)
    assert (caught.value.code, caught.value.status) == (-32700, 400)
    assert "not valid JSON" in caught.value.message


@pytest.mark.parametrize(
    "body", [b"1", b'"x"', b"null", b"true", b"[1]", b"[[]]", b'{"method":1}', b'{"jsonrpc":2.0,"method":"m"}']
)
def test_json_of_another_shape_is_an_invalid_request(body: bytes) -> None:
    with pytest.raises(RpcError) as caught:
        parse(body)
    assert (caught.value.code, caught.value.status) == (-32600, 400)


@pytest.mark.parametrize("blank", [b"", b" ", b"\r\n\t ", b" " * 100])
def test_a_batch_is_a_list_however_much_white_space_stands_before_it(blank: bytes) -> None:
    batch = parse(blank + b'[{"jsonrpc":"2.0","id":1,"method":"a"}, {"jsonrpc":"2.0","method":"b"}]')
    assert isinstance(batch, list)
    assert [message.method for message in batch] == ["a", "b"]
    assert parse(blank + b"[]") == []


def test_a_batch_is_refused_where_one_message_is_expected() -> None:
    with pytest.raises(RpcError, match="got a batch") as caught:
        parse_one(b"[]")
    assert caught.value.code == jsonrpc.INVALID_REQUEST


def test_text_beyond_ascii_is_read() -> None:
    assert one('"id":"ä","method":"größe"'.encode()).method == "größe"


ENVELOPES = st.dictionaries(
    st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
        max_leaves=8,
    ),
)


def mangled(message: dict[str, Any], at: int, insert: bytes) -> bytes:
    body = json.dumps(message).encode()
    at %= len(body)
    return body[:at] + insert + body[at:]


HOSTILE = (
    st.binary(max_size=300)
    | st.builds(mangled, ENVELOPES, st.integers(min_value=0), st.binary(max_size=4))
    | st.builds(lambda many: json.dumps(many).encode(), st.lists(ENVELOPES, max_size=3))
)


@given(HOSTILE)
@example(b'{"id":"\xff"}')
@settings(deadline=None)
def test_nothing_but_an_rpc_error_comes_of_any_bytes(body: bytes) -> None:
    code = 0
    try:
        parsed = parse(body)
    except RpcError as error:
        parsed, code = [], error.code
    assert code in (0, -32700, -32600)
    for message in parsed if isinstance(parsed, list) else [parsed]:
        assert sum(kinds(message)) <= 1
        assert isinstance(message.key, str | int | None)


MEMBERS = st.tuples(
    st.sampled_from(['"jsonrpc"', '"id"', '"\\u0069d"', '"method"', '"params"', '"result"', '"error"', '"x"']),
    st.sampled_from(['"2.0"', '""', "null", "1", '"a\\u0062"', '"\u00e9"', "{}", '{"a":1,"a":2}']),
)


@given(st.lists(MEMBERS, max_size=8), st.booleans())
@settings(deadline=None)
def test_a_member_that_stands_twice_is_found_as_by_reading_all_of_them(
    pairs: list[tuple[str, str]], wide: bool
) -> None:
    colon, comma = (" : ", " , ") if wide else (":", ",")
    body = "{" + comma.join(f"{key}{colon}{member}" for key, member in pairs) + "}"
    try:
        message = parse_one(body.encode())
    except RpcError:
        return  # a member of the wrong kind
    keys = [json.loads(key) for key, _ in pairs]
    assert jsonrpc.names_twice(message, body.encode()) is (len(set(keys)) < len(keys))


@given(st.one_of(st.integers(), st.text()), st.text(), st.dictionaries(st.text(), st.text()))
@settings(deadline=None)
def test_what_is_written_is_read_back(ident: int | str, method: str, params: dict[str, str]) -> None:
    raw_id, raw_params = json.dumps(ident).encode(), json.dumps(params).encode()
    read = parse_one(jsonrpc.request(raw_id, method, raw_params))
    assert (read.key, read.method, bytes(read.params)) == (ident, method, raw_params)
    told = parse_one(jsonrpc.notification(method, raw_params))
    assert (told.is_notification, told.method, bytes(told.params)) == (True, method, raw_params)
    answered = parse_one(jsonrpc.result(Raw(raw_id), Raw(raw_params)))
    assert (answered.is_response, answered.key, bytes(answered.result)) == (True, ident, raw_params)


def test_absent_params_become_an_empty_object_in_requests_and_nothing_in_notifications() -> None:
    assert jsonrpc.request(7, "m", b"") == b'{"jsonrpc":"2.0","id":7,"method":"m","params":{}}'
    assert jsonrpc.notification("m") == b'{"jsonrpc":"2.0","method":"m"}'


def test_an_error_without_a_known_id_has_the_id_null() -> None:
    shown = jsonrpc.error_object(-32600, 'say "please"')
    assert shown == rb'{"code":-32600,"message":"say \"please\""}'
    assert jsonrpc.error(EMPTY, shown) == b'{"jsonrpc":"2.0","id":null,"error":%b}' % shown
    assert jsonrpc.error(b'"a"', Raw(b"{}")) == b'{"jsonrpc":"2.0","id":"a","error":{}}'


def test_error_data_is_spliced_in_as_it_is() -> None:
    assert json.loads(jsonrpc.error_object(1, "m", b'{"a": [1]}')) == {"code": 1, "message": "m", "data": {"a": [1]}}


def test_a_string_cut_in_the_middle_of_an_emoji_does_not_lose_its_message() -> None:
    message = one(rb'"id":1,"result":{"text":"cut \ud83d", "kept":"\ud83d\ude00 \\ud83d"}')
    assert bytes(message.result) == rb'{"text":"cut \ufffd", "kept":"\ud83d\ude00 \\ud83d"}'


def test_raw_members_pass_bytes_that_are_no_utf8() -> None:
    assert bytes(one(b'"id":1,"result":{"text":"\xe4"}').result) == b'{"text":"\xe4"}'
