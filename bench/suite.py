"""One sitting: the command line, the rows in turn, all targets of a row round robin, the reports.

Above: `run.py`. Below: everything else in this folder.
"""

import argparse
import contextlib
import dataclasses
import datetime as dt
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from bench import machine, plot, report
from bench.measure import Sample
from bench.processes import ROOT, BenchError
from bench.procfs import PROC, Gone
from bench.report import Result
from bench.row import Row
from bench.rows import ROWS
from bench.targets import ALL, Options, missing, opened, rig, stands_for

QUICK_SECONDS = 1.0
ROWS_HELP = "rows to measure (all); 'policy-*' stands for all that begin so: "
BUSY_SHARE = 0.5


class Progress:
    """One line that is rewritten, on standard error and only when that is a terminal."""

    def __init__(self) -> None:
        self._shown = sys.stderr.isatty()

    def __call__(self, text: str) -> None:
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{text}")
            sys.stderr.flush()


@dataclasses.dataclass(frozen=True)
class Sitting:
    """What the command line chose."""

    rows: list[Row]
    targets: list[str]
    rounds: int
    quick: bool
    options: Options
    json: bool
    folder: Path


def parse(arguments: list[str]) -> Sitting:
    """Read the command line; a wrong one ends the program with a sentence."""
    names = [row.name for row in ROWS]
    parser = argparse.ArgumentParser(
        prog="bench/run.py", description="What fedgate costs, beside nginx, direct access and a plain Python proxy."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help=ROWS_HELP + ", ".join(names))
    parser.add_argument("--rounds", type=int, default=3, help="rounds; all targets take turns in each (3)")
    parser.add_argument("--seconds", type=float, default=4.0, help="length of a phase of load (4)")
    parser.add_argument("--quick", action="store_true", help="one short round: to see that all works, not to quote")
    parser.add_argument("--json", action="store_true", help="print the results as JSON instead of tables")
    parser.add_argument("--targets", default=",".join(ALL), help="which of " + ",".join(ALL))
    parser.add_argument("--fedgate", default=f"{shlex.quote(sys.executable)} -m fedgate", help="how to call fedgate")
    parser.add_argument("--era", choices=("legacy", "modern"), default="legacy", help="era of the MCP client")
    parser.add_argument("--servers-era", choices=("legacy", "modern"), default="legacy", help="of the MCP servers")
    parser.add_argument("--out", type=Path, default=ROOT / "bench" / "results", help="folder for JSON and plot")
    given = parser.parse_args(arguments)
    targets = given.targets.split(",")
    wrong = [(name, names) for name in given.rows if not any(fnmatchcase(each, name) for each in names)]
    wrong += [(name, list(ALL)) for name in targets if name not in ALL]
    for name, known in wrong:
        parser.error(f"{name!r} is not known; there are {', '.join(known)}")
    if given.rounds < 1 or given.seconds <= 0:
        parser.error("--rounds must be at least 1 and --seconds more than 0")
    seconds = QUICK_SECONDS if given.quick else given.seconds
    return Sitting(
        [row for row in ROWS if not given.rows or any(fnmatchcase(row.name, each) for each in given.rows)],
        targets,
        1 if given.quick else given.rounds,
        given.quick,
        Options(shlex.split(given.fedgate), seconds, given.era, given.servers_era),
        given.json,
        given.out,
    )


