"""bench/a2a_caller.py against bench/a2a_fake.py, and the A2A SDK as the judge of what they say."""

import json
from importlib import import_module
from typing import Any

import pytest
from a2a.types import AgentCard, SendMessageRequest, SendMessageResponse, StreamResponse

from bench.a2a_caller import REQUEST_SIZE, Conversation, Framing
from bench.a2a_fake import CARD, REST, Replica
from bench.http_client import Wrong
from bench.streams import Flow, Wish
from tests.bench.served import fake_upstream

pytestmark = pytest.mark.anyio

ParseDict: Any = import_module("google.protobuf.json_format").ParseDict  # it comes without types


def framing(speech: str = "jsonrpc") -> Framing:
    return Framing("localhost", "key", speech)


def body_of(message: bytes) -> bytes:
    return message.partition(b"\r\n\r\n")[2]


def asked(replica: Replica, wish: Wish, context: str = "", *, stream: bool = False) -> bytes | Flow:
    return replica.answer(b"", body_of(framing().post(7, context, wish, stream=stream)))


@pytest.mark.parametrize("speech", ["jsonrpc", "rest", "legacy"])
def test_a_request_has_the_size_that_is_promised(speech: str) -> None:
    request = framing(speech).post(12, "c" * 32, Wish("w"))
    assert len(body_of(request)) == REQUEST_SIZE
    assert b"Content-Length: 1900\r\n" in request


@pytest.mark.parametrize("kind", ["plain", "task"])
def test_an_answer_is_one_of_the_protocol_and_of_about_the_promised_size(kind: str) -> None:
    answer = asked(Replica("r0", "http://h/r0"), Wish("w", kind))
    assert isinstance(answer, bytes)
    body = json.loads(body_of(answer))
    assert (body["id"], 1150 <= len(body_of(answer)) <= 1250) == (7, True)
    read = ParseDict(body["result"], SendMessageResponse())
    assert read.WhichOneof("payload") == ("task" if kind == "task" else "message")


def test_requests_and_card_are_of_the_protocol() -> None:
    replica = Replica("r0", "http://h/r0")
    card = replica.answer(CARD, b"")
    assert isinstance(card, bytes)
    assert [each.url for each in ParseDict(json.loads(body_of(card)), AgentCard()).supported_interfaces] == [
        "http://h/r0",
        "http://h/r0",
    ]
    sent = ParseDict(json.loads(body_of(framing("rest").post(1, "c", Wish("w")))), SendMessageRequest())
    assert (sent.message.context_id, sent.message.message_id) == ("c", "m-w")


def test_a_stream_is_a_task_updates_and_an_end() -> None:
    flow = asked(Replica("r0", "http://h/r0"), Wish("w", "stream", 4, 20), "c", stream=True)
    assert isinstance(flow, Flow)
    assert (flow.pieces, flow.gap) == (4, 0.02)
    kinds = []
    for number in range(flow.pieces):
        frame = flow.piece(number).split(b"\r\n")[1]
        event = json.loads(frame.removeprefix(b"data: "))
        kinds.append(ParseDict(event["result"], StreamResponse()).WhichOneof("payload"))
    assert kinds == ["task", "artifact_update", "artifact_update", "status_update"]


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id":1,"method":"SendMessage"}'])
def test_what_is_no_request_is_400(body: bytes) -> None:
    replica = Replica("r0", "http://h/r0")
    for rest in (b"", REST):
        answer = replica.answer(rest, body)
        assert isinstance(answer, bytes)
        assert answer.startswith(b"HTTP/1.1 400 ")


async def test_a_conversation_goes_on_in_every_form_and_counts_its_turns() -> None:
    async with fake_upstream() as connection:
        talk = Conversation(framing())
        await talk.send(connection, "one")
        await talk.send(connection, "two", "task")
        lags = await talk.stream(connection, Wish("three", "stream", 5, 1))
        talk.framing = framing("rest")
        await talk.send(connection, "four")
    assert (talk.turns, len(talk.context), talk.replica, len(lags)) == (4, 32, "bench", 5)


async def test_an_answer_of_who_has_not_heard_the_other_turns_is_wrong() -> None:
    async with fake_upstream() as connection, fake_upstream() as other:
        talk = Conversation(framing())
        await talk.send(connection, "one")
        await talk.send(connection, "two")
        with pytest.raises(Wrong, match=r"turn 3 of .* was answered with 'turn 1 at bench three'"):
            await talk.send(other, "three")


async def test_a_stream_of_who_has_not_heard_the_other_turns_is_wrong() -> None:
    async with fake_upstream() as connection, fake_upstream() as other:
        talk = Conversation(framing())
        await talk.send(connection, "one")
        with pytest.raises(Wrong, match="belongs to another turn"):
            await talk.stream(other, Wish("two", "stream", 2, 0))


async def test_a_refusal_is_wrong() -> None:
    async with fake_upstream() as connection:
        with pytest.raises(Wrong, match="HTTP 501"):  # the fake agent speaks no 0.3
            await Conversation(framing("legacy")).send(connection, "w")
