"""Traces of A2A and of models, from callers through `fedgate serve` to scripted upstreams, as a collector has them.

What an upstream was told is what the span of the request to it says; every failure says what it was.
"""

import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from fedgate.telemetry.lines import session_mark
from tests.core.http_peer import Wire
from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Client
from tests.e2e.a2a_speech import OLD_RPC, REST, RPC, Heard, Speech, failure
from tests.e2e.a2a_world import settings_of
from tests.e2e.caller import Caller, Got, encode
from tests.e2e.collector import CLIENT, ERROR, SERVER, SPAN, UNSET, Collector, collector, parent_of, place
from tests.e2e.gateway import AsProcess, as_process, manifest_of
from tests.llm.providers import OPENAI, OPENAI_STREAM, Answer, Provider, openai_chunk, provider, sse
from tests.llm.providers import json as whole

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

Span = dict[str, Any]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One loop for the whole module, so that its gateways serve all tests."""
    return "asyncio"


@pytest.fixture(scope="module")
async def traces() -> AsyncIterator[Collector]:
    async with collector() as found:
        yield found


class Traced:
    """A gateway whose callers name a trace: each test its own."""

    def __init__(self, gateway: AsProcess, traces: Collector) -> None:
        self.gateway = gateway
        self.traces = traces
        self.trace = ""

    def begin(self) -> None:
        self.trace = secrets.token_hex(16)

    @property
    def head(self) -> dict[str, str]:
        return {"traceparent": f"00-{self.trace}-{SPAN}-01", "tracestate": "vendor=1"}

    async def nested(self, hops: int) -> tuple[Span, list[Span]]:
        """One trace: a call of the caller's, and so many requests within it."""
        call, *found = await self.traces.trace(self.trace, 1 + hops)
        assert (call["kind"], call["parent"], call["state"]) == (SERVER, SPAN, "vendor=1")
        assert len(found) == hops
        for each in found:
            assert (each["kind"], each["parent"], each["state"]) == (CLIENT, call["span"], "vendor=1")
            assert call["start"] <= each["start"] <= each["end"] <= call["end"]
        return call, found


# Agents.


class Agents(Traced):
    """Before one scripted agent, which speaks everything as `support` and one thing as `new`."""

    def __init__(self, gateway: AsProcess, traces: Collector, agent: Agent) -> None:
        super().__init__(gateway, traces)
        self.agent = agent

    def client(self, speech: Speech, agent: str = "support") -> Client:
        client = Client(self.gateway.port, speech, agent=agent)
        client.headers |= self.head
        return client

    async def seen(self, operation: str, agent: str = "support") -> tuple[Span, Span]:
        """The two spans of one request, of which the agent was told the second."""
        heard = await self.agent.heard_of(operation)
        trace, span = parent_of(heard.headers["traceparent"])
        call, (hop,) = await self.nested(1)
        assert (trace, span, heard.headers["tracestate"]) == (self.trace, hop["span"], "vendor=1")
        assert (call["name"], hop["name"]) == (operation, operation)
        assert place(hop) == ("127.0.0.1", self.agent.port)
        for each in (call, hop):
            assert each["attributes"]["a2a.method.name"] == operation
            assert each["attributes"]["gen_ai.agent.name"] == agent
        assert hop["attributes"]["fedgate.upstream"] == f"{agent}/one"
        return call, hop


@pytest.fixture(scope="module")
async def before_agent(traces: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Agents]:
    agent = Agent()
    async with running(agent):
        told = {"log": {"format": "json"}, "traces": {"otlp": traces.url}}
        new = {**settings_of(agent), "speaks": ["1.0/jsonrpc"]}
        text = manifest_of({}, agents={"support": settings_of(agent), "new": new}, telemetry=told)
        async with as_process(text, tmp_path_factory.mktemp("agents")) as gateway:
            yield Agents(gateway, traces, agent)


@pytest.fixture
def agents(before_agent: Agents) -> Agents:
    before_agent.begin()
    before_agent.agent.heard.clear()
    before_agent.agent.script = None
    return before_agent


@pytest.mark.parametrize("speech", [RPC, OLD_RPC, REST])
async def test_a_message_is_one_trace_from_its_caller_to_its_agent(speech: Speech, agents: Agents) -> None:
    told = await agents.client(speech).send("done")
    call, hop = await agents.seen("SendMessage")
    assert (call["status"], hop["status"]) == (UNSET, UNSET)
    for each in (call, hop):
        said = each["attributes"]
        assert said["a2a.protocol.version"] == speech.version
        assert said["gen_ai.conversation.id"] == session_mark(told.context)
        assert said["a2a.task.id"] == session_mark(told.task)
        assert "error.type" not in said
        assert told.context not in json.dumps(said)
    assert hop["attributes"]["a2a.task.state"] == "TASK_STATE_COMPLETED"
    assert call["attributes"]["http.response.status_code"] == 200
    assert place(call) == ("127.0.0.1", agents.gateway.port)
    assert ("jsonrpc.request.id" in call["attributes"]) is (speech.binding == "jsonrpc")


