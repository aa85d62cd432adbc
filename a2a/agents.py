"""All agents of the manifest, kept in view. Nothing waits for one that is dead.

Above: the A2A endpoint, readiness, administration. Below: `agent.py`.
"""

import asyncio
from collections.abc import Callable, Mapping

from ..core.tasks import Tasks
from .agent import Agent, AgentStatus, Deps, InstanceStatus
from .instance import Instance
from .settings import Agent as AgentSettings

__all__ = ["Agent", "AgentStatus", "Agents", "Deps", "InstanceStatus"]

CLOSE = 10.0
"""Seconds for all agents to end their probes."""


class Agents:
    """Made from the `agents` section; runs from `start` to `aclose`.

    Hooks, called in the middle of things: `on_epoch(instance)` when the epoch of an instance (under
    `Instance.key`) must be kept, `on_card(agent)` when the card of an agent is another one,
    `on_change(agent)` after every change of state.
    """

    def __init__(self, settings: Mapping[str, AgentSettings], deps: Deps) -> None:
        self.settled = asyncio.Event()
        """Set once every instance has been reached, or has failed to be, for the first time."""
        self.on_epoch: Callable[[Instance], None] = lambda _instance: None
        self.on_card: Callable[[Agent], None] = lambda _agent: None
        self.on_change: Callable[[Agent], None] = lambda _agent: None
        self._deps = deps
        self._tasks = Tasks("agents", grace=CLOSE)
        self._agents = {name: self._made(name, each) for name, each in settings.items()}

    def _made(self, name: str, settings: AgentSettings) -> Agent:
        agent = Agent(name, settings, self._deps)
        agent.on_epoch = self._renewed
        agent.on_card = self._shown
        agent.on_change = self._changed
        return agent

    def start(self) -> None:
        """Begin to reach the agents. Needs a running loop; returns at once."""
        self._forget_strangers()
        for agent in self._agents.values():
            agent.start()
        self._settle()

    def apply(self, settings: Mapping[str, AgentSettings]) -> None:
        """Have these agents from now on. Those whose settings are the same stay as they are; of others, instances of
        the same name are the processes they were, so that what they hold is found."""
        before = self._agents
        self._agents = {}
        for name, each in settings.items():
            old = before.get(name)
            self._agents[name] = old if old is not None and old.settings == each else self._succeed(name, each, old)
        for name, agent in before.items():
            there = self._agents.get(name)
            if there is not agent:
                self._tasks.start(agent.aclose(), f"close {name}")
                self.on_change(there or agent)
        self._forget_strangers()

    def _succeed(self, name: str, settings: AgentSettings, old: Agent | None) -> Agent:
        held = {} if old is None else old.instances
        self._deps.epochs.update({each.key: each.epoch for each in held.values() if each.known})
        agent = self._made(name, settings)
        for each in held.values():
            there = agent.instance(each.name)
            if there is not None and there.key == each.key:
                there.draining = each.draining
        agent.start()
        return agent

    def _forget_strangers(self) -> None:
        """An instance that has left the manifest is not drained if it ever comes back."""
        drains = self._deps.drains
        if drains is None:
            return
        for key in drains.all():
            agent = self._agents.get(key.partition("/")[0])
            if agent is None or (agent.settings.resolve == "none" and key not in agent.keys):
                drains.put(key, False)

    async def aclose(self) -> None:
        """End all probes. Idempotent."""
        await self._tasks.aclose()
        closing = Tasks("closing agents", grace=CLOSE)
        waits = [closing.start(agent.aclose(), f"close {name}") for name, agent in self._agents.items()]
        for wait in waits:
            await wait
        await closing.aclose()

    def find(self, name: str) -> Agent | None:
        return self._agents.get(name)

    def all(self) -> tuple[Agent, ...]:
        """In the manifest's order."""
        return tuple(self._agents.values())

    @property
    def default(self) -> Agent | None:
        """The agent whose card is the gateway's own."""
        return next((agent for agent in self._agents.values() if agent.settings.default), None)

    @property
    def status(self) -> list[AgentStatus]:
        return [agent.status for agent in self._agents.values()]

    # The hooks may be set after this was made, so they are looked up when they are called.

    def _renewed(self, instance: Instance) -> None:
        self.on_epoch(instance)

    def _shown(self, agent: Agent) -> None:
        self.on_card(agent)

    def _changed(self, agent: Agent) -> None:
        self._settle()
        self.on_change(agent)

    def _settle(self) -> None:
        if not self.settled.is_set() and all(agent.settled for agent in self._agents.values()):
            self.settled.set()
