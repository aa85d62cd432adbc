"""Traces of a gateway that runs by `fedgate serve`, as a real collector takes them."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate.core.clock import SystemClock
from tests.e2e.caller import request
from tests.e2e.gateway import LIMIT, ROOT, Lines, as_process, ended, environment, manifest_of
from tests.federation.upstreams import upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
SERVER, CLIENT = 2, 3
"""OTLP's span kinds."""


class Collector:
    """A receiver that runs."""

    def __init__(self, port: int, lines: Lines) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lines = lines

    async def spans(self, count: int) -> list[dict[str, Any]]:
        """The first so many, waited for."""
        await self.lines.saw('"span"', count)
        return [json.loads(each) for each in self.lines.all('"span"')]


@asynccontextmanager
async def collector(mode: str = "well") -> AsyncIterator[Collector]:
    script = str(ROOT / "tests" / "telemetry" / "otlp_receiver.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, mode, stdout=asyncio.subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    lines = Lines(process.stdout)
    try:
        yield Collector(int((await lines.saw("listening")).split()[1]), lines)
    finally:
        await ended(process)
        await lines.aclose()


def mapped(pid: int) -> str:
    """The files that a process has in memory, of which protobuf's library is one if traces are made."""
    return Path(f"/proc/{pid}/maps").read_text()


def traced(one: str, url: str, sample: float = 1.0, **more: Any) -> str:
    traces = {"otlp": url, "sample": sample, "headers": {"x-tenant": "ours"}, **more}
    return manifest_of({"one": {"url": one}}, telemetry={"log": {"format": "json"}, "traces": traces})


@pytest.mark.parametrize("back", ["legacy", "modern"])
async def test_a_call_is_one_trace_from_its_caller_to_its_server(back: Any, tmp_path: Path) -> None:
    async with upstream(back) as one, collector() as there, as_process(traced(one.url, there.url), tmp_path) as gateway:
        client = await gateway.legacy()
        body = request(7, "tools/call", {"name": "one__echo", "arguments": {}})
        head = {**client.head, "traceparent": PARENT, "tracestate": "vendor=1"}
        got = await gateway.caller.send("POST", head, body)
        assert got.status == 200
        line = await gateway.line(got.headers["x-fedgate-request-id"])
        assert line["trace.id"] == TRACE
        await there.lines.saw(TRACE, 2)
        call, hop = [each for each in await there.spans(2) if each["trace"] == TRACE]
        assert (call["kind"], call["parent"], call["state"]) == (SERVER, SPAN, "vendor=1")
        assert (call["name"], hop["parent"]) == ("tools/call echo", call["span"])
        assert (hop["kind"], hop["trace"], hop["name"]) == (CLIENT, TRACE, "tools/call echo")
        assert call["start"] <= hop["start"] <= hop["end"] <= call["end"]
        assert (call["service"], call["headers"]["x-tenant"]) == ("fedgate", "ours")
        said = call["attributes"]
        assert (said["mcp.method.name"], said["gen_ai.operation.name"]) == ("tools/call", "execute_tool")
        assert (said["http.response.status_code"], said["enduser.id"]) == (200, "anonymous")
        assert not any("session" in name for name in said)
        (seen,) = one.all("tools/call")
        sent = seen.params["_meta"]["traceparent"]
        assert sent == f"00-{TRACE}-{hop['span']}-01"
        assert seen.params["_meta"]["tracestate"] == "vendor=1"
        assert seen.header("traceparent") == sent


async def test_a_message_that_names_a_trace_is_part_of_that_one(tmp_path: Path) -> None:
    async with (
        upstream("modern") as one,
        collector() as there,
        as_process(traced(one.url, there.url), tmp_path) as gateway,
    ):
        got = await gateway.modern().tool("one__echo", traceparent=PARENT)
        line = await gateway.line(got.headers["x-fedgate-request-id"])
        assert line["trace.id"] == TRACE
        found = await there.spans(2)
        assert {each["trace"] for each in found} == {TRACE}
        assert SPAN in {each["parent"] for each in found}


async def test_what_nobody_samples_is_not_sent_but_passed_on(tmp_path: Path) -> None:
    async with (
        upstream("modern") as one,
        collector() as there,
        as_process(traced(one.url, there.url, 0.0), tmp_path) as gateway,
    ):
        await gateway.modern().tool("one__echo")
        (seen,) = one.all("tools/call")
        assert seen.params["_meta"]["traceparent"].endswith("-00")
        await gateway.modern().tool("one__echo", traceparent=PARENT)
        assert {each["trace"] for each in await there.spans(2)} == {TRACE}


async def test_without_a_collector_nothing_of_opentelemetry_is_there_and_callers_traces_pass(tmp_path: Path) -> None:
    async with upstream("modern") as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        got = await gateway.modern().tool("one__echo", traceparent=PARENT)
        assert (await gateway.line(got.headers["x-fedgate-request-id"]))["trace.id"] == TRACE
        (seen,) = one.all("tools/call")
        assert seen.params["_meta"]["traceparent"] == PARENT
        assert "google/_upb" not in mapped(gateway.pid)


async def test_a_collector_that_hangs_holds_up_neither_calls_nor_the_end(tmp_path: Path) -> None:
    clock = SystemClock()
    async with (
        upstream("modern") as one,
        collector("hang") as there,
        as_process(traced(one.url, there.url), tmp_path) as gateway,
    ):
        await gateway.modern().tool("one__echo")
        await there.lines.saw("hanging")
        async with asyncio.timeout(LIMIT):
            for _ in range(20):
                assert (await gateway.modern().tool("one__echo")).status == 200
        began = clock.monotonic()
        assert await ended(gateway.process) == 0
        assert clock.monotonic() - began < 8.0


async def test_spans_that_a_collector_refuses_are_counted_as_lost(tmp_path: Path) -> None:
    async with (
        upstream("modern") as one,
        collector("refuse") as there,
        as_process(traced(one.url, there.url), tmp_path) as gateway,
    ):
        await gateway.modern().tool("one__echo")
        await gateway.errors.saw("takes no traces")
        assert await gateway.metric("fedgate_trace_spans_dropped_total") >= 2


async def test_a_request_tells_its_story(tmp_path: Path) -> None:
    async with upstream("modern") as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        got = await gateway.modern().tool("one__echo")
        ident = got.headers["x-fedgate-request-id"]
        told = json.loads((await gateway.caller.get(f"/admin/requests/{ident}")).body)
        (story,) = told["operations"]
        stages = [each["stage"] for each in story["stages"]]
        assert stages == ["rescue", "admit", "identify", "bind", "dispatch"]
        assert [each["at_ms"] for each in story["stages"]] == sorted(each["at_ms"] for each in story["stages"])
        (hop,) = story["upstreams"]
        assert (hop["upstream"], hop["what"], hop["error"]) == ("one", "tools/call echo", "")
        assert (story["status"], story["user"], story["fields"]["mcp.server"]) == (200, "anonymous", "one")
        missing = await gateway.caller.get("/admin/requests/none-1")
        assert missing.status == 404
