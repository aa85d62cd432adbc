"""Between the versions: the SDK's conversions over the bridge's JSON, and what they cannot convert."""

import json
import subprocess
import sys
from contextlib import suppress
from typing import Any

import pytest
from a2a.compat.v0_3 import conversions, types
from a2a.types import a2a_pb2 as core
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.bridge_results import KINDS
from fedgate.a2a.bridge_versions import params, result, warm
from fedgate.a2a.operations import OPERATIONS
from fedgate.a2a.values import Version
from fedgate.core.rawjson import Raw
from tests.a2a.bridged import CARD, json_format
from tests.a2a.test_bridge_legacy import ARTIFACT_UPDATE, CONFIGURATION, MESSAGE, PUSH_CONFIG, STATUS_UPDATE, TASK

CONFIG = {"taskId": "t1", "pushNotificationConfig": PUSH_CONFIG}
REQUESTS: list[tuple[str, dict[str, Any], Any, str]] = [
    (
        "SendMessage",
        {"message": MESSAGE | {"referenceTaskIds": ["t0"]}, "configuration": CONFIGURATION, "metadata": {"a": "b"}},
        types.SendMessageRequest,
        "send_message_request",
    ),
    ("SendStreamingMessage", {"message": MESSAGE}, types.SendMessageRequest, "send_message_request"),
    ("GetTask", {"id": "t1", "historyLength": 2}, types.GetTaskRequest, "get_task_request"),
    ("CancelTask", {"id": "t1", "metadata": {"a": "b"}}, types.CancelTaskRequest, "cancel_task_request"),
    ("SubscribeToTask", {"id": "t1"}, types.TaskResubscriptionRequest, "subscribe_to_task_request"),
    (
        "CreateTaskPushNotificationConfig",
        CONFIG,
        types.SetTaskPushNotificationConfigRequest,
        "create_task_push_notification_config_request",
    ),
    (
        "GetTaskPushNotificationConfig",
        {"id": "t1", "pushNotificationConfigId": "p1"},
        types.GetTaskPushNotificationConfigRequest,
        "get_task_push_notification_config_request",
    ),
    (
        "ListTaskPushNotificationConfigs",
        {"id": "t1"},
        types.ListTaskPushNotificationConfigRequest,
        "list_task_push_notification_config_request",
    ),
    (
        "DeleteTaskPushNotificationConfig",
        {"id": "t1", "pushNotificationConfigId": "p1"},
        types.DeleteTaskPushNotificationConfigRequest,
        "delete_task_push_notification_config_request",
    ),
]
EVENTS = [
    (TASK, types.Task),
    (MESSAGE, types.Message),
    (STATUS_UPDATE, types.TaskStatusUpdateEvent),
    (ARTIFACT_UPDATE, types.TaskArtifactUpdateEvent),
]


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


@pytest.mark.parametrize(("operation", "members", "model", "stem"), REQUESTS, ids=[each[0] for each in REQUESTS])
def test_parameters_become_what_the_sdk_makes_of_them(
    operation: str, members: dict[str, Any], model: Any, stem: str
) -> None:
    request = getattr(conversions, f"to_core_{stem}")(model(id=1, params=members))
    newer = params(operation, raw(members), "1.0")
    assert json.loads(newer) == json_format.MessageToDict(request)
    older = getattr(conversions, f"to_compat_{stem}")(request, 1).params
    assert json.loads(params(operation, newer, "0.3")) == older.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_the_extended_card_is_asked_for_without_parameters(version: Version) -> None:
    assert params("GetExtendedAgentCard", b'{"tenant":""}', version) == b"{}"


@pytest.mark.parametrize("operation", ["SendMessage", "SendStreamingMessage", "SubscribeToTask"])
@pytest.mark.parametrize(("value", "model"), EVENTS, ids=list(KINDS))
def test_results_that_say_what_they_are_become_what_the_sdk_makes_of_them(
    operation: str, value: dict[str, Any], model: Any
) -> None:
    success = types.SendStreamingMessageSuccessResponse(id=1, result=model.model_validate(value))
    newer = result(operation, raw(value), "1.0")
    told = conversions.to_core_stream_response(success)
    assert json.loads(bytes(newer)) == json_format.MessageToDict(told)
    older = conversions.to_compat_stream_response(told, 1).result
    assert json.loads(bytes(result(operation, newer, "0.3"))) == older.model_dump(
        mode="json", by_alias=True, exclude_none=True
    )


def test_the_last_update_of_a_task_is_final_in_0_3() -> None:
    for state, final in (("TASK_STATE_WORKING", False), ("TASK_STATE_FAILED", True)):
        update = {"statusUpdate": {"taskId": "t", "contextId": "c", "status": {"state": state}}}
        assert json.loads(bytes(result("SendStreamingMessage", raw(update), "0.3")))["final"] is final


@pytest.mark.parametrize("operation", ["GetTask", "CancelTask"])
def test_a_task_is_bare_in_both_versions(operation: str) -> None:
    newer = result(operation, raw(TASK), "1.0")
    task = conversions.to_core_task(types.Task.model_validate(TASK))
    assert json_format.Parse(bytes(newer), core.Task()) == task
    older = types.Task.model_validate_json(bytes(result(operation, newer, "0.3")))
    assert older == conversions.to_compat_task(task)


