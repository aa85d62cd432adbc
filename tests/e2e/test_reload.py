"""Another manifest for a gateway that serves: by its file, by SIGHUP, by an administrator; and one that is wrong."""

import asyncio
import json
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.a2a_agent import Agent, running
from tests.e2e.a2a_client import Client
from tests.e2e.a2a_speech import RPC
from tests.e2e.caller import Caller, Got, Legacy
from tests.e2e.gateway import LIMIT, AsProcess, as_process, manifest_of
from tests.federation.upstreams import Seen, http, result, text, upstream

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT, ALICE = "the-key-of-root-1", "the-key-of-alice"
KEYS = [{"id": "root", "key": ROOT, "groups": ["admins"]}, {"id": "alice", "key": ALICE}]


def rewrite(folder: Path, **sections: Any) -> None:
    """The manifest that is served, with other sections; put in its place whole, as editors do."""
    path = folder / "manifest.json"
    tree = json.loads(path.read_text()) | sections
    fresh = folder / "next.tmp"
    fresh.write_text(json.dumps(tree))
    fresh.replace(path)


async def generation(gateway: AsProcess, wanted: int) -> dict[str, Any]:
    await gateway.errors.saw("another manifest is served (", wanted - 1)
    found: dict[str, Any] = json.loads((await gateway.caller.get("/admin/reload")).body)
    assert found["generation"] == wanted
    return found


async def by_file(_gateway: AsProcess) -> None:
    """The file's watcher has seen it already."""


async def by_signal(gateway: AsProcess) -> None:
    gateway.process.send_signal(signal.SIGHUP)


async def admin(gateway: AsProcess, method: str, key: str = ROOT) -> Got:
    return await Caller(gateway.port, "/admin/reload", {"authorization": f"Bearer {key}"}).send(method, {})


@pytest.mark.parametrize("ask", [by_file, by_signal])
async def test_servers_come_and_go_and_clients_are_told(
    ask: Callable[[AsProcess], Awaitable[None]], tmp_path: Path
) -> None:
    async with (
        upstream("modern") as one,
        upstream("legacy") as two,
        as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway,
    ):
        client = await gateway.legacy()
        assert await client.tools() == ["one__echo"]
        opened = len(one.all("server/discover"))
        async with client.listen() as stream:
            rewrite(tmp_path, mcp={"servers": {"one": {"url": one.url}, "two": {"url": two.url}}})
            await ask(gateway)
            assert (await stream.message())["method"] == "notifications/tools/list_changed"
            served = await generation(gateway, 2)
            assert served["last"]["changes"] == {"sections": {"mcp.servers": {"added": ["two"]}}, "restart": []}
            await gateway.server("two", lambda entry: entry["state"] == "ready")
            assert await client.tools() == ["one__echo", "two__echo"]
            assert (await client.tool("two__echo")).status == 200
            assert len(one.all("server/discover")) == opened
            rewrite(tmp_path, mcp={"servers": {"two": {"url": two.url}}})
            await ask(gateway)
            await generation(gateway, 3)
            assert await client.tools() == ["two__echo"]
            refused = (await client.tool("one__echo")).message["error"]
            assert "one__echo" in refused["message"]
        assert await gateway.metric('fedgate_config_reloads_total{result="applied"}') == 2
        assert await gateway.metric('fedgate_server_up{server="one"}') == 0


@pytest.mark.parametrize("back", ["legacy", "modern"])
async def test_a_call_under_way_at_a_server_that_goes_ends_as_it_would(back: Any, tmp_path: Path) -> None:
    async with upstream(back) as one, upstream("modern") as two:
        release = asyncio.Event()

        async def slow(seen: Seen) -> bytes:
            await release.wait()
            return http(200, result(seen, text("late")))

        one.on["tools/call"] = slow
        async with as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
            client = await gateway.legacy()
            call = asyncio.create_task(client.tool("one__echo"))
            await one.saw("tools/call")
            rewrite(tmp_path, mcp={"servers": {"two": {"url": two.url}}})
            await generation(gateway, 2)
            release.set()
            async with asyncio.timeout(LIMIT):
                assert (await call).message["result"] == text("late")


