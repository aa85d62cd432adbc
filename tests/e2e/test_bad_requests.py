"""What a client does wrong: the exact answer on the wire in both eras, and the next good call works."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.caller import JSON_POST, META, MODERN, Caller, Got, Headers, Legacy, Modern, encode, request
from tests.e2e.gateway import InProcess, in_process, manifest_of, until
from tests.federation.upstreams import Upstream, notification, result, text, upstream

pytestmark = pytest.mark.anyio

LIST = {"mcp-protocol-version": MODERN, "mcp-method": "tools/list"}
ECHO_CALL = {"mcp-protocol-version": MODERN, "mcp-method": "tools/call", "mcp-name": "one__echo"}
KEYS = {"keys": [{"id": "alice", "key": "key-of-alice-0001"}, {"id": "bob", "key": "key-of-bob-000001"}]}
SUPPORTED = b'["2024-11-05","2025-03-26","2025-06-18","2025-11-25","2026-07-28"]'


@asynccontextmanager
async def serving(folder: Path, **sections: Any) -> AsyncIterator[tuple[InProcess, Upstream]]:
    async with (
        upstream() as one,
        in_process(manifest_of({"one": {"url": one.url}}, **sections), folder) as gateway,
    ):
        yield gateway, one


def refusal(ident: bytes, code: int, message: str, data: bytes = b"") -> bytes:
    more = b',"data":' + data if data else b""
    return b'{"jsonrpc":"2.0","id":%b,"error":{"code":%d,"message":%b%b}}' % (ident, code, encode(message), more)


async def works(session: Legacy, caller: Caller) -> None:
    """The session still stands, and callers of both eras are served."""
    said = text("still here")
    assert (await session.tool("one__echo", {"text": "still here"})).message["result"] == said
    modern = (await Modern(caller).tool("one__echo", {"text": "still here"})).message["result"]
    assert modern == {**said, "resultType": "complete"}


def same(got: Got, status: int, body: bytes) -> None:
    assert (got.status, got.body) == (status, body)
    assert got.headers["content-type"] == "application/json"
    assert got.headers["x-fedgate-request-id"]


# Bodies that are no message: both eras answer alike.

SHAPE = 'not a JSON-RPC 2.0 message: "jsonrpc" must be "2.0" and "method" a name'
NO_ID = "the id must be a string or an integer"
BODIES = {
    "truncated JSON": (b'{"jsonrpc"', b"null", -32700, "the body is not valid JSON: Input data was truncated"),
    "nothing": (b"", b"null", -32700, "the body is not valid JSON: Input data was truncated"),
    "a number": (b"42", b"null", -32600, "not a JSON-RPC message: Expected `object`, got `int`"),
    "a string": (b'"x"', b"null", -32600, "not a JSON-RPC message: Expected `object`, got `str`"),
    "no UTF-8": (
        b'{"jsonrpc":"2.0","id":1,"method":"\xff"}',
        b"null",
        -32700,
        "the body is not UTF-8: invalid start byte",
    ),
    "no method": (b'{"jsonrpc":"2.0","id":7}', b"7", -32600, SHAPE),
    "another JSON-RPC": (b'{"jsonrpc":"1.0","id":7,"method":"ping"}', b"7", -32600, SHAPE),
    "a null id": (b'{"jsonrpc":"2.0","id":null,"method":"tools/list"}', b"null", -32600, NO_ID),
    "a fractional id": (b'{"jsonrpc":"2.0","id":1.5,"method":"tools/list"}', b"null", -32600, NO_ID),
    "an object as id": (b'{"jsonrpc":"2.0","id":{},"method":"tools/list"}', b"null", -32600, NO_ID),
    "positional params": (
        b'{"jsonrpc":"2.0","id":"a","method":"tools/list","params":[1]}',
        b'"a"',
        -32602,
        "params must be an object",
    ),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_body_that_is_no_message_is_refused_alike_in_both_eras(name: str, tmp_path: Path) -> None:
    body, ident, code, message = BODIES[name]
    async with serving(tmp_path) as (gateway, one):
        session = await gateway.legacy()
        same(await session.send(body), 400, refusal(ident, code, message))
        same(await gateway.caller.post(body, LIST), 400, refusal(ident, code, message))
        await works(session, gateway.caller)
        assert len(one.all("tools/call")) == 2


async def test_json_nested_without_end_does_not_hurt(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        deep = b'{"jsonrpc":"2.0","id":5,"method":"tools/call","params":' + b'{"a":' * 100_000
        got = await session.send(deep)
        assert got.status == 400
        assert got.message["error"]["code"] == -32700
        await works(session, gateway.caller)


async def test_two_ids_in_one_message_are_refused_because_readers_differ_on_which_counts(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        got = await session.send(b'{"jsonrpc":"2.0","id":7,"id":8,"method":"ping"}')
        assert got.status == 400
        assert got.message["error"]["code"] == -32600
        await works(session, gateway.caller)


# Headers of a POST.

HEADERS: dict[str, tuple[Headers, int, str]] = {
    "text as content type": (
        {"content-type": "text/plain"},
        415,
        "send the message with Content-Type: application/json",
    ),
    "no content type": ({"content-type": ""}, 415, "send the message with Content-Type: application/json"),
    "Accept without event streams": (
        {"accept": "application/json"},
        406,
        "send Accept: application/json, text/event-stream; the answer may be either",
    ),
    "Accept without JSON": (
        {"accept": "text/event-stream"},
        406,
        "send Accept: application/json, text/event-stream; the answer may be either",
    ),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_a_post_with_the_wrong_headers_is_told_which_are_right(name: str, tmp_path: Path) -> None:
    headers, status, message = HEADERS[name]
    async with serving(tmp_path) as (gateway, _):
        session, caller = await gateway.legacy(), gateway.caller
        expected = refusal(b"null", -32600, message)
        same(await caller.send("POST", {**session.head, **headers}, request(1, "ping")), status, expected)
        same(await caller.send("POST", {**JSON_POST, **LIST, **headers}, request(1, "tools/list")), status, expected)
        await works(session, caller)


async def test_a_post_without_accept_is_406(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        head = {name: value for name, value in session.head.items() if name != "accept"}
        expected = refusal(
            b"null", -32600, "send Accept: application/json, text/event-stream; the answer may be either"
        )
        same(await gateway.caller.send("POST", head, request(1, "ping")), 406, expected)
        await works(session, gateway.caller)


@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
async def test_a_body_beyond_the_limit_is_413(chunked: bool, tmp_path: Path) -> None:
    async with serving(tmp_path, gateway={"max_body": "10KiB"}) as (gateway, _):
        session, caller = await gateway.legacy(), gateway.caller
        big = request(1, "tools/call", {"name": "one__echo", "arguments": {"text": "x" * 20_000}})
        body: bytes | list[bytes] = [big[:8000], big[8000:]] if chunked else big
        expected = refusal(b"null", -32600, "the body is larger than 10240 bytes (gateway.max_body)")
        same(await caller.send("POST", session.head, body), 413, expected)
        same(await caller.send("POST", {**JSON_POST, **ECHO_CALL}, body), 413, expected)
        await works(session, caller)


async def test_a_body_of_exactly_the_limit_is_served(tmp_path: Path) -> None:
    async with serving(tmp_path, gateway={"max_body": "10KiB"}) as (gateway, _):
        session = await gateway.legacy()
        frame = len(request(1, "tools/call", {"name": "one__echo", "arguments": {"text": ""}}))
        got = await session.tool("one__echo", {"text": "x" * (10 * 1024 - frame)}, 1)
        assert got.status == 200
        assert "result" in got.message


@pytest.mark.parametrize(
    ("verb", "version", "allow"),
    [
        ("PUT", "2025-11-25", "GET, POST, DELETE"),
        ("PATCH", MODERN, "POST"),
        ("GET", MODERN, "POST"),
        ("DELETE", MODERN, "POST"),
    ],
)
async def test_other_http_methods_are_405_with_what_is_allowed(
    verb: str, version: str, allow: str, tmp_path: Path
) -> None:
    async with serving(tmp_path) as (gateway, _):
        got = await gateway.caller.send(verb, {"mcp-protocol-version": version, "accept": "text/event-stream"})
        same(got, 405, refusal(b"null", -32600, f"{verb} is not allowed here; send MCP messages by POST"))
        assert got.headers["allow"] == allow


# Methods, names, parameters: legacy answers with 200, modern with the status of the code.

ASKS: dict[str, tuple[str, dict[str, Any], int, str, int]] = {
    "unknown method": ("no/such", {}, -32601, "Method not found: no/such", 404),
    "unknown tool": ("tools/call", {"name": "nope"}, -32602, "Unknown tool: nope", 400),
    "tool of no server": ("tools/call", {"name": "two__echo"}, -32602, "Unknown tool: two__echo", 400),
    "its own name without prefix": ("tools/call", {"name": "echo"}, -32602, "Unknown tool: echo", 400),
    "tool without a name": ("tools/call", {}, -32602, "params.name must be a string", 400),
    "unknown prompt": ("prompts/get", {"name": "x"}, -32602, "Unknown prompt: x", 400),
    "foreign cursor": ("tools/list", {"cursor": "x"}, -32602, "params.cursor was not given by this gateway", 400),
}


@pytest.mark.parametrize("name", ASKS)
async def test_what_is_unknown_is_answered_in_the_words_of_its_era(name: str, tmp_path: Path) -> None:
    method, params, code, message, status = ASKS[name]
    async with serving(tmp_path) as (gateway, one):
        session, modern = await gateway.legacy(), gateway.modern()
        same(await session.call(method, params, 5), 200, refusal(b"5", code, message))
        same(await modern.call(method, params, 5), status, refusal(b"5", code, message))
        assert not one.all("tools/call")
        await works(session, gateway.caller)


async def test_an_unknown_resource_has_the_code_of_each_era(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session, modern = await gateway.legacy(), gateway.modern()
        data = b'{"uri":"x:y"}'
        got = await session.call("resources/read", {"uri": "x:y"}, 5)
        same(got, 200, refusal(b"5", -32002, "Resource not found: x:y", data))
        got = await modern.call("resources/read", {"uri": "x:y"}, 5)
        same(got, 400, refusal(b"5", -32602, "Resource not found: x:y", data))
        await works(session, gateway.caller)


async def test_each_era_does_not_know_the_methods_of_the_other(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session, modern = await gateway.legacy(), gateway.modern()
        for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe"):
            same(await modern.call(method, {"uri": "x"}), 404, refusal(b"1", -32601, f"Method not found: {method}"))
        for method in ("server/discover", "subscriptions/listen"):
            got = await session.call(method, {"notifications": {}}, 5)
            same(got, 200, refusal(b"5", -32601, f"Method not found: {method}"))
        await works(session, gateway.caller)


# Sessions.


async def test_an_unknown_a_foreign_and_an_ended_session_look_exactly_alike(tmp_path: Path) -> None:
    async with serving(tmp_path, access=KEYS) as (gateway, _):
        alice, bob = gateway.by("key-of-alice-0001"), gateway.by("key-of-bob-000001")
        session, ended = await Legacy.open(alice), await Legacy.open(alice)
        assert (await alice.send("DELETE", ended.head)).status == 204
        unknown = {**session.head, "mcp-session-id": "x" * 43}
        ping = request(9, "ping")
        answers = [
            await bob.send("POST", session.head, ping),
            await alice.send("POST", unknown, ping),
            await alice.send("POST", ended.head, ping),
            await gateway.by("key-of-alice-0001", "one").send("POST", session.head, ping),
        ]
        expected = refusal(b"9", -32600, "Session not found; send initialize to open a new one")
        for got in answers:
            same(got, 404, expected)
            assert _comparable(got) == _comparable(answers[0])
        await works(session, alice)


@pytest.mark.parametrize("verb", ["GET", "DELETE"])
async def test_streams_and_ends_of_foreign_sessions_are_not_found_either(verb: str, tmp_path: Path) -> None:
    async with serving(tmp_path, access=KEYS) as (gateway, _):
        alice, bob = gateway.by("key-of-alice-0001"), gateway.by("key-of-bob-000001")
        session = await Legacy.open(alice)
        head = {**session.head, "accept": "text/event-stream"}
        foreign = await bob.send(verb, head)
        unknown = await alice.send(verb, {**head, "mcp-session-id": "x" * 43})
        same(foreign, 404, refusal(b"null", -32600, "Session not found; send initialize to open a new one"))
        assert _comparable(foreign) == _comparable(unknown)
        await works(session, alice)


def _comparable(got: Got) -> tuple[int, dict[str, str], bytes]:
    """All but what differs between any two answers."""
    return got.status, {k: v for k, v in got.headers.items() if k not in ("date", "x-fedgate-request-id")}, got.body


@pytest.mark.parametrize("verb", ["POST", "GET", "DELETE"])
async def test_a_missing_session_id_is_400_and_says_what_to_do(verb: str, tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        body = request(9, "tools/list") if verb == "POST" else b""
        got = await gateway.caller.send(verb, {**JSON_POST, "mcp-protocol-version": "2025-11-25"}, body)
        ident = b"9" if verb == "POST" else b"null"
        same(got, 400, refusal(ident, -32600, "the header Mcp-Session-Id is missing; send initialize first"))
        await works(session, gateway.caller)


async def test_an_id_that_is_in_use_is_refused_and_the_first_call_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        session = await gateway.legacy()
        one.on["tools/call"] = _two_steps
        async with session.stream(request("same", "tools/call", {"name": "one__echo"})) as first:
            assert (await first.message())["method"] == "notifications/message"
            got = await session.tool("one__echo", {}, "same")
            expected = refusal(b'"same"', -32600, "a request with this id is still under way in this session")
            same(got, 200, expected)
            (await one.saw("tools/call")).gone.set()
            assert (await first.message())["result"] == text("done")
        del one.on["tools/call"]
        await works(session, gateway.caller)


async def _two_steps(seen: Any) -> None:
    seen.sse()
    seen.event(notification("notifications/message", {"level": "info", "data": "begun"}))
    await seen.gone.wait()
    seen.event(result(seen, text("done")))
    seen.end()


async def test_modern_callers_may_use_the_same_id_at_the_same_time(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        one.on["tools/call"] = _two_steps
        modern = gateway.modern()
        logs = {META + "logLevel": "info"}

        def call() -> Any:
            return modern.stream("tools/call", {"name": "one__echo"}, 1, **logs)

        async with call() as first, call() as second:
            for count, exchange in enumerate((first, second), 1):
                (await one.saw("tools/call", count)).gone.set()
                assert (await exchange.message())["method"] == "notifications/message"
                assert (await exchange.message())["result"]["content"] == text("done")["content"]


# Headers against bodies (2026-07-28).

MISMATCHES: dict[str, tuple[Headers, str]] = {
    "no version": ({"mcp-method": "tools/call", "mcp-name": "one__echo"}, "MCP-Protocol-Version is missing"),
    "no method": ({"mcp-protocol-version": MODERN, "mcp-name": "one__echo"}, "Mcp-Method is missing"),
    "no name": ({"mcp-protocol-version": MODERN, "mcp-method": "tools/call"}, "Mcp-Name is missing"),
    "another method": ({**ECHO_CALL, "mcp-method": "tools/list"}, "Mcp-Method does not equal what the body says"),
    "another name": ({**ECHO_CALL, "mcp-name": "one__rm"}, "Mcp-Name does not equal what the body says"),
    "a broken name": ({**ECHO_CALL, "mcp-name": "=?base64?!?="}, "Mcp-Name does not equal what the body says"),
    "another version": (
        {**ECHO_CALL, "mcp-protocol-version": "2099-01-01"},
        "MCP-Protocol-Version does not equal what the body says",
    ),
}


@pytest.mark.parametrize("name", MISMATCHES)
async def test_headers_that_contradict_the_body_are_32020(name: str, tmp_path: Path) -> None:
    headers, message = MISMATCHES[name]
    async with serving(tmp_path) as (gateway, one):
        session = await gateway.legacy()
        body = gateway.modern().body("tools/call", {"name": "one__echo"}, 4)
        same(await gateway.caller.post(body, headers), 400, refusal(b"4", -32020, f"the header {message}"))
        assert not one.all("tools/call")
        await works(session, gateway.caller)


async def test_a_name_in_base64_is_the_same_name(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        body = gateway.modern().body("tools/call", {"name": "one__echo"}, 4)
        got = await gateway.caller.post(body, {**ECHO_CALL, "mcp-name": "=?base64?b25lX19lY2hv?="})
        assert got.status == 200


ENVELOPES = {
    "none": ({}, f"params._meta lacks {META}protocolVersion and {META}clientCapabilities"),
    "no capabilities": ({META + "protocolVersion": MODERN}, f"params._meta lacks {META}clientCapabilities"),
    "a number as version": (
        {META + "protocolVersion": 1, META + "clientCapabilities": {}},
        "params._meta has a protocol field of the wrong type",
    ),
    "a list of capabilities": (
        {META + "protocolVersion": MODERN, META + "clientCapabilities": []},
        "params._meta has a protocol field of the wrong type",
    ),
}


@pytest.mark.parametrize("name", ENVELOPES)
async def test_an_incomplete_envelope_is_32602(name: str, tmp_path: Path) -> None:
    meta, message = ENVELOPES[name]
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        body = request(4, "tools/list", {"_meta": meta})
        same(await gateway.caller.post(body, LIST), 400, refusal(b"4", -32602, message))
        await works(session, gateway.caller)


# Versions.


async def test_an_unsupported_version_in_an_envelope_is_32022_with_those_that_are(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        body = gateway.modern().body("tools/list", {}, 4).replace(MODERN.encode(), b"2099-01-01")
        data = b'{"supported":%b,"requested":"2099-01-01"}' % SUPPORTED
        got = await gateway.caller.post(body, {**LIST, "mcp-protocol-version": "2099-01-01"})
        same(got, 400, refusal(b"4", -32022, "Unsupported protocol version", data))
        await works(session, gateway.caller)


async def test_an_unsupported_version_header_in_a_session_is_400_with_those_that_are(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        data = b'{"supported":%b,"requested":"1999-01-01"}' % SUPPORTED
        got = await gateway.caller.send(
            "POST", {**session.head, "mcp-protocol-version": "1999-01-01"}, request(4, "tools/list")
        )
        same(got, 400, refusal(b"4", -32022, "Unsupported protocol version", data))
        await works(session, gateway.caller)


async def test_initialize_with_an_unknown_version_is_answered_with_the_latest_legacy_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy("1999-01-01")
        assert session.greeting["protocolVersion"] == "2025-11-25"
        session.version = "2025-11-25"
        await works(session, gateway.caller)


async def test_initialize_without_a_version_is_32602_and_opens_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        got = await gateway.caller.post(request(1, "initialize", {}))
        same(got, 200, refusal(b"1", -32602, "params.protocolVersion must be a string"))
        assert "mcp-session-id" not in got.headers
        assert len(gateway.gateway.sessions) == 0


# Batches.


@pytest.mark.parametrize("version", ["2025-06-18", "2025-11-25"])
async def test_a_batch_in_a_revision_without_batches_is_refused(version: str, tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy(version)
        got = await session.send(b"[" + request(7, "tools/list") + b"]")
        same(got, 400, refusal(b"null", -32600, f"MCP {version} has no batches; send one message"))
        await works(session, gateway.caller)


async def test_a_batch_in_the_modern_era_is_refused(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        got = await gateway.caller.post(b"[" + gateway.modern().body("tools/list") + b"]", LIST)
        message = "the body must be a single JSON-RPC request or notification"
        same(got, 400, refusal(b"null", -32600, message))


@pytest.mark.parametrize("version", ["2025-03-26", "2025-11-25"])
async def test_an_empty_batch_is_refused(version: str, tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy(version)
        same(await session.send(b"[]"), 400, refusal(b"null", -32600, "the batch is empty"))
        await works(session, gateway.caller)


async def test_every_request_of_a_batch_gets_its_own_answer_good_or_bad(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy("2025-03-26")
        batch = [
            request(1, "tools/call", {"name": "one__echo", "arguments": {"text": "a"}}),
            request(2, "tools/call", {"name": "nope"}),
            b'{"jsonrpc":"2.0","method":"notifications/progress","params":{}}',
            request(3, "no/such"),
            b'{"jsonrpc":"1.0","id":4,"method":"ping"}',
            b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
            request("5", "ping"),
        ]
        got = await session.send(b"[" + b",".join(batch) + b"]")
        assert got.status == 200
        assert sorted(got.events) == sorted(
            [
                b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"a"}]}}',
                refusal(b"2", -32602, "Unknown tool: nope"),
                refusal(b"3", -32601, "Method not found: no/such"),
                refusal(b"4", -32600, SHAPE),
                refusal(b"null", -32600, NO_ID),
                b'{"jsonrpc":"2.0","id":"5","result":{}}',
            ]
        )
        await works(session, gateway.caller)


async def test_initialize_in_a_batch_is_refused_and_opens_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy("2025-03-26")
        params = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        got = await session.send(b"[" + request(1, "initialize", params) + b"]")
        assert b'"error":{"code":-32600' in got.body
        assert len(gateway.gateway.sessions) == 1
        await works(session, gateway.caller)


# Responses nobody asked for, and the way to a place that is none.


async def test_a_response_to_no_question_is_dropped_by_a_session_and_refused_without_one(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        response = b'{"jsonrpc":"2.0","id":"zz","result":{}}'
        got = await session.send(response)
        assert (got.status, got.body) == (202, b"")
        message = "the body must be a single JSON-RPC request or notification"
        same(await gateway.caller.post(response, LIST), 400, refusal(b'"zz"', -32600, message))
        await works(session, gateway.caller)


async def test_a_view_that_does_not_exist_is_404_with_those_that_do(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        got = await gateway.at("nope").post(request(1, "ping"))
        same(got, 404, refusal(b"null", -32600, "there is no MCP server or profile 'nope' here; there are: one"))


async def test_without_a_key_the_answer_is_401_and_the_body_is_not_even_read(tmp_path: Path) -> None:
    async with serving(tmp_path, access=KEYS) as (gateway, _):
        async with gateway.caller.open("POST", {**JSON_POST, "content-length": "1000000"}, b"{") as exchange:
            assert exchange.status == 401
            assert exchange.headers["www-authenticate"] == 'Bearer realm="fedgate"'
        await works(await Legacy.open(gateway.by("key-of-bob-000001")), gateway.by("key-of-bob-000001"))


async def test_a_second_reader_of_a_stream_is_409(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        async with session.listen() as first:
            assert first.status == 200
            got = await gateway.caller.send("GET", {**session.head, "accept": "text/event-stream"})
            same(got, 409, refusal(b"null", -32600, "this stream is being read by another connection"))
        await works(session, gateway.caller)


async def test_an_unknown_last_event_id_is_400(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _):
        session = await gateway.legacy()
        head = {**session.head, "accept": "text/event-stream"}
        for event_id in ("77.1", "nonsense", "0.99999999999999999", ""):
            got = await gateway.caller.send("GET", {**head, "last-event-id": event_id})
            same(got, 400, refusal(b"null", -32600, "there is no stream with this Last-Event-ID any more"))
        await works(session, gateway.caller)


async def test_a_client_that_leaves_in_the_middle_of_its_body_leaves_nothing_behind(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        session = await gateway.legacy()
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = "".join(f"{name}: {value}\r\n" for name, value in session.head.items())
        writer.write(f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}content-length: 99\r\n\r\n{{".encode())
        await writer.drain()
        await until(lambda: gateway.gateway.statistics()["calls"] == 1)
        writer.close()
        await writer.wait_closed()
        await until(lambda: gateway.gateway.statistics()["calls"] == 0)
        assert not one.all("tools/call")
        await works(session, gateway.caller)
