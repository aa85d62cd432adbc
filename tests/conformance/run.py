"""Runs the official conformance suite against the gateway with a conforming server behind it, against the
gateway's upstream side as the client under test, and against its way to an issuer.

    python tests/conformance/run.py [--client | --direct | --peer PYTHON] [--revision R] [--only A,B]
                                    [--all] [--json | --markdown] [--out DIR]

Each run of the table in `runs.py`: start the upstream, start the gateway on a manifest that
names it, wait until it is ready, let the suite speak to it, end everything. In the client
leg the suite brings the upstream, one for each scenario (`client_leg_run.py`); where it logs in,
an issuer is behind the gateway (`authorization_leg.py`); with `--peer` a FastMCP proxy stands in
the gateway's place, for comparison (`peer.py`). Exit code 0 when
only the failures in `expected.yaml` occur, 1 otherwise, 2 when the suite cannot be had.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.conformance import authorization_leg, client_leg_run, runs
from tests.conformance.gateway import ROOT, START_SECONDS, running_gateway
from tests.conformance.peer import running_proxy
from tests.conformance.processes import RunnerError, announced_url, started
from tests.conformance.report import Outcome, complaints, expected_for, load_expected, markdown, table
from tests.conformance.runs import Run
from tests.conformance.suite import Scenario, Suite, find_suite, read_results

SUITE_SECONDS = 600.0
Say = Callable[[str], None]


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwind, so that nothing started stays behind
    chosen = _chosen(options)
    if not chosen:
        sys.stderr.write(f"No run matches; there are {', '.join(run.name for run in _table(options))}.\n")
        return 2
    try:
        suite = find_suite(options.tools)
    except RunnerError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    say: Say = (lambda text: None) if options.json else _say
    with _output(options.out) as out:
        outcomes = [_carry_out(run, suite, options, out / run.name, say) for run in chosen]
    if options.json:
        _say(json.dumps([outcome.as_json() for outcome in outcomes], indent=2))
    else:
        _say("\n" + (markdown if options.markdown else table)(outcomes))
        _say(complaints(outcomes) or "No surprises.")
    return 1 if any(outcome.surprises for outcome in outcomes) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Run the official MCP conformance suite against the gateway.")
    parser.add_argument("--revision", help="only runs whose front speaks this revision, as 2026-07-28")
    parser.add_argument("--only", help="only these runs, as A,B,E1")
    leg = parser.add_mutually_exclusive_group()
    leg.add_argument("--direct", action="store_true", help="against the upstream itself, without the gateway")
    leg.add_argument("--client", action="store_true", help="only the runs with the gateway as the client under test")
    leg.add_argument("--peer", metavar="PYTHON", help="a FastMCP proxy instead: the interpreter that has fastmcp")
    selection = parser.add_mutually_exclusive_group()
    selection.add_argument(
        "--required", action="store_true", default=True, help="the scenarios the revision's requirements name (default)"
    )
    selection.add_argument(
        "--all", dest="required", action="store_false", help="every scenario that applies to the revision"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the results as JSON")
    form.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--out", type=Path, help="keep logs and results in this directory")
    parser.add_argument("--tools", type=Path, default=ROOT / ".tools", help="where the suite is or will be installed")
    parser.add_argument("--expected", type=Path, default=runs.HERE / "expected.yaml", help="the expected failures")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _table(options: argparse.Namespace) -> tuple[Run, ...]:
    if options.direct:
        return runs.DIRECT
    if options.peer:
        return runs.PEER
    return runs.CLIENT_LEG if options.client else (*runs.THROUGH_GATEWAY, *runs.CLIENT_LEG, *runs.AUTHORIZATION)


def _chosen(options: argparse.Namespace) -> list[Run]:
    names = set(options.only.split(",")) if options.only else None
    return [
        run for run in _table(options) if (names is None or run.name in names) and options.revision in (None, run.front)
    ]


@contextmanager
def _output(wanted: Path | None) -> Iterator[Path]:
    with nullcontext(str(wanted)) if wanted else tempfile.TemporaryDirectory(prefix="conformance-") as name:
        yield Path(name)


def _carry_out(run: Run, suite: Suite, options: argparse.Namespace, out: Path, say: Say) -> Outcome:
    out.mkdir(parents=True, exist_ok=True)
    expected = expected_for(load_expected(options.expected), run)
    say(f"{run.name}: {run.what}")
    begin = time.monotonic()
    try:
        scenarios = _scenarios(run, suite, options, out)
    except RunnerError as error:
        return Outcome(run, [], time.monotonic() - begin, expected, str(error))
    return Outcome(run, scenarios, time.monotonic() - begin, expected)


def _scenarios(run: Run, suite: Suite, options: argparse.Namespace, out: Path) -> list[Scenario]:
    if run.client:
        return client_leg_run.play_all(run, suite, out)
    if run.issuer:
        return authorization_leg.play_all(run, suite, out)
    with ExitStack() as stack:
        return _speak(run, suite, _stand_up(run, options.peer, out, stack), options.required, out)


def _stand_up(run: Run, peer: str | None, out: Path, stack: ExitStack) -> str:
    """Start what the run needs and return the URL to test."""
    url = ""
    if run.transport != "stdio":
        command = runs.server_command(runs.EVERYTHING, run.transport, run.era)
        url = announced_url(stack.enter_context(started(command, out / "upstream.log")), START_SECONDS)
    if run.direct:
        return url
    servers = {"everything": runs.server_entry(run, url)}
    if run.second:
        second = started(runs.server_command(runs.SECOND, "http"), out / "second.log")
        servers["second"] = {"url": announced_url(stack.enter_context(second), START_SECONDS)}
    if peer is not None:
        urls = [str(server["url"]) for server in servers.values()]
        return stack.enter_context(running_proxy(peer, run.peer, urls, out))
    return stack.enter_context(running_gateway(servers, out)) + run.path


def _speak(run: Run, suite: Suite, url: str, required: bool, out: Path) -> list[Scenario]:
    command = suite.command(url, run.front, required, out / "results")
    with started(command, out / "suite.log") as speaking:
        try:
            speaking.process.wait(SUITE_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RunnerError(f"the suite did not end within {SUITE_SECONDS:g} s") from error
    return read_results(speaking.output(), out / "results", suite.required(run.front))


if __name__ == "__main__":
    sys.exit(main())
