"""The whole of it in one story: a caller with one key uses a tool, an agent and a model through one `fedgate serve`.

What the access lines say of her, what the metrics count and what the administration shows are then the same facts.
"""

import json
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from fedgate.cli.sample_child import started
from fedgate.telemetry.lines import session_mark
from tests.e2e.caller import Caller, Got, Modern, encode
from tests.e2e.gateway import AsProcess, as_process, manifest_of, until
from tests.llm.providers import OPENAI, Provider, provider
from tests.llm.providers import json as whole

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

KEY = "the-key-of-alice"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
CONTEXT = "trip-to-tokyo"
SERVED = ("mcp", "a2a", "llm")
REQUEST_ID = "x-fedgate-request-id"

ACCESS = {
    "keys": [{"id": "alice", "key": KEY, "groups": ["engineering"]}],
    "admins": ["engineering"],
    "rules": [
        {"deny": '!("engineering" in principal.groups)', "name": "engineers-only"},
        {"deny": 'mcp.tool.name == "find_timezones"', "name": "no-searching"},
    ],
}
LIMITS = [{"name": "per-caller", "key": "principal.id", "requests": "1000/minute"}]
TIME = {"command": sys.executable, "args": ["-m", "fedgate.samples.time_server"]}


class Alice:
    """What she does, all of it in one trace; and what she, who may, sees of it afterwards."""

    def __init__(self, gateway: AsProcess) -> None:
        self.gateway = gateway
        self.replies: list[Got] = []

    def at(self, path: str) -> Caller:
        return Caller(self.gateway.port, path, {"authorization": f"Bearer {KEY}", "traceparent": PARENT})

    def _kept(self, got: Got) -> Got:
        assert got.status == 200, got
        self.replies.append(got)
        return got

    async def tools(self) -> list[str]:
        got = self._kept(await Modern(self.at("/mcp")).call("tools/list"))
        return [tool["name"] for tool in got.message["result"]["tools"]]

    async def tool(self, name: str, arguments: object) -> Any:
        got = self._kept(await Modern(self.at("/mcp")).tool(name, arguments))
        return got.message["result"]

    async def says(self, text: str) -> Any:
        """To the agent, in her conversation; its task."""
        message = {"messageId": f"m-{text}", "contextId": CONTEXT, "role": "ROLE_USER", "parts": [{"text": text}]}
        got = self._kept(await self.at("/a2a/support/message:send").post(encode({"message": message})))
        return json.loads(got.body)["task"]

    async def chats(self, text: str) -> Any:
        body = {"model": "smart", "messages": [{"role": "user", "content": text}]}
        return json.loads(self._kept(await self.at("/v1/chat/completions").post(encode(body))).body)

    async def lines(self) -> list[dict[str, Any]]:
        """The access lines of all that she was answered."""
        return [await self.gateway.line(got.headers[REQUEST_ID]) for got in self.replies]

    async def sees(self, path: str) -> Any:
        got = await self.at(path).send("GET", {})
        assert got.status == 200, got
        return json.loads(got.body)

    async def counted(self, family: str, *labels: str) -> Counter[tuple[str, ...]]:
        """Everything that a counter holds."""
        text = (await self.gateway.caller.get("/metrics")).body.decode()
        found: Counter[tuple[str, ...]] = Counter()
        for each in text_string_to_metric_families(text):
            for sample in each.samples:
                if sample.name == family:
                    found[tuple(sample.labels[label] for label in labels)] += int(sample.value)
        return found


@pytest.fixture(scope="module")
def replicas() -> Iterator[list[dict[str, str]]]:
    """Two sample agents, as a manifest names them."""
    with ExitStack() as stack:
        module = "fedgate.samples.memory_agent"
        children = {name: stack.enter_context(started(module, "--name", name)) for name in ("s1", "s2")}
        yield [{"name": name, "url": child()} for name, child in children.items()]


@asynccontextmanager
async def mission(replicas: list[dict[str, str]], models: Provider, folder: Path) -> AsyncIterator[Alice]:
    near = {"type": "openai", "base_url": f"{models.base}/v1", "api_key": "key-0123456789"}
    manifest = manifest_of(
        {"time": TIME},
        agents={"support": {"instances": replicas}},
        models={
            "providers": {"near": near},
            "routes": {"smart": {"targets": [{"provider": "near", "model": "gpt-4.1"}]}},
        },
        access=ACCESS,
        limits=LIMITS,
        telemetry={"log": {"format": "json", "ids": "plain"}},
    )
    async with as_process(manifest, folder) as gateway:
        await gateway.server("time", lambda entry: entry["state"] == "ready", KEY)
        yield Alice(gateway)


