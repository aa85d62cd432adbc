"""What a row of the benchmark is: an operation, its columns, and the figure to reach.

Above: `rows.py` and its parts. Below: `measure.py`, `targets.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bench.measure import Sample
from bench.targets import DIRECT, FEDGATE, NGINX, STARLETTE, Live, Protocol, Rig


@dataclass(frozen=True)
class Column:
    """A column of a row's table: a figure's median, its range, or its ratio to the target `base`.

    `step`: the median with its sign and its range, of figures that are differences.
    """

    title: str
    key: str
    shows: Literal["median", "range", "ratio", "step"] = "median"
    base: str = ""


@dataclass(frozen=True)
class Goal:
    """The median of `key`, of the row's `judged`, is to be at most `limit`."""

    key: str
    limit: float
    title: str
    unit: str


@dataclass(frozen=True)
class Row:
    """A row is sampled on shared running targets (`shared`) or starts them itself each round (`fresh`).

    `one_hop`: its operation is one small request, so that it shows how fast this machine is.
    `serves`: what fedgate stands before. `rounds`: so many are enough, because a sample takes turns in itself.
    `chain`: targets of which each has all that the one before has, and more; what it costs more is its `STEP`.
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
    rounds: int | None = None
    one_hop: bool = False
    serves: Protocol = "mcp"
    judged: str = FEDGATE
    """The target that the goals are about."""
    chain: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """Lines below the table."""


STEP = "step_us"
"""By how much the main figure is above that of the target before in the chain, round by round."""

COMPARED = (
    Column("range", "cpu_us", "range"),
    Column("x nginx", "cpu_us", "ratio", NGINX),
    Column("x starlette", "cpu_us", "ratio", STARLETTE),
)
LOAD = (
    Column("CPU µs/op", "cpu_us"),
    *COMPARED,
    Column("ops/s", "ops_s"),
    Column("p50 ms c=1", "p50_ms"),
    Column("p99 ms c=1", "p99_ms"),
    Column("p50 x direct", "p50_ms", "ratio", DIRECT),
)
STREAM = (
    Column("CPU µs/chunk", "cpu_us"),
    *COMPARED,
    Column("chunks/s", "ops_s"),
    Column("lag p50 ms", "p50_ms"),
    Column("lag p99 ms", "p99_ms"),
)


def cpu_goal(limit: float, unit: str = "µs/op", having: str = "") -> tuple[Goal, ...]:
    return (Goal("cpu_us", limit, f"CPU of the process tree{having}", unit),)
