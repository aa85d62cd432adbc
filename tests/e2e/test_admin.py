"""The administration of a gateway that runs by `fedgate serve`, before two replicas of the sample agent."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate.cli.sample_child import started
from fedgate.telemetry.lines import session_mark
from tests.e2e.caller import Caller, Got, Legacy
from tests.e2e.gateway import AsProcess, as_process, manifest_of

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

ROOT, ALICE = "the-key-of-root", "the-key-of-alice"
ACCESS = {
    "keys": [{"id": "root", "key": ROOT, "groups": ["admins"]}, {"id": "alice", "key": ALICE}],
    "admins": ["admins"],
}


class Office:
    """A gateway, its administrator, and alice who uses it."""

    def __init__(self, gateway: AsProcess) -> None:
        self.gateway = gateway

    async def ask(self, path: str, method: str = "GET", key: str | None = ROOT, body: bytes = b"") -> Got:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        kind = {"content-type": "application/json"} if body else {}
        return await Caller(self.gateway.port, path, headers).send(method, kind, body)

    async def told(self, path: str, method: str = "GET") -> Any:
        got = await self.ask(path, method)
        assert got.status == 200, got.body
        return json.loads(got.body)

    async def say(self, context: str, text: str) -> Got:
        message = {"messageId": f"{context}-{text}", "contextId": context, "role": "ROLE_USER"}
        body = json.dumps({"message": {**message, "parts": [{"text": text}]}}).encode()
        return await self.ask("/a2a/support/message:send", "POST", ALICE, body)

    async def holder(self, context: str) -> str:
        """The replica that answers in this conversation."""
        got = await self.say(context, "what do you know?")
        assert got.status == 200, got.body
        instance: str = json.loads(got.body)["task"]["artifacts"][0]["metadata"]["instance"]
        return instance

    async def command(self, *words: str) -> tuple[int, str]:
        """One command line, with the administrator's key; its code and what it printed."""
        return await self.gateway.command(*words, key=ROOT)


Open = Callable[..., AbstractAsyncContextManager[Office]]


@pytest.fixture(scope="module")
def replicas() -> Iterator[list[dict[str, str]]]:
    """Two, as a manifest names them; each gateway begins conversations of its own with them."""
    with ExitStack() as stack:
        module = "fedgate.samples.memory_agent"
        children = {name: stack.enter_context(started(module, "--name", name)) for name in ("s1", "s2")}
        yield [{"name": name, "url": child()} for name, child in children.items()]


@pytest.fixture
def office(replicas: list[dict[str, str]], tmp_path: Path) -> Open:
    @asynccontextmanager
    async def opened(**sections: Any) -> AsyncIterator[Office]:
        agents = {"support": {"instances": replicas}}
        async with as_process(manifest_of({}, access=ACCESS, agents=agents, **sections), tmp_path) as gateway:
            yield Office(gateway)

    return opened


async def test_conversations_are_seen_drained_and_ended(office: Open) -> None:
    async with office() as desk:
        holders = {each: await desk.holder(each) for each in ("c1", "c2", "c3", "c4")}
        assert sorted(holders.values()) == ["s1", "s1", "s2", "s2"]

        listed = await desk.told("/admin/sessions?kind=context&limit=3")
        assert (listed["total"], len(listed["sessions"])) == (4, 3)
        assert {row["owner"] for row in listed["sessions"]} == {"key:alice"}
        rest = await desk.told(f"/admin/sessions?kind=context&cursor={listed['next']}")
        rows = [*listed["sessions"], *rest["sessions"]]
        assert {row["log_id"]: row["instance"] for row in rows} == {
            session_mark(context): holder for context, holder in holders.items()
        }

        drained = await desk.told("/admin/agents/support/instances/s1/drain", "POST")
        assert (drained["draining"], drained["conversations"]) == (True, 2)
        assert {await desk.holder(each) for each in ("d1", "d2", "d3")} == {"s2"}
        assert {each: await desk.holder(each) for each in holders} == holders

        mark = next(row["mark"] for row in rows if row["instance"] == "s1")
        ended = await desk.told(f"/admin/sessions/{mark}", "DELETE")
        assert (ended["session"]["mark"], ended["tasks"]) == (mark, 2)
        assert (await desk.told("/admin/sessions?kind=context&instance=s1"))["total"] == 1
        await desk.gateway.errors.saw(f"ended a2a context {mark} of key:alice")
        await desk.gateway.errors.saw("key:root at 127.0.0.1 drained instance s1 of agent support")


