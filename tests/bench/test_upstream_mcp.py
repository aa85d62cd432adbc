"""bench/upstream_mcp.py"""

from typing import Any

import msgspec

from bench.catalog import merged_tools, server_names, server_tools
from bench.upstream_mcp import FakeServer, Headers

Json = dict[str, Any]


def ask(server: FakeServer, message: Json | bytes, headers: Headers | None = None) -> tuple[int, bytes, Json]:
    body = message if isinstance(message, bytes) else msgspec.json.encode({"jsonrpc": "2.0", **message})
    head, _, answer = server.answer(b"POST", headers or {}, body).partition(b"\r\n\r\n")
    return int(head.split()[1]), head, msgspec.json.decode(answer) if answer else {}


def legacy(*, sessions: bool = True) -> FakeServer:
    return FakeServer("s0", server_tools(), eras={"legacy"}, sessions=sessions)


def modern_headers(method: str, name: str = "") -> Headers:
    given = {b"mcp-protocol-version": b"2026-07-28", b"mcp-method": method.encode()}
    return {**given, b"mcp-name": name.encode()} if name else given


META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


def test_a_session_is_handed_out_demanded_and_ended() -> None:
    server = legacy()
    _, head, _ = ask(server, {"id": 1, "method": "initialize", "params": {"protocolVersion": "2025-06-18"}})
    session = head.partition(b"mcp-session-id: ")[2].partition(b"\r\n")[0]
    mine: Headers = {b"mcp-session-id": session}
    assert len(session) == 32
    assert ask(server, {"id": 2, "method": "ping"}, mine)[2]["result"] == {}
    assert ask(server, {"method": "notifications/initialized"}, mine)[0] == 202
    assert ask(server, {"id": 3, "method": "ping"})[0] == 400
    assert ask(server, {"id": 3, "method": "ping"}, {b"mcp-session-id": b"other"})[0] == 404
    assert server.answer(b"DELETE", mine, b"").startswith(b"HTTP/1.1 200")
    assert ask(server, {"id": 4, "method": "ping"}, mine)[0] == 404


def test_a_call_returns_the_text_that_was_sent() -> None:
    call = {"id": "x", "method": "tools/call", "params": {"name": "get_ticket", "arguments": {"text": 'a "b" é'}}}
    status, _, answer = ask(legacy(sessions=False), call)
    assert (status, answer["id"]) == (200, "x")
    assert answer["result"]["content"] == [{"type": "text", "text": 'a "b" é'}]


def test_a_legacy_server_does_not_know_discover_and_has_no_get_stream() -> None:
    discover = {"id": 1, "method": "server/discover", "params": {}}
    assert [ask(legacy(sessions=each), discover)[0] for each in (True, False)] == [400, 404]
    assert ask(legacy(), discover)[2]["error"]["code"] == -32601
    assert legacy().answer(b"GET", {}, b"").startswith(b"HTTP/1.1 405")


def test_a_modern_server_answers_discover_and_calls_with_their_headers() -> None:
    server = FakeServer("m0", server_tools(), eras={"modern"})
    discover = {"id": 1, "method": "server/discover", "params": {"_meta": META}}
    result = ask(server, discover, modern_headers("server/discover"))[2]["result"]
    assert (result["resultType"], result["supportedVersions"]) == ("complete", ["2026-07-28"])
    call = {
        "id": 2,
        "method": "tools/call",
        "params": {"name": "get_ticket", "arguments": {"text": "t"}, "_meta": META},
    }
    assert ask(server, call, modern_headers("tools/call", "get_ticket"))[2]["result"]["resultType"] == "complete"


def test_a_modern_server_refuses_headers_that_do_not_match_the_body() -> None:
    server = FakeServer("m0", server_tools(), eras={"modern"})
    call = {
        "id": 2,
        "method": "tools/call",
        "params": {"name": "get_ticket", "arguments": {"text": "t"}, "_meta": META},
    }
    status, _, answer = ask(server, call, modern_headers("tools/call", "s0__get_ticket"))
    assert (status, answer["error"]["code"]) == (400, -32020)
    assert ask(server, {"id": 1, "method": "initialize", "params": {}})[0] == 400


def test_a_message_that_is_not_json_rpc_is_a_parse_error() -> None:
    assert ask(legacy(), b"{")[2]["error"]["code"] == -32700


def test_ten_servers_together_list_200_tools_in_about_60_kb() -> None:
    tools = merged_tools(server_names("legacy"))
    assert len({each["name"] for each in tools}) == 200
    assert 55_000 < len(msgspec.json.encode(tools)) < 65_000
