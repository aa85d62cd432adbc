"""A request's parameters as JSON-RPC says them, out of a REST request and into one, within a version.

JSON-RPC names everything in `params`; REST spreads it over the path (ids), the query (what a GET asks
for) and the body. Members that neither knows keep their place: the query or the body. Parameters
stay in the words of their version; in 0.3 the bodies are spelled as `bridge_legacy` knows.

It knows nothing of the other version and of answers. Above: the bridge. Below: `operations`, `query`, the
spellings.
Everything raises `ValueError`, in words for who wrote the parameters.
"""

import re
from typing import NoReturn
from urllib.parse import parse_qsl, quote, urlencode

from ..core.rawjson import NULL, Fields, Raw, fields, join, raw, text, value
from .bridge_legacy import PUSH_CONFIG, SEND_PARAMS, snake
from .bridge_results import resource
from .operations import CANCEL, GET, PUSH, PUSH_CREATE, PUSH_DELETE, PUSH_GET, SENDS, SUBSCRIBE, route_path
from .query import MAX_PAIRS
from .values import Asked, Outgoing, Version

MAX_QUERY = 8192
"""Characters of a query string that is written or read here."""

_TASK = dict.fromkeys((GET, CANCEL, SUBSCRIBE), "id") | dict.fromkeys(PUSH, "taskId")
"""The member of 1.0 that names the task."""
_CONFIG = dict.fromkeys((PUSH_GET, PUSH_DELETE), "id")
"""The member of 1.0 that names the push configuration, beside its task."""
_NUMBERS = {"historyLength", "pageSize", "history_length", "page_size"}
_TRUTHS = {"includeArtifacts", "include_artifacts"}
_INTEGER = re.compile(r"-?\d{1,9}")


def id_members(operation: str, version: Version) -> tuple[str, str]:
    """The members of `params` that name the task and the push configuration; empty where there is none."""
    task, config = _TASK.get(operation, ""), _CONFIG.get(operation, "")
    if version == "0.3" and operation != PUSH_CREATE:
        return task and "id", config and "pushNotificationConfigId"
    return task, config


def of_rest(asked: Asked) -> bytes:
    """The parameters of a REST request."""
    version, operation = asked.speech.version, asked.operation
    body = bytes(asked.params)
    if operation in SENDS:
        return bytes(SEND_PARAMS.of_rest(Raw(body))) if version == "0.3" else body or b"{}"
    members = _query(asked.query) | (fields(body) if body.strip() else {})
    if version == "0.3":
        members = _creation_of_rest(members) if operation == PUSH_CREATE else members
        members.pop("name", None)  # the resource that clients name in the body once more
    for member, named in zip(id_members(operation, version), (asked.ids.task, asked.ids.config), strict=True):
        if member:
            members.pop(snake(member), None)
            members[member] = raw(named)
    return join(members)


def to_rest(operation: str, version: Version, params: bytes) -> Outgoing:
    """The REST request that says these parameters. `path` is below the interface's URL."""
    members = fields(params)
    task, config = (_named(members, member) for member in id_members(operation, version))
    method, path = route_path(operation, version, task, config) or _no_route(operation, version)
    path = _tenant(members) + path if version == "1.0" else path
    if method != "POST":
        return Outgoing(method, path + _as_query(members, operation, version), b"")
    return Outgoing(method, path, _body(operation, version, params, members))


def _body(operation: str, version: Version, params: bytes, members: Fields) -> bytes:
    if operation == SUBSCRIBE:
        return b""
    if version == "1.0":
        return params  # as the SDK's clients do: what the path says stands in the body too
    if operation in SENDS:
        return bytes(SEND_PARAMS.to_rest(Raw(params)))
    if operation == PUSH_CREATE:
        return _creation_to_rest(members)
    members.pop("id", None)
    return join(members)


def _no_route(operation: str, version: Version) -> NoReturn:
    raise ValueError(f"{operation} has no route in version {version}")


def _named(members: Fields, member: str) -> str:
    """The id under `member`, checked to be fit for a path."""
    if not member:
        return ""
    found = text(members.get(member)) or text(members.get(snake(member)))
    if not found:
        raise ValueError(f"params.{member} must be a string that is not empty")
    _fit(found, member)
    return found


def _fit(found: str, member: str) -> None:
    # An agent's router decodes the path before it looks for slashes: such an id would name another resource.
    if found in (".", "..") or re.search(r"[/\\\x00-\x1f\x7f]", found):
        raise ValueError(f"params.{member} cannot stand in a path: it must be without slashes and control characters")


def _tenant(members: Fields) -> str:
    found = text(members.get("tenant"))
    if not found:
        return ""
    _fit(found, "tenant")
    return "/" + quote(found, safe="")


def _query(query: str) -> Fields:
    if len(query) > MAX_QUERY:
        raise ValueError(f"the query must not be longer than {MAX_QUERY} characters")
    pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PAIRS)
    return {key: _typed(key, written) for key, written in pairs if written or key not in _NUMBERS | _TRUTHS}


def _typed(key: str, written: str) -> Raw:
    if key in _NUMBERS and _INTEGER.fullmatch(written):
        return raw(int(written))
    if key in _TRUTHS and written.lower() in ("true", "false"):
        return Raw(written.lower().encode())
    return raw(written)


def _as_query(members: Fields, operation: str, version: Version) -> str:
    said = {"tenant", *id_members(operation, version)}
    said |= {snake(member) for member in said}
    pairs = [(key, _plain(member)) for key, member in members.items() if key not in said and member != NULL]
    query = urlencode(pairs, quote_via=quote)
    if len(query) > MAX_QUERY:
        raise ValueError(f"the parameters do not fit in a query of {MAX_QUERY} characters, which the agent wants")
    return f"?{query}" if query else ""


def _plain(member: Raw) -> str:
    decoded = text(member)
    if decoded is None:
        value(member)  # a number, a truth value or a structure: as it was written, if it is JSON
        decoded = bytes(member).decode()
    return decoded


def _creation_of_rest(body: Fields) -> Fields:
    config = body.pop("config", None)
    members = fields(config) if config is not None else body
    for key in ("parent", "configId", "config_id", "name"):
        body.pop(key, None)
        members.pop(key, None)
    found = members.pop("push_notification_config", None)
    found = members.pop("pushNotificationConfig", found)
    if found is None:
        raise ValueError("config.pushNotificationConfig must be an object")
    return body | members | {"pushNotificationConfig": PUSH_CONFIG.of_rest(found)}


def _creation_to_rest(members: Fields) -> bytes:
    task = text(members.pop("taskId", None)) or ""
    config = members.pop("pushNotificationConfig", None)
    if config is None:
        raise ValueError("params.pushNotificationConfig must be an object")
    ident = text(fields(config).get("id")) or ""
    named = {"name": raw(resource(task, ident)), "pushNotificationConfig": PUSH_CONFIG.to_rest(config)}
    return join({"parent": f"tasks/{task}", "configId": ident, "config": members | named})
