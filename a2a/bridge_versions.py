"""Parameters and results of protocol 0.3 in the words of 1.0, and back, by the SDK's own conversions.

Both sides are JSON-RPC's spelling of their version. The conversions know the standard's members alone:
others are lost here (and nowhere else in the bridge), as is what the other version has no word for.

The SDK is heavy (a second to import), so it comes with the first conversion, or with `warm`. It knows
nothing of bindings, envelopes and errors. Above: the bridge. Below: the SDK, `bridge_results`.
Everything raises `ValueError`, in words without the values.
"""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from ..core.rawjson import NULL, Raw, encode, items, raw, value
from . import operations
from .bridge_results import CONFIGS, KINDS, TASKS, TOLD, Told, flat, wrap, wrapped
from .values import Version

MAX_PLACES = 200
"""Characters that say which members were wrong."""


class _Form(NamedTuple):
    """One type in both versions: the SDK's names of its classes and of its two conversions."""

    core: str
    legacy: str
    stem: str


_SEND = _Form("SendMessageRequest", "SendMessageRequest", "send_message_request")
_REQUESTS = {
    operations.SEND: _SEND,
    operations.STREAM: _SEND,
    operations.GET: _Form("GetTaskRequest", "GetTaskRequest", "get_task_request"),
    operations.CANCEL: _Form("CancelTaskRequest", "CancelTaskRequest", "cancel_task_request"),
    operations.SUBSCRIBE: _Form("SubscribeToTaskRequest", "TaskResubscriptionRequest", "subscribe_to_task_request"),
    operations.PUSH_CREATE: _Form(
        "TaskPushNotificationConfig",
        "SetTaskPushNotificationConfigRequest",
        "create_task_push_notification_config_request",
    ),
    operations.PUSH_GET: _Form(
        "GetTaskPushNotificationConfigRequest",
        "GetTaskPushNotificationConfigRequest",
        "get_task_push_notification_config_request",
    ),
    operations.PUSH_LIST: _Form(
        "ListTaskPushNotificationConfigsRequest",
        "ListTaskPushNotificationConfigRequest",
        "list_task_push_notification_config_request",
    ),
    operations.PUSH_DELETE: _Form(
        "DeleteTaskPushNotificationConfigRequest",
        "DeleteTaskPushNotificationConfigRequest",
        "delete_task_push_notification_config_request",
    ),
}
_EVENTS = {
    "task": _Form("Task", "Task", "task"),
    "message": _Form("Message", "Message", "message"),
    "statusUpdate": _Form("TaskStatusUpdateEvent", "TaskStatusUpdateEvent", "task_status_update_event"),
    "artifactUpdate": _Form("TaskArtifactUpdateEvent", "TaskArtifactUpdateEvent", "task_artifact_update_event"),
}
_CONFIG = _Form("TaskPushNotificationConfig", "TaskPushNotificationConfig", "task_push_notification_config")
_RESULTS = (
    dict.fromkeys(TASKS, _EVENTS["task"])
    | dict.fromkeys(CONFIGS, _CONFIG)
    | {operations.CARD: _Form("AgentCard", "AgentCard", "agent_card")}
)


def warm() -> None:
    """Import the SDK now: for a start-up that knows an agent whose callers will need it."""
    _sdk()


def params(operation: str, members: bytes, to: Version) -> bytes:
    """The parameters in the words of version `to`."""
    form = _REQUESTS.get(operation)
    if form is None:
        return b"{}"  # the extended card is asked for without any
    if to == "1.0":
        return encode(_guarded(_core_of_request, form, _decoded(members)))
    return encode(_guarded(_legacy_of_request, form, _decoded(members)))


