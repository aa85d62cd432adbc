"""A callback is relayed if it shows the agent's token and is about the relay's task, however it is spelled."""

import json
from typing import Any

import pytest
from a2a.compat.v0_3 import types
from a2a.types import a2a_pb2 as new
from a2a.utils.proto_utils import to_stream_response
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.push_config import PushConfig
from fedgate.a2a.push_inbound import MAX_CALLBACK, authenticate, check
from fedgate.a2a.push_table import Relay
from fedgate.a2a.values import Seen
from fedgate.core.errors import BadRequest, TooLarge, Unauthorized
from tests.a2a.push_requests import json_format

RELAY = Relay("id", "alice", "weather", "issued", PushConfig("https://h/"), 0.0, 0.0, "t-1", "c")
UNBOUND = Relay("id", "alice", "weather", "issued", PushConfig("https://h/"), 0.0, 0.0)


@pytest.mark.parametrize(
    ("headers", "fine"),
    [
        ({b"x-a2a-notification-token": b"issued"}, True),
        ({b"authorization": b"Bearer issued"}, True),
        ({b"authorization": b"bearer  issued "}, True),
        ({b"authorization": b"Bearer other", b"x-a2a-notification-token": b"issued"}, True),
        ({}, False),
        ({b"x-a2a-notification-token": b""}, False),
        ({b"x-a2a-notification-token": b"Issued"}, False),
        ({b"x-a2a-notification-token": b"issued, issued"}, False),
        ({b"authorization": b"Basic issued"}, False),
        ({b"authorization": b"issued"}, False),
        ({b"authorization": "Bearer ïssued".encode()}, False),
    ],
)
def test_the_token_that_the_agent_was_given_must_be_shown(headers: dict[bytes, bytes], fine: bool) -> None:
    if fine:
        authenticate(RELAY, headers)
        return
    with pytest.raises(Unauthorized) as caught:
        authenticate(RELAY, headers)
    assert "issued" not in caught.value.message


def modern(event: Any) -> bytes:
    return json.dumps(json_format.MessageToDict(to_stream_response(event))).encode()


WORKING = new.TaskStatus(state=new.TASK_STATE_WORKING)
EVENTS = [
    (new.Task(id="t-1", context_id="x", status=WORKING), Seen("t-1", "x", "TASK_STATE_WORKING")),
    (new.TaskStatusUpdateEvent(task_id="t-1", context_id="x", status=WORKING), Seen("t-1", "x", "TASK_STATE_WORKING")),
    (new.TaskArtifactUpdateEvent(task_id="t-1", context_id="x"), Seen("t-1", "x")),
]


@pytest.mark.parametrize(("event", "seen"), EVENTS)
def test_what_the_sdk_sends_is_read(event: Any, seen: Seen) -> None:
    assert check(RELAY, modern(event)) == seen
    assert check(UNBOUND, modern(event)) == seen


def test_what_the_sdk_of_0_3_sends_is_read() -> None:
    status = types.TaskStatus(state=types.TaskState.input_required)
    task = types.Task(id="t-1", context_id="x", status=status)
    body = task.model_dump_json(exclude_none=True, by_alias=True).encode()
    assert check(RELAY, body) == Seen("t-1", "x", "TASK_STATE_INPUT_REQUIRED")
    event = types.TaskStatusUpdateEvent(task_id="t-1", context_id="x", status=status, final=False)
    body = event.model_dump_json(exclude_none=True, by_alias=True).encode()
    assert check(RELAY, body) == Seen("t-1", "x", "TASK_STATE_INPUT_REQUIRED")


@pytest.mark.parametrize(
    "body",
    [
        b'{"task":{"id":"t-2"}}',
        b'{"statusUpdate":{"taskId":"t-2"}}',
        b'{"status_update":{"task_id":"t-2"}}',
        b'{"artifactUpdate":{"taskId":"t-2"}}',
        b'{"message":{"taskId":"t-2"}}',
        b'{"kind":"task","id":"t-2"}',
        b'{"id":"t-2"}',
        b'{"kind":"status-update","taskId":"t-2"}',
        b'{"kind":"message","taskId":"t-2"}',
    ],
)
def test_a_notification_about_another_task_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="about another task"):
        check(RELAY, body)
    assert check(UNBOUND, body).task == "t-2"


@pytest.mark.parametrize(
    "body",
    [
        b'{"task":{"id":"t-1"},"statusUpdate":{"taskId":"t-2"}}',
        b'{"task":{"id":"t-1"},"id":"t-2"}',
        b'{"kind":"task","id":"t-1","task":{"id":"t-2"}}',
        b'{"task":{"id":"t-1"},"task":{"id":"t-2"}}',
        b'{"task":{"id":"t-1","id":"t-2"}}',
        b'{"statusUpdate":{"taskId":"t-1","task_id":"t-2"}}',
        b'{"statusUpdate":{"taskId":"t-1"},"status_update":{"taskId":"t-2"}}',
        b'{"Task":{"id":"t-2"},"id":"t-1"}',
        b'{"task":{"id":"t-1","ID":"t-2"}}',
        b'{"id":"t-1","\\u0069d":"t-2"}',
        b'{"kind":"other","id":"t-1"}',
        b'{"kind":"status-update","id":"t-1"}',
        b'{"kind":"task"}',
        b'{"task":{}}',
        b'{"task":{"id":7}}',
        b'{"task":"t-1"}',
        b'{"result":{"id":"t-1"}}',
        b"{}",
        b"[]",
        b"",
        b"\xff",
        b"null",
    ],
)
def test_what_readers_could_take_for_different_tasks_or_none_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        check(RELAY, body)


def test_a_message_may_name_no_task() -> None:
    assert check(RELAY, b'{"message":{"messageId":"m","contextId":"x"}}') == Seen("", "x")
    assert check(RELAY, b'{"kind":"message","messageId":"m"}') == Seen()


def test_what_is_too_long_is_refused_unread() -> None:
    with pytest.raises(TooLarge):
        check(RELAY, b"x" * (MAX_CALLBACK + 1))


names = st.sampled_from(["task", "statusUpdate", "status_update", "message", "kind", "id", "taskId", "task_id", "x"])
values = st.recursive(
    st.none() | st.integers() | st.sampled_from(["t-1", "t-2", "task"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=4),
    max_leaves=10,
)


@given(st.binary(max_size=40) | values.map(lambda each: json.dumps(each).encode()))
def test_any_body_is_about_the_relays_task_or_refused(body: bytes) -> None:
    try:
        seen = check(RELAY, body)
    except BadRequest:
        return
    assert seen.task in ("t-1", "")
