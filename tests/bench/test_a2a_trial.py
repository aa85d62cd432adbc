"""The experiment, small: round robin forgets, and fedgate does not."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.a2a_trial import table
from tests.e2e.gateway import environment

SCRIPT = Path(__file__).parents[2] / "bench" / "a2a_experiment.py"
ROW = {
    "target": "round robin",
    "replicas": 3,
    "conversations": 2,
    "turns": 20,
    "wrong": 9,
    "errors": 1,
    "moved": 2,
    "seconds": 0.5,
    "examples": ["conversation 0 forgot"],
}


def measured(*words: str) -> tuple[int, list[dict[str, Any]]]:
    command = [sys.executable, str(SCRIPT), "--json", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment())
    return done.returncode, json.loads(done.stdout)


@pytest.mark.slow
def test_round_robin_forgets_and_fedgate_does_not() -> None:
    code, (round_robin, fedgate) = measured("--conversations", "32", "--turns", "6", "--replicas", "2")
    assert round_robin["wrong"] > 0
    assert (fedgate["target"], fedgate["turns"]) == ("fedgate", 32 * 6)
    assert (fedgate["wrong"], fedgate["errors"], fedgate["moved"]) == (0, 0, 0), fedgate["examples"]
    assert code == 0


def test_thetable_names_units_and_gives_examples() -> None:
    head, row, *rest = table([ROW]).splitlines()
    assert head.split("  ")[-1].strip() == "time (s)"
    assert "wrong memories (turns)" in head
    assert row.split()[-7:] == ["3", "2", "20", "9", "1", "2", "0.5"]
    assert rest == ["", "for example:", "  round robin: conversation 0 forgot"]
