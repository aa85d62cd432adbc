"""The eleven operations: what each is called in either version and where it stands in HTTP. One table, both ways.

Names and routes in, names and routes out; nothing here looks into a body. A path is read as
it was written on the wire: ids in it are decoded for look-ups, the path itself is passed on
untouched. Above: `inbound`, the bridge. Below: `errors`, `values`.
"""

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

from .errors import invalid_params
from .values import Version

SEND, STREAM = "SendMessage", "SendStreamingMessage"
GET, LIST, CANCEL, SUBSCRIBE = "GetTask", "ListTasks", "CancelTask", "SubscribeToTask"
PUSH_CREATE, PUSH_GET = "CreateTaskPushNotificationConfig", "GetTaskPushNotificationConfig"
PUSH_LIST, PUSH_DELETE = "ListTaskPushNotificationConfigs", "DeleteTaskPushNotificationConfig"
CARD = "GetExtendedAgentCard"

SENDS = frozenset({SEND, STREAM})
STREAMS = frozenset({STREAM, SUBSCRIBE})
PUSH = frozenset({PUSH_CREATE, PUSH_GET, PUSH_LIST, PUSH_DELETE})

MAX_ID = 512
"""Characters of an id."""
MAX_PATH = 8192
"""Characters of a path: two ids with every byte of their characters escaped, and room to spare."""

_LEGACY_NAMES = {
    SEND: "message/send",
    STREAM: "message/stream",
    GET: "tasks/get",
    CANCEL: "tasks/cancel",
    SUBSCRIBE: "tasks/resubscribe",
    PUSH_CREATE: "tasks/pushNotificationConfig/set",
    PUSH_GET: "tasks/pushNotificationConfig/get",
    PUSH_LIST: "tasks/pushNotificationConfig/list",
    PUSH_DELETE: "tasks/pushNotificationConfig/delete",
    CARD: "agent/getAuthenticatedExtendedCard",
}
OPERATIONS = frozenset(_LEGACY_NAMES) | {LIST}
_METHODS: dict[str, tuple[str, Version]] = {
    **{name: (name, "1.0") for name in OPERATIONS},
    **{legacy: (name, "0.3") for name, legacy in _LEGACY_NAMES.items()},
}

_AS_JSON = {f'"{name}"'.encode(): found for name, found in _METHODS.items()}

_CONFIGS = "/tasks/{}/pushNotificationConfigs"
_ROUTES: tuple[tuple[str, str, str], ...] = (
    (SEND, "POST", "/message:send"),
    (STREAM, "POST", "/message:stream"),
    (GET, "GET", "/tasks/{}"),
    (LIST, "GET", "/tasks"),
    (CANCEL, "POST", "/tasks/{}:cancel"),
    (SUBSCRIBE, "POST", "/tasks/{}:subscribe"),  # as the prose has it and SDK clients of 1.0 do
    (SUBSCRIBE, "GET", "/tasks/{}:subscribe"),  # as the proto has it, and all of 0.3
    (PUSH_CREATE, "POST", _CONFIGS),
    (PUSH_LIST, "GET", _CONFIGS),
    (PUSH_GET, "GET", _CONFIGS + "/{}"),
    (PUSH_DELETE, "DELETE", _CONFIGS + "/{}"),
    (CARD, "GET", "/extendedAgentCard"),
)
"""Operation, HTTP method, path in 1.0; the first of an operation is the one that is written."""
_LEGACY_CARD = "/card"
_LEGACY_PREFIX = "/v1"
_PREFIXES: tuple[tuple[Version, str], ...] = (("1.0", ""), ("0.3", _LEGACY_PREFIX))
_VERBS = {"cancel": "/tasks/{}:cancel", "subscribe": "/tasks/{}:subscribe"}
_TEMPLATES = {path: {m: name for name, m, p in _ROUTES if p == path} for _, _, path in _ROUTES}
_WRITTEN = {name: (method, path) for name, method, path in reversed(_ROUTES)}

_LEGAL = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]+|%[0-9A-Fa-f]{2})*")
_WAYS = (".", "..")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Route(NamedTuple):
    """What an HTTP request line asks for. `path` is the raw one, without the `/v1` of 0.3."""

    operation: str
    version: Version
    path: str
    task: str = ""
    config: str = ""


_PLAIN = {
    (method, prefix + path): Route(name, version, path)
    for name, method, path in _ROUTES
    for version, prefix in _PREFIXES
    if "{" not in path and (version == "1.0" or name in SENDS)
}
"""Routes without ids, found without reading the path."""


def of_method(name: str) -> tuple[str, Version] | None:
    """The operation and version of a JSON-RPC method name, or `None`: no name means something in both versions."""
    return _METHODS.get(name)


