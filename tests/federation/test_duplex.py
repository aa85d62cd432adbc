import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from anyio.lowlevel import checkpoint

from fedgate.core.errors import Overloaded, UpstreamInvalid, UpstreamTimeout
from fedgate.core.rawjson import raw
from fedgate.core.tasks import Tasks
from fedgate.federation.duplex import BACKLOG, Duplex
from fedgate.federation.handshake import NotModern
from fedgate.federation.link import FakeLink, LinkClosed, link_pair
from fedgate.federation.messages import Answer, Ask, Client, Notice, Outbound
from tests.core.http_peer import background
from tests.federation.connections import ALICE, BOB, call, events

pytestmark = pytest.mark.anyio

LIMIT = 10.0
OWN = Client()


class Peer:
    """The server's end: reads what the gateway sends, says what the test wants."""

    def __init__(self, link: FakeLink) -> None:
        self.link = link

    async def next(self, method: str) -> Any:
        """The next message, which must be of this method."""
        message = json.loads(await self.link.receive())
        assert message.get("method", "response") == method, message
        return message

    async def say(self, message: dict[str, Any]) -> None:
        await self.link.send(json.dumps({"jsonrpc": "2.0", **message}).encode())

    async def answer(self, request: Any, result: object) -> None:
        await self.say({"id": request["id"], "result": result})

    async def notify(self, method: str, **params: object) -> None:
        await self.say({"method": method, "params": params})

    async def ask(self, ident: object, method: str = "elicitation/create") -> None:
        await self.say({"id": ident, "method": method, "params": {"message": "?"}})


@asynccontextmanager
async def channel() -> AsyncIterator[tuple[Duplex, Peer, list[Notice]]]:
    ours, theirs = link_pair()
    tasks, inbox = Tasks("test"), list[Notice]()
    duplex = Duplex(ours, tasks, inbox.append, client=ALICE, shared=True)
    try:
        async with asyncio.timeout(LIMIT):
            yield duplex, Peer(theirs), inbox
    finally:
        await duplex.aclose()
        await tasks.aclose()


async def settle() -> None:
    for _ in range(20):
        await checkpoint()


# Opening.


async def test_discovering_and_initializing() -> None:
    async with channel() as (duplex, peer, _):
        async with background(duplex.discover(5.0)) as opening:
            asked = await peer.next("server/discover")
            assert asked["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
            await peer.answer(asked, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}})
            await opening
        assert (duplex.era, duplex.greeting.capabilities) == ("modern", {"tools": {}})
    async with channel() as (duplex, peer, _):
        async with background(duplex.initialize(5.0)) as opening:
            asked = await peer.next("initialize")
            assert asked["params"]["clientInfo"] == {"name": "a", "version": "1"}
            assert "_meta" not in asked["params"]
            await peer.answer(asked, {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s"}})
            await peer.next("notifications/initialized")
            await opening
        assert (duplex.era, duplex.greeting.version) == ("legacy", "2025-06-18")


async def test_a_server_that_does_not_know_discover_can_be_initialized_on_the_same_channel() -> None:
    async with channel() as (duplex, peer, _):
        async with background(duplex.discover(5.0)) as opening:
            asked = await peer.next("server/discover")
            await peer.say({"id": asked["id"], "error": {"code": -32601, "message": "Method not found"}})
            with pytest.raises(NotModern):
                await opening
        async with background(duplex.initialize(5.0)) as opening:
            await peer.answer(await peer.next("initialize"), {"protocolVersion": "2025-11-25", "capabilities": {}})
            await opening
        assert duplex.era == "legacy"


async def test_a_server_that_refuses_to_initialize_is_invalid() -> None:
    async with channel() as (duplex, peer, _), background(duplex.initialize(5.0)) as opening:
        asked = await peer.next("initialize")
        await peer.say({"id": asked["id"], "error": {"code": -1, "message": "not today"}})
        with pytest.raises(UpstreamInvalid, match="not today"):
            await opening


# Calls.


async def test_answers_find_their_calls_in_any_order() -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call("one"))) as one, background(events(duplex, call("two"))) as two:
            asked = [await peer.next("tools/call"), await peer.next("tools/call")]
            assert duplex.busy
            for request in reversed(asked):
                await peer.answer(request, {"for": request["params"]["name"]})
            assert await one == [Answer(result=b'{"for": "one"}')]
            assert await two == [Answer(result=b'{"for": "two"}')]
        assert not duplex.busy


async def test_progress_goes_to_its_own_call_with_its_clients_token() -> None:
    async with channel() as (duplex, peer, _):
        calls = [call(client=ALICE, progressToken="same"), call(client=BOB, progressToken="same")]
        async with (
            background(events(duplex, calls[0])) as one,
            background(events(duplex, calls[1])) as two,
        ):
            asked = [await peer.next("tools/call"), await peer.next("tools/call")]
            for number, request in enumerate(asked):
                token = request["params"]["_meta"]["progressToken"]
                assert token == request["id"]
                await peer.notify("notifications/progress", progressToken=token, progress=number)
                await peer.answer(request, {})
            for number, outcome in enumerate((await one, await two)):
                notice = outcome[0]
                assert isinstance(notice, Notice)
                assert json.loads(notice.params) == {"progressToken": "same", "progress": number}


