import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from fedgate.core import jsonrpc
from fedgate.core.errors import RpcError
from fedgate.core.rawjson import Raw
from fedgate.federation.client import KEPT_STREAMS, MAX_ASKS, MAX_CALLS, ClientSession
from fedgate.federation.exchange import Exchange
from fedgate.federation.messages import Answer
from fedgate.sessions.record import Session
from tests.core.http_peer import background

pytestmark = pytest.mark.anyio

CAPABILITIES = b'{"elicitation":{},"sampling":{}}'


def session(version: str = "2025-11-25", capabilities: bytes = CAPABILITIES) -> ClientSession:
    data = {"version": version, "capabilities": capabilities, "info": b'{"name":"c","version":"1"}'}
    ended: list[ClientSession] = []
    return ClientSession(Session("mcp", "the-id", "key:alice", "", 0.0, 0.0, data=data), ended.append)


def finished(one: ClientSession, exchange: Exchange, *, streaming: bool = False) -> None:
    exchange.streaming = streaming
    exchange.finish(Answer(result=b"{}"))
    one.done(exchange)


def test_its_client_is_told_apart_by_the_session() -> None:
    client = session().client
    assert client.key == "the-id"
    assert bytes(client.capabilities) == CAPABILITIES
    assert bytes(client.info) == b'{"name":"c","version":"1"}'
    assert client.bridges
    assert not session(capabilities=b"{}").client.bridges


def test_levels_are_those_of_the_protocol_and_the_client_knows_its_own() -> None:
    one = session()
    assert one.wants("debug")
    one.set_level("warning")
    assert [level for level in ("debug", "warning", "error", "made up") if one.wants(level)] == [
        "warning",
        "error",
        "made up",
    ]
    assert one.client.log_level == "warning"
    with pytest.raises(RpcError, match=r"params.level must be one of debug, info"):
        one.set_level("loud")


# Calls.


@pytest.mark.parametrize("ident", [b"1", b'"1"', b'"a"', b"-5"])
def test_an_id_is_in_use_until_its_call_is_done(ident: bytes) -> None:
    one = session()
    exchange = one.begin(Raw(ident))
    with pytest.raises(RpcError, match="still under way"):
        one.begin(Raw(ident))
    finished(one, exchange)
    one.begin(Raw(ident))


def test_it_is_busy_while_a_call_is_under_way() -> None:
    one = session()
    exchange = one.begin(Raw(b"1"))
    busy = [one.busy]
    finished(one, exchange)
    assert [*busy, one.busy] == [True, False]


def test_a_number_and_a_string_are_two_ids() -> None:
    one = session()
    assert one.begin(Raw(b"1")) is not one.begin(Raw(b'"1"'))


def test_the_number_of_calls_is_bounded() -> None:
    one = session()
    for number in range(MAX_CALLS):
        one.begin(Raw(b"%d" % number))
    with pytest.raises(RpcError, match=f"{MAX_CALLS} requests under way"):
        one.begin(Raw(b'"more"'))


async def test_cancelling_reaches_the_call_that_is_named_and_no_other() -> None:
    one = session()
    first, second = one.begin(Raw(b"1")), one.begin(Raw(b'"1"'))
    async with background(asyncio.Event().wait()) as work, background(asyncio.Event().wait()) as other:
        first.task, second.task = work, other
        for params in (b"", b"{}", b"[]", b'{"requestId":2}', b'{"requestId":null}', b'{"requestId":"1","x":1}'):
            one.cancel(params)
        await asyncio.wait([other], timeout=5)
        assert (work.done(), other.cancelled()) == (False, True)


# Streams.


def test_streams_are_found_by_the_ids_of_their_events() -> None:
    one = session()
    running, done = one.begin(Raw(b"1")), one.begin(Raw(b"2"))
    running.streaming = True
    finished(one, done, streaming=True)
    for exchange in (running, done):
        assert one.find_stream(f"{exchange.stream.name}.7") == (exchange.stream, 7)
    assert one.find_stream(f"{one.stream.name}.3") == (one.stream, 3)


@pytest.mark.parametrize("event_id", ["", "1", "1.", "1.x", "1.-1", "99.1", "1.1234567890123"])
def test_other_ids_find_nothing(event_id: str) -> None:
    assert session().find_stream(event_id) is None


def test_of_finished_streams_the_last_few_are_kept_and_of_plain_answers_none() -> None:
    one = session()
    names = []
    for number in range(KEPT_STREAMS + 3):
        exchange = one.begin(Raw(b"%d" % number))
        names.append(exchange.stream.name)
        finished(one, exchange, streaming=True)
    kept = [name for name in names if one.find_stream(f"{name}.1") is not None]
    assert kept == names[-KEPT_STREAMS:]
    plain = one.begin(Raw(b'"plain"'))
    finished(one, plain)
    assert one.find_stream(f"{plain.stream.name}.1") is None


