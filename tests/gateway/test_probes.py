"""gateway/probes.py: health and readiness for everybody, with names for those alone who may administer."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import SecretStr

from fedgate.access.hosts import HostPolicy
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.console.ports import AgentView, InstanceView
from fedgate.core.clock import ManualClock
from fedgate.federation.server import State, Status
from fedgate.gateway.probes import SETTLING, Probes, States
from fedgate.gateway.visitors import Visitors

pytestmark = pytest.mark.anyio

KEYS = (
    ApiKey(id="root", key=SecretStr("the-root-key")),
    ApiKey(id="op", key=SecretStr("operator-key"), groups=("admins",)),
    ApiKey(id="user", key=SecretStr("user-key"), groups=("users",)),
)
HERE, THERE = "127.0.0.1", "192.0.2.1"


@dataclass
class Answer:
    status: int
    headers: dict[bytes, bytes]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Desk:
    """Probes of servers and agents whose state can be set. Without keys nobody has to say who they are."""

    def __init__(self, *keys: ApiKey, **states: State) -> None:
        self.clock = ManualClock()
        self.states = states
        self.agents: list[AgentView] = []
        self.probes = Probes(States(self.status, lambda: self.agents), self.clock)
        self.probes.visitors = Visitors(KeyRing(keys), frozenset({"root", "admins"}), HostPolicy(True, None, ()))

    def status(self) -> list[Status]:
        return [Status(name, state, since=1.0, tools=3, reason="why") for name, state in self.states.items()]

    async def ask(
        self, path: str = "/readyz", address: str | None = HERE, method: str = "GET", **headers: str
    ) -> Answer:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("a probe has no body")

        async def pages(_scope: Any, _receive: Any, _send: Any) -> None:
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b"pages"})

        named = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        lines = [(name.encode(), value.encode()) for name, value in named.items()]
        client = None if address is None else (address, 5000)
        scope = {"type": "http", "method": method, "path": path, "headers": lines, "client": client}
        await self.probes.before(pages)(scope, receive, send)
        start, body = sent
        return Answer(start["status"], dict(start["headers"]), body["body"])


async def test_health_is_that_the_process_answers_whatever_name_it_is_called_by() -> None:
    answer = await Desk(notes="down").ask("/healthz", THERE, host="10.0.0.7:8080")
    assert (answer.status, answer.json) == (200, {"status": "ok"})
    assert answer.headers == {b"content-length": b"15", b"content-type": b"application/json"}


@pytest.mark.parametrize(
    ("states", "ready"),
    [
        ({}, True),
        ({"a": "ready"}, True),
        ({"a": "down", "b": "degraded"}, True),
        ({"a": "ready", "b": "starting"}, False),
    ],
)
async def test_readiness_waits_for_servers_that_are_being_reached(states: dict[str, State], ready: bool) -> None:
    answer = await Desk(**states).ask()
    assert answer.status == (200 if ready else 503)
    assert answer.json["status"] == ("ready" if ready else "starting")
    assert {name: server["state"] for name, server in answer.json["servers"].items()} == states


async def test_readiness_waits_for_agents_too_and_tells_their_instances() -> None:
    desk = Desk(a="ready")
    instance = InstanceView("s1", "127.0.0.1:9101", "starting", "aaaa")
    for state, status in (("starting", 503), ("unreachable", 200), ("ready", 200)):
        desk.agents = [AgentView("support", state, (instance,), "1.0")]
        answer = await desk.ask()
        assert answer.status == status
        agent = answer.json["agents"]["support"]
        assert (agent["state"], agent["version"], agent["instances"][0]["name"]) == (state, "1.0", "s1")


async def test_readiness_does_not_wait_for_ever() -> None:
    desk = Desk(slow="starting")
    desk.clock.advance(SETTLING)
    assert (await desk.ask()).status == 503
    desk.clock.advance(0.1)
    assert (await desk.ask()).status == 200


async def test_a_gateway_that_stops_is_healthy_and_not_ready() -> None:
    desk = Desk(a="ready")
    desk.probes.stopping = True
    answer = await desk.ask()
    assert (answer.status, answer.json["status"]) == (503, "stopping")
    assert (await desk.ask("/healthz")).status == 200


async def test_others_get_the_plain_state_and_how_many_are_in_each() -> None:
    desk = Desk(*KEYS, crm="ready", notes="down", secret="ready")
    desk.agents = [AgentView("support", "ready", (), "1.0")]
    answer = await desk.ask(address=THERE, host="10.0.0.7")
    assert answer.status == 200
    counts = {"servers": {"ready": 2, "down": 1}, "agents": {"ready": 1}}
    assert answer.json == {"status": "ready", "counts": counts}
    for name in ("crm", "notes", "secret", "support", "why"):
        assert name.encode() not in answer.body
    assert (await Desk().ask(address=THERE)).json == {"status": "ready", "counts": {"servers": {}, "agents": {}}}


@pytest.mark.parametrize(
    ("keys", "address", "headers", "named"),
    [
        ((), HERE, {}, True),
        ((), "::1", {}, True),
        ((), THERE, {}, False),
        ((), None, {}, False),
        ((), HERE, {"x_forwarded_for": "192.0.2.9"}, False),
        ((), HERE, {"host": "evil.example"}, False),
        ((), HERE, {"authorization": "Bearer anything"}, False),
        (KEYS, HERE, {}, False),
        (KEYS, HERE, {"authorization": "Bearer user-key"}, False),
        (KEYS, HERE, {"authorization": "Bearer wrong"}, False),
        (KEYS, THERE, {"authorization": "Bearer the-root-key"}, True),
        (KEYS, THERE, {"x_api_key": "operator-key"}, True),
        (KEYS, THERE, {"authorization": "Bearer the-root-key", "host": "evil.example"}, False),
    ],
)
async def test_names_are_for_those_who_may_administer(
    keys: tuple[ApiKey, ...], address: str | None, headers: dict[str, str], named: bool
) -> None:
    answer = await Desk(*keys, notes="ready").ask(address=address, **headers)
    assert (answer.status, answer.json["counts"]["servers"]) == (200, {"ready": 1})
    assert ("servers" in answer.json, "agents" in answer.json, b"notes" in answer.body) == (named, named, named)


async def test_until_it_is_known_who_may_administer_nobody_does() -> None:
    desk = Desk(notes="ready")
    desk.probes.visitors = None
    assert b"notes" not in (await desk.ask()).body


@pytest.mark.parametrize(
    ("path", "method", "answered"),
    [
        ("/readyz", "HEAD", b""),
        ("/healthz", "HEAD", b""),
        ("/readyz", "POST", b"pages"),
        ("/", "GET", b"pages"),
        ("/readyz/x", "GET", b"pages"),
    ],
)
async def test_everything_else_is_for_the_pages(path: str, method: str, answered: bytes) -> None:
    assert (await Desk().ask(path, method=method)).body == answered