def served(lines: list[str]) -> list[dict[str, Any]]:
    """The access lines of operations of the three protocols."""
    return [line for line in map(json.loads, lines) if line.get("protocol") in SERVED]


async def test_one_caller_is_the_same_in_lines_metrics_and_administration(
    replicas: list[dict[str, str]], tmp_path: Path
) -> None:
    async with provider(whole(OPENAI)) as models, mission(replicas, models, tmp_path) as alice:
        # She sees the tools that the rules leave her, and uses one.
        assert sorted(await alice.tools()) == ["time__convert_time", "time__current_time", "time__time_between"]
        told = await alice.tool("time__current_time", {"timezone": "UTC"})
        assert told["structuredContent"]["timezone"] == "UTC"

        # She talks to the agent twice, and the same replica hears both.
        await alice.says("remember that the departure is at nine")
        second = await alice.says("what do you know?")
        assert "the departure is at nine" in json.dumps(second["artifacts"])
        instance = second["artifacts"][0]["metadata"]["instance"]

        # She asks a model.
        assert (await alice.chats("Hello"))["choices"] == OPENAI["choices"]
        assert len(models.asked) == 1

        lines = await alice.lines()
        same_caller_and_trace(lines)
        conversation = [line for line in lines if line["protocol"] == "a2a"]
        assert [(line["a2a.context.id"], line["a2a.instance"]) for line in conversation] == [(CONTEXT, instance)] * 2

        await metrics_agree(alice)
        await sessions_agree(alice, instance, next(line for line in lines if line["protocol"] == "llm"))


def same_caller_and_trace(lines: list[dict[str, Any]]) -> None:
    """One identity and one trace, whatever the protocol; and each line says what was done."""
    assert {(line["user"], line["user_id"], line["trace.id"]) for line in lines} == {("alice", "alice", TRACE)}
    assert [(line["protocol"], line["http.status"], line["status"]) for line in lines] == [
        (protocol, 200, "success") for protocol in ("mcp", "mcp", "a2a", "a2a", "llm")
    ]
    assert (lines[1]["mcp.server"], lines[1]["gen_ai.tool.name"]) == ("time", "current_time")


async def metrics_agree(alice: Alice) -> None:
    """To the unit, and with nothing that has no line."""
    operation = {"mcp": "mcp.method.name", "a2a": "a2a.method", "llm": "gen_ai.operation.name"}
    counts = await alice.counted("fedgate_requests_total", "protocol", "operation", "status")
    counts = Counter({key: count for key, count in counts.items() if key[0] in SERVED})
    out = alice.gateway.access.lines
    await until(lambda: len(served(out)) >= counts.total())
    lines = served(out)
    assert counts == Counter(
        (line["protocol"], line[operation[line["protocol"]]], str(line["http.status"])) for line in lines
    )
    conversation = [line for line in lines if line["protocol"] == "a2a"]
    contexts = Counter(line["a2a.context.id"] for line in conversation)
    tasks = {line["a2a.task.id"] for line in conversation}
    assert (contexts, len(tasks)) == ({CONTEXT: 2}, 2)
    # A conversation and each of its tasks is bound once; the conversation is found bound by each later message.
    pins = await alice.counted("fedgate_session_pins_total", "result")
    assert +pins == {("made",): len(contexts) + len(tasks), ("hit",): contexts.total() - len(contexts)}
    assert await alice.counted("fedgate_limit_rejections_total", "limit") == Counter()


async def sessions_agree(alice: Alice, instance: str, spoken: dict[str, Any]) -> None:
    """The administration's list has the conversations as the lines have them."""
    (context,) = (await alice.sees("/admin/sessions?kind=context"))["sessions"]
    assert (context["id"], context["log_id"]) == (CONTEXT, session_mark(CONTEXT))
    assert (context["owner"], context["target"]) == ("key:alice", "support")
    assert (context["turns"], context["instance"], context["state"]) == (2, instance, "ready")

    (chat,) = (await alice.sees("/admin/sessions?protocol=llm"))["sessions"]
    assert (chat["owner"], chat["target"], chat["instance"]) == ("key:alice", "smart", "near/gpt-4.1")
    assert chat["log_id"] == spoken["session"]
    tokens = (spoken["gen_ai.usage.input_tokens"], spoken["gen_ai.usage.output_tokens"])
    assert tokens == (19, 10)
    assert (chat["turns"], chat["input_tokens"], chat["output_tokens"], chat["cost_usd"]) == (
        1,
        *tokens,
        spoken["cost_usd"],
    )