async def test_a_message_of_another_version_than_the_agents_says_both(agents: Agents) -> None:
    await agents.client(OLD_RPC, "new").send("done")
    call, hop = await agents.seen("SendMessage", "new")
    versions = [each["attributes"]["a2a.protocol.version"] for each in (call, hop)]
    assert versions == ["0.3", "1.0"]


@pytest.mark.parametrize("speech", [RPC, OLD_RPC, REST])
async def test_a_stream_is_over_in_its_trace_when_it_ends(speech: Speech, agents: Agents) -> None:
    await agents.client(speech).streamed("done")
    call, hop = await agents.seen("SendStreamingMessage")
    assert (call["status"], hop["status"]) == (UNSET, UNSET)
    assert hop["attributes"]["a2a.task.state"] == "TASK_STATE_COMPLETED"


async def refuses(agent: Agent, wire: Wire, heard: Heard) -> None:
    agent.say(wire, *failure(heard, -32004, "not this"))


@pytest.mark.parametrize(("speech", "kind", "code"), [(RPC, "-32004", "-32004"), (REST, "404", None)])
async def test_an_error_of_the_agent_is_one_of_both_spans(
    speech: Speech, kind: str, code: str | None, agents: Agents
) -> None:
    agents.agent.script = refuses
    got = await agents.client(speech).send()
    call, hop = await agents.seen("SendMessage")
    for each in (call, hop):
        assert each["attributes"]["error.type"] == kind
        assert each["attributes"].get("rpc.response.status_code") == code
    assert hop["status"] == ERROR
    line = await agents.gateway.line(got.headers["x-fedgate-request-id"])
    assert line.get("error") == ("jsonrpc -32004" if code else None)


async def test_an_error_in_the_middle_of_a_stream_is_one_of_both_spans(agents: Agents) -> None:
    async def breaks(agent: Agent, wire: Wire, heard: Heard) -> None:
        agent.turn(heard)
        agent.begin(wire)
        _, body = failure(heard, -32603, "no more")
        wire.send(b"%x\r\ndata: %b\n\n\r\n0\r\n\r\n" % (len(body) + 8, body))

    agents.agent.script = breaks
    await agents.client(RPC).streamed()
    call, hop = await agents.seen("SendStreamingMessage")
    assert [each["attributes"]["error.type"] for each in (call, hop)] == ["-32603", "-32603"]
    assert (call["status"], hop["status"]) == (ERROR, ERROR)


async def test_an_agent_that_hangs_up_is_an_error_of_both_spans(agents: Agents) -> None:
    async def dies(_agent: Agent, wire: Wire, _heard: Heard) -> None:
        wire.abort()

    agents.agent.script = dies
    got = await agents.client(RPC).send()
    assert got.tree["error"]["code"] == -32603
    call, hop = await agents.seen("SendMessage")
    assert (call["status"], hop["status"]) == (ERROR, ERROR)
    assert hop["attributes"]["error.type"] == "upstream_broken"
    assert call["attributes"]["error.type"] == "instance_unavailable"
    assert call["attributes"]["rpc.response.status_code"] == "-32603"


async def test_what_a_caller_does_wrong_has_no_hop_and_is_no_error_of_the_span(agents: Agents) -> None:
    got = await agents.client(RPC).ask("GetTask", {"id": "nobodys"})
    assert got.tree["error"]["code"] == -32001
    call, _ = await agents.nested(0)
    said = call["attributes"]
    assert (said["error.type"], said["rpc.response.status_code"]) == ("task_not_found", "-32001")
    assert agents.agent.heard == []


# Models.


class Models(Traced):
    """Before two providers: `near`, which is asked first and once again, and `far`."""

    def __init__(self, gateway: AsProcess, traces: Collector, near: Provider, far: Provider) -> None:
        super().__init__(gateway, traces)
        self.near = near
        self.far = far

    def answer(self, near: Answer, far: Answer) -> None:
        """What each of them answers from now on."""
        for each, answer in ((self.near, near), (self.far, far)):
            each.answers[:] = [answer]
            each.asked.clear()

    async def chat(self, **body: Any) -> Got:
        asked = {"model": "smart", "messages": [{"role": "user", "content": "Hello"}], **body}
        return await Caller(self.gateway.port, "/v1/chat/completions", self.head).post(encode(asked))

    async def seen(self, hops: int) -> tuple[Span, list[Span]]:
        """The call's span, and those of the requests, each of which was told its own."""
        call, found = await self.nested(hops)
        received = [*self.near.asked, *self.far.asked]
        told = [parent_of((each.header(b"traceparent") or b"").decode()) for each in received]
        assert told == [(self.trace, each["span"]) for each in found]
        ports = [int(each.base.rpartition(":")[2]) for each in (self.near, self.far) for _ in each.asked]
        assert [place(each) for each in found] == [("127.0.0.1", port) for port in ports]
        assert call["name"] == "chat smart"
        for each in found:
            assert each["attributes"]["gen_ai.operation.name"] == "chat"
            assert each["attributes"]["gen_ai.provider.name"] == "openai"
        return call, found


