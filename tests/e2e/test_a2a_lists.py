"""ListTasks over three instances as one list: complete, in order, the caller's alone, in both bindings."""

from pathlib import Path
from typing import Any

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent, Script
from tests.e2e.a2a_client import Answer
from tests.e2e.a2a_errors import AWAY, BAD_PARAMS, NO_METHOD, UNAVAILABLE, refused
from tests.e2e.a2a_speech import OLD_REST, REST, RPC, SPEECHES, Heard, Speech, Tree, failure, result
from tests.e2e.a2a_world import BOB, World, world

pytestmark = pytest.mark.anyio

MODERN = (RPC, REST)
NO_TOKEN = "pageToken is not one of this list; leave it out to begin anew"


async def listed(found: World, speech: Speech, key: str = "", **asked: Any) -> Answer:
    client = found.client(speech, key) if key else found.client(speech)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return await client.ask("ListTasks", asked, query=query)


async def filled(found: World, count: int = 25) -> list[str]:
    """Tasks on all instances, the last one first; and some of somebody else's between them."""
    made = []
    for number in range(count):
        task = (await found.client(SPEECHES[number % 4]).send(f"{number}")).task
        (agent,) = [agent for agent in found.agents if task in agent.tasks]
        agent.tasks[task].when = f"2026-11-28T12:00:{number:02}Z"
        made.append(task)
        if number % 5 == 0:
            theirs = (await found.client(key=BOB).send("theirs")).task
            for agent in found.agents:
                if theirs in agent.tasks:
                    agent.tasks[theirs].when = f"2026-11-28T12:00:{number:02}Z"
    assert all(agent.tasks for agent in found.agents)
    return made[::-1]


def ids(answer: Answer) -> list[str]:
    return [task["id"] for task in answer.result["tasks"]]


async def read_all(found: World, speech: Speech, **asked: Any) -> list[str]:
    """All pages."""
    tasks: list[str] = []
    token: Tree = {}
    for _ in range(60):
        answer = await listed(found, speech, **asked, **token)
        page = ids(answer)
        assert len(page) <= asked["pageSize"]
        assert answer.result["pageSize"] == asked["pageSize"]
        assert "x-fedgate-partial" not in answer.headers
        tasks += page
        if not answer.result["nextPageToken"]:
            return tasks
        token = {"pageToken": answer.result["nextPageToken"]}
    raise AssertionError("the list has no end")


