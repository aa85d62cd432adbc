import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fedgate.core.errors import UpstreamBroken, UpstreamRefused, UpstreamTimeout
from fedgate.core.rawjson import Raw, raw
from fedgate.federation.handshake import NotModern
from fedgate.federation.http_modern import ModernHttp
from fedgate.federation.http_wire import Denied
from fedgate.federation.messages import Answer, Client, Notice, members_of
from tests.core.http_peer import background
from tests.federation.connections import World, answer, call, events, world
from tests.federation.upstreams import (
    Seen,
    Upstream,
    always,
    encode,
    error,
    hang_up,
    http,
    never,
    notification,
    request,
    result,
    text,
    upstream,
)

pytestmark = pytest.mark.anyio

META = "io.modelcontextprotocol/"
GATEWAY = Client(info=Raw(b'{"name":"gw","version":"1"}'))
CLIENT = Client("alice", Raw(b'{"sampling":{}}'), Raw(b'{"name":"a","version":"1"}'), "warning")
FINE = Answer(result=encode({**text("echo"), "resultType": "complete"}))


@asynccontextmanager
async def connected(one: Upstream, made: World) -> AsyncIterator[ModernHttp]:
    connection = ModernHttp(made.wire(one), made.inbox.append, client=GATEWAY)
    await connection.open(5.0)
    yield connection
    await connection.aclose()


async def test_opening_is_one_discover_with_the_gateways_own_envelope() -> None:
    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        (seen,) = one.seen
        assert seen.method == "server/discover"
        assert seen.header("mcp-protocol-version") == "2026-07-28"
        assert seen.header("mcp-method") == "server/discover"
        assert seen.params["_meta"] == {
            META + "protocolVersion": "2026-07-28",
            META + "clientCapabilities": {},
            META + "clientInfo": {"name": "gw", "version": "1"},
        }
        assert connection.greeting.version == "2026-07-28"
        assert connection.shared


async def test_a_call_has_the_clients_envelope_and_headers_that_repeat_the_body() -> None:
    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        assert await answer(connection, call("écho", client=CLIENT, progressToken="t", own=1)) == FINE
        (seen,) = one.all("tools/call")
        assert seen.params["_meta"] == {
            "progressToken": seen.id,
            "own": 1,
            META + "protocolVersion": "2026-07-28",
            META + "clientCapabilities": {"sampling": {}},
            META + "clientInfo": {"name": "a", "version": "1"},
            META + "logLevel": "warning",
        }
        assert seen.header("mcp-method") == "tools/call"
        assert seen.header("mcp-name") == "=?base64?w6ljaG8=?="
        assert seen.header("mcp-session-id") is None


LEGACY_ANSWERS = {
    "no such method": (400, b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"Method not found"}}'),
    "no session": (400, b'{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"No valid session ID"}}'),
    "no page": (404, b"not found"),
    "not allowed": (405, b""),
    "broken": (500, b"oops"),
    "a page": (200, b"<html>"),
    "other versions": (
        400,
        b'{"jsonrpc":"2.0","id":1,"error":{"code":-32022,"message":"no","data":{"supported":["2025-11-25"]}}}',
    ),
    "a result of another kind": (200, b'{"jsonrpc":"2.0","id":1,"result":{"tools":[]}}'),
    "not this version": (
        200,
        b'{"jsonrpc":"2.0","id":1,"result":{"supportedVersions":["2099-01-01"],"capabilities":{}}}',
    ),
}


@pytest.mark.parametrize("name", LEGACY_ANSWERS)
async def test_whatever_is_no_evidence_of_the_modern_era_means_that_it_is_not(name: str) -> None:
    async with upstream("modern") as one, world() as made:
        one.on["server/discover"] = always(http(*LEGACY_ANSWERS[name]))
        with pytest.raises(NotModern):
            async with connected(one, made):
                pass


