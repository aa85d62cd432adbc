"""gateway/cold.py: metrics for those who may look, names for those who may administer, a sentence for the lost."""

from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from fedgate.access.hosts import HostPolicy
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.console.ports import AgentView
from fedgate.federation.server import State, Status
from fedgate.gateway.cold import Cold, Facts
from fedgate.gateway.visitors import Visitors
from fedgate.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio


class Desk:
    """The cold side with servers whose state can be set, asked from `address`."""

    def __init__(self, **states: State) -> None:
        self.states = states
        self.agents: list[AgentView] = []
        keys = [
            ApiKey(id="root", key=SecretStr("the-root-key")),
            ApiKey(id="op", key=SecretStr("operator-key"), groups=("admins",)),
            ApiKey(id="user", key=SecretStr("user-key"), groups=("users",)),
        ]
        facts = Facts(
            version="1.2.3",
            url="http://gw.example",
            status=self.status,
            metrics=Metrics("1.2.3"),
            agents=lambda: self.agents,
        )
        hosts = HostPolicy(True, None, ("gw.example",))
        self.cold = Cold(facts, Visitors(KeyRing(keys), frozenset({"root", "admins"}), hosts))

    def status(self) -> list[Status]:
        return [Status(name, state, since=1.0, tools=3, reason="why") for name, state in self.states.items()]

    async def ask(self, path: str, address: str = "192.0.2.1", method: str = "GET", **headers: str) -> httpx2.Response:
        transport = httpx2.ASGITransport(self.cold.app, client=(address, 5000))
        sent = {"host": "localhost", **{name.replace("_", "-"): value for name, value in headers.items()}}
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=sent)


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
async def test_metrics_are_open_to_this_machine(address: str) -> None:
    reply = await Desk().ask("/metrics", address)
    assert reply.status_code == 200
    assert reply.headers["content-type"].startswith("text/plain")
    assert "fedgate_build_info{" in reply.text


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": "Bearer the-root-key"},
        {"authorization": "bearer  operator-key "},
        {"x_api_key": "operator-key"},
        {"authorization": "Basic xyz", "x_api_key": "the-root-key"},
    ],
)
async def test_metrics_are_open_to_administrators_by_id_or_group(headers: dict[str, str]) -> None:
    assert (await Desk().ask("/metrics", **headers)).status_code == 200


@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("192.0.2.1", {}),
        ("192.0.2.1", {"authorization": "Bearer user-key"}),
        ("192.0.2.1", {"authorization": "Bearer wrong"}),
        ("192.0.2.1", {"authorization": "Bearer "}),
        ("192.0.2.1", {"x_api_key": ""}),
        ("::ffff:192.0.2.1", {}),
        ("testclient", {}),
    ],
)
async def test_metrics_are_closed_to_all_others(address: str, headers: dict[str, str]) -> None:
    reply = await Desk().ask("/metrics", address, **headers)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, 'Bearer realm="fedgate"')
    assert "access.admins" in reply.text


async def test_a_caller_without_an_address_is_not_this_machine() -> None:
    desk, sent = Desk(), []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/metrics",
        "query_string": b"",
        "headers": [(b"host", b"localhost")],
        "client": None,
    }
    await desk.cold.app(scope, receive, send)
    assert sent[0]["status"] == 401


@pytest.mark.parametrize("path", ["/metrics", "/"])
@pytest.mark.parametrize(
    ("headers", "status"), [({"host": "evil.example"}, 421), ({"origin": "https://evil.example"}, 403)]
)
async def test_what_a_foreign_page_must_not_read_is_refused_to_it(
    path: str, headers: dict[str, str], status: int
) -> None:
    reply = await Desk().ask(path, "127.0.0.1", **headers)
    assert reply.status_code == status
    assert reply.text.endswith("\n")


async def test_the_front_page_says_what_is_here_and_how_to_connect() -> None:
    desk = Desk(notes="ready", time="down")
    reply = await desk.ask("/", host="gw.example", authorization="Bearer the-root-key")
    assert reply.status_code == 200
    assert "fedgate 1.2.3" in reply.text
    assert "notes, time" in reply.text
    assert "HTTP+JSON): none configured" in reply.text
    assert [line.split()[0] for line in reply.text.splitlines() if line.startswith("  /")] == [
        "/mcp",
        "/mcp/SERVER",
        "/mcp/PROFILE",
        "/sse",
        "/a2a",
        "/a2a/AGENT",
        "/healthz",
        "/admin/openapi.json",
    ]
    assert "claude mcp add --transport http fedgate http://gw.example/mcp" in reply.text
    assert "none configured" in (await Desk().ask("/")).text


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.1"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer user-key"}, {"authorization": "Bearer wrong"}])
async def test_the_front_page_names_nothing_to_those_who_may_not_administer(
    address: str, headers: dict[str, str]
) -> None:
    desk = Desk(notes="ready", time="down")
    desk.agents = [AgentView("support", "ready")]
    text = (await desk.ask("/", address, **headers)).text
    assert "with its own names: 2 configured" in text
    assert "HTTP+JSON): 1 configured" in text
    assert not [name for name in ("notes", "time", "support") if name in text]


@pytest.mark.parametrize("path", ["/nothing", "/mcpx", "/metrics/x", "/" + "x" * 1000])
async def test_an_unknown_path_is_told_where_clients_connect(path: str) -> None:
    reply = await Desk().ask(path)
    assert reply.status_code == 404
    assert reply.text.endswith("; MCP clients connect to /mcp\n")
    assert len(reply.text) < 300


@pytest.mark.parametrize("path", ["/metrics", "/"])
async def test_other_methods_are_not_allowed(path: str) -> None:
    desk = Desk()
    assert (await desk.ask(path, "127.0.0.1", "POST")).status_code == 405
    assert (await desk.ask(path, "127.0.0.1", "HEAD")).status_code == 200
