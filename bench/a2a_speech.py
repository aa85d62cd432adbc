"""A2A requests as hand-written JSON, in all four speeches: 1.0 and 0.3, over JSON-RPC and HTTP+JSON.

Pure: values in, HTTP requests out; no SDK. Above: the experiment, and tests that must know every
byte they send. Below: the names of speeches.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from fedgate.a2a.values import Speech

SPEECHES = (Speech("1.0", "jsonrpc"), Speech("1.0", "rest"), Speech("0.3", "jsonrpc"), Speech("0.3", "rest"))
METHODS = {
    "SendMessage": "message/send",
    "SendStreamingMessage": "message/stream",
    "GetTask": "tasks/get",
    "ListTasks": "tasks/list",
    "CancelTask": "tasks/cancel",
    "SubscribeToTask": "tasks/resubscribe",
    "CreateTaskPushNotificationConfig": "tasks/pushNotificationConfig/set",
    "GetTaskPushNotificationConfig": "tasks/pushNotificationConfig/get",
    "ListTaskPushNotificationConfigs": "tasks/pushNotificationConfig/list",
    "DeleteTaskPushNotificationConfig": "tasks/pushNotificationConfig/delete",
    "GetExtendedAgentCard": "agent/getAuthenticatedExtendedCard",
}
"""The operations: their names in JSON-RPC 1.0 and 0.3."""

Json = dict[str, Any]
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Wire:
    """One HTTP request; `path` (with its query) is below the agent's URL."""

    method: str
    path: str
    body: bytes = b""
    headers: Headers = ()


@dataclass(frozen=True)
class Push:
    """Where an agent shall call back."""

    url: str
    id: str = ""
    token: str = ""
    scheme: str = ""
    credentials: str = ""


@dataclass(frozen=True)
class Said:
    """One message of a user and how it is to be taken. `parts` (spelt as in 1.0) stand in place of the text."""

    text: str
    id: str
    context: str = ""
    task: str = ""
    references: tuple[str, ...] = ()
    parts: tuple[Json, ...] = ()
    immediate: bool = False
    history: int | None = None
    push: Push | None = None


def name(speech: Speech) -> str:
    return f"{speech.version}/{speech.binding}"


def headers(speech: Speech, *, body: bool = True) -> Headers:
    """The headers that clients of this speech send: version 0.3 has none of its own."""
    kind = ((b"content-type", b"application/json"),) if body else ()
    return (*kind, (b"a2a-version", b"1.0")) if speech.version == "1.0" else kind


def call(speech: Speech, operation: str, params: Json, ident: Any = 1) -> Wire:
    """A JSON-RPC request."""
    method = operation if speech.version == "1.0" else METHODS.get(operation, operation)
    body = {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}
    return Wire("POST", "", msgspec.json.encode(body), headers(speech))


def rest(speech: Speech, method: str, path: str, body: Json | None = None, query: Json | None = None) -> Wire:
    """A request of HTTP+JSON."""
    prefix = "/v1" if speech.version == "0.3" else ""
    asked = f"?{urlencode(query)}" if query else ""
    content = b"" if body is None else msgspec.json.encode(body)
    return Wire(method, f"{prefix}{path}{asked}", content, headers(speech, body=body is not None))


def send(speech: Speech, said: Said, *, stream: bool = False, ident: Any = 1) -> Wire:
    """Send a message; `stream`: hear the answer as it comes."""
    params = send_params(speech, said)
    if speech.binding == "rest":
        return rest(speech, "POST", "/message:stream" if stream else "/message:send", params)
    return call(speech, "SendStreamingMessage" if stream else "SendMessage", params, ident)


def send_params(speech: Speech, said: Said) -> Json:
    """What stands under `params`, or is the body in HTTP+JSON."""
    configuration = _configuration(speech, said)
    return {"message": message(speech, said), **({"configuration": configuration} if configuration else {})}


def message(speech: Speech, said: Said) -> Json:
    parts = said.parts or ({"text": said.text},)
    ids = {"messageId": said.id, "contextId": said.context, "taskId": said.task}
    built: Json = {key: value for key, value in ids.items() if value}
    if said.references and speech != ("0.3", "rest"):  # whose messages have no such field
        built["referenceTaskIds"] = list(said.references)
    if speech.version == "1.0":
        return {**built, "role": "ROLE_USER", "parts": list(parts)}
    if speech.binding == "rest":
        return {**built, "role": "ROLE_USER", "content": list(parts)}
    return {**built, "kind": "message", "role": "user", "parts": [{"kind": "text", **part} for part in parts]}


