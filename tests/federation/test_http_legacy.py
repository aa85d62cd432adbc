import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import UpstreamBroken, UpstreamInvalid, UpstreamTimeout
from fedgate.federation.http_legacy import RESUMES, LegacyHttp
from fedgate.federation.messages import Answer, Ask, Client, Notice
from tests.core.http_peer import background, until
from tests.federation.connections import ALICE, ASKABLE, World, answer, call, events, world
from tests.federation.upstreams import (
    Handler,
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

FINE = Answer(result=encode(text("echo")))


@asynccontextmanager
async def connected(
    one: Upstream, made: World, *, client: Client = ALICE, shared: bool = True
) -> AsyncIterator[LegacyHttp]:
    connection = LegacyHttp(made.wire(one), made.tasks, made.clock, made.inbox.append, client=client, shared=shared)
    await connection.open(5.0)
    try:
        yield connection
    finally:
        await connection.aclose()


# The handshake.


async def test_the_handshake_is_initialize_then_initialized_and_the_session_goes_with_all_that_follows() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        assert await answer(connection, call()) == FINE
        first, second, third = one.seen
        assert first.method == "initialize"
        assert first.header("mcp-session-id") is None
        assert first.params["protocolVersion"] == "2025-11-25"
        assert first.params["clientInfo"] == {"name": "a", "version": "1"}
        assert second.method == "notifications/initialized"
        for seen in (second, third):
            assert seen.header("mcp-session-id") == "session-1"
            assert seen.header("mcp-protocol-version") == "2025-11-25"
        assert connection.stateful
        assert connection.greeting.capabilities == {"tools": {"listChanged": True}}


async def test_a_server_without_sessions_is_served_without_sessions() -> None:
    async with upstream(session=False) as one, world() as made:
        async with connected(one, made) as connection:
            assert not connection.stateful
            assert await answer(connection, call()) == FINE
            assert one.all("tools/call")[0].header("mcp-session-id") is None
        assert not one.all("DELETE")


async def test_initialize_may_be_answered_on_an_event_stream() -> None:
    async def streamed(seen: Seen) -> None:
        seen.sse(b"mcp-session-id: streamed\r\n")
        seen.event(notification("notifications/message", {"level": "info", "data": "hello"}))
        seen.event(result(seen, {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s"}}))
        seen.end()

    async with upstream() as one, world() as made:
        one.on["initialize"] = streamed
        one.sessions.add("streamed")
        async with connected(one, made) as connection:
            assert connection.session_id == b"streamed"
            assert await answer(connection, call()) == FINE
            assert one.all("tools/call")[0].header("mcp-protocol-version") == "2025-06-18"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (b'{"jsonrpc":"2.0","id":0,"error":{"code":-1,"message":"go away"}}', "it refused to initialize: go away"),
        (b'{"jsonrpc":"2.0","id":0,"result":{"protocolVersion":"1999-01-01"}}', "1999-01-01"),
        (b'{"jsonrpc":"2.0","id":0,"result":{}}', "of no version"),
    ],
)
async def test_a_handshake_that_cannot_be_understood_is_upstream_invalid(reply: bytes, message: str) -> None:
    async with upstream() as one, world() as made:
        one.on["initialize"] = always(http(200, reply))
        with pytest.raises(UpstreamInvalid, match=message):
            async with connected(one, made):
                pass


async def test_the_session_is_ended_with_delete_and_a_server_that_does_not_answer_holds_nobody_up() -> None:
    async with upstream() as one, world() as made:
        async with connected(one, made):
            pass
        assert one.all("DELETE")[0].header("mcp-session-id") == "session-1"
        one.on["DELETE"] = hang_up
        async with connected(one, made):
            pass


# Renewal.

NO_SESSION = b'{"jsonrpc":"2.0","id":"server-error","error":{"code":-32600,"message":"Session not found"}}'
FORGOTTEN = {"404": (404, b""), "404 with words": (404, NO_SESSION), "410": (410, b""), "400": (400, NO_SESSION)}


def forgetful(one: Upstream, status: int, body: bytes) -> Handler:
    """Calls of a session that is not known get this answer."""

    async def handler(seen: Seen) -> bytes | None:
        if seen.header("mcp-session-id") in one.sessions:
            return await one.usual(seen)
        return http(status, body)

    return handler


@pytest.mark.parametrize("how", FORGOTTEN)
async def test_a_forgotten_session_is_renewed_and_the_call_sent_again(how: str) -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        renewed: list[str] = []
        connection.on_renewed = lambda: renewed.append("renewed")
        one.on["tools/call"] = forgetful(one, *FORGOTTEN[how])
        one.sessions.clear()
        assert await answer(connection, call()) == FINE
        assert [seen.method for seen in one.seen[2:]] == [
            "tools/call",
            "initialize",
            "notifications/initialized",
            "tools/call",
        ]
        assert one.seen[-1].header("mcp-session-id") == "session-2"
        assert renewed == ["renewed"]


async def test_any_number_of_calls_that_find_the_session_forgotten_share_one_handshake() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.sessions.clear()
        answers = await asyncio.gather(*(answer(connection, call()) for _ in range(40)))
        assert answers == [FINE] * 40
        assert len(one.all("initialize")) == 2
        assert one.opened == 2


async def test_calls_that_come_after_a_renewal_do_not_make_another() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        for _ in range(3):
            one.sessions.clear()
            await answer(connection, call())
            await answer(connection, call())
        assert one.opened == 4


async def test_if_the_new_session_is_not_known_either_the_refusal_is_the_answer() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = always(http(404, NO_SESSION))
        assert await answer(connection, call()) == Answer(error=b'{"code":-32600,"message":"Session not found"}')
        assert one.opened == 2


async def test_a_renewal_that_fails_fails_its_callers_and_is_tried_again_by_the_next() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.sessions.clear()
        one.on["initialize"] = always(http(500))
        outcomes = await asyncio.gather(*(answer(connection, call()) for _ in range(5)), return_exceptions=True)
        assert all(isinstance(outcome, UpstreamInvalid) for outcome in outcomes)
        del one.on["initialize"]
        assert await answer(connection, call()) == FINE


async def test_one_caller_that_gives_up_does_not_take_the_renewal_away_from_the_others() -> None:
    release = asyncio.Event()

    async def slow(seen: Seen) -> bytes:
        await release.wait()
        return one.initialize(seen)

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.sessions.clear()
        one.on["initialize"] = slow
        async with background(answer(connection, call())) as leaving, background(answer(connection, call())) as staying:
            await one.saw("initialize", 2)
            leaving.cancel()
            release.set()
            assert await staying == FINE


@pytest.mark.parametrize(
    ("status", "code"), [(404, -32601), (400, -32602), (400, -32600)], ids=["no method", "bad params", "bad request"]
)
async def test_a_refusal_of_the_request_itself_leaves_the_session_alone(status: int, code: int) -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(status, error(seen, code, "no"))

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = refuse
        assert b'"message":"no"' in (await answer(connection, call())).error
        assert one.opened == 1
        assert len(one.all("tools/call")) == 1


async def test_servers_without_sessions_are_never_initialized_again() -> None:
    async with upstream(session=False) as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = always(http(404))
        with pytest.raises(UpstreamInvalid, match="HTTP 404"):
            await answer(connection, call())
        assert len(one.all("initialize")) == 1


# What comes with a call.


async def test_progress_carries_the_clients_token_and_ours_stays_inside() -> None:
    async def progressing(seen: Seen) -> None:
        token = seen.params["_meta"]["progressToken"]
        assert token == seen.id
        seen.sse()
        seen.event(notification("notifications/progress", {"progressToken": token, "progress": 0.5, "x": [1]}))
        seen.event(result(seen, text("echo")))
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = progressing
        assert await events(connection, call(progressToken="mine")) == [
            Notice("notifications/progress", b'{"progressToken":"mine","progress":0.5,"x":[1]}'),
            FINE,
        ]


async def test_list_changes_and_updates_on_the_stream_of_a_call_are_news_for_all() -> None:
    async def talking(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/tools/list_changed", {}))
        seen.event(notification("notifications/resources/updated", {"uri": "a:b"}))
        seen.event(notification("notifications/message", {"level": "info", "data": 1}))
        seen.event(result(seen, text("echo")))
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = talking
        assert await events(connection, call()) == [
            Notice("notifications/message", b'{"level":"info","data":1}'),
            FINE,
        ]
        assert made.inbox == [
            Notice("notifications/tools/list_changed", b"{}"),
            Notice("notifications/resources/updated", b'{"uri":"a:b"}'),
        ]


async def test_answers_to_other_requests_and_nonsense_are_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    async def confused(seen: Seen) -> None:
        seen.sse()
        seen.event(b'{"jsonrpc":"2.0","id":4711,"result":{}}')
        seen.event(b'{"jsonrpc":"2.0","id":"%d","result":{}}' % seen.id)
        seen.event(b'{"jsonrpc":"2.0"}')
        seen.event(result(seen, text("echo")))
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = confused
        with caplog.at_level(logging.WARNING):
            assert await events(connection, call()) == [FINE]
        assert "answered a request that was not asked" in caplog.text


async def test_a_ping_in_the_middle_of_a_call_is_answered_and_nobody_hears_of_it() -> None:
    async def pinging(seen: Seen) -> None:
        seen.sse()
        seen.event(request("p-1", "ping", {}))
        await one.saw("response")
        seen.event(result(seen, text("echo")))
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = pinging
        assert await events(connection, call()) == [FINE]
        pong = await one.saw("response")
        assert pong.message == {"jsonrpc": "2.0", "id": "p-1", "result": {}}
        assert pong.header("mcp-session-id") == "session-1"


async def test_a_question_in_the_middle_of_a_call_is_asked_and_its_answer_brought_back() -> None:
    async def asking(seen: Seen) -> None:
        seen.sse()
        seen.event(request(9, "elicitation/create", {"message": "?"}))
        reply = await one.saw("response")
        seen.event(result(seen, text(reply.message["result"]["action"])))
        seen.end()

    async with upstream() as one, world() as made, connected(one, made, client=ASKABLE) as connection:
        one.on["tools/call"] = asking
        async with aclosing(connection.call(call(client=ASKABLE))) as found:
            ask = await anext(found)
            assert isinstance(ask, Ask)
            assert (ask.method, ask.params) == ("elicitation/create", b'{"message":"?"}')
            await ask.reply(Answer(result=b'{"action":"decline"}'))
            assert await anext(found) == Answer(result=encode(text("decline")))


# Cancellation.


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_call_that_is_closed_early_is_cancelled_at_the_server(streamed: bool) -> None:
    async def slow(seen: Seen) -> None:
        if streamed:
            seen.sse()
        await never(seen)

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = slow
        async with background(events(connection, call())) as calling:
            asked = await one.saw("tools/call")
            assert connection.busy
            calling.cancel()
            told = await one.saw("notifications/cancelled")
        assert told.params["requestId"] == asked.id
        await asked.gone.wait()
        assert not connection.busy


async def test_a_call_that_is_over_is_not_cancelled_and_neither_is_one_that_broke() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        await answer(connection, call())
        one.on["tools/call"] = hang_up
        with pytest.raises(UpstreamBroken):
            await answer(connection, call())
        await connection.notify("notifications/roots/list_changed", b"")
        await one.saw("notifications/roots/list_changed")
        assert not one.all("notifications/cancelled")


async def test_a_call_that_timed_out_is_cancelled_at_the_server() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = never
        with pytest.raises(UpstreamTimeout):
            await answer(connection, call(timeout=0.05))
        assert (await one.saw("notifications/cancelled")).params["requestId"] == one.all("tools/call")[0].id


# Resumption.


def broken_after(*messages: bytes, retry: int = 1, cut: bool = False) -> Handler:
    """A stream that begins with an event id, gives the messages, and ends without an answer."""

    async def handler(seen: Seen) -> None:
        seen.sse()
        seen.event(b"", "e-0", retry)
        for number, message in enumerate(messages, 1):
            seen.event(message, f"e-{number}")
        if cut:
            await seen.wire.writer.drain()
            await hang_up(seen)
        seen.end()

    return handler


LOGGED = notification("notifications/message", {"level": "info", "data": 1})


@pytest.mark.parametrize("cut", [True, False], ids=["cut", "closed"])
async def test_a_stream_that_ends_early_is_resumed_where_it_stood(cut: bool) -> None:
    async def rest(seen: Seen) -> None:
        assert seen.header("last-event-id") == "e-1"
        assert seen.header("mcp-session-id") == "session-1"
        assert seen.header("accept") == "text/event-stream"
        seen.sse()
        seen.event(result(one.all("tools/call")[0], text("echo")), "e-2")
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(LOGGED, cut=cut), rest
        assert await events(connection, call()) == [
            Notice("notifications/message", b'{"level":"info","data":1}'),
            FINE,
        ]
        assert len(one.all("GET")) == 1
        assert not one.all("notifications/cancelled")


async def test_a_server_that_closes_to_be_polled_may_do_so_as_often_as_it_likes() -> None:
    async def poll(seen: Seen) -> None:
        seen.sse()
        count = len(one.all("GET"))
        if count > 2 * RESUMES:
            seen.event(result(one.all("tools/call")[0], text("echo")), "last")
        else:
            seen.event(b"", f"poll-{count}", 1)
        seen.end()

    clock = ManualClock()
    async with upstream() as one, world(clock) as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(), poll
        async with background(events(connection, call(timeout=60.0))) as calling:
            for _ in range(2 * RESUMES + 1):
                await until(lambda: clock.sleeping > 0)
                clock.advance(0.1)
            assert await calling == [FINE]


async def test_a_server_that_is_polled_in_vain_gives_up_the_call() -> None:
    clock = ManualClock()
    async with upstream() as one, world(clock) as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(), always(http(200, b": nothing\n\n", "text/event-stream"))
        async with background(events(connection, call(timeout=60.0))) as calling:
            for _ in range(RESUMES):
                await until(lambda: clock.sleeping > 0)
                clock.advance(0.1)
            with pytest.raises(UpstreamBroken):
                await calling
        assert len(one.all("GET")) == RESUMES


async def test_a_server_that_only_says_that_it_is_still_there_times_out_like_a_silent_one() -> None:
    async def poll(seen: Seen) -> None:
        seen.sse()
        seen.event(b"", f"poll-{len(one.all('GET'))}", 10_000)
        seen.end()

    clock = ManualClock()
    async with upstream() as one, world(clock) as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(retry=10_000), poll
        async with background(events(connection, call(timeout=25.0))) as calling:
            for _ in range(3):
                await until(lambda: clock.sleeping > 0)
                clock.advance(10.0)
            with pytest.raises(UpstreamTimeout, match="it said nothing for 25 s"):
                await calling
            await one.saw("notifications/cancelled")


@pytest.mark.parametrize("refusal", [404, 405, 500])
async def test_a_stream_that_cannot_be_resumed_is_broken(refusal: int) -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(), always(http(refusal))
        with pytest.raises(UpstreamBroken, match="its answer ended before it was complete"):
            await events(connection, call())


async def test_a_stream_without_event_ids_is_not_resumed() -> None:
    async def nameless(seen: Seen) -> None:
        seen.sse()
        seen.event(LOGGED)
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"] = nameless
        with pytest.raises(UpstreamBroken):
            await events(connection, call())
        assert not one.all("GET")


async def test_a_resumed_stream_that_stays_silent_is_a_timeout() -> None:
    async def silent(seen: Seen) -> None:
        seen.sse()
        await never(seen)

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["tools/call"], one.on["GET"] = broken_after(), silent
        with pytest.raises(UpstreamTimeout):
            await events(connection, call(timeout=0.3))


# The server's own stream.


async def test_its_own_stream_brings_news_and_its_questions_there_are_refused() -> None:
    async def own(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/tools/list_changed", {}))
        seen.event(request(5, "roots/list", {}))
        seen.event(request(6, "ping", {}))
        await one.saw("response", 2)
        seen.end()

    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["GET"] = own
        assert await connection.listen() is True
        assert made.inbox == [Notice("notifications/tools/list_changed", b"{}")]
        replies = {seen.message["id"]: seen.message for seen in one.all("response")}
        assert replies[6]["result"] == {}
        assert replies[5]["error"]["code"] == -32601


async def test_a_server_without_an_own_stream_says_so_once() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.on["GET"] = always(http(405))
        assert await connection.listen() is False


async def test_a_session_that_is_forgotten_while_listening_is_renewed() -> None:
    async with upstream() as one, world() as made, connected(one, made) as connection:
        one.sessions.clear()
        assert await connection.listen() is True
        assert one.opened == 2
        assert await answer(connection, call()) == FINE
        assert one.opened == 2
