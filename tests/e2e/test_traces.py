"""Traces of a gateway that runs by `fedgate serve`, as a real collector takes them."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from fedgate.core.clock import SystemClock
from tests.e2e.caller import request
from tests.e2e.collector import CLIENT, ERROR, PARENT, SERVER, SPAN, TRACE, collector
from tests.e2e.gateway import LIMIT, as_process, ended, manifest_of
from tests.federation.upstreams import Seen, error, http, result, text, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]


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


async def test_errors_of_tools_and_of_the_protocol_are_told_as_the_conventions_have_them(tmp_path: Path) -> None:
    async def fails(seen: Seen) -> bytes:
        return http(200, result(seen, {**text("no such file"), "isError": True}))

    async def refuses(seen: Seen) -> bytes:
        return http(200, error(seen, -32602, "no"))

    def traced_by(number: int) -> str:
        return f"00-{number:032x}-{SPAN}-01"

    async with (
        upstream("legacy") as one,
        collector() as there,
        as_process(traced(one.url, there.url), tmp_path) as gateway,
    ):
        session, modern = await gateway.legacy(), gateway.modern()
        one.on["tools/call"] = fails
        params = {"name": "one__echo", "arguments": {}}
        failed = await session.call("tools/call", {**params, "_meta": {"traceparent": traced_by(1)}}, "call-1")
        assert failed.message["result"]["isError"] is True
        one.on["tools/call"] = refuses
        assert (await modern.tool("one__echo", ident=2, traceparent=traced_by(2))).message["error"]["code"] == -32602
        assert (await modern.tool("one__gone", ident=3, traceparent=traced_by(3))).message["error"]["code"] == -32602
        call, hop = await there.trace(f"{1:032x}", 2)
        for each in (call, hop):
            assert (each["attributes"]["error.type"], each["status"]) == ("tool_error", ERROR)
            assert each["attributes"]["mcp.protocol.version"] == "2025-11-25"
            assert each["attributes"]["gen_ai.tool.name"] == "echo"
        assert call["attributes"]["jsonrpc.request.id"] == "call-1"
        assert "error" not in await gateway.line(failed.headers["x-fedgate-request-id"])
        call, hop = await there.trace(f"{2:032x}", 2)
        for each in (call, hop):
            said = each["attributes"]
            assert (said["error.type"], said["rpc.response.status_code"]) == ("-32602", "-32602")
        assert call["attributes"]["mcp.protocol.version"] == "2026-07-28"
        (call,) = await there.trace(f"{3:032x}", 1)
        said = call["attributes"]
        assert (said["jsonrpc.request.id"], said["error.type"], said["rpc.response.status_code"]) == (
            "3", "-32602", "-32602",
        )  # fmt: skip
        assert session.session not in json.dumps([json.loads(each) for each in there.lines.all('"span"')])


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
