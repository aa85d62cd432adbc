"""What the command line's tests share: a manifest with a real server, and a gateway that runs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.kit import KEY, OTHER, SUMS, Run, Running, end, environment, start


@pytest.fixture
def fedgate(tmp_path: Path) -> Run:
    """Run one command line as a process of its own, in an empty folder."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "fedgate", *arguments]
        return subprocess.run(
            command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60, check=False
        )

    return run


@pytest.fixture
def sums(tmp_path: Path) -> str:
    """A manifest with one server that works."""
    path = tmp_path / "sums.yaml"
    path.write_text(f"mcp:\n  servers:\n    {SUMS}\n")
    return str(path)


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """A manifest with a server that works, and one whose program does not exist."""
    path = tmp_path / "mixed.yaml"
    path.write_text(f"mcp:\n  servers:\n    {SUMS}\n    gone: {{command: there-is-no-such-program}}\n")
    return str(path)


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A gateway with a key, over a server that works and one that does not."""
    folder = tmp_path_factory.mktemp("gateway")
    (folder / "fedgate.yaml").write_text(
        f"gateway: {{listen: '127.0.0.1:0'}}\n"
        f"access: {{keys: [{{id: alice, key: {KEY}}}, {{id: bob, key: {OTHER}}}], admins: [alice]}}\n"
        f"mcp:\n  servers:\n    {SUMS}\n    gone: {{command: there-is-no-such-program}}\n"
    )
    running = start("serve", cwd=folder)
    try:
        yield running
    finally:
        end(running.process)
