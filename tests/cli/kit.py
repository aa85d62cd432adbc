"""Running the command line as a process: what several of its tests need."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
KEY = "alice-has-this-key"
OTHER = "bob-has-another-key"
"""Of one who may not administer."""

SUMS = f"sums: {{command: {json.dumps(sys.executable)}, args: [-S, -E, {json.dumps(str(HERE / 'mcp_server.py'))}]}}"
"""A server that works, as a line of a manifest."""


def sums_saying(about: str, pin: str = "warn") -> str:
    """The same server, with another description of its first tool."""
    return f"{SUMS[:-1]}, pin: {pin}, env: {{ABOUT_ADD: {json.dumps(about)}}}}}"


Run = Callable[..., subprocess.CompletedProcess[str]]


def environment() -> dict[str, str]:
    """Ours, with the package importable from anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


class Running(NamedTuple):
    """A gateway in a process. `announced` is its `--json` announcement."""

    process: subprocess.Popen[str]
    announced: dict[str, Any]

    @property
    def url(self) -> str:
        return str(self.announced["url"])


def start(*arguments: str, cwd: Path) -> Running:
    """Start `fedgate ARGUMENTS --json` and wait for its announcement. The caller ends it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fedgate", *arguments, "--json", "--log-level", "error"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        said = json.loads(line) if line.startswith("{") else {}
        if "mcp" in said:
            return Running(process, said)
    with process:
        raise AssertionError(f"it ended with {process.wait(10)} before it announced itself")


def end(process: subprocess.Popen[str]) -> int:
    """Ask it to end, and say how it ended."""
    process.terminate()
    with process:
        return process.wait(30)


def children(pid: int) -> list[int]:
    """The processes that it started and that still run."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True, timeout=10)
    pairs = [line.split() for line in listed.stdout.splitlines()]
    return [int(child) for child, parent in pairs if int(parent) == pid]


def gone(pid: int) -> bool:
    """Whether the process has ended; a zombie that waits for its parent has."""
    listed = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, timeout=10, check=False
    )
    return not listed.stdout.strip() or listed.stdout.startswith("Z")


def on_terminal(*arguments: str, columns: int = 80) -> str:
    """What one command line writes to a terminal, line ends as programs write them."""
    master, slave = os.openpty()
    command = [sys.executable, "-m", "fedgate", *arguments]
    colours = {"TERM": "xterm", "COLUMNS": str(columns)}
    process = subprocess.Popen(
        command, env={**environment(), **colours}, stdin=subprocess.DEVNULL, stdout=slave, stderr=slave
    )
    os.close(slave)
    said = bytearray()
    try:
        while chunk := _some(master):
            said += chunk
    finally:
        os.close(master)
        process.wait(30)
    return said.decode().replace("\r\n", "\n")


def _some(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # how Linux says that the other end is closed
        return b""
