"""Processes of the runner end with all they started."""

import os
import select
import sys
from pathlib import Path

import pytest

from tests.conformance.processes import RunnerError, announced_url, started, wait_until

SPAWN_AND_WAIT = "sleep 300 & echo $!; wait"


def test_a_process_ends_together_with_its_children(tmp_path: Path) -> None:
    with started(["sh", "-c", SPAWN_AND_WAIT], tmp_path / "log") as shell:
        wait_until("no child", shell, 10, lambda: shell.output().strip().isdigit())
        child = os.pidfd_open(int(shell.output()))
    with os.fdopen(child):
        assert select.select([child], [], [], 10)[0], "it still runs"


def test_a_process_that_dies_is_told_with_its_last_words(tmp_path: Path) -> None:
    with (
        started(["sh", "-c", "echo out of cheese; exit 3"], tmp_path / "log") as shell,
        pytest.raises(RunnerError, match=r"it is not up: the process ended with code 3\nout of cheese"),
    ):
        wait_until("it is not up", shell, 10, lambda: False)


def test_a_wait_is_bounded(tmp_path: Path) -> None:
    with started(["sleep", "300"], tmp_path / "log") as idle, pytest.raises(RunnerError, match=r"not within 0\.1 s"):
        wait_until("it is not up", idle, 0.1, lambda: False)


def test_the_url_is_the_line_that_the_server_writes(tmp_path: Path) -> None:
    script = "print('hello'); print('http://127.0.0.1:1/mcp', flush=True); import time; time.sleep(300)"
    with started([sys.executable, "-c", script], tmp_path / "log") as server:
        assert announced_url(server, 10) == "http://127.0.0.1:1/mcp"
