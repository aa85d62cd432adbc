"""Clients of models that others have made, each in an environment of its own below `.tools/`, made when needed."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

from tests.clients.tools import INSTALL_SECONDS, TOOLS

CLAUDE_CODE = "@anthropic-ai/claude-code@2.1.328"
CREWAI = "crewai==1.15.30"
ADK = "google-adk==2.13.0"


def claude_code() -> Path:
    """The command `claude`."""
    home = TOOLS / "claude-code"
    if not (home / "ready").exists():
        npm = shutil.which("npm")
        assert npm is not None, "npm is not on PATH: install it, or leave the tests marked clients out"
        home.mkdir(parents=True, exist_ok=True)
        # Its install script only moves the program; it is started where the package of this platform has it.
        options = ("--no-audit", "--no-fund", "--no-save", "--ignore-scripts")
        _run([npm, "install", "--prefix", str(home), *options, CLAUDE_CODE])
        (home / "ready").touch()
    (command,) = (home / "node_modules" / "@anthropic-ai").glob("claude-code-*/claude")
    return command


def python_with(package: str) -> str:
    """The interpreter of an environment that has this package."""
    name = package.partition("=")[0]
    home = TOOLS / f"{name}-py{sys.version_info.major}{sys.version_info.minor}"
    python = str(home / "bin" / "python")
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        _run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", package])
        (home / "ready").touch()
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    assert done.returncode == 0, f"{command} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
