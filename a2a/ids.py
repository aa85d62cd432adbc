"""Which ids a request names, and where they stand: per operation, version and binding.

    operation                   task                        context            the object
    SendMessage, ...Streaming   message.taskId              message.contextId  params; REST: the body
    GetTask, Cancel, Subscribe  id; REST: the path          -
    ListTasks                   -                           contextId; REST: the query
    push create                 taskId; REST: the path      -
    push get, list, delete      1.0 taskId, 0.3 id; REST: the path

In 1.0 `id` of a push method is the configuration's, in 0.3 the task's. HTTP+JSON of 0.3 has the
names of its own proto: `request` for `message`, `parent` and `name` for the task. An id that
stands in two places must be the same in both. Pure. Above: `inbound`. Below: `members`.
"""

import re

import msgspec

from ..core.rawjson import Fields, Raw, is_object
from .errors import invalid_params
from .members import Level, text
from .operations import (
    CANCEL,
    GET,
    LIST,
    MAX_ID,
    PUSH_CREATE,
    PUSH_DELETE,
    PUSH_GET,
    PUSH_LIST,
    SENDS,
    SUBSCRIBE,
    Route,
    check_id,
)
from .values import Ids, Speech

MAX_REFERENCES = 100
"""Tasks that one message may refer to."""

MAX_PARENT = 2 * MAX_ID + 64
"""Characters of a resource name: two ids and the words between them."""

_MESSAGE = Level("message", "taskId", "contextId", "messageId", "referenceTaskIds")
_TARGET = ("url", "token", "authentication")
"""Where notifications go: not an id, but whoever sends it twice has the same in mind."""
_FLAT_CONFIG = ("taskId", "id", *_TARGET)
_CONFIG = Level("the push configuration", "id", *_TARGET)
_STRINGS = msgspec.json.Decoder(list[str])
_PARENT = re.compile(r"tasks/([^/]+)(?:/pushNotificationConfigs/([^/]*))?")

RPC, LEGACY_RPC = Speech("1.0", "jsonrpc"), Speech("0.3", "jsonrpc")
REST, LEGACY_REST = Speech("1.0", "rest"), Speech("0.3", "rest")

_SEND = {
    RPC: Level("params", "message", "configuration"),
    LEGACY_RPC: Level("params", "message", "configuration"),
    REST: Level("the body", "message", "configuration"),
    LEGACY_REST: Level("the body", "message", "request", "configuration"),
}
_INLINE = {
    RPC: "taskPushNotificationConfig",
    REST: "taskPushNotificationConfig",
    LEGACY_RPC: "pushNotificationConfig",
    LEGACY_REST: "pushNotification",
}
_CONFIGURATION = Level("configuration", *dict.fromkeys(_INLINE.values()))
_INLINE_CONFIG = {"1.0": Level("the push configuration", *_FLAT_CONFIG), "0.3": _CONFIG}
_TASK = Level("params", "id")
_TASK_BODY = Level("the body", "id", "name")
_LIST = Level("params", "contextId")
_PUSH = {"1.0": Level("params", *_FLAT_CONFIG), "0.3": Level("params", "id", "pushNotificationConfigId")}
_PUSH_SET = Level("params", "taskId", "pushNotificationConfig")
_CREATE = ("parent", "configId", "config", "name", "taskId", "pushNotificationConfig")
_PUSH_CREATE_BODY = {"1.0": Level("the body", *_FLAT_CONFIG), "0.3": Level("the body", *_CREATE)}
_NAMED_CONFIG = Level("config", "name", "taskId", "pushNotificationConfig")
_TASK_OPERATIONS = frozenset({GET, CANCEL, SUBSCRIBE})
_BY_CONFIG = {"1.0": ("taskId", "id"), "0.3": ("id", "pushNotificationConfigId")}
_PUSH_SHAPES = {
    PUSH_CREATE: _BY_CONFIG,
    PUSH_LIST: {"1.0": ("taskId", ""), "0.3": ("id", "")},
    PUSH_GET: _BY_CONFIG,
    PUSH_DELETE: _BY_CONFIG,
}
"""Where the task and the configuration stand in params, per version (0.3 creates in a form of its own)."""


def of_params(operation: str, speech: Speech, params: Raw) -> Ids:
    """The ids in JSON-RPC params (empty: none were sent). `A2aError` for what is missing or doubtful."""
    given = params if len(params) else Raw(b"{}")
    if operation in SENDS:
        return _sent(speech, given)
    if operation == LIST:
        return Ids(context=text(_LIST.read(given), "contextId", "params"))
    if operation in _TASK_OPERATIONS:
        return Ids(task=_required(_TASK.read(given), "id"))
    if operation not in _PUSH_SHAPES:
        if not is_object(given):
            raise invalid_params("params must be an object")
        return Ids()
    if operation == PUSH_CREATE and speech.version == "0.3":
        members = _PUSH_SET.read(given)
        config = _CONFIG.read(members["pushNotificationConfig"]) if "pushNotificationConfig" in members else {}
        return Ids(task=_required(members, "taskId"), config=text(config, "id", "params.pushNotificationConfig"))
    task, config_name = _PUSH_SHAPES[operation][speech.version]
    members = _PUSH[speech.version].read(given)
    return Ids(task=_required(members, task), config=text(members, config_name, "params") if config_name else "")


