"""Judges runs against the file of expected failures and prints them.

A run is good when every failing scenario is expected and no expected one passes; the file
(`expected.yaml`) maps a run, or "*" for all, to scenarios and the reason of each.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.conformance.runs import Run
from tests.conformance.suite import Scenario

EVERY_RUN = "*"
Expected = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Outcome:
    """One finished run, or one that could not be carried out (`error`)."""

    run: Run
    scenarios: list[Scenario]
    seconds: float
    expected: Mapping[str, str]  # scenario -> reason, for this run
    error: str = ""

    @property
    def surprises(self) -> list[str]:
        """Why this run is not good, one sentence each."""
        if self.error:
            return [self.error]
        if not self.scenarios:
            return ["the suite reported no scenario"]
        if self.run.peer:
            return []  # nothing is expected of it
        return [*self._new_failures(), *self._stale_expectations()]

    def _new_failures(self) -> Iterable[str]:
        for scenario in self.scenarios:
            if scenario.failed and scenario.name not in self.expected:
                kind = "required" if scenario.required else "not required"
                yield f"{scenario.name} fails ({kind})" + "".join(f"\n      {text}" for text in scenario.problems)

    def _stale_expectations(self) -> Iterable[str]:
        for scenario in self.scenarios:
            if not scenario.failed and scenario.name in self.expected:
                yield f"{scenario.name} passes: take it out of the expected failures"

    def as_json(self) -> dict[str, Any]:
        return {
            "run": self.run.name,
            "what": self.run.what,
            "seconds": round(self.seconds, 1),
            "good": not self.surprises,
            "surprises": self.surprises,
            "scenarios": [asdict(scenario) for scenario in self.scenarios],
        }


def load_expected(path: Path) -> Expected:
    """Read the expected failures; an empty or missing section means none."""
    content = YAML(typ="safe").load(path.read_text()) if path.exists() else None
    return {str(run): dict(scenarios or {}) for run, scenarios in (content or {}).items()}


def expected_for(expected: Expected, run: Run) -> dict[str, str]:
    """Reasons by scenario: those of every run and those of this one."""
    return {**expected.get(EVERY_RUN, {}), **expected.get(run.name, {})}


def markdown(outcomes: Iterable[Outcome]) -> str:
    """The table for a document: without seconds, which are the machine's."""
    _, *rows = (row[:5] for row in _rows(outcomes))
    head = ["| Run | What | Required | Scenarios | Checks |", "|---|---|---|---|---|"]
    return "\n".join([*head, *(f"| {' | '.join(row)} |" for row in rows)])


def table(outcomes: Iterable[Outcome]) -> str:
    """One line a run: required scenarios, all scenarios, checks, seconds, verdict."""
    rows = _rows(outcomes)
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "(passed/failed)"])


def _rows(outcomes: Iterable[Outcome]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("run", "what", "required", "scenarios", "checks", "seconds", "")]
    for outcome in outcomes:
        required = [scenario for scenario in outcome.scenarios if scenario.required]
        checks = [(scenario.passed, scenario.failed) for scenario in outcome.scenarios]
        rows.append(
            (
                outcome.run.name,
                outcome.run.what,
                _score(required),
                _score(outcome.scenarios),
                f"{sum(passed for passed, _ in checks)}/{sum(failed for _, failed in checks)}",
                f"{outcome.seconds:.1f}",
                _verdict(outcome),
            )
        )
    return rows


def _verdict(outcome: Outcome) -> str:
    if outcome.surprises:
        return "NOT GOOD"
    return "" if outcome.run.peer else "good"


def _score(scenarios: Iterable[Scenario]) -> str:
    verdicts = [scenario.failed == 0 for scenario in scenarios]
    return f"{verdicts.count(True)}/{verdicts.count(False)}"


def complaints(outcomes: Iterable[Outcome]) -> str:
    """Every surprise, run by run; empty when all runs are good."""
    lines = []
    for outcome in outcomes:
        lines += [f"{outcome.run.name}: {surprise}" for surprise in outcome.surprises]
    return "\n".join(lines)
