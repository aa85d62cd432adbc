"""Agents for callers of another protocol: the door before scripted processes."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from fedgate.a2a.door import Door, Ways
from fedgate.a2a.pins import Pins
from fedgate.a2a.placing import Placing
from fedgate.a2a.relay import Deps as RelayDeps
from fedgate.a2a.relay import Relay
from fedgate.a2a.threads import Threads
from fedgate.core.call import Caller, Principal
from fedgate.core.clock import ManualClock
from fedgate.core.conversation import Asking, Heard, Outcome, Piece, Skill
from fedgate.core.errors import ClientError, Forbidden, NotFound, RpcError, UpstreamBroken, UpstreamInvalid
from fedgate.core.http_client import HttpClient
from fedgate.core.ports import NoMeter
from fedgate.core.trace_context import Context
from fedgate.core.trail import Trail
from fedgate.sessions.table import SessionTable
from tests.a2a.agent_kit import MODERN, Process, World, http, running, sdk_card, served, world
from tests.core.http_peer import LIMIT, Received, Wire, until

pytestmark = pytest.mark.anyio

ALICE = Caller(Principal("alice", "key", ("staff",)), headers={b"traceparent": b"00-1-2-01", b"authorization": b"s"})
BOB = Caller(Principal("bob", "key"))
UNKNOWN = "there is no such conversation; context_id and task_id must come from an earlier answer of this agent"


class Scripted(Process):
    """An agent whose messages are answered with the next of `says`, each a whole HTTP answer."""

    def __init__(self, *says: bytes, streaming: bool = False) -> None:
        card = sdk_card(MODERN)
        card.capabilities.streaming = streaming
        super().__init__(served(card))
        self.says = list(says)
        self.told: list[dict[str, Any]] = []

    async def _serve(self, wire: Wire) -> None:
        try:
            while True:
                received: Received = await wire.request()
                self.asked.append(received)
                path = received.target.decode()
                if path != "/":
                    wire.send(self.answers.get(path, http(404)))
                    await wire.writer.drain()
                    continue
                self.told.append(json.loads(received.body))
                wire.send(self.says.pop(0))
                await wire.writer.drain()
                if wire_ends(self.told[-1]):
                    await asyncio.Event().wait()
        except (ConnectionError, EOFError):
            return


def wire_ends(told: dict[str, Any]) -> bool:
    """Whether the stream of this message stays open."""
    return "stay" in json.dumps(told)


def answer(result: dict[str, Any]) -> bytes:
    return http(
        200, json.dumps({"jsonrpc": "2.0", "id": 1, "result": result}).encode(), "content-type: application/json"
    )


def refused(code: int, sentence: str) -> bytes:
    body = {"jsonrpc": "2.0", "id": 1, "error": {"code": code, "message": sentence}}
    return http(200, json.dumps(body).encode(), "content-type: application/json")


def stream(*results: dict[str, Any], ends: bool = True) -> bytes:
    events = [json.dumps({"jsonrpc": "2.0", "id": 1, "result": each}).encode() for each in results]
    body = b"".join(b"data: %b\r\n\r\n" % each for each in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%b\r\n" % (len(body), body) + (b"0\r\n\r\n" if ends else b"")


def task(state: str, id_: str = "t1", context: str = "c1", **more: Any) -> dict[str, Any]:
    return {"id": id_, "contextId": context, "status": {"state": f"TASK_STATE_{state}"}, **more}


def done(text: str, context: str = "c1", id_: str = "t1") -> dict[str, Any]:
    return {"task": task("COMPLETED", id_, context, artifacts=[{"artifactId": "a", "parts": [{"text": text}]}])}


class Place:
    """A door, and what stands behind it."""

    def __init__(self, door: Door, there: World, clock: ManualClock) -> None:
        self.door = door
        self.there = there
        self.clock = clock

    async def say(self, asking: Asking) -> tuple[list[Heard], Outcome]:
        async with asyncio.timeout(LIMIT):
            said = [each async for each in self.door.converse(asking)]
        assert isinstance(said[-1], Outcome)
        return [each for each in said if isinstance(each, Heard)], said[-1]


@asynccontextmanager
async def opened(*agents: Process, **settings: Any) -> AsyncIterator[Place]:
    """Their door, once all are ready."""
    client, clock = HttpClient(), ManualClock()
    table = SessionTable(clock, idle=60, limit=100)
    pins, threads = Pins(table, NoMeter()), Threads(table)
    placing = Placing(pins, NoMeter())
    relay = Relay(RelayDeps(client, clock, NoMeter(), pins, placing))
    async with running(*agents):
        entry = {"instances": [each.url for each in agents], **settings}
        async with world({"support": entry}) as there:
            support = there.agents.find("support")
            assert support is not None
            pins.shelve("support", support.settings.pins)
            threads.shelve("support", support.settings.pins)
            door = Door(there.agents, Ways(relay, placing, pins, threads, clock))
            there.agents.on_card = there.agents.on_change = door.changed
            try:
                await there.agents.settled.wait()
                yield Place(door, there, clock)
            finally:
                await door.aclose()
    await client.aclose()


def ask(text: str = "hi", caller: Caller = ALICE, **more: Any) -> Asking:
    return Asking("support", caller, text, **more)


async def test_what_an_agent_offers_is_shown_once_it_can_be_spoken_to_and_withdrawn_when_not() -> None:
    agent = Scripted()
    async with opened(agent) as place:
        offer = place.door.shown("support").offer
        assert offer is not None
        assert (offer.name, offer.skills) == ("Scout", (Skill("find", "Find", "Finds."),))
        assert place.door.shown("support").offer is offer
        news = asyncio.Event()
        unwatch = place.door.watch("support", news.set)
        await agent.stop()
        await place.there.pass_time(news.is_set)
        shown = place.door.shown("support")
        assert (shown.offer, shown.settled) == (None, True)
        assert shown.reason.startswith("agent support is unreachable: ")
        unwatch()
        assert place.door.shown("nobody").reason == "there is no agent nobody"


async def test_a_message_goes_out_as_any_a2a_clients_would_and_its_answer_is_bound() -> None:
    agent = Scripted(answer(done("Green.")))
    async with opened(agent) as place:
        heard, outcome = await place.say(ask("what is tea?", skill="find"))
        assert heard == [Heard("c1", "t1", "completed", "")]
        assert outcome == Outcome("c1", "t1", "completed", (Piece(text="Green."),))
        (told,) = agent.told
        said = told["params"]["message"]
        assert told["method"] == "SendMessage"
        assert (said["role"], said["parts"], said["metadata"]) == (
            "ROLE_USER", [{"text": "what is tea?"}], {"skillId": "find"},
        )  # fmt: skip
        assert not {"contextId", "taskId"} & said.keys()
        head = dict(agent.asked[-1].headers)
        assert head[b"traceparent"] == b"00-1-2-01"
        assert b"authorization" not in head


async def test_a_stream_is_heard_piece_by_piece() -> None:
    ids = {"taskId": "t1", "contextId": "c1"}
    pieces = (
        {"task": task("SUBMITTED")},
        {"artifactUpdate": {**ids, "artifact": {"artifactId": "a", "parts": [{"text": "1 "}]}}},
        {"statusUpdate": {**ids, "status": {"state": "TASK_STATE_COMPLETED"}}},
    )
    agent = Scripted(stream(*pieces), streaming=True)
    async with opened(agent) as place:
        heard, outcome = await place.say(ask())
        assert agent.told[0]["method"] == "SendStreamingMessage"
        assert [each.state for each in heard] == ["submitted", "submitted", "completed"]
        assert [each.said for each in heard] == ["", "1 ", ""]
        assert outcome.pieces == (Piece(text="1 "),)


async def test_a_thread_goes_on_with_its_conversation_and_nobody_elses() -> None:
    one, two = (Scripted(*[answer(done(name, f"c-{name}", f"t-{name}"))] * 4) for name in ("one", "two"))
    async with opened(one, two) as place:
        first = (await place.say(ask(thread="s1")))[1]
        again = [(await place.say(ask(thread="s1")))[1] for _ in range(3)]
        assert {each.context for each in again} == {first.context}
        holder = one if first.context == "c-one" else two
        assert [told["params"]["message"].get("contextId") for told in holder.told] == [None, *[first.context] * 3]
        assert (await place.say(ask(caller=BOB, thread="s2")))[1].context != first.context
        place.door.forget("s1")
        other = one if holder is two else two
        with pytest.raises(ClientError):
            await place.say(ask(caller=BOB, context=first.context))
        assert len(other.told) == 1


async def test_messages_of_one_thread_that_begin_together_are_one_conversation() -> None:
    one, two = (Scripted(*[answer(done(name, f"c-{name}", f"t-{name}"))] * 3) for name in ("one", "two"))
    async with opened(one, two) as place:
        found = await asyncio.gather(*[place.say(ask(thread="s1")) for _ in range(3)])
        assert len({outcome.context for _, outcome in found}) == 1
        assert sorted([len(one.told), len(two.told)]) == [0, 3]


async def test_an_id_of_somebody_else_looks_like_one_that_does_not_exist() -> None:
    agent = Scripted(answer(done("x")))
    async with opened(agent) as place:
        await place.say(ask())
        named = ("c1", ""), ("", "t1"), ("c1", "t1"), ("c9", ""), ("", "t9")
        for context, id_ in named:
            with pytest.raises(NotFound) as caught:
                await place.say(ask(caller=BOB, context=context, task=id_))
            assert caught.value.message == UNKNOWN
        with pytest.raises(NotFound) as caught:
            await place.say(ask(context="mine-to-be"))
        assert caught.value.message == UNKNOWN
        assert len(agent.told) == 1


async def test_an_agent_for_some_is_not_for_others() -> None:
    agent = Scripted(answer(done("x")))
    async with opened(agent, groups=["staff"]) as place:
        with pytest.raises(Forbidden, match="agent support is for members of certain groups"):
            await place.say(ask(caller=BOB))
        assert agent.told == []
        assert (await place.say(ask()))[1].state == "completed"


async def test_a_conversation_that_is_lost_is_said_once_and_the_next_message_begins_anew() -> None:
    agent = Scripted(answer(done("x")), answer(done("y", "c2")))
    async with opened(agent, health={"interval": "1s", "lost_after": "2s"}) as place:
        await place.say(ask(thread="s1"))
        await agent.stop()
        await place.there.pass_time(lambda: place.door.shown("support").offer is None)
        await agent.start()
        await place.there.pass_time(lambda: place.door.shown("support").offer is not None)
        with pytest.raises(ClientError, match="the agent has lost this conversation: its instance is gone"):
            await place.say(ask(thread="s1"))
        assert len(agent.told) == 1
        assert (await place.say(ask(thread="s1")))[1].context == "c2"


async def test_an_error_of_the_agent_is_told_in_its_own_words() -> None:
    agent = Scripted(refused(-32005, "I read no poems"), stream(), streaming=False)
    async with opened(agent) as place:
        with pytest.raises(RpcError, match="I read no poems") as caught:
            await place.say(ask())
        assert caught.value.code == -32005


async def test_a_stream_that_names_no_task_and_ends_is_broken() -> None:
    agent = Scripted(stream({"artifactUpdate": {}}), streaming=True)
    async with opened(agent) as place:
        with pytest.raises(UpstreamBroken, match="the answer of agent support ended before it was complete"):
            await place.say(ask())


async def test_what_is_no_answer_of_the_protocol_is_invalid() -> None:
    agent = Scripted(answer({"task": {"id": 7}}))
    async with opened(agent) as place:
        with pytest.raises(UpstreamInvalid, match="cannot be understood"):
            await place.say(ask())


async def test_a_task_that_goes_on_is_looked_at_until_it_is_done() -> None:
    agent = Scripted(
        answer({"task": task("SUBMITTED")}), answer(task("WORKING")), answer(done("late")["task"]),
    )  # fmt: skip
    async with opened(agent) as place:
        saying = asyncio.ensure_future(place.say(ask()))
        for looks in (1, 2):
            await until(lambda: place.clock.sleeping > 0)
            assert len(agent.told) == looks
            place.clock.advance(1)
        heard, outcome = await saying
        assert [told["method"] for told in agent.told] == ["SendMessage", "GetTask", "GetTask"]
        assert [each.state for each in heard] == ["submitted", "working", "completed"]
        assert outcome.pieces == (Piece(text="late"),)


async def test_a_task_that_never_ends_is_left_after_the_agents_time() -> None:
    agent = Scripted(answer({"task": task("WORKING")}), *[answer(task("WORKING"))] * 3)
    async with opened(agent, timeout="5s") as place:
        saying = asyncio.ensure_future(place.say(ask()))
        while not saying.done():
            await until(lambda: place.clock.sleeping > 0 or saying.done())
            place.clock.advance(3)
        assert (await saying)[1].state == "working"
        assert len(agent.told) == 3


async def test_a_caller_that_leaves_closes_the_stream_and_the_task_can_be_cancelled() -> None:
    agent = Scripted(stream({"task": task("WORKING")}, ends=False), answer(task("CANCELED")), streaming=True)
    async with opened(agent) as place:
        talk = place.door.converse(ask("stay"))
        async with asyncio.timeout(LIMIT):
            assert await anext(talk) == Heard("c1", "t1", "working")
            await talk.aclose()
            place.door.abandon("support", ALICE, "t1")
            await until(lambda: len(agent.told) == 2)
        assert agent.told[1] == {"jsonrpc": "2.0", "id": 1, "method": "CancelTask", "params": {"id": "t1"}}
        await place.door.aclose()
        place.door.abandon("support", ALICE, "t1")
        assert len(agent.told) == 2


async def test_only_the_owner_cancels() -> None:
    agent = Scripted(answer({"task": task("INPUT_REQUIRED")}), answer(task("CANCELED")))
    async with opened(agent) as place:
        assert (await place.say(ask()))[1].question == "What should I tell the agent?"
        with pytest.raises(ClientError, match="Task not found"):
            await place.door.cancel("support", BOB, "t1")
        assert len(agent.told) == 1
        assert await place.door.cancel("support", ALICE, "t1") == "canceled"


# What callers' operations are told.


def trail() -> Trail:
    made = Trail(ManualClock())
    made.context = Context("a" * 32, "1" * 16, True)
    return made


async def test_every_request_to_the_agent_is_told_in_the_callers_operation() -> None:
    agent = Scripted(answer({"task": task("SUBMITTED")}), answer(done("late")["task"]))
    async with opened(agent) as place:
        made = trail()
        saying = asyncio.ensure_future(place.say(msgspec.structs.replace(ask(), trail=made)))
        await until(lambda: place.clock.sleeping > 0)
        place.clock.advance(1)
        await saying
        found = [(each.upstream, each.name, each.error) for each in made.hops]
        assert found == [("support/1", "SendMessage", ""), ("support/1", "GetTask", "")]
        assert all(each.ended is not None for each in made.hops)
        said = [dict(each.headers)[b"traceparent"] for each in agent.asked if each.target == b"/"]
        assert said == [dict(each.headers)[b"traceparent"] for each in made.hops]


@pytest.mark.parametrize("streaming", [False, True])
async def test_an_error_of_the_agent_is_that_of_the_request(streaming: bool) -> None:
    agent = Scripted(refused(-32004, "no"), answer(task("CANCELED")), streaming=streaming)
    async with opened(agent) as place:
        made = trail()
        with pytest.raises(RpcError):
            await place.say(msgspec.structs.replace(ask(), trail=made))
        assert [each.error for each in made.hops] == ["jsonrpc -32004"]


async def test_a_cancellation_may_be_told_too() -> None:
    agent = Scripted(answer({"task": task("INPUT_REQUIRED")}), answer(task("CANCELED")))
    async with opened(agent) as place:
        await place.say(ask())
        made = trail()
        await place.door.cancel("support", ALICE, "t1", made)
        assert [each.name for each in made.hops] == ["CancelTask"]


async def test_what_a_message_would_go_on_with_is_known_beforehand_if_it_is_the_callers() -> None:
    agent = Scripted(answer(done("x")))
    async with opened(agent) as place:
        door = place.door
        assert door.context_of(ask(thread="s1")) == ""
        await place.say(ask(thread="s1"))
        found = [
            door.context_of(each)
            for each in (ask(thread="s1"), ask(context="c1"), ask(task="t1"), ask(context="c1", task="t9"))
        ]
        assert found == ["c1"] * 4
        others = (ask(thread="s2"), ask(context="c9"), ask(task="t9"), ask())
        assert [door.context_of(each) for each in others] == [""] * 4
        foreign = (ask(caller=BOB, thread="s1"), ask(caller=BOB, context="c1"), ask(caller=BOB, task="t1"))
        assert [door.context_of(each) for each in foreign] == [""] * 3
