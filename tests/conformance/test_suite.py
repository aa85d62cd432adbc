"""Finding the suite and reading what it left."""

import json
from pathlib import Path

import pytest

from tests.conformance.processes import RunnerError
from tests.conformance.suite import Suite, find_suite, read_results

SUMMARY = """=== SUMMARY ===
✓ ping: 2 passed, 0 failed
✗ sep-2164-resource-not-found: 1 passed, 1 failed

Total: 3 passed, 1 failed
  ✗ not-scored (extension)
"""


def test_results_join_the_summary_with_the_messages_of_the_checks(tmp_path: Path) -> None:
    folder = tmp_path / "server-sep-2164-resource-not-found-2026-11-20T16-09-24-806Z"
    folder.mkdir()
    checks = [
        {"id": "code", "status": "FAILURE", "errorMessage": "wrong code"},
        {"id": "data", "status": "WARNING", "description": "no uri"},
        {"id": "result", "status": "SUCCESS", "description": "no contents"},
    ]
    (folder / "checks.json").write_text(json.dumps(checks))
    ping, missing = read_results(SUMMARY, tmp_path, frozenset({"ping"}))
    assert (ping.name, ping.required, ping.passed, ping.failed, ping.problems) == ("ping", True, 2, 0, [])
    assert (missing.required, missing.problems, missing.warnings) == (False, ["code: wrong code"], ["data: no uri"])


def test_without_npm_the_runner_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RunnerError, match=r"npm is not on PATH\. Install npm, or install node@22 and @modelcontext"):
        find_suite(tmp_path / "tools")


def test_the_command_selects_requirements_or_everything() -> None:
    suite = Suite(Path("node"), Path("package"))
    required = suite.command("http://x", "2025-11-25", required=True, out=Path("out"))
    everything = suite.command("http://x", "2025-11-25", required=False, out=Path("out"))
    assert required[-4:-2] == ["--requirements", "2025-11-25"]
    assert everything[-6:-2] == ["--suite", "all", "--spec-version", "2025-11-25"]
