"""A whole gateway before scripted agents, with two owners who have keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fedgate.a2a.instance import Instance
from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Answer, Client
from tests.e2e.a2a_speech import RPC, SPEECHES, Speech
from tests.e2e.gateway import LIMIT, InProcess, in_process, manifest_of, until

ALICE, BOB = "key-of-alice-0001", "key-of-bob-000001"
KEYS = {
    "keys": [
        {"id": "alice", "key": ALICE, "groups": ["staff"]},
        {"id": "bob", "key": BOB},
    ]
}
NAMES = ("one", "two", "three")
WATCH = {"interval": "100ms", "lost_after": "60s"}


class World:
    """The agent `support` with an instance per scripted agent, called one, two and three."""

    def __init__(self, gateway: InProcess, agents: tuple[Agent, ...]) -> None:
        self.gateway = gateway
        self.agents = agents

    def client(self, speech: Speech = RPC, key: str = ALICE, agent: str = "support") -> Client:
        return Client(self.gateway.port, speech, key, agent)

    def instance(self, name: str, agent: str = "support") -> Instance:
        """What the gateway knows of an instance."""
        found = self.gateway.gateway.a2a.agents.find(agent)
        assert found is not None
        return found.instances[name]

    async def sees(self, name: str, state: str) -> None:
        """Wait until the gateway has noticed."""
        await until(lambda: self.instance(name).state == state)

    def drain(self, name: str, on: bool = True) -> None:
        found = self.gateway.gateway.a2a.agents.find("support")
        assert found is not None
        assert found.drain(name, on)

    def holder(self, context: str) -> Agent:
        """The one agent that has heard of a conversation."""
        (found,) = [agent for agent in self.agents if context in agent.memory]
        return found

    def name(self, agent: Agent) -> str:
        return NAMES[self.agents.index(agent)]

    def other(self, agent: Agent) -> Agent:
        return next(each for each in self.agents if each is not agent)

    async def begun(self) -> dict[Speech, Answer]:
        """A conversation of each speech, all with the first instance."""
        for name in NAMES[1 : len(self.agents)]:
            self.drain(name)
        found = {speech: await self.client(speech).send("a") for speech in SPEECHES}
        for name in NAMES[1 : len(self.agents)]:
            self.drain(name, on=False)
        assert [len(agent.heard) for agent in self.agents] == [4, *(0 for _ in self.agents[1:])]
        return found

    def quiet(self) -> None:
        """Nothing has reached any agent."""
        assert [agent.operations for agent in self.agents] == [[] for _ in self.agents]

    async def pinned(self, result: str) -> float:
        """How many look-ups ended so, or pins were made."""
        return await self.gateway.metric(f'fedgate_session_pins_total{{result="{result}"}}')


def settings_of(*agents: Agent, **settings: Any) -> dict[str, Any]:
    """The manifest's entry of an agent."""
    instances = [{"name": name, "url": agent.url} for name, agent in zip(NAMES, agents, strict=False)]
    return {"instances": instances, "health": WATCH, **settings}


@asynccontextmanager
async def served(
    folder: Path, agents: tuple[Agent, ...], others: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[World]:
    """A gateway before agents that run already. `gateway`, `access` and `sessions` are sections."""
    sections = {"access": KEYS} | {
        key: settings.pop(key) for key in ("gateway", "access", "sessions") if key in settings
    }
    entries = {"support": settings_of(*agents, **settings), **(others or {})}
    async with in_process(manifest_of({}, agents=entries, **sections), folder) as gateway:
        await until(gateway.gateway.a2a.agents.settled.is_set, LIMIT)
        yield World(gateway, agents)


@asynccontextmanager
async def world(folder: Path, *agents: Agent, **settings: Any) -> AsyncIterator[World]:
    """Agents (one, if none are given), and a gateway before them."""
    agents = agents or (Agent(),)
    async with running(*agents), served(folder, agents, **settings) as found:
        yield found
