"""`fedgate demo`: sample servers of our own behind one gateway, without network, key or file."""

import socket
import sys
from pathlib import Path

import pytest

from fedgate.cli.demo import EXAMPLE, manifest, program
from tests.cli.kit import Run, children, end, gone, start


def test_its_manifest_has_two_stdio_servers_and_one_over_http() -> None:
    servers = manifest(8080, "http://127.0.0.1:5/mcp").mcp.servers
    kinds = {name: type(server).__name__ for name, server in servers.items()}
    assert kinds == {"time": "StdioServer", "knowledge": "StdioServer", "notes": "HttpServer"}
    assert servers["notes"].endpoint == "127.0.0.1:5"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [("somewhere/bin/fedgate", "somewhere/bin/fedgate"), ("my tools/fedgate", "'my tools/fedgate'")],
)
def test_the_line_to_paste_runs_the_program_that_was_run(
    typed: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [typed, "demo"])
    assert program() == expected


def test_the_line_to_paste_names_the_module_where_it_was_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["somewhere/fedgate/__main__.py", "demo"])
    assert program().endswith(" -m fedgate")


@pytest.mark.slow
def test_it_runs_three_servers_and_a_tool_can_be_called(tmp_path: Path, fedgate: Run) -> None:
    running = start("demo", "--port", "0", cwd=tmp_path)
    try:
        states = {server["name"]: server["state"] for server in running.announced["servers"]}
        assert states == {"time": "ready", "knowledge": "ready", "notes": "ready"}
        tool, *pairs = EXAMPLE
        words = [word for pair in pairs for word in ("--arg", pair)]
        done = fedgate("call", tool, *words, "--url", running.url)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Asia/Tokyo" in done.stdout
        started = children(running.process.pid)
        assert len(started) == 3
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
