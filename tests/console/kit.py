"""The administration over a session table that tests fill by hand, before agents that are only told of."""

from typing import Any

import httpx2
import msgspec
from msgspec.structs import replace
from starlette.applications import Starlette
from starlette.requests import Request

from fedgate.console.admin import Admin, Parts
from fedgate.console.ports import AgentView, InstanceView
from fedgate.core.call import Principal
from fedgate.core.clock import ManualClock
from fedgate.core.errors import NotFound, Unauthorized
from fedgate.federation.server import Status
from fedgate.sessions.table import Rule, Session, SessionTable

KEY = "the-admins-key"
ALICE, BOB = "key:alice", "key:bob"
SERVER = msgspec.to_builtins(Status("notes", "ready", since=1.0, tools=3, endpoint="127.0.0.1:1"))


def two(state: str = "ready", **more: Any) -> AgentView:
    """An agent with two instances, the second of which is in `state`."""
    first = InstanceView("s1", "127.0.0.1:1", "ready", "aaaa", since=5.0, speaks=("1.0/jsonrpc",))
    second = InstanceView("s2", "127.0.0.1:2", state, "bbbb", reason="" if state == "ready" else "refused")
    return AgentView("support", "ready", (first, second), "1.2", **more)


class FakeAgents:
    """The port, as plain values."""

    def __init__(self, *views: AgentView) -> None:
        self.held = {view.name: view for view in views}

    def views(self) -> list[AgentView]:
        return list(self.held.values())

    def drain(self, agent: str, instance: str, on: bool) -> None:
        view = self.held.get(agent)
        if view is None or instance not in [each.name for each in view.instances]:
            raise NotFound(f'there is no "{instance}"; the nearest is s1')
        changed = tuple(replace(each, draining=on) if each.name == instance else each for each in view.instances)
        self.held[agent] = replace(view, instances=changed)


class Streams:
    """The live half of a session."""

    def __init__(self, busy: bool = False) -> None:
        self.busy = busy
        self.over = False

    def ended(self) -> None:
        self.over = True


class Desk:
    """A table, and administrators who ask about it."""

    def __init__(self, *agents: AgentView, plain: bool = False) -> None:
        self.clock = ManualClock()
        self.endings: list[tuple[str, str]] = []
        self.table = SessionTable(
            self.clock, idle=1e6, limit=1_000_000, on_end=lambda session, why: self.endings.append((session.shelf, why))
        )
        for shelf in ("a2a.task/support", "a2a.finished/support"):
            self.table.shelve(shelf, Rule(1e6, 1000, indexed=True))
        self.agents = FakeAgents(*(agents or (two(),)))
        parts = Parts(self.admit, self.table, self.agents, lambda: [dict(SERVER)], "1.2.3", plain)
        self.admin = Admin(parts)
        self.app = Starlette(routes=self.admin.routes)

    def admit(self, request: Request) -> Principal:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Unauthorized("administration needs a key", headers=((b"www-authenticate", b"Bearer"),))
        return Principal("root", "key")

    def session(self, owner: str = ALICE, view: str = "", **data: Any) -> Session:
        return self.table.open("mcp", owner, view, data)

    def context(self, id_: str, owner: str = ALICE, label: str = "s1#aaaa", agent: str = "support") -> Session:
        return self._pinned(f"a2a.context/{agent}", id_, owner, label)

    def task(self, id_: str, context: str, state: str = "TASK_STATE_WORKING", shelf: str = "task") -> Session:
        record = self._pinned(f"a2a.{shelf}/support", id_, ALICE, "s1#aaaa")
        record.data = {"context": context, "state": state}
        return record

    def _pinned(self, shelf: str, id_: str, owner: str, label: str) -> Session:
        record, _ = self.table.claim(shelf, id_, owner, shelf.partition("/")[2])
        record.pins = {"instance": label}
        return record

    async def ask(self, path: str, method: str = "GET", key: str | None = KEY) -> httpx2.Response:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        transport = httpx2.ASGITransport(self.app, client=("192.0.2.7", 5000))
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers)

    async def get(self, path: str) -> Any:
        reply = await self.ask(path)
        assert reply.status_code == 200, reply.text
        return reply.json()
