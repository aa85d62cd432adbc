"""Clients of a2a-sdk as processes, and the environment of those that speak 0.3, made when first needed."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

from tests.clients.tools import INSTALL_SECONDS, TOOLS
from tests.e2e.gateway import environment

HERE = Path(__file__).parent
SDK_03 = "a2a-sdk[http-server]==0.3.26"
SECONDS = 90


def sdk_03() -> str:
    """The interpreter of an environment with the last SDK of 0.3."""
    home = TOOLS / f"a2a-sdk-03-py{sys.version_info.major}{sys.version_info.minor}"
    python = str(home / "bin" / "python")
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SDK_03]
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        assert done.returncode == 0, done.stderr
        (home / "ready").touch()
    return python


def seen_by(python: str, script: str, *words: str) -> dict[str, Any]:
    """Run one of the client scripts of this folder and return what it prints."""
    command = [python, str(HERE / script), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False, env=environment())
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert isinstance(seen, dict)
    return seen
