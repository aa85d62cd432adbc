"""A2A answers of all four speeches, read into one form: what was said, by which ids, in which state, or what failed.

States and kinds are spelt as in 1.0. Pure, and strict about nothing: whoever checks an answer
looks at `raw` too. Above: the experiment and the conformance tests. Below: the names of speeches.
"""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from fedgate.a2a.values import Speech

KINDS = {
    "task": "task",
    "message": "message",
    "status-update": "statusUpdate",
    "artifact-update": "artifactUpdate",
}
ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"

Json = dict[str, Any]


@dataclass(frozen=True)
class Failure:
    """An error: the JSON-RPC code or HTTP status of its body, and the reason of its ErrorInfo."""

    code: int
    reason: str = ""
    message: str = ""
    data: Any = None


@dataclass(frozen=True)
class Heard:
    """One result, or one event of a stream. `kind`: task, message, statusUpdate, artifactUpdate, other or error."""

    kind: str
    raw: Json
    task: str = ""
    context: str = ""
    state: str = ""
    text: str = ""
    """Of artifacts, or of the message."""
    question: str = ""
    """The text of the status' message."""
    failure: Failure | None = None


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer. `heard` is empty if its body could not be read."""

    status: int
    headers: dict[str, str]
    body: bytes
    heard: list[Heard] = field(default_factory=list)
    names: tuple[str, ...] = ()
    """Of a stream: the names of its events."""

    @property
    def one(self) -> Heard:
        """The only result; an empty one if there is none."""
        return self.heard[0] if self.heard else Heard("none", {})

    @property
    def failure(self) -> Failure | None:
        return next((each.failure for each in self.heard if each.failure), None)

    @property
    def streamed(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")


def hear(speech: Speech, content: bytes) -> Heard:
    """One JSON value: a body, or the data of an event."""
    try:
        value = msgspec.json.decode(content) if content else {}
    except ValueError:
        return Heard("none", {"unreadable": content.decode("latin-1")})
    if not isinstance(value, dict):
        return Heard("none", {"value": value})
    if speech.binding == "jsonrpc":
        if "error" in value:
            return Heard("error", value, failure=_rpc_failure(value["error"]))
        return _result(value, value.get("result"))
    if "error" in value:
        return Heard("error", value, failure=_rest_failure(value["error"]))
    return _result(value, value)


def _rpc_failure(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure(0)
    data = error.get("data")
    return Failure(error.get("code", 0), _reason(data), error.get("message", ""), data)


def _rest_failure(error: Any) -> Failure:
    if not isinstance(error, dict):
        return Failure(0)
    details = error.get("details")
    return Failure(error.get("code", 0), _reason(details), error.get("message", ""), details)


def _reason(details: Any) -> str:
    if not isinstance(details, list):
        return ""
    infos = (each for each in details if isinstance(each, dict) and each.get("@type") == ERROR_INFO)
    return str(next(infos, {}).get("reason", ""))


def _result(raw: Json, result: Any) -> Heard:
    if not isinstance(result, dict):
        return Heard("other", raw)
    if "kind" in result:
        return _seen(KINDS.get(str(result["kind"]), "other"), raw, result)
    for kind in KINDS.values():
        if isinstance(result.get(kind), dict):
            return _seen(kind, raw, result[kind])
    return _seen("task" if "status" in result and "id" in result else "other", raw, result)


def _seen(kind: str, raw: Json, body: Json) -> Heard:
    status = body.get("status") if isinstance(body.get("status"), dict) else {}
    task = body.get("id") if kind == "task" else body.get("taskId")
    return Heard(
        kind,
        raw,
        task="" if kind in ("message", "other") else str(task or ""),
        context=str(body.get("contextId") or ""),
        state=state(str((status or {}).get("state") or "")),
        text=_said(kind, body),
        question=words((status or {}).get("message")),
    )


def _said(kind: str, body: Json) -> str:
    if kind == "message":
        return words(body)
    if kind == "artifactUpdate":
        return words(body.get("artifact"))
    artifacts = body.get("artifacts")
    return "".join(words(each) for each in artifacts) if isinstance(artifacts, list) else ""


def words(thing: Any) -> str:
    """The text parts of a message or an artifact."""
    if not isinstance(thing, dict):
        return ""
    parts = thing.get("parts") or thing.get("content")
    texts = parts if isinstance(parts, list) else []
    return "".join(str(part["text"]) for part in texts if isinstance(part, dict) and "text" in part)


def state(spelt: str) -> str:
    """The 1.0 spelling of a task's state."""
    if not spelt or spelt.startswith("TASK_STATE_"):
        return spelt.replace("CANCELLED", "CANCELED")
    return f"TASK_STATE_{spelt.upper().replace('-', '_')}"
