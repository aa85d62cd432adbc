"""a2a/learn.py: ids are learnt from the top of an answer in each of its forms, and nothing else teaches anything."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fedgate.a2a.learn import MAX_LEARNT, answer, event, failed
from fedgate.a2a.operations import OPERATIONS, PUSH
from fedgate.a2a.values import Seen, Speech

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, SPEECHES, compact, dump

NESTED = {"role": "ROLE_AGENT", "contextId": "phantom", "taskId": "phantom", "messageId": "m", "parts": []}


def wrap(speech: Speech, result: Any) -> Any:
    return {"result": result, "id": 1, "jsonrpc": "2.0"} if speech.binding == "jsonrpc" else result


def status(state: Any = "TASK_STATE_WORKING") -> dict[str, Any]:
    return {"state": state, "message": NESTED, "timestamp": "2026-01-01T00:00:00Z"}


TASK = {"id": "t", "contextId": "c", "status": status(), "history": [NESTED], "artifacts": [{"taskId": "phantom"}]}
UPDATE = {"taskId": "t", "contextId": "c", "status": status(), "metadata": {"taskId": "phantom"}}
ARTIFACT = {"taskId": "t", "contextId": "c", "artifact": {"artifactId": "a", "contextId": "phantom"}}
WORKING = Seen("t", "c", "TASK_STATE_WORKING")

WRAPPED: list[tuple[dict[str, Any], Seen | None]] = [
    ({"task": TASK}, WORKING),
    ({"message": NESTED}, Seen("", "phantom")),
    ({"message": {"parts": []}}, None),
    ({"statusUpdate": UPDATE}, WORKING),
    ({"status_update": UPDATE}, WORKING),
    ({"artifactUpdate": ARTIFACT}, Seen("t", "c")),
    ({"artifact_update": ARTIFACT}, Seen("t", "c")),
    ({"task": {"id": "t", "context_id": "c"}}, Seen("t", "c")),
    ({"task": {"id": "t"}}, Seen("t")),
    ({"task": {"id": "t", "status": None}}, Seen("t")),
    ({"task": {"contextId": "c"}}, Seen("", "c")),
    ({"statusUpdate": {"task_id": "t", "context_id": "c", "status": {}}}, Seen("t", "c")),
    ({"task": {"id": "t" * 513, "contextId": "c"}}, Seen("", "c")),
    ({"task": {"id": "t", "contextId": "c", "context_id": "d"}}, Seen("t")),
    ({"statusUpdate": UPDATE, "status_update": UPDATE}, None),
    ({"task": None, "message": None}, None),
    ({"task": {}}, None),
    ({}, None),
]


@pytest.mark.parametrize("speech", [RPC, REST, LEGACY_REST])
@pytest.mark.parametrize(("result", "seen"), WRAPPED)
def test_wrapped_forms(speech: Speech, result: dict[str, Any], seen: Seen | None) -> None:
    for write in (dump, compact):
        body = write(wrap(speech, result))
        assert event(speech, body) == seen
        assert answer(speech, "SendMessage", body) == ([] if seen is None else [seen])


def test_a_message_has_another_name_in_the_proto_of_0_3() -> None:
    assert event(LEGACY_REST, dump({"msg": {"contextId": "c", "taskId": "phantom"}})) == Seen("", "c")


@pytest.mark.parametrize(
    ("result", "seen"),
    [
        (TASK | {"kind": "task"}, WORKING),
        (UPDATE | {"kind": "status-update", "final": True}, WORKING),
        (ARTIFACT | {"kind": "artifact-update"}, Seen("t", "c")),
        (NESTED | {"kind": "message"}, Seen("", "phantom")),
        (TASK, WORKING),
        (UPDATE, WORKING),
        (NESTED, Seen("", "phantom")),
        ({"id": "t", "context_id": "c", "kind": "task"}, Seen("t", "c")),
        ({"kind": "message"}, None),
        ({"task": TASK}, None),
    ],
)
def test_flat_forms_of_the_old_json_rpc(result: dict[str, Any], seen: Seen | None) -> None:
    body = dump(wrap(LEGACY_RPC, result))
    assert event(LEGACY_RPC, body) == seen
    assert answer(LEGACY_RPC, "SendMessage", body) == ([] if seen is None else [seen])


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("operation", ["GetTask", "CancelTask"])
def test_a_task_that_was_asked_for_is_bare(speech: Speech, operation: str) -> None:
    body = dump(wrap(speech, TASK | {"kind": "task"}))
    assert answer(speech, operation, body) == [WORKING]
    assert answer(speech, operation, dump(wrap(speech, {"task": TASK}))) == []


@pytest.mark.parametrize("speech", [RPC, REST])
def test_a_list_teaches_all_its_tasks(speech: Speech) -> None:
    page = {"tasks": [TASK, {"id": "u"}, {}, {"id": "v", "context_id": "d", "status": {"state": 3}}], "totalSize": 4}
    found = [WORKING, Seen("u"), Seen("v", "d", "TASK_STATE_COMPLETED")]
    assert answer(speech, "ListTasks", dump(wrap(speech, page))) == found
    many = {"tasks": [{"id": str(n)} for n in range(MAX_LEARNT + 1)]}
    assert len(answer(speech, "ListTasks", dump(wrap(speech, many)))) == MAX_LEARNT
    assert answer(speech, "ListTasks", dump(wrap(speech, {}))) == []


@pytest.mark.parametrize("operation", sorted(PUSH | {"GetExtendedAgentCard"}))
@pytest.mark.parametrize("speech", SPEECHES)
def test_other_operations_teach_nothing(speech: Speech, operation: str) -> None:
    body = dump(wrap(speech, {"id": "p", "taskId": "t", "contextId": "c", "task": TASK}))
    assert answer(speech, operation, body) == []


@pytest.mark.parametrize(
    ("written", "state"),
    [
        *(("TASK_STATE_COMPLETED", "COMPLETED"), ("completed", "COMPLETED"), (3, "COMPLETED")),
        *(("TASK_STATE_CANCELED", "CANCELED"), ("TASK_STATE_CANCELLED", "CANCELED"), ("canceled", "CANCELED")),
        *(("input-required", "INPUT_REQUIRED"), ("auth-required", "AUTH_REQUIRED"), (8, "AUTH_REQUIRED")),
        *(("submitted", "SUBMITTED"), ("working", "WORKING"), ("failed", "FAILED"), ("rejected", "REJECTED")),
        *(("unknown", ""), ("TASK_STATE_UNSPECIFIED", ""), ("COMPLETED", ""), (0, ""), (99, ""), ("", ""), (None, "")),
    ],
)
def test_states_have_the_spelling_of_1_0(written: Any, state: str) -> None:
    wanted = f"TASK_STATE_{state}" if state else ""
    body = dump({"task": {"id": "t", "status": {"state": written}}})
    assert event(REST, body) == Seen("t", "", wanted)


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"5", b'"task"', b"\xff", b"[" * 100_000, b'{"result":' * 100_000),
        *(b'{"result":null}', b'{"result":[]}', b'{"result":"x"}', b'{"id":1}', b'{"error":{"code":-32001}}'),
        *(b'{"task":[]}', b'{"result":{"task":{"id":5}}}', b'{"task":{"id":5}}', b'{"kind":5,"task":{"id":{}}}'),
        b'{"result":{"task":{"id":"\\ud800"}},"task":{"id":"\\ud800"}}',
    ],
)
def test_what_is_malformed_teaches_nothing(speech: Speech, body: bytes) -> None:
    assert event(speech, body) is None
    for operation in OPERATIONS:
        assert answer(speech, operation, body) == []


@pytest.mark.parametrize("speech", [RPC, LEGACY_RPC])
def test_an_error_envelope_is_known(speech: Speech) -> None:
    assert failed(speech, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32001,"message":"no"}}')
    assert failed(speech, b'{"error":"odd","result":{}}')
    for fine in (b'{"result":{"error":{}}}', b'{"error":null,"result":{}}', b'{"error"', b"", b"[]", b"[" * 100_000):
        assert not failed(speech, fine)


@pytest.mark.parametrize("speech", [REST, LEGACY_REST])
def test_an_error_object_is_known(speech: Speech) -> None:
    assert failed(speech, b'{"error":{"code":404}}')
    for fine in (b'{"task":{"error":{}}}', b'{"error":"x"}', b"", b"[]"):
        assert not failed(speech, fine)


KEYS = st.sampled_from(
    ["result", "task", "message", "msg", "statusUpdate", "id", "taskId", "contextId", "context_id", "kind", "tasks"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.sampled_from(["", "t", "task"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.binary(max_size=60) | JSON.map(compact), st.sampled_from(SPEECHES), st.sampled_from(sorted(OPERATIONS)))
@example(b'{"tasks":[{"id":5}]}', REST, "ListTasks")
def test_nothing_raises(body: bytes, speech: Speech, operation: str) -> None:
    assert isinstance(answer(speech, operation, body), list)
    assert isinstance(event(speech, body), Seen | None)
    assert isinstance(failed(speech, body), bool)
