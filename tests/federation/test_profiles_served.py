"""Profiles on the wire: a gateway with real sockets on both sides, in both eras."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.e2e.caller import Got, Legacy, Modern
from tests.e2e.gateway import InProcess, in_process, until
from tests.federation.upstreams import Upstream, http, result, text, upstream

pytestmark = pytest.mark.anyio

Era = Literal["legacy", "modern"]
both = pytest.mark.parametrize("front", ["legacy", "modern"])
backs = pytest.mark.parametrize("back", ["legacy", "modern"])

CODING = {
    "servers": ["one"],
    "tools": {
        "include": ["one__*"],
        "exclude": ["one__delete"],
        "override": {"one__echo": {"name": "say", "description": "Says it."}},
    },
    "prompts": {"exclude": ["one__secret"]},
    "resources": {"include": ["one+file:///open/*"]},
}


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "description": f"About {name}.", "inputSchema": {"type": "object"}}


@asynccontextmanager
async def serving(folder: Path, back: Era = "legacy") -> AsyncIterator[tuple[InProcess, Upstream]]:
    async with upstream(back) as one, upstream(back) as two:
        one.capabilities = {"tools": {}, "prompts": {}, "resources": {}, "completions": {}}
        one.tools = [tool("echo"), tool("delete")]
        one.lists = {
            "prompts": [{"name": "open"}, {"name": "secret"}],
            "resources": [{"uri": "file:///open/1", "name": "1"}, {"uri": "file:///shut/1", "name": "2"}],
            "resourceTemplates": [],
        }
        mcp = {"servers": {"one": {"url": one.url}, "two": {"url": two.url}}, "profiles": {"coding": CODING}}
        async with in_process(json.dumps({"mcp": mcp, "telemetry": {"log": {"format": "json"}}}), folder) as gateway:
            yield gateway, one


async def client(gateway: InProcess, front: str, view: str = "coding") -> Legacy | Modern:
    caller = gateway.at(view)
    return await Legacy.open(caller) if front == "legacy" else Modern(caller)


def failure(got: Got) -> tuple[int, str]:
    error = got.message["error"]
    return error["code"], error["message"]


@both
@backs
async def test_a_profile_lists_and_calls_what_it_shows(tmp_path: Path, front: str, back: Era) -> None:
    async with serving(tmp_path, back) as (gateway, one):
        caller = await client(gateway, front)
        (listed,) = (await caller.call("tools/list")).message["result"]["tools"]
        assert listed == {"name": "say", "description": "Says it.", "inputSchema": {"type": "object"}}
        got = await caller.tool("say", {"text": "hello"})
        assert got.message["result"]["content"] == text("hello")["content"]
        assert (await one.saw("tools/call")).params["name"] == "echo"
        line = await gateway.line(got.headers["x-fedgate-request-id"])
        assert (line["gen_ai.tool.name"], line["mcp.server"], line["route"]) == ("echo", "one", "/mcp/coding")


@both
async def test_what_a_profile_hides_looks_unknown_whatever_is_asked(tmp_path: Path, front: str) -> None:
    async with serving(tmp_path) as (gateway, one):
        caller = await client(gateway, front)
        for name in ("one__delete", "one__echo", "echo", "two__echo", "no__such"):
            assert failure(await caller.tool(name)) == (-32602, f"Unknown tool: {name}")
        assert failure(await caller.call("prompts/get", {"name": "one__secret"}))[1] == "Unknown prompt: one__secret"
        ref = {"type": "ref/prompt", "name": "one__secret"}
        completion = {"ref": ref, "argument": {"name": "a", "value": ""}}
        assert failure(await caller.call("completion/complete", completion))[1] == "Unknown prompt: one__secret"
        missing = -32002 if front == "legacy" else -32602
        for uri in ("one+file:///shut/1", "one+file:///shut/2", "two+file:///open/1"):
            got = await caller.call("resources/read", {"uri": uri})
            assert failure(got) == (missing, f"Resource not found: {uri}")
        prompts = (await caller.call("prompts/list")).message["result"]["prompts"]
        resources = (await caller.call("resources/list")).message["result"]["resources"]
        assert [prompt["name"] for prompt in prompts] == ["one__open"]
        assert [resource["uri"] for resource in resources] == ["one+file:///open/1"]
        assert {seen.method for seen in one.seen}.isdisjoint({"tools/call", "prompts/get", "resources/read"})


async def test_what_a_profile_shows_of_resources_can_be_read(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):

        async def read(seen: Any) -> bytes:
            return http(200, result(seen, {"contents": [{"uri": seen.params["uri"], "text": "x"}]}))

        one.on["resources/read"] = read
        got = await (await client(gateway, "legacy")).call("resources/read", {"uri": "one+file:///open/9"})
        assert got.message["result"]["contents"] == [{"uri": "one+file:///open/9", "text": "x"}]


async def test_only_changes_that_a_profile_shows_are_announced_there(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        inside, outside = await Legacy.open(gateway.at("coding")), await gateway.legacy()
        async with inside.listen() as profile, outside.listen() as aggregate:
            one.tools = [tool("echo"), {**tool("delete"), "description": "Another."}]
            gateway.gateway.hub.servers["one"].news.expire("tools")
            assert (await aggregate.message())["method"] == "notifications/tools/list_changed"
            one.lists["prompts"] = [{"name": "open"}, {"name": "more"}]
            gateway.gateway.hub.servers["one"].news.expire("prompts")
            assert (await aggregate.message())["method"] == "notifications/prompts/list_changed"
            assert (await profile.message())["method"] == "notifications/prompts/list_changed"


async def test_a_modern_client_hears_of_a_profile(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, one):
        caller = Modern(gateway.at("coding"))
        async with caller.stream("subscriptions/listen", {"notifications": {"toolsListChanged": True}}) as listening:
            assert (await listening.message())["method"] == "notifications/subscriptions/acknowledged"
            one.tools = [tool("echo"), tool("more")]
            gateway.gateway.hub.servers["one"].news.expire("tools")
            assert (await listening.message())["method"] == "notifications/tools/list_changed"
        assert await caller.tools() == ["say", "one__more"]


async def test_a_session_belongs_to_its_profile(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _one):
        inside = await Legacy.open(gateway.at("coding"))
        elsewhere = Legacy(gateway.caller, inside.session, inside.version, None)
        assert (await elsewhere.call("tools/list")).status == 404


async def test_an_unknown_view_names_servers_and_profiles(tmp_path: Path) -> None:
    async with serving(tmp_path) as (gateway, _one):
        got = await Modern(gateway.at("codin")).call("tools/list")
        assert got.status == 404
        said = got.message["error"]["message"]
        assert said == "there is no MCP server or profile 'codin' here; there are: coding, one, two"


async def test_a_server_that_comes_later_appears_in_its_profiles(tmp_path: Path) -> None:
    async with upstream() as late:
        await late.stop()
        mcp = {"servers": {"late": {"url": late.url}}, "profiles": {"p": {"tools": {"include": ["late__e*"]}}}}
        async with in_process(json.dumps({"mcp": mcp}), tmp_path) as gateway:
            caller = Modern(gateway.at("p"))
            assert await caller.tools() == []
            await late.start()
            hub = gateway.gateway.hub
            async with asyncio.timeout(20):
                await until(lambda: bool(hub.status[0].tools))
            assert await caller.tools() == ["late__echo"]
