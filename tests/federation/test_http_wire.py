import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.federation.http_wire import NEWS, Cursor, Denied
from tests.federation.connections import World, world
from tests.federation.upstreams import Upstream, always, http, upstream

pytestmark = pytest.mark.anyio

PING = b'{"jsonrpc":"2.0","id":1,"method":"ping"}'
PONG = b'{"jsonrpc":"2.0","id":1,"result":{}}'
TWO = b'[{"jsonrpc":"2.0","id":1,"result":{}},{"jsonrpc":"2.0","method":"notifications/x"}]'


async def methods(made: World, one: Upstream, cursor: Cursor | None = None) -> list[str | None]:
    """What kinds of messages the answer to a POST brings; `None` for responses."""
    wire = made.wire(one)
    response = await wire.post(PING, (), 5.0)
    return [message.method async for message in wire.messages(response, cursor or Cursor())]


async def test_a_post_carries_the_transport_headers_and_those_of_the_manifest() -> None:
    async with upstream() as one, world() as made:
        one.on["ping"] = always(http(200, PONG))
        wire = made.wire(one, authorization="Bearer of-the-manifest")
        response = await wire.post(PING, ((b"mcp-session-id", b"s"),), 5.0)
        assert await wire.whole(response) is not None
        (seen,) = one.all("ping")
        assert seen.header("content-type") == "application/json"
        assert seen.header("accept") == "application/json, text/event-stream"
        assert seen.header("authorization") == "Bearer of-the-manifest"
        assert seen.header("mcp-session-id") == "s"
        assert "of-the-manifest" not in repr(wire)
        assert wire.endpoint == f"127.0.0.1:{one.port}"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
async def test_json_is_one_message_or_a_batch_of_them(kind: str) -> None:
    async with upstream() as one, world() as made:
        one.on["ping"] = always(http(200, PONG, kind))
        assert await methods(made, one) == [None]
        one.on["ping"] = always(http(200, TWO, kind))
        assert await methods(made, one) == [None, "notifications/x"]


async def test_an_event_stream_gives_its_messages_and_remembers_where_it_stands() -> None:
    stream = (
        b"\xef\xbb\xbf: hello\n\nid: 1\nretry: 250\ndata: \n\n"
        b"event: message\nid: 2\ndata: " + PONG + b"\n\nevent: other\ndata: nonsense\n\n"
        b'data: {"jsonrpc":"2.0",\ndata: "method":"notifications/x"}\n\ndata: ' + TWO + b"\n\n"
    )
    async with upstream() as one, world() as made:
        one.on["ping"] = always(http(200, stream, "text/event-stream"))
        cursor = Cursor()
        assert await methods(made, one, cursor) == [None, "notifications/x", None, "notifications/x"]
        assert cursor == Cursor(b"2", 0.25)


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("text/html", b"<html>", "it answered with text/html instead of JSON or an event stream"),
        ("", b"", "it answered with no content type instead of JSON or an event stream"),
        ("application/json", b"{", "no JSON-RPC message"),
        ("application/json", b"17", "no JSON-RPC message"),
        ("text/event-stream", b"data: {\n\n", "no JSON-RPC message"),
    ],
)
async def test_what_is_no_message_is_upstream_invalid(kind: str, body: bytes, message: str) -> None:
    async with upstream() as one, world() as made:
        one.on["ping"] = always(http(200, body, kind))
        with pytest.raises(UpstreamInvalid, match=message):
            await methods(made, one)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}', b'{"code":1,"message":"m"}'),
        (503, b'{"jsonrpc":"2.0","id":null,"error":{"code":2,"message":"n"}}', b'{"code":2,"message":"n"}'),
    ],
)
async def test_a_refusal_with_a_json_rpc_error_is_that_error(status: int, body: bytes, error: bytes) -> None:
    async with upstream() as one, world() as made:
        assert made.wire(one).refusal(status, body).error == error


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, b"oops", "it answered HTTP 500"),
        (404, b'{"error":"not an object"}', "it answered HTTP 404"),
        (302, b"", r"it redirects elsewhere \(HTTP 302\); put its final address into the manifest"),
    ],
)
async def test_a_refusal_without_one_says_its_status(status: int, body: bytes, message: str) -> None:
    async with upstream() as one, world() as made:
        with pytest.raises(UpstreamInvalid, match=message):
            made.wire(one).refusal(status, body)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refusal_of_credentials_says_where_they_belong(status: int) -> None:
    async with upstream() as one, world() as made:
        with pytest.raises(Denied, match="set its headers in the manifest"):
            made.wire(one).refusal(status, b"")


def test_news_are_what_concerns_no_single_call() -> None:
    assert {method.removeprefix("notifications/") for method in NEWS} == {
        "tools/list_changed",
        "prompts/list_changed",
        "resources/list_changed",
        "resources/updated",
    }