async def test_only_administrators_are_let_in_and_metrics_stay_open_here(office: Open) -> None:
    async with office() as desk:
        for path in ("/admin/sessions", "/admin/agents", "/admin/openapi.json", "/admin/nothing"):
            assert [(await desk.ask(path, key=key)).status for key in (None, "wrong", ALICE)] == [401, 401, 403]
        drain = "/admin/agents/support/instances/s1/drain"
        assert (await desk.ask(drain, "POST", ALICE)).status == 403
        assert (await desk.told("/admin/agents"))["agents"][0]["instances"][0]["draining"] is False
        assert (await desk.ask("/metrics", key=None)).status == 200
        foreign = Caller(
            desk.gateway.port, drain, {"authorization": f"Bearer {ROOT}", "origin": "https://evil.example"}
        )
        assert (await foreign.send("POST", {})).status == 403


async def test_ending_a_session_closes_its_stream_as_its_client_would(office: Open) -> None:
    async with office() as desk:
        client = await Legacy.open(desk.gateway.by(ALICE))
        async with client.listen() as stream:
            (row,) = (await desk.told("/admin/sessions?protocol=mcp"))["sessions"]
            assert (row["kind"], row["owner"], row["state"]) == ("session", "key:alice", "active")
            await desk.told(f"/admin/sessions/{row['mark']}", "DELETE")
            await stream.rest()
            assert stream.ended
        assert (await client.call("tools/list")).status == 404


async def test_readiness_metrics_and_the_announcement_show_agents(office: Open) -> None:
    async with office() as desk:
        announced = json.loads(desk.gateway.errors.all('{"version"')[0])
        assert announced["a2a"] == [f"http://127.0.0.1:{desk.gateway.port}/a2a/support"]
        assert [each["state"] for each in announced["agents"][0]["instances"]] == ["ready", "ready"]
        agent = (await desk.gateway.ready(ROOT))["agents"]["support"]
        assert (agent["state"], len(agent["instances"])) == ("ready", 2)
        for key in ("", ALICE):
            known = await desk.gateway.ready(key)
            assert known == {"status": "ready", "counts": {"servers": {}, "agents": {"ready": 1}}}
        await desk.holder("c1")
        assert await desk.gateway.metric('fedgate_sessions{protocol="a2a"}') == 1
        assert await desk.gateway.metric('fedgate_agent_instances{agent="support",state="ready"}') == 2


@pytest.mark.parametrize("ids", ["hashed", "plain"])
async def test_ids_are_marks_or_plain_in_access_lines_and_in_the_list(office: Open, ids: str) -> None:
    async with office(telemetry={"log": {"format": "json", "ids": ids}}) as desk:
        task = json.loads((await desk.say("c-1", "what do you know?")).body)["task"]["id"]
        got = await desk.ask(f"/a2a/support/tasks/{task}", key=ALICE)
        line = await desk.gateway.line(got.headers["x-fedgate-request-id"])
        assert line["a2a.task.id"] == (task if ids == "plain" else session_mark(task))
        rows = {row["log_id"]: row for row in (await desk.told("/admin/sessions"))["sessions"]}
        for known in ("c-1", task):
            row = rows.pop(session_mark(known))
            assert row["id"] == (known if ids == "plain" else row["mark"])
        assert rows == {}


async def test_operators_do_all_that_by_the_command_line(office: Open) -> None:
    async with office() as desk:
        await desk.holder("c1")
        code, said = await desk.command("sessions", "--kind", "context", "--json")
        (row,) = json.loads(said)["sessions"]
        assert code == 0
        code, said = await desk.command("agents", "drain", "support", row["instance"])
        expected = "is draining; it holds 1 conversation and 0 tasks, 0 requests under way\n"
        assert (code, said) == (0, f"support/{row['instance']} {expected}")
        code, said = await desk.command("agents")
        assert (code, "  draining  " in said) == (0, True)
        code, said = await desk.command("sessions", "--end", row["mark"])
        assert (code, said) == (0, f"ended a2a context {row['mark']} and its 1 task\n")
        code, said = await desk.command("sessions")
        assert (code, said) == (0, "no sessions\n")
        code, said = await desk.command("agents", "drain", "suport", "s1")
        assert code == 2
        assert 'there is no agent "suport"; the nearest is support' in said
