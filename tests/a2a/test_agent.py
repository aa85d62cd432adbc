"""a2a/agent.py: one agent over real connections to its instances' processes."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from fedgate.a2a.agents import Agent, Agents, Deps
from fedgate.a2a.identity import epoch_of
from fedgate.a2a.instance import Instance
from fedgate.a2a.settings import Agent as AgentSettings
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from tests.a2a.agent_kit import CARD_PATH, Process, World, header, http, running, sdk_card, served, world
from tests.core.http_peer import LIMIT

pytestmark = pytest.mark.anyio

CARD = served(sdk_card())


def entry(*processes: Process, **settings: Any) -> dict[str, Any]:
    return {"scout": {"instances": [process.url for process in processes], **settings}}


def scout(it: World) -> Agent:
    agent = it.agents.find("scout")
    assert agent is not None
    return agent


def states(agent: Agent) -> dict[str, str]:
    return {name: instance.state for name, instance in agent.instances.items()}


async def test_an_agent_with_two_instances_becomes_ready() -> None:
    one, two = Process(CARD), Process(CARD)
    async with running(one, two), world(entry(one, two)) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        assert states(agent) == {"1": "ready", "2": "ready"}
        assert agent.card is not None
        assert agent.card.name == "Scout"
        assert agent.settled


async def test_new_conversations_go_round_and_to_the_idle() -> None:
    one, two = Process(CARD), Process(CARD)
    async with running(one, two), world(entry(one, two)) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        assert {chosen.name for _ in range(2) if (chosen := agent.choose())} == {"1", "2"}
        agent.instances["1"].inflight = 1
        assert [chosen.name for _ in range(3) if (chosen := agent.choose())] == ["2"] * 3
        found = agent.choose(frozenset({"2"}))
        assert found is agent.instance("1")
        assert agent.choose(frozenset({"1", "2"})) is None


async def test_a_draining_instance_keeps_what_it_has() -> None:
    one, two = Process(CARD), Process(CARD)
    async with running(one, two), world(entry(one, two)) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        first = agent.instances["1"]
        assert agent.drain("1", True)
        assert {chosen.name for _ in range(4) if (chosen := agent.choose())} == {"2"}
        assert agent.labelled(first.label) is first
        assert first.usable
        assert agent.status.instances[0].draining
        assert agent.drain("1", False)
        assert {chosen.name for _ in range(4) if (chosen := agent.choose())} == {"1", "2"}
        assert not agent.drain("3", True)


async def test_a_dead_instance_gets_nothing_and_the_other_one_all() -> None:
    one, two = Process(CARD), Process(CARD)
    async with running(one, two), world(entry(one, two)) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        await one.stop()
        await it.pass_time(lambda: states(agent) == {"1": "unreachable", "2": "ready"})
        assert {chosen.name for _ in range(4) if (chosen := agent.choose())} == {"2"}
        assert agent.status.state == "ready"
        await it.pass_time(lambda: states(agent) == {"1": "lost", "2": "ready"})


async def test_a_pin_follows_its_process_through_everything_but_its_death() -> None:
    process = Process(CARD)
    epochs: list[str] = []
    async with running(process), world(entry(process)) as it:
        it.agents.on_epoch = lambda instance: epochs.append(instance.label)
        await it.agents.settled.wait()
        agent = scout(it)
        (instance,) = agent.instances.values()
        label = instance.label
        process.answers[CARD_PATH] = http(503)
        await it.pass_time(lambda: instance.state == "lost")
        assert agent.labelled(label) is instance
        process.answers[CARD_PATH] = http(200, CARD)
        await it.pass_time(lambda: instance.usable)
        assert agent.labelled(label) is instance
        await process.stop()
        await it.pass_time(lambda: not instance.usable)
        assert agent.labelled(label) is instance
        await process.start()
        await it.pass_time(lambda: instance.usable)
        assert agent.labelled(label) is None
        assert agent.labelled(instance.label) is instance
        assert epochs == [label, instance.label]


@pytest.mark.parametrize("label", ["", "#", "1", "1#", "2#epoch0", "#epoch0", "1#epoch0#", "1#other"])
async def test_a_label_that_nobody_has_is_nobody(label: str) -> None:
    process = Process(CARD)
    async with running(process), world(entry(process)) as it:
        await it.agents.settled.wait()
        assert scout(it).labelled(label) is None


async def test_a_kept_epoch_goes_on_once() -> None:
    process = Process(CARD)
    async with running(process):
        kept = {f"scout/1@{process.url}/": "kept", "scout/1@http://elsewhere/": "other"}
        async with world(entry(process), epochs=kept) as it:
            await it.agents.settled.wait()
            (instance,) = scout(it).instances.values()
            assert (instance.label, instance.key) == ("1#kept", f"scout/1@{process.url}/")
        assert kept == {"scout/1@http://elsewhere/": "other"}


async def test_epochs_that_are_known_only_when_the_agents_start_go_on_too() -> None:
    process = Process(CARD)
    kept: dict[str, str] = {}
    async with running(process):
        settings = {"scout": AgentSettings.model_validate({"instances": [process.url]})}
        client = HttpClient()
        agents = Agents(settings, Deps(client, ManualClock(), kept))
        kept[f"scout/1@{process.url}/"] = "kept"
        agents.start()
        try:
            async with asyncio.timeout(LIMIT):
                await agents.settled.wait()
            (instance,) = agents.all()[0].instances.values()
            assert (instance.label, instance.state, kept) == ("1#kept", "ready", {})
        finally:
            await agents.aclose()
            await client.aclose()


async def test_until_it_was_reached_nobody_knows_whether_a_pin_is_good() -> None:
    process = Process()
    process.answers[CARD_PATH] = http(200, CARD, "x-pod: one")
    label = f"1#{epoch_of('one')}"
    process.held.add(CARD_PATH)
    async with running(process), world(entry(process, identity={"header": "X-Pod"})) as it:
        found = scout(it).labelled(label)
        assert found is not None
        assert found is scout(it).instance("1")
        assert not found.usable
        process.released.set()
        await it.agents.settled.wait()
        assert scout(it).labelled(label) is found
        assert scout(it).labelled("1#other") is None


async def test_the_card_is_that_of_the_first_ready_instance_and_changes_are_told() -> None:
    one, two = Process(served(sdk_card(name="One"))), Process(served(sdk_card(name="Two")))
    told: list[str] = []
    async with running(one, two), world(entry(one, two)) as it:
        await one.stop()
        it.agents.on_card = lambda agent: told.append(agent.card.name if agent.card else "")
        await it.agents.settled.wait()
        await it.pass_time(lambda: told == ["Two"])
        await one.start()
        await it.pass_time(lambda: told == ["Two", "One"])


async def test_an_instances_headers_win_over_the_agents() -> None:
    process = Process(CARD)
    async with running(process):
        told = {"url": process.url, "headers": {"authorization": "Bearer one"}}
        settings = {"scout": {"instances": [told], "headers": {"Authorization": "Bearer all", "X-Team": "t"}}}
        async with world(settings) as it:
            await it.agents.settled.wait()
            (instance,) = scout(it).instances.values()
            assert instance.headers == ((b"authorization", b"Bearer one"), (b"x-team", b"t"))
        assert header(process.asked[0].headers, b"authorization") == b"Bearer one"


async def test_its_status_shows_no_path_and_says_what_is_wrong() -> None:
    process = Process(CARD)
    async with running(process):
        settings = {"scout": {"instances": [process.url + "/a?key=hush", "http://127.0.0.1:1/"]}}
        async with world(settings) as it:
            await it.agents.settled.wait()
            status = scout(it).status
    assert (status.name, status.state, status.version) == ("scout", "unreachable", "")
    first, second = status.instances
    assert (first.name, first.url, first.state) == ("1", f"127.0.0.1:{process.port}", "unreachable")
    assert status.reason == first.reason
    assert first.reason.startswith("asked for its card, it answers HTTP 404")
    assert (second.reason, second.inflight) == ("http://127.0.0.1:1 refused the connection", 0)
    assert "hush" not in repr(status)


async def test_a_ready_agent_says_its_version_and_no_reason() -> None:
    process = Process(CARD)
    async with running(process), world(entry(process)) as it:
        assert scout(it).status.state == "starting"
        await it.agents.settled.wait()
        status = scout(it).status
        assert (status.state, status.version, status.reason) == ("ready", "1.2.3", "")


async def test_all_instances_are_looked_at_when_somebody_asks() -> None:
    one, two = Process(CARD), Process(CARD)
    async with running(one, two), world(entry(one, two)) as it:
        await it.agents.settled.wait()
        await it.pass_time(lambda: it.clock.sleeping == 2)
        scout(it).probe()
        await it.pass_time(lambda: (len(one.asked), len(two.asked)) == (2, 2))


# DNS.


class Names:
    """A resolver that says what it is told to."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        if not self.addresses:
            raise OSError("no such name")
        return self.addresses


