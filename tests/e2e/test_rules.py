"""Rules of a whole gateway: one list for tools, agents and models, on every way in and in every list."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from mcp import Client as McpClient
from mcp import ClientSession, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Client
from tests.e2e.a2a_speech import OLD_RPC, REST, RPC, Speech
from tests.e2e.a2a_world import ALICE, BOB, KEYS, settings_of
from tests.e2e.caller import Caller, Got, Legacy, Modern, encode, request
from tests.e2e.gateway import InProcess, in_process, manifest_of, until
from tests.federation.upstreams import Upstream, upstream
from tests.llm.providers import OPENAI, Provider, provider
from tests.llm.providers import json as whole

pytestmark = pytest.mark.anyio

STAFF = '"staff" in principal.groups'
RULES: list[Any] = [
    {"deny": f'mcp.tool.name.startsWith("delete") && !({STAFF})', "name": "no-deletes"},
    {"deny": 'mcp.tool.arguments.path.startsWith("/etc")', "name": "no-etc"},
    {"deny": f'(mcp.prompt.name == "secret" || mcp.resource.uri.startsWith("file:///shut")) && !({STAFF})'},
    {"deny": f'a2a.agent == "inner" && !({STAFF})'},
    {"deny": 'a2a.method == "CancelTask"', "name": "no-cancel"},
    {"deny": f'llm.route == "big" && !({STAFF})'},
    {"deny": "llm.max_tokens > 100", "name": "short"},
    {"deny": 'mcp.server == "two" && !has(principal.metadata.team)'},
]
speeches = pytest.mark.parametrize("speech", [RPC, OLD_RPC, REST])
both = pytest.mark.parametrize("era", ["legacy", "modern"])


def tool(name: str) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object"}}


class World:
    """Servers `one` and `two`, agents `support` and `inner`, models `small` and `big`. Alice is staff, bob is not."""

    def __init__(self, gateway: InProcess, one: Upstream, agents: tuple[Agent, Agent], models: Provider) -> None:
        self.gateway = gateway
        self.one = one
        self.agents = agents
        self.models = models

    async def mcp(self, era: str = "modern", key: str = BOB, view: str = "") -> Legacy | Modern:
        caller = self.gateway.by(key, view)
        return Modern(caller) if era == "modern" else await Legacy.open(caller)

    def agent(self, name: str = "support", key: str = BOB, speech: Speech = RPC) -> Client:
        return Client(self.gateway.port, speech, key, name)

    async def ask(self, path: str, body: object = None, key: str = BOB, **headers: str) -> Got:
        caller = Caller(self.gateway.port, path, {"authorization": f"Bearer {key}", **headers})
        if body is None:
            return await caller.send("GET", {})
        return await caller.post(encode(body))

    async def chat(self, key: str = BOB, **body: Any) -> Got:
        said = {"messages": [{"role": "user", "content": "Hello"}], **body}
        return await self.ask("/v1/chat/completions", said, key)

    async def error(self, got: Got) -> str:
        line = await self.gateway.line(got.headers["x-fedgate-request-id"])
        return str(line["error"])


@asynccontextmanager
async def world(folder: Path, rules: list[Any] | None = None, **sections: Any) -> AsyncIterator[World]:
    support, inner = Agent(), Agent()
    async with (
        running(support, inner),
        upstream("modern") as one,
        upstream("legacy") as two,
        provider(whole(OPENAI)) as models,
    ):
        one.capabilities = {"tools": {}, "prompts": {}, "resources": {}}
        one.tools = [tool("read"), tool("delete_all")]
        one.lists = {
            "prompts": [{"name": "open"}, {"name": "secret"}],
            "resources": [{"uri": "file:///open/1", "name": "1"}, {"uri": "file:///shut/1", "name": "2"}],
            "resourceTemplates": [],
        }
        two.tools = [tool("echo")]
        near = {"type": "openai", "base_url": f"{models.base}/v1", "api_key": "key-0123456789"}
        target = {"provider": "near", "model": "gpt-4.1"}
        given: dict[str, Any] = {
            "agents": {"support": settings_of(support), "inner": settings_of(inner)},
            "models": {
                "providers": {"near": near},
                "routes": {"small": {"targets": [target]}, "big": {"targets": [target], "path": "/big"}},
            },
            "access": {**KEYS, "rules": RULES if rules is None else rules},
            **sections,
            "mcp": {"servers": {"one": {"url": one.url}, "two": {"url": two.url}}, **sections.get("mcp", {})},
        }
        async with in_process(manifest_of({}, **given), folder) as gateway:
            await until(gateway.gateway.a2a.agents.settled.is_set)
            yield World(gateway, one, (support, inner), models)


def error_of(got: Got) -> tuple[int, int, str]:
    error = got.message["error"]
    return got.status, error["code"], error["message"]


# MCP.


@both
async def test_a_hidden_tool_is_in_no_list_and_looks_unknown(tmp_path: Path, era: str) -> None:
    async with world(tmp_path) as found:
        alice, bob = await found.mcp(era, ALICE), await found.mcp(era)
        assert await alice.tools() == ["one__read", "one__delete_all"]
        assert await bob.tools() == ["one__read"]
        hidden, unknown = await bob.tool("one__delete_all", {}), await bob.tool("one__nothing", {})
        status, code, said = error_of(hidden)
        assert (status, code, said.replace("delete_all", "nothing")) == error_of(unknown)
        assert said == "Unknown tool: one__delete_all"
        assert "result" in (await alice.tool("one__delete_all", {})).message


@both
async def test_the_same_holds_in_a_view_of_the_server_alone(tmp_path: Path, era: str) -> None:
    async with world(tmp_path) as found:
        bob = await found.mcp(era, view="one")
        assert await bob.tools() == ["read"]
        assert error_of(await bob.tool("delete_all", {}))[2] == "Unknown tool: delete_all"
        assert error_of(await bob.tool("delete_unlisted", {}))[2] == "Unknown tool: delete_unlisted"
        assert found.one.all("tools/call") == []


@both
async def test_prompts_and_resources_follow_the_same_rules(tmp_path: Path, era: str) -> None:
    async with world(tmp_path) as found:
        bob = await found.mcp(era)
        prompts = (await bob.call("prompts/list")).message["result"]["prompts"]
        resources = (await bob.call("resources/list")).message["result"]["resources"]
        assert [each["name"] for each in prompts] == ["one__open"]
        assert [each["uri"] for each in resources] == ["one+file:///open/1"]
        assert error_of(await bob.call("prompts/get", {"name": "one__secret"}))[2] == "Unknown prompt: one__secret"
        for uri in ("one+file:///shut/1", "one+file:///shut/not/listed"):
            assert error_of(await bob.call("resources/read", {"uri": uri}))[2] == f"Resource not found: {uri}"


@both
async def test_a_hidden_server_is_no_view(tmp_path: Path, era: str) -> None:
    async with world(tmp_path) as found:
        for view in ("two", "nothing"):
            got = await Modern(found.gateway.by(BOB, view)).call("tools/list")
            assert got.status == 404
            said = got.message["error"]["message"]
            assert said == f"there is no MCP server or profile '{view}' here; there are: one"


@both
@pytest.mark.parametrize(
    "arguments", [{"path": "/etc/passwd"}, {"path": ["/etc/passwd"]}, {"path": "/etc/" + "x" * 5000}]
)
async def test_a_call_is_refused_for_its_arguments_while_its_tool_stays_known(
    tmp_path: Path, era: str, arguments: Any
) -> None:
    async with world(tmp_path) as found:
        bob = await found.mcp(era)
        got = await bob.tool("one__read", arguments)
        assert error_of(got) == (403, -32600, "this is not allowed here: no-etc")
        assert (await found.error(got)).startswith("forbidden: deny no-etc")
        assert "result" in (await bob.tool("one__read", {"path": "/home"})).message
        assert "result" in (await bob.tool("one__read", {})).message


async def test_a_member_that_stands_twice_is_not_passed_for_the_other(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        legacy = await Legacy.open(found.gateway.by(BOB))
        twice = b'{"name":"one__read","arguments":{"path":"/home","path":"/etc/passwd"}}'
        other = b'{"name":"one__read","arguments":{"path":"/etc/passwd","path":"/home"}}'
        for params in (twice, other):
            body = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % params
            assert error_of(await legacy.send(body))[0] == 403


async def test_each_message_of_a_batch_is_judged(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        old = await Legacy.open(found.gateway.by(BOB), "2025-03-26")
        calls = [
            request(1, "tools/call", {"name": "one__delete_all", "arguments": {}}),
            request(2, "tools/call", {"name": "one__read", "arguments": {"path": "/etc"}}),
            request(3, "tools/call", {"name": "one__read", "arguments": {}}),
        ]
        got = await old.send(b"[" + b",".join(calls) + b"]")
        answers = {each["id"]: each for each in map(json.loads, got.events)}
        assert answers[1]["error"]["message"] == "Unknown tool: one__delete_all"
        assert answers[2]["error"]["message"] == "this is not allowed here: no-etc"
        assert "result" in answers[3]


async def test_the_official_client_sees_what_it_may(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        http = httpx2.AsyncClient(headers={"authorization": f"Bearer {BOB}"})
        async with http, McpClient(streamable_http_client(found.gateway.url, http_client=http)) as client:
            listed = await client.list_tools()
            assert [each.name for each in listed.tools] == ["one__read"]
            with pytest.raises(MCPError, match="Unknown tool: one__delete_all"):
                await client.call_tool("one__delete_all", {})


async def test_the_old_transport_has_the_same_rules(tmp_path: Path) -> None:
    key = {"authorization": f"Bearer {BOB}"}
    async with (
        asyncio.timeout(20),
        world(tmp_path) as found,
        sse_client(f"http://127.0.0.1:{found.gateway.port}/sse", key) as (got, sent),
        ClientSession(got, sent) as session,
    ):
        await session.initialize()
        assert [each.name for each in (await session.list_tools()).tools] == ["one__read"]
        for name, said in (("one__delete_all", "Unknown tool"), ("one__read", "this is not allowed here: no-etc")):
            with pytest.raises(MCPError, match=said):
                await session.call_tool(name, {"path": "/etc"})


@both
async def test_searching_finds_and_counts_only_what_may_be_known(tmp_path: Path, era: str) -> None:
    async with world(tmp_path, mcp={"search": "on"}) as found:
        for key, names in ((ALICE, ["one__delete_all"]), (BOB, [])):
            caller = await found.mcp(era, key)
            got = await caller.tool("search_tools", {"query": "delete"})
            told = got.message["result"]["structuredContent"]
            assert ([each["name"] for each in told["tools"]], told["total"]) == (names, len(names))
        bob = await found.mcp(era)
        got = await bob.tool("call_tool", {"name": "one__delete_all", "arguments": {}})
        assert error_of(got)[2] == "Unknown tool: one__delete_all"


async def test_an_allow_rule_for_tools_lets_clients_in_and_shows_nothing_else(tmp_path: Path) -> None:
    async with world(tmp_path, ['mcp.tool.name == "read" && mcp.tool.target == "one"']) as found:
        for era in ("legacy", "modern"):
            bob = await found.mcp(era)
            assert await bob.tools() == ["one__read"]
            assert (await bob.call("prompts/list")).message["result"]["prompts"] == []
            assert "result" in (await bob.tool("one__read", {})).message
        assert (await found.agent().send()).status == 200
        assert (await found.chat(model="small")).status == 200


async def test_a_tool_may_be_named_as_the_catalog_names_it(tmp_path: Path) -> None:
    async with world(tmp_path, [{"deny": 'mcp.tool.name == "one__read"'}]) as found:
        assert await (await found.mcp()).tools() == ["one__delete_all", "two__echo"]


# A2A.


@speeches
async def test_a_hidden_agent_is_in_no_list_has_no_card_and_looks_unknown(tmp_path: Path, speech: Speech) -> None:
    async with world(tmp_path) as found:
        for key, names in ((ALICE, ["inner", "support"]), (BOB, ["support"])):
            listed = json.loads((await found.ask("/a2a", key=key)).body)
            assert [each["name"] for each in listed["agents"]] == names
        hidden = await found.agent("inner", speech=speech).send()
        unknown = await found.agent("nobody", speech=speech).send()
        assert hidden.status == unknown.status == 404
        assert hidden.body.replace(b"inner", b"nobody") == unknown.body
        assert (await found.agent("inner", ALICE, speech).send()).status == 200
        card = "/a2a/inner/.well-known/agent-card.json"
        assert [(await found.ask(card, key=key)).status for key in (ALICE, BOB)] == [200, 404]
        stranger = Caller(found.gateway.port, card)
        assert (await stranger.send("GET", {})).status == 401
        public = Caller(found.gateway.port, "/a2a/support/.well-known/agent-card.json")
        assert (await public.send("GET", {})).status == 200
        assert found.agents[1].operations == ["SendMessage"]


async def test_catalogs_that_anybody_reads_show_what_anybody_may_know(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        got = await Caller(found.gateway.port, "/.well-known/ai-catalog.json").send("GET", {})
        assert b"/a2a/support" in got.body
        assert b"inner" not in got.body


@speeches
async def test_a_method_is_refused_in_the_callers_own_speech(tmp_path: Path, speech: Speech) -> None:
    async with world(tmp_path) as found:
        client = found.agent(speech=speech)
        begun = await client.send()
        got = await client.cancel(begun.task)
        assert got.status == 403
        assert "this is not allowed here: no-cancel" in got.body.decode()
        assert "CancelTask" not in found.agents[0].operations


# Models.


@pytest.mark.parametrize(
    ("path", "headers"),
    [("/v1/models", {}), ("/v1/models", {"anthropic-version": "2023-06-01"}), ("/v1beta/models", {})],
)
async def test_models_are_listed_as_far_as_they_may_be_known(
    tmp_path: Path, path: str, headers: dict[str, str]
) -> None:
    async with world(tmp_path) as found:
        for key, known in ((ALICE, True), (BOB, False)):
            got = await found.ask(path, key=key, **headers)
            assert got.status == 200
            assert (b"small" in got.body, b"big" in got.body) == (True, known)


async def test_a_hidden_model_looks_unknown_whatever_it_is_called_by(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        hidden, unknown = await found.chat(model="big"), await found.chat(model="bug")
        assert hidden.status == unknown.status == 404
        assert hidden.body.replace(b"'big'", b"'bug'") == unknown.body
        assert b"small" in hidden.body
        one = await found.ask("/v1/models/big")
        assert one.status == 404
        asked = {"messages": [{"role": "user", "content": "Hello"}]}
        assert (await found.ask("/big", asked)).status == 404
        assert (await found.ask("/big", asked, ALICE)).status == 200
        assert "x-fedgate-route" not in hidden.headers
        assert (await found.chat(ALICE, model="big")).status == 200


async def test_a_request_is_refused_for_what_it_says_in_the_callers_format(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        url = f"http://127.0.0.1:{found.gateway.port}/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key=BOB, max_retries=0) as client:
            with pytest.raises(openai.PermissionDeniedError, match="this is not allowed here: short"):
                await client.chat.completions.create(
                    model="small", messages=[{"role": "user", "content": "Hello"}], max_tokens=500
                )
        body = {"model": "small", "max_tokens": 500, "messages": [{"role": "user", "content": "Hello"}]}
        got = await found.ask("/v1/messages", body, **{"anthropic-version": "2023-06-01"})
        assert got.status == 403
        assert json.loads(got.body)["error"] == {
            "type": "permission_error",
            "message": "this is not allowed here: short",
        }
        assert found.models.asked == []
        assert (await found.chat(model="small", max_tokens=50)).status == 200


# All.


async def test_plain_groups_need_no_rule(tmp_path: Path) -> None:
    async with world(tmp_path, []) as found:
        assert await (await found.mcp()).tools() == ["one__read", "one__delete_all", "two__echo"]
    mcp = {"profiles": {"part": {"servers": ["one"], "groups": ["staff"]}}}
    async with world(tmp_path, [], mcp=mcp) as found:
        for key, status in ((ALICE, 200), (BOB, 404)):
            got = await Modern(found.gateway.by(key, "part")).call("tools/list")
            assert got.status == status


async def test_a_caller_who_may_do_nothing_is_told_so_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, [{"require": STAFF, "name": "staff only"}]) as found:
        got = await Modern(found.gateway.by(BOB)).call("server/discover")
        assert error_of(got) == (403, -32600, "this is not allowed here: staff only")
        assert (await found.ask("/a2a")).status == 403
        assert (await found.ask("/v1/models")).status == 403
        assert (await found.ask("/v1/models", key=ALICE)).status == 200


async def test_why_tells_the_administrator_what_callers_are_not_told(tmp_path: Path) -> None:
    access = {**KEYS, "rules": RULES, "admins": ["staff"]}
    async with world(tmp_path, access=access) as found:
        question = {"as": "bob", "tool": "one__delete_all"}
        answer = json.loads((await found.ask("/admin/why", question, ALICE)).body)
        assert (answer["allowed"], answer["why"], answer["told"]) == (
            False,
            "deny no-deletes",
            "Unknown tool: one__delete_all",
        )
        assert answer["route"] == {"found": True, "server": "one", "tool": "delete_all", "state": "ready"}
        assert (await found.ask("/admin/why", question)).status == 403
        assert (await found.ask("/admin/why", {"tool": "a" * 70_000}, ALICE)).status == 413
        assert (await found.ask("/admin/why", {}, ALICE)).status == 400
        assert found.one.all("tools/call") == []
