"""The rows of the benchmark: what each measures, on which targets, and the figure to reach.

The limits are the project's own promises; `docs/benchmarks.md` repeats them in words.
Above: `suite.py`. Below: `measure.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench import measure
from bench.measure import Sample
from bench.targets import ALL, DIRECT, FEDGATE, NGINX, STARLETTE, Live, Rig


@dataclass(frozen=True)
class Column:
    """A column of a row's table: a figure's median, its range, or its ratio to the target `base`."""

    title: str
    key: str
    shows: Literal["median", "range", "ratio"] = "median"
    base: str = ""


@dataclass(frozen=True)
class Goal:
    """fedgate's median of `key` is to be at most `limit`."""

    key: str
    limit: float
    title: str
    unit: str


@dataclass(frozen=True)
class Row:
    """A row is sampled on shared running targets (`shared`) or starts them itself each round (`fresh`).

    `one_hop`: its operation is one small request, so that it shows how fast this machine is.
    """

    name: str
    title: str
    targets: tuple[str, ...]
    columns: tuple[Column, ...]
    goals: tuple[Goal, ...] = ()
    main: str = "cpu_us"
    unit: str = "CPU µs per operation"
    needs: tuple[str, ...] = ()
    shared: Callable[[Rig, Live], Sample] | None = None
    fresh: Callable[[Rig, str], Sample] | None = None
    warm_ups: int = 0
    one_hop: bool = False


LOAD = (
    Column("CPU µs/op", "cpu_us"),
    Column("range", "cpu_us", "range"),
    Column("x nginx", "cpu_us", "ratio", NGINX),
    Column("x starlette", "cpu_us", "ratio", STARLETTE),
    Column("ops/s", "ops_s"),
    Column("p50 ms c=1", "p50_ms"),
    Column("p99 ms c=1", "p99_ms"),
    Column("p50 x direct", "p50_ms", "ratio", DIRECT),
)
SILENT = (
    ("healthy_list_ms", "list before"),
    ("old_list_ms", "old session: list"),
    ("old_call_ms", "old session: call"),
    ("new_open_ms", "new session: initialize"),
    ("new_list_ms", "new session: list"),
    ("cold_open_ms", "silent at start: initialize"),
    ("cold_list_ms", "silent at start: list"),
)
PROMISED = {"old_list_ms", "new_open_ms", "new_list_ms", "cold_open_ms", "cold_list_ms"}
# What one hop of a small message costs, in CPU µs, on the machine that the limits in µs come from.
THERE = {NGINX: "25-30", STARLETTE: "360"}


def _cpu(limit: float) -> tuple[Goal, ...]:
    return (Goal("cpu_us", limit, "CPU of the process tree", "µs/op"),)


ROWS = (
    Row(
        "hop",
        "plain JSON, 1.9 kB in, 1.2 kB out, 32 connections: what a hop costs on this machine",
        (DIRECT, NGINX, STARLETTE),
        LOAD,
        needs=("wrk",),
        shared=measure.chat_load,
        one_hop=True,
    ),
    Row(
        "mcp-call",
        "tools/call, 16 sessions; fedgate over 10 servers, the others before one",
        ALL,
        LOAD,
        _cpu(250),
        shared=measure.mcp_load("call"),
        one_hop=True,
    ),
    Row(
        "mcp-list",
        "tools/list of 200 tools (60 kB), 16 sessions",
        ALL,
        LOAD,
        _cpu(250),
        shared=measure.mcp_load("list"),
    ),
    Row(
        "mcp-open",
        "initialize + initialized + DELETE, 16 at a time",
        ALL,
        LOAD,
        _cpu(500),
        shared=measure.mcp_load("open"),
    ),
    Row(
        "mcp-silent",
        "one silent server among ten: the worst latency in ms of each phase, one session",
        (FEDGATE,),
        (*(Column(title, key) for key, title in SILENT), Column("start to 180 tools s", "cold_s")),
        tuple(Goal(key, 100, title, "ms") for key, title in SILENT if key in PROMISED),
        main="old_list_ms",
        unit="worst tools/list in ms",
        fresh=measure.silent_server,
    ),
    Row(
        "mcp-memory",
        "resident memory: idle, per MCP session (1,000 open), per idle GET stream (500 open)",
        (NGINX, STARLETTE, FEDGATE),
        (
            Column("idle MB", "idle_mb"),
            Column("range", "idle_mb", "range"),
            Column("kB/session", "session_kb"),
            Column("kB/stream", "stream_kb"),
        ),
        (
            Goal("idle_mb", 80, "idle memory", "MB"),
            Goal("session_kb", 12, "memory per MCP session", "kB"),
            Goal("stream_kb", 25, "memory per idle SSE stream", "kB"),
        ),
        main="idle_mb",
        unit="idle resident MB",
        fresh=measure.memory,
    ),
    Row(
        "start",
        "process start to the first 200 on /healthz; `fedgate --help`",
        (NGINX, STARLETTE, FEDGATE),
        (
            Column("CPU s", "cpu_s"),
            Column("range", "cpu_s", "range"),
            Column("wall s", "wall_s"),
            Column("--help s", "help_s"),
        ),
        (Goal("cpu_s", 1, "CPU to the first 200", "s"), Goal("help_s", 0.3, "fedgate --help", "s")),
        main="cpu_s",
        unit="CPU s to the first 200",
        fresh=measure.start,
        warm_ups=1,
    ),
)
