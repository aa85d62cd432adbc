"""The measurements: one sample of one target, for every kind of row.

Each function takes a stage with a running fake upstream and gives a `Sample`; the suite
repeats and interleaves them. Above: `rows.py`. Below: `driver.py`, `targets.py`, `wrk.py`.
"""

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from bench import wrk
from bench.catalog import SEPARATOR
from bench.driver import Driver, Phase, driving
from bench.processes import BenchError, environment, free_port, running, wait_until_answers
from bench.procfs import cpu_seconds, resident_bytes
from bench.targets import FEDGATE, KEY, READY_SECONDS, Live, Rig, opened

SESSIONS = 16
CONNECTIONS = 32
TOOLS = 200
TOOLS_WITHOUT_ONE = 180
HELD_SESSIONS = 1_000
HELD_STREAMS = 500
SETTLE_SECONDS = 1.0
HELP_SECONDS = 30.0


@dataclass
class Sample:
    """Figures of one round by key, and what went wrong; with errors the figures do not count."""

    values: dict[str, float]
    errors: list[str] = field(default_factory=list)


def mcp_load(mode: str) -> Callable[[Rig, Live], Sample]:
    """CPU and throughput with 16 sessions, then latency with one."""

    def sample(stage: Rig, live: Live) -> Sample:
        counts = {"tools": TOOLS, "least": TOOLS}
        with driving(stage, live, mode, sessions=SESSIONS, **counts) as driver:
            busy = driver.phase(stage.options.seconds)
        short = max(1.0, stage.options.seconds / 4)
        with driving(stage, live, mode, sessions=1, seconds=short, **counts) as driver:
            quiet = driver.phase(short)
        return loaded(busy, quiet, gateway=live.child is not None)

    return sample


def chat_load(stage: Rig, live: Live) -> Sample:
    """The plain JSON hop: 32 connections, then one."""
    busy = _wrk(stage, live, CONNECTIONS, stage.options.seconds)
    quiet = _wrk(stage, live, 1, 1)
    return loaded(busy, quiet, gateway=live.child is not None)


def loaded(busy: Phase, quiet: Phase, *, gateway: bool) -> Sample:
    """A sample of two phases; CPU per operation only where there is a gateway."""
    values = {
        "ops": float(busy.ops),
        "ops_s": busy.ops / busy.seconds,
        "p50_ms": quiet.p50_ms,
        "p99_ms": quiet.p99_ms,
        "upstream_us": busy.micros(busy.upstream_cpu),
        "driver_us": busy.micros(busy.driver_cpu),
    }
    if gateway:
        values["cpu_us"] = busy.micros(busy.gateway_cpu)
    return Sample(values, busy.errors + quiet.errors)


def _wrk(stage: Rig, live: Live, connections: int, seconds: float) -> Phase:
    command = wrk.command(wrk.prepare(stage.folder, KEY), live.port, connections, seconds)
    before = cpu_seconds(live.child.pid) if live.child else 0.0
    served = cpu_seconds(stage.upstream.pid)
    with running("wrk", command, stage.folder, piped=True, place="beside") as child:
        report = wrk.read(child, seconds + 30)
        cpu = cpu_seconds(live.child.pid) - before if live.child else 0.0
        driver = cpu_seconds(child.pid)
    served = cpu_seconds(stage.upstream.pid) - served
    return Phase(**report, gateway_cpu=cpu, upstream_cpu=served, driver_cpu=driver)


def silent_server(stage: Rig, name: str) -> Sample:
    """The tenth server falls silent under open sessions; then a gateway starts with it silent.

    Latencies in ms, the worst of a phase: a list that hangs once is a list that hangs.
    """
    bad = stage.servers()[-1]
    spared = {"sessions": 1, "skip": bad + SEPARATOR}
    phases: dict[str, Phase] = {}

    def record(key: str, driver: Driver) -> None:
        phases[key] = driver.phase(stage.options.seconds)

    with opened(stage, name) as live:
        with (
            driving(stage, live, "list", tools=TOOLS, **spared) as lists,
            driving(stage, live, "call", tools=TOOLS, **spared) as calls,
        ):
            record("healthy_list_ms", lists)
            stage.silence(bad)
            record("old_list_ms", lists)
            record("old_call_ms", calls)
        for key, mode in (("new_open_ms", "open"), ("new_list_ms", "list")):
            with driving(stage, live, mode, tools=TOOLS_WITHOUT_ONE, **spared) as driver:
                record(key, driver)
    started = time.monotonic()
    with opened(stage, name, ready="/healthz") as live:
        with driving(stage, live, "open", tools=TOOLS_WITHOUT_ONE, **spared) as driver:
            listed = time.monotonic() - started
            record("cold_open_ms", driver)
        with driving(stage, live, "list", tools=TOOLS_WITHOUT_ONE, **spared) as driver:
            record("cold_list_ms", driver)
    values = {key: phase.max_ms for key, phase in phases.items()}
    return Sample({**values, "cold_s": listed}, [error for each in phases.values() for error in each.errors])


def memory(stage: Rig, name: str) -> Sample:
    """Resident memory idle, and its growth per open MCP session and per idle GET stream."""
    with opened(stage, name) as live:
        assert live.child is not None
        time.sleep(SETTLE_SECONDS)
        values = {"idle_mb": resident_bytes(live.child.pid) / 1e6}
        options = {"sessions": HELD_SESSIONS, "streams": HELD_STREAMS, "tools": TOOLS, "era": "legacy"}
        with driving(stage, live, "hold", **options) as driver:
            steps = {"session_kb": HELD_SESSIONS}
            if name == FEDGATE:  # the others pass GET on to a server that has no such stream
                steps["stream_kb"] = HELD_STREAMS
            errors: list[str] = []
            for key, count in steps.items():
                before = resident_bytes(live.child.pid)
                phase = driver.phase(READY_SECONDS)
                values[key] = (resident_bytes(live.child.pid) - before) / count / 1e3
                errors += phase.errors
    return Sample(values, errors)


def start(stage: Rig, name: str) -> Sample:
    """From process start to the first 200 on /healthz; for fedgate also how long `--help` takes."""
    port = free_port()
    launch = stage.launch(name, port)
    began = time.perf_counter()
    with running(name, launch.command, stage.folder, place="apart") as child:
        wait_until_answers(child, port, "/healthz", READY_SECONDS)
        values = {"wall_s": time.perf_counter() - began, "cpu_s": cpu_seconds(child.pid)}
    if name == FEDGATE:
        values["help_s"] = help_seconds(stage.options.fedgate)
    return Sample(values)


def help_seconds(command: list[str]) -> float:
    """The wall time of `fedgate --help`."""
    began = time.perf_counter()
    try:
        done = subprocess.run(
            [*command, "--help"],
            capture_output=True,
            timeout=HELP_SECONDS,
            env=environment(),
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"fedgate --help does not run: {error}") from error
    if done.returncode != 0:
        raise BenchError(f"fedgate --help ended with {done.returncode}: {done.stderr[-200:]!r}")
    return time.perf_counter() - began
