"""a2a/members.py: an object is read only if everybody reads it alike."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.members import HARMLESS, MAX_NAME, Level, text, top
from fedgate.a2a.operations import MAX_ID
from fedgate.core.rawjson import Fields

from .wire import compact, dump

LEVEL = Level("message", "taskId", "contextId", "id")


def plain(members: Fields) -> dict[str, Any]:
    return {name: json.loads(bytes(member)) for name, member in members.items()}


def refused(body: bytes) -> tuple[int, str]:
    with pytest.raises(A2aError) as caught:
        LEVEL.read(body)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("write", [dump, compact, lambda value: json.dumps(value, indent=2).encode()])
@pytest.mark.parametrize(
    ("sent", "found"),
    [
        ({}, {}),
        ({"taskId": "t", "other": 1}, {"taskId": "t"}),
        ({"task_id": "t", "contextId": "c"}, {"taskId": "t", "contextId": "c"}),
        ({"context_id": None, "id": 5}, {"id": 5}),
        ({"x": {"taskId": "inner", "task_id": "inner"}, "é": "ü"}, {}),
        ({"taskIds": [1], "ids": None, "k" * MAX_NAME: 0, "_" * MAX_NAME + "id": 0}, {}),
    ],
)
def test_members_that_matter_are_found_in_either_spelling(write: Any, sent: Any, found: Any) -> None:
    assert plain(LEVEL.read(write(sent))) == found


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"taskId":"a","taskId":"b"}', "a member stands twice in message; name each once"),
        (b'{"taskId":"a","taskId":"a"}', "a member stands twice in message; name each once"),
        (b'{"taskId": "a", "taskId": "b"}', "a member stands twice in message; name each once"),
        (b'{"task\\u0049d":"a","taskId":"b"}', "a member stands twice in message; name each once"),
        (b'{"x":1,"y":2,"x":3}', "a member stands twice in message; name each once"),
        (b'{ "x":1,  "y":2, "x":3}', "a member stands twice in message; name each once"),
        (b'{"":0,"":0}', "a member stands twice in message; name each once"),
        (b'{"taskId":"a","task_id":"b"}', 'message has "taskId" in two spellings; use one'),
        (b'{"task_id":null,"taskId":"b"}', 'message has "taskId" in two spellings; use one'),
        (b'{"task_id":"a","task\\u0049d":"b"}', 'message has "taskId" in two spellings; use one'),
    ],
)
def test_doubles_are_refused(body: bytes, why: str) -> None:
    assert refused(body) == (-32602, why)


@pytest.mark.parametrize(
    "name", ["taskid", "TaskId", "TASKID", "taskID", "task_Id", "Task_id", "ta\u017fkId", "tas\u212aId", "__taskId__"]
)
def test_spellings_that_only_some_readers_take_are_refused(name: str) -> None:
    assert refused(dump({name: "t"})) == (-32602, f'message has "{name}"; the name is "taskId"')


def test_however_many_names_were_harmless_others_are_looked_at() -> None:
    level = Level("message", "taskId")
    for number in range(HARMLESS + 10):
        assert plain(level.read(dump({f"x{number}": 1, "taskId": "t"}))) == {"taskId": "t"}
    assert plain(level.read(dump({"x1": 1, f"x{HARMLESS + 5}": 1, "task_id": "t"}))) == {"taskId": "t"}
    with pytest.raises(A2aError, match='the name is "taskId"'):
        level.read(dump({"x1": 1, "TaskId": "t"}))
    with pytest.raises(A2aError, match="stands twice"):
        level.read(b'{"x1":1,"x1":2}')


@pytest.mark.parametrize("body", [b"[]", b'"taskId"', b"1", b"null", b"{", b'{"taskId"}', b""])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert refused(body) == (-32602, "message must be an object")


@pytest.mark.parametrize(
    ("body", "code", "why"),
    [
        (b"", -32700, "the body is empty; send a JSON object"),
        (b"{", -32700, "the body is not JSON"),
        (b"{'a': 1}", -32700, "the body is not JSON"),
        (b'{"a":1} {', -32700, "the body is not JSON"),
        (b'{"a":"\xff"}', -32700, "the body is not UTF-8: invalid start byte"),
        (b"\xef\xbb\xbf{}", -32700, "the body is not JSON"),
        ('{"a":1}'.encode("utf-16"), -32700, "the body is not UTF-8: invalid start byte"),
        (b"[]", -32600, "batches are not supported; send one request at a time"),
        (b' [{"jsonrpc":"2.0"}]', -32600, "batches are not supported; send one request at a time"),
        (b"5", -32600, "the body must be a JSON object"),
        (b'"x"', -32600, "the body must be a JSON object"),
        (b'{"a":"\\ud83d"', -32700, "the body is not JSON"),
        (b"[" * 100_000, -32700, "the body is not JSON"),
        (b'{"a":' * 100_000, -32700, "the body is not JSON"),
    ],
)
def test_a_body_must_be_one_object(body: bytes, code: int, why: str) -> None:
    with pytest.raises(A2aError) as caught:
        top(body)
    assert (caught.value.code, caught.value.message) == (code, why)


def test_a_body_is_given_back_as_it_came() -> None:
    body = b' {"a" : 1.0e2 , "\\u00e9":"\xc3\xa9"} '
    found, members = top(body)
    assert found is body
    assert {name: bytes(member) for name, member in members.items()} == {"a": b"1.0e2", "é": b'"\xc3\xa9"'}


def test_half_surrogates_are_mended_in_what_is_sent_on() -> None:
    found, members = top(b'{"a":"cut \\ud83d"}')
    assert found == b'{"a":"cut \\ufffd"}'
    assert bytes(members["a"]) == b'"cut \\ufffd"'


@pytest.mark.parametrize(
    ("value", "found"),
    [("t-1", "t-1"), ("", ""), (None, ""), ("a" * MAX_ID, "a" * MAX_ID), ("é \u2028", "é \u2028")],
)
def test_ids_are_strings(value: Any, found: str) -> None:
    assert text(LEVEL.read(dump({"taskId": value})), "taskId", "message") == found


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (5, "message.taskId must be a string, not 5"),
        (True, "message.taskId must be a string, not true"),
        (["t"], 'message.taskId must be a string, not ["t"]'),
        ({"a": "é" * 100}, 'message.taskId must be a string, not {"a": "' + "\\u00e9" * 9 + "\\u0"),
        ("a" * (MAX_ID + 1), f"message.taskId is longer than {MAX_ID} characters"),
        ("a\0", "message.taskId has a control character in it"),
        ("a\n", "message.taskId has a control character in it"),
    ],
)
def test_other_ids_are_refused(value: Any, why: str) -> None:
    with pytest.raises(A2aError) as caught:
        text(LEVEL.read(dump({"taskId": value})), "taskId", "message")
    assert (caught.value.code, caught.value.message) == (-32602, why)


def test_a_character_that_is_cut_does_no_harm() -> None:
    members = LEVEL.read(b'{"taskId":[0,"' + "é".encode() * 100 + b'"]}')
    with pytest.raises(A2aError, match="must be a string"):
        text(members, "taskId", "message")


PAIRS = st.lists(
    st.tuples(
        st.sampled_from(["taskId", "task_id", "TaskId", "x", "y", "id", "é", 'a"b', "a\\b"]),
        st.sampled_from(["1", '"a"', "null", "{}", '{"x": 1, "x": 2}', '"\\""', "[1 , 2]"]),
    ),
    max_size=6,
)
SPACES = st.sampled_from(["", " ", "\n\t", "  "])


@given(PAIRS, SPACES, SPACES, SPACES)
def test_whatever_is_read_has_every_name_once(pairs: list[tuple[str, str]], a: str, b: str, c: str) -> None:
    written = [f"{a}{json.dumps(name, ensure_ascii=False)}{b}:{c}{value}{a}" for name, value in pairs]
    body = ("{" + ",".join(written) + "}").encode()
    names = [name for name, _ in pairs]
    doubtful = len(set(names)) < len(names) or "TaskId" in names or {"taskId", "task_id"} <= set(names)
    try:
        found = plain(LEVEL.read(body))
    except A2aError:
        assert doubtful
        return
    assert not doubtful
    wanted = {name.replace("task_id", "taskId"): json.loads(value) for name, value in pairs}
    assert found == {name: value for name, value in wanted.items() if name in ("taskId", "id") and value is not None}


@given(st.binary(max_size=80))
def test_any_bytes_are_an_object_or_refused(body: bytes) -> None:
    for read in (top, LEVEL.read):
        with suppress(A2aError):
            read(body)
