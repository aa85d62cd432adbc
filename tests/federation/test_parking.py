"""Calls that wait for their client: parked with a question, taken up by the round that answers it, once."""

import asyncio
import json
from typing import Any

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import RpcError
from fedgate.core.jsonrpc import parse_one
from fedgate.core.rawjson import Raw, fields
from fedgate.federation.catalog import Route
from fedgate.federation.exchange import Exchange
from fedgate.federation.inbound import Inbound
from fedgate.federation.messages import Answer, Client
from fedgate.federation.parking import PER_OWNER, Parking
from fedgate.federation.sealing import Seal
from fedgate.federation.stream import EventStream
from tests.core.http_peer import background

pytestmark = pytest.mark.anyio

ASK = ("elicitation/create", b'{"message":"?"}')
CAN = Client("alice", Raw(b'{"elicitation":{}}'))
LIMIT = 10.0


def inbound(ident: int = 1, **rounds: object) -> Inbound:
    params = json.dumps({"name": "a", "arguments": {}, **rounds}).encode()
    message = parse_one(b'{"jsonrpc":"2.0","id":%d,"method":"tools/call","params":%b}' % (ident, params))
    return Inbound("modern", "request", message, fields(params), route=Route("one", "a"))


class Lot:
    """Parking, and calls in it."""

    def __init__(self) -> None:
        self.seal = Seal(ManualClock())
        self.parking = Parking(self.seal)

    def call(self, client: Client = CAN) -> Exchange:
        exchange = Exchange(Raw(b"1"), "modern", client, EventStream, self.parking.ask)
        self.parking.admit(exchange, "key:alice", inbound())
        return exchange

    def come_back(self, state: str, answers: dict[str, Any], ident: int = 2) -> Exchange:
        again = inbound(ident, requestState=state, inputResponses=answers)
        return self.parking.resume(self.seal.open(state, "key:alice", again), again)


async def asked(exchange: Exchange) -> Any:
    """The result with which the round ended."""
    async with asyncio.timeout(LIMIT):
        assert await exchange.first(LIMIT)
    assert exchange.parked
    return json.loads(exchange.interim)["result"]


async def test_a_question_ends_the_round_and_its_answer_reaches_the_one_who_asked() -> None:
    lot = Lot()
    exchange = lot.call()
    async with background(exchange.ask(*ASK)) as asking:
        result = await asked(exchange)
        ((key, question),) = result["inputRequests"].items()
        assert (result["resultType"], question["method"]) == ("input_required", ASK[0])
        assert lot.come_back(result["requestState"], {key: {"action": "accept"}}) is exchange
        async with asyncio.timeout(LIMIT):
            assert json.loads((await asking).result) == {"action": "accept"}
    assert (exchange.parked, bytes(exchange.id), len(lot.parking)) == (False, b"2", 0)


async def test_a_state_opens_one_round_only() -> None:
    lot = Lot()
    exchange = lot.call()
    async with background(exchange.ask(*ASK)):
        state = (await asked(exchange))["requestState"]
        lot.come_back(state, {"q1": {"action": "accept"}})
        with pytest.raises(RpcError, match="requestState is not valid"):
            lot.come_back(state, {"q1": {"action": "accept"}})


async def test_what_is_not_answered_is_asked_again_and_what_was_not_asked_is_ignored() -> None:
    lot = Lot()
    exchange = lot.call()
    async with background(exchange.ask(*ASK)) as asking:
        first = await asked(exchange)
        lot.come_back(first["requestState"], {"other": {"action": "accept"}})
        second = await asked(exchange)
        assert second["inputRequests"] == first["inputRequests"]
        assert second["requestState"] != first["requestState"]
        assert not asking.done()


async def test_an_answer_that_comes_while_the_call_is_parked_waits_for_its_client() -> None:
    lot = Lot()
    exchange = lot.call()
    async with background(exchange.ask(*ASK)):
        state = (await asked(exchange))["requestState"]
        exchange.finish(Answer(result=b'{"content":[]}'))
        lot.parking.done(exchange)
    assert lot.come_back(state, {}, 7).body == b'{"jsonrpc":"2.0","id":7,"result":{"content":[]}}'


async def test_a_client_is_not_asked_what_it_did_not_declare_nor_in_too_many_calls() -> None:
    lot = Lot()
    refused = await lot.call(Client("alice")).ask(*ASK)
    assert b"did not declare" in refused.error
    waiting = [asyncio.ensure_future(lot.call().ask(*ASK)) for _ in range(PER_OWNER)]
    try:
        async with asyncio.timeout(LIMIT):
            await asyncio.wait(waiting, timeout=0.01)
            assert len(lot.parking) == PER_OWNER
            assert b"too many calls" in (await lot.call().ask(*ASK)).error
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)