async def test_silence_refused_credentials_and_a_dead_server_say_nothing_about_the_era() -> None:
    async with upstream("modern") as one, world() as made:
        connection = ModernHttp(made.wire(one), made.inbox.append, client=GATEWAY)
        one.on["server/discover"] = never
        with pytest.raises(UpstreamTimeout):
            await connection.open(0.05)
        one.on["server/discover"] = always(http(401))
        with pytest.raises(Denied):
            await connection.open(5.0)
        await one.stop()
        with pytest.raises((UpstreamRefused, UpstreamBroken)):
            await connection.open(5.0)


async def test_notices_of_a_call_come_before_its_answer_and_news_go_to_all() -> None:
    async def talking(seen: Seen) -> None:
        seen.sse()
        token = seen.params["_meta"]["progressToken"]
        seen.event(notification("notifications/progress", {"progressToken": token, "progress": 1}))
        seen.event(notification("notifications/tools/list_changed", {}))
        seen.event(result(seen, {**text("echo"), "resultType": "complete"}))
        seen.end()

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = talking
        assert await events(connection, call(progressToken="mine")) == [
            Notice("notifications/progress", b'{"progressToken":"mine","progress":1}'),
            FINE,
        ]
        assert made.inbox == [Notice("notifications/tools/list_changed", b"{}")]


async def test_requests_of_the_server_and_stray_answers_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    async def confused(seen: Seen) -> None:
        seen.sse()
        seen.event(request(1, "sampling/createMessage", {}))
        seen.event(b'{"jsonrpc":"2.0","id":4711,"result":{}}')
        seen.event(result(seen, {**text("echo"), "resultType": "complete"}))
        seen.end()

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = confused
        with caplog.at_level(logging.WARNING):
            assert await events(connection, call()) == [FINE]
        assert caplog.text.count("belongs to no request") == 2
        assert not one.all("response")


async def test_an_error_with_its_own_status_is_an_answer() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(400, error(seen, -32602, "bad"))

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = refuse
        assert await answer(connection, call()) == Answer(error=b'{"code":-32602,"message":"bad"}')


async def test_a_stream_that_ends_without_an_answer_is_broken_and_not_resumed() -> None:
    async def cut(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/x", {}), "e-1")
        seen.end()

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = cut
        with pytest.raises(UpstreamBroken, match="its answer ended before it was complete"):
            await events(connection, call())
        one.on["tools/call"] = hang_up
        with pytest.raises(UpstreamBroken):
            await events(connection, call())
        assert not one.all("GET")


async def test_a_call_that_is_closed_early_closes_its_response_and_says_nothing() -> None:
    async def slow(seen: Seen) -> None:
        seen.sse()
        await never(seen)

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = slow
        async with background(events(connection, call())) as calling:
            asked = await one.saw("tools/call")
            calling.cancel()
            await asked.gone.wait()
        assert not one.all("notifications/cancelled")


async def test_listening_brings_news_until_the_stream_ends() -> None:
    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        wanted = {"toolsListChanged": raw(True), "resourceSubscriptions": raw(["a:b"])}
        async with background(connection.listen(wanted)) as listening:
            await one.listening()
            one.announce("notifications/tools/list_changed")
            one.announce("notifications/resources/updated", {"uri": "a:b"})
            (listener,) = one.listeners
            listener.event(result(listener, {"resultType": "complete"}))
            assert await listening is True
        (asked,) = one.all("subscriptions/listen")
        assert asked.params["notifications"] == {"toolsListChanged": True, "resourceSubscriptions": ["a:b"]}
        assert [notice.method for notice in made.inbox] == [
            "notifications/tools/list_changed",
            "notifications/resources/updated",
        ]


async def test_a_server_that_cannot_be_listened_to_says_so() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(404, error(seen, -32601, "Method not found"))

    async with upstream("modern") as one, world() as made, connected(one, made) as connection:
        one.on["subscriptions/listen"] = refuse
        assert await connection.listen(members_of({"toolsListChanged": True})) is False
