"""What `/metrics` says: the contract's families, with labels that cannot run away."""

import pytest
from prometheus_client.parser import text_string_to_metric_families as prometheus

from fedgate.core.call import Record, Request
from fedgate.core.ports import Meter
from fedgate.telemetry.children import CAP
from fedgate.telemetry.lines import Ended
from fedgate.telemetry.metrics import Metrics

FAMILIES = [
    "fedgate_requests",
    "fedgate_request_duration_seconds",
    "fedgate_overhead_seconds",
    "fedgate_upstream_duration_seconds",
    "fedgate_sessions",
    "fedgate_session_evictions",
    "fedgate_server_up",
    "fedgate_catalog_tools",
    "fedgate_stdio_processes",
    "fedgate_agent_instances",
    "fedgate_session_pins",
    "fedgate_build_info",
    "fedgate_upstream_reconnects",
    "fedgate_access_log_dropped",
    "process_resident_memory_bytes",
    "process_cpu_seconds",
    "process_open_fds",
    "python_gc_collections",
]


async def no_body() -> bytes:
    return b""


def ended(protocol: str = "mcp", operation: str = "tools/call", status: int = 200) -> Ended:
    request = Request("req-1", "POST", "/mcp", b"", {}, "127.0.0.1:5000", "localhost", "1.1", no_body)
    return Ended(Record(request, protocol, 0.0), operation, status, 0.3, 0.0002, 0.0)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics("1.2.3")


def value(metrics: Metrics, sample: str, /, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(sample, labels)


def test_every_family_of_the_contract_is_there_before_anything_happened(metrics: Metrics) -> None:
    text, kind = metrics.render()
    assert kind == "text/plain; version=0.0.4; charset=utf-8"
    names = {family.name for family in prometheus(text.decode())}
    assert set(FAMILIES) <= names


def test_a_request_is_counted_and_timed(metrics: Metrics) -> None:
    metrics.request(ended())
    metrics.request(ended(status=404))
    where = {"protocol": "mcp", "operation": "tools/call"}
    assert value(metrics, "fedgate_requests_total", **where, status="200") == 1
    assert value(metrics, "fedgate_requests_total", **where, status="404") == 1
    assert value(metrics, "fedgate_request_duration_seconds_count", **where) == 2
    assert value(metrics, "fedgate_request_duration_seconds_bucket", **where, le="0.25") == 0
    assert value(metrics, "fedgate_request_duration_seconds_bucket", **where, le="0.5") == 2
    assert value(metrics, "fedgate_overhead_seconds_bucket", **where, le="0.00025") == 2


def test_metrics_are_the_meter_that_parts_ask_for(metrics: Metrics) -> None:
    meter: Meter = metrics
    meter.upstream("mcp", "notes", 0.02)
    meter.reconnected("notes")
    assert value(metrics, "fedgate_upstream_duration_seconds_sum", kind="mcp", name="notes") == 0.02
    assert value(metrics, "fedgate_upstream_reconnects_total", server="notes") == 1


def test_evictions_are_counted_by_reason(metrics: Metrics) -> None:
    metrics.evicted("mcp", "idle")
    metrics.evicted("mcp", "idle")
    assert value(metrics, "fedgate_session_evictions_total", protocol="mcp", reason="idle") == 2


def test_gauges_ask_their_owner_at_the_scrape(metrics: Metrics) -> None:
    open_sessions = {"a", "b"}
    metrics.sessions.source("mcp", lambda: len(open_sessions))
    metrics.server_up.source("notes", lambda: True)
    metrics.catalog_tools.source("notes", lambda: 12)
    metrics.stdio_processes.source(lambda: 3)
    metrics.access_log_dropped.source(lambda: 4)
    open_sessions.add("c")
    assert value(metrics, "fedgate_sessions", protocol="mcp") == 3
    assert value(metrics, "fedgate_server_up", server="notes") == 1
    assert value(metrics, "fedgate_catalog_tools", server="notes") == 12
    assert value(metrics, "fedgate_stdio_processes") == 3
    assert value(metrics, "fedgate_access_log_dropped_total") == 4


def test_instances_of_agents_are_told_at_the_scrape(metrics: Metrics) -> None:
    states = {("support", "ready"): 2.0, ("support", "lost"): 0.0}
    metrics.agent_instances.source(lambda: states.items())
    assert value(metrics, "fedgate_agent_instances", agent="support", state="ready") == 2
    del states["support", "lost"]
    assert value(metrics, "fedgate_agent_instances", agent="support", state="lost") is None


def test_labels_beyond_the_cap_are_counted_as_other(metrics: Metrics) -> None:
    for number in range(CAP + 500):
        metrics.upstream("mcp", f"server-{number}", 0.01)
    metrics.upstream("mcp", "server-0", 0.01)
    count = "fedgate_upstream_duration_seconds_count"
    assert value(metrics, count, kind="other", name="other") == 500
    assert value(metrics, count, kind="mcp", name="server-0") == 2
    assert value(metrics, count, kind="mcp", name=f"server-{CAP}") is None


def test_the_build_is_named(metrics: Metrics) -> None:
    (family,) = [f for f in prometheus(metrics.render()[0].decode()) if f.name == "fedgate_build_info"]
    (sample,) = family.samples
    assert sample.labels["version"] == "1.2.3"
    assert set(sample.labels) == {"version", "python"}


def test_two_gateways_in_one_process_count_apart(metrics: Metrics) -> None:
    other = Metrics("1.2.3")
    other.reconnected("notes")
    assert value(metrics, "fedgate_upstream_reconnects_total", server="notes") is None


def test_no_created_series_beside_the_children(metrics: Metrics) -> None:
    metrics.request(ended())
    assert b"fedgate_requests_created" not in metrics.render()[0]


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
        "application/openmetrics-text; version=nonsense",
        "text/html, application/openmetrics-text",
    ],
)
def test_who_asks_for_openmetrics_gets_it(metrics: Metrics, accept: str) -> None:
    metrics.request(ended())
    text, kind = metrics.render(accept)
    assert kind.startswith("application/openmetrics-text; version=1.0.0")
    assert "nonsense" not in kind
    assert text.endswith(b"# EOF\n")
    assert b"# TYPE fedgate_requests counter\n" in text


def test_a_hostile_label_stays_one_label(metrics: Metrics) -> None:
    metrics.reconnected('x"} 1\nfedgate_forged 1')
    text = metrics.render()[0].decode()
    assert not any(line.startswith("fedgate_forged") for line in text.splitlines())
