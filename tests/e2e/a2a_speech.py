"""How A2A is written in its four speeches: for scripted agents, which answer, and for callers, who ask.

Written out by hand rather than with the gateway's own modules, so that neither side of a test
believes what the other one does. One form is spoken inside: 1.0's. What 0.3 says is made from it.
"""

import itertools
import json
import re
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

Tree = dict[str, Any]


class Speech(NamedTuple):
    version: Literal["1.0", "0.3"]
    binding: Literal["jsonrpc", "rest"]


RPC, REST = Speech("1.0", "jsonrpc"), Speech("1.0", "rest")
OLD_RPC, OLD_REST = Speech("0.3", "jsonrpc"), Speech("0.3", "rest")
SPEECHES = (RPC, REST, OLD_RPC, OLD_REST)
PAIRS = [(speech, speech) for speech in SPEECHES] + [
    *((RPC, OLD_RPC), (REST, RPC), (REST, OLD_REST)),
    *((OLD_RPC, REST), (OLD_RPC, OLD_REST), (OLD_REST, RPC)),
]
"""Callers and agents that speak alike, in another binding, in another version, in both."""

OLD_NAMES = {
    "SendMessage": "message/send",
    "SendStreamingMessage": "message/stream",
    "GetTask": "tasks/get",
    "CancelTask": "tasks/cancel",
    "SubscribeToTask": "tasks/resubscribe",
    "CreateTaskPushNotificationConfig": "tasks/pushNotificationConfig/set",
    "GetTaskPushNotificationConfig": "tasks/pushNotificationConfig/get",
    "ListTaskPushNotificationConfigs": "tasks/pushNotificationConfig/list",
    "DeleteTaskPushNotificationConfig": "tasks/pushNotificationConfig/delete",
    "GetExtendedAgentCard": "agent/getAuthenticatedExtendedCard",
}
METHODS = {old: (new, "0.3") for new, old in OLD_NAMES.items()} | {
    new: (new, "1.0") for new in (*OLD_NAMES, "ListTasks")
}
_CONFIGS = r"/tasks/(?P<task>[^/:]+)/pushNotificationConfigs"
ROUTES = (
    ("POST", r"/message:send", "SendMessage"),
    ("POST", r"/message:stream", "SendStreamingMessage"),
    ("GET", r"/tasks", "ListTasks"),
    ("GET", r"/(?:extendedAgentC|c)ard", "GetExtendedAgentCard"),
    ("POST", r"/tasks/(?P<task>[^/:]+):cancel", "CancelTask"),
    ("GET|POST", r"/tasks/(?P<task>[^/:]+):subscribe", "SubscribeToTask"),
    ("GET", r"/tasks/(?P<task>[^/:]+)", "GetTask"),
    ("POST", _CONFIGS, "CreateTaskPushNotificationConfig"),
    ("GET", _CONFIGS, "ListTaskPushNotificationConfigs"),
    ("GET", _CONFIGS + r"/(?P<config>[^/]+)", "GetTaskPushNotificationConfig"),
    (
        "DELETE",
        _CONFIGS + r"/(?P<config>[^/]+)",
        "DeleteTaskPushNotificationConfig",
    ),
)
_PATHS = {
    operation: (method.partition("|")[0], re.sub(r"\(\?P<(task|config)>[^)]*\)", r"{\1}", path))
    for method, path, operation in ROUTES
} | {"SubscribeToTask": ("POST", "/tasks/{task}:subscribe"), "GetExtendedAgentCard": ("GET", "/extendedAgentCard")}


_NUMBERS = itertools.count(1)


@dataclass
class Task:
    """What an agent has of one task."""

    id: str
    context: str
    state: str = "INPUT_REQUIRED"
    text: str = ""
    when: str = "2026-11-28T12:00:00Z"
    final: bool = field(default=False)


def state_of(task: Task, speech: Speech) -> str:
    if speech == OLD_RPC:
        return task.state.lower().replace("_", "-")
    return "TASK_STATE_" + ("CANCELLED" if speech == OLD_REST and task.state == "CANCELED" else task.state)


def agent_message(text: str, speech: Speech, **more: str) -> Tree:
    """A message of the agent."""
    if speech == OLD_RPC:
        parts = [{"kind": "text", "text": text}]
        return {"kind": "message", "messageId": "a-1", "role": "agent", "parts": parts, **more}
    name = "content" if speech == OLD_REST else "parts"
    return {"messageId": "a-1", "role": "ROLE_AGENT", name: [{"text": text}], **more}


def _status(task: Task, speech: Speech) -> Tree:
    said = {"message": agent_message(task.text, speech)} if task.text else {}
    return {"state": state_of(task, speech), "timestamp": task.when, **said}


def bare(task: Task, speech: Speech) -> Tree:
    """A task as `GetTask` answers it."""
    kind = {"kind": "task"} if speech == OLD_RPC else {}
    return {**kind, "id": task.id, "contextId": task.context, "status": _status(task, speech)}


def whole(task: Task, speech: Speech) -> Tree:
    """A task as the result of a message, or as an event."""
    return bare(task, speech) if speech == OLD_RPC else {"task": bare(task, speech)}


def update(task: Task, speech: Speech) -> Tree:
    """A status update."""
    found: Tree = {"taskId": task.id, "contextId": task.context, "status": _status(task, speech)}
    if speech.version == "0.3":
        found["final"] = task.final
    return {"kind": "status-update", **found} if speech == OLD_RPC else {"statusUpdate": found}


