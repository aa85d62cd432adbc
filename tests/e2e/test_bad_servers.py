"""What a server does wrong: the exact answer its caller gets in both eras, and the next good call works."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.e2e.caller import META, Got, Legacy, encode
from tests.e2e.gateway import InProcess, in_process, manifest_of
from tests.federation.upstreams import (
    Handler,
    Seen,
    Upstream,
    always,
    error,
    hang_up,
    http,
    never,
    notification,
    result,
    text,
    upstream,
)

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "modern"]
ERAS: list[Era] = ["legacy", "modern"]
STDIO = {"command": sys.executable, "args": ["-S", "-E", str(Path(__file__).with_name("stdio_server.py"))]}

both = pytest.mark.parametrize("back", ERAS)


@asynccontextmanager
async def serving(back: Era, folder: Path, **settings: Any) -> AsyncIterator[tuple[InProcess, Upstream]]:
    async with (
        upstream(back) as one,
        in_process(manifest_of({"one": {"url": one.url, **settings}}), folder) as gateway,
    ):
        yield gateway, one


def failure(ident: bytes, message: str, reason: str, *, code: int = -32000, retryable: bool = False) -> bytes:
    """What a caller is told when its server could not answer."""
    data = {"server": "one", "reason": reason, "retryable": retryable}
    said = {"code": code, "message": f"server one: {message}", "data": data}
    return b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (ident, encode(said))


def same(got: Got, status: int, body: bytes) -> None:
    assert (got.status, got.body) == (status, body)
    assert got.headers["content-type"] == "application/json"


async def works(gateway: InProcess, session: Legacy, tool: str = "one__echo") -> None:
    """Both kinds of callers are served again."""
    for got in (await session.tool(tool, {"text": "fine"}), await gateway.modern().tool(tool, {"text": "fine"})):
        assert got.message["result"]["content"] == text("fine")["content"]


# One answer that is wrong. `{origin}` stands for the server's address.


async def garbage(_seen: Seen) -> bytes:
    return http(200, b'{"jsonrpc":')


async def wrong_id(seen: Seen) -> bytes:
    return http(200, b'{"jsonrpc":"2.0","id":%d,"result":{"content":[]}}' % (seen.id + 7))


async def half(seen: Seen) -> None:
    seen.send(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"jsonrpc":"2.0"')
    seen.wire.finish()


async def no_http(seen: Seen) -> None:
    seen.send(b"220 mail.example.com ESMTP\r\n")
    seen.wire.finish()


async def empty_stream(seen: Seen) -> None:
    seen.sse()
    seen.end()


async def garbage_stream(seen: Seen) -> None:
    seen.sse()
    seen.event(b'{"jsonrpc":')
    seen.end()


async def cut_stream(seen: Seen) -> None:
    seen.sse()
    await hang_up(seen)


async def a_number(seen: Seen) -> bytes:
    return http(200, result(seen, 42))


async def null(seen: Seen) -> bytes:
    return http(200, result(seen, None))


async def a_word_as_error(seen: Seen) -> bytes:
    return http(200, b'{"jsonrpc":"2.0","id":%d,"error":"boom"}' % seen.id)


NOT_JSON = "its answer is no JSON-RPC message: the body is not valid JSON: Input data was truncated"
ENDED = "its answer ended before it was complete"
REDIRECTS = "it redirects elsewhere (HTTP {}); put its final address into the manifest"
NO_KIND = "it answered with no content type instead of JSON or an event stream"

FAULTS: dict[str, tuple[Handler, str, str]] = {
    "garbage": (garbage, NOT_JSON, "upstream_invalid"),
    "garbage on a stream": (garbage_stream, NOT_JSON, "upstream_invalid"),
    "the answer to another question": (wrong_id, ENDED, "upstream_broken"),
    "a page": (
        always(http(200, b"<html>hi</html>", "text/html")),
        "it answered with text/html instead of JSON or an event stream",
        "upstream_invalid",
    ),
    "nothing": (always(http(200)), NO_KIND, "upstream_invalid"),
    "accepted": (always(http(202)), NO_KIND, "upstream_invalid"),
    "500": (always(http(500, b"oops", "text/plain")), "it answered HTTP 500", "upstream_invalid"),
    "502 with a page": (always(http(502, b"<h1>", "text/html")), "it answered HTTP 502", "upstream_invalid"),
    "503 with garbage": (always(http(503, b"{")), "it answered HTTP 503", "upstream_invalid"),
    "429": (always(http(429, extra=b"retry-after: 5\r\n")), "it answered HTTP 429", "upstream_invalid"),
    "401": (
        always(http(401, extra=b'www-authenticate: Bearer realm="inner"\r\n')),
        "it refuses the gateway's credentials (HTTP 401); set its headers in the manifest",
        "upstream_denied",
    ),
    "403": (
        always(http(403)),
        "it refuses the gateway's credentials (HTTP 403); set its headers in the manifest",
        "upstream_denied",
    ),
    "302": (
        always(http(302, b"<a>", "text/html", b"location: http://169.254.169.254/\r\n")),
        REDIRECTS.format(302),
        "upstream_invalid",
    ),
    "307": (always(http(307, extra=b"location: /elsewhere\r\n")), REDIRECTS.format(307), "upstream_invalid"),
    "308": (always(http(308, extra=b"location: /elsewhere\r\n")), REDIRECTS.format(308), "upstream_invalid"),
    "an end before the answer": (hang_up, "{origin} closed the connection before it answered", "upstream_broken"),
    "half an answer": (half, "{origin} closed the connection in the middle of its answer", "upstream_broken"),
    "another protocol": (
        no_http,
        "{origin} answered with malformed HTTP (Expected HTTP/, RTSP/ or ICE/)",
        "upstream_invalid",
    ),
    "a stream without an answer": (empty_stream, ENDED, "upstream_broken"),
    "a stream that is cut": (
        cut_stream,
        "{origin} closed the connection in the middle of its answer",
        "upstream_broken",
    ),
    "a number as result": (a_number, "the answer's result is no object", "upstream_invalid"),
    "null as result": (null, "the answer's result is no object", "upstream_invalid"),
    "a word as error": (a_word_as_error, "the answer's error is no error object", "upstream_invalid"),
}


@both
@pytest.mark.parametrize("name", FAULTS)
async def test_a_wrong_answer_becomes_a_clear_error_and_the_next_call_works(
    name: str, back: Era, tmp_path: Path
) -> None:
    handler, message, reason = FAULTS[name]
    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        message = message.format(origin=f"http://127.0.0.1:{one.port}")
        one.on["tools/call"] = handler
        same(await session.tool("one__echo", {}, 5), 200, failure(b"5", message, reason))
        same(await gateway.modern().tool("one__echo", {}, 5), 200, failure(b"5", message, reason))
        del one.on["tools/call"]
        await works(gateway, session)
        assert gateway.gateway.hub.servers["one"].state == "ready"


@both
async def test_a_broken_call_is_sent_once_because_it_may_have_been_executed(back: Era, tmp_path: Path) -> None:
    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = hang_up
        await session.tool("one__echo")
        assert len(one.all("tools/call")) == 1


# Errors of its own.


async def own(seen: Seen) -> bytes:
    said = {"code": -32055, "message": "mine", "data": {"x": [1]}, "more": True}
    return http(200, b'{"jsonrpc":"2.0","id":%d,"error":%b}' % (seen.id, encode(said)))


@both
async def test_an_error_of_the_server_itself_arrives_as_it_is(back: Era, tmp_path: Path) -> None:
    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = own
        said = b'{"jsonrpc":"2.0","id":5,"error":{"code":-32055,"message":"mine","data":{"x":[1]},"more":true}}'
        same(await session.tool("one__echo", {}, 5), 200, said)
        same(await gateway.modern().tool("one__echo", {}, 5), 200, said)
        del one.on["tools/call"]
        await works(gateway, session)


@both
@pytest.mark.parametrize(("sent", "code", "status"), [(400, -32602, 400), (404, -32601, 404), (503, -32050, 200)])
async def test_an_error_of_the_server_with_an_error_status_arrives_with_the_status_of_its_code(
    sent: int, code: int, status: int, back: Era, tmp_path: Path
) -> None:
    async def answer(seen: Seen) -> bytes:
        return http(sent, error(seen, code, "no"))

    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = answer
        said = b'{"jsonrpc":"2.0","id":5,"error":{"code":%d,"message":"no"}}' % code
        same(await session.tool("one__echo", {}, 5), 200, said)
        same(await gateway.modern().tool("one__echo", {}, 5), status, said)
        del one.on["tools/call"]
        await works(gateway, session)


@both
async def test_a_result_beside_a_null_error_counts(back: Era, tmp_path: Path) -> None:
    async def sloppy(seen: Seen) -> bytes:
        return http(200, b'{"jsonrpc":"2.0","id":%d,"result":%b,"error":null}' % (seen.id, encode(text("fine"))))

    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = sloppy
        await works(gateway, session)


@both
async def test_what_came_before_the_end_of_a_stream_is_delivered_before_the_error(back: Era, tmp_path: Path) -> None:
    async def cut(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/message", {"level": "info", "data": "so far"}))
        await seen.wire.writer.drain()
        await hang_up(seen)

    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = cut
        message = f"http://127.0.0.1:{one.port} closed the connection in the middle of its answer"
        said = [
            b'{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"so far"}}',
            failure(b"5", message, "upstream_broken"),
        ]
        assert (await session.tool("one__echo", {}, 5)).events == said
        assert (await gateway.modern().tool("one__echo", {}, 5, **{META + "logLevel": "info"})).events == said
        del one.on["tools/call"]
        await works(gateway, session)


# Silence.


async def silent_stream(seen: Seen) -> None:
    seen.sse()
    await never(seen)


SILENCES = {
    "no answer": (never, "did not answer in time"),
    "a stream without a word": (silent_stream, "stopped in the middle of its answer"),
}


@both
@pytest.mark.parametrize("name", SILENCES)
async def test_a_server_that_never_answers_is_a_timeout_after_the_time_in_the_manifest(
    name: str, back: Era, tmp_path: Path
) -> None:
    handler, words = SILENCES[name]
    async with serving(back, tmp_path, timeout="200ms") as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = handler
        message = f"http://127.0.0.1:{one.port} {words}"
        expected = failure(b"5", message, "upstream_timeout", code=-32001)
        same(await session.tool("one__echo", {}, 5), 200, expected)
        same(await gateway.modern().tool("one__echo", {}, 5), 200, expected)
        del one.on["tools/call"]
        await works(gateway, session)


async def test_a_server_whose_call_timed_out_is_told_that_nobody_waits_any_more(tmp_path: Path) -> None:
    async with serving("legacy", tmp_path, timeout="200ms") as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = never
        await session.tool("one__echo")
        asked, told = await one.saw("tools/call"), await one.saw("notifications/cancelled")
        assert told.params["requestId"] == asked.id
        assert told.header("mcp-session-id") == asked.header("mcp-session-id")


# Size.


def big_json(size: int) -> Handler:
    async def answer(seen: Seen) -> bytes:
        return http(200, result(seen, text("x" * size)))

    return answer


def big_stream(size: int) -> Handler:
    async def answer(seen: Seen) -> None:
        seen.sse()
        seen.event(notification("notifications/message", {"level": "info", "data": "large"}))
        seen.event(result(seen, text("x" * size)))
        seen.end()

    return answer


SIZES: dict[str, tuple[Callable[[int], Handler], int]] = {
    "2 MB as JSON": (big_json, 2_000_000),
    "2 MB on a stream": (big_stream, 2_000_000),
    "10 MB on a stream": (big_stream, 10_000_000),
}


@both
@pytest.mark.parametrize("name", SIZES)
async def test_a_large_result_arrives_whole(name: str, back: Era, tmp_path: Path) -> None:
    make, size = SIZES[name]
    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = make(size)
        for got in (await session.tool("one__echo"), await gateway.modern().tool("one__echo")):
            assert got.status == 200
            assert got.message["result"]["content"][0]["text"] == "x" * size
        del one.on["tools/call"]
        await works(gateway, session)


# Lists.


@both
async def test_a_storm_of_list_changes_is_a_handful_of_listings(back: Era, tmp_path: Path) -> None:
    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        await one.listening()
        before = len(one.all("tools/list"))
        async with session.listen() as news:
            one.tools = [*one.tools, {"name": "late", "inputSchema": {"type": "object"}}]
            for _ in range(1000):
                one.announce("notifications/tools/list_changed")
            assert (await news.message())["method"] == "notifications/tools/list_changed"
        assert "one__late" in await session.tools()
        assert len(one.all("tools/list")) - before <= 3
        await works(gateway, session)


@both
async def test_a_list_change_on_the_stream_of_a_call_is_heard_too(back: Era, tmp_path: Path) -> None:
    async def changing(seen: Seen) -> None:
        one.tools = [*one.tools, {"name": "late", "inputSchema": {"type": "object"}}]
        seen.sse()
        seen.event(notification("notifications/tools/list_changed", {}))
        seen.event(result(seen, {**text("changed"), "resultType": "complete"}))
        seen.end()

    async with serving(back, tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = changing
        async with session.listen() as news:
            got = await session.tool("one__echo")
            assert got.message["result"]["content"] == text("changed")["content"]
            assert (await news.message())["method"] == "notifications/tools/list_changed"
        assert "one__late" in await session.tools()


@both
@pytest.mark.parametrize("how", ["a new cursor each time", "the same cursor"])
async def test_an_endless_chain_of_pages_ends_and_the_other_servers_are_served(
    how: str, back: Era, tmp_path: Path
) -> None:
    async def page(seen: Seen) -> bytes:
        number = len(one.all("tools/list")) if how == "a new cursor each time" else 1
        tool = {"name": f"t{number}", "inputSchema": {}}
        return http(200, result(seen, {"tools": [tool], "nextCursor": str(number), "resultType": "complete"}))

    async with upstream(back) as one, upstream(back) as two:
        one.on["tools/list"] = page
        manifest = manifest_of({"two": {"url": two.url}, "one": {"url": one.url}})
        async with in_process(manifest, tmp_path) as gateway:
            session = await gateway.legacy()
            assert await session.tools() == ["two__echo"]
            entry = await gateway.server("one", lambda entry: entry["state"] == "down")
            assert "does not come to an end of tools/list" in entry["reason"]
            await works(gateway, session, "two__echo")


# Processes.


@asynccontextmanager
async def process(folder: Path, **settings: Any) -> AsyncIterator[InProcess]:
    async with in_process(manifest_of({"one": {**STDIO, **settings}}), folder) as gateway:
        assert gateway.gateway.hub.servers["one"].state == "ready"
        yield gateway


async def test_a_process_that_dies_in_a_call_is_one_error_with_its_last_words_and_comes_back(tmp_path: Path) -> None:
    async with process(tmp_path) as gateway:
        session = await gateway.legacy()
        message = "it exited with code 3; its last words: cannot go on"
        same(await session.tool("one__die", {}, 5), 200, failure(b"5", message, "upstream_broken"))
        refused = await session.tool("one__echo", {}, 6)
        same(refused, 200, failure(b"6", f"it is degraded: {message}", "upstream_refused", retryable=True))
        assert "one__echo" in await session.tools()
        await gateway.server("one", lambda entry: entry["state"] == "ready")
        await works(gateway, session)
        same(await gateway.modern().tool("one__die", {}, 5), 200, failure(b"5", message, "upstream_broken"))


async def test_a_process_that_writes_garbage_or_another_id_is_a_timeout(tmp_path: Path) -> None:
    async with process(tmp_path, timeout="300ms") as gateway:
        session = await gateway.legacy()
        expected = failure(b"5", "it said nothing for 0.3 s", "upstream_timeout", code=-32001)
        for tool in ("one__garbage", "one__wrong_id", "one__never"):
            same(await session.tool(tool, {}, 5), 200, expected)
        same(await gateway.modern().tool("one__never", {}, 5), 200, expected)
        await works(gateway, session)


async def test_a_process_is_told_that_nobody_waits_any_more(tmp_path: Path) -> None:
    async with process(tmp_path, timeout="300ms") as gateway:
        session = await gateway.legacy()
        await session.tool("one__never")
        told = await session.tool("one__cancellations")
        assert len(told.message["result"]["content"][0]["text"].strip("[]").split(",")) == 1
        assert told.message["result"] != text("[]")


async def test_noise_on_standard_output_is_skipped(tmp_path: Path) -> None:
    async with process(tmp_path) as gateway:
        session = await gateway.legacy()
        assert (await session.tool("one__noise")).message["result"] == text("after the noise")
        await works(gateway, session)


async def test_a_large_result_of_a_process_arrives_whole(tmp_path: Path) -> None:
    async with process(tmp_path) as gateway:
        session = await gateway.legacy()
        for got in (
            await session.tool("one__big", {"size": 2_000_000}),
            await gateway.modern().tool("one__big", {"size": 2_000_000}),
        ):
            assert got.message["result"]["content"][0]["text"] == "x" * 2_000_000
        await works(gateway, session)