def by_name(process: Process, **settings: Any) -> dict[str, Any]:
    return {"scout": {"instances": [f"http://agents.internal:{process.port}"], "resolve": "dns", **settings}}


async def test_each_address_of_a_name_is_an_instance() -> None:
    process = Process(CARD)
    async with running(process), world(by_name(process), lookup=Names("127.0.0.1", "127.0.0.2")) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        assert states(agent) == {"127.0.0.1": "ready", "127.0.0.2": "unreachable"}
        assert agent.instances["127.0.0.1"].label == "127.0.0.1#epoch1"


async def test_an_address_that_goes_gets_nothing_new_and_is_gone_when_it_is_lost() -> None:
    process = Process(CARD)
    names = Names("127.0.0.1")
    async with running(process), world(by_name(process), lookup=names) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        instance = agent.instances["127.0.0.1"]
        label = instance.label
        names.addresses = ["127.0.0.3"]
        await it.pass_time(lambda: instance.withdrawn)
        assert agent.choose() is None
        assert agent.labelled(label) is instance
        assert instance.usable
        await it.pass_time(lambda: list(agent.instances) == ["127.0.0.3"])
        assert agent.labelled(label) is None
        names.addresses = ["127.0.0.1"]
        await it.pass_time(lambda: (back := agent.instance("127.0.0.1")) is not None and back.usable)
        assert agent.labelled(label) is None


