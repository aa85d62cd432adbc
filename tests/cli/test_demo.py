"""`fedgate demo`: sample servers and an agent of our own behind one gateway, without network, key or file."""

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from fedgate.cli.demo_gateway import EXAMPLE, SAID, curl
from tests.cli.kit import Run, children, end, environment, gone, start
from tests.e2e.gateway import until

HEAVY = ("pydantic", "uvicorn", "starlette", "prometheus_client", "msgspec", "httpx2")


def test_nothing_heavy_is_imported_before_the_samples_are_started() -> None:
    program = "import sys, json, fedgate.cli.demo; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=30, check=True
    )
    assert not [name for name in HEAVY if name in json.loads(done.stdout)]


def everything_is_ready(url: str) -> bool:
    """On a busy machine the announcement comes before the last server."""
    shown = httpx2.get(f"{url}/readyz").json()
    return {each["state"] for part in ("servers", "agents") for each in shown[part].values()} == {"ready"}


def said(command: str) -> str:
    """What the agent answers to a line that was pasted."""
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=True)
    answer: str = json.loads(done.stdout)["task"]["artifacts"][0]["parts"][0]["text"]
    return answer


@pytest.mark.slow
def test_it_runs_three_servers_and_two_replicas_that_can_be_spoken_to(tmp_path: Path, fedgate: Run) -> None:
    running = start("demo", "--port", "0", cwd=tmp_path)
    try:
        assert [server["name"] for server in running.announced["servers"]] == ["time", "knowledge", "notes"]
        asyncio.run(until(lambda: everything_is_ready(running.url)))
        tool, *pairs = EXAMPLE
        words = [word for pair in pairs for word in ("--arg", pair)]
        done = fedgate("call", tool, *words, "--url", running.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Asia/Tokyo" in done.stdout
        assert [each["name"] for each in running.announced["agents"][0]["instances"]] == ["s1", "s2"]
        answers = [said(curl(running.url, text)) for text in SAID]
        assert answers[1].startswith("tea is green. (turn 2, s")
        listed = json.loads(fedgate("sessions", "--url", running.url, "--kind", "context", "--json").stdout)
        assert [(row["target"], row["turns"]) for row in listed["sessions"]] == [("support", 2)]
        started = children(running.process.pid)
        assert len(started) == 5
    finally:
        assert end(running.process) == 0
    assert all(map(gone, started))


@pytest.mark.slow
def test_a_port_that_was_asked_for_and_is_taken_is_an_error(fedgate: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = fedgate("demo", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"fedgate: cannot listen on 127.0.0.1:{port}: Address already in use")
