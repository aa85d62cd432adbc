"""bench/micro.py and bench/micro_calls.py: what is timed is the gateway's own work, all of it."""

import json
import subprocess
import sys
from typing import get_args

import pytest

from bench import micro, micro_calls
from bench.micro_calls import OPERATIONS, Protocol
from bench.policies import MICROS
from bench.processes import ROOT, environment
from fedgate.core.clock import ManualClock
from fedgate.gateway.observe import Observe
from fedgate.telemetry.lines import Ended, Place, json_access_line
from fedgate.telemetry.metrics import Metrics

pytestmark = pytest.mark.anyio

PROTOCOLS: list[Protocol] = ["mcp", "a2a", "llm"]


class Book:
    """Keeps what would be written."""

    def __init__(self) -> None:
        self.lines: list[Ended] = []

    def write(self, ended: Ended) -> None:
        self.lines.append(ended)


async def ended_one(protocol: Protocol) -> tuple[Metrics, Ended]:
    """One call through the real stage."""
    clock, metrics, book = ManualClock(1000.0), Metrics("test"), Book()
    observe = Observe(metrics, book, clock, frozenset(OPERATIONS.values()))
    await observe(micro_calls.call_of(protocol, 7, clock.monotonic()), micro.answering(protocol, metrics))
    (ended,) = book.lines
    return metrics, ended


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_call_is_counted_under_its_own_name(protocol: Protocol) -> None:
    metrics, _ = await ended_one(protocol)
    read = metrics.registry.get_sample_value
    labels = {"protocol": protocol, "operation": OPERATIONS[protocol], "status": "200"}
    assert read("fedgate_requests_total", labels) == 1.0
    upstream = {"kind": protocol, "name": micro_calls.TARGETS[protocol]}
    assert read("fedgate_upstream_duration_seconds_count", upstream) == 1.0


async def test_a_models_tokens_are_counted_too() -> None:
    metrics, _ = await ended_one("llm")
    assert metrics.registry.get_sample_value("llm_tokens_total", {"direction": "input"}) == 420.0


@pytest.mark.parametrize(
    ("protocol", "keys"),
    [
        ("mcp", {"mcp.method.name", "mcp.server", "gen_ai.tool.name", "session"}),
        ("a2a", {"a2a.method", "a2a.agent", "a2a.instance", "a2a.context.id"}),
        ("llm", {"gen_ai.request.model", "gen_ai.usage.output_tokens", "cost_usd", "reason", "session"}),
    ],
)
async def test_a_line_has_what_the_line_of_a_real_call_has(protocol: Protocol, keys: set[str]) -> None:
    _, ended = await ended_one(protocol)
    line = json.loads(json_access_line(ended, Place()))
    assert keys <= line.keys()
    assert (line["http.status"], line["user"], line["status"]) == (200, "https://idp.bench.invalid#alice", "success")


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("part", list(MICROS.values()))
async def test_every_part_is_measured_for_every_protocol(part: str, protocol: Protocol) -> None:
    assert -1e6 < await micro.measure(part, protocol, 20) < 1e6


def test_facts_of_two_calls_differ_in_what_a_rule_looks_at() -> None:
    assert all(micro_calls.facts_of(each, 1) != micro_calls.facts_of(each, 2) for each in PROTOCOLS)
    assert list(get_args(Protocol)) == PROTOCOLS


def test_a_slice_fits_among_the_lines_that_may_wait() -> None:
    assert micro.SLICE <= 10_000


def test_a_part_that_nobody_knows_ends_with_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        micro.parse(["cache"])
    assert "invalid choice: 'cache'" in capsys.readouterr().err


def test_as_a_process_it_says_one_line() -> None:
    command = [sys.executable, "-m", "bench.micro", "json", "--protocol", "a2a", "--calls", "200"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, cwd=ROOT, env=environment())
    (line,) = done.stdout.splitlines()
    assert json.loads(line).keys() == {"us", "calls"}
