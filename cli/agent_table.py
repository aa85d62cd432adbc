"""Agents and their instances as a table: for the announcement and for `fedgate agents`. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .screen import one_line, table

HEAD = ("AGENT", "INSTANCE", "STATE", "VERSION", "SPEAKS", "REASON")
COUNTS = {"CONVERSATIONS": "conversations", "TASKS": "tasks", "INFLIGHT": "inflight"}

Told = Mapping[str, Any]
"""As the administration or `/readyz` tell of an agent."""


def agent_table(agents: Sequence[Told], *, counts: bool = False, limit: int | None = None, colour: bool = False) -> str:
    """One row per instance. `counts`: what each holds is known, too."""
    numbers = tuple(COUNTS) if counts else ()
    rows = [_row(*each, counts=counts) for agent in agents for each in _instances(agent)]
    return table((*HEAD[:-1], *numbers, HEAD[-1]), rows, limit=limit, colour=colour)


def _instances(agent: Told) -> Iterator[tuple[Told, Told]]:
    """An agent whose name was not resolved yet has none, and is shown all the same."""
    found = agent.get("instances")
    known = [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []
    yield from ((agent, each) for each in known or [{**agent, "name": "-"}])


def _row(agent: Told, instance: Told, *, counts: bool) -> tuple[str, ...]:
    speaks = instance.get("speaks")
    numbers = [str(instance.get(name, "")) for name in COUNTS.values()] if counts else []
    return (
        _text(agent, "name"),
        _text(instance, "name"),
        state_of(instance),
        _text(agent, "version") or "-",
        " ".join(one_line(str(each)) for each in speaks) if isinstance(speaks, list | tuple) and speaks else "-",
        *numbers,
        _text(instance, "reason"),
    )


def state_of(instance: Told) -> str:
    """Its state, and whether it drains."""
    state = _text(instance, "state")
    if not instance.get("draining"):
        return state
    return "draining" if state == "ready" else f"{state}, draining"


def _text(told: Told, name: str) -> str:
    return one_line(str(told.get(name) or ""))
