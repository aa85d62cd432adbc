"""The demo's gateway: what it serves, and the lines to paste."""

import json
import shlex
import sys

import pytest

from fedgate.cli.demo_gateway import curl, manifest, program

MADE = manifest(8080, "http://127.0.0.1:5/mcp", {"s1": "http://127.0.0.1:6", "s2": "http://127.0.0.1:7"})


def test_its_manifest_has_two_stdio_servers_and_one_over_http() -> None:
    servers = MADE.mcp.servers
    kinds = {name: type(server).__name__ for name, server in servers.items()}
    assert kinds == {"time": "StdioServer", "knowledge": "StdioServer", "notes": "HttpServer"}
    assert servers["notes"].endpoint == "127.0.0.1:5"


def test_its_manifest_has_one_agent_with_two_replicas() -> None:
    assert {name: [*agent.named] for name, agent in MADE.agents.items()} == {"support": ["s1", "s2"]}


def test_a_turn_is_a_line_that_a_shell_takes() -> None:
    words = shlex.split(curl("http://127.0.0.1:8080", "what is tea?"))
    assert words[:3] == ["curl", "-s", "http://127.0.0.1:8080/a2a/support/message:send"]
    message = json.loads(words[-1])["message"]
    assert (message["parts"], message["messageId"]) == ([{"text": "what is tea?"}], "what-is-tea?")


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
