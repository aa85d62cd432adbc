"""Hand-written requests are what the SDK's own types take for the same thing, in every speech."""

from importlib import import_module
from typing import Any

import msgspec
import pytest
from a2a.compat.v0_3 import types as v03
from a2a.compat.v0_3.a2a_v0_3_pb2 import SendMessageRequest as OldRequest
from a2a.types import SendMessageRequest

from bench.a2a_speech import (
    METHODS,
    SPEECHES,
    Push,
    Said,
    cancel,
    get,
    headers,
    name,
    push_create,
    push_delete,
    push_list,
    send,
    send_params,
    subscribe,
    tasks,
)

V1_RPC, V1_REST, V03_RPC, V03_REST = SPEECHES
SAID = Said("hello", "m", "c", "t", ("r",), immediate=True, history=3, push=Push("http://h", "p", "s", "Bearer", "x"))


def parsed(kind: Any, params: Any) -> Any:
    # By name, because it has no types.
    return import_module("google.protobuf.json_format").ParseDict(params, kind())


@pytest.mark.parametrize("speech", [V1_RPC, V1_REST], ids=name)
def test_the_sdk_reads_messages_of_1_0(speech: Any) -> None:
    read = parsed(SendMessageRequest, send_params(speech, SAID))
    message, configuration = read.message, read.configuration
    assert (message.message_id, message.context_id, message.task_id) == ("m", "c", "t")
    assert (message.parts[0].text, list(message.reference_task_ids)) == ("hello", ["r"])
    assert (configuration.return_immediately, configuration.history_length) == (True, 3)
    push = configuration.task_push_notification_config
    assert (push.url, push.id, push.token, push.authentication.scheme) == ("http://h", "p", "s", "Bearer")


def test_the_sdk_reads_messages_of_0_3() -> None:
    read = v03.SendMessageRequest.model_validate(msgspec.json.decode(send(V03_RPC, SAID).body)).params
    assert (read.message.message_id, read.message.context_id, read.message.task_id) == ("m", "c", "t")
    assert read.configuration is not None
    assert (read.configuration.blocking, read.configuration.history_length) == (False, 3)
    push = read.configuration.push_notification_config
    assert push is not None
    assert (push.url, push.id, push.token) == ("http://h", "p", "s")


def test_the_sdk_reads_messages_of_0_3_over_http() -> None:
    read = parsed(OldRequest, send_params(V03_REST, SAID))
    assert (read.request.message_id, read.request.context_id, read.request.task_id) == ("m", "c", "t")
    assert (read.request.content[0].text, read.configuration.blocking) == ("hello", False)
    assert read.configuration.push_notification.authentication.schemes == ["Bearer"]


def test_paths_of_both_versions() -> None:
    wires = [get(V1_REST, "a/b", 1), get(V03_REST, "t"), cancel(V1_REST, "t"), subscribe(V03_REST, "t", verb="GET")]
    wires += [push_delete(V1_REST, "t", "p"), push_list(V03_REST, "t"), tasks(V1_REST, includeArtifacts=True)]
    assert [(each.method, each.path) for each in wires] == [
        ("GET", "/tasks/a%2Fb?historyLength=1"),
        ("GET", "/v1/tasks/t"),
        ("POST", "/tasks/t:cancel"),
        ("GET", "/v1/tasks/t:subscribe"),
        ("DELETE", "/tasks/t/pushNotificationConfigs/p"),
        ("GET", "/v1/tasks/t/pushNotificationConfigs"),
        ("GET", "/tasks?includeArtifacts=true"),
    ]
    assert send(V1_REST, SAID, stream=True).path == "/message:stream"
    assert send(V03_REST, SAID).path == "/v1/message:send"


def test_methods_of_both_versions() -> None:
    methods = [msgspec.json.decode(send(speech, SAID, stream=True).body)["method"] for speech in (V1_RPC, V03_RPC)]
    assert (
        methods
        == ["SendStreamingMessage", METHODS["SendStreamingMessage"]]
        == ["SendStreamingMessage", "message/stream"]
    )


def test_a_push_configuration_names_its_task_as_each_version_does() -> None:
    push = Push("http://h", "p")
    assert msgspec.json.decode(push_create(V1_RPC, "t", push).body)["params"] == {
        "taskId": "t",
        "url": "http://h",
        "id": "p",
    }
    assert msgspec.json.decode(push_create(V03_RPC, "t", push).body)["params"] == {
        "taskId": "t",
        "pushNotificationConfig": {"url": "http://h", "id": "p"},
    }


def test_only_1_0_names_its_version() -> None:
    assert [dict(headers(speech)).get(b"a2a-version") for speech in SPEECHES] == [b"1.0", b"1.0", None, None]
