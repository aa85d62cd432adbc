"""What kagent's agents do when one calls another, against a gateway before two replicas.

kagent 0.10 reads the card at the address it was given, then speaks to the address in the card, in
0.3 and without a version header. Its sub-agent tool makes one context id and keeps it for all
calls of the tool, or makes one per call (`isolateSessions`). kagent 1.0 speaks 1.0. The headers
are those it sends. Requests are written by hand here.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from bench.a2a_client import Agent, plain
from bench.a2a_heard import Answer
from bench.a2a_speech import SPEECHES, Said, send, subscribe
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target
from tests.clients.a2a_stage import gateway

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

V1, _, V03, _ = SPEECHES
TURNS = 8


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with gateway(tmp_path_factory.mktemp("gateway")) as url:
        yield url


def headers(context: str) -> dict[str, str]:
    return {
        "x-user-id": "ada@example.com",
        "x-kagent-source": "agent",
        "x-kagent-parent-context-id": f"parent-{context}",
        "x-kagent-root-context-id": f"root-{context}",
        "a2a-extensions": "https://github.com/kagent-dev/kagent/a2a/hitl/v1",
        "user-agent": "kagent",
    }


async def card_at(http: HttpClient, url: str) -> dict[str, Any]:
    response = await http.request("GET", Target.parse(f"{url}/.well-known/agent-card.json"))
    card = msgspec.json.decode(await response.read(1024 * 1024))
    assert isinstance(card, dict)
    return card


@asynccontextmanager
async def sub_agent(url: str, context: str) -> AsyncIterator[Agent]:
    """The tool: it finds the address in the card."""
    http = HttpClient()
    try:
        card = await card_at(http, url)
        yield Agent(http, card["url"], plain(headers(context)))
    finally:
        await http.aclose()


def said(text: str, context: str, task: str = "") -> Said:
    return Said(text, uuid4().hex, context, task)


def told(answer: Answer) -> tuple[str, int, str]:
    """Text, turn and instance."""
    assert answer.failure is None, answer.body
    found = re.fullmatch(r"(.*) \(turn (\d+), (\S+)\)", "".join(each.text for each in answer.heard), re.S)
    assert found is not None, answer.body
    return found[1], int(found[2]), found[3]


async def test_the_card_sends_it_to_the_gateway(url: str) -> None:
    http = HttpClient()
    try:
        card = await card_at(http, url)
    finally:
        await http.aclose()
    assert card["url"] == url
    assert {each["url"] for each in card["supportedInterfaces"]} == {url}
    assert card["capabilities"]["streaming"] is True


@pytest.mark.parametrize("stream", [False, True])
async def test_a_context_of_its_own_making_finds_its_memory_again(url: str, stream: bool) -> None:
    context = str(uuid4())
    async with sub_agent(url, context) as agent:
        for number in range(TURNS):
            wire = send(V03, said(f"remember fact {number} is {number * number}", context), stream=stream)
            assert told(await agent.ask(V03, wire))[1] == number + 1
        texts = [
            told(await agent.ask(V03, send(V03, said(f"what is fact {number}?", context), stream=stream)))
            for number in range(TURNS)
        ]
    assert [text for text, _, _ in texts] == [f"fact {number} is {number * number}." for number in range(TURNS)]
    assert len({instance for _, _, instance in texts}) == 1


async def test_parallel_calls_of_the_tool_share_one_conversation(url: str) -> None:
    context = str(uuid4())
    async with sub_agent(url, context) as agent:
        answers = await asyncio.gather(
            *(agent.ask(V03, send(V03, said(f"remember fact {number} is new", context))) for number in range(TURNS))
        )
        everything, turn, _ = told(await agent.ask(V03, send(V03, said("what do you know?", context))))
    assert sorted(turn for _, turn, _ in map(told, answers)) == list(range(1, TURNS + 1))
    assert turn == TURNS + 1
    assert everything.count("is new.") == TURNS


async def test_isolated_calls_know_nothing_of_one_another_and_use_every_replica(url: str) -> None:
    instances = set()
    for number in range(TURNS):
        context = str(uuid4())
        async with sub_agent(url, context) as agent:
            assert told(await agent.ask(V03, send(V03, said("what is it?", context))))[:2] == (
                "You have not told me what it is.",
                1,
            )
            text, turn, instance = told(await agent.ask(V03, send(V03, said(f"remember it is {number}", context))))
            assert (text, turn) == (f"I will remember that it is {number}.", 2)
            instances.add(instance)
    assert instances == {"replica-1", "replica-2"}


async def test_a_question_to_the_human_comes_back_to_the_task_that_asked(url: str) -> None:
    context = str(uuid4())
    async with sub_agent(url, context) as agent:
        asked = await agent.ask(V03, send(V03, said("book a table for 4", context), stream=True))
        last = asked.heard[-1]
        assert last.state == "TASK_STATE_INPUT_REQUIRED"
        done = await agent.ask(V03, send(V03, said("19:30", context, last.task), stream=True))
        assert told(done)[0] == "A table for 4 at 19:30 is booked."
        assert {each.task for each in done.heard} == {last.task}


async def test_a_broken_stream_is_taken_up_again(url: str) -> None:
    context = str(uuid4())
    async with sub_agent(url, context) as agent:
        async with agent.follow(V03, send(V03, said("count to 40", context), stream=True)) as events:
            task = (await anext(events)).task
        rest = await agent.ask(V03, subscribe(V03, task))
    assert (rest.one.kind, rest.one.task, rest.heard[-1].state) == ("task", task, "TASK_STATE_COMPLETED")


async def test_kagent_1_0_speaks_1_0(url: str) -> None:
    context = str(uuid4())
    async with sub_agent(url, context) as agent:
        first = await agent.ask(V1, send(V1, said("remember it is so", context), stream=True))
        second = await agent.ask(V1, send(V1, said("what is it?", context)))
    assert (told(first)[1:], told(second)[:2]) == ((1, told(second)[2]), ("it is so.", 2))