def test_push_configurations_are_flat_in_1_0() -> None:
    newer = json.loads(bytes(result("GetTaskPushNotificationConfig", raw(CONFIG), "1.0")))
    assert newer == {
        "taskId": "t1",
        "id": "p1",
        "url": "http://cb/",
        "token": "t",
        "authentication": {"scheme": "Bearer", "credentials": "x"},
    }
    assert json.loads(bytes(result("CreateTaskPushNotificationConfig", raw(newer), "0.3"))) == CONFIG
    listed = result("ListTaskPushNotificationConfigs", raw([CONFIG]), "1.0")
    assert json.loads(bytes(listed)) == {"configs": [newer]}
    assert json.loads(bytes(result("ListTaskPushNotificationConfigs", listed, "0.3"))) == [CONFIG]
    assert bytes(result("ListTaskPushNotificationConfigs", Raw(b"{}"), "0.3")) == b"[]"
    assert bytes(result("DeleteTaskPushNotificationConfig", Raw(b"{}"), "0.3")) == b"null"


def test_a_card_of_1_0_alone_can_be_read_in_0_3() -> None:
    card = json_format.MessageToDict(CARD)
    card["supportedInterfaces"] = [{"url": "http://a/", "protocolBinding": "HTTP+JSON", "protocolVersion": "1.0"}]
    older = types.AgentCard.model_validate_json(bytes(result("GetExtendedAgentCard", raw(card), "0.3")))
    assert (older.url, older.preferred_transport, older.protocol_version) == ("http://a/", "HTTP+JSON", "0.3")
    with_both = [*card["supportedInterfaces"], {"url": "http://b/", "protocolBinding": "JSONRPC"}]
    older = types.AgentCard.model_validate_json(
        bytes(result("GetExtendedAgentCard", raw(card | {"supportedInterfaces": with_both}), "0.3"))
    )
    assert older.url == "http://b/"


@pytest.mark.parametrize(
    ("operation", "members", "to", "why"),
    [
        ("SendMessage", {}, "1.0", r"it is no SendMessageRequest .* \(params\.message\)"),
        ("SendMessage", {"message": {"parts": [{}]}}, "0.3", "^it is no SendMessageRequest"),
        ("SendMessage", {"message": {"parts": "x"}}, "0.3", "^it is no SendMessageRequest"),
        ("GetTask", {"id": ["secret"]}, "1.0", r"^it is no GetTaskRequest .* \(params\.id\)$"),
        ("GetTask", {"id": {"a": 1}}, "0.3", "^it is no GetTaskRequest"),
        ("GetTask", 7, "0.3", "^it is not a JSON object"),
    ],
)
def test_what_cannot_be_converted_is_refused_without_repeating_it(
    operation: str, members: Any, to: Version, why: str
) -> None:
    with pytest.raises(ValueError, match=why) as raised:
        params(operation, raw(members), to)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("operation", "said", "to"),
    [
        ("SendMessage", b'{"kind":"song"}', "1.0"),
        ("SendMessage", b"{}", "0.3"),
        ("SendMessage", b'{"task":7}', "0.3"),
        ("GetTask", b"null", "1.0"),
        ("GetTask", b"[]", "0.3"),
        ("GetTask", b'{"id":"t","contextId":"c","status":{"state":"dreaming"}}', "1.0"),
        ("GetTask", b'{"metadata":' + b'{"a":' * 200 + b"1" + b"}" * 201, "0.3"),
        ("GetTask", b'{"metadata":{"a":' + b"9" * 400 + b"}}", "0.3"),
        (
            "SendMessage",
            b'{"kind":"message","messageId":"m","role":"user","parts":[{"kind":"data","data":{},"metadata":{"data_part_compat":true}}]}',
            "1.0",
        ),
        ("ListTaskPushNotificationConfigs", b"[]", "0.3"),
        ("ListTaskPushNotificationConfigs", b'{"configs":7}', "0.3"),
        ("ListTaskPushNotificationConfigs", b'{"configs":[7]}', "0.3"),
        ("ListTaskPushNotificationConfigs", b"{}", "1.0"),
        ("GetExtendedAgentCard", b"{}", "0.3"),
    ],
)
def test_an_answer_that_cannot_be_converted_is_a_value_error(operation: str, said: bytes, to: Version) -> None:
    with pytest.raises(ValueError, match=r".+"):
        result(operation, Raw(said), to)


def test_the_sdk_comes_with_the_first_conversion_or_when_it_is_asked_for() -> None:
    code = (
        "import sys; from fedgate.a2a import bridge; before = 'a2a' in sys.modules; bridge.warm();"
        "print(before, 'a2a.compat.v0_3.conversions' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert found.stdout == "False True\n"
    warm()


NAMES = """kind message task statusUpdate status state timestamp parts text file bytes data metadata role id raw url
contextId messageId taskId configs pushNotificationConfig authentication schemes configuration historyLength"""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(NAMES.split()),
            inner | st.sampled_from(["task", "message", "status-update", "user", "file", "data", "working"]),
            max_size=6,
        )
    ),
    max_leaves=14,
)


@given(st.sampled_from(sorted(OPERATIONS - {"ListTasks"})), st.sampled_from(["1.0", "0.3"]), JSON)
def test_nothing_but_value_errors_come_of_any_json(operation: str, to: Version, value: Any) -> None:
    for convert in (params, result):
        with suppress(ValueError):
            json.loads(bytes(convert(operation, raw(value), to)))
