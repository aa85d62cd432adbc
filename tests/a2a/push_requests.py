"""Requests that name a push configuration, as SDK clients of both versions write them."""

from importlib import import_module
from typing import Any

from a2a.compat.v0_3 import a2a_v0_3_pb2 as old
from a2a.compat.v0_3 import types
from a2a.types import a2a_pb2 as new

from fedgate.a2a.operations import PUSH_CREATE, SENDS
from fedgate.a2a.values import Asked, Ids, Speech
from fedgate.core.rawjson import Raw, encode

json_format: Any = import_module("google.protobuf.json_format")  # it comes without types

RPC, REST = Speech("1.0", "jsonrpc"), Speech("1.0", "rest")
OLD_RPC, OLD_REST = Speech("0.3", "jsonrpc"), Speech("0.3", "rest")
SPEECHES = [RPC, REST, OLD_RPC, OLD_REST]

URL, TOKEN, CREDENTIALS = "https://hooks.example.com/in?key=1", "client-token", "client-secret"


def modern_config(**more: Any) -> new.TaskPushNotificationConfig:
    config = new.TaskPushNotificationConfig(id="c-1", url=URL, token=TOKEN, **more)
    config.authentication.scheme, config.authentication.credentials = "Basic", CREDENTIALS
    return config


def legacy_config() -> types.PushNotificationConfig:
    authentication = types.PushNotificationAuthenticationInfo(schemes=["Basic", "Bearer"], credentials=CREDENTIALS)
    return types.PushNotificationConfig(id="c-1", url=URL, token=TOKEN, authentication=authentication)


def legacy_proto() -> old.PushNotificationConfig:
    config = old.PushNotificationConfig(id="c-1", url=URL, token=TOKEN)
    config.authentication.schemes[:] = ["Basic", "Bearer"]
    config.authentication.credentials = CREDENTIALS
    return config


def sending(speech: Speech, *, snake: bool = False) -> dict[str, Any]:
    """The params (the body) of a message with an inline configuration."""
    if speech.version == "1.0":
        request = new.SendMessageRequest(message=new.Message(message_id="m"))
        request.configuration.task_push_notification_config.CopyFrom(modern_config())
        return _dict(request, snake)
    if speech.binding == "rest":
        proto = old.SendMessageRequest(request=old.Message(message_id="m"))
        proto.configuration.push_notification.CopyFrom(legacy_proto())
        return _dict(proto, snake)
    message = types.Message(message_id="m", role=types.Role.user, parts=[])
    configuration = types.MessageSendConfiguration(push_notification_config=legacy_config(), blocking=True)
    params = types.MessageSendParams(message=message, configuration=configuration)
    found: dict[str, Any] = params.model_dump(mode="json", exclude_none=True, by_alias=not snake)
    return found


def creating(speech: Speech, *, snake: bool = False) -> dict[str, Any]:
    """The params (the body) that create a configuration for the task t-1."""
    if speech.version == "1.0":
        return _dict(modern_config(task_id="t-1"), snake)
    if speech.binding == "rest":
        request = old.CreateTaskPushNotificationConfigRequest(parent="tasks/t-1", config_id="c-1")
        request.config.push_notification_config.CopyFrom(legacy_proto())
        request.config.name = "tasks/t-1/pushNotificationConfigs/c-1"
        return _dict(request, snake)
    wrapped = types.TaskPushNotificationConfig(task_id="t-1", push_notification_config=legacy_config())
    found: dict[str, Any] = wrapped.model_dump(mode="json", exclude_none=True, by_alias=not snake)
    return found


def _dict(message: Any, snake: bool) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=snake)
    return found


def asked(operation: str, speech: Speech, params: object) -> Asked:
    """A request with these params, which may be bytes already."""
    raw = params if isinstance(params, bytes) else encode(params)
    body = raw if speech.binding == "rest" else b'{"jsonrpc":"2.0", "id":7,"params":%b ,"method":"x"}' % raw
    ids = Ids(task="t-1") if operation == PUSH_CREATE else Ids()
    assert operation in SENDS or operation == PUSH_CREATE
    return Asked(operation, speech, "weather", ids, id=Raw(b"7"), params=Raw(raw), body=body)
