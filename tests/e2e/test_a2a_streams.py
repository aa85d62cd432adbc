"""Streams of A2A: subscriptions, several readers, slow ones, those who leave; and large parts, byte for byte."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import END, Agent, chunked, frame
from tests.e2e.a2a_errors import task_gone
from tests.e2e.a2a_speech import (
    OLD_RPC,
    PAIRS,
    REST,
    RPC,
    SPEECHES,
    Heard,
    Speech,
    encode,
    result,
    state_of,
    update,
    user_message,
    whole,
    written,
)
from tests.e2e.a2a_world import BOB, world
from tests.e2e.caller import Exchange
from tests.e2e.gateway import CLOCK, until

pytestmark = pytest.mark.anyio

LONG = b"x" * 100_000
MANY, PIECE = 64, b"x" * (1 << 20)
STILL = 10
"""Looks in a row at which nothing has moved any more."""


async def event_of(exchange: Exchange) -> Any:
    """The next event. The scripted agent ends lines as the SDK does."""
    while b"\n\n" not in exchange._rest and b"\r\n\r\n" not in exchange._rest:
        part = await exchange._next()
        exchange._rest += bytes(part.data)
    block, _, exchange._rest = exchange._rest.replace(b"\r\n", b"\n").partition(b"\n\n")
    return json.loads(block.partition(b"data: ")[2]) if b"data: " in block else block.decode()


@pytest.mark.parametrize(("speech", "spoken"), PAIRS)
async def test_a_task_can_be_subscribed_to_from_anywhere_and_by_several(
    speech: Speech, spoken: Speech, tmp_path: Path
) -> None:
    async with world(tmp_path, Agent(spoken), Agent(spoken)) as found:
        first = await found.client(RPC).send("a")
        agent, client = found.holder(first.context), found.client(speech)
        async with client.subscribe(first.task) as one, client.subscribe(first.task) as two:
            for exchange in (one, two):
                assert (exchange.status, exchange.headers["content-type"]) == (200, "text/event-stream")
                assert first.task in json.dumps(await event_of(exchange))
            agent.news.set()
            last = [await event_of(exchange) for exchange in (one, two)]
            assert last[0] == last[1]
            assert f'"{state_of(agent.tasks[first.task], speech)}"' in json.dumps(last[0])
            assert (await one.rest(), await two.rest()) == (b"", b"")
        assert agent.operations.count("SubscribeToTask") == 2
        assert found.instance(found.name(agent)).inflight == 0
        for caller, task in ((found.client(speech, BOB), first.task), (client, "t-unknown")):
            task_gone(await caller.ask("SubscribeToTask", {"id": task}, task=task), task)


async def test_a_subscription_by_rest_may_be_a_get_or_a_post(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        client = found.client(REST)
        task = (await client.send("a")).task
        agent.news.set()
        for prefix, version in (("", "1.0"), ("/v1", "0.3")):
            for method in ("GET", "POST"):
                answer = await client.raw(method, f"{prefix}/tasks/{task}:subscribe", headers={"a2a-version": version})
                assert (answer.status, answer.headers["content-type"]) == (200, "text/event-stream")
                assert task.encode() in answer.body
                assert agent.heard[-1].operation == "SubscribeToTask"
                unknown = await client.raw(method, f"{prefix}/tasks/t-no:subscribe", headers={"a2a-version": version})
                assert (unknown.status, unknown.headers["content-type"]) == (404, "application/json")


@pytest.mark.parametrize("spoken", [RPC, OLD_RPC, REST])
@pytest.mark.parametrize("speech", SPEECHES)
async def test_pings_pass_while_nothing_happens(speech: Speech, spoken: Speech, tmp_path: Path) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        task = agent.turn(heard)
        assert task is not None
        agent.begin(wire)
        wire.send(chunked(b": ping - 1\r\n\r\n"))
        await agent.hold(wire, agent.news)
        wire.send(frame(result(heard, whole(task, heard.speech))) + chunked(b": ping - 2\n\n") + END)

    async with world(tmp_path, Agent(spoken)) as found:
        (agent,) = found.agents
        agent.script = script
        async with found.client(speech).stream("a") as exchange:
            assert await event_of(exchange) == ": ping - 1"
            agent.news.set()
            assert "error" not in await event_of(exchange)
            assert await event_of(exchange) == ": ping - 2"


# Bytes.


@pytest.mark.parametrize("speech", SPEECHES)
async def test_large_parts_and_what_nobody_knows_pass_byte_for_byte(speech: Speech, tmp_path: Path) -> None:
    answers: list[bytes] = []

    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        task = agent.turn(heard)
        assert task is not None
        tree = whole(task, heard.speech)
        odd = b'"x-odd" : {"n":1.50,"e":1E2,"s":"\\u00e9\\/", "z":[ ]} ,"artifacts":[{"parts":[{"text":"%b"}]}],' % LONG
        body = b" {" + odd + result(heard, tree)[1:]
        answers.append(body)
        if heard.operation == "SendMessage":
            agent.say(wire, 200, body)
            return
        agent.begin(wire)
        answers[-1] = b"id: 7\r\ndata:%b\r\n\r\n: ping\n\ndata: %b\n\n" % (body, body)
        wire.send(chunked(answers[-1]) + END)

    async with world(tmp_path) as found:
        (agent,) = found.agents
        agent.script = script
        client = found.client(speech)
        for operation in ("SendMessage", "SendStreamingMessage"):
            message = encode(user_message(speech, "hi", {}))[:-1]
            message += b', "x-odd" : {"n":1.50,"s":"\\u00e9"},"t":"%b" }' % LONG
            name = b"request" if client.params("x").get("request") else b"message"
            out = written(speech, operation, b'{"%b":%b}' % (name, message))
            answer = await client.raw(out.method, out.path, out.body)
            assert agent.heard[-1].body == out.body
            assert answer.body == answers[-1]


async def test_large_parts_survive_another_binding_byte_for_byte(tmp_path: Path) -> None:
    """Within a version only the envelope is another: numbers, order and escapes stay."""
    odd = b'{"z":1.50,"e":1E2,"s":"\\u00e9\\/","a":[ ]}'

    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        answer = b'{"task":{"id":"t-1","contextId":"c-1","x":%b,"l":"%b"}}' % (odd, LONG)
        enveloped = b'{"id":%b,"jsonrpc":"2.0","result":%b}' % (encode(heard.ident), answer)
        agent.say(wire, 200, answer if heard.speech == REST else enveloped)

    for speech, spoken in ((RPC, REST), (REST, RPC)):
        folder = tmp_path / spoken.binding
        folder.mkdir()
        async with world(folder, Agent(spoken)) as found:
            (agent,) = found.agents
            agent.script = script
            message = b'{"messageId":"m","x":%b,"l":"%b"}' % (odd, LONG)
            out = written(speech, "SendMessage", b'{"message":%b}' % message)
            answer = await found.client(speech).raw(out.method, out.path, out.body)
            assert message in agent.heard[-1].body
            assert b'"x":%b,"l":"%b"' % (odd, LONG) in answer.body


# Readers.


async def pouring(agent: Agent, wire: Wire, heard: Heard) -> None:
    """More than anybody's buffers hold."""
    task = agent.turn(heard)
    assert task is not None
    agent.begin(wire)
    wire.send(frame(result(heard, whole(task, heard.speech))))
    for _ in range(MANY):
        wire.send(chunked(b": %b\n\n" % PIECE))
        await wire.writer.drain()
        agent.written += len(PIECE)
    wire.send(frame(result(heard, update(task, heard.speech))) + END)


