"""The suite logs in at the gateway, which stands before an issuer that needs help, as it does before Entra and Auth0.

The issuer is the one of the clients' tests: nobody can register there, and there is one client that
was made by hand. The suite prints the address that a person is to open; a browser that agrees to
everything opens it. Above it: `run.py`.
"""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.clients.oauth_issuer import BY_HAND
from tests.clients.oauth_login import agree
from tests.conformance.gateway import ROOT, START_SECONDS, free_port, running_gateway
from tests.conformance.processes import RunnerError, Started, announced_url, started, wait_until
from tests.conformance.runs import Run
from tests.conformance.suite import Scenario, Suite, read_results

SUITE_SECONDS = 60.0
PREFIX = "authorization-server-"
"""What the suite calls its results here."""
ADDRESS = re.compile(r"^(?P<url>http://\S+/authorize\?\S+)$", re.MULTILINE)

WAITS = "Callback server started"


def play_all(run: Run, suite: Suite, out: Path) -> list[Scenario]:
    """Both scenarios of an authorization server. No revision requires them. Raises `RunnerError`."""
    issuing = [sys.executable, "-m", "tests.clients.oauth_issuer", "--closed"]
    with started(issuing, out / "issuer.log", {"PYTHONPATH": str(ROOT)}) as process:
        issuer = announced_url(process, START_SECONDS)

        def believing(url: str) -> Mapping[str, Any]:
            return {"access": {"jwt": [{"issuer": issuer, "audiences": [f"{url}/mcp"], "client_id": BY_HAND}]}}

        with running_gateway({}, out, believing) as url:
            return _log_in(suite, url, run.front, out)


def _log_in(suite: Suite, url: str, revision: str, out: Path) -> list[Scenario]:
    client = ["--client-id", BY_HAND, "--resource", f"{url}/mcp", "--port", str(free_port())]
    options = [*client, "--spec-version", revision, "-o", str(out / "results")]
    with started(
        [str(suite.node), str(suite.script), "authorization", "--url", url, *options], out / "suite.log"
    ) as it:
        wait_until("the suite does not say where to log in", it, SUITE_SECONDS, lambda: bool(address(it.output())))
        if agree(address(it.output())) != 0:
            raise RunnerError(f"the login does not lead back to the suite\n{it.tail()}")
        _wait(it)
        return read_results(it.output(), out / "results", frozenset(), PREFIX)


def address(said: str) -> str:
    """Where a person is to log in; empty until the suite has said it and waits for who comes back."""
    found = ADDRESS.search(said)
    return found["url"] if found and WAITS in said else ""


def _wait(suite: Started) -> None:
    try:
        suite.process.wait(SUITE_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise RunnerError(f"the suite did not end within {SUITE_SECONDS:g} s") from error
