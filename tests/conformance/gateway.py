"""The gateway as a process, on a manifest of the servers that a run or a scenario names.

Knows processes and manifests; nothing of the suite. Above it: `run.py`, `client_leg.py`, `authorization_leg.py`,
and the tests of clients that log in (`tests/clients/test_claude_code_oauth.py`).
"""

import socket
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conformance import runs
from tests.conformance.processes import is_ready, started, wait_until

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
START_SECONDS = 30.0
LOG = "gateway.log"
"""Access lines and everything else that it says."""

Sections = Callable[[str], Mapping[str, Any]]
"""More sections of the manifest, for the gateway's URL."""


def _none(_url: str) -> Mapping[str, Any]:
    return {}


@contextmanager
def running_gateway(
    servers: Mapping[str, Mapping[str, Any]], folder: Path, sections: Sections = _none
) -> Iterator[str]:
    """Start it, wait until it is ready, give its URL (without a path), end it. Raises `RunnerError`.

    Manifest and log go into `folder`.
    """
    port = free_port()
    url = f"http://{HOST}:{port}"
    manifest = folder / "manifest.json"
    manifest.write_text(runs.manifest(f"{HOST}:{port}", servers, sections(url)))
    command = [sys.executable, "-m", "fedgate", "serve", str(manifest)]
    with started(command, folder / LOG, {"PYTHONPATH": str(ROOT)}) as gateway:
        wait_until("the gateway is not ready", gateway, START_SECONDS, lambda: is_ready(HOST, port))
        yield url


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