def of_json(written: bytes) -> tuple[str, Version] | None:
    """As `of_method`, of the name as JSON nearly always writes it; `None` says nothing of other spellings."""
    return _AS_JSON.get(written)


def method_name(operation: str, version: Version) -> str | None:
    """The JSON-RPC method name, or `None` if that version has none for it (`ListTasks` came with 1.0)."""
    if version == "1.0":
        return operation if operation in OPERATIONS else None
    return _LEGACY_NAMES.get(operation)


def of_route(method: str, path: str) -> Route | None:
    """What `method` on the raw `path` below the agent asks for; `None` if there is no such route.

    Raises `A2aError` (invalid params) for an id that another reader of the path could take for another one.
    """
    plain = _PLAIN.get((method, path))
    if plain is not None:
        return plain
    found = _read(path)
    if found is None:
        return None
    version, below, template, ids = found
    operation = _operations(template, version).get(method)
    if operation is None:
        return None
    for each in ids:
        check_id(each, "the id in the path")
    return Route(operation, version, below, *ids)


def allowed(path: str) -> str:
    """The HTTP methods that the path knows, as `Allow` lists them; empty if there is no such path."""
    found = _read(path)
    return ", ".join(sorted(_operations(found[2], found[0]))) if found else ""


def version_of(path: str) -> Version:
    """The version that a path belongs to, whether there is such a route or not."""
    return "0.3" if path == _LEGACY_PREFIX or path.startswith(_LEGACY_PREFIX + "/") else "1.0"


def names_tenant(path: str) -> bool:
    """Whether the path would be a route without its first segment, which in 1.0 may name a tenant."""
    rest = path[1:].partition("/")[2]
    return version_of(path) == "1.0" and version_of("/" + rest) == "1.0" and bool(allowed("/" + rest))


def route_path(operation: str, version: Version, task: str = "", config: str = "") -> tuple[str, str] | None:
    """HTTP method and path (with the `/v1` of 0.3) below an interface's URL, ids escaped; `None` if there is none.

    `A2aError` (invalid params) for an id that cannot stand in a path.
    """
    if version == "0.3":
        if operation == LIST:
            return None
        if operation == CARD:
            return "GET", _LEGACY_PREFIX + _LEGACY_CARD
        if operation == SUBSCRIBE:
            return "GET", _LEGACY_PREFIX + "/tasks/" + _escaped(task) + ":subscribe"
    written = _WRITTEN.get(operation)
    if written is None:
        return None
    method, template = written
    path = template.format(*map(_escaped, (task, config)[: template.count("{}")]))
    return method, path if version == "1.0" else _LEGACY_PREFIX + path


def check_id(text: str, what: str, limit: int = MAX_ID) -> None:
    """Refuse what is no id, or one that not everybody reads alike. `A2aError` (invalid params)."""
    if len(text) > limit:
        raise invalid_params(f"{what} is longer than {limit} characters")
    if _CONTROL.search(text):
        raise invalid_params(f"{what} has a control character in it")


def _escaped(text: str) -> str:
    if text in _WAYS:
        raise invalid_params(f'"{text}" cannot stand in a path')  # it is taken for a way up, escaped or not
    return quote(text, safe="")


def _operations(template: str, version: Version) -> dict[str, str]:
    known = _TEMPLATES.get(template, {})
    if version == "1.0":
        return known
    if template == _LEGACY_CARD:
        return {"GET": CARD}
    return {} if template in ("/tasks", "/extendedAgentCard") else known


def _read(path: str) -> tuple[Version, str, str, tuple[str, ...]] | None:
    """Version, path without its prefix, template and decoded ids of a path that has the form of a route."""
    if len(path) > MAX_PATH or _LEGAL.fullmatch(path) is None:
        return None
    version = version_of(path)
    below = path[len(_LEGACY_PREFIX) :] if version == "0.3" else path
    try:
        segments = [unquote(each, errors="strict") for each in below.split("/")]
    except UnicodeDecodeError:
        return None
    if segments[0] or any("/" in each or "\\" in each or each in _WAYS for each in segments):
        return None
    shape = _shape(segments[1:])
    return None if shape is None else (version, below, *shape)


def _shape(segments: list[str]) -> tuple[str, tuple[str, ...]] | None:
    """The template that the decoded segments fit, and the ids in them."""
    if len(segments) == 1:
        return "/" + segments[0], ()
    if segments[:1] != ["tasks"] or not all(segments) or len(segments) > 4:
        return None
    if len(segments) == 2:
        task, _, verb = segments[1].rpartition(":")
        if verb in _VERBS:
            return (_VERBS[verb], (task,)) if task else None
        return "/tasks/{}", (segments[1],)
    if segments[2] != "pushNotificationConfigs":
        return None
    return (_CONFIGS, (segments[1],)) if len(segments) == 3 else (_CONFIGS + "/{}", (segments[1], segments[3]))
