"""What must stay small or quick whatever servers and clients do: a gateway of its own process each time."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.caller import JSON_POST, encode, request
from tests.e2e.gateway import as_process, in_process, manifest_of, rss
from tests.federation.upstreams import Seen, http, never, result, upstream

pytestmark = pytest.mark.anyio


async def test_a_server_that_never_answers_delays_nobody_and_is_marked(tmp_path: Path) -> None:
    async with upstream() as good, upstream() as silent:
        for method in ("server/discover", "initialize"):
            silent.on[method] = never
        manifest = manifest_of({"silent": {"url": silent.url, "timeout": "500ms"}, "good": {"url": good.url}})
        async with as_process(manifest, tmp_path) as gateway:
            async with asyncio.timeout(5):
                session = await gateway.legacy()
                assert await session.tools() == ["good__echo"]
                assert await gateway.modern().tools() == ["good__echo"]
                discovered = await gateway.modern().call("server/discover")
            assert discovered.status == 200
            entry = await gateway.server("silent", lambda entry: entry["state"] == "down")
            assert entry["reason"] == f"http://127.0.0.1:{silent.port} did not answer in time"
            assert await gateway.metric('fedgate_server_up{server="silent"}') == 0
            assert await gateway.metric('fedgate_server_up{server="good"}') == 1


async def test_the_catalog_is_served_while_a_server_is_still_being_reached(tmp_path: Path) -> None:
    async with upstream() as good, upstream() as silent:
        silent.on["server/discover"] = never
        manifest = manifest_of({"silent": {"url": silent.url}, "good": {"url": good.url}})
        async with in_process(manifest, tmp_path, settled=False) as gateway:
            asked = await silent.saw("server/discover")
            await gateway.server("good", lambda entry: entry["state"] == "ready")
            session = await gateway.legacy()
            assert await session.tools() == ["good__echo"]
            assert (await gateway.ready())["servers"]["silent"]["state"] == "starting"
            assert not asked.gone.is_set()


@pytest.mark.slow
async def test_ten_thousand_clients_that_never_say_goodbye_cost_no_more_than_the_cap(tmp_path: Path) -> None:
    cap = 500
    async with upstream() as one:
        manifest = manifest_of({"one": {"url": one.url}}, sessions={"max": cap})
        async with as_process(manifest, tmp_path) as gateway:
            await _initialize(gateway.port, 2_500)
            full = rss(gateway.pid)
            await _initialize(gateway.port, 7_500)
            grown = rss(gateway.pid) - full
            assert await gateway.metric('fedgate_sessions{protocol="mcp"}') == cap
            assert grown < 16 * 1024 * 1024  # 7,500 sessions that stayed would need three times as much
            session = await gateway.legacy()
            assert await session.tools() == ["one__echo"]


async def _initialize(port: int, count: int) -> None:
    """Open sessions on one connection, fifty requests at a time."""
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    body = request(1, "initialize", params)
    head = "".join(f"{name}: {value}\r\n" for name, value in JSON_POST.items())
    post = f"POST /mcp HTTP/1.1\r\nhost: 127.0.0.1\r\n{head}content-length: {len(body)}\r\n\r\n".encode() + body
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(count // 50):
            writer.write(post * 50)
            for _ in range(50):
                await _one_answer(reader)
    finally:
        writer.close()
        await writer.wait_closed()


async def _one_answer(reader: asyncio.StreamReader) -> None:
    async with asyncio.timeout(20):
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        await reader.readexactly(length)


async def test_five_hundred_tools_over_five_pages_are_all_there(tmp_path: Path) -> None:
    names = [f"tool-{number:03}" for number in range(500)]

    async def page(seen: Seen) -> bytes:
        begin = int(seen.params.get("cursor", "0"))
        tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names[begin : begin + 100]]
        more: dict[str, Any] = {"nextCursor": str(begin + 100)} if begin < 400 else {}
        return http(200, result(seen, {"tools": tools, "resultType": "complete", **more}))

    async with upstream() as one, upstream("modern") as two:
        one.on["tools/list"] = two.on["tools/list"] = page
        async with as_process(manifest_of({"one": {"url": one.url}, "two": {"url": two.url}}), tmp_path) as gateway:
            expected = [f"{server}__{name}" for server in ("one", "two") for name in names]
            assert await (await gateway.legacy()).tools() == expected
            assert await gateway.modern().tools() == expected
            assert [len(each.all("tools/list")) for each in (one, two)] == [5, 5]
            entry = (await gateway.ready())["servers"]["one"]
            assert entry["tools"] == 500


async def test_a_megabyte_and_a_half_over_an_event_stream_arrives_beside_its_progress(tmp_path: Path) -> None:
    large = "é" * 750_000

    async def answer(seen: Seen) -> None:
        token = seen.params["_meta"]["progressToken"]
        seen.sse()
        seen.event(
            encode(
                {
                    "jsonrpc": "2.0",
                    "method": "notifications/progress",
                    "params": {"progressToken": token, "progress": 1},
                }
            )
        )
        content = {"content": [{"type": "text", "text": large}], "resultType": "complete"}
        seen.event(result(seen, content))
        seen.end()

    async with upstream() as one, upstream("modern") as two:
        one.on["tools/call"] = two.on["tools/call"] = answer
        async with as_process(manifest_of({"one": {"url": one.url}, "two": {"url": two.url}}), tmp_path) as gateway:
            session, modern = await gateway.legacy(), gateway.modern()
            for name in ("one__echo", "two__echo"):
                params = {"name": name, "_meta": {"progressToken": "p"}}
                for got in (
                    await session.call("tools/call", params),
                    await modern.call("tools/call", {"name": name}, 1, progressToken="p"),
                ):
                    progress, last = got.events
                    assert b'"progressToken":"p"' in progress
                    assert got.message["result"]["content"][0]["text"] == large
                    assert len(last) > 750_000