def result(operation: str, given: Raw, to: Version) -> Raw:
    """The result in the words of version `to`."""
    if operation == operations.PUSH_DELETE:
        return NULL
    if operation in TOLD:
        told = flat(given) if to == "1.0" else wrapped(given)
        converted = _convert(_EVENTS[told.member], told.value, to)
        return wrap(Told(told.member, raw(converted))) if to == "1.0" else raw(converted | {"kind": KINDS[told.member]})
    if operation != operations.PUSH_LIST:
        return raw(_convert(_RESULTS[operation], given, to))
    if to == "1.0":
        return raw({"configs": [_convert(_CONFIG, each, to) for each in items(given)]})
    found = _decoded(given)
    configs = found.get("configs", [])
    if not isinstance(configs, list):
        raise ValueError("it holds no list of configs")
    return raw([_guarded(_legacy, _CONFIG, each) for each in configs])


def _convert(form: _Form, given: Raw, to: Version) -> Any:
    return _guarded(_core if to == "1.0" else _legacy, form, _decoded(given))


def _decoded(given: Raw | bytes) -> dict[str, Any]:
    found = value(given)
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")
    return found


class _Sdk(NamedTuple):
    conversions: Any
    legacy: Any
    core: Any
    json: Any


@cache
def _sdk() -> _Sdk:
    from a2a.compat.v0_3 import conversions, types
    from a2a.types import a2a_pb2

    return _Sdk(conversions, types, a2a_pb2, import_module("google.protobuf.json_format"))


def _guarded(convert: Callable[[_Form, Any], Any], form: _Form, given: Any) -> Any:
    """What the SDK raises for values it cannot convert, as one error: its own words would repeat the values."""
    try:
        return convert(form, given)
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
        raise ValueError(f"it is no {form.core} that can be said in the other version{_where(error)}") from error
    except (_sdk().json.Error, _sdk().conversions.errors.A2AError) as error:
        raise ValueError(f"it is no {form.core} that can be said in the other version") from error


def _where(error: Exception) -> str:
    """The places that pydantic complains of; they are names of members, not values."""
    errors = getattr(error, "errors", None)
    if errors is None:
        return ""
    places = {".".join(str(step) for step in each["loc"]) for each in errors(include_input=False, include_url=False)}
    return f" ({', '.join(sorted(places)[:3])[:MAX_PLACES]})"


def _core_of_request(form: _Form, given: Any) -> Any:
    sdk = _sdk()
    request = getattr(sdk.legacy, form.legacy).model_validate({"id": 1, "params": given})
    return sdk.json.MessageToDict(getattr(sdk.conversions, f"to_core_{form.stem}")(request))


def _legacy_of_request(form: _Form, given: Any) -> Any:
    sdk = _sdk()
    request = getattr(sdk.conversions, f"to_compat_{form.stem}")(_parsed(form, given), 1)
    return request.params.model_dump(mode="json", by_alias=True, exclude_none=True)


def _core(form: _Form, given: Any) -> Any:
    sdk = _sdk()
    legacy = getattr(sdk.legacy, form.legacy).model_validate(given)
    return sdk.json.MessageToDict(getattr(sdk.conversions, f"to_core_{form.stem}")(legacy))


def _legacy(form: _Form, given: Any) -> Any:
    sdk = _sdk()
    core = _parsed(form, given)
    if form.core == "AgentCard":
        _offer_legacy(core)
    legacy = getattr(sdk.conversions, f"to_compat_{form.stem}")(core)
    return legacy.model_dump(mode="json", by_alias=True, exclude_none=True)


def _parsed(form: _Form, given: Any) -> Any:
    sdk = _sdk()
    return sdk.json.ParseDict(given, getattr(sdk.core, form.core)(), ignore_unknown_fields=True)


def _offer_legacy(card: Any) -> None:
    """The SDK refuses a card without an interface of 0.3. Who reads it through the bridge does speak 0.3 to it."""
    if any(each.protocol_version.startswith("0.") or not each.protocol_version for each in card.supported_interfaces):
        return
    offered = [_sdk().core.AgentInterface.FromString(each.SerializeToString()) for each in card.supported_interfaces]
    for each in offered:
        each.protocol_version = "0.3"
    card.supported_interfaces.extend(offered)