async def test_all_tasks_of_three_instances_are_listed_once_and_in_order(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        made = await filled(found)
        for speech in MODERN:
            for size in (1, 4, 7, 50):
                assert await read_all(found, speech, pageSize=size) == made
            first = await listed(found, speech)
            assert (ids(first), first.result["totalSize"], first.result["nextPageToken"]) == (made, 25, "")


async def test_a_list_is_bridged_to_agents_of_either_binding(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(RPC), Agent(REST), Agent()) as found:
        made = await filled(found, 9)
        for speech in MODERN:
            assert await read_all(found, speech, pageSize=4) == made


async def test_a_list_of_one_context_asks_only_the_instance_that_holds_it(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        await filled(found, 6)
        first = await found.client().send("a")
        second = await found.client().send("b", contextId=first.context)
        for speech in MODERN:
            answer = await listed(found, speech, contextId=first.context)
            assert sorted(ids(answer)) == sorted([first.task, second.task])
            assert answer.result["totalSize"] == 2
        holder = found.holder(first.context)
        assert [agent.operations.count("ListTasks") for agent in found.agents if agent is not holder] == [0, 0]


async def test_a_list_by_state_shows_what_the_agents_say_now(tmp_path: Path) -> None:
    """A task that was finished while nobody asked for it is a finished one."""
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        made = await filled(found, 9)
        done = set(made[::2])
        for agent in found.agents:
            for task in agent.tasks.values():
                task.state = "COMPLETED" if task.id in done else task.state
        for speech in MODERN:
            for state, expected in (("COMPLETED", done), ("INPUT_REQUIRED", set(made) - done), ("FAILED", set())):
                first = await listed(found, speech, status=f"TASK_STATE_{state}", pageSize=2)
                assert first.result["totalSize"] == len(expected)
                everything = await read_all(found, speech, status=f"TASK_STATE_{state}", pageSize=2)
                assert everything == [task for task in made if task in expected]


async def test_an_instance_that_is_away_makes_every_page_partial(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent(), Agent()) as found:
        made = await filled(found, 12)
        gone = found.agents[1]
        await gone.stop()
        await found.sees("two", "unreachable")
        left = [task for task in made if task not in gone.tasks]
        for speech in MODERN:
            answer = await listed(found, speech)
            assert (ids(answer), answer.headers["x-fedgate-partial"]) == (left, "1")
            first = await listed(found, speech, pageSize=len(left) - 1)
            assert (ids(first), first.headers["x-fedgate-partial"]) == (left[:-1], "1")
            second = await listed(found, speech, pageSize=4, pageToken=first.result["nextPageToken"])
            assert (ids(second), second.headers["x-fedgate-partial"]) == (left[-1:], "1")
            assert second.result["nextPageToken"] == ""


async def test_an_instance_that_dies_while_it_is_asked_is_never_answered_for_by_another(tmp_path: Path) -> None:
    watch = {"interval": "60s", "lost_after": "60s"}
    async with world(tmp_path, Agent(), Agent(), Agent(), health=watch) as found:
        made = await filled(found, 12)
        gone = found.agents[2]
        await gone.stop()
        answer = await listed(found, RPC)
        assert ids(answer) == [task for task in made if task not in gone.tasks]
        assert answer.headers["x-fedgate-partial"] == "1"


async def test_without_any_instance_a_list_is_unavailable(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        for _ in range(4):
            await found.client().send("a")
        for agent in found.agents:
            await agent.stop()
        for speech in MODERN:
            refused(await listed(found, speech), UNAVAILABLE, AWAY, {"retryDelay": "2s"}, retry="2")
        nothing = (await listed(found, RPC, BOB)).result
        assert nothing == {"tasks": [], "nextPageToken": "", "pageSize": 50, "totalSize": 0}


async def test_a_page_token_is_good_for_one_caller_and_one_question(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        await filled(found, 8)
        for speech in MODERN:
            token = (await listed(found, speech, pageSize=2)).result["nextPageToken"]
            for flaw in (token[:-2] + ("AA" if token[-2:] != "AA" else "BB"), token[1:], "x", "MTIz", "A" * 70_000):
                if speech == REST and len(flaw) > 60_000:
                    continue  # no request line is as long
                refused(await listed(found, speech, pageSize=2, pageToken=flaw), BAD_PARAMS, NO_TOKEN)
            refused(await listed(found, speech, BOB, pageSize=2, pageToken=token), BAD_PARAMS, NO_TOKEN)
            other = await listed(found, speech, pageSize=2, pageToken=token, contextId="c")
            refused(other, BAD_PARAMS, NO_TOKEN)
            assert len(ids(await listed(found, speech, pageSize=3, pageToken=token))) == 3


@pytest.mark.parametrize("speech", MODERN)
async def test_a_page_size_that_is_none_is_refused(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for size in (0, -1, 101):
            refused(await listed(found, speech, pageSize=size), BAD_PARAMS, "pageSize must be from 1 to 100")
        for flaw in ("many", "1.5", "true"):
            refused(await listed(found, speech, pageSize=flaw), BAD_PARAMS, "pageSize must be a whole number")
        found.quiet()


async def test_there_is_no_list_in_0_3(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        refused(
            await found.client(OLD_REST).raw("GET", "/v1/tasks"), NO_METHOD, "ListTasks came with A2A 1.0: GET /tasks"
        )
        found.quiet()


BAD_LISTS = {
    "no list": {"tasks": {}},
    "no tasks in it": {"tasks": [1]},
    "a list alone": [],
}


def saying(flaw: object) -> Script:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.say(wire, 200, result(heard, flaw))

    return script


async def test_an_instance_that_answers_with_no_list_is_missing(tmp_path: Path) -> None:
    async with world(tmp_path, Agent(), Agent()) as found:
        made = await filled(found, 6)
        one, two = found.agents
        for flaw in BAD_LISTS.values():
            one.script = saying(flaw)
            answer = await listed(found, RPC)
            assert ids(answer) == [task for task in made if task in two.tasks]
            assert answer.headers["x-fedgate-partial"] == "1"


async def test_the_error_of_an_agent_is_passed_on_if_there_is_nothing_else(tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.say(wire, *failure(heard, -32602, "no such filter", 400))

    async with world(tmp_path, Agent(RPC)) as found:
        await found.client().send("a")
        found.agents[0].script = script
        for speech in MODERN:
            refused(await listed(found, speech), BAD_PARAMS, "no such filter")
