"""Limits of a whole gateway: one limit over three protocols, each caller for itself, and streams to their end."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import openai
import pytest
from mcp import Client as McpClient
from mcp import MCPError

from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Client
from tests.e2e.a2a_speech import OLD_RPC, REST, RPC, Speech
from tests.e2e.a2a_world import ALICE, BOB, KEYS, settings_of
from tests.e2e.caller import Caller, Got, Legacy, Modern, encode, request
from tests.e2e.gateway import InProcess, in_process, manifest_of, until
from tests.federation.upstreams import upstream
from tests.llm.providers import (
    ANTHROPIC,
    ANTHROPIC_STREAM,
    OPENAI,
    OPENAI_STREAM,
    PAUSE,
    Answer,
    Provider,
    openai_chunk,
    provider,
    sse,
)
from tests.llm.providers import json as whole

pytestmark = pytest.mark.anyio

ANTHROPIC_KIND = {"anthropic-version": "2023-06-01"}


class World:
    """A gateway before one of each: the MCP server `one`, the agent `support`, the models `gpt` and `claude`."""

    def __init__(self, gateway: InProcess, openai: Provider) -> None:
        self.gateway = gateway
        self.openai = openai

    def mcp(self, key: str = ALICE) -> Modern:
        return Modern(self.gateway.by(key))

    def agent(self, key: str = ALICE, speech: Speech = RPC) -> Client:
        return Client(self.gateway.port, speech, key)

    def models(self, path: str = "/v1/chat/completions", key: str = ALICE) -> Caller:
        return Caller(self.gateway.port, path, {"authorization": f"Bearer {key}"})

    async def chat(self, key: str = ALICE, **body: Any) -> Got:
        return await self.models(key=key).post(asked(**body))

    async def rejections(self, limit: str) -> float:
        return await self.gateway.metric(f'fedgate_limit_rejections_total{{limit="{limit}"}}')

    async def decisions(self, got: Got) -> list[str]:
        """What the story of a request tells of limits."""
        ident = got.headers["x-fedgate-request-id"]
        caller = Caller(self.gateway.port, f"/admin/requests/{ident}", {"authorization": f"Bearer {ALICE}"})
        (story,) = json.loads((await caller.send("GET", {})).body)["operations"]
        return [each for each in story["decisions"] if each.startswith("limit ")]

    async def line(self, got: Got) -> dict[str, Any]:
        return await self.gateway.line(got.headers["x-fedgate-request-id"])


def asked(**body: Any) -> bytes:
    return encode({"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], **body})


@asynccontextmanager
async def world(folder: Path, *limits: dict[str, Any], openai: tuple[Answer, ...] = ()) -> AsyncIterator[World]:
    agent = Agent()
    async with (
        running(agent),
        upstream("modern") as server,
        provider(*(openai or (whole(OPENAI),))) as gpt,
        provider(whole(ANTHROPIC), sse(*ANTHROPIC_STREAM)) as claude,
    ):
        models = {
            "providers": {
                "openai": {"type": "openai", "base_url": f"{gpt.base}/v1", "api_key": "key-0123456789"},
                "anthropic": {"type": "anthropic", "base_url": claude.base, "api_key": "key-0123456789"},
            },
            "routes": {
                "gpt": {"targets": [{"provider": "openai", "model": "gpt-4.1"}]},
                "claude": {"targets": [{"provider": "anthropic", "model": "claude-sonnet-4-5"}]},
            },
        }
        manifest = manifest_of(
            {"one": {"url": server.url}},
            agents={"support": settings_of(agent)},
            models=models,
            access={**KEYS, "admins": ["staff"]},
            limits=list(limits),
        )
        async with in_process(manifest, folder) as gateway:
            await until(gateway.gateway.a2a.agents.settled.is_set)
            yield World(gateway, gpt)


def refused(got: Got, kind: str = "requests") -> Any:
    """The body of a refusal."""
    assert got.status == 429, (got.status, got.body)
    names = {"retry-after", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}
    assert got.headers.keys() >= names | {f"x-ratelimit-remaining-{kind}", f"anthropic-ratelimit-{kind}-reset"}
    assert int(got.headers["retry-after"]) >= 1
    return json.loads(got.body)


async def test_one_limit_counts_tools_agents_and_models_and_refuses_in_the_words_of_each(tmp_path: Path) -> None:
    async with world(tmp_path, {"name": "per-caller", "requests": "3/day"}) as found:
        assert "result" in (await found.mcp().tool("one__echo", {})).message
        assert (await found.agent().send()).status == 200
        assert (await found.chat()).status == 200

        tool = await found.mcp().tool("one__echo", {}, ident="x")
        error = refused(tool)["error"]
        assert (refused(tool)["id"], error["code"], error["data"]["reason"]) == ("x", -32005, "rate_limited")
        assert error["data"]["retry_after"] == int(tool.headers["retry-after"])
        for speech in (RPC, OLD_RPC, REST):
            told = await found.agent(speech=speech).send()
            assert told.status == 429
            assert "is reached: 3 requests per day" in told.body.decode()
            if speech.binding == "jsonrpc":
                assert json.loads(told.body)["error"]["code"] == -32000
        assert refused(await found.chat())["error"]["type"] == "rate_limit_error"
        claude = await found.models("/v1/messages").post(asked(model="claude", max_tokens=9), ANTHROPIC_KIND)
        assert refused(claude)["error"]["type"] == "rate_limit_error"
        gemini = await found.models("/v1beta/models/gpt:generateContent").post(encode({"contents": []}))
        assert refused(gemini)["error"]["status"] == "RESOURCE_EXHAUSTED"

        assert (await found.chat(BOB)).status == 200
        assert await found.rejections("per-caller") == 7
        line = await found.line(tool)
        assert (line["http.status"], line["reason"], line["user"]) == (429, "limit per-caller", "alice")
        assert line["error"].startswith('rate_limited: the limit "per-caller" is reached')
        assert len(found.openai.asked) == 2


async def test_an_agent_is_not_asked_by_a_call_that_was_refused(tmp_path: Path) -> None:
    limits = [{"name": "agents", "when": 'a2a.agent == "support"', "requests": "1/day"}]
    async with world(tmp_path, *limits) as found:
        first = await found.agent().send("a")
        assert first.text == "a"
        assert (await found.agent().send("b", contextId=first.context)).status == 429
        assert (await found.agent(BOB).send("c")).status == 200
        assert (await found.chat()).status == 200


async def test_a_limit_on_one_tool_leaves_the_others_and_the_lists_alone(tmp_path: Path) -> None:
    limits = [{"name": "echo", "when": 'mcp.tool.name == "one__echo"', "requests": "1/day"}]
    async with world(tmp_path, *limits) as found:
        assert "result" in (await found.mcp().tool("one__echo", {})).message
        assert (await found.mcp().tool("one__echo", {})).status == 429
        assert "one__echo" in await found.mcp().tools()
        assert (await found.mcp().tool("one__nothing", {})).status != 429


async def test_a_session_of_the_legacy_era_survives_a_refusal(tmp_path: Path) -> None:
    limits = [{"name": "tools", "when": "has(mcp.tool)", "requests": "1/day"}]
    async with world(tmp_path, *limits) as found:
        session = await Legacy.open(found.gateway.by(ALICE), "2025-03-26")
        assert "result" in (await session.tool("one__echo")).message
        told = await session.tool("one__echo")
        assert (told.status, told.message["error"]["code"]) == (200, -32005)  # 429 would end it at the client
        assert int(told.headers["retry-after"]) >= 1
        assert (await session.call("ping")).message["result"] == {}
        batch = [request(1, "tools/call", {"name": "one__echo", "arguments": {}}), request(2, "tools/list")]
        got = await session.send(b"[%b]" % b",".join(batch))
        answers = {message["id"]: message for message in map(json.loads, got.events)}
        assert answers[1]["error"]["code"] == -32005
        assert "result" in answers[2]


async def test_who_passes_is_told_what_is_left_in_every_protocol_and_the_story_tells_it(tmp_path: Path) -> None:
    limits: list[dict[str, Any]] = [
        {"name": "wide", "requests": "100/hour"},
        {"name": "narrow", "requests": "5/day", "concurrency": 2},
        {"name": "tokens", "tokens": "1000/day"},
    ]
    async with world(tmp_path, *limits) as found:
        legacy = await Legacy.open(found.gateway.by(ALICE))
        replies = [
            await found.mcp().tool("one__echo", {}),
            await legacy.tool("one__echo"),
            (await found.agent(speech=REST).send()).got,
            await found.chat(max_tokens=90),
        ]
        left = [int(each.headers["ratelimit-remaining"]) for each in replies]
        assert left == [3, 2, 1, 0]  # to open the session was one
        for each, rest in zip(replies, left, strict=True):
            assert each.headers["ratelimit"].startswith(f'"narrow";r={rest};t=')
            assert each.headers["ratelimit-policy"] == '"narrow";q=5;w=86400'
            assert each.headers["x-ratelimit-remaining-requests"] == str(rest)
        assert "x-ratelimit-limit-tokens" not in replies[0].headers
        chat = replies[3]
        assert chat.headers["x-ratelimit-limit-tokens"] == "1000"
        reserved = 1000 - int(chat.headers["x-ratelimit-remaining-tokens"])
        assert await found.decisions(chat) == [
            "limit wide: 1 request, 95 of 100 per hour left",
            "limit narrow: 1 call, 1 of 2 at a time left",
            "limit narrow: 1 request, 0 of 5 per day left",
            f"limit tokens: {reserved} tokens, {1000 - reserved} of 1000 per day left",
        ]
        refusal = await found.chat()
        refused(refusal)
        assert refusal.headers["ratelimit"].startswith('"narrow";r=0;t=')
        (told,) = [each for each in await found.decisions(refusal) if "refused" in each]
        assert told.startswith("limit narrow: refused: 1 request, 0 of 5 per day left, again in ")


# Tokens.


async def test_tokens_are_reserved_and_settled_to_what_the_provider_says(tmp_path: Path) -> None:
    limits = [{"name": "day", "when": 'llm.route == "gpt"', "tokens": "200/day"}]
    async with world(tmp_path, *limits) as found:
        for _ in range(4):  # 29 each; 100 are reserved each time
            assert (await found.chat(max_tokens=90)).status == 200
        got = await found.chat(max_tokens=90)
        assert refused(got, "tokens")["error"]["code"] == "rate_limit_exceeded"
        assert (got.headers["x-ratelimit-limit-tokens"], got.headers["x-ratelimit-remaining-tokens"]) == ("200", "84")
        assert (await found.chat(max_tokens=5)).status == 200
        assert (await found.chat(BOB, max_tokens=90)).status == 200
        large = await found.chat(BOB, messages=[{"role": "user", "content": "many words " * 100}])
        assert large.status == 413
        assert "in all: send less" in json.loads(large.body)["error"]["message"]
        assert await found.rejections("day") == 2


async def test_a_stream_settles_at_its_end_and_a_failed_call_is_paid_back(tmp_path: Path) -> None:
    answers = (whole({"error": {"message": "no", "type": "x"}}, 400), sse(*OPENAI_STREAM), whole(OPENAI))
    async with world(tmp_path, {"name": "day", "tokens": "100/day"}, openai=answers) as found:
        assert (await found.chat(max_tokens=90)).status == 400
        streamed = await found.chat(max_tokens=90, stream=True)
        assert streamed.status == 200
        assert (await found.line(streamed))["gen_ai.usage.output_tokens"] == 10
        refusal = await found.chat(max_tokens=90)
        assert refused(refusal, "tokens")
        assert refusal.headers["x-ratelimit-remaining-tokens"] == "71"
        assert (await found.chat(max_tokens=50)).status == 200


async def test_a_stream_that_the_caller_leaves_is_paid_for_and_gives_its_place_back(tmp_path: Path) -> None:
    answers = (
        sse(*(b"data: " + encode(openai_chunk({"content": "Hello"})) + b"\n\n" for _ in range(3)), end="stall"),
        whole(OPENAI),
    )
    limits = {"name": "a", "tokens": "1000/day", "concurrency": 1}
    async with world(tmp_path, limits, openai=answers) as found:
        async with found.models().open("POST", {"content-type": "application/json"}, asked(stream=True)) as stream:
            await stream.event()
            busy = await found.chat(max_tokens=1)
            assert busy.status == 429
            assert busy.headers["retry-after"] == "1"
            assert "1 call at a time" in busy.body.decode()
            assert (await found.chat(BOB, max_tokens=1)).status == 200
        await until(lambda: found.gateway.gateway.admit.streams == 0)
        refusal = await found.chat(max_tokens=990)
        left = int(refused(refusal, "tokens")["error"] and refusal.headers["x-ratelimit-remaining-tokens"])
        assert 900 < left < 990  # the prompt, and a token for so many bytes of the three chunks
        assert (await found.chat(max_tokens=10)).status == 200


async def test_a_stream_holds_its_place_until_its_provider_has_said_all(tmp_path: Path) -> None:
    chunks = [*OPENAI_STREAM[:2], PAUSE, *OPENAI_STREAM[2:]]
    async with (
        world(tmp_path, {"name": "a", "concurrency": 1}, openai=(sse(*chunks), whole(OPENAI))) as found,
        found.models().open("POST", {"content-type": "application/json"}, asked(stream=True)) as stream,
    ):
        await stream.event()
        assert (await found.chat()).status == 429
        found.openai.resume.set()
        assert b"[DONE]" in await stream.rest()
        assert (await found.chat()).status == 200


# Other people's clients.


async def test_sdks_of_vendors_raise_what_they_raise_at_their_vendors_limits(tmp_path: Path) -> None:
    async with world(tmp_path, {"name": "a", "requests": "1/day"}) as found:
        assert (await found.chat()).status == 200
        url = f"http://127.0.0.1:{found.gateway.port}"
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=ALICE, max_retries=0) as gpt:
            with pytest.raises(openai.RateLimitError) as told:
                await gpt.chat.completions.create(model="gpt", messages=[{"role": "user", "content": "Hello"}])
        assert told.value.code == "rate_limit_exceeded"
        assert told.value.response.headers["x-ratelimit-limit-requests"] == "1"
        async with anthropic.AsyncAnthropic(base_url=url, api_key=ALICE, max_retries=0) as claude:
            with pytest.raises(anthropic.RateLimitError) as refusal:
                await claude.messages.create(
                    model="claude", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
                )
        assert refusal.value.response.headers["anthropic-ratelimit-requests-limit"] == "1"


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_session_of_the_mcp_sdk_goes_on_after_a_refusal(mode: Any, tmp_path: Path) -> None:
    async with upstream("modern") as server:
        limits = [{"name": "tools", "when": "mcp.tool.name != ''", "requests": "1/day"}]
        manifest = manifest_of({"one": {"url": server.url}}, limits=limits)
        async with in_process(manifest, tmp_path) as gateway, McpClient(gateway.url, mode=mode) as client:
            await client.call_tool("one__echo", {})
            with pytest.raises(MCPError) as told:
                await client.call_tool("one__echo", {})
            assert (told.value.error.code, told.value.error.data["reason"]) == (-32005, "rate_limited")
            assert "one__echo" in [tool.name for tool in (await client.list_tools()).tools]


async def test_without_limits_nothing_is_refused_and_the_stage_is_not_there(tmp_path: Path) -> None:
    async with world(tmp_path) as found:
        for _ in range(5):
            assert (await found.chat()).status == 200
        assert len(found.gateway.gateway.limits) == 0