def _configuration(speech: Speech, said: Said) -> Json:
    built: Json = {} if said.history is None else {"historyLength": said.history}
    if speech.version == "1.0":
        if said.immediate:
            built["returnImmediately"] = True
        if said.push:
            built["taskPushNotificationConfig"] = push_config(speech, said.push)
        return built
    # A missing `blocking` means no in HTTP+JSON, whose form is that of protocol buffers.
    built["blocking"] = not said.immediate
    if said.push:
        key = "pushNotification" if speech.binding == "rest" else "pushNotificationConfig"
        built[key] = push_config(speech, said.push)
    return built


def push_config(speech: Speech, push: Push) -> Json:
    built: Json = {"url": push.url}
    built |= {key: value for key, value in (("id", push.id), ("token", push.token)) if value}
    if push.scheme:
        scheme: Json = {"scheme": push.scheme} if speech.version == "1.0" else {"schemes": [push.scheme]}
        built["authentication"] = {**scheme, "credentials": push.credentials}
    return built


def get(speech: Speech, task: str, history: int | None = None) -> Wire:
    wanted = {} if history is None else {"historyLength": history}
    if speech.binding == "rest":
        return rest(speech, "GET", f"/tasks/{quote(task, safe='')}", query=wanted)
    return call(speech, "GetTask", {"id": task, **wanted})


def tasks(speech: Speech, **filters: Any) -> Wire:
    """List tasks: `contextId`, `status`, `pageSize`, `pageToken`, `historyLength`, `includeArtifacts`, ..."""
    if speech.binding == "rest":
        spelt = {key: str(value).lower() if isinstance(value, bool) else value for key, value in filters.items()}
        return rest(speech, "GET", "/tasks", query=spelt)
    return call(speech, "ListTasks", filters)


def cancel(speech: Speech, task: str) -> Wire:
    if speech.binding == "rest":
        return rest(speech, "POST", f"/tasks/{quote(task, safe='')}:cancel", {})
    return call(speech, "CancelTask", {"id": task})


def subscribe(speech: Speech, task: str, *, verb: str = "POST") -> Wire:
    if speech.binding == "rest":
        return rest(speech, verb, f"/tasks/{quote(task, safe='')}:subscribe", {} if verb == "POST" else None)
    return call(speech, "SubscribeToTask", {"id": task})


def push_create(speech: Speech, task: str, push: Push) -> Wire:
    config = push_config(speech, push)
    if speech == ("1.0", "jsonrpc"):
        return call(speech, "CreateTaskPushNotificationConfig", {"taskId": task, **config})
    if speech == ("1.0", "rest"):
        return rest(speech, "POST", f"/tasks/{quote(task, safe='')}/pushNotificationConfigs", config)
    if speech.binding == "jsonrpc":
        return call(speech, "CreateTaskPushNotificationConfig", {"taskId": task, "pushNotificationConfig": config})
    named = f"tasks/{task}/pushNotificationConfigs/{push.id}"
    body = {"parent": f"tasks/{task}", "configId": push.id, "config": {"name": named, "pushNotificationConfig": config}}
    return rest(speech, "POST", f"/tasks/{quote(task, safe='')}/pushNotificationConfigs", body)


def push_get(speech: Speech, task: str, config: str) -> Wire:
    return _push(speech, "GET", "GetTaskPushNotificationConfig", task, config)


def push_delete(speech: Speech, task: str, config: str) -> Wire:
    return _push(speech, "DELETE", "DeleteTaskPushNotificationConfig", task, config)


def _push(speech: Speech, verb: str, operation: str, task: str, config: str) -> Wire:
    if speech.binding == "rest":
        place = f"/tasks/{quote(task, safe='')}/pushNotificationConfigs/{quote(config, safe='')}"
        return rest(speech, verb, place)
    if speech.version == "1.0":
        return call(speech, operation, {"taskId": task, "id": config})
    return call(speech, operation, {"id": task, "pushNotificationConfigId": config})


def push_list(speech: Speech, task: str) -> Wire:
    if speech.binding == "rest":
        return rest(speech, "GET", f"/tasks/{quote(task, safe='')}/pushNotificationConfigs")
    key = "taskId" if speech.version == "1.0" else "id"
    return call(speech, "ListTaskPushNotificationConfigs", {key: task})


def extended_card(speech: Speech) -> Wire:
    if speech.binding == "rest":
        return rest(speech, "GET", "/extendedAgentCard" if speech.version == "1.0" else "/card")
    return call(speech, "GetExtendedAgentCard", {})
