"""Traces of agents that are called as tools: what the agent is asked is a part of the tool call, and told once."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_speech import Heard, failure
from tests.e2e.a2a_world import settings_of
from tests.e2e.caller import Got, Modern
from tests.e2e.collector import CLIENT, ERROR, PARENT, SERVER, SPAN, UNSET, Collector, collector, parent_of, place
from tests.e2e.gateway import AsProcess, as_process, manifest_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

FORM: dict[str, Any] = {"elicitation": {"form": {}}}
Span = dict[str, Any]


class Desk:
    """A gateway that offers one scripted agent as the server `desk`, whose tool is `s`."""

    def __init__(self, gateway: AsProcess, agent: Agent, traces: Collector) -> None:
        self.gateway = gateway
        self.agent = agent
        self.traces = traces
        self.trace = ""

    def parent(self) -> str:
        """Of another trace."""
        self.trace = secrets.token_hex(16)
        return f"00-{self.trace}-{SPAN}-01"

    async def call(self, message: str = "done", **more: Any) -> Got:
        client = Modern(self.gateway.caller, FORM)
        params = {"name": "desk__s", "arguments": {"message": message}, **more}
        return await client.call("tools/call", params, traceparent=self.parent())

    async def spans(self, hops: int) -> tuple[Span, list[Span]]:
        """Of the latest call: each request to the agent is its child, and was told so."""
        call, *found = await self.traces.trace(self.trace, 1 + hops)
        assert (call["kind"], call["name"], call["parent"]) == (SERVER, "tools/call s", SPAN)
        told = {parent_of(heard.headers["traceparent"]) for heard in self.agent.heard}
        for each in found:
            assert (each["kind"], each["parent"]) == (CLIENT, call["span"])
            assert (self.trace, each["span"]) in told
            assert each["attributes"]["fedgate.upstream"] == "support/one"
            assert place(each) == ("127.0.0.1", self.agent.port)
            assert call["start"] <= each["start"] <= each["end"] <= call["end"]
        return call, found

    async def story(self, got: Got) -> Any:
        ident = got.headers["x-fedgate-request-id"]
        (story,) = json.loads((await self.gateway.caller.get(f"/admin/requests/{ident}")).body)["operations"]
        return story

    async def asked(self, kind: str, name: str) -> float:
        """How many requests to an upstream were counted."""
        return await self.gateway.metric(f'fedgate_upstream_duration_seconds_count{{kind="{kind}",name="{name}"}}')


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the whole module, so that its gateway serves all tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def made(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    agent = Agent()
    async with running(agent), collector() as traces:
        told = {"log": {"format": "json"}, "traces": {"otlp": traces.url}}
        servers = {"desk": {"agent": "support"}}
        text = manifest_of(servers, agents={"support": settings_of(agent)}, telemetry=told)
        async with as_process(text, tmp_path_factory.mktemp("desk")) as gateway:
            await gateway.server("desk", lambda entry: entry["state"] == "ready")
            yield Desk(gateway, agent, traces)


@pytest.fixture
def desk(made: Desk) -> Desk:
    made.agent.heard.clear()
    made.agent.script = None
    return made


async def test_what_the_agent_is_asked_is_a_child_of_the_tool_call_and_counted_once(desk: Desk) -> None:
    before = await desk.asked("a2a", "support"), await desk.asked("mcp", "desk")
    got = await desk.call()
    assert got.message["result"]["structuredContent"]["state"] == "completed"
    call, (hop,) = await desk.spans(1)
    assert (hop["name"], call["status"], hop["status"]) == ("SendStreamingMessage", UNSET, UNSET)
    assert call["attributes"]["gen_ai.operation.name"] == "execute_tool"
    said = hop["attributes"]
    assert (said["a2a.method.name"], said["gen_ai.agent.name"]) == ("SendStreamingMessage", "support")
    assert said["a2a.task.state"] == "TASK_STATE_COMPLETED"
    context = got.message["result"]["structuredContent"]["contextId"]
    assert context not in json.dumps([call, hop])
    (upstream,) = (await desk.story(got))["upstreams"]
    assert (upstream["upstream"], upstream["kind"], upstream["what"]) == ("support/one", "a2a", "SendStreamingMessage")
    assert (await desk.asked("a2a", "support"), await desk.asked("mcp", "desk")) == (before[0] + 1, before[1])


async def test_an_error_of_the_agent_is_one_of_the_tool(desk: Desk) -> None:
    async def refuses(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.say(wire, *failure(heard, -32005, "I read no poems"))

    desk.agent.script = refuses
    got = await desk.call()
    assert got.message["result"]["isError"] is True
    call, (hop,) = await desk.spans(1)
    assert (call["attributes"]["error.type"], call["status"]) == ("tool_error", ERROR)
    assert (hop["attributes"]["error.type"], hop["attributes"]["rpc.response.status_code"]) == ("-32005", "-32005")
    (upstream,) = (await desk.story(got))["upstreams"]
    assert upstream["error"] == "jsonrpc -32005"


async def test_an_answer_to_the_agents_question_is_told_in_the_request_that_brings_it(desk: Desk) -> None:
    first = await desk.call("more")
    result = first.message["result"]
    assert result["resultType"] == "input_required"
    await desk.spans(1)
    (key,) = result["inputRequests"]
    answers = {key: {"action": "accept", "content": {"answer": "done"}}}
    second = await desk.call("more", inputResponses=answers, requestState=result["requestState"])
    assert second.message["result"]["structuredContent"]["state"] == "completed"
    _, (hop,) = await desk.spans(1)
    assert hop["name"] == "SendStreamingMessage"
    assert [heard.text for heard in desk.agent.heard] == ["more", "done"]
    assert [each["upstream"] for each in (await desk.story(second))["upstreams"]] == ["support/one"]


async def test_a_question_that_is_declined_cancels_within_the_same_call(desk: Desk) -> None:
    first = (await desk.call("more")).message["result"]
    await desk.spans(1)
    (key,) = first["inputRequests"]
    said = {"inputResponses": {key: {"action": "decline"}}, "requestState": first["requestState"]}
    second = await desk.call("more", **said)
    assert "its task was cancelled" in second.message["result"]["content"][0]["text"]
    _, (hop,) = await desk.spans(1)
    assert hop["name"] == "CancelTask"


async def test_without_a_collector_the_agent_is_told_the_callers_own_trace(tmp_path: Path) -> None:
    agent = Agent()
    async with running(agent):
        text = manifest_of({"desk": {"agent": "support"}}, agents={"support": settings_of(agent)})
        async with as_process(text, tmp_path) as gateway:
            await gateway.server("desk", lambda entry: entry["state"] == "ready")
            legacy = await gateway.legacy()
            legacy.caller.headers["traceparent"] = PARENT
            got = await legacy.tool("desk__s", {"message": "done"})
            assert (await agent.heard_of("SendStreamingMessage")).headers["traceparent"] == PARENT
            ident = got.headers["x-fedgate-request-id"]
            (story,) = json.loads((await gateway.caller.get(f"/admin/requests/{ident}")).body)["operations"]
            assert [each["upstream"] for each in story["upstreams"]] == ["support/one"]
