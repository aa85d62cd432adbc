"""The sample agent as a process, spoken to in all four speeches by hand-written requests."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from bench.a2a_client import Agent
from bench.a2a_heard import Answer
from bench.a2a_speech import SPEECHES, Push, Said, cancel, get, name, send, subscribe, tasks
from fedgate.a2a.values import Speech
from fedgate.cli.sample_child import listening
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target
from tests.e2e.gateway import environment
from tests.samples.receiver import received

pytestmark = pytest.mark.anyio
every_speech = pytest.mark.parametrize("speech", SPEECHES, ids=name)
V1 = SPEECHES[0]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening("fedgate.samples.memory_agent") as url:
        yield url


@asynccontextmanager
async def agent_at(url: str) -> AsyncIterator[Agent]:
    http = HttpClient()
    try:
        yield Agent(http, url)
    finally:
        await http.aclose()


@pytest.fixture
async def agent(url: str) -> AsyncIterator[Agent]:
    async with agent_at(url) as agent:
        yield agent


def text(answer: Answer) -> str:
    assert answer.failure is None, answer.body
    return "".join(each.text for each in answer.heard)


@every_speech
@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_is_remembered(agent: Agent, speech: Speech, stream: bool) -> None:
    first = await agent.ask(speech, send(speech, Said("remember tea is green", "1"), stream=stream))
    assert text(first) == "I will remember that tea is green. (turn 1, memory)"
    assert first.heard[-1].state == "TASK_STATE_COMPLETED"
    assert first.streamed is stream
    context = first.one.context
    second = await agent.ask(speech, send(speech, Said("what is tea?", "2", context), stream=stream))
    assert text(second) == "tea is green. (turn 2, memory)"
    other = await agent.ask(speech, send(speech, Said("what is tea?", "3"), stream=stream))
    assert text(other) == "You have not told me what tea is. (turn 1, memory)"
    assert other.one.context != context


async def test_a_conversation_is_the_same_in_every_speech(agent: Agent) -> None:
    turns = [
        text(await agent.ask(speech, send(speech, Said("remember x is y", f"{number}", "shared"))))
        for number, speech in enumerate(SPEECHES)
    ]
    assert turns == [f"I will remember that x is y. (turn {turn}, memory)" for turn in (1, 2, 3, 4)]


@every_speech
async def test_small_talk_is_answered_with_a_message_of_the_conversation(agent: Agent, speech: Speech) -> None:
    answer = await agent.ask(speech, send(speech, Said("who are you?", "1", f"talk-{name(speech)}")))
    assert (answer.one.kind, answer.one.context) == ("message", f"talk-{name(speech)}")
    assert answer.one.text == "I am memory. (turn 1, memory)"


@every_speech
async def test_a_booking_is_one_task_over_several_turns(agent: Agent, speech: Speech) -> None:
    asked = await agent.ask(speech, send(speech, Said("book a table", "1")))
    assert (asked.one.state, asked.one.question) == (
        "TASK_STATE_INPUT_REQUIRED",
        "For how many people? (turn 1, memory)",
    )
    task, context = asked.one.task, asked.one.context
    done = await agent.ask(speech, send(speech, Said("4 at 19:30", "2", context, task)))
    assert (done.one.state, done.one.task) == ("TASK_STATE_COMPLETED", task)
    assert done.one.text == "A table for 4 at 19:30 is booked. (turn 2, memory)"
    assert (await agent.ask(speech, get(speech, task))).one.state == "TASK_STATE_COMPLETED"


async def test_a_message_that_names_its_task_alone_belongs_to_the_tasks_conversation(agent: Agent) -> None:
    asked = await agent.ask(V1, send(V1, Said("book a table for 4", "1")))
    done = await agent.ask(V1, send(V1, Said("19:30", "2", task=asked.one.task)))
    assert done.one.text == "A table for 4 at 19:30 is booked. (turn 2, memory)"
    assert done.one.context == asked.one.context


@every_speech
async def test_counting_is_streamed_number_by_number(agent: Agent, speech: Speech) -> None:
    answer = await agent.ask(speech, send(speech, Said("count to 3", "1"), stream=True))
    pieces = [each.text for each in answer.heard if each.kind == "artifactUpdate"]
    assert pieces == ["1 ", "2 ", "3 (turn 1, memory)"]
    assert [each.kind for each in answer.heard][:2] == ["task", "statusUpdate"]


@every_speech
async def test_counting_can_be_watched_by_others_and_cancelled(agent: Agent, speech: Speech) -> None:
    async with agent.follow(speech, send(speech, Said("count to 1000", "1"), stream=True)) as events:
        task = (await anext(events)).task
        async with agent.follow(speech, subscribe(speech, task)) as others:
            assert (await anext(others)).kind == "task"
            assert (await agent.ask(speech, cancel(speech, task))).one.state == "TASK_STATE_CANCELED"
            assert "TASK_STATE_CANCELED" in [each.state async for each in others]
    again = await agent.ask(speech, cancel(speech, task))
    assert again.failure is not None
    assert again.failure.code == (-32002 if speech.binding == "jsonrpc" else 400)


async def test_tasks_of_a_conversation_are_listed(agent: Agent) -> None:
    for number in range(3):
        await agent.ask(V1, send(V1, Said("remember x is y", f"{number}", "listed")))
    listed = await agent.ask(V1, tasks(V1, contextId="listed"))
    assert listed.one.raw["result"]["totalSize"] == 3


@every_speech
async def test_whoever_wants_is_called_back(agent: Agent, speech: Speech) -> None:
    with received() as (callback, bodies):
        push = Push(callback, "p", "secret")
        done = await agent.ask(speech, send(speech, Said("remember x is y", "1", push=push)))
        seen = [next(bodies) for _ in range(4)]
    assert {each.token for each in seen} == {"secret"}
    assert [next(iter(each.body)) for each in seen] == ["task", "statusUpdate", "artifactUpdate", "statusUpdate"]
    assert seen[0].body["task"]["id"] == done.one.task


async def test_its_card_names_four_ways_to_reach_it_and_does_not_ask_for_credentials(agent: Agent) -> None:
    http = agent.http
    response = await http.request("GET", Target.parse(f"{agent.url}/.well-known/agent-card.json"))
    card = Answer(response.status, {}, await response.read(65536))
    assert card.status == 200
    assert card.body.count(b'"protocolBinding"') == 4
    assert b'"securitySchemes"' not in card.body
    for known in (
        b'"pushNotifications":true',
        b'"streaming":true',
        b'"id":"remember"',
        b'"id":"count"',
        b'"id":"book"',
    ):
        assert known in card.body


def test_it_says_where_it_listens_and_ends_quietly_when_asked_to() -> None:
    command = [sys.executable, "-m", "fedgate.samples.memory_agent", "--port", "0", "--name", "two"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=environment(), text=True) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith("memory: listening on http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.stderr.read() == ""
        assert process.wait(10) in (0, -signal.SIGTERM)


def test_it_says_why_it_cannot_listen(url: str) -> None:
    port = url.rpartition(":")[2]
    command = [sys.executable, "-m", "fedgate.samples.memory_agent", "--port", port]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), timeout=30, check=False)
    assert (done.returncode, done.stderr.startswith(f"memory: cannot listen on 127.0.0.1:{port}: ")) == (1, True)
