"""0.3's two spellings against the SDK's own translation between its pydantic models and its proto."""

import base64
import json
from typing import Any

import pytest
from a2a.compat.v0_3 import a2a_v0_3_pb2 as proto
from a2a.compat.v0_3 import conversions, types
from a2a.compat.v0_3.proto_utils import FromProto, ToProto
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a import bridge_legacy as legacy
from fedgate.core.rawjson import Raw
from tests.a2a.bridged import json_format

PARTS = [
    {"kind": "text", "text": "hello", "metadata": {"a": 1}},
    {"kind": "data", "data": {"rows": [1, "x", None]}},
    {"kind": "file", "file": {"uri": "http://f/a", "mimeType": "text/plain", "name": "a"}},
    {"kind": "file", "file": {"bytes": base64.b64encode(b"\x00\xff binary").decode(), "name": "b"}},
]
MESSAGE = {
    "kind": "message",
    "messageId": "m1",
    "contextId": "c1",
    "taskId": "t1",
    "role": "user",
    "parts": PARTS,
    "metadata": {"k": {"n": ["v"]}},
    "extensions": ["urn:x"],
}
STATUS = {"state": "input-required", "message": MESSAGE | {"role": "agent"}, "timestamp": "2026-01-02T03:04:05Z"}
ARTIFACT = {"artifactId": "a1", "name": "n", "description": "d", "parts": PARTS, "metadata": {"m": "v"}}
TASK = {
    "kind": "task",
    "id": "t1",
    "contextId": "c1",
    "status": STATUS,
    "artifacts": [ARTIFACT],
    "history": [MESSAGE],
    "metadata": {"t": "m"},
}
STATUS_UPDATE = {
    "kind": "status-update",
    "taskId": "t1",
    "contextId": "c1",
    "status": STATUS,
    "final": True,
    "metadata": {"s": "u"},
}
ARTIFACT_UPDATE = {
    "kind": "artifact-update",
    "taskId": "t1",
    "contextId": "c1",
    "artifact": ARTIFACT,
    "append": True,
    "lastChunk": True,
    "metadata": {"s": "u"},
}
PUSH_CONFIG = {
    "id": "p1",
    "url": "http://cb/",
    "token": "t",
    "authentication": {"schemes": ["Bearer"], "credentials": "x"},
}
CONFIGURATION = {
    "acceptedOutputModes": ["text/plain"],
    "pushNotificationConfig": PUSH_CONFIG,
    "historyLength": 3,
    "blocking": True,
}
SPELLINGS: dict[str, tuple[legacy.Record, dict[str, Any], Any, Any]] = {
    "message": (legacy.MESSAGE, MESSAGE, types.Message, proto.Message),
    "task": (legacy.TASK, TASK, types.Task, proto.Task),
    "task_status_update_event": (
        legacy.STATUS_UPDATE,
        STATUS_UPDATE,
        types.TaskStatusUpdateEvent,
        proto.TaskStatusUpdateEvent,
    ),
    "task_artifact_update_event": (
        legacy.ARTIFACT_UPDATE,
        ARTIFACT_UPDATE,
        types.TaskArtifactUpdateEvent,
        proto.TaskArtifactUpdateEvent,
    ),
    "push_notification_config": (
        legacy.PUSH_CONFIG,
        PUSH_CONFIG,
        types.PushNotificationConfig,
        proto.PushNotificationConfig,
    ),
    "message_send_configuration": (
        legacy.CONFIGURATION,
        CONFIGURATION,
        types.MessageSendConfiguration,
        proto.SendMessageConfiguration,
    ),
}


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def parsed(value: Raw) -> Any:
    return json.loads(bytes(value))


@pytest.mark.parametrize("name", SPELLINGS)
def test_what_json_rpc_says_is_the_proto_that_the_sdk_makes_of_it(name: str) -> None:
    spelling, value, model, message = SPELLINGS[name]
    made = getattr(ToProto, name)(model.model_validate(value))
    strict = json_format.ParseDict(parsed(spelling.to_rest(raw(value))), message())  # knows every member
    assert strict == made


@pytest.mark.parametrize("snake_case", [False, True])
@pytest.mark.parametrize("name", SPELLINGS)
def test_what_rest_says_is_the_object_that_the_sdk_makes_of_it(name: str, snake_case: bool) -> None:
    spelling, value, model, _ = SPELLINGS[name]
    made = getattr(ToProto, name)(model.model_validate(value))
    written = json_format.MessageToDict(made, preserving_proto_field_name=snake_case)
    read = model.model_validate(parsed(spelling.of_rest(raw(written))))
    assert getattr(ToProto, name)(read) == made
    assert read.model_dump(exclude_none=True) == model.model_validate(value).model_dump(exclude_none=True)


@pytest.mark.parametrize("name", [name for name in SPELLINGS if name != "message_send_configuration"])
def test_values_that_proto_json_leaves_out_come_back(name: str) -> None:
    spelling, _, model, message = SPELLINGS[name]
    made = getattr(FromProto, name)(message())
    read = model.model_validate(parsed(spelling.of_rest(Raw(b"{}"))))
    to_core = getattr(conversions, f"to_core_{name}")
    assert to_core(read) == to_core(made)