def measure_row(row: Row, sitting: Sitting, tell: Callable[[str], None]) -> Result:
    """All rounds of a row. A target that fails is noted and left out; the others go on."""
    result = Result(row)
    lacks = next((lack for need in row.needs if (lack := missing(need))), None)
    for target in row.targets:
        if lack := lacks or missing(target):
            result.skipped[target] = lack
    chosen = [each for each in row.targets if stands_for(each) in sitting.targets and each not in result.skipped]
    if not chosen:
        return result
    rounds = min(sitting.rounds, row.rounds or sitting.rounds)
    with players(row, sitting, chosen, result) as play:
        for number in range(-row.warm_ups, rounds):
            # There and back, so that what grows during a round does not always hit the same ones.
            for target in chosen if number % 2 == 0 else reversed(chosen):
                if target in result.failed:
                    continue
                tell(f"{row.name}: round {max(0, number + 1)} of {rounds}: {target}")
                try:
                    sample = play(target)
                except (BenchError, Gone) as error:
                    result.failed[target] = str(error)
                    continue
                if number >= 0:
                    result.add(target, sample)
    return result


@contextlib.contextmanager
def players(row: Row, sitting: Sitting, chosen: list[str], result: Result) -> Iterator[Callable[[str], Sample]]:
    """A function that takes one sample of a target, on targets that run all the while or on fresh ones."""
    with contextlib.ExitStack() as stack:
        if (fresh := row.fresh) is not None:

            def start_and_sample(target: str) -> Sample:
                with rig(sitting.options, row.serves) as stage:
                    return fresh(stage, target)

            yield start_and_sample
        elif (shared := row.shared) is not None:
            stage = stack.enter_context(rig(sitting.options, row.serves))
            lives = {}
            for target in chosen:
                try:
                    lives[target] = stack.enter_context(opened(stage, target))
                except BenchError as error:
                    result.failed[target] = str(error)
            yield lambda target: shared(stage, lives[target])


def heading(sitting: Sitting, on: dict[str, object]) -> str:
    """Where and how long: the line above the tables."""
    length = f"{sitting.rounds} rounds, phases of {sitting.options.seconds:g} s"
    kind = "one short round, not to be quoted" if sitting.quick else length
    line = f"{on['processor']}, {on['cores']} cores, load {on['load_average']}, Python {on['python']}: {kind}"
    busy = os.getloadavg()[0] > BUSY_SHARE * (os.cpu_count() or 1)
    return line + ("\nthe machine is busy with other work: expect wide ranges, trust no single figure" if busy else "")


def document(sitting: Sitting, results: list[Result], before: dict[str, object]) -> dict[str, object]:
    """Everything of a sitting, to keep."""
    return {
        "date": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "machine": before,
        "load_average_after": machine.describe()["load_average"],
        "rounds": sitting.rounds,
        "seconds": sitting.options.seconds,
        "era": sitting.options.era,
        "servers_era": sitting.options.servers_era,
        "rows": [report.as_json(result) for result in results],
    }


def keep(folder: Path, kept: dict[str, object], results: list[Result]) -> list[Path]:
    """Write the JSON under its date and the plot beside it; returns both."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = str(kept["date"])[:19].replace(":", "")
    files = [folder / f"{stem}.json", folder / f"{stem}.svg"]
    files[0].write_text(json.dumps(kept, indent=1) + "\n")
    files[1].write_text(plot.svg(results))
    return files


def main(arguments: list[str]) -> int:
    """Exit status: 0, or 1 when a target failed or answered wrongly."""
    sitting = parse(arguments)
    if not (PROC / "self" / "stat").exists():
        sys.stderr.write("the benchmark reads CPU time from /proc: run it on Linux\n")
        return 1
    before = machine.describe()
    results: list[Result] = []
    tell = Progress()
    if not sitting.json:
        print(heading(sitting, before), end="\n\n")
    for row in sitting.rows:
        if set(map(stands_for, row.targets)).isdisjoint(sitting.targets):
            continue
        results.append(measure_row(row, sitting, tell))
        tell("")
        if not sitting.json:
            print(report.table(results[-1]), end="\n\n", flush=True)
    kept = document(sitting, results, before)
    files = keep(sitting.folder, kept, results)
    if sitting.json:
        print(json.dumps(kept, indent=1))
    else:
        print("kept: " + ", ".join(str(each) for each in files))
    return 1 if any(result.failed for result in results) else 0