@pytest.fixture(scope="module")
async def before_models(traces: Collector, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Models]:
    async with provider(whole(OPENAI)) as one, provider(whole(OPENAI)) as two:
        providers = {
            name: {"type": "openai", "base_url": f"{each.base}/v1", "api_key": "key-0123456789"}
            for name, each in (("near", one), ("far", two))
        }
        targets = [{"provider": "near", "model": "gpt-4.1"}, {"provider": "far", "model": "gpt-4o"}]
        section = {
            "providers": providers,
            "routes": {"smart": {"targets": targets, "affinity": "none"}},
            "retry": {"attempts": 1, "initial": "1ms", "max": "1ms", "on": [529]},
            "breaker": {"failures": 100},
        }
        told = {"log": {"format": "json"}, "traces": {"otlp": traces.url}}
        text = manifest_of({}, models=section, telemetry=told)
        async with as_process(text, tmp_path_factory.mktemp("models")) as gateway:
            yield Models(gateway, traces, one, two)


@pytest.fixture
def models(before_models: Models) -> Models:
    before_models.begin()
    before_models.answer(whole(OPENAI), whole(OPENAI))
    return before_models


async def test_a_chat_is_one_trace_with_what_it_has_used(models: Models) -> None:
    assert (await models.chat()).status == 200
    call, (hop,) = await models.seen(1)
    assert hop["name"] == "chat gpt-4.1"
    assert (call["status"], hop["status"]) == (UNSET, UNSET)
    assert call["attributes"]["gen_ai.request.model"] == "smart"
    assert hop["attributes"]["gen_ai.request.model"] == "gpt-4.1"
    for each in (call, hop):
        said = each["attributes"]
        assert said["gen_ai.response.model"] == "gpt-4.1-2025-04-14"
        assert (said["gen_ai.usage.input_tokens"], said["gen_ai.usage.output_tokens"]) == (19, 10)
    assert "Hello" not in json.dumps([call, hop])


async def test_a_streamed_chat_says_at_its_end_what_it_has_used(models: Models) -> None:
    models.answer(sse(*OPENAI_STREAM), whole(OPENAI))
    assert (await models.chat(stream=True)).status == 200
    call, (hop,) = await models.seen(1)
    for each in (call, hop):
        assert each["attributes"]["gen_ai.usage.output_tokens"] == 10
    assert hop["end"] <= call["end"]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_retry_and_a_fall_back_are_requests_of_their_own(stream: bool, models: Models) -> None:
    busy = whole({"error": {"message": "overloaded"}}, 529)
    last = sse(*OPENAI_STREAM) if stream else whole(OPENAI)
    models.answer(busy, last)
    assert (await models.chat(stream=stream)).status == 200
    call, (first, again, other) = await models.seen(3)
    assert [each["name"] for each in (first, again, other)] == ["chat gpt-4.1", "chat gpt-4.1", "chat gpt-4o"]
    upstreams = [each["attributes"]["fedgate.upstream"] for each in (first, again, other)]
    assert upstreams == ["near/gpt-4.1", "near/gpt-4.1", "far/gpt-4o"]
    assert [each["status"] for each in (call, first, again, other)] == [UNSET, ERROR, ERROR, UNSET]
    assert [each["attributes"].get("error.type") for each in (first, again)] == ["529", "529"]
    assert "error.type" not in call["attributes"]
    assert "gen_ai.usage.output_tokens" not in again["attributes"]
    assert other["attributes"]["gen_ai.usage.output_tokens"] == 10
    assert call["attributes"]["fallback"] == "near/gpt-4.1 -> far/gpt-4o"


async def test_a_chat_that_no_provider_answers_has_failed_in_all_its_spans(models: Models) -> None:
    broken = whole({"error": {"message": "no"}}, 500)
    models.answer(broken, broken)
    assert (await models.chat()).status == 500
    call, hops = await models.seen(2)
    assert [each["status"] for each in (call, *hops)] == [ERROR, ERROR, ERROR]
    assert [each["attributes"]["error.type"] for each in (call, *hops)] == ["500", "500", "500"]


async def test_a_stream_that_breaks_off_is_an_error_of_both_spans(models: Models) -> None:
    chunk = b"data: " + encode(openai_chunk({"content": "Hel"})) + b"\n\n"
    models.answer(sse(chunk, end="cut"), whole(OPENAI))
    assert (await models.chat(stream=True)).status == 200
    call, (hop,) = await models.seen(1)
    assert (call["status"], hop["status"]) == (ERROR, ERROR)
    assert call["attributes"]["error.type"] == hop["attributes"]["error.type"]


async def test_a_request_that_no_provider_would_take_is_the_callers_error(models: Models) -> None:
    models.answer(whole({"error": {"message": "bad", "type": "invalid_request_error"}}, 400), whole(OPENAI))
    assert (await models.chat()).status == 400
    call, (hop,) = await models.seen(1)
    assert (call["status"], hop["status"]) == (UNSET, ERROR)
    assert call["attributes"]["http.response.status_code"] == 400
