"""Results of rows as text tables and as JSON. Pure: no file, no terminal.

Above: `suite.py`. Below: `rows.py`, `stats.py`.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.measure import Sample
from bench.row import STEP, Column, Goal, Row
from bench.rows import THERE
from bench.stats import Spread, spread, written

NONE = "-"


@dataclass
class Result:
    """What a row gave: samples by target, and by target why there is no figure or a wrong one."""

    row: Row
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, target: str, sample: Sample) -> None:
        self.samples.setdefault(target, []).append(sample)
        if sample.errors:
            self.failed.setdefault(target, "invalid: " + "; ".join(sample.errors))

    def figures(self, target: str) -> dict[str, Spread]:
        """Every figure of a target over its rounds; empty for a target that failed."""
        if target in self.failed:
            return {}
        rounds = [each.values for each in self.samples.get(target, [])]
        keys = {key for each in rounds for key in each}
        found = {key: spread([each[key] for each in rounds if key in each]) for key in sorted(keys)}
        steps = self._steps(target)
        return {**found, STEP: spread(steps)} if steps else found

    def _steps(self, target: str) -> list[float]:
        """Of each round, by how much the main figure is above that of the target before in the row's chain."""
        chain, key = self.row.chain, self.row.main
        before = dict(zip(chain[1:], chain, strict=False)).get(target, "")
        if before in self.failed:
            return []
        pairs = zip(self.samples.get(target, []), self.samples.get(before, []), strict=False)
        return [late.values[key] - early.values[key] for late, early in pairs]


def cell(column: Column, mine: Mapping[str, Spread], base: Mapping[str, Spread]) -> str:
    """One cell of a table; `base` are the figures of the column's base target."""
    if (figure := mine.get(column.key)) is None:
        return NONE
    if column.shows == "range":
        return f"{written(figure.low)}-{written(figure.high)}"
    if column.shows == "median":
        return written(figure.median)
    if column.shows == "step":
        ends = f" ({signed(figure.low)} to {signed(figure.high)})" if figure.rounds > 1 else ""
        return signed(figure.median) + ends
    other = base.get(column.key)
    return written(figure.median / other.median) if other is not None and other.median else NONE


def signed(value: float) -> str:
    return f"+{written(value)}" if value > 0 else written(value)


def verdict(goal: Goal, figures: Mapping[str, Spread]) -> str:
    """`ok`, `over` or `not measured`, with the figure beside the limit."""
    start = f"target: {goal.title} <= {written(goal.limit)} {goal.unit}"
    if (figure := figures.get(goal.key)) is None:
        return f"{start}: not measured"
    return f"{start}: {written(figure.median)} {'ok' if figure.median <= goal.limit else 'over'}"


def table(result: Result) -> str:
    """The row as text: title, one line per target, notes, and the targets to reach."""
    row = result.row
    figures = {target: result.figures(target) for target in row.targets}
    shown = [target for target in row.targets if figures[target]]
    lines = [["target", *(column.title for column in row.columns)]]
    for target in shown:
        bases = (figures.get(column.base, {}) for column in row.columns)
        cells = (cell(column, figures[target], base) for column, base in zip(row.columns, bases, strict=True))
        lines.append([target, *cells])
    parts = [f"{row.name}: {row.title}"]
    parts += aligned(lines) if shown else []
    parts += [f"  {name} skipped: {reason}" for name, reason in result.skipped.items()]
    parts += [f"  {name} FAILED: {reason}" for name, reason in result.failed.items()]
    parts += calibration(figures) if row.one_hop else []
    parts += [f"  {note}" for note in row.notes]
    parts += [f"  {verdict(goal, figures.get(row.judged, {}))}" for goal in row.goals]
    return "\n".join(parts)


def calibration(figures: Mapping[str, Mapping[str, Spread]]) -> list[str]:
    """One line: how this machine compares with the one that the limits in µs come from."""
    here = [
        f"{name} {there} µs (here {written(figures[name]['cpu_us'].median)})"
        for name, there in THERE.items()
        if "cpu_us" in figures.get(name, {})
    ]
    return [f"  targets in µs come from a machine where one hop costs {', '.join(here)}"] if here else []


def aligned(lines: list[list[str]]) -> list[str]:
    """Columns of equal width: names to the left, figures to the right."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return [
        "  " + "  ".join(word.rjust(width) if place else word.ljust(width) for place, (word, width) in pairs)
        for pairs in (list(enumerate(zip(line, widths, strict=True))) for line in lines)
    ]


def as_json(result: Result) -> dict[str, Any]:
    """The row with every figure of every round."""
    row = result.row
    measured = result.figures(row.judged)
    return {
        "row": row.name,
        "title": row.title,
        "unit": row.unit,
        "judged": row.judged,
        "targets": {
            target: {
                "figures": {key: asdict(each) for key, each in result.figures(target).items()},
                "rounds": [sample.values for sample in samples],
                "errors": [error for sample in samples for error in sample.errors],
            }
            for target, samples in result.samples.items()
        },
        "goals": [
            {"key": goal.key, "limit": goal.limit, "unit": goal.unit, "met": _met(goal, measured)} for goal in row.goals
        ],
        "skipped": result.skipped,
        "failed": result.failed,
    }


def _met(goal: Goal, figures: Mapping[str, Spread]) -> bool | None:
    figure = figures.get(goal.key)
    return None if figure is None else figure.median <= goal.limit
