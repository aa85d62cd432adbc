"""The live view of a gateway that runs by `fedgate serve`, as events and by `fedgate top`."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.caller import Caller, Exchange, Legacy
from tests.e2e.gateway import LIMIT, AsProcess, as_process, manifest_of
from tests.federation.upstreams import Seen, http, result, text, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT, ALICE = "the-key-of-root-1", "the-key-of-alice"
ACCESS = {
    "keys": [{"id": "root", "key": ROOT, "groups": ["admins"]}, {"id": "alice", "key": ALICE}],
    "admins": ["admins"],
}


def watching(gateway: AsProcess, key: str = ROOT) -> Any:
    return Caller(gateway.port, "/admin/live", {"authorization": f"Bearer {key}"}).open("GET", {})


async def event(stream: Exchange, name: str, wanted: str = "") -> Any:
    """The next event of this name with `wanted` in it."""
    async with asyncio.timeout(LIMIT):
        while True:
            found = await stream.event()
            if found.name == name and wanted in found.data.decode():
                return json.loads(found.data)


async def top(gateway: AsProcess, *words: str) -> tuple[int, str]:
    return await gateway.command("top", *words, key=ROOT)


async def test_an_operation_is_seen_while_it_lasts_and_when_it_ends(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def slow(seen: Seen) -> bytes:
        await release.wait()
        return http(200, result(seen, text("late")))

    async with upstream("modern") as one:
        one.on["tools/call"] = slow
        async with as_process(manifest_of({"one": {"url": one.url}}, access=ACCESS), tmp_path) as gateway:
            client = await Legacy.open(gateway.by(ALICE))
            async with watching(gateway) as stream:
                first = await event(stream, "snapshot")
                assert (first["total"], first["operations"]) == (0, [])
                call = asyncio.create_task(client.tool("one__echo"))
                (row,) = (await event(stream, "delta", "tools/call"))["operations"]
                assert (row["user"], row["protocol"], row["destination"]) == ("alice", "mcp", "one")
                assert (row["state"], row["status"], row["seconds"]) == ("running", None, None)
                assert row["bytes_in"] > 50
                told = json.loads((await top(gateway, "--once", "--json"))[1])
                assert [each["number"] for each in told["operations"]] == [row["number"]]
                code, shown = await top(gateway, "--once")
                assert code == 0
                assert shown.startswith("1 operation under way, 1 session\n")
                assert " alice  mcp       tools/call " in shown
                release.set()
                await call
                ended = await event(stream, "delta", '"done"')
                assert [each["id"] for each in ended["ended"]] == [row["id"]]
                assert ended["ended"][0]["bytes_out"] > 0
                sessions = await event(stream, "sessions", "key:alice")
                code, said = await top(gateway, "--end", sessions["sessions"][0]["mark"])
                assert (code, said) == (0, f"ended {sessions['sessions'][0]['mark']}\n")
                assert (await client.call("tools/list")).status == 404
                gateway.process.terminate()
                await stream.rest()


async def test_only_administrators_watch_and_only_so_many(tmp_path: Path) -> None:
    async with as_process(manifest_of({}, access=ACCESS), tmp_path) as gateway:
        async with watching(gateway, ALICE) as refused:
            assert refused.status == 403
        streams = [watching(gateway) for _ in range(16)]
        try:
            for each in streams:
                stream = await each.__aenter__()
                await event(stream, "snapshot")
            async with watching(gateway) as late:
                assert late.status == 503
        finally:
            for each in streams:
                await each.__aexit__(None, None, None)


async def test_top_without_a_gateway_is_a_sentence(tmp_path: Path) -> None:
    async with as_process(manifest_of({}, access=ACCESS), tmp_path) as gateway:
        port = gateway.port
        code, said = await top(gateway, "--once")
        assert (code, said) == (0, "0 operations under way, 0 sessions\n")
        gateway.process.terminate()
        await gateway.process.wait()
        code, said = await top(gateway)
        assert code == 4
        assert said.startswith(f"fedgate: cannot reach http://127.0.0.1:{port}: ")
