"""Answers between the bindings of one version, against the SDK's strict reading of 0.3's REST."""

import json
from typing import Any

import pytest
from a2a.compat.v0_3 import a2a_v0_3_pb2 as proto
from a2a.compat.v0_3 import types
from a2a.compat.v0_3.proto_utils import FromProto, ToProto
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.bridge_results import Told, flat, of_rest, to_rest, wrapped
from fedgate.a2a.operations import OPERATIONS
from fedgate.a2a.values import Version
from fedgate.core.rawjson import Raw
from tests.a2a.bridged import json_format
from tests.a2a.test_bridge_legacy import ARTIFACT_UPDATE, MESSAGE, PUSH_CONFIG, STATUS_UPDATE, TASK

CONFIG = {"taskId": "t1", "pushNotificationConfig": PUSH_CONFIG}
EVENTS: list[tuple[str, dict[str, Any], Any]] = [
    ("task", TASK, types.Task),
    ("message", MESSAGE, types.Message),
    ("statusUpdate", STATUS_UPDATE, types.TaskStatusUpdateEvent),
    ("artifactUpdate", ARTIFACT_UPDATE, types.TaskArtifactUpdateEvent),
]


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize("operation", sorted(OPERATIONS - {"DeleteTaskPushNotificationConfig"}))
def test_in_1_0_both_bindings_say_the_same_bytes(operation: str) -> None:
    said = b' {"task":{"id" :"t","x-new":1.50e3}, "zz": [ ] } '
    assert bytes(of_rest(operation, "1.0", said)) == said
    assert to_rest(operation, "1.0", Raw(said)) == said


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_what_was_deleted_is_nothing_in_json_rpc_and_an_empty_object_in_rest(version: Version) -> None:
    for said in (b"", b"{}", b"null"):
        assert bytes(of_rest("DeleteTaskPushNotificationConfig", version, said)) == b"null"
    assert to_rest("DeleteTaskPushNotificationConfig", version, Raw(b"null")) == b"{}"


@pytest.mark.parametrize("operation", ["SendMessage", "SendStreamingMessage", "SubscribeToTask"])
@pytest.mark.parametrize(("member", "value", "model"), EVENTS, ids=[each[0] for each in EVENTS])
def test_in_0_3_a_kind_becomes_a_member_and_back(operation: str, member: str, value: Any, model: Any) -> None:
    body = to_rest(operation, "0.3", raw(value))
    assert list(json.loads(body)) == [member]
    message = ToProto.stream_response(model.model_validate(value))
    assert json_format.Parse(body, proto.StreamResponse()) == message
    for snake_case in (False, True):
        written = json_format.MessageToJson(message, preserving_proto_field_name=snake_case)
        read = model.model_validate(json.loads(bytes(of_rest(operation, "0.3", written.encode()))))
        assert ToProto.stream_response(read) == message


@pytest.mark.parametrize("operation", ["GetTask", "CancelTask"])
def test_in_0_3_a_task_is_spelled_as_the_sdk_does(operation: str) -> None:
    body = to_rest(operation, "0.3", raw(TASK))
    assert json_format.Parse(body, proto.Task()) == ToProto.task(types.Task.model_validate(TASK))
    assert json.loads(bytes(of_rest(operation, "0.3", body))) == TASK


@pytest.mark.parametrize("operation", ["CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig"])
def test_in_0_3_a_push_configuration_is_named_as_the_sdk_does(operation: str) -> None:
    model = types.TaskPushNotificationConfig.model_validate(CONFIG)
    body = to_rest(operation, "0.3", raw(CONFIG))
    message = ToProto.task_push_notification_config(model)
    assert json_format.Parse(body, proto.TaskPushNotificationConfig()) == message
    for snake_case in (False, True):
        written = json_format.MessageToJson(message, preserving_proto_field_name=snake_case).encode()
        read = types.TaskPushNotificationConfig.model_validate_json(bytes(of_rest(operation, "0.3", written)))
        assert read == FromProto.task_push_notification_config(message) == model


def test_in_0_3_a_list_of_configurations_is_an_array_in_json_rpc() -> None:
    operation = "ListTaskPushNotificationConfigs"
    body = to_rest(operation, "0.3", raw([CONFIG, CONFIG]))
    assert len(json_format.Parse(body, proto.ListTaskPushNotificationConfigResponse()).configs) == 2
    assert json.loads(bytes(of_rest(operation, "0.3", body))) == [CONFIG, CONFIG]
    assert bytes(of_rest(operation, "0.3", b"{}")) == b"[]"


def test_a_configuration_without_its_name_keeps_what_it_says() -> None:
    found = of_rest("GetTaskPushNotificationConfig", "0.3", b'{"taskId":"t","x":1}')
    assert json.loads(bytes(found)) == {"taskId": "t", "x": 1, "pushNotificationConfig": {"url": ""}}


def test_a_card_is_the_same_in_both_bindings() -> None:
    assert bytes(of_rest("GetExtendedAgentCard", "0.3", b'{"name": "n"}')) == b'{"name": "n"}'
    assert to_rest("GetExtendedAgentCard", "0.3", Raw(b'{"name": "n"}')) == b'{"name": "n"}'


@pytest.mark.parametrize(("member", "value", "model"), EVENTS, ids=[each[0] for each in EVENTS])
def test_old_servers_may_leave_the_kind_out(member: str, value: Any, model: Any) -> None:
    assert flat(raw({key: each for key, each in value.items() if key != "kind"})).member == member


def test_a_wrapper_is_told_by_the_member_that_is_there() -> None:
    assert wrapped(b'{"x":1,"task":null,"msg":{"a": 1}}') == Told("message", Raw(b'{"a": 1}'))
    assert wrapped(b'{"status_update":{}}') == Told("statusUpdate", Raw(b"{}"))


@pytest.mark.parametrize(
    ("operation", "version", "body", "why"),
    [
        ("SendMessage", "0.3", b"{}", "it holds no task, message or update"),
        ("SendMessage", "0.3", b"<html>", "not a JSON object"),
        ("GetTask", "1.0", b"[]", "it is not a JSON object"),
        ("GetTask", "1.0", b'{"id"', "not a JSON object"),
        ("GetTask", "0.3", b'{"history":{}}', "not a JSON array"),
        ("ListTaskPushNotificationConfigs", "0.3", b'{"configs":[1]}', "not a JSON object"),
    ],
)
def test_what_is_no_answer_is_said_to_be_none(operation: str, version: Version, body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        of_rest(operation, version, body)
    if operation == "SendMessage":
        with pytest.raises(ValueError, match=r"its kind is not task|not a JSON object"):
            to_rest(operation, version, Raw(body))


@given(
    st.sampled_from(sorted(OPERATIONS)),
    st.sampled_from(["1.0", "0.3"]),
    st.binary(max_size=20)
    | st.sampled_from([b'{"task":{}}', b'{"message":1}', b'{"kind":"task","status":[]}', b'[{"name":1}]', b"[[]]"]),
)
def test_nothing_but_value_errors_come_of_any_bytes(operation: str, version: Version, body: bytes) -> None:
    for translate in (of_rest, to_rest):
        try:
            json.loads(bytes(translate(operation, version, Raw(body))))
        except ValueError:
            continue
