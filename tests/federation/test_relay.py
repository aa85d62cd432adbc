"""One request on its way to a scripted server and back: names, rounds, failures."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fedgate.core import jsonrpc
from fedgate.core.call import replace
from fedgate.core.clock import SystemClock
from fedgate.core.rawjson import Raw
from fedgate.federation.catalog import Catalog
from fedgate.federation.exchange import Exchange
from fedgate.federation.hub import Hub
from fedgate.federation.inbound import Inbound, read_message
from fedgate.federation.messages import Answer, Client
from fedgate.federation.relay import MAX_ROUNDS, Ends, Relay
from fedgate.federation.routing import route
from fedgate.federation.spent import Spent
from fedgate.federation.stream import EventStream
from tests.core.http_peer import background
from tests.federation.connections import hub_over
from tests.federation.fakes import Person, dump
from tests.federation.upstreams import (
    Handler,
    Seen,
    Upstream,
    error,
    hang_up,
    http,
    never,
    notification,
    result,
    text,
    upstream,
)
from tests.federation.upstreams import request as server_request

pytestmark = pytest.mark.anyio

WILLING = Client("alice", Raw(b'{"elicitation":{},"sampling":{}}'), Raw(b'{"name":"a","version":"1"}'))


class Meter:
    """Notes what took time."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        assert seconds >= 0
        self.calls.append((kind, name))

    def reconnected(self, name: str) -> None:
        pass

    def pinned(self, result: str) -> None:
        pass


