"""One record of the session table as people are shown it. Pure.

Ids of sessions let their bearer in, so a record is known by its mark: a digest that names it here and opens
nothing. Above: `paging.py`. Below: records, and the views of agents.
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from ..sessions.record import Session
from ..telemetry.lines import session_mark
from .ports import AgentView

KINDS = {
    "mcp": "session",
    "a2a.context": "context",
    "a2a.task": "task",
    "a2a.finished": "task",
    "llm": "session",
    "llm.conversation": "conversation",
}
"""What stands on a shelf, by its name without what follows the slash. Other shelves are the gateway's own notes."""
CONVERSATIONS = frozenset({"conversation", "context"})
"""Kinds that are conversations: with a model, and with an agent, which A2A calls a context."""
PROTOCOLS = ("mcp", "a2a", "llm")
MARK = 24
"""Hexadecimal digits of a mark."""
LOGGED = 12
"""Of what the access line writes; the key of a record whose id is not known yet is the digest that it is cut from."""


class Row(msgspec.Struct, frozen=True):
    """What is told of a record. Times: seconds since the epoch; null: does not apply, or nobody knows."""

    id: str
    mark: str
    log_id: str
    """What the access line calls it, unless that is told to write ids plainly."""
    protocol: str
    kind: str
    owner: str
    target: str
    instance: str | None
    epoch: str | None
    state: str
    created: float
    last_seen: float
    age_seconds: float
    idle_seconds: float
    turns: int
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None


class Moment(msgspec.Struct, frozen=True):
    """The two clocks, read once for all rows of an answer."""

    now: float
    monotonic: float


class Standing:
    """The state of the instances that conversations are pinned to."""

    def __init__(self, agents: Iterable[AgentView]) -> None:
        self._agents = {agent.name: agent for agent in agents}
        self._states: dict[tuple[str, str], str] = {}

    def of(self, agent: str, label: str) -> str:
        """`ready`, `starting`, `unreachable`, or `lost`: the process that held the conversation is gone."""
        known = self._states.get((agent, label))
        if known is None:
            known = self._states[agent, label] = self._judged(agent, label)
        return known

    def _judged(self, agent: str, label: str) -> str:
        view = self._agents.get(agent)
        if view is None:
            return "lost"
        if view.policy != "instance":
            return view.state
        name = label.rpartition("#")[0]
        for each in view.instances:
            if each.name == name:
                return each.state if each.label == label or each.state == "starting" else "lost"
        return "starting" if view.state == "starting" else "lost"


def kind_of(session: Session) -> str:
    """`session`, `context`, `task`, `conversation`; empty for the gateway's own notes."""
    return KINDS.get(session.shelf.partition("/")[0], "")


def mark_of(session: Session) -> str:
    """What the record is known by here."""
    return hashlib.sha256(f"{session.shelf}{session.key}".encode("utf-8", "replace")).hexdigest()[:MARK]


def placed(session: Session) -> tuple[str | None, str | None]:
    """The instance that holds it, and the epoch of that; of a conversation with models, its target."""
    label = session.pins.get("instance", "")
    if session.protocol == "a2a" and label:
        name, _, epoch = label.rpartition("#")
        return name, epoch
    target = session.data.get("target") if session.protocol == "llm" else None
    return (target if isinstance(target, str) else None), None


def state_of(session: Session, standing: Standing) -> str:
    """Of a task its own, of a context that of its instance, of a session whether something is under way."""
    kind = kind_of(session)
    if kind == "task":
        return short_state(str(session.data.get("state") or "")) or "unknown"
    if kind == "context":
        return standing.of(session.view, session.pins.get("instance", ""))
    return "active" if session.busy else "idle"


def short_state(state: str) -> str:
    """`input-required` for `TASK_STATE_INPUT_REQUIRED`."""
    return state.removeprefix("TASK_STATE_").lower().replace("_", "-")


def row(session: Session, moment: Moment, standing: Standing, *, plain: bool) -> Row:
    """`plain`: ids of contexts and tasks are shown as they are, where they are known."""
    kind, mark = kind_of(session), mark_of(session)
    shown = plain and kind in ("context", "task") and session.id
    instance, epoch = placed(session)
    idle = max(moment.monotonic - session.seen, 0.0)
    return Row(
        id=session.id if shown else mark,
        mark=mark,
        log_id=session_mark(session.id) or session.key[:LOGGED],
        protocol=session.protocol,
        kind=kind,
        owner=session.owner,
        target=session.view,
        instance=instance,
        epoch=epoch,
        state=state_of(session, standing),
        created=round(session.created, 3),
        last_seen=round(moment.now - idle, 3),
        age_seconds=round(max(moment.now - session.created, 0.0), 3),
        idle_seconds=round(idle, 3),
        turns=session.turns,
        input_tokens=_number(session.data, "input_tokens"),
        output_tokens=_number(session.data, "output_tokens"),
        cost_usd=_cost(session.data),
    )


def _number(data: dict[str, Any], key: str) -> int | None:
    found = data.get(key)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _cost(data: dict[str, Any]) -> float | None:
    found = data.get("cost_usd")
    return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None
