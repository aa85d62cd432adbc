"""Tool search on the wire: a call through `call_tool` is the call of the tool itself, in both eras."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.e2e.caller import Got, Legacy, Modern, encode, request
from tests.e2e.gateway import InProcess, in_process
from tests.federation.upstreams import Seen, Upstream, error, http, notification, result, text, upstream
from tests.federation.upstreams import request as ask

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "modern"]
fronts = pytest.mark.parametrize("front", ["legacy", "modern"])
backs = pytest.mark.parametrize("back", ["legacy", "modern"])


def tool(name: str, about: str) -> dict[str, Any]:
    schema = {"type": "object", "properties": {"text": {"type": "string"}}}
    return {"name": name, "description": about, "inputSchema": schema}


TOOLS = [tool("echo", "Say a text again."), tool("create_issue", "Open an issue."), tool("delete_issue", "Remove it.")]


@asynccontextmanager
async def serving(folder: Path, back: Era = "legacy", **mcp: Any) -> AsyncIterator[tuple[InProcess, Upstream]]:
    async with upstream(back) as one:
        one.tools = list(TOOLS)
        section = {"search": "on", "servers": {"one": {"url": one.url, "description": "Things."}}, **mcp}
        async with in_process(
            json.dumps({"mcp": section, "telemetry": {"log": {"format": "json"}}}), folder
        ) as gateway:
            yield gateway, one


async def client(gateway: InProcess, front: str) -> Legacy | Modern:
    return await gateway.legacy() if front == "legacy" else gateway.modern()


async def through(caller: Legacy | Modern, name: str, arguments: object = None) -> Got:
    return await caller.tool("call_tool", {"name": name, "arguments": arguments or {}})


@fronts
@backs
async def test_a_large_catalog_is_found_and_called_through_two_tools(tmp_path: Path, front: str, back: Era) -> None:
    async with serving(tmp_path, back) as (gateway, one):
        caller = await client(gateway, front)
        listed = (await caller.call("tools/list")).message["result"]["tools"]
        assert [each["name"] for each in listed] == ["search_tools", "call_tool"]
        assert listed[0]["description"].endswith("\n- one: Things.")
        found = (await caller.tool("search_tools", {"query": "open an issue", "limit": 1})).message["result"]
        (best,) = found["structuredContent"]["tools"]
        assert best == {
            "name": "one__create_issue",
            "server": "one",
            **{k: TOOLS[1][k] for k in ("description", "inputSchema")},
        }
        assert json.loads(found["content"][0]["text"]) == found["structuredContent"]
        assert found.get("resultType") == ("complete" if front == "modern" else None)
        called = await through(caller, best["name"], {"text": "hello"})
        assert called.message["result"]["content"] == text("hello")["content"]
        assert (await one.saw("tools/call")).params["name"] == "create_issue"
        assert one.all("tools/call")[0].params["arguments"] == {"text": "hello"}


@fronts
@backs
async def test_a_direct_call_still_works_and_gives_the_same(tmp_path: Path, front: str, back: Era) -> None:
    async with serving(tmp_path, back) as (gateway, one):
        caller = await client(gateway, front)
        direct = await caller.tool("one__echo", {"text": "a"}, 7)
        indirect = await caller.tool("call_tool", {"name": "one__echo", "arguments": {"text": "a"}}, 7)
        assert (indirect.status, indirect.body) == (direct.status, direct.body)
        sent = [seen.params for seen in one.all("tools/call")]
        assert sent[0] == sent[1]


@fronts
async def test_the_log_sees_the_tool_itself(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, _one):
        caller = await client(gateway, front)
        lines = []
        for got in (
            await caller.tool("one__echo", {"text": "a"}),
            await through(caller, "one__echo", {"text": "a"}),
            await caller.tool("search_tools", {"query": "x"}),
        ):
            line = await gateway.line(got.headers["x-fedgate-request-id"])
            lines.append(
                (line["gen_ai.tool.name"], line.get("mcp.server"), line["mcp.method.name"], line["http.status"])
            )
        assert lines[0] == lines[1] == ("echo", "one", "tools/call", 200)
        assert lines[2] == ("search_tools", None, "tools/call", 200)


@fronts
async def test_errors_are_those_of_the_tool_itself(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, one):

        async def fail(seen: Seen) -> bytes:
            return http(200, error(seen, -32055, "too late"))

        one.on["tools/call"] = fail
        caller = await client(gateway, front)
        for name in ("one__echo", "one__nothing", "search_tools!"):
            direct = await caller.tool(name, {}, 5)
            indirect = await caller.tool("call_tool", {"name": name}, 5)
            assert (indirect.status, indirect.body) == (direct.status, direct.body)


@fronts
async def test_a_call_of_nothing_says_what_is_missing(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, _one):
        caller = await client(gateway, front)
        for arguments in ({}, {"name": 5}, {"tool": "x"}):
            got = await caller.tool("call_tool", arguments)
            assert got.message["error"]["code"] == -32602
            assert got.message["error"]["message"].startswith("call_tool needs arguments.name")
        nested = await caller.tool("call_tool", {"name": "call_tool", "arguments": {"name": "one__echo"}})
        assert nested.message["error"]["message"] == "Unknown tool: call_tool"


@fronts
async def test_searching_through_call_tool_is_searching(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, _one):
        got = await through(await client(gateway, front), "search_tools", {"query": "remove"})
        assert got.message["result"]["structuredContent"]["tools"][0]["name"] == "one__delete_issue"


@fronts
async def test_a_search_that_cannot_be_read_is_an_error_of_the_tool(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, _one):
        caller = await client(gateway, front)
        got = (await caller.tool("search_tools", {"query": "x", "server": "on"})).message["result"]
        assert (got["isError"], got["content"][0]["text"]) == (True, 'there is no server "on"; did you mean "one"?')
        empty = (await caller.tool("search_tools", {"query": "zebra"})).message["result"]
        assert (empty["isError"], empty["structuredContent"]["tools"]) == (False, [])


@fronts
async def test_progress_comes_with_the_callers_own_token(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, one):

        async def work(seen: Seen) -> None:
            seen.sse()
            token = seen.params["_meta"]["progressToken"]
            seen.event(notification("notifications/progress", {"progressToken": token, "progress": 1}))
            seen.event(result(seen, text("done")))
            seen.end()

        one.on["tools/call"] = work
        caller = await client(gateway, front)
        params = {"name": "call_tool", "arguments": {"name": "one__echo"}}
        if isinstance(caller, Modern):
            got = await caller.call("tools/call", params, progressToken="mine")
        else:
            got = await caller.call("tools/call", {**params, "_meta": {"progressToken": "mine"}})
        events = [json.loads(event) for event in got.events]
        assert events[0]["params"] == {"progressToken": "mine", "progress": 1}
        assert events[-1]["result"]["content"] == text("done")["content"]


async def test_a_question_of_the_tool_reaches_the_caller(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):

        async def work(seen: Seen) -> None:
            seen.sse()
            seen.event(ask("q1", "elicitation/create", {"message": "sure?", "requestedSchema": {"type": "object"}}))
            answer = await one.saw("response")
            seen.event(result(seen, text(answer.message["result"]["action"])))
            seen.end()

        one.on["tools/call"] = work
        session = await gateway.legacy(capabilities={"elicitation": {}})
        params = {"name": "call_tool", "arguments": {"name": "one__echo"}}
        async with session.stream(request(9, "tools/call", params)) as stream:
            question = await stream.message()
            assert (question["method"], question["params"]["message"]) == ("elicitation/create", "sure?")
            await session.send(encode({"jsonrpc": "2.0", "id": question["id"], "result": {"action": "accept"}}))
            assert (await stream.message())["result"]["content"] == text("accept")["content"]


async def test_a_question_of_a_legacy_tool_reaches_a_modern_caller_over_two_rounds(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):

        async def work(seen: Seen) -> None:
            seen.sse()
            seen.event(ask("q1", "elicitation/create", {"message": "sure?", "requestedSchema": {"type": "object"}}))
            answer = await one.saw("response")
            seen.event(result(seen, text(answer.message["result"]["action"])))
            seen.end()

        one.on["tools/call"] = work
        caller = gateway.modern({"elicitation": {}})
        params = {"name": "call_tool", "arguments": {"name": "one__echo", "arguments": {"text": "x"}}}
        first = (await caller.call("tools/call", params)).message["result"]
        assert first["resultType"] == "input_required"
        (key,) = first["inputRequests"]
        again = {**params, "inputResponses": {key: {"action": "accept"}}, "requestState": first["requestState"]}
        second = (await caller.call("tools/call", again)).message["result"]
        assert second["content"] == text("accept")["content"]


async def test_cancelling_reaches_the_tool(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        called = asyncio.Event()

        async def work(seen: Seen) -> None:
            seen.sse()
            seen.event(notification("notifications/message", {"level": "info", "data": "working"}))
            called.set()
            await seen.wire.gone()
            seen.gone.set()

        one.on["tools/call"] = work
        session = await gateway.legacy()
        params = {"name": "call_tool", "arguments": {"name": "one__echo"}}
        waiting = asyncio.create_task(session.call("tools/call", params, 9))
        async with asyncio.timeout(10):
            await called.wait()
        await session.notify("notifications/cancelled", {"requestId": 9})
        await one.saw("notifications/cancelled")
        assert (await waiting).message["error"]["message"] == "Request cancelled"


async def test_arguments_travel_as_headers_where_the_tool_wants_it(tmp_path: Path) -> None:
    async with serving(tmp_path, "modern") as (gateway, one):
        schema = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
        one.tools = [{"name": "query", "inputSchema": schema}]
        gateway.gateway.hub.servers["one"].news.expire("tools")
        caller = gateway.modern()
        async with asyncio.timeout(10):
            while (await through(caller, "one__query", {"region": "eu"})).status != 200:
                pass
        seen = one.all("tools/call")[-1]
        assert (seen.header("mcp-param-region"), seen.header("mcp-name")) == ("eu", "query")
        direct = await caller.tool("one__query", {"region": "eu"})
        assert (
            direct.message["error"]["message"] == "the header Mcp-Param-region is missing: argument region has a value"
        )


async def test_a_batch_may_call_and_search(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _one):
        session = await gateway.legacy("2025-03-26")
        calls = [("call_tool", {"name": "one__echo", "arguments": {"text": "b"}}), ("search_tools", {"query": "issue"})]
        batch = [
            {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}
            for number, (name, arguments) in enumerate(calls, 1)
        ]
        events = {each["id"]: each for each in map(json.loads, (await session.send(encode(batch))).events)}
        assert events[1]["result"]["content"] == text("b")["content"]
        assert events[2]["result"]["structuredContent"]["total"] == 2


async def test_a_pass_through_view_and_an_unsearched_profile_list_everything(tmp_path: Path) -> None:
    profiles = {"few": {"search": "off", "tools": {"include": ["*issue"]}}}
    async with serving(tmp_path, profiles=profiles) as (gateway, _one):
        assert await Modern(gateway.at("one")).tools() == ["echo", "create_issue", "delete_issue"]
        assert await Modern(gateway.at("few")).tools() == ["one__create_issue", "one__delete_issue"]
        got = await Modern(gateway.at("few")).tool("search_tools", {"query": "x"})
        assert got.message["error"]["message"] == "Unknown tool: search_tools"


async def test_a_searched_profile_finds_what_it_shows_and_nothing_else(tmp_path: Path) -> None:
    profile = {"search": "on", "tools": {"exclude": ["one__delete*"], "override": {"one__echo": {"name": "repeat"}}}}
    async with serving(tmp_path, search="off", profiles={"p": profile}) as (gateway, _one):
        caller = Modern(gateway.at("p"))
        assert await caller.tools() == ["search_tools", "call_tool"]
        found = (await caller.tool("search_tools", {"query": ""})).message["result"]["structuredContent"]
        assert [each["name"] for each in found["tools"]] == ["repeat", "one__create_issue"]
        hidden = await through(caller, "one__delete_issue")
        assert hidden.message["error"]["message"] == "Unknown tool: one__delete_issue"
        assert (await through(caller, "repeat", {"text": "x"})).message["result"]["content"] == text("x")["content"]


async def test_a_catalog_that_grows_too_large_is_searched_and_clients_hear_of_it(tmp_path: Path) -> None:
    async with serving(tmp_path, search="auto", search_over=500) as (gateway, one):
        session = await gateway.legacy()
        assert len(await session.tools()) == 3
        async with session.listen() as stream:
            one.tools = [tool(f"tool_{number}", "One of very many tools.") for number in range(100)]
            gateway.gateway.hub.servers["one"].news.expire("tools")
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
        assert await session.tools() == ["search_tools", "call_tool"]
        found = (await session.tool("search_tools", {"query": "tool 77"})).message["result"]["structuredContent"]
        assert (found["tools"][0]["name"], found["total"]) == ("one__tool_77", 100)


async def test_a_change_behind_the_search_is_found_without_an_announcement(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        caller = gateway.modern()
        before = (await caller.call("tools/list")).body
        one.tools = [*TOOLS, tool("paint_wall", "Needs a brush.")]
        gateway.gateway.hub.servers["one"].news.expire("tools")
        async with asyncio.timeout(10):
            while not (await caller.tool("search_tools", {"query": "brush"})).message["result"]["structuredContent"][
                "tools"
            ]:
                pass
        assert (await caller.call("tools/list")).body == before


async def test_own_tools_of_a_server_with_these_names_stay_reachable(tmp_path: Path) -> None:
    async with serving(tmp_path, naming="never") as (gateway, one):
        one.tools = [tool("call_tool", "Not ours."), tool("echo", "x")]
        gateway.gateway.hub.servers["one"].news.expire("tools")
        caller = gateway.modern()
        async with asyncio.timeout(10):
            while (found := await _first(caller, "ours")) is None:
                pass
        assert found.startswith("one__call_tool_")
        assert (await through(caller, found, {"text": "x"})).message["result"]["content"] == text("x")["content"]
        assert (await one.saw("tools/call")).params["name"] == "call_tool"


async def _first(caller: Modern, query: str) -> str | None:
    found = (await caller.tool("search_tools", {"query": query})).message["result"]["structuredContent"]["tools"]
    return str(found[0]["name"]) if found else None


async def test_without_servers_there_is_nothing_to_find(tmp_path: Path) -> None:
    async with in_process(json.dumps({"mcp": {"search": "on"}}), tmp_path) as gateway:
        caller = gateway.modern()
        assert await caller.tools() == ["search_tools", "call_tool"]
        assert (await caller.tool("search_tools", {"query": "x"})).message["result"]["structuredContent"]["total"] == 0