def of_body(route: Route, body: bytes) -> Ids:
    """The ids that an HTTP request names in its path and its body (empty if it has none)."""
    if route.operation in SENDS:
        return _sent(Speech(route.version, "rest"), body)
    if not body:
        return Ids(task=route.task, config=route.config)
    if route.operation == PUSH_CREATE:
        return _created(route, body)
    members = _TASK_BODY.read(body)
    _agree(route.task, text(members, "id", "the body"), _parent(members, "name")[0])
    return Ids(task=route.task, config=route.config)


def _sent(speech: Speech, raw: Raw | bytes) -> Ids:
    members = _SEND[speech].read(raw)
    if "request" in members:
        if "message" in members:
            raise invalid_params('the body has "message" and "request", which are the same; use one')
        members["message"] = members.pop("request")
    said = _MESSAGE.read(members["message"]) if "message" in members else {}
    task = text(said, "taskId", "message") if "taskId" in said else ""
    return Ids(
        task,
        text(said, "contextId", "message") if "contextId" in said else "",
        _references(said["referenceTaskIds"]) if "referenceTaskIds" in said else (),
        text(said, "messageId", "message") if "messageId" in said else "",
        bare="configuration" not in members or not _brings_push(speech, members["configuration"], task),
    )


def _references(raw: Raw) -> tuple[str, ...]:
    try:
        found = _STRINGS.decode(raw)
    except ValueError as error:
        raise invalid_params("message.referenceTaskIds must be a list of strings") from error
    if len(found) > MAX_REFERENCES:
        raise invalid_params(f"message.referenceTaskIds has more than {MAX_REFERENCES} entries")
    for each in found:
        if not each:
            raise invalid_params("message.referenceTaskIds has an empty entry")
        check_id(each, "an entry of message.referenceTaskIds")
    return tuple(found)


def _brings_push(speech: Speech, raw: Raw, task: str) -> bool:
    """Whether a push configuration came with the message, of whatever version and binding."""
    members = _CONFIGURATION.read(raw)
    config = members.get(_INLINE[speech])
    if config is not None:
        inline = _INLINE_CONFIG[speech.version].read(config)
        text(inline, "id", "the push configuration")
        if (other := text(inline, "taskId", "the push configuration")) and other != task:
            raise invalid_params("the push configuration names another task than the message")
    return bool(members)


def _created(route: Route, body: bytes) -> Ids:
    """1.0 has one flat object; 0.3 a request around a configuration, or (some clients) the configuration alone."""
    members = _PUSH_CREATE_BODY[route.version].read(body)
    if route.version == "1.0":
        _agree(route.task, text(members, "taskId", "the body"))
        return Ids(task=route.task, config=text(members, "id", "the body"))
    parent, _ = _parent(members, "parent")
    named, config = _parent(members, "name")
    _agree(route.task, text(members, "taskId", "the body"), parent, named)
    inner = members.get("pushNotificationConfig")
    if "config" in members:
        if inner is not None:
            raise invalid_params("the body has two push configurations; use one")
        outer = _NAMED_CONFIG.read(members["config"])
        named, config = _parent(outer, "name")
        _agree(route.task, text(outer, "taskId", "config"), named)
        inner = outer.get("pushNotificationConfig")
    own = text(_CONFIG.read(inner), "id", "the push configuration") if inner is not None else ""
    return Ids(task=route.task, config=own or text(members, "configId", "the body") or config)


def _parent(members: Fields, name: str) -> tuple[str, str]:
    """Task and configuration of a resource name, `tasks/ID[/pushNotificationConfigs/ID]`; empty if there is none."""
    found = text(members, name, "the body", MAX_PARENT)
    if not found:
        return "", ""
    parts = _PARENT.fullmatch(found)
    if parts is None:
        raise invalid_params(f'"{name}" must be tasks/ID or tasks/ID/pushNotificationConfigs/ID')
    return parts[1], parts[2] or ""


def _agree(task: str, *others: str) -> None:
    if any(other and other != task for other in others):
        raise invalid_params("the body names another task than the path")


def _required(members: Fields, name: str) -> str:
    found = text(members, name, "params")
    if not found:
        raise invalid_params(f"params.{name} must name the task")
    return found
