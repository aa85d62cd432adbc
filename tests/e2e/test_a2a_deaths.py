"""Instances that die, return as somebody else, or leave in peace: nobody is ever answered by the wrong memory."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent, Script, chunked, frame
from tests.e2e.a2a_errors import AWAY, LOST, UNAVAILABLE, Problem, away, refused, said, task_gone
from tests.e2e.a2a_speech import OLD_REST, OLD_RPC, PAIRS, REST, RPC, SPEECHES, Heard, Speech, chunk, result, whole
from tests.e2e.a2a_world import World, world
from tests.e2e.gateway import until

pytestmark = pytest.mark.anyio

NEVER = {"interval": "60s", "lost_after": "60s"}
"""No probe sees anything: traffic alone does."""
LATE = {"interval": "100ms", "lost_after": "100ms"}
GONE = "the agent's instance that held this conversation is gone; leave contextId out to begin a new one"
SLOW = Problem(-32603, 504, "DEADLINE_EXCEEDED", "UPSTREAM_TIMEOUT", "InternalError", 504)


async def cut(agent: Agent, wire: Wire, heard: Heard) -> None:
    """The process ends before it has said anything."""
    agent.turn(heard)
    wire.reset()
    raise EOFError


async def cut_within(agent: Agent, wire: Wire, heard: Heard) -> None:
    """It ends in the middle of a whole answer."""
    wire.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"')
    await wire.writer.drain()
    wire.shut()
    raise EOFError


def dying_after(*words: str) -> Script:
    """It ends in the middle of a stream, and of an event."""

    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        task = agent.turn(heard)
        assert task is not None
        agent.begin(wire)
        wire.send(frame(result(heard, whole(task, heard.speech))))
        for word in words:
            wire.send(frame(result(heard, chunk(task, word, heard.speech))))
        wire.send(chunked(b'data: {"half'))
        await wire.writer.drain()
        wire.shut()
        raise EOFError

    return script


async def silent(agent: Agent, wire: Wire, heard: Heard) -> None:
    await agent.hold(wire, agent.news)


async def away_from(found: World, speech: Speech, context: str, task: str) -> None:
    """Every operation of the conversation is refused for now."""
    client = found.client(speech)
    away(await client.send("more", contextId=context))
    away(await client.streamed("more", contextId=context))
    away(await client.send("more", taskId=task))
    away(await client.get(task))
    away(await client.cancel(task))
    away(await client.ask("SubscribeToTask", {"id": task}, task=task))


async def lost(found: World, speech: Speech, context: str, task: str) -> None:
    """The conversation is over, and its tasks are."""
    client = found.client(speech)
    refused(await client.send("more", contextId=context), LOST, GONE, {"contextId": context})
    refused(await client.streamed("more", contextId=context), LOST, GONE, {"contextId": context})
    task_gone(await client.send("more", taskId=task), task)
    task_gone(await client.get(task), task)
    task_gone(await client.cancel(task), task)
    task_gone(await client.ask("SubscribeToTask", {"id": task}, task=task), task)


# In the middle of an answer.


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("script", [cut, cut_within])
async def test_an_instance_that_dies_before_its_answer_is_whole_is_unavailable_and_keeps_its_conversations(
    script: Script, speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        first = await found.client(speech).send("a")
        agent = found.holder(first.context)
        agent.script = script
        away(await found.client(speech).send("b", contextId=first.context))
        away(await found.client(speech).streamed("c", taskId=first.task))
        agent.script = None
        answer = await found.client(speech).send("d", contextId=first.context)
        assert answer.text.startswith("a|")
        assert answer.text.endswith("d")
        assert not found.other(agent).heard


def events(body: bytes) -> list[tuple[str, Any]]:
    """Names and data of a stream's events."""
    found = []
    for block in body.replace(b"\r\n", b"\n").split(b"\n\n"):
        lines = dict(line.split(b": ", 1) for line in block.split(b"\n") if line)
        if lines:
            found.append((lines.get(b"event", b"").decode(), json.loads(lines[b"data"])))
    return found


