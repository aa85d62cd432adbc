"""Drives a load generator and reads the CPU time of everybody involved around each phase.

Above: `measure.py` and its like. Below: the load generators (as processes), `processes.py`, `procfs.py`.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.processes import BenchError, Child, running
from bench.procfs import Gone, cpu_seconds
from bench.targets import Live, Rig

OPEN_SECONDS = 60.0
GRACE_SECONDS = 60.0


@dataclass
class Phase:
    """What one phase of load saw, and the CPU seconds it cost gateway, upstream and driver."""

    ops: int
    seconds: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    failures: int
    errors: list[str]
    gateway_cpu: float = 0.0
    upstream_cpu: float = 0.0
    driver_cpu: float = 0.0

    def micros(self, cpu: float) -> float:
        """CPU seconds as µs per operation."""
        return cpu / max(1, self.ops) * 1e6


@dataclass(frozen=True)
class Driver:
    """A load generator whose sessions are open."""

    load: Child
    stage: Rig
    live: Live

    def phase(self, seconds: float) -> Phase:
        """Run its next phase; raises `BenchError` when the generator or a target fails."""
        before = self._cpu()
        self.load.say("go")
        answer = _read(self.load, seconds + GRACE_SECONDS)
        after = self._cpu()
        gateway, upstream, driver = (late - early for late, early in zip(after, before, strict=True))
        return Phase(**answer, gateway_cpu=gateway, upstream_cpu=upstream, driver_cpu=driver)

    def _cpu(self) -> tuple[float, float, float]:
        try:
            gateway = cpu_seconds(self.live.child.pid) if self.live.child else 0.0
            return gateway, cpu_seconds(self.stage.upstream.pid), cpu_seconds(self.load.pid)
        except Gone as error:
            tail = self.live.child.tail() if self.live.child else ""
            raise BenchError(f"{self.live.name} ended under load: {tail}") from error


@contextlib.contextmanager
def driving(stage: Rig, live: Live, mode: str, **options: object) -> Iterator[Driver]:
    """An MCP load generator on `live` in `mode`; `options` are its command line without the dashes."""
    given = {"mode": mode, "era": stage.options.era, **options}
    with driven(stage, live, "mcp_load", live.mcp_path, **given) as driver:
        yield driver


@contextlib.contextmanager
def driven(stage: Rig, live: Live, generator: str, path: str, **options: object) -> Iterator[Driver]:
    """A load generator on `live`, at `path` there."""
    given = {"key": live.key, "seconds": stage.options.seconds, **options}
    words = [word for name, value in given.items() for word in (f"--{name}", str(value))]
    command = [sys.executable, "-m", f"bench.{generator}", live.url(path), *words]
    with running("load", command, stage.folder, piped=True, place="beside") as load:
        _ready(load, live.name)
        yield Driver(load, stage, live)
        _leave(load)


def _ready(load: Child, name: str) -> None:
    line = load.line(OPEN_SECONDS)
    if line != "ready":
        raise BenchError(f"{name}: the sessions do not open: {json.loads(line)['failed']}")


def _leave(load: Child) -> None:
    """Let the generator end its sessions; what it has not done in 5 s is cut off by the caller."""
    assert load.process.stdin is not None
    load.process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        load.process.wait(5)


def _read(load: Child, seconds: float) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(load.line(seconds))
    return answer