@pytest.mark.parametrize("token", [4711, "1", None, True, 1.5])
async def test_progress_of_no_call_is_dropped(token: object) -> None:
    async with channel() as (duplex, peer, inbox):
        async with background(events(duplex, call())) as calling:
            asked = await peer.next("tools/call")
            await peer.notify("notifications/progress", progressToken=token, progress=1)
            await peer.answer(asked, {})
            assert await calling == [Answer(result=b"{}")]
        assert inbox == []


async def test_log_lines_belong_to_the_client_that_is_alone_and_to_nobody_else() -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call(client=ALICE))) as one:
            first = await peer.next("tools/call")
            await peer.notify("notifications/message", level="info", data="for alice")
            await settle()
            async with background(events(duplex, call(client=BOB))) as two:
                second = await peer.next("tools/call")
                await peer.notify("notifications/message", level="info", data="for whom?")
                await peer.answer(second, {})
                assert await two == [Answer(result=b"{}")]
            await peer.answer(first, {})
            notices = [event for event in await one if isinstance(event, Notice)]
        assert [json.loads(notice.params)["data"] for notice in notices] == ["for alice"]


async def test_other_notifications_are_news() -> None:
    async with channel() as (duplex, peer, inbox):
        async with background(events(duplex, call())) as calling:
            asked = await peer.next("tools/call")
            await peer.notify("notifications/tools/list_changed")
            await peer.notify("notifications/resources/updated", uri="a:b")
            await peer.notify("notifications/subscriptions/acknowledged")
            await peer.answer(asked, {})
            assert await calling == [Answer(result=b"{}")]
        assert [notice.method for notice in inbox] == [
            "notifications/tools/list_changed",
            "notifications/resources/updated",
        ]


async def test_nonsense_and_stray_answers_hold_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call())) as calling:
            asked = await peer.next("tools/call")
            with caplog.at_level(logging.WARNING):
                await peer.link.send(b'{"jsonrpc": 17}')
                await peer.link.send(b"[1]")
                await peer.link.send(b'{"jsonrpc":"2.0","method":"notifications/progress","params":[]}')
                await peer.answer({"id": 4711}, {})
                await peer.answer({"id": str(asked["id"])}, {})
                await peer.link.send(b'[{"jsonrpc":"2.0","id":%d,"result":{"batched":true}}]' % asked["id"])
                assert await calling == [Answer(result=b'{"batched":true}')]
        assert "no JSON-RPC message" in caplog.text


async def test_silence_is_a_timeout_and_the_server_is_told() -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call(timeout=0.05))) as calling:
            asked = await peer.next("tools/call")
            with pytest.raises(UpstreamTimeout, match=r"it said nothing for 0.05 s"):
                await calling
        assert (await peer.next("notifications/cancelled"))["params"]["requestId"] == asked["id"]


async def test_a_call_that_is_closed_early_is_cancelled_at_the_server() -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call())) as calling:
            asked = await peer.next("tools/call")
            calling.cancel()
            assert (await peer.next("notifications/cancelled"))["params"]["requestId"] == asked["id"]
        await peer.answer(asked, {})
        async with background(events(duplex, call())) as calling:
            await peer.answer(await peer.next("tools/call"), {"next": True})
            assert await calling == [Answer(result=b'{"next": true}')]


async def test_one_slow_client_loses_its_own_call_and_holds_up_nobody_elses() -> None:
    async with channel() as (duplex, peer, _), aclosing(duplex.call(call(client=ALICE, progressToken=1))) as slow:
        async with background(_first(slow)) as begun:
            asked = await peer.next("tools/call")
            token = asked["params"]["_meta"]["progressToken"]
            await peer.notify("notifications/progress", progressToken=token, progress=0)
            await begun
        for _ in range(BACKLOG + 10):
            await peer.notify("notifications/progress", progressToken=token, progress=1)
        async with background(events(duplex, call(client=BOB))) as other:
            await peer.answer(await peer.next("tools/call"), {})
            assert await other == [Answer(result=b"{}")]
        with pytest.raises(Overloaded, match="slow client"):
            async for _event in slow:
                pass


async def _first(found: Any) -> Any:
    return await anext(found)


# Questions.


async def test_a_ping_is_answered_whoever_is_there() -> None:
    async with channel() as (_, peer, _inbox):
        await peer.ask("p", "ping")
        assert await peer.next("response") == {"jsonrpc": "2.0", "id": "p", "result": {}}


async def test_a_question_goes_to_the_only_client_and_its_answer_back() -> None:
    async with channel() as (duplex, peer, _), aclosing(duplex.call(call(client=ALICE))) as found:
        async with background(_first(found)) as waiting:
            asked = await peer.next("tools/call")
            await peer.ask(7)
            ask = await waiting
        assert isinstance(ask, Ask)
        await ask.reply(Answer(result=b'{"action":"accept"}'))
        assert (await peer.next("response"))["result"] == {"action": "accept"}
        await peer.answer(asked, {})
        assert await anext(found) == Answer(result=b"{}")


