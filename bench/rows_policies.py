"""The rows of policies: fedgate several times, each with more switched on than the one before, and what that costs.

The figures to reach are those of the rows without policies: they are to hold with a JWT, five rules and two limits.
Above: `rows.py`. Below: `measure.py`, `measure_talk.py`, `measure_policies.py`.
"""

from collections.abc import Callable

from bench import measure, measure_talk
from bench.measure import Sample
from bench.measure_policies import with_parts
from bench.policies import MICROS, POLICIES, PROMISED
from bench.row import STEP, Column, Row, cpu_goal
from bench.targets import NGINX, Live, Protocol, Rig

HAVING = " with JWT, five rules, two limits, metrics and access line"
NOTE = (
    "micro: no gateway, but that part alone, called again and again in a process of its own (docs/benchmarks.md).",
    "Metrics, access line (JSON) and live view are on in all gateways above; the token is what the first call costs.",
)


def _row(
    name: str, title: str, serves: Protocol, limit: float, measured: Callable[[Rig, Live], Sample], *, stream: bool
) -> Row:
    each = "chunk" if stream else "op"
    return Row(
        name,
        title,
        (NGINX, *POLICIES, *(() if stream else MICROS)),
        (
            Column(f"CPU µs/{each}", "cpu_us"),
            Column("range", "cpu_us", "range"),
            Column("x nginx", "cpu_us", "ratio", NGINX),
            Column(f"{each}s/s", "ops_s"),
            Column("lag p50 ms" if stream else "p50 ms c=1", "p50_ms"),
            Column("cost of it, µs (range)", STEP, "step"),
        ),
        cpu_goal(limit, f"µs/{each}", HAVING),
        unit=f"CPU µs per {'chunk' if stream else 'operation'}",
        shared=measured if stream else with_parts(measured),
        one_hop=not stream,
        serves=serves,
        judged=PROMISED,
        chain=tuple(POLICIES),
        notes=() if stream else NOTE,
    )


POLICY_ROWS = (
    _row("policy-mcp-call", "mcp-call with policies", "mcp", 250, measure.mcp_load("call"), stream=False),
    _row(
        "policy-a2a-send",
        "a2a-send with policies",
        "a2a",
        200,
        measure_talk.requests("a2a_load", "send"),
        stream=False,
    ),
    _row(
        "policy-llm-json",
        "llm-json with policies",
        "llm",
        180,
        measure_talk.requests("llm_load", "json"),
        stream=False,
    ),
    _row(
        "policy-a2a-stream",
        "a2a-stream with policies",
        "a2a",
        60,
        measure_talk.streams("a2a_load", measure_talk.PACED),
        stream=True,
    ),
    _row(
        "policy-llm-stream",
        "llm-stream with policies",
        "llm",
        50,
        measure_talk.streams("llm_load", measure_talk.PACED),
        stream=True,
    ),
)
