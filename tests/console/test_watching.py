"""What administrators watch: a stream, a story, the manifest; each as its description says."""

import asyncio
from typing import Any

import httpx2
import msgspec
import pytest
from starlette.applications import Starlette

from fedgate.console.admin import Admin, Parts
from fedgate.core.trail import opened
from fedgate.gateway.differences import Changed, Differences
from fedgate.gateway.reload import Outcome, Standing
from fedgate.telemetry.live import Live
from fedgate.telemetry.stories import Stories
from tests.console.kit import KEY, Desk
from tests.console.test_openapi import check
from tests.telemetry.operations import over, record

pytestmark = pytest.mark.anyio


class Reload:
    """The port."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.standing = Standing(True, 3, 7.0, outcome)

    async def reload(self, by: str) -> Outcome:
        return msgspec.structs.replace(self.outcome, by=by)


class Tower(Desk):
    """A desk from which one watches."""

    def __init__(self, outcome: Outcome | None = None) -> None:
        super().__init__()
        self.live, self.stories = Live(self.clock), Stories(10)
        reload = None if outcome is None else Reload(outcome)
        parts = Parts(self.admit, self.table, self.agents, list, "1.2.3")
        parts = msgspec.structs.replace(parts, live=self.live, stories=self.stories, reload=reload)
        self.app = Starlette(routes=Admin(parts).routes)


async def test_a_snapshot_has_operations_and_sessions() -> None:
    desk = Tower()
    desk.session()
    desk.live.began(record(desk.clock))
    said = await desk.get("/admin/live?once")
    check(said, "/live")
    assert (said["total"], said["sessions"]["total"]) == (1, 1)


async def test_the_stream_begins_with_a_snapshot() -> None:
    desk = Tower()
    desk.live.began(record(desk.clock))
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)
        if message.get("body"):
            desk.live.close()

    over = asyncio.Event()

    async def receive() -> Any:
        await over.wait()  # the client stays: its leaving is not what ends the stream
        return {"type": "http.disconnect"}

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/admin/live",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {KEY}".encode())],
    }
    async with asyncio.timeout(10.0):
        await desk.app(scope, receive, send)
    assert sent[0]["status"] == 200
    assert sent[1]["body"].startswith(b'event: snapshot\ndata: {"when":')


async def test_a_request_is_told_as_described_and_an_unknown_one_says_where_ids_come_from() -> None:
    desk = Tower()
    what = record(desk.clock)
    assert what.trail is not None
    what.trail.step("admit")
    opened(what.trail, "mcp", "notes", "tools/call add").end()
    desk.stories.ended(over(desk.clock, what))
    said = await desk.get("/admin/requests/boot-1")
    check(said, "/requests/{id}")
    assert [each["upstream"] for each in said["operations"][0]["upstreams"]] == ["notes"]
    missing = await desk.ask("/admin/requests/boot-2")
    assert missing.status_code == 404
    assert "x-fedgate-request-id" in missing.json()["error"]["message"]


@pytest.mark.parametrize(("result", "status"), [("applied", 200), ("unchanged", 200), ("refused", 422)])
async def test_a_reload_tells_its_outcome_and_who_asked(result: Any, status: int) -> None:
    changes = Differences({"mcp.servers": Changed(added=("two",))}, ("gateway.listen",))
    desk = Tower(Outcome(result, 5.0, "file", changes, "why"))
    reply = await desk.ask("/admin/reload", "POST")
    assert (reply.status_code, reply.json()["by"]) == (status, "key:root")
    check(reply.json(), "/reload", "post", str(status))
    standing = await desk.get("/admin/reload")
    check(standing, "/reload")
    assert (standing["generation"], standing["last"]["result"]) == (3, result)


async def test_what_is_not_there_is_refused_in_a_sentence() -> None:
    assert (await Desk().ask("/admin/live")).status_code == 404
    assert (await Desk().ask("/admin/requests/x")).status_code == 404
    for method in ("GET", "POST"):
        reply: httpx2.Response = await Tower().ask("/admin/reload", method)
        assert reply.status_code == 409
        assert "not started from a manifest file" in reply.json()["error"]["message"]
