"""`python tests/a2a_conformance/run.py URL`: our conformance checks of A2A against an agent or a gateway.

The agent behind the URL must behave as `sut_agent.py`. Exit code 1 if a check fails.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # started as a script: make the `tests` namespace importable
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bench.a2a_speech import SPEECHES, name
from tests.a2a_conformance.runner import Results, as_json, better, counted, run


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Check an A2A agent in both versions and both HTTP bindings.")
    parser.add_argument("url", help="where the agent is reached, as http://127.0.0.1:9101")
    parser.add_argument("--speech", choices=[name(each) for each in SPEECHES], action="append", help="only these")
    parser.add_argument("--only", action="append", default=[], help="only checks whose id begins so, as SEND or GET-02")
    parser.add_argument("--json", action="store_true", help="print every outcome as JSON")
    options = parser.parse_args(argv)
    speeches = [each for each in SPEECHES if not options.speech or name(each) in options.speech]
    results = asyncio.run(run(options.url, speeches, options.only))
    sys.stdout.write((json.dumps(as_json(results), indent=2) if options.json else text(results)) + "\n")
    return 1 if any(outcome.verdict == "fail" for outcome in results.values()) else 0


def text(results: Results) -> str:
    """The failures, and the figures."""
    stricter = better()
    lines = [
        f"{outcome.verdict}  {each}{' (more than the SDK does)' if each in stricter else ''}: {outcome.detail}"
        for each, outcome in results.items()
        if outcome.verdict != "pass"
    ]
    figures = ", ".join(f"{count} {verdict}" for verdict, count in counted(results).items())
    return "\n".join([*lines, f"{len(results)} checks: {figures}"])


if __name__ == "__main__":
    sys.exit(main())
