"""What answers and stream events say of ids: read at the top of their envelope, and nowhere below.

Messages inside (`status.message`, `history`) carry context ids that nobody can use, and a message
that is the answer carries a task id that names no task. Every form is one decoding that leaves
everything else unread. What is malformed teaches nothing; nothing here raises. `speech` is that
of the peer who wrote the bytes. Above: the relay, the push endpoint. Below: `values`.
"""

import msgspec

from .operations import CANCEL, CARD, GET, LIST, MAX_ID, PUSH
from .values import Seen, Speech

MAX_LEARNT = 1000
"""Tasks that one list may teach: pages are smaller by far."""

_NAMES = ("SUBMITTED", "WORKING", "COMPLETED", "FAILED", "CANCELED", "INPUT_REQUIRED", "REJECTED", "AUTH_REQUIRED")
_STATES: dict[str | int, str] = {
    **{f"TASK_STATE_{name}": f"TASK_STATE_{name}" for name in _NAMES},
    **{name.lower().replace("_", "-"): f"TASK_STATE_{name}" for name in _NAMES},
    **{number: f"TASK_STATE_{name}" for number, name in enumerate(_NAMES, 1)},  # ProtoJSON reads numbers too
    "TASK_STATE_CANCELLED": "TASK_STATE_CANCELED",  # the proto of 0.3
}
"""Every spelling of a state to that of 1.0."""


class _Status(msgspec.Struct, gc=False):
    state: str | int | None = None


class _Item(msgspec.Struct, gc=False):
    """A task, a message or an update; 0.3 JSON-RPC tells them apart by `kind`."""

    kind: str | None = None
    id: str | None = None
    taskId: str | None = None  # noqa: N815
    task_id: str | None = None
    contextId: str | None = None  # noqa: N815
    context_id: str | None = None
    messageId: str | None = None  # noqa: N815
    status: _Status | None = None


class _Result(_Item, gc=False):
    """A wrapped form (of 1.0, and of REST in 0.3), or an item itself."""

    task: _Item | None = None
    message: _Item | None = None
    msg: _Item | None = None
    statusUpdate: _Item | None = None  # noqa: N815
    status_update: _Item | None = None
    artifactUpdate: _Item | None = None  # noqa: N815
    artifact_update: _Item | None = None


class _Page(msgspec.Struct):
    tasks: list[_Item] = []


class _Envelope(msgspec.Struct):
    result: _Result | None = None


class _PageEnvelope(msgspec.Struct):
    result: _Page | None = None


class _Error(msgspec.Struct):
    error: msgspec.Raw = msgspec.Raw(b"null")


_envelope, _bare = msgspec.json.Decoder(_Envelope), msgspec.json.Decoder(_Result)
_page_envelope, _bare_page = msgspec.json.Decoder(_PageEnvelope), msgspec.json.Decoder(_Page)
_error = msgspec.json.Decoder(_Error)
_FLAT = Speech("0.3", "jsonrpc")
_SILENT = PUSH | {CARD}
_TASKS = frozenset({GET, CANCEL})


def answer(speech: Speech, operation: str, body: bytes) -> list[Seen]:
    """What a whole answer (2xx) says: one item, several of a list; errors and other operations say nothing."""
    if operation in _SILENT:
        return []
    try:
        if operation == LIST:
            page = _page_envelope.decode(body).result if speech.binding == "jsonrpc" else _bare_page.decode(body)
            found = page.tasks if page is not None else []
            return [seen for each in found[:MAX_LEARNT] if (seen := _seen(each.id, each)) is not None]
        result = _envelope.decode(body).result if speech.binding == "jsonrpc" else _bare.decode(body)
    except (ValueError, RecursionError):
        return []
    if result is None:
        return []
    seen = _seen(result.id, result) if operation in _TASKS else _any(speech, result)
    return [] if seen is None else [seen]


def event(speech: Speech, data: bytes) -> Seen | None:
    """What the data of one event of a stream says."""
    try:
        result = _envelope.decode(data).result if speech.binding == "jsonrpc" else _bare.decode(data)
    except (ValueError, RecursionError):
        return None
    return None if result is None else _any(speech, result)


def failed(speech: Speech, body: bytes) -> bool:
    """Whether an answer or an event is an error: a JSON-RPC envelope (or in REST an object) with `error`."""
    try:
        found = bytes(_error.decode(body).error)
    except (ValueError, RecursionError):
        return False
    return found[:1] == b"{" if speech.binding == "rest" else found != b"null"


def _any(speech: Speech, result: _Result) -> Seen | None:
    if speech == _FLAT:
        return _flat(result)
    item = result.task
    if item is not None:
        return _seen(item.id, item)
    if result.status_update is None and result.artifact_update is None:
        item = result.statusUpdate or result.artifactUpdate
    else:
        item = _one(result.statusUpdate, result.status_update) or _one(result.artifactUpdate, result.artifact_update)
    if item is not None:
        return _update(item)
    item = _one(result.message, result.msg)
    return None if item is None else _seen(None, item)


def _flat(item: _Item) -> Seen | None:
    """By `kind`; old agents leave it out, and are read as the SDK's clients read them."""
    kind = item.kind or ("message" if item.messageId is not None else "task" if item.id is not None else "update")
    if kind == "task":
        return _seen(item.id, item)
    return _seen(None, item) if kind == "message" else _update(item)


def _update(item: _Item) -> Seen | None:
    return _seen(item.taskId if item.task_id is None else _either(item.taskId, item.task_id), item)


def _seen(task: str | None, item: _Item) -> Seen | None:
    context = item.contextId if item.context_id is None else _either(item.contextId, item.context_id)
    if task is None or len(task) > MAX_ID:
        task = ""
    if context is None or len(context) > MAX_ID:
        context = ""
    if not task and not context:
        return None
    state = item.status.state if item.status is not None else None
    return Seen(task, context, _STATES.get(state, "") if state is not None else "")


def _one(camel: _Item | None, snake: _Item | None) -> _Item | None:
    return camel if snake is None else snake if camel is None else None


def _either(camel: str | None, snake: str | None) -> str | None:
    """Two spellings at once are not believed: readers differ on which counts."""
    return camel if snake is None else snake if camel is None else None
