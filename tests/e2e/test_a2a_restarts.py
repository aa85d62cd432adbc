"""The gateway restarts: with a store conversations go on where they were, without one nobody is answered wrongly."""

import json
from pathlib import Path

import pytest

from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Answer, Client
from tests.e2e.a2a_errors import BAD_CONTEXT, LOST, away, refused, task_gone
from tests.e2e.a2a_speech import RPC, SPEECHES, Speech
from tests.e2e.a2a_world import ALICE, BOB, KEYS, NAMES, served, settings_of
from tests.e2e.gateway import as_process, manifest_of

pytestmark = pytest.mark.anyio

STORE = {"store": "sqlite:sessions.db"}
NEVER = {"interval": "60s", "lost_after": "60s"}
GONE = "the agent's instance that held this conversation is gone; leave contextId out to begin a new one"


def context_in(body: bytes) -> str:
    """The context in a stream's first event."""
    first = json.loads(body.replace(b"\r\n", b"\n").partition(b"data: ")[2].partition(b"\n")[0])
    found = first.get("result", first)
    return str(found.get("task", found)["contextId"])


@pytest.mark.parametrize("speech", SPEECHES)
async def test_with_a_store_conversations_and_tasks_stay_with_their_instances(speech: Speech, tmp_path: Path) -> None:
    agents = (Agent(), Agent(), Agent())
    async with running(*agents):
        async with served(tmp_path, agents, sessions=STORE) as found:
            client = found.client(speech)
            begun = [await client.send(f"{number}") for number in range(6)]
            minted = await client.send("minted", contextId="minted")
            done = await client.send("done")
            labels = [found.instance(name).label for name in NAMES]
        assert all(agent.memory for agent in agents)
        async with served(tmp_path, agents, sessions=STORE) as found:
            client = found.client(speech)
            assert [found.instance(name).label for name in NAMES] == labels
            for number, first in enumerate(begun):
                assert (await client.get(first.task)).text == f"{number}"
                assert (await client.send("more", contextId=first.context)).text == f"{number}|more"
                assert (await client.send("again", taskId=first.task)).text == f"{number}|more|again"
                task_gone(await found.client(speech, BOB).get(first.task), first.task)
                refused(
                    await found.client(speech, BOB).send("x", contextId=first.context),
                    BAD_CONTEXT,
                    None,
                    {"contextId": first.context},
                )
            assert (await client.send("on", contextId=minted.context)).text == "minted|on"
            assert (await client.get(done.task)).state == "COMPLETED"
            assert (await found.client(RPC).ask("ListTasks", {})).result["totalSize"] == 15
        assert begun[0].task.encode() not in (tmp_path / "sessions.db").read_bytes()  # its digest is


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_that_was_answered_once_cannot_move_after_a_restart(stream: bool, tmp_path: Path) -> None:
    agents = (Agent(), Agent())
    async with running(*agents):
        async with served(tmp_path, agents, sessions=STORE, health=NEVER) as found:
            begun = {}
            for speech in SPEECHES:
                say = found.client(speech).streamed if stream else found.client(speech).send
                body = (await say("a")).body
                begun[speech] = context_in(body) if stream else Answer(speech, (await say("a")).got).context
                await say("a", contextId=f"minted-{speech}")
        async with served(tmp_path, agents, sessions=STORE, health=NEVER) as found:
            holders = {context: found.holder(context) for context in begun.values()}
            for agent in agents:
                await agent.stop()
            for speech, context in begun.items():
                away(await found.client(speech).send("b", contextId=context))
                away(await found.client(speech).send("b", contextId=f"minted-{speech}"))
            assert all(holder.memory[context] == ["a"] for context, holder in holders.items())


async def test_a_process_that_ended_while_the_gateway_was_away_is_told_by_its_identity(tmp_path: Path) -> None:
    agent = Agent()
    agent.headers = {"x-boot": "1"}
    identity = {"header": "x-boot"}
    async with running(agent):
        async with served(tmp_path, (agent,), sessions=STORE, identity=identity) as found:
            begun = await found.begun()
        async with served(tmp_path, (agent,), sessions=STORE, identity=identity) as found:
            for speech, first in begun.items():
                assert (await found.client(speech).send("b", contextId=first.context)).text == "a|b"
        agent.headers = {"x-boot": "2"}
        heard = len(agent.heard)
        async with served(tmp_path, (agent,), sessions=STORE, identity=identity) as found:
            for speech, first in begun.items():
                answer = await found.client(speech).send("c", contextId=first.context)
                refused(answer, LOST, GONE, {"contextId": first.context})
                task_gone(await found.client(speech).get(first.task), first.task)
            assert len(agent.heard) == heard


async def test_a_process_that_is_away_when_the_gateway_starts_is_another_when_it_comes(tmp_path: Path) -> None:
    agents = (Agent(), Agent())
    one, two = agents
    async with running(*agents):
        async with served(tmp_path, agents, sessions=STORE) as found:
            begun = await found.begun()
        await one.stop()
        async with served(tmp_path, agents, sessions=STORE) as found:
            for speech, first in begun.items():
                away(await found.client(speech).send("b", contextId=first.context))
                away(await found.client(speech).get(first.task))
            await one.restart()
            await found.sees("one", "ready")
            for speech, first in begun.items():
                answer = await found.client(speech).send("b", contextId=first.context)
                refused(answer, LOST, GONE, {"contextId": first.context})
                task_gone(await found.client(speech).get(first.task), first.task)
            assert one.operations == ["SendMessage"] * len(begun)
            assert not two.heard


@pytest.mark.parametrize("speech", SPEECHES)
async def test_without_a_store_a_restart_forgets_tasks_and_nothing_is_sent_for_them(
    speech: Speech, tmp_path: Path
) -> None:
    agents = (Agent(), Agent())
    async with running(*agents):
        async with served(tmp_path, agents, client_context="reject") as found:
            first = await found.client(speech).send("a")
        heard = [len(agent.heard) for agent in agents]
        async with served(tmp_path, agents, client_context="reject") as found:
            client = found.client(speech)
            task_gone(await client.get(first.task), first.task)
            task_gone(await client.send("b", taskId=first.task), first.task)
            task_gone(await client.ask("SubscribeToTask", {"id": first.task}, task=first.task), first.task)
            answer = await client.send("b", contextId=first.context)
            refused(answer, BAD_CONTEXT, None, {"contextId": first.context})
            listed = (await found.client(RPC).ask("ListTasks", {})).result
            assert (listed["tasks"], listed["totalSize"]) == ([], 0)
        assert [len(agent.heard) for agent in agents] == heard


async def test_what_a_client_has_heard_of_survives_even_a_gateway_that_is_killed(tmp_path: Path) -> None:
    agents = (Agent(), Agent(), Agent())
    async with running(*agents):
        sections = {"access": KEYS, "sessions": STORE, "agents": {"support": settings_of(*agents, health=NEVER)}}
        async with as_process(manifest_of({}, **sections), tmp_path) as gateway:
            client = Client(gateway.port, RPC, ALICE)
            begun = [await client.send(f"{number}") for number in range(4)]
            streamed = [context_in((await client.streamed(f"{number}")).body) for number in range(4)]
            gateway.process.kill()
            await gateway.process.wait()
        async with served(tmp_path, agents, sessions=STORE, health=NEVER) as found:
            for number, first in enumerate(begun):
                assert (await found.client().get(first.task)).text == f"{number}"
                assert (await found.client().send("more", contextId=first.context)).text == f"{number}|more"
            for number, context in enumerate(streamed):
                assert (await found.client().send("more", contextId=context)).text == f"{number}|more"
