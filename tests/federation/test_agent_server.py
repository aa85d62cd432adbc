"""The life of a server that is an agent: its tools appear with the agent, change with its card, and go with it."""

import asyncio

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.conversation import Offer, Shown, Skill
from fedgate.core.http_client import HttpClient
from fedgate.core.ports import NoMeter
from fedgate.core.tasks import Tasks
from fedgate.federation.agent_connection import AgentOpener
from fedgate.federation.agent_settings import AgentServer
from fedgate.federation.connect import Deps, Opened, ServerOpener
from fedgate.federation.hub import Hub
from fedgate.federation.messages import Client, Inbox
from fedgate.federation.process import ProcessTable
from fedgate.federation.server import GRACE, Server
from fedgate.federation.settings import McpSettings
from tests.core.http_peer import until
from tests.federation.agent_door import OFFER, FakeDoor

pytestmark = pytest.mark.anyio

SETTINGS = AgentServer(agent="support")
NEVER = Shown(None, settled=False, reason="agent support is starting: not reached yet")
DOWN = Shown(None, reason="agent support is unreachable: refused")
OTHER = Offer("Memory", skills=(Skill("recall"),))


class Quick:
    """Waits a moment only for an agent that is away."""

    per_caller = True

    def __init__(self, door: FakeDoor) -> None:
        self._opener = AgentOpener(SETTINGS, door, settle=0.01)

    async def open(self, _tasks: Tasks, inbox: Inbox, client: Client | None = None) -> Opened:
        return self._opener.private() if client is not None else await self._opener.open(inbox)


def names(server: Server) -> list[str]:
    return [] if server.listing is None else [item.key for item in server.listing.items["tools/list"]]


async def passes(clock: ManualClock, server: Server, *tools: str) -> None:
    """Move time on whenever something waits for it, until these tools are listed."""
    for _ in range(1000):
        if names(server) == list(tools):
            return
        clock.advance(1)
        await asyncio.sleep(0.001)
    pytest.fail(f"{server.state}: {names(server)}")


async def test_tools_come_change_and_go_with_the_agent() -> None:
    door, clock, http = FakeDoor(), ManualClock(), HttpClient()
    door.now = NEVER
    deps = Deps(http, clock, ProcessTable(clock), NoMeter(), "1", door)
    server = Server("desk", SETTINGS, Quick(door), deps)
    heard: list[frozenset[str]] = []
    server.on_change = lambda _name, announced: heard.append(announced)
    server.start()
    try:
        assert (server.state, names(server)) == ("starting", [])
        door.show(Shown(OFFER))
        await until(lambda: server.state == "ready")
        assert names(server) == ["remember", "count"]
        assert server.status.endpoint == "a2a/support"
        door.show(Shown(OTHER))
        await passes(clock, server, "recall")
        assert heard[-1] == {"tools"}
        door.show(DOWN)
        for _ in range(200):
            clock.advance(0.05)
            await asyncio.sleep(0)
            if server.state != "ready":
                break
        assert (server.state, server.reason, names(server)) == ("degraded", DOWN.reason, ["recall"])
        clock.advance(GRACE)
        await passes(clock, server)
        assert server.state == "down"
        door.show(Shown(OFFER))
        await passes(clock, server, "remember", "count")
    finally:
        await server.aclose()
        await http.aclose()
    assert door.watchers == []


async def test_lists_never_wait_for_an_agent() -> None:
    door, clock, http = FakeDoor(), ManualClock(), HttpClient()
    door.now = NEVER
    hub = Hub(McpSettings(servers={"desk": SETTINGS}), Deps(http, clock, ProcessTable(clock), NoMeter(), "1", door))
    hub.start()
    try:
        catalog = hub.catalog("")
        assert catalog is not None
        assert catalog.tools == {}
        assert not hub.settled.is_set()
        door.show(DOWN)
        await until(hub.settled.is_set)
        assert hub.status[0].state == "down"
        hub.forget(Client(key="session-1"))
        assert door.forgotten == ["session-1"]
    finally:
        await hub.aclose()
        await http.aclose()


async def test_an_agent_needs_somebody_who_knows_agents() -> None:
    clock, http = ManualClock(), HttpClient()
    deps = Deps(http, clock, ProcessTable(clock), NoMeter(), "1")
    with pytest.raises(ValueError, match="nothing here can reach the agent support"):
        ServerOpener("desk", SETTINGS, deps)
    with_agents = Deps(http, clock, ProcessTable(clock), NoMeter(), "1", FakeDoor())
    opener = ServerOpener("desk", SETTINGS, with_agents)
    assert opener.per_caller
    tasks = Tasks("test")
    assert (await opener.open(tasks, lambda _notice: None)).greeting.info["name"] == "Memory"
    private = await opener.open(tasks, lambda _notice: None, Client(key="s"))
    assert private.endpoint == "a2a/support"
    await tasks.aclose()
    await http.aclose()
