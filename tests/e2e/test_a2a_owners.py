"""Conversations belong to who began them: what is somebody else's looks like what is not there, in every speech."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent
from tests.e2e.a2a_client import Answer, Client
from tests.e2e.a2a_errors import BAD_CONTEXT, refused, status_of, task_gone
from tests.e2e.a2a_speech import REST, RPC, SPEECHES, Heard, Speech
from tests.e2e.a2a_world import BOB, World, world
from tests.e2e.gateway import until

pytestmark = pytest.mark.anyio

UNKNOWN = "t-0123456789abcdef"
"""As long as the ids of the scripted agent are."""
NO_CONTEXT = "this contextId cannot be used; leave contextId out to begin a new conversation"
Ask = Callable[[Client, str], Awaitable[Answer]]

OF_A_TASK: dict[str, Ask] = {
    "get": lambda client, task: client.get(task),
    "cancel": lambda client, task: client.cancel(task),
    "send": lambda client, task: client.send("mine now", taskId=task),
    "stream": lambda client, task: client.streamed("mine now", taskId=task),
    "subscribe": lambda client, task: client.ask("SubscribeToTask", {"id": task}, task=task),
    "refer": lambda client, task: client.send("as there", referenceTaskIds=[task]),
    "refer among others": lambda client, task: client.send("as there", referenceTaskIds=[task, UNKNOWN]),
    "push get": lambda client, task: client.push("Get", task, "c-1"),
    "push list": lambda client, task: client.push("List", task),
    "push delete": lambda client, task: client.push("Delete", task, "c-1"),
    "push create": lambda client, task: client.push_create(task, {"id": "c-1", "url": "https://hooks.example.com/"}),
}


def seen(answer: Answer, *ids: str) -> tuple[int, dict[str, str], bytes]:
    """All that a caller gets, but for what is another in every answer."""
    body = answer.body
    for id_ in ids:
        body = body.replace(id_.encode(), b"ID")
    own = ("date", "x-fedgate-request-id")
    return answer.status, {name: value for name, value in answer.headers.items() if name not in own}, body


@pytest.mark.parametrize("speech", SPEECHES)
async def test_another_owners_task_is_refused_byte_for_byte_like_an_unknown_one(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        task = (await found.client(speech).send("secret")).task
        bob = found.client(speech, BOB)
        for ask in OF_A_TASK.values():
            theirs, unknown = await ask(bob, task), await ask(bob, UNKNOWN)
            task_gone(theirs, task)
            assert seen(theirs, task) == seen(unknown, UNKNOWN)
        assert agent.operations == ["SendMessage"]
        assert await found.pinned("refused") == 2 * len(OF_A_TASK)
        assert (await found.client(speech).get(task)).text == "secret"


@pytest.mark.parametrize("speech", SPEECHES)
async def test_another_owners_context_is_refused_and_nothing_is_sent(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        context = (await found.client(speech).send("secret")).context
        bob = found.client(speech, BOB)
        for answer in (await bob.send("tell me", contextId=context), await bob.streamed("tell", contextId=context)):
            refused(answer, BAD_CONTEXT, NO_CONTEXT, {"contextId": context})
        assert agent.operations == ["SendMessage"]
        assert agent.memory == {context: ["secret"]}
        assert (await found.client(speech).send("still mine", contextId=context)).text == "secret|still mine"


@pytest.mark.parametrize("speech", SPEECHES)
async def test_where_clients_mint_no_contexts_a_foreign_one_looks_like_an_unknown_one(
    speech: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, client_context="reject") as found:
        (agent,) = found.agents
        context = (await found.client(speech).send("secret")).context
        bob, unknown = found.client(speech, BOB), "c-0123456789abcdef"
        theirs, nobodys = await bob.send("x", contextId=context), await bob.send("x", contextId=unknown)
        refused(theirs, BAD_CONTEXT, NO_CONTEXT, {"contextId": context})
        assert seen(theirs, context) == seen(nobodys, unknown)
        refused(await found.client(speech).send("x", contextId="own"), BAD_CONTEXT, NO_CONTEXT, {"contextId": "own"})
        assert agent.operations == ["SendMessage"]
        assert (await found.client(speech).send("more", contextId=context)).text == "secret|more"


async def test_a_list_shows_nothing_of_another_owner(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        alice, bob = found.client(), found.client(key=BOB)
        context = (await alice.send("secret")).context
        await alice.send("secret too")
        mine = (await bob.send("mine")).task
        for client in (bob, found.client(REST, BOB)):
            listed = (await client.ask("ListTasks", {})).result
            assert [task["id"] for task in listed["tasks"]] == [mine]
            assert (listed["totalSize"], listed["nextPageToken"]) == (1, "")
        theirs = (await bob.ask("ListTasks", {"contextId": context})).result
        nobodys = (await bob.ask("ListTasks", {"contextId": "c-unknown"})).result
        assert theirs == nobodys == {"tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0}


async def test_a_list_leaves_out_what_an_agent_shows_of_others(tmp_path: Path) -> None:
    """The scripted agent knows no callers: it lists everything to everybody."""
    async with world(tmp_path) as found:
        (agent,) = found.agents
        theirs = [(await found.client().send("secret")).task for _ in range(5)]
        mine = (await found.client(key=BOB).send("mine")).task
        listed = (await found.client(key=BOB).ask("ListTasks", {"pageSize": 2})).result
        assert [task["id"] for task in listed["tasks"]] == [mine]
        assert set(agent.tasks) == {*theirs, mine}


# Ids that clients mint.


class Held:
    """A script: messages wait until all of them have come."""

    def __init__(self) -> None:
        self.go = asyncio.Event()

    async def __call__(self, agent: Agent, wire: Wire, heard: Heard) -> None:
        await agent.hold(wire, self.go)
        await agent.behave(wire, heard)


def hold(found: World) -> asyncio.Event:
    held = Held()
    for agent in found.agents:
        agent.script = held
    return held.go


async def arrived(found: World, count: int) -> None:
    await until(lambda: sum(len(agent.heard) for agent in found.agents) >= count)


@pytest.mark.parametrize("speech", SPEECHES)
async def test_parallel_first_turns_under_one_id_land_on_one_instance(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        go = hold(found)
        turns = [
            asyncio.ensure_future(
                found.client(each).send(f"{number}", contextId="minted", messageId=f"m-{number}")
                if number % 2
                else found.client(speech).streamed(f"{number}", contextId="minted", messageId=f"m-{number}")
            )
            for number, each in enumerate([*SPEECHES, *SPEECHES])
        ]
        await arrived(found, len(turns))
        go.set()
        assert {answer.status for answer in await asyncio.gather(*turns)} == {200}
        assert sorted(found.holder("minted").memory["minted"]) == [str(number) for number in range(len(turns))]
        assert await found.pinned("made") >= 1


async def test_of_two_owners_who_mint_one_id_the_second_is_refused(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        go = hold(found)
        first = asyncio.ensure_future(found.client().send("mine", contextId="minted"))
        await arrived(found, 1)
        for speech in SPEECHES:
            answer = await found.client(speech, BOB).send("mine too", contextId="minted")
            refused(answer, BAD_CONTEXT, NO_CONTEXT, {"contextId": "minted"})
        go.set()
        assert (await first).text == "mine"
        assert sum(len(agent.heard) for agent in found.agents) == 1


async def test_of_two_owners_who_mint_one_id_at_once_exactly_one_is_served(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        both = await asyncio.gather(
            found.client(RPC).send("mine", contextId="minted"), found.client(REST, BOB).send("mine", contextId="minted")
        )
        served = [answer for answer in both if answer.status == 200 and b'"error"' not in answer.body]
        (other,) = [answer for answer in both if answer not in served]
        assert other.status == status_of(other.speech, BAD_CONTEXT)
        refused(other, BAD_CONTEXT, NO_CONTEXT, {"contextId": "minted"})
        assert len(served) == 1
        assert found.holder("minted").memory == {"minted": ["mine"]}


@pytest.mark.parametrize("speech", SPEECHES)
async def test_a_conversation_is_one_in_all_speeches(speech: Speech, tmp_path: Path) -> None:
    """Ids are the same whatever the caller speaks: the pin is the conversation's, not the binding's."""
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        first = await found.client(speech).send("0")
        for number, each in enumerate(SPEECHES, 1):
            answer = await found.client(each).send(str(number), contextId=first.context)
            assert answer.text == "|".join(str(each) for each in range(number + 1))
            assert (await found.client(each).get(first.task)).task == first.task
        assert len(found.holder(first.context).memory[first.context]) == 5
