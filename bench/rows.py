"""The rows of the benchmark: what each measures, on which targets, and the figure to reach.

The limits are the project's own promises; `docs/benchmarks.md` repeats them in words.
Above: `suite.py`. Below: `row.py`, `measure.py`, `rows_agents.py`, `rows_models.py`, `rows_policies.py`.
"""

from bench import measure
from bench.row import LOAD, Column, Goal, Row, cpu_goal
from bench.rows_agents import AGENT_ROWS
from bench.rows_models import MODEL_ROWS
from bench.rows_policies import POLICY_ROWS
from bench.targets import ALL, DIRECT, FEDGATE, NGINX, STARLETTE

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
        cpu_goal(250),
        shared=measure.mcp_load("call"),
        one_hop=True,
    ),
    Row(
        "mcp-list",
        "tools/list of 200 tools (60 kB), 16 sessions",
        ALL,
        LOAD,
        cpu_goal(250),
        shared=measure.mcp_load("list"),
    ),
    Row(
        "mcp-open",
        "initialize + initialized + DELETE, 16 at a time",
        ALL,
        LOAD,
        cpu_goal(500),
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
    *AGENT_ROWS,
    *MODEL_ROWS,
    *POLICY_ROWS,
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
