"""Lets the suite play its servers, one scenario after the other, and reads how the client under test did.

The suite starts `client_leg.py` for each scenario, but for those that are about parts of a client
that the gateway does not have: `not_played.yaml` names each with its reason. What the suite has
and is not named there is played, so that nothing is left out by accident.
"""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.conformance.processes import RunnerError, started
from tests.conformance.runs import HERE, Run
from tests.conformance.suite import Scenario, Suite, told

DRIVER = HERE / "client_leg.py"
NOT_PLAYED = HERE / "not_played.yaml"
EXTENSION = "extension"
"""In place of a scenario's revisions: it belongs to none of them."""
CLIENT_SECONDS = 60.0
"""For the client under test, the start of its gateway included."""
SCENARIO_SECONDS = 90.0
AT_ONCE = 2
"""Scenarios at a time: each has a gateway, and some have deadlines."""
LISTED = re.compile(r"^ +- (?P<name>\S+) \[(?P<revisions>[^\]]*)\]$", re.MULTILINE)


def play_all(run: Run, suite: Suite, out: Path) -> list[Scenario]:
    """Every scenario of the run's revision, in the suite's order. Raises `RunnerError`."""
    required = _required(suite, run.front)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = [
            pool.submit(_play, run, suite, out / name, name, name in required) for name in applicable(suite, run.front)
        ]
        return [each.result() for each in waiting]


def applicable(suite: Suite, revision: str) -> list[str]:
    """The client scenarios of a revision, and those of extensions. Raises `RunnerError`."""
    command = [str(suite.node), str(suite.script), "list", "--client"]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=SCENARIO_SECONDS, check=False)
    return chosen(dict(listed(answer.stdout)), revision, not_played(NOT_PLAYED))


def chosen(known: Mapping[str, Sequence[str]], revision: str, left_out: Mapping[str, str]) -> list[str]:
    """`known`: every scenario of the suite, with its revisions. Raises `RunnerError` for a reason without scenario."""
    if stale := left_out.keys() - known.keys():
        raise RunnerError(f"the suite has no {', '.join(sorted(stale))}: take it out of {NOT_PLAYED.name}")
    fits = (revision, EXTENSION)
    return [name for name, has in known.items() if name not in left_out and any(each in has for each in fits)]


def not_played(path: Path) -> dict[str, str]:
    """Scenario and reason."""
    entries = YAML(typ="safe").load(path.read_text())
    return {str(name): str(entry["why"]) for entry in entries for name in entry["scenarios"]}


def listed(text: str) -> Iterator[tuple[str, list[str]]]:
    """Scenario and revisions, out of what the suite prints."""
    for match in LISTED.finditer(text):
        yield match["name"], match["revisions"].split(",")


def _required(suite: Suite, revision: str) -> frozenset[str]:
    text = (suite.package / "requirements" / f"{revision}.yaml").read_text()
    return frozenset(YAML(typ="safe").load(text)["client"])


def _play(run: Run, suite: Suite, out: Path, name: str, required: bool) -> Scenario:
    out.mkdir(parents=True, exist_ok=True)
    driver = shlex.join([sys.executable, str(DRIVER), "--front", run.client])
    options = ["--scenario", name, "--spec-version", run.front, "--timeout", f"{CLIENT_SECONDS * 1000:.0f}"]
    options += ["--force"]  # an extension is in no revision
    command = [str(suite.node), str(suite.script), "client", "--command", driver, *options, "-o", str(out / "results")]
    with started(command, out / "suite.log") as suite_process:
        try:
            code = suite_process.process.wait(SCENARIO_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise RunnerError(f"{name} did not end within {SCENARIO_SECONDS:g} s") from error
        return judged(name, required, list(_checks(out / "results")), "" if code == 0 else suite_process.tail())


def _checks(results: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(results.rglob("checks.json")):
        yield from json.loads(path.read_text())


def judged(name: str, required: bool, checks: list[dict[str, Any]], last_words: str) -> Scenario:
    """How it went. `last_words`: what the suite said last, if it was not content.

    It is not content with a client that fails or hangs, either, whatever its checks say.
    """
    failures = [told(check) for check in checks if check["status"] == "FAILURE"]
    warnings = [told(check) for check in checks if check["status"] == "WARNING"]
    passed = sum(check["status"] == "SUCCESS" for check in checks)
    if last_words and not failures and not warnings:
        failures = [f"the client did not end well:\n{last_words}"]
    return Scenario(name, required, passed, len(failures), failures, warnings)
