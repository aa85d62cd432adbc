"""The old HTTP+SSE transport (2024-11-05) towards clients, spoken by the official SDK's client for it."""

import asyncio
from pathlib import Path

import pytest
from mcp import ClientSession
from mcp.client.sse import sse_client

from tests.e2e.caller import JSON_POST, Caller, encode
from tests.e2e.gateway import in_process, manifest_of, until
from tests.federation.upstreams import upstream

pytestmark = pytest.mark.anyio


async def test_an_old_client_lists_and_calls_and_its_session_ends_with_its_stream(tmp_path: Path) -> None:
    async with upstream() as one, upstream("modern") as two:
        manifest = manifest_of({"one": {"url": one.url}, "two": {"url": two.url}})
        async with in_process(manifest, tmp_path) as gateway, asyncio.timeout(20):
            async with (
                sse_client(f"http://127.0.0.1:{gateway.port}/sse") as (reading, writing),
                ClientSession(reading, writing) as session,
            ):
                greeting = await session.initialize()
                assert greeting.server_info.name == "fedgate"
                assert [tool.name for tool in (await session.list_tools()).tools] == ["one__echo", "two__echo"]
                for name in ("one__echo", "two__echo"):
                    assert not (await session.call_tool(name, {})).is_error
                assert gateway.gateway.sessions.count("mcp") == 1
            await until(lambda: gateway.gateway.sessions.count("mcp") == 0)
            assert len(gateway.gateway.sse) == 0


async def test_messages_go_to_a_stream_of_the_caller_alone(tmp_path: Path) -> None:
    keys = {"keys": [{"id": name, "key": f"{name}-0123456789"} for name in ("alice", "bob")]}
    async with upstream() as one, in_process(manifest_of({"one": {"url": one.url}}, access=keys), tmp_path) as gateway:
        alice = {"authorization": "Bearer alice-0123456789"}
        async with Caller(gateway.port, "/sse", alice).open("GET", {"accept": "text/event-stream"}) as stream:
            event = await stream.event()
            assert event.data.startswith(b"/messages?session_id=")
            path = event.data.decode()
            ping = encode({"jsonrpc": "2.0", "id": 1, "method": "ping"})
            bob = {"authorization": "Bearer bob-0123456789"}
            assert (await Caller(gateway.port, path, bob).send("POST", JSON_POST, ping)).status == 404
            assert (await Caller(gateway.port, path).send("POST", JSON_POST, ping)).status == 401
            unknown = Caller(gateway.port, path[:-3] + "xxx", alice)
            assert (await unknown.send("POST", JSON_POST, ping)).status == 404
            assert (await Caller(gateway.port, path, alice).send("GET", JSON_POST)).status == 405
            stream.close()