# Questions.


async def first_message(exchange: Exchange) -> Any:
    async for frame in exchange.stream.frames():
        data = frame.partition(b"data: ")[2].strip()
        if data:
            return json.loads(data)
    raise AssertionError("the stream ended")


async def test_a_question_goes_out_on_the_stream_of_its_call_and_the_answer_comes_back() -> None:
    one = session()
    exchange = one.begin(Raw(b"1"))
    async with background(exchange.ask("elicitation/create", b'{"message":"?"}')) as asking:
        question = await first_message(exchange)
        assert question["method"] == "elicitation/create"
        assert question["params"] == {"message": "?"}
        for wrong in (b"1", b'"fedgate-999"', b"null"):
            one.answered(jsonrpc.parse_one(b'{"jsonrpc":"2.0","id":%b,"result":{"wrong":1}}' % wrong))
        ident = json.dumps(question["id"]).encode()
        for answer in (b'"result":{"action":"accept"}', b'"result":{"action":"too late"}'):
            one.answered(jsonrpc.parse_one(b'{"jsonrpc":"2.0","id":%b,%b}' % (ident, answer)))
        assert await asking == Answer(result=b'{"action":"accept"}')


@pytest.mark.parametrize("method", ["roots/list", "tools/call", "elicitation", ""])
async def test_what_the_client_did_not_declare_is_refused_without_asking(method: str) -> None:
    one = session()
    exchange = one.begin(Raw(b"1"))
    refused = await exchange.ask(method, b"{}")
    assert b'"code":-32601' in refused.error
    assert not exchange.streaming


async def test_open_questions_are_bounded() -> None:
    one = session()
    exchange = one.begin(Raw(b"1"))
    asking = [asyncio.create_task(exchange.ask("sampling/createMessage", b"{}")) for _ in range(MAX_ASKS)]
    async with asyncio.timeout(5), aclosing(exchange.stream.frames()) as frames:
        for _ in range(MAX_ASKS + 1):  # the first is the priming event
            await anext(frames)
    assert b"too many questions" in (await exchange.ask("sampling/createMessage", b"{}")).error
    for each in asking:
        each.cancel()
    await asyncio.wait(asking)


# The end.


async def test_its_end_ends_streams_and_calls_and_is_told_once() -> None:
    data = {"version": "2025-11-25"}
    ended: list[ClientSession] = []
    one = ClientSession(Session("mcp", "x", "o", "", 0.0, 0.0, data=data), ended.append)
    unsubscribed: list[bool] = []
    one.unsubscribe = lambda: unsubscribed.append(True)
    exchange = one.begin(Raw(b"1"))
    async with background(asyncio.Event().wait()) as work:
        exchange.task = work
        one.ended()
        await asyncio.wait([work], timeout=5)
        assert work.cancelled()
    assert one.stream.ended
    assert unsubscribed == [True]
    assert ended == [one]


@pytest.mark.parametrize(("version", "primed"), [("2025-11-25", True), ("2025-06-18", False)])
async def test_only_clients_that_know_priming_events_get_one(version: str, primed: bool) -> None:
    one = session(version)
    one.stream.end(b"{}")
    frames = [frame async for frame in one.stream.frames()]
    assert (b"retry:" in frames[0]) is primed


async def test_a_question_outside_of_calls_goes_to_the_stream_that_the_client_reads() -> None:
    one = session("2025-06-18")

    async def first() -> bytes:
        return await anext(frames)

    async with aclosing(one.stream.frames()) as frames, background(first()) as reading:
        await checkpoint()
        assert one.stream.reading
        async with background(one.ask_aside("elicitation/create", b'{"message":"?"}')) as asking:
            frame = await reading
            asked = jsonrpc.parse_one(frame.partition(b"data: ")[2].strip())
            assert (asked.method, bytes(asked.params)) == ("elicitation/create", b'{"message":"?"}')
            one.answered(jsonrpc.parse_one(jsonrpc.result(asked.id, b'{"action":"accept"}')))
            assert await asking == Answer(result=b'{"action":"accept"}')


async def test_a_question_outside_of_calls_is_refused_where_nobody_would_hear_it() -> None:
    no_stream = await session().ask_aside("elicitation/create", b"{}")
    assert b"no stream open" in no_stream.error
    not_declared = await session().ask_aside("roots/list", b"{}")
    assert b"did not declare it" in not_declared.error
