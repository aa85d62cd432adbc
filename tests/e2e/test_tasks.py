"""The tasks extension (2026-07-28): a task is routed to where it was started, for its owner alone."""

from pathlib import Path
from typing import Any

import pytest

from tests.e2e.caller import Modern
from tests.e2e.gateway import in_process, manifest_of
from tests.federation.upstreams import Seen, Upstream, http, result, upstream

pytestmark = pytest.mark.anyio

CAPABILITIES: dict[str, Any] = {"extensions": {"io.modelcontextprotocol/tasks": {}}}
KEYS = {"keys": [{"id": name, "key": f"{name}-0123456789"} for name in ("alice", "bob")]}


def with_tasks(server: Upstream) -> None:
    """Its calls become tasks, which it tells of under their own ids."""

    async def start(seen: Seen) -> bytes:
        return http(200, result(seen, {"resultType": "task", "taskId": "job/7", "status": "working", "ttlMs": None}))

    async def tell(seen: Seen) -> bytes:
        task = {"taskId": seen.params["taskId"], "status": "completed", "result": {"content": []}}
        return http(200, result(seen, {"resultType": "complete", **task}))

    async def acknowledge(seen: Seen) -> bytes:
        return http(200, result(seen, {"resultType": "complete"}))

    server.on |= {"tools/call": start, "tasks/get": tell, "tasks/cancel": acknowledge}


async def test_a_task_is_asked_about_where_it_was_started(tmp_path: Path) -> None:
    async with upstream("modern") as one, upstream("modern") as two:
        with_tasks(one)
        with_tasks(two)
        manifest = manifest_of({"one": {"url": one.url}, "two": {"url": two.url}}, access=KEYS)
        async with in_process(manifest, tmp_path) as gateway:
            alice = Modern(gateway.by("alice-0123456789"), CAPABILITIES)
            bob = Modern(gateway.by("bob-0123456789"), CAPABILITIES)
            answer = await alice.tool("two__echo", {})
            assert answer.status == 200, answer.body
            assert "result" in answer.message, answer.body
            started = answer.message["result"]
            assert (started["resultType"], started["status"]) == ("task", "working")
            task = started["taskId"]
            assert task != "job/7"
            told = await ask(alice, "tasks/get", task)
            assert told["result"]["taskId"] == task
            assert told["result"]["status"] == "completed"
            assert (await ask(alice, "tasks/cancel", task))["result"] == {"resultType": "complete"}
            for method in ("tasks/get", "tasks/cancel"):
                assert (await ask(bob, method, task))["error"]["code"] == -32602
                assert (await ask(alice, method, "job/7"))["error"]["code"] == -32602
        assert not one.all("tasks/get")
        assert [seen.params["taskId"] for seen in two.all("tasks/get")] == ["job/7"]
        assert [seen.header("mcp-name") for seen in two.all("tasks/get")] == ["job/7"]


async def ask(client: Modern, method: str, task: str) -> Any:
    return (await client.caller.send("POST", client.head(method, task), client.body(method, {"taskId": task}))).message