async def test_of_several_calls_of_one_client_the_latest_gets_the_question() -> None:
    async with (
        channel() as (duplex, peer, _),
        background(events(duplex, call("one"))) as one,
        aclosing(duplex.call(call("two"))) as two,
    ):
        first = await peer.next("tools/call")
        async with background(_first(two)) as waiting:
            await peer.next("tools/call")
            await peer.ask(7)
            assert isinstance(await waiting, Ask)
        await peer.answer(first, {})
        assert await one == [Answer(result=b"{}")]


async def test_with_two_clients_in_it_a_question_is_refused() -> None:
    async with channel() as (duplex, peer, _):
        async with background(events(duplex, call(client=ALICE))), background(events(duplex, call(client=BOB))):
            await peer.next("tools/call")
            await peer.next("tools/call")
            await peer.ask(7)
            refused = await peer.next("response")
        assert refused["error"]["code"] == -32601
        assert "several clients share this server now" in refused["error"]["message"]


async def test_without_a_call_a_question_is_refused() -> None:
    async with channel() as (_, peer, _inbox):
        await peer.ask(7)
        assert "no call asked for it" in (await peer.next("response"))["error"]["message"]


async def test_what_the_gateway_itself_asks_meanwhile_makes_nobody_a_stranger() -> None:
    listing = Outbound("tools/list", {}, {}, OWN)
    async with (
        channel() as (duplex, peer, _),
        aclosing(duplex.call(call(client=ALICE))) as found,
        background(_first(found)) as waiting,
        background(events(duplex, listing)),
    ):
        await peer.next("tools/call")
        await peer.next("tools/list")
        await peer.ask(7)
        assert isinstance(await waiting, Ask)


async def test_a_question_while_only_the_gateway_asks_is_refused() -> None:
    async with channel() as (duplex, peer, _), background(events(duplex, Outbound("tools/list", {}, {}, OWN))):
        await peer.next("tools/list")
        await peer.ask(7)
        assert "no call asked for it" in (await peer.next("response"))["error"]["message"]


# The end.


async def test_the_end_of_the_channel_fails_its_calls_with_its_reason_and_is_told() -> None:
    async with channel() as (duplex, peer, _):
        closed: list[str] = []
        duplex.on_closed = lambda: closed.append(duplex.ended)
        async with background(events(duplex, call())) as calling:
            await peer.next("tools/call")
            await peer.link.fail("it exited with code 3")
            with pytest.raises(LinkClosed, match="it exited with code 3"):
                await calling
        assert closed == ["it exited with code 3"]
        assert duplex.ended == "it exited with code 3"
        with pytest.raises(LinkClosed):
            await events(duplex, call())


async def test_what_arrived_before_the_end_is_delivered() -> None:
    async with channel() as (duplex, peer, _), background(events(duplex, call())) as calling:
        await peer.answer(await peer.next("tools/call"), {"last": "words"})
        await peer.link.fail("over")
        assert await calling == [Answer(result=b'{"last": "words"}')]


async def test_closing_it_ends_what_is_under_way() -> None:
    async with channel() as (duplex, peer, _), background(events(duplex, call())) as calling:
        await peer.next("tools/call")
        await duplex.aclose()
        with pytest.raises(LinkClosed):
            await calling


async def test_listening_lasts_until_the_server_ends_it() -> None:
    async with channel() as (duplex, peer, inbox):
        async with background(duplex.listen({"toolsListChanged": raw(True)})) as listening:
            asked = await peer.next("subscriptions/listen")
            assert asked["params"]["notifications"] == {"toolsListChanged": True}
            await peer.notify("notifications/tools/list_changed")
            await peer.answer(asked, {"resultType": "complete"})
            assert await listening is True
        assert len(inbox) == 1
        async with background(duplex.listen({})) as listening:
            asked = await peer.next("subscriptions/listen")
            await peer.say({"id": asked["id"], "error": {"code": -32601, "message": "no"}})
            assert await listening is False


async def test_a_question_outside_of_calls_goes_to_the_one_client_of_a_private_channel() -> None:
    async with channel() as (duplex, peer, _):
        asked: list[str] = []

        async def take(ask: Ask) -> None:
            asked.append(ask.method)
            await ask.reply(Answer(result=b'{"roots":[]}'))

        duplex.on_ask = take
        await peer.ask("r-1", "roots/list")
        answer = await peer.next("response")
        assert (asked, answer["id"], answer["result"]) == (["roots/list"], "r-1", {"roots": []})


async def test_a_question_outside_of_calls_on_a_shared_channel_is_refused() -> None:
    async with channel() as (_, peer, _inbox):
        await peer.ask("r-1", "roots/list")
        answer = await peer.next("response")
        assert "no call asked for it" in answer["error"]["message"]