def chunk(task: Task, text: str, speech: Speech) -> Tree:
    """An artifact update."""
    kind = {"kind": "text"} if speech == OLD_RPC else {}
    found: Tree = {
        "taskId": task.id,
        "contextId": task.context,
        "artifact": {"artifactId": "x", "parts": [{**kind, "text": text}]},
    }
    return {"kind": "artifact-update", **found} if speech == OLD_RPC else {"artifactUpdate": found}


def remark(text: str, context: str, speech: Speech) -> Tree:
    """A message as the whole answer."""
    said = agent_message(text, speech, contextId=context)
    return said if speech == OLD_RPC else {"message": said}


def config_of(config: Tree, speech: Speech) -> Tree:
    """A push configuration as answers hold it. `config` is 1.0's flat form."""
    if speech.version == "1.0":
        return config
    inner = {key: member for key, member in config.items() if key != "taskId"}
    if speech == OLD_RPC:
        return {"taskId": config["taskId"], "pushNotificationConfig": inner}
    name = f"tasks/{config['taskId']}/pushNotificationConfigs/{config['id']}"
    return {"name": name, "pushNotificationConfig": inner}


def user_message(speech: Speech, text: str, ids: Tree) -> Tree:
    """A message of a client."""
    ids = {"messageId": f"m-{next(_NUMBERS)}"} | {key: member for key, member in ids.items() if member}
    if speech == OLD_RPC:
        return {**ids, "kind": "message", "role": "user", "parts": [{"kind": "text", "text": text}]}
    return {**ids, "role": "ROLE_USER", "content" if speech == OLD_REST else "parts": [{"text": text}]}


class Written(NamedTuple):
    """An HTTP request: the path is below the agent's base."""

    method: str
    path: str
    body: bytes


def encode(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def written(
    speech: Speech, operation: str, params: Tree | bytes, *, task: str = "", config: str = "", query: str = ""
) -> Written:
    """A request. `params` are JSON-RPC's; in REST they are the body, if the method has one."""
    body = params if isinstance(params, bytes) else encode(params)
    if speech.binding == "jsonrpc":
        name = operation if speech.version == "1.0" else OLD_NAMES.get(operation, operation)
        return Written("POST", "", b'{"jsonrpc":"2.0","id":"r-1","method":%b,"params":%b}' % (encode(name), body))
    method, template = _PATHS[operation]
    path = template.format(task=task, config=config)
    if speech.version == "0.3":
        path = "/v1" + path
        method = "GET" if operation == "SubscribeToTask" else method
    has_body = method == "POST" and operation not in ("CancelTask", "SubscribeToTask")
    return Written(method, path + (f"?{query}" if query else ""), body if has_body else b"")


class Heard(NamedTuple):
    """A request as an agent understood it."""

    operation: str
    speech: Speech
    params: Tree
    """JSON-RPC's, or the body with the ids of the path and the query added."""
    ident: Any
    headers: dict[str, str]
    body: bytes
    path: str

    @property
    def message(self) -> Tree:
        found: Tree = self.params.get("message") or self.params.get("request") or {}
        return found

    @property
    def text(self) -> str:
        parts = self.message.get("parts") or self.message.get("content") or [{}]
        return str(parts[0].get("text", ""))

    @property
    def task(self) -> str:
        """The task that is meant."""
        if self.operation in ("SendMessage", "SendStreamingMessage"):
            return str(self.message.get("taskId", ""))
        if "Push" in self.operation and self.speech != OLD_RPC:
            return str(self.params["taskId"])
        return str(self.params.get("taskId") or self.params.get("id", ""))


def understood(method: str, target: str, headers: dict[str, str], body: bytes) -> Heard | None:
    """`None`: not a request of the protocol (a card, for one)."""
    path, _, query = target.partition("?")
    if path == "/" and method == "POST":
        envelope = json.loads(body)
        operation, version = METHODS[envelope["method"]]
        speech = RPC if version == "1.0" else OLD_RPC
        return Heard(operation, speech, envelope.get("params", {}), envelope["id"], headers, body, target)
    old = path.startswith("/v1/")
    below = path.removeprefix("/v1") if old else path
    for known, pattern, operation in ROUTES:
        found = re.fullmatch(pattern, below)
        if found is not None and method in known.split("|"):
            ids = found.groupdict()
            named = {"taskId": ids["task"]} if "task" in ids else {}
            if "config" in ids or (named and "Push" not in operation):
                named["id"] = ids.get("config") or ids["task"]
            asked = dict(pair.split("=", 1) for pair in query.split("&") if pair)
            params = {**asked, **(json.loads(body) if body else {}), **named}
            return Heard(operation, OLD_REST if old else REST, params, None, headers, body, target)
    return None


def result(heard: Heard, value: object) -> bytes:
    """A whole answer, or the data of an event."""
    if heard.speech.binding == "rest":
        return encode(value)
    return encode({"jsonrpc": "2.0", "id": heard.ident, "result": value})


def failure(heard: Heard, code: int, message: str, status: int = 404) -> tuple[int, bytes]:
    """An error of the agent: HTTP status and body."""
    if heard.speech.binding == "jsonrpc":
        return 200, encode({"jsonrpc": "2.0", "id": heard.ident, "error": {"code": code, "message": message}})
    if heard.speech.version == "0.3":
        return status, encode({"code": code, "message": message})
    reason = {-32001: "TASK_NOT_FOUND"}.get(code, "INTERNAL_ERROR")
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "a2a-protocol.org"}
    word = "NOT_FOUND" if status == 404 else "INTERNAL"
    return status, encode({"error": {"code": status, "status": word, "message": message, "details": [info]}})