@pytest.mark.parametrize(("speech", "spoken"), PAIRS)
async def test_a_stream_whose_instance_dies_ends_with_an_error_in_the_callers_version(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(spoken)) as found:
        (agent,) = found.agents
        agent.script = dying_after("one", "two")
        answer = await found.client(speech).streamed("hi")
        assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
        *before, (name, last) = events(answer.body)
        assert len(before) == 3
        assert [each for each, _ in before] == ["", "", ""]
        assert name == ("" if speech == OLD_RPC else "error")
        assert last == said(speech, UNAVAILABLE, AWAY, {"retryDelay": "2s"})


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_conversation_that_began_with_a_stream_never_moves_to_another_instance(
    speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER) as found:
        (_, first), *_ = events((await found.client(speech).streamed("a")).body)
        task = first.get("result", first)
        context = task.get("task", task)["contextId"]
        agent = found.holder(context)
        await agent.stop()
        away(await found.client(speech).send("b", contextId=context))
        assert not found.other(agent).heard


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_conversation_whose_first_stream_broke_never_moves_to_another_instance(
    speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER) as found:
        for agent in found.agents:
            agent.script = dying_after("one")
        await found.client(speech).streamed("a", contextId="minted")
        agent = found.holder("minted")
        await agent.stop()
        away(await found.client(speech).send("b", contextId="minted"))
        assert not found.other(agent).heard