async def test_an_address_that_returns_in_time_is_the_same() -> None:
    process = Process(CARD)
    names = Names("127.0.0.1")
    async with running(process), world(by_name(process), lookup=names) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        instance = agent.instances["127.0.0.1"]
        names.addresses = ["127.0.0.3"]
        await it.pass_time(lambda: instance.withdrawn)
        names.addresses = ["127.0.0.1"]
        await it.pass_time(lambda: not instance.withdrawn)
        assert agent.labelled(instance.label) is instance


async def test_a_name_that_cannot_be_resolved_keeps_nobody_waiting() -> None:
    process = Process(CARD)
    names = Names()
    async with running(process), world(by_name(process), lookup=names) as it:
        await it.agents.settled.wait()
        agent = scout(it)
        assert (agent.choose(), agent.status.state) == (None, "unreachable")
        assert agent.status.reason == "its name agents.internal cannot be resolved"
        names.addresses = ["127.0.0.1"]
        await it.pass_time(lambda: agent.status.state == "ready")


async def test_before_the_first_look_up_no_pin_is_lost() -> None:
    process = Process(CARD)
    async with running(process), world(by_name(process), lookup=Names("127.0.0.1")) as it:
        agent = scout(it)
        found: Instance | None = agent.labelled("127.0.0.1#kept")
        assert found is not None
        assert (found.usable, agent.status.state, agent.settled) == (False, "starting", False)
        await it.agents.settled.wait()
        assert agent.labelled("127.0.0.1#kept") is None