@pytest.mark.parametrize("state", list(types.TaskState))
def test_every_state_has_its_name(state: types.TaskState) -> None:
    name = proto.TaskState.Name(ToProto.task_state(state))
    assert parsed(legacy.STATE.to_rest(raw(state.value))) == name
    assert parsed(legacy.STATE.of_rest(raw(name))) == state.value
    assert parsed(legacy.STATE.of_rest(raw(ToProto.task_state(state)))) == state.value


def test_names_of_the_newer_version_and_of_nobody_are_bearable() -> None:
    assert parsed(legacy.STATE.of_rest(raw("TASK_STATE_CANCELED"))) == "canceled"
    assert parsed(legacy.STATE.of_rest(raw("dreaming"))) == "dreaming"
    assert parsed(legacy.STATE.to_rest(raw("dreaming"))) == "dreaming"
    assert parsed(legacy.ROLE.of_rest(raw("ROLE_UNSPECIFIED"))) == "agent"


def test_a_file_that_was_packed_once_is_taken_as_it_is() -> None:
    once = base64.b64encode(b"\x00\xff binary").decode()
    assert parsed(legacy.FileBytes().of_rest(raw(once))) == once
    assert parsed(legacy.FileBytes().of_rest(raw("not base64 at all"))) == "not base64 at all"
    with pytest.raises(ValueError, match="a string was expected"):
        legacy.FileBytes().to_rest(raw(7))


def test_parts_in_the_words_of_json_rpc_are_understood_in_rest_too() -> None:
    for part in PARTS:
        assert parsed(legacy.Part().of_rest(raw(part))) == part


def test_a_part_of_no_known_kind_stays() -> None:
    for part in ({"kind": "song", "song": 1}, {"video": "x"}, {"kind": "file"}):
        assert parsed(legacy.Part().to_rest(raw(part))) == part
    assert parsed(legacy.Part().of_rest(raw({"video": "x"}))) == {"video": "x"}


def test_a_configuration_that_does_not_say_blocking_blocks_in_json_rpc_and_not_in_rest() -> None:
    assert parsed(legacy.CONFIGURATION.to_rest(raw({"historyLength": 1}))) == {"historyLength": 1, "blocking": True}
    assert parsed(legacy.CONFIGURATION.of_rest(raw({"historyLength": 1}))) == {"historyLength": 1, "blocking": False}


def test_references_to_tasks_have_no_place_in_rest() -> None:
    assert parsed(legacy.MESSAGE.to_rest(raw(MESSAGE | {"referenceTaskIds": ["t0"]}))) == parsed(
        legacy.MESSAGE.to_rest(raw(MESSAGE))
    )


def test_null_stays_null() -> None:
    assert parsed(legacy.TASK.to_rest(raw({"status": None, "history": None}))) == {"status": None, "history": None}
    assert parsed(legacy.STATUS.of_rest(raw({"message": None})))["message"] is None


UNKNOWN = st.dictionaries(
    st.text('abcXYZ_-é"\\', min_size=1, max_size=8).map("x-".__add__),
    st.sampled_from(
        ["1.50", "1e2", "-0", '"\\u00e9\\ud83d\\ude00"', "[1, 2 ]", '{"kind":"task","parts": null}', "true"]
    ),
    max_size=3,
)


def with_unknown(value: Any, more: dict[str, str]) -> str:
    """`value` as JSON, with the members of `more` (name to JSON text) at the end of each of its own objects."""
    if isinstance(value, list):
        return "[" + ",".join(with_unknown(each, more) for each in value) + "]"
    if not isinstance(value, dict):
        return json.dumps(value)
    free = {"metadata", "data"}  # what stands there belongs to nobody
    own = [
        f"{json.dumps(key)}:{json.dumps(each) if key in free else with_unknown(each, more)}"
        for key, each in value.items()
    ]
    return "{" + ",".join([*own, *(f"{json.dumps(key)}:{text}" for key, text in more.items())]) + "}"


@pytest.mark.parametrize("name", SPELLINGS)
@given(more=UNKNOWN)
def test_unknown_members_survive_to_the_byte(name: str, more: dict[str, str]) -> None:
    spelling, value, *_ = SPELLINGS[name]
    written = with_unknown(value, more)
    back = spelling.of_rest(spelling.to_rest(Raw(written.encode())))
    assert json.dumps(parsed(back)) == json.dumps(json.loads(written))
    for text in more.values():
        assert bytes(back).count(text.encode()) >= written.count(text)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: (
    st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(
        ["kind", "parts", "content", "file", "data", "bytes", "fileWithBytes", "status", "state", "message", "role",
         "artifacts", "history", "artifact", "configuration", "request", "authentication"]
    ), inner, max_size=4)
), max_leaves=12))  # fmt: skip
def test_nothing_but_value_errors_come_of_any_json(value: Any) -> None:
    for spelling in (*(each[0] for each in SPELLINGS.values()), legacy.SEND_PARAMS):
        for translate in (spelling.to_rest, spelling.of_rest):
            try:
                made = translate(raw(value))
            except ValueError:
                continue
            json.loads(bytes(made))
