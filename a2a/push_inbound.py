"""A callback of an agent, checked before it is relayed: is it the agent, and is it about the task.

Pure. An agent shows the token that it was given; what it says must be about the task that the
client subscribed to, read at the top of the notification (a `StreamResponse` of 1.0, a bare task
or event of 0.3) and refused if readers could differ on which task that is. The body is passed on
as it came. Above: the endpoint. Below: `members`, `learn`, `push_table`.
"""

import hmac
from collections.abc import Mapping

from ..core.errors import BadRequest, TooLarge, Unauthorized
from ..core.rawjson import Fields, text
from .errors import A2aError
from .learn import event
from .members import Level, top
from .push_table import Relay
from .values import Seen, Speech

MAX_CALLBACK = 4 * 1024 * 1024
"""Bytes of a notification."""

_WRAPPED = ("task", "statusUpdate", "artifactUpdate", "message")
_FLAT = frozenset({"kind", "id", "taskId"})
_KINDS = frozenset({"task", "status-update", "artifact-update", "message"})
_TOP = Level("the notification", *_WRAPPED, *_FLAT)
_TASK = Level("the task", "id", "contextId")
_EVENT = Level("the event", "taskId", "contextId")
_MODERN, _LEGACY = Speech("1.0", "rest"), Speech("0.3", "jsonrpc")


def authenticate(relay: Relay, headers: Mapping[bytes, bytes]) -> None:
    """Does the caller show the token that the agent was given? `Unauthorized` if not.

    `headers` have lower-case names. Agents send the token in a header of its own, as
    `Authorization`, or both.
    """
    token = relay.token.encode()
    scheme, _, credentials = headers.get(b"authorization", b"").strip().partition(b" ")
    # Both are compared, whatever the first says, and each in constant time.
    shown = [
        hmac.compare_digest(headers.get(b"x-a2a-notification-token", b"").strip(), token),
        hmac.compare_digest(credentials.strip(), token) and scheme.lower() == b"bearer",
    ]
    if not any(shown):
        raise Unauthorized("the callback does not show the token that the agent was given for it")


def check(relay: Relay, body: bytes) -> Seen:
    """What the notification says: its task is the relay's, if that has one already.

    A message may name no task at all. Raises `TooLarge`, `BadRequest`.
    """
    if len(body) > MAX_CALLBACK:
        raise TooLarge(f"a notification must not be longer than {MAX_CALLBACK} bytes")
    try:
        body, _ = top(body)
        task, seen = _read(body)
    except A2aError as error:
        raise BadRequest(f"the notification cannot be read: {error.message}") from error
    if relay.task and task and task != relay.task:
        raise BadRequest("the notification is about another task than the one it was asked for")
    return Seen(task, seen.context, seen.state)


def _read(body: bytes) -> tuple[str, Seen]:
    """The task that is named, and what else is said."""
    members = _TOP.read(body)
    wrapped = [name for name in _WRAPPED if name in members]
    flat = not _FLAT.isdisjoint(members)
    if len(wrapped) + flat > 1:
        raise BadRequest("the notification holds several of task, statusUpdate, artifactUpdate and message: send one")
    if wrapped:
        name = wrapped[0]
        inner = (_TASK if name == "task" else _EVENT).read(members[name])
        return _named(name, inner), event(_MODERN, body) or Seen()
    kind = text(members.get("kind")) or "task"
    if not flat or kind not in _KINDS:
        raise BadRequest("the notification must hold a task, a statusUpdate, an artifactUpdate or a message")
    return _named(kind, members), event(_LEGACY, b'{"result":%b}' % body) or Seen()


def _named(kind: str, members: Fields) -> str:
    name = "id" if kind == "task" else "taskId"
    found = text(members.get(name)) or ""
    if not found and kind != "message":
        raise BadRequest(f'the notification names no task: "{name}" must be a string')
    return found
