"""The small MCP client, against servers that behave and servers that do not."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from fedgate.cli.client import Client, Refused
from fedgate.cli.stop import UNREACHABLE, Stop

pytestmark = pytest.mark.anyio

URL = "http://gateway.test/mcp"
JSON = {"content-type": "application/json"}
SSE = {"content-type": "text/event-stream"}

Handler = Callable[[httpx2.Request, dict[str, Any]], httpx2.Response]


class Server:
    """Remembers what it is sent, answers the handshake, and leaves the rest to `rest`."""

    def __init__(self, rest: Handler) -> None:
        self.requests: list[httpx2.Request] = []
        self._rest = rest

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.method == "DELETE":
            return httpx2.Response(204)
        message = json.loads(request.content)
        if "id" not in message:
            return httpx2.Response(202)
        if message["method"] == "initialize":
            result = {"protocolVersion": "2025-06-18", "capabilities": {}, "serverInfo": {"name": "s", "version": "1"}}
            return answer(message, result, {"mcp-session-id": "session-1"})
        return self._rest(request, message)


def answer(message: dict[str, Any], result: object, headers: dict[str, str] | None = None) -> httpx2.Response:
    return httpx2.Response(
        200, json={"jsonrpc": "2.0", "id": message["id"], "result": result}, headers={**JSON, **(headers or {})}
    )


@asynccontextmanager
async def connected(rest: Handler, key: str | None = None) -> AsyncIterator[tuple[Client, Server]]:
    server = Server(rest)
    async with httpx2.AsyncClient(transport=httpx2.MockTransport(server)) as http:
        client = Client(http, URL, key)
        await client.open()
        yield client, server


async def stopped(rest: Handler) -> Stop:
    """What asking for the tools ends with."""
    async with connected(rest) as (client, _):
        with pytest.raises(Stop) as stop:
            await client.tools()
    assert stop.value.code == UNREACHABLE
    return stop.value


async def test_the_session_and_the_agreed_version_go_with_everything_after_the_handshake() -> None:
    async with connected(lambda _, message: answer(message, {"tools": []}), "the-key") as (client, server):
        assert await client.tools() == []
        await client.aclose()
    first, *later = server.requests
    assert "mcp-session-id" not in first.headers
    assert [request.method for request in later] == ["POST", "POST", "DELETE"]
    for request in later:
        assert request.headers["mcp-session-id"] == "session-1"
        assert request.headers["mcp-protocol-version"] == "2025-06-18"
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer the-key"}


async def test_without_a_key_no_credentials_are_sent() -> None:
    async with connected(lambda _, message: answer(message, {})) as (_, server):
        assert "authorization" not in server.requests[0].headers


async def test_pages_are_followed_to_the_end() -> None:
    def pages(_: httpx2.Request, message: dict[str, Any]) -> httpx2.Response:
        cursor = message["params"].get("cursor")
        following = {None: "b", "b": "c"}.get(cursor)
        tools = [{"name": cursor or "a"}]
        return answer(message, {"tools": tools, **({"nextCursor": following} if following else {})})

    async with connected(pages) as (client, _):
        assert [json.loads(bytes(tool))["name"] for tool in await client.tools()] == ["a", "b", "c"]


async def test_pages_without_an_end_are_given_up() -> None:
    stop = await stopped(lambda _, message: answer(message, {"nextCursor": "again"}))
    assert str(stop) == f"{URL} is no MCP server that can be used: its list of tools has more than 1000 pages"


async def test_an_event_stream_is_read_up_to_the_answer() -> None:
    def streamed(_: httpx2.Request, message: dict[str, Any]) -> httpx2.Response:
        progress = json.dumps({"jsonrpc": "2.0", "method": "notifications/progress", "params": {}})
        other = json.dumps({"jsonrpc": "2.0", "id": 99, "result": {"not": "ours"}})
        ours = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": {"tools": [{"name": "x"}]}})
        body = f": hello\n\nid: 1\ndata:\n\ndata: {progress}\n\ndata: {other}\n\nevent: message\ndata: {ours}\n\n"
        return httpx2.Response(200, content=body.encode(), headers=SSE)

    async with connected(streamed) as (client, _):
        assert len(await client.tools()) == 1


async def test_a_stream_that_ends_without_the_answer_is_said_to_be_incomplete() -> None:
    stop = await stopped(lambda *_: httpx2.Response(200, content=b": bye\n\n", headers=SSE))
    assert str(stop).endswith("it ended its answer to tools/list before it was complete")


async def test_an_error_of_the_server_keeps_code_and_words() -> None:
    def refuse(_: httpx2.Request, message: dict[str, Any]) -> httpx2.Response:
        error = {"code": -32602, "message": "Unknown tool: x", "data": {"n": 1}}
        return httpx2.Response(200, json={"jsonrpc": "2.0", "id": message["id"], "error": error})

    async with connected(refuse) as (client, _):
        with pytest.raises(Refused, match="Unknown tool: x") as refused:
            await client.request("tools/call", {})
    assert refused.value.code == -32602
    assert json.loads(refused.value.raw)["data"] == {"n": 1}


async def test_an_error_with_an_http_status_is_the_servers_error_too() -> None:
    def refuse(_: httpx2.Request, message: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(
            400, json={"jsonrpc": "2.0", "id": message["id"], "error": {"code": -1, "message": "no"}}
        )

    async with connected(refuse) as (client, _):
        with pytest.raises(Refused, match="no"):
            await client.tools()


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_caller_is_told_how_to_send_a_key(status: int) -> None:
    body = {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "This gateway needs an API key."}}
    stop = await stopped(lambda *_: httpx2.Response(status, json=body))
    assert str(stop) == f"{URL} refuses the caller (HTTP {status}): This gateway needs an API key."
    assert stop.hint == f"fedgate tools --url {URL} --key KEY  (or set FEDGATE_KEY)"


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (httpx2.Response(404, text="there is nothing\nhere"), "it answered HTTP 404: there is nothing"),
        (httpx2.Response(500), "it answered HTTP 500: no reason given"),
        (
            httpx2.Response(307, headers={"location": "https://else.test/"}),
            "it redirects to https://else.test/: give that URL",
        ),
        (
            httpx2.Response(200, text="<html>", headers={"content-type": "text/html; charset=utf-8"}),
            "it answered with text/html instead of JSON or an event stream",
        ),
        (httpx2.Response(200, content=b"{", headers=JSON), "the body is not valid JSON: "),
        (httpx2.Response(200, json={"jsonrpc": "2.0", "id": 2, "result": []}), "its result of tools/list is no object"),
        (
            httpx2.Response(200, json={"jsonrpc": "2.0", "id": 2, "result": {"tools": 7}}),
            "its list of tools is no list",
        ),
    ],
    ids=["404", "500", "redirect", "html", "broken JSON", "odd result", "odd list"],
)
async def test_what_is_no_mcp_server_is_said_to_be_none(response: httpx2.Response, said: str) -> None:
    stop = await stopped(lambda *_: response)
    assert str(stop).startswith(f"{URL} is no MCP server that can be used: {said}")


async def test_a_server_that_is_not_there_is_named_with_the_reason() -> None:
    def gone(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("Connection refused")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(gone)) as http:
        with pytest.raises(Stop) as stop:
            await Client(http, URL).open()
    assert (str(stop.value), stop.value.code) == (f"cannot reach {URL}: Connection refused", UNREACHABLE)
    assert stop.value.hint == "fedgate serve"


async def test_a_silent_server_is_said_to_be_late() -> None:
    def silent(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(silent)) as http:
        with pytest.raises(Stop, match="did not answer in time"):
            await Client(http, URL).open()


async def test_a_goodbye_that_fails_is_no_failure() -> None:
    def once(request: httpx2.Request) -> httpx2.Response:
        if request.method == "DELETE":
            raise httpx2.ConnectError("gone")
        return Server(lambda _, message: answer(message, {}))(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(once)) as http:
        client = Client(http, URL)
        await client.open()
        await client.aclose()


async def test_a_client_beside_another_has_a_session_of_its_own_and_the_same_key() -> None:
    def nothing(_: httpx2.Request, message: dict[str, Any]) -> httpx2.Response:
        return answer(message, {"tools": []})

    async with connected(nothing, key="a-key") as (client, server):
        other = client.beside("http://h/mcp/notes")
        await other.open()
        assert await other.tools() == []
        await other.aclose()
    said = [request for request in server.requests if request.url.path == "/mcp/notes"]
    assert "mcp-session-id" not in said[0].headers
    assert {request.headers["authorization"] for request in said} == {"Bearer a-key"}