async def test_a_manifest_that_cannot_be_used_changes_nothing_and_says_why(tmp_path: Path) -> None:
    access = {"keys": KEYS, "admins": ["admins"]}
    async with (
        upstream("modern") as one,
        as_process(manifest_of({"one": {"url": one.url}}, access=access), tmp_path) as gateway,
    ):
        (tmp_path / "manifest.json").write_text('{"mcp": {"servers": {"one": {"url": "nowhere"}}}}')
        await gateway.errors.saw("was not taken (file)")
        assert await (await Legacy.open(gateway.by(ALICE))).tools() == ["one__echo"]
        answer = await admin(gateway, "POST")
        told = json.loads(answer.body)
        assert (answer.status, told["result"], told["by"]) == (422, "refused", "key:root")
        assert "manifest.json:1:" in told["reason"]
        assert "mcp.servers.one.url must be an http or https URL" in told["reason"]
        found = json.loads((await admin(gateway, "GET")).body)
        assert (found["generation"], found["last"]["result"]) == (1, "refused")
        assert await gateway.metric('fedgate_config_reloads_total{result="refused"}') == 2
        assert (await gateway.caller.get("/readyz")).status == 200
        assert (await admin(gateway, "POST", ALICE)).status == 403


async def test_keys_rules_and_limits_count_at_once_and_sessions_go_on(tmp_path: Path) -> None:
    access = {"keys": KEYS, "admins": ["admins"]}
    async with (
        upstream("modern") as one,
        as_process(manifest_of({"one": {"url": one.url}}, access=access), tmp_path) as gateway,
    ):
        client = await Legacy.open(gateway.by(ALICE))
        assert await client.tools() == ["one__echo"]
        rule = {"deny": 'mcp.tool.name == "echo" && principal.id == "alice"'}
        rewrite(tmp_path, access={**access, "rules": [rule]})
        assert json.loads((await admin(gateway, "POST")).body)["result"] in ("applied", "unchanged")
        await gateway.errors.saw("another manifest is served")
        assert await client.tools() == []
        assert "error" in (await client.tool("one__echo")).message
        rewrite(tmp_path, access=access, limits=[{"name": "few", "key": "principal.id", "requests": "1/hour"}])
        await admin(gateway, "POST")
        await gateway.errors.saw("another manifest is served", 2)
        assert "result" in (await client.tool("one__echo")).message
        assert (await client.tool("one__echo")).message["error"]["data"]["reason"] == "rate_limited"
        rewrite(tmp_path, access={"keys": KEYS[:1], "admins": ["admins"]}, limits=[])
        await admin(gateway, "POST")
        await gateway.errors.saw("another manifest is served", 3)
        assert (await client.call("tools/list")).status == 401


async def test_what_needs_a_restart_is_said_and_not_half_done(tmp_path: Path) -> None:
    async with upstream("modern") as one, as_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        rewrite(tmp_path, gateway={"listen": "127.0.0.1:1", "max_body": "1MiB"}, sessions={"max": 7})
        await gateway.errors.saw("needs a restart")
        found = json.loads((await gateway.caller.get("/admin/reload")).body)
        assert found["last"]["result"] == "unchanged"
        assert found["last"]["changes"]["restart"] == ["gateway.listen", "gateway.max_body", "sessions.max"]
        assert (await gateway.modern().tool("one__echo")).status == 200


async def test_an_agent_gets_another_instance_and_its_conversations_stay_where_they_are(tmp_path: Path) -> None:
    one, two = Agent(), Agent()
    async with running(one, two):
        named = [{"name": "one", "url": one.url}, {"name": "two", "url": two.url}]
        begun: dict[str, Any] = {"support": {"instances": named[:1]}}
        async with as_process(manifest_of({}, agents=begun), tmp_path) as gateway:
            client = Client(gateway.port, RPC)
            contexts = [f"c{number}" for number in range(4)]
            for each in contexts:
                assert (await client.send("hello", contextId=each)).status == 200
            rewrite(tmp_path, agents={"support": {"instances": named}})
            served = await generation(gateway, 2)
            assert served["last"]["changes"]["sections"] == {"agents": {"changed": ["support"]}}
            for each in contexts:
                assert (await client.send("and now?", contextId=each)).status == 200
            assert [len(one.memory[each]) for each in contexts] == [2, 2, 2, 2]
            for number in range(4):
                assert (await client.send("new", contextId=f"d{number}")).status == 200
            assert len(two.memory) == 2
            rewrite(tmp_path, agents={})
            await generation(gateway, 3)
            assert (await client.send("gone", contextId="c1")).status == 404