class House:
    """A relay over a hub."""

    def __init__(self, hub: Hub) -> None:
        self.meter = Meter()
        self.relay = Relay(hub, SystemClock(), self.meter)
        self.hub = hub

    def catalog(self, view: str) -> Catalog:
        catalog = self.hub.catalog(view)
        assert catalog is not None
        return catalog

    async def run(
        self, method: str, params: dict[str, Any], *, view: str = "", client: Client = WILLING, person: Any = None
    ) -> Exchange:
        """The finished exchange of one legacy request."""
        message = jsonrpc.parse_one(dump({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
        inbound = read_message(message)
        catalog = self.catalog(view)
        inbound = replace(inbound, route=route(catalog, method, inbound.params, "legacy"))
        exchange = Exchange(Raw(b"1"), "legacy", client, EventStream, person or Person())
        await self.relay.run(inbound, exchange, Ends(catalog, _same), Spent(SystemClock()))
        return exchange


def _same(answer: Answer) -> Answer:
    return answer


@asynccontextmanager
async def house(one: Upstream, **settings: Any) -> AsyncIterator[House]:
    async with hub_over({"servers": {"one": {"url": one.url, **settings}}}) as hub:
        yield House(hub)


def value(exchange: Exchange) -> Any:
    return json.loads(exchange.body)


async def test_a_call_reaches_its_server_under_its_own_name_and_is_measured() -> None:
    async with upstream() as one, house(one) as at:
        done = await at.run("tools/call", {"name": "one__echo", "arguments": {"text": "hi"}})
        assert value(done)["result"] == text("hi")
        assert one.all("tools/call")[0].params["name"] == "echo"
        assert at.meter.calls == [("mcp", "one")]


async def test_references_of_completions_are_renamed() -> None:
    async def complete(seen: Seen) -> bytes:
        return http(200, result(seen, {"completion": {"values": [json.dumps(seen.params["ref"])]}}))

    async with upstream() as one:
        one.capabilities = {"prompts": {}, "completions": {}, "resources": {}}
        one.lists = {"prompts": [{"name": "p"}], "resources": [], "resourceTemplates": [{"uriTemplate": "a:{x}"}]}
        one.on["completion/complete"] = complete
        async with house(one) as at:
            for reference, expected in (
                ({"type": "ref/prompt", "name": "one__p", "x": 1}, {"type": "ref/prompt", "name": "p", "x": 1}),
                ({"type": "ref/resource", "uri": "one+a:{x}"}, {"type": "ref/resource", "uri": "a:{x}"}),
            ):
                params = {"ref": reference, "argument": {"name": "x", "value": ""}}
                done = await at.run("completion/complete", params)
                assert json.loads(value(done)["result"]["completion"]["values"][0]) == expected


async def test_a_failure_names_the_server_and_says_whether_to_try_again() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = hang_up
        failed = value(await at.run("tools/call", {"name": "one__echo"}))["error"]
        assert failed["code"] == -32000
        assert failed["message"].startswith("server one: ")
        assert failed["data"] == {"server": "one", "reason": "upstream_broken", "retryable": False}


async def test_a_timeout_has_its_own_code() -> None:
    async with upstream() as one, house(one, timeout="100ms") as at:
        one.on["tools/call"] = never
        failed = value(await at.run("tools/call", {"name": "one__echo"}))["error"]
        assert (failed["code"], failed["data"]["reason"]) == (-32001, "upstream_timeout")


async def test_a_cancelled_call_still_has_an_answer() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = never
        catalog = at.catalog("")
        message = jsonrpc.parse_one(dump({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {}}))
        inbound = Inbound("legacy", "request", message, route=catalog.routes["tools/list"]["one__echo"])
        exchange = Exchange(Raw(b"1"), "legacy", WILLING, EventStream, Person())
        async with background(at.relay.run(inbound, exchange, Ends(catalog, _same), Spent(SystemClock()))) as running:
            await one.saw("tools/call")
            running.cancel()
            await one.saw("notifications/cancelled")
        assert value(exchange)["error"]["code"] == -32800


async def test_log_lines_below_the_clients_level_are_not_for_it() -> None:
    async def talking(seen: Seen) -> None:
        seen.sse()
        for level in ("debug", "error", "unheard of"):
            seen.event(notification("notifications/message", {"level": level, "data": 1}))
        seen.event(notification("notifications/message", {}))
        seen.event(result(seen, text("x")))
        seen.end()

    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = talking
        quiet = Client("alice", Raw(b"{}"), Raw(b'{"name":"a","version":"1"}'), "warning")
        done = await at.run("tools/call", {"name": "one__echo"}, client=quiet)
        frames = [frame async for frame in done.stream.frames()]
        assert [b'"debug"' in frame for frame in frames] == [False] * 4


# Questions of legacy servers.


async def test_a_legacy_servers_question_is_answered_in_the_middle_of_the_call() -> None:
    async def asking(seen: Seen) -> None:
        seen.sse()
        seen.event(server_request(9, "elicitation/create", {"message": "?"}))
        reply = await one.saw("response")
        seen.event(result(seen, text(json.dumps(reply.message))))
        seen.end()

    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = asking
        person = Person(elicitation_create=Answer(result=b'{"action":"accept"}'))
        done = await at.run("tools/call", {"name": "one__echo"}, person=person)
        assert '"action": "accept"' in value(done)["result"]["content"][0]["text"]
        assert person.asked == [("elicitation/create", b'{"message":"?"}')]


# Rounds of modern servers.


def rounds(count: int) -> Handler:
    """A modern tool that wants input this often."""

    async def handler(seen: Seen) -> bytes:
        number = int(str(seen.params.get("requestState", "st0")).removeprefix("st") or 0)
        if number >= count:
            return http(200, result(seen, {**text(json.dumps(seen.params)), "resultType": "complete"}))
        wanted: dict[str, Any] = {"resultType": "input_required"}
        wanted["inputRequests"] = {"q": {"method": "elicitation/create", "params": {"message": str(number)}}}
        wanted["requestState"] = f"st{number + 1}"
        return http(200, result(seen, wanted))

    return handler


async def test_a_modern_servers_questions_are_put_and_the_call_is_made_again_with_the_answers() -> None:
    async with upstream("modern") as one, house(one) as at:
        one.on["tools/call"] = rounds(2)
        person = Person(elicitation_create=Answer(result=b'{"action":"accept"}'))
        done = await at.run("tools/call", {"name": "one__echo", "arguments": {"a": 1}}, person=person)
        last = json.loads(value(done)["result"]["content"][0]["text"])
        assert last["arguments"] == {"a": 1}
        assert last["inputResponses"] == {"q": {"action": "accept"}}
        assert last["requestState"] == "st2"
        assert [json.loads(params)["message"] for _, params in person.asked] == ["0", "1"]
        assert len({seen.id for seen in one.all("tools/call")}) == 3
        assert at.meter.calls == [("mcp", "one")] * 3


async def test_a_server_that_never_has_enough_is_given_up() -> None:
    async with upstream("modern") as one, house(one) as at:
        one.on["tools/call"] = rounds(99)
        failed = value(await at.run("tools/call", {"name": "one__echo"}))["error"]
        assert failed["message"] == f"one asked for more input {MAX_ROUNDS} times; given up"
        assert len(one.all("tools/call")) == MAX_ROUNDS


async def test_a_refused_question_ends_the_call_with_the_reason() -> None:
    async with upstream("modern") as one, house(one) as at:
        one.on["tools/call"] = rounds(1)
        person = Person(elicitation_create=Answer(error=b'{"code":-1,"message":"not now"}'))
        failed = value(await at.run("tools/call", {"name": "one__echo"}, person=person))["error"]
        assert failed["message"] == "elicitation/create was not answered"
        assert failed["data"] == {"code": -1, "message": "not now"}


async def test_an_error_of_the_server_is_an_answer_and_no_reason_for_suspicion() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(200, error(seen, -32050, "mine"))

    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = refuse
        failed = value(await at.run("tools/call", {"name": "one__echo"}))["error"]
        assert failed == {"code": -32050, "message": "mine"}
        assert not one.all("ping")


async def test_a_view_of_one_server_passes_on_what_it_does_not_know() -> None:
    async def own(seen: Seen) -> bytes:
        return http(200, result(seen, {"own": seen.params}))

    async with upstream() as one, house(one) as at:
        one.on["vendor/method"] = own
        done = await at.run("vendor/method", {"x": 1}, view="one")
        assert value(done)["result"] == {"own": {"x": 1}}
        unlisted = await at.run("tools/call", {"name": "unlisted"}, view="one")
        assert value(unlisted)["result"] == text("echo")
