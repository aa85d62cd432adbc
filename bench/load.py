"""What every load generator does: phases on demand, a tally, one line of JSON for each phase.

A generator is a process of its own. It opens what it needs, says `ready`, and then runs one phase
for every line on standard input, answering each with a line of JSON on standard output; so
whoever drives it can read the gateway's CPU time exactly around a phase. When input ends it leaves.
Above: `mcp_load.py`, `talk_load.py`, `a2a_load.py`, `llm_load.py`. Below: `http_client.py`, `stats.py`.
"""

import argparse
import asyncio
import gc
import json
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import uvloop

from bench.http_client import Connection, Wrong
from bench.stats import percentile

LEAST_SECONDS = 3.0  # CPU time comes in ticks of 10 ms: a phase is long, or it has many operations
LEAST_OPERATIONS = 5_000
MOST_FAILURES = 50
NOTICE_SECONDS = 0.02  # before a phase: to see which idle connections the other side has closed meanwhile


@dataclass(frozen=True)
class Plan:
    """What every generator's command line asks for."""

    url: str
    mode: str
    sessions: int
    seconds: float
    key: str

    @property
    def host(self) -> str:
        """As the header `Host` says it."""
        return urlsplit(self.url).netloc

    def connection(self) -> Connection:
        """Made anew, not connected yet."""
        parts = urlsplit(self.url)
        return Connection(parts.hostname or "", parts.port or 80)


@dataclass
class Tally:
    """What one phase has seen so far; of streams, `latencies` holds the lag of every event."""

    seconds: float
    started: float = field(default_factory=time.perf_counter)
    latencies: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def enough(self, now: float) -> bool:
        """Whether the phase may end: long enough or busy enough, or hopeless."""
        passed = now - self.started
        solid = passed >= LEAST_SECONDS or len(self.latencies) >= LEAST_OPERATIONS
        return (passed >= self.seconds and solid) or len(self.failures) >= MOST_FAILURES

    def report(self) -> dict[str, Any]:
        return {
            "ops": len(self.latencies),
            "seconds": time.perf_counter() - self.started,
            "p50_ms": percentile(self.latencies, 0.50) * 1000,
            "p99_ms": percentile(self.latencies, 0.99) * 1000,
            "max_ms": max(self.latencies, default=0.0) * 1000,
            "failures": len(self.failures),
            "errors": self.failures[:3],
        }


Phase = Callable[[Tally], Coroutine[Any, Any, None]]
Operation = Callable[[int], Coroutine[Any, Any, None]]


class Load(Protocol):
    """What a generator does. `open` raises `Wrong` when the other side is not as it should be."""

    async def open(self) -> None: ...

    def phases(self) -> list[Phase]:
        """What the lines on standard input start, in order; the last one again and again."""
        ...

    async def close(self) -> None: ...


async def repeat(operation: Operation, tally: Tally, first: int = 0) -> None:
    """One worker: the operation again and again, each timed, until the phase may end."""
    turn = first
    start = time.perf_counter()
    while not tally.enough(start):
        turn += 1
        try:
            await operation(turn)
        except Wrong as error:
            tally.failures.append(str(error))
            start = time.perf_counter()
            continue
        now = time.perf_counter()
        tally.latencies.append(now - start)
        start = now


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def parser(about: str, modes: Sequence[str]) -> argparse.ArgumentParser:
    """For what a `Plan` asks; the first mode is the default."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("url")
    made.add_argument("--mode", choices=modes, default=modes[0])
    made.add_argument("--sessions", type=int, default=16)
    made.add_argument("--seconds", type=float, default=LEAST_SECONDS)
    made.add_argument("--key", default="")
    return made


AnyPlan = TypeVar("AnyPlan", bound=Plan)


def run(make: Callable[[AnyPlan], Load], plan: AnyPlan) -> int:
    """The life of a generator; its exit status."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        load = make(plan)
        try:
            runner.run(load.open())
        except Wrong as error:
            say(json.dumps({"failed": str(error)}))
            return 1
        gc.collect()
        gc.freeze()
        say("ready")
        phases = load.phases()
        while sys.stdin.readline():
            runner.run(asyncio.sleep(NOTICE_SECONDS))
            tally = Tally(plan.seconds)
            runner.run((phases.pop(0) if len(phases) > 1 else phases[0])(tally))
            say(json.dumps(tally.report()))
        runner.run(load.close())
    return 0
