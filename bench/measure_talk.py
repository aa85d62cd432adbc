"""The measurements of A2A and of models: one sample of one target, for every kind of row.

Requests as in `measure.py`; streams by their chunks; pins and memory with targets of their own.
Above: `rows_agents.py`, `rows_models.py`. Below: `driver.py`, `targets.py`.
"""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from statistics import median

from bench import a2a_caller, chat
from bench.driver import Driver, Phase, driven
from bench.measure import SESSIONS, SETTLE_SECONDS, Sample, loaded
from bench.procfs import peak_bytes, resident_bytes
from bench.targets import Live, Rig, opened

FEW, MANY = 10, 100_000
PIN_TURNS = 5
"""Phases of each, by turns."""
BEGIN_SECONDS = 600.0
"""For 100,000 first turns; on a machine with nothing else to do they take half a minute."""
PACED = {"sessions": 64, "count": 50, "gap": 20}
BURST = {"sessions": 16, "count": 200, "gap": 0}
HELD = {"sessions": 500, "count": 50, "gap": 150}
"""Streams that are open at the same time, for 7.5 s: long enough to begin them all."""
PATHS = {"a2a_load": a2a_caller.PATH, "llm_load": chat.PATH}

Measured = Callable[[Rig, Live], Sample]


def requests(generator: str, mode: str, **options: object) -> Measured:
    """CPU and throughput with 16 sessions, then latency with one."""

    def sample(stage: Rig, live: Live) -> Sample:
        run = partial(driven, stage, live, generator, PATHS[generator], mode=mode, **options)
        with run(sessions=SESSIONS) as driver:
            busy = driver.phase(stage.options.seconds)
        short = max(1.0, stage.options.seconds / 4)
        with run(sessions=1, seconds=short) as driver:
            quiet = driver.phase(short)
        return loaded(busy, quiet, gateway=live.child is not None)

    return sample


def streams(generator: str, shape: dict[str, int]) -> Measured:
    """CPU per chunk, and how much later a chunk arrives than it was sent."""

    def sample(stage: Rig, live: Live) -> Sample:
        with driven(stage, live, generator, PATHS[generator], mode="stream", **shape) as driver:
            phase = driver.phase(stage.options.seconds)
        return loaded(phase, phase, gateway=live.child is not None)

    return sample


def pins(stage: Rig, name: str) -> Sample:
    """Two gateways, one with 10 live conversations and one with 100,000, which take turns within this one sample.

    The conversations are begun through the gateway itself, each by a first turn of its own.
    """
    with contextlib.ExitStack() as stack:
        few, many = (_pinned(stack, stage, name, count) for count in (FEW, MANY))
        phases: dict[int, list[Phase]] = {FEW: [], MANY: []}
        begun = [each.phase(BEGIN_SECONDS) for each, _ in (few, many)]
        for _ in range(PIN_TURNS):
            for count, (driver, _live) in ((FEW, few), (MANY, many)):
                phases[count].append(driver.phase(stage.options.seconds))
        sizes = [resident_bytes(live.child.pid) for _, live in (few, many) if live.child is not None]
    values = {
        "few_us": _per_operation(phases[FEW]),
        "cpu_us": _per_operation(phases[MANY]),
        "begin_us": begun[1].micros(begun[1].gateway_cpu),
        "pin_kb": (sizes[1] - sizes[0]) / (MANY - FEW) / 1e3,
        "few_p99_ms": median(each.p99_ms for each in phases[FEW]),
        "p99_ms": median(each.p99_ms for each in phases[MANY]),
        "worst_ms": max(each.max_ms for each in phases[MANY]),
    }
    return Sample(values, [error for each in (*begun, *phases[FEW], *phases[MANY]) for error in each.errors])


def _pinned(stack: contextlib.ExitStack, stage: Rig, name: str, count: int) -> tuple[Driver, Live]:
    live = stack.enter_context(opened(stage, name))
    options = {"mode": "pins", "sessions": FEW, "pins": count}
    return stack.enter_context(driven(stage, live, "a2a_load", a2a_caller.PATH, **options)), live


def _per_operation(phases: list[Phase]) -> float:
    return median(each.micros(each.gateway_cpu) for each in phases)


def open_streams(stage: Rig, name: str) -> Sample:
    """The largest memory while 500 streams are open, and its growth over the warm one."""
    with opened(stage, name) as live:
        assert live.child is not None
        with driven(stage, live, "llm_load", chat.PATH, mode="hold", **HELD) as driver:
            time.sleep(SETTLE_SECONDS)
            warm = resident_bytes(live.child.pid)
            phase = driver.phase(stage.options.seconds)
            peak = peak_bytes(live.child.pid)
    values = {"peak_mb": peak / 1e6, "warm_mb": warm / 1e6, "stream_kb": (peak - warm) / HELD["sessions"] / 1e3}
    return Sample(values, phase.errors)
