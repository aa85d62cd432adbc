"""gateway/gauges.py: what metrics say of sessions and servers is what is so when somebody looks."""

import re

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from fedgate.federation.connect import Deps
from fedgate.federation.hub import Hub
from fedgate.federation.process import ProcessTable
from fedgate.federation.settings import McpSettings
from fedgate.gateway.gauges import measure_servers, measure_sessions
from fedgate.sessions.table import SessionTable
from fedgate.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio


def shown(metrics: Metrics, name: str) -> dict[str, float]:
    """The samples of one gauge, by the value of its label."""
    text = metrics.render("")[0].decode()
    return {label: float(value) for label, value in re.findall(rf'^{name}{{\w+="(.*?)"}} (.+)$', text, re.M)}


def test_sessions_are_counted_when_somebody_looks() -> None:
    metrics, sessions = Metrics("1"), SessionTable(ManualClock(), idle=60.0, limit=10)
    measure_sessions(metrics, sessions, lambda: 7)
    sessions.open("mcp", "alice", "", {})
    assert shown(metrics, "fedgate_sessions") == {"mcp": 1, "llm": 0, "a2a": 7}


async def test_servers_that_are_there_are_measured_and_others_forgotten() -> None:
    metrics, clock = Metrics("1"), ManualClock()
    http = HttpClient(clock=clock)
    deps = Deps(http, clock, ProcessTable(clock), metrics, "1")
    for name in ("old", "new"):
        hub = Hub(McpSettings.model_validate({"servers": {name: {"url": "http://127.0.0.1:9/mcp"}}}), deps)
        measure_servers(metrics, hub)
        for gauge in ("server_up", "catalog_tools", "catalog_schema_tokens"):
            assert shown(metrics, f"fedgate_{gauge}") == {name: 0}
        await hub.aclose()
    await http.aclose()
