"""What a successful answer or a stream's event looks like in each speech, and how one binding's becomes the other's.

Within a version. In 1.0 both bindings say the same bytes, REST without the JSON-RPC envelope. In 0.3
JSON-RPC's results are flat and told by their `kind`, while REST's stand under a member of that name
and are spelled as `bridge_legacy` knows. "Result" here is always what stands in JSON-RPC's `result`.

It knows nothing of envelopes, errors and the other version. Above: the bridge. Below: `operations`,
`bridge_legacy`.
Everything raises `ValueError` for what is no such answer.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..core.rawjson import NULL, Fields, Raw, fields, is_object, items, join, raw, text
from .bridge_legacy import ARTIFACT_UPDATE, MESSAGE, PUSH_CONFIG, STATUS_UPDATE, TASK, Record
from .operations import CANCEL, CARD, GET, PUSH_CREATE, PUSH_DELETE, PUSH_GET, SENDS, STREAMS
from .values import Version

TOLD = SENDS | STREAMS
"""Operations whose results say what they are: a task, a message or an update. Others always answer the same thing."""
TASKS = frozenset({GET, CANCEL})
CONFIGS = frozenset({PUSH_CREATE, PUSH_GET})

KINDS = {"task": "task", "message": "message", "statusUpdate": "status-update", "artifactUpdate": "artifact-update"}
"""The member under which a result stands, and 0.3's `kind` of it."""
_MEMBERS = {kind: member for member, kind in KINDS.items()}
_READ = {"task": "task", "message": "message", "msg": "message"} | {
    "statusUpdate": "statusUpdate",
    "status_update": "statusUpdate",
    "artifactUpdate": "artifactUpdate",
    "artifact_update": "artifactUpdate",
}
_SPELLINGS: Mapping[str, Record] = {
    "task": TASK,
    "message": MESSAGE,
    "statusUpdate": STATUS_UPDATE,
    "artifactUpdate": ARTIFACT_UPDATE,
}
_RESOURCE = re.compile(r"tasks/([^/]+)/pushNotificationConfigs(?:/([^/]*))?")
"""How 0.3's REST names a push configuration."""
_NOTHING = Raw(b"{}")


class Told(NamedTuple):
    """A result that says what it is: the member it stands under in 1.0, and what stands there."""

    member: str
    value: Raw


def wrapped(body: Raw | bytes) -> Told:
    """What a result of 1.0, or of 0.3 over REST, says it is."""
    for key, value in fields(body).items():
        member = _READ.get(key)
        if member is not None and value != NULL:
            return Told(member, value)
    raise ValueError("it holds no task, message or update")


def flat(result: Raw | bytes) -> Told:
    """What a result of 0.3 says it is; old servers leave `kind` out."""
    members = fields(result)
    kind = text(members.get("kind")) or _guess(members)
    if kind not in _MEMBERS:
        raise ValueError("its kind is not task, message, status-update or artifact-update")
    return Told(_MEMBERS[kind], Raw(bytes(result)))


def _guess(members: Fields) -> str:
    for sign, kind in (("messageId", "message"), ("artifact", "artifact-update"), ("taskId", "status-update")):
        if sign in members:
            return kind
    return "task" if "id" in members else ""


def wrap(told: Told) -> Raw:
    return Raw(join({told.member: told.value}))


def of_rest(operation: str, version: Version, body: bytes) -> Raw:
    """The result in a REST answer's body."""
    if operation == PUSH_DELETE:
        return NULL
    if version == "1.0" or operation == CARD:
        return _object(body)
    if operation in TOLD:
        told = wrapped(body)
        return _SPELLINGS[told.member].of_rest(told.value)
    if operation in TASKS:
        return TASK.of_rest(Raw(body))
    if operation in CONFIGS:
        return _config_of_rest(Raw(body))
    return raw([_config_of_rest(each) for each in items(fields(body).get("configs", Raw(b"[]")))])


def to_rest(operation: str, version: Version, result: Raw) -> bytes:
    """A REST answer's body that says this result."""
    if operation == PUSH_DELETE:
        return bytes(_NOTHING)
    if version == "1.0" or operation == CARD:
        return bytes(_object(result))
    if operation in TOLD:
        told = flat(result)
        return bytes(wrap(Told(told.member, _SPELLINGS[told.member].to_rest(told.value))))
    if operation in TASKS:
        return bytes(TASK.to_rest(result))
    if operation in CONFIGS:
        return bytes(_config_to_rest(result))
    return join({"configs": [_config_to_rest(each) for each in items(result)]})


def _object(value: Raw | bytes) -> Raw:
    if not is_object(Raw(bytes(value))):
        raise ValueError("it is not a JSON object")
    fields(value)
    return Raw(bytes(value))


def resource(task: str, config: str) -> str:
    return f"tasks/{task}/pushNotificationConfigs/{config}"


def _config_of_rest(value: Raw) -> Raw:
    members = fields(value)
    found = _RESOURCE.fullmatch(text(members.pop("name", None)) or "")
    config = members.pop("push_notification_config", None)
    config = members.pop("pushNotificationConfig", config)
    put: Fields = {"taskId": raw(found[1])} if found else {}
    put["pushNotificationConfig"] = PUSH_CONFIG.of_rest(_NOTHING if config is None else config)
    return Raw(join(members | put))


def _config_to_rest(value: Raw) -> Raw:
    members = fields(value)
    task = text(members.pop("taskId", None)) or ""
    config = members.pop("pushNotificationConfig", _NOTHING)
    name = resource(task, text(fields(config).get("id")) or "")
    return Raw(join(members | {"name": raw(name), "pushNotificationConfig": PUSH_CONFIG.to_rest(config)}))
