"""Agents as people are shown them: for readiness, the announcement, metrics and the administration.

Implements the administration's port, which must not know A2A. Above: `app.py`. Below: the agents.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, get_args

from ..console.ports import AgentView, InstanceView
from ..core.errors import NotFound

if TYPE_CHECKING:
    from ..a2a.agents import Agent, Agents, InstanceStatus


class AgentViews:
    """Nothing is kept here: every view is of the moment. `agents`: `None` while none is configured."""

    def __init__(self, agents: "Agents | None" = None) -> None:
        self.agents = agents

    def views(self) -> list[AgentView]:
        return [_agent(each) for each in self._all()]

    def _all(self) -> "tuple[Agent, ...]":
        return () if self.agents is None else self.agents.all()

    def drain(self, agent: str, instance: str, on: bool) -> None:
        """Raises `NotFound`."""
        found = None if self.agents is None else self.agents.find(agent)
        if found is None:
            names = [each.name for each in self._all()]
            raise NotFound(f"there is no agent {_quoted(agent)}{_nearest(agent, names)}")
        if not found.drain(instance, on):
            where = f"agent {agent} has no instance {_quoted(instance)}"
            raise NotFound(f"{where}{_nearest(instance, list(found.instances))}")

    def counts(self) -> Iterator[tuple[tuple[str, str], float]]:
        """How many instances of each agent are in each state, for the gauge."""
        if self.agents is None:
            return
        from ..a2a.instance import State

        for agent in self.agents.all():
            states = [each.state for each in agent.instances.values()]
            for state in get_args(State):
                yield (agent.name, state), float(states.count(state))


def _agent(agent: "Agent") -> AgentView:
    status = agent.status
    return AgentView(
        name=status.name,
        state=status.state,
        instances=tuple(_instance(agent, each) for each in status.instances),
        version=status.version,
        policy=agent.settings.state,
        reason=status.reason,
    )


def _instance(agent: "Agent", status: "InstanceStatus") -> InstanceView:
    instance = agent.instance(status.name)
    speeches = [each.speech for each in instance.speeches] if instance is not None else []
    return InstanceView(
        name=status.name,
        url=status.url,
        state=status.state,
        epoch=status.epoch,
        draining=status.draining,
        inflight=status.inflight,
        since=status.since,
        # One way may be spoken on several paths.
        speaks=tuple(dict.fromkeys(f"{each.version}/{each.binding}" for each in speeches)),
        reason=status.reason,
    )


def _quoted(name: str) -> str:
    return f'"{name[:64]}"'


def _nearest(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:64], known, 1, cutoff=0.3)
    if near:
        return f"; the nearest is {near[0]}"
    return f"; there are {', '.join(known[:10])}" if known else "; there are none"
