"""Agents as administrators see them: their instances, and how many conversations each holds.

An instance that drains is empty when its number of conversations is zero; `last_used` says whether those that are
left still go on. Above: `admin.py`. Below: `ports.py`, the session table.
"""

import msgspec

from ..core.errors import NotFound
from ..sessions.table import SessionTable
from .ports import Agents, AgentView, InstanceView
from .walk import slices


class Held(msgspec.Struct):
    """What is pinned to one process."""

    conversations: int = 0
    tasks: int = 0
    """That have not ended."""
    seen: float | None = None
    """When one of these was last used, on the monotonic clock."""


class InstanceRow(msgspec.Struct, frozen=True):
    """`since`, `last_used`: seconds since the epoch."""

    name: str
    url: str
    state: str
    epoch: str
    draining: bool
    inflight: int
    conversations: int
    tasks: int
    last_used: float | None
    speaks: tuple[str, ...]
    since: float
    reason: str


class AgentRow(msgspec.Struct, frozen=True):
    """`lost`: conversations whose process is gone, which are remembered to be refused."""

    name: str
    state: str
    version: str
    policy: str
    conversations: int
    tasks: int
    lost: int
    instances: list[InstanceRow]
    reason: str


class Roster:
    """The agents, and what the session table knows of them."""

    def __init__(self, agents: Agents, sessions: SessionTable) -> None:
        self._agents = agents
        self._sessions = sessions

    async def rows(self) -> list[AgentRow]:
        return [await self._row(each) for each in self._agents.views()]

    async def drained(self, agent: str, instance: str, on: bool) -> InstanceRow:
        """Drain it or not, and tell how it is now. Raises `NotFound`."""
        self._agents.drain(agent, instance, on)
        for view in self._agents.views():
            if view.name == agent:
                for each in (await self._row(view)).instances:
                    if each.name == instance:
                        return each
        raise NotFound(f"instance {instance} of agent {agent} has just gone")

    async def _row(self, agent: AgentView) -> AgentRow:
        held = await self._held(agent.name)
        there = {each.label for each in agent.instances}
        bound = agent.policy == "instance"
        return AgentRow(
            name=agent.name,
            state=agent.state,
            version=agent.version,
            policy=agent.policy,
            conversations=sum(each.conversations for each in held.values()),
            tasks=sum(each.tasks for each in held.values()),
            lost=sum(each.conversations for label, each in held.items() if label not in there) if bound else 0,
            instances=[self._instance(each, held.get(each.label, Held())) for each in agent.instances],
            reason=agent.reason,
        )

    def _instance(self, view: InstanceView, held: Held) -> InstanceRow:
        clock = self._sessions.clock
        used = None if held.seen is None else round(clock.now() - (clock.monotonic() - held.seen), 3)
        return InstanceRow(
            name=view.name,
            url=view.url,
            state=view.state,
            epoch=view.epoch,
            draining=view.draining,
            inflight=view.inflight,
            conversations=held.conversations,
            tasks=held.tasks,
            last_used=used,
            speaks=view.speaks,
            since=round(view.since, 3),
            reason=view.reason,
        )

    async def _held(self, agent: str) -> dict[str, Held]:
        """By the label of the process."""
        found: dict[str, Held] = {}
        for kind in ("context", "task"):
            shelf = f"a2a.{kind}/{agent}"
            async for some in slices(self._sessions.all(shelf), self._sessions.clock):
                for each in some:
                    if each.shelf != shelf:
                        continue  # of an agent whose name begins like this one's
                    held = found.setdefault(each.pins.get("instance", ""), Held())
                    held.conversations += kind == "context"
                    held.tasks += kind == "task"
                    held.seen = each.seen if held.seen is None else max(held.seen, each.seen)
        return found