async def test_a_conversation_never_moves_even_if_answers_do_not_name_it(tmp_path: Path) -> None:
    """`contextId` is optional in a task: that it was answered is enough."""

    async def nameless(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.turn(heard)
        agent.say(wire, 200, result(heard, {"task": {"id": "t-1", "status": {"state": "TASK_STATE_WORKING"}}}))

    async with world(tmp_path, Agent(), Agent(), health=NEVER) as found:
        for agent in found.agents:
            agent.script = nameless
        assert (await found.client().send("a", contextId="minted")).task == "t-1"
        agent = found.holder("minted")
        await agent.stop()
        away(await found.client().send("b", contextId="minted"))
        assert not found.other(agent).heard


# Between turns.


async def test_a_dead_instance_is_unavailable_for_its_conversations_and_others_go_elsewhere(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        begun = await found.begun()
        one, two = found.agents
        await one.stop()
        for speech, first in begun.items():
            await away_from(found, speech, first.context, first.task)
        assert not two.heard
        for number, speech in enumerate(begun, 1):
            assert (await found.client(speech).send("new")).text == "new"
            assert len(two.heard) == number
        assert await found.pinned("lost") == 0


async def test_after_lost_after_a_conversation_is_lost_and_its_tasks_are_not_found(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), health=LATE) as found:
        begun = await found.begun()
        one, two = found.agents
        await one.stop()
        await found.sees("one", "lost")
        for speech, first in begun.items():
            await lost(found, speech, first.context, first.task)
        assert not two.heard
        assert await found.pinned("lost") == 6 * len(begun)
        listed = (await found.client(RPC).ask("ListTasks", {})).result
        assert (listed["tasks"], listed["totalSize"]) == ([], 0)


async def test_an_instance_that_came_back_is_another_process(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        begun = await found.begun()
        one, two = found.agents
        label = found.instance("one").label
        await one.stop()
        await found.sees("one", "unreachable")
        await one.restart()
        await found.sees("one", "ready")
        assert found.instance("one").label != label
        for speech, first in begun.items():
            await lost(found, speech, first.context, first.task)
        assert len(one.heard) == len(begun)
        assert not two.heard


async def test_with_repin_a_lost_conversation_begins_anew_and_its_tasks_are_gone(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), health=LATE, on_lost="repin") as found:
        begun = await found.begun()
        one, two = found.agents
        await one.stop()
        await found.sees("one", "lost")
        for speech, first in begun.items():
            client = found.client(speech)
            task_gone(await client.get(first.task), first.task)
            assert (await client.send("b", contextId=first.context)).text == "b"
            assert (await client.send("c", contextId=first.context)).text == "b|c"
        assert await found.pinned("repinned") == len(begun)
        assert two.operations == ["SendMessage"] * 2 * len(begun)


# Another process behind the same address, told by a header.


def boots(found: World, value: str) -> None:
    for agent in found.agents:
        agent.headers = {"x-boot": f"{found.name(agent)}-{value}"}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_answer_of_another_process_is_not_passed_on(speech: Speech, tmp_path: Path) -> None:
    first_boot = Agent()
    first_boot.headers = {"x-boot": "1"}
    async with world(tmp_path, first_boot, health=NEVER, identity={"header": "x-boot"}) as found:
        first = await found.client(speech).send("a")
        streamed = await found.client(speech).send("b")
        first_boot.headers, first_boot.memory = {"x-boot": "2"}, {}
        answer = await found.client(speech).send("c", contextId=first.context)
        refused(answer, LOST, GONE, {"contextId": first.context})
        await lost(found, speech, streamed.context, streamed.task)
        assert first_boot.operations == ["SendMessage"] * 3


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("minted", ["", "minted"])
async def test_a_conversation_that_another_process_began_is_that_ones(
    minted: str, speech: Speech, tmp_path: Path
) -> None:
    agent = Agent()
    agent.headers = {"x-boot": "1"}
    async with world(tmp_path, agent, health=NEVER, identity={"header": "x-boot"}) as found:
        agent.headers = {"x-boot": "2"}
        first = await found.client(speech).send("a", contextId=minted)
        assert (await found.client(speech).send("b", contextId=first.context)).text == "a|b"
        assert (await found.client(speech).get(first.task)).task == first.task


async def test_a_task_of_another_process_is_not_found(tmp_path: Path) -> None:
    agent = Agent()
    agent.headers = {"x-boot": "1"}
    async with world(tmp_path, agent, health=NEVER, identity={"header": "x-boot"}) as found:
        task = (await found.client(REST).send("a")).task
        agent.headers = {"x-boot": "2"}
        task_gone(await found.client(REST).get(task), task)


async def test_the_last_answer_of_the_old_process_ends_nothing_of_the_new_one(tmp_path: Path) -> None:
    """It shuts down in peace: what it was asked is answered while its successor is at work already."""
    agent = Agent()
    agent.headers = {"x-boot": "1"}
    watch = {"interval": "100ms", "lost_after": "60s"}
    async with world(tmp_path, agent, health=watch, identity={"header": "x-boot"}) as found:
        instance = found.instance("one")
        old, new = instance.label, list[str]()

        async def late(agent: Agent, wire: Wire, heard: Heard) -> None:
            agent.headers = {"x-boot": "2"}
            agent.script = None
            await until(lambda: instance.label != old)
            new.append(instance.label)
            agent.headers = {"x-boot": "1"}
            await agent.behave(wire, heard)
            agent.headers = {"x-boot": "2"}

        agent.script = late
        first = await found.client().send("a")
        assert first.text == "a"
        refused(await found.client().send("b", contextId=first.context), LOST, GONE, {"contextId": first.context})
        assert [instance.label] == new


# Where state is kept elsewhere.


@pytest.mark.parametrize("speech", SPEECHES)
async def test_with_shared_state_another_instance_takes_over_at_once(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER, state="shared") as found:
        first = await found.client(speech).send("a")
        agent = found.holder(first.context)
        other = found.other(agent)
        other.memory, other.tasks = agent.memory, agent.tasks
        for word in ("b", "c"):
            assert (await found.client(speech).send(word, contextId=first.context)).text.endswith(word)
        assert not other.heard  # the pin is kept to as long as it can be
        await agent.stop()
        assert (await found.client(speech).get(first.task)).text == "a"
        assert (await found.client(speech).send("d", contextId=first.context)).text == "a|b|c|d"
        assert (await found.client(speech).cancel(first.task)).state == "CANCELED"
        assert other.operations == ["GetTask", "SendMessage", "CancelTask"]


async def test_without_state_any_instance_answers_for_whoever_owns_the_conversation(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER, state="none") as found:
        one, two = found.agents
        two.memory, two.tasks = one.memory, one.tasks
        first = await found.client().send("a")
        for word in ("b", "c", "d"):
            assert (await found.client(REST).send(word, contextId=first.context)).text.endswith(word)
        assert one.heard
        assert two.heard
        await one.stop()
        for word in ("e", "f"):
            assert (await found.client(OLD_REST).send(word, contextId=first.context)).text.endswith(word)


# Leaving in peace.


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_draining_instance_keeps_its_conversations_and_gets_no_new_ones(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        first = await found.client(speech).send("a")
        agent = found.holder(first.context)
        other, client = found.other(agent), found.client(speech)
        found.drain(found.name(agent))
        for number in range(4):
            assert (await client.send(f"new {number}")).text == f"new {number}"
            assert (await client.send("minted", contextId=f"minted-{number}")).text == "minted"
        assert len(other.heard) == 8
        assert (await client.send("b", contextId=first.context)).text == "a|b"
        assert (await client.get(first.task)).task == first.task
        found.drain(found.name(other))
        refused(await client.send("nowhere"), UNAVAILABLE, None, {"retryDelay": "2s"}, retry="2")
        assert (await client.send("c", contextId=first.context)).text == "a|b|c"
        found.drain(found.name(agent), on=False)
        assert (await client.send("here again")).text == "here again"


# The first turn.


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize("minted", ["", "minted"])
async def test_a_first_turn_that_finds_no_listener_goes_elsewhere_and_stays_there(
    minted: str, speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(), Agent(), Agent(), health=NEVER) as found:
        one, two, three = found.agents
        await one.stop()
        await two.stop()
        for number in range(3):
            context = f"{minted}-{number}" if minted else ""
            first = await found.client(speech).send("a", contextId=context)
            assert first.text == "a"
            assert (await found.client(speech).send("b", contextId=first.context)).text == "a|b"
        assert len(three.heard) == 6


async def test_a_repeated_message_goes_to_the_same_instance_and_elsewhere_if_nobody_listens(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER) as found:
        client = found.client()
        for _ in range(4):
            await client.send("a", messageId="m-again")
        (agent,) = [each for each in found.agents if each.heard]
        assert len(agent.heard) == 4
        await agent.stop()
        assert (await client.send("a", messageId="m-again")).text == "a"
        assert len(found.other(agent).heard) == 1


async def test_a_message_goes_where_the_tasks_are_that_it_refers_to_and_elsewhere_if_nobody_listens(
    tmp_path: Path,
) -> None:
    async with world(tmp_path, Agent(), Agent(), health=NEVER) as found:
        client = found.client()
        first = await client.send("a")
        agent = found.holder(first.context)
        for _ in range(3):
            await client.send("as before", referenceTaskIds=[first.task])
        assert len(agent.heard) == 4
        await agent.stop()
        assert (await client.send("as before", referenceTaskIds=[first.task])).text == "as before"


@pytest.mark.parametrize("speech", SPEECHES)
async def test_without_any_instance_a_first_turn_is_unavailable(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        for agent in found.agents:
            await agent.stop()
        for text in ("a", "b"):
            answer = await found.client(speech).send(text, contextId="minted")
            refused(answer, UNAVAILABLE, None, {"retryDelay": "2s"}, retry="2")


@pytest.mark.parametrize("speech", SPEECHES)
async def test_an_agent_that_does_not_answer_in_time_is_given_up_and_keeps_its_conversations(
    speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(), Agent(), timeout="200ms") as found:
        first = await found.client(speech).send("a")
        agent = found.holder(first.context)
        agent.script = silent
        refused(await found.client(speech).send("b", contextId=first.context), SLOW)
        agent.script = None
        assert (await found.client(speech).send("c", contextId=first.context)).text == "a|c"


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_stream_on_which_nothing_comes_ends_with_an_error(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, idle_timeout="200ms") as found:
        task = (await found.client(speech).send("a")).task
        answer = await found.client(speech).ask("SubscribeToTask", {"id": task}, task=task)
        _, (name, last) = events(answer.body)
        assert name == ("" if speech == OLD_RPC else "error")
        assert last["error"]["message"]
        (agent,) = found.agents
        assert agent.left == 1
