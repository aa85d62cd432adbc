"""a2a/agents.py: all agents together."""

import pytest

from fedgate.a2a.agents import Agents, Deps
from fedgate.core.clock import ManualClock
from tests.a2a.agent_kit import CARD_PATH, Process, running, sdk_card, served, world
from tests.core.http_peer import opened

pytestmark = pytest.mark.anyio

CARD = served(sdk_card())


async def test_agents_are_found_by_name_in_the_manifests_order() -> None:
    process = Process(CARD)
    async with running(process):
        settings = {"b": {"instances": [process.url]}, "a": {"instances": [process.url], "default": True}}
        async with world(settings) as it:
            assert [agent.name for agent in it.agents.all()] == ["b", "a"]
            found = it.agents.find("a")
            assert found is it.agents.all()[1]
            assert it.agents.find("c") is None
            assert it.agents.default is found


async def test_without_agents_everything_is_settled() -> None:
    async with world({}) as it:
        assert it.agents.settled.is_set()
        assert (it.agents.all(), it.agents.status, it.agents.default) == ((), [], None)


async def test_a_dead_agent_keeps_the_other_waiting_for_nothing() -> None:
    alive, silent = Process(CARD), Process(CARD)
    silent.held.add(CARD_PATH)
    async with running(alive, silent):
        settings = {"dead": {"instances": [silent.url]}, "alive": {"instances": [alive.url]}}
        async with world(settings) as it:
            found = it.agents.find("alive")
            assert found is not None
            await it.pass_time(lambda: found.settled)
            assert found.choose() is found.instance("1")
            assert not it.agents.settled.is_set()
            assert [(each.name, each.state) for each in it.agents.status] == [("dead", "starting"), ("alive", "ready")]
            silent.released.set()
            await it.agents.settled.wait()


async def test_changes_are_told_to_whoever_listens_by_then() -> None:
    process = Process(CARD)
    async with running(process), world({"scout": {"instances": [process.url]}}) as it:
        told: list[str] = []
        it.agents.on_epoch = lambda instance: told.append(f"epoch {instance.label}")
        it.agents.on_card = lambda agent: told.append(f"card of {agent.name}")
        it.agents.on_change = lambda agent: told.append(f"{agent.name} is {agent.status.state}")
        await it.agents.settled.wait()
        assert told == ["epoch 1#epoch0", "card of scout", "scout is ready"]


async def test_agents_that_never_started_can_be_closed_twice() -> None:
    async with opened() as client:
        agents = Agents({}, Deps(client, ManualClock()))
        await agents.aclose()
        await agents.aclose()
