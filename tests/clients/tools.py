"""Clients of others, each in an environment of its own below `.tools/`, made when first needed and then kept."""

import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

TOOLS = Path(__file__).parents[2] / ".tools"
SDK_V1 = "mcp>=1.29,<2"
INSPECTOR = ("node@22", "@modelcontextprotocol/inspector@2.12.0")
INSTALL_SECONDS = 600


def sdk_v1() -> Path:
    """The interpreter of an environment with the SDK 1.x, which is what kagent's runtimes speak with."""
    home = TOOLS / f"sdk-v1-py{sys.version_info.major}{sys.version_info.minor}"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SDK_V1])
        (home / "ready").touch()
    return python


def inspector() -> list[str]:
    """The command of the MCP Inspector, with a Node that is new enough."""
    home = TOOLS / "inspector"
    modules = home / "node_modules"
    if not (home / "ready").exists():
        npm = shutil.which("npm")
        assert npm is not None, "npm is not on PATH: install it, or leave the tests marked clients out"
        home.mkdir(parents=True, exist_ok=True)
        _run([npm, "install", "--prefix", str(home), "--no-audit", "--no-fund", "--no-save", *INSPECTOR])
        (home / "ready").touch()
    return [str(modules / ".bin" / "node"), str(modules / ".bin" / "mcp-inspector")]


def _run(command: list[str]) -> None:
    answer = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False, env={**os.environ, "CI": "1"}
    )
    assert answer.returncode == 0, f"{command} failed:\n{answer.stdout[-2000:]}\n{answer.stderr[-2000:]}"
