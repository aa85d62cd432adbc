"""MCP behind the data path: what is answered here, what is relayed, as JSON or as a stream."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fedgate.core.call import Call, Principal, Record, Reply
from fedgate.core.clock import SystemClock
from fedgate.core.errors import GatewayError
from fedgate.core.ports import NoMeter
from fedgate.federation.endpoint import McpEndpoint
from fedgate.sessions.table import SessionTable
from tests.core.http_peer import background
from tests.federation.connections import hub_over
from tests.federation.fakes import dump, envelope, modern, request
from tests.federation.upstreams import Seen, Upstream, error, http, never, notification, result, text, upstream

pytestmark = pytest.mark.anyio

ALICE = Principal("alice", "key")
CLIENT = {"name": "t", "version": "1"}


class House:
    """An endpoint with the two stages that it needs around it: rendering of errors, and binding."""

    def __init__(self, endpoint: McpEndpoint, sessions: SessionTable) -> None:
        self.endpoint = endpoint
        self.sessions = sessions
        endpoint.each = self.each

    async def handle(self, call: Call) -> Reply:
        try:
            return await self.endpoint.dispatch(await self.endpoint.bind(call))
        except GatewayError as problem:
            return self.endpoint.render(call.record, problem)

    async def each(self, call: Call) -> Reply:
        try:
            return await self.endpoint.dispatch(self.endpoint.bind_one(call))
        except GatewayError as problem:
            return self.endpoint.render(call.record, problem)

    async def legacy(self, session: str, message: object, method: str = "POST", **headers: bytes) -> Reply:
        sent = {b"mcp-session-id": session.encode(), b"mcp-protocol-version": b"2025-11-25"}
        sent |= {name.replace("_", "-").encode(): value for name, value in headers.items()}
        head = request(sent, method, dump(message) if method == "POST" else b"")
        return await self.handle(Call("mcp", head, Record(head, "mcp", 0.0), principal=ALICE))

    async def modern(self, method: str, params: dict[str, Any] | None = None, **headers: bytes) -> Reply:
        _, head = modern(method, params, **headers)
        return await self.handle(Call("mcp", head, Record(head, "mcp", 0.0), principal=ALICE))

    async def open(self, version: str = "2025-11-25", capabilities: dict[str, Any] | None = None) -> str:
        params = {"protocolVersion": version, "capabilities": capabilities or {}, "clientInfo": CLIENT}
        reply = await self.legacy("", message("initialize", params))
        return dict(reply.headers)[b"mcp-session-id"].decode()


@asynccontextmanager
async def house(one: Upstream) -> AsyncIterator[House]:
    async with hub_over(one=one) as hub:
        sessions = SessionTable(SystemClock(), idle=60.0, limit=10)
        endpoint = McpEndpoint(hub, sessions, SystemClock(), NoMeter())
        try:
            yield House(endpoint, sessions)
        finally:
            sessions.close()
            await endpoint.aclose()


def message(method: str, params: object = None, ident: object = 1) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params or {}}


def value(reply: Reply) -> Any:
    assert isinstance(reply.body, bytes)
    return json.loads(reply.body)


async def events(reply: Reply) -> list[Any]:
    """The messages of a reply that streams."""
    assert not isinstance(reply.body, bytes)
    assert (b"content-type", b"text/event-stream") in reply.headers
    found = []
    async with asyncio.timeout(10):
        async for frame in reply.body:
            data = b"\n".join(line[6:] for line in frame.split(b"\n") if line.startswith(b"data: "))
            if data:
                found.append(json.loads(data))
    return found


ECHO = {"name": "one__echo", "arguments": {"text": "hi"}}


# Answered here.


async def test_a_session_is_opened_used_and_ended() -> None:
    async with upstream() as one, house(one) as at:
        session = await at.open()
        assert len(session) >= 43
        assert value(await at.legacy(session, message("ping"))) == {"jsonrpc": "2.0", "id": 1, "result": {}}
        assert (await at.legacy(session, None, "DELETE")).status == 204
        gone = await at.legacy(session, message("ping"))
        assert (gone.status, value(gone)["error"]["code"]) == (404, -32600)


async def test_the_greeting_says_what_the_servers_have() -> None:
    async with upstream() as one:
        one.capabilities = {"tools": {}, "resources": {"subscribe": True}, "logging": {}, "x-own": {}}
        one.lists = {"resources": [], "resourceTemplates": []}
        async with house(one) as at:
            greeted = value(await at.legacy("", message("initialize", {"protocolVersion": "2025-03-26"})))["result"]
            assert greeted["protocolVersion"] == "2025-03-26"
            assert greeted["serverInfo"]["name"] == "fedgate"
            assert greeted["capabilities"] == {
                "tools": {"listChanged": True},
                "resources": {"subscribe": True, "listChanged": True},
                "logging": {},
            }
            discovered = value(await at.modern("server/discover"))["result"]
            assert discovered["capabilities"].keys() >= {"tools", "resources"}
            assert discovered["resultType"] == "complete"


async def test_lists_never_ask_a_server() -> None:
    async with upstream() as one, house(one) as at:
        session = await at.open()
        asked = len(one.seen)
        for method in ("tools/list", "prompts/list", "resources/list", "resources/templates/list"):
            assert (await at.legacy(session, message(method))).status == 200
            assert (await at.modern(method)).status == 200
        assert len(one.seen) == asked


async def test_notifications_are_accepted_and_nothing_more() -> None:
    async with upstream() as one, house(one) as at:
        session = await at.open()
        for method in ("notifications/initialized", "notifications/cancelled", "notifications/unheard/of"):
            reply = await at.legacy(session, {"jsonrpc": "2.0", "method": method})
            assert (reply.status, reply.body) == (202, b"")
        body = {"jsonrpc": "2.0", "method": "notifications/cancelled"}
        head = request({b"mcp-protocol-version": b"2026-07-28"}, body=dump(body))
        assert (await at.handle(Call("mcp", head, Record(head, "mcp", 0.0), principal=ALICE))).status == 202


# Relayed.


async def test_an_answer_alone_is_json() -> None:
    async with upstream() as one, house(one) as at:
        session = await at.open()
        reply = await at.legacy(session, message("tools/call", ECHO, "x"))
        assert (b"content-type", b"application/json") in reply.headers
        assert value(reply) == {"jsonrpc": "2.0", "id": "x", "result": text("hi")}
        again = await at.modern("tools/call", ECHO, mcp_name=b"one__echo")
        assert value(again)["result"] == {**text("hi"), "resultType": "complete"}


async def _talking(seen: Seen) -> None:
    seen.sse()
    token = seen.params["_meta"]["progressToken"]
    seen.event(notification("notifications/progress", {"progressToken": token, "progress": 1}))
    seen.event(result(seen, text("done")))
    seen.end()


async def test_a_message_before_the_answer_makes_it_a_stream() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = _talking
        session = await at.open()
        params = {**ECHO, "_meta": {"progressToken": "t"}}
        progress, answer = await events(await at.legacy(session, message("tools/call", params)))
        assert progress["params"] == {"progressToken": "t", "progress": 1}
        assert answer["result"] == text("done")
        meta = {**envelope(), "progressToken": 5}
        reply = await at.modern("tools/call", {**ECHO, "_meta": meta}, mcp_name=b"one__echo")
        progress, answer = await events(reply)
        assert progress["params"] == {"progressToken": 5, "progress": 1}
        assert answer["result"] == {**text("done"), "resultType": "complete"}


async def test_the_record_has_the_error_of_the_answer_and_the_time_of_the_server() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(200, error(seen, -32050, "no"))

    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = refuse
        _, head = modern("tools/call", ECHO, mcp_name=b"one__echo")
        record = Record(head, "mcp", 0.0)
        reply = await at.handle(Call("mcp", head, record, principal=ALICE))
        assert (reply.status, record.error) == (200, "jsonrpc -32050")
        assert record.upstream_seconds > 0


async def test_a_stream_that_begins_has_waited_for_its_server_until_then() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = _talking
        meta = {**envelope(), "progressToken": 5}
        _, head = modern("tools/call", {**ECHO, "_meta": meta}, mcp_name=b"one__echo")
        record = Record(head, "mcp", 0.0)
        reply = await at.handle(Call("mcp", head, record, principal=ALICE))
        before = record.upstream_seconds
        assert before > 0
        await events(reply)
        assert record.upstream_seconds >= before


async def test_an_error_without_a_code_is_not_our_fault() -> None:
    async def codeless(seen: Seen) -> bytes:
        return http(200, b'{"jsonrpc":"2.0","id":%d,"error":{"message":"x"}}' % seen.id)

    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = codeless
        session = await at.open()
        for reply in (
            await at.legacy(session, message("tools/call", ECHO)),
            await at.modern("tools/call", ECHO, mcp_name=b"one__echo"),
        ):
            assert reply.status == 200
            assert "log has it" not in value(reply)["error"]["message"]


async def test_a_modern_caller_that_leaves_takes_its_call_along_and_a_legacy_one_does_not() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = never
        session = await at.open()
        async with background(at.legacy(session, message("tools/call", ECHO))) as staying:
            await one.saw("tools/call")
            staying.cancel()
        async with background(at.modern("tools/call", ECHO, mcp_name=b"one__echo")) as leaving:
            asked = await one.saw("tools/call", 2)
            leaving.cancel()
            told = await one.saw("notifications/cancelled")
        assert told.params["requestId"] == asked.id
        assert len(one.all("notifications/cancelled")) == 1
        told_again = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}
        await at.legacy(session, told_again)
        await one.saw("notifications/cancelled", 2)


async def test_the_end_of_a_session_cancels_what_is_under_way_in_it() -> None:
    async with upstream() as one, house(one) as at:
        one.on["tools/call"] = never
        session = await at.open()
        async with background(at.legacy(session, message("tools/call", ECHO))) as calling:
            await one.saw("tools/call")
            assert (await at.legacy(session, None, "DELETE")).status == 204
            assert value(await calling)["error"]["code"] == -32800


# Subscriptions.


async def _fine(seen: Seen) -> bytes:
    return http(200, result(seen, {}))


async def test_updates_come_on_the_sessions_own_stream_as_long_as_they_are_wanted() -> None:
    async with upstream() as one:
        one.capabilities["resources"] = {"subscribe": True}
        one.lists = {"resources": [{"uri": "a:b", "name": "r"}], "resourceTemplates": []}
        one.on["resources/subscribe"] = one.on["resources/unsubscribe"] = _fine
        async with house(one) as at:
            session = await at.open()
            await one.listening()
            wanted = {"uri": "one+a:b"}
            assert value(await at.legacy(session, message("resources/subscribe", wanted)))["result"] == {}
            assert one.all("resources/subscribe")[0].params == {"uri": "a:b"}
            stream = await at.legacy(session, None, "GET", accept=b"text/event-stream")
            assert not isinstance(stream.body, bytes)
            frames = stream.body
            await anext(frames)
            one.announce("notifications/resources/updated", {"uri": "a:other"})
            one.announce("notifications/resources/updated", {"uri": "a:b"})
            async with asyncio.timeout(10):
                frame = await anext(frames)
            assert b'"uri":"one+a:b"' in frame
            await at.legacy(session, message("resources/unsubscribe", wanted))
            await one.saw("resources/unsubscribe")
            await frames.aclose()  # type: ignore[attr-defined]


async def test_the_end_of_a_session_ends_its_subscriptions() -> None:
    async with upstream() as one:
        one.capabilities["resources"] = {"subscribe": True}
        one.lists = {"resources": [{"uri": "a:b", "name": "r"}], "resourceTemplates": []}
        one.on["resources/subscribe"] = one.on["resources/unsubscribe"] = _fine
        async with house(one) as at:
            session = await at.open()
            await at.legacy(session, message("resources/subscribe", {"uri": "one+a:b"}))
            await at.legacy(session, None, "DELETE")
            assert (await one.saw("resources/unsubscribe")).params == {"uri": "a:b"}


# Batches.


async def test_a_batch_of_notifications_is_accepted() -> None:
    async with upstream() as one, house(one) as at:
        session = await at.open("2025-03-26")
        reply = await at.legacy(session, [{"jsonrpc": "2.0", "method": "notifications/initialized"}])
        assert (reply.status, reply.body) == (202, b"")


async def test_a_batch_streams_every_answer_and_what_came_with_it_whole() -> None:
    async def pretty(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/message", {"level": "info", "data": "x"}))
        body = b'{"jsonrpc":"2.0",\ndata: "id":%d,\ndata: "result":{\ndata:   "content":[]}}' % seen.id
        seen.event(body)
        seen.end()

    async with upstream() as one, house(one) as at:
        session = await at.open("2025-03-26")
        one.on["tools/call"] = pretty
        batch = [message("tools/call", ECHO, 1), message("ping", None, 2), message("tools/call", ECHO, 3)]
        found = await events(await at.legacy(session, batch))
        answers = {each["id"]: each["result"] for each in found if "id" in each}
        assert answers == {1: {"content": []}, 2: {}, 3: {"content": []}}
        assert len(found) == 5