async def held_back(agent: Agent) -> None:
    """Wait until nothing moves any more."""
    still, last = 0, -1
    async with asyncio.timeout(20):
        while still < STILL:
            await CLOCK.sleep(0.02)
            still = still + 1 if agent.written == last else 0
            last = agent.written


@pytest.mark.parametrize("speech", [RPC, OLD_RPC])
async def test_a_slow_reader_holds_the_agent_back_and_misses_nothing(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path, Agent(RPC)) as found:
        (agent,) = found.agents
        agent.script = pouring
        async with found.client(speech).stream("a") as exchange:
            await held_back(agent)
            assert agent.written < MANY * len(PIECE) // 2  # the kernel's buffers, and next to nothing of ours
            agent.script = None
            assert (await found.client(speech).send("meanwhile")).text == "meanwhile"
            body = await exchange.rest()
        assert body.count(PIECE) == MANY
        assert body.rstrip().endswith(b"}")


@pytest.mark.parametrize("speech", SPEECHES)
async def test_whoever_leaves_a_stream_takes_the_agents_connection_along(speech: Speech, tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        client = found.client(speech)
        task = (await client.send("a")).task
        async with client.subscribe(task) as exchange:
            await event_of(exchange)
            assert found.instance("one").inflight == 1
            exchange.close()
            await until(lambda: agent.left == 1)
        await until(lambda: found.instance("one").inflight == 0)
        assert (await client.get(task)).task == task


@pytest.mark.parametrize("speech", SPEECHES)
async def test_whoever_leaves_before_the_answer_takes_the_agents_connection_along(
    speech: Speech, tmp_path: Path
) -> None:
    async def script(agent: Agent, wire: Wire, heard: Heard) -> None:
        await agent.hold(wire, agent.news)

    async with world(tmp_path) as found:
        (agent,) = found.agents
        agent.script = script
        for operation, count in (("SendMessage", 1), ("SendStreamingMessage", 2)):
            turn = asyncio.ensure_future(found.client(speech).ask(operation, found.client(speech).params("a")))
            await agent.heard_of(operation)
            turn.cancel()
            await asyncio.wait([turn])
            await until(lambda count=count: agent.left == count)  # type: ignore[misc]
        await until(lambda: found.instance("one").inflight == 0)


async def test_whoever_leaves_one_of_two_subscriptions_leaves_the_other_alone(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        (agent,) = found.agents
        task = (await found.client().send("a")).task
        async with found.client().subscribe(task) as one, found.client(REST).subscribe(task) as two:
            await event_of(one)
            await event_of(two)
            one.close()
            await until(lambda: agent.left == 1)
            agent.news.set()
            assert "COMPLETED" in json.dumps(await event_of(two))
