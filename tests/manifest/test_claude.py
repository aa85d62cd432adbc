from collections.abc import Callable
from pathlib import Path

import pytest

from fedgate.federation.settings import HttpServer, StdioServer
from fedgate.manifest.claude import native
from fedgate.manifest.explain import ROOT_KEYS
from fedgate.manifest.model import Manifest
from fedgate.manifest.parse_json import parse_json
from fedgate.manifest.tree import Source

Load = Callable[..., Manifest]
Problems = Callable[..., list[str]]

CLAUDE = """{
  "mcpServers": {
    "memory": {"command": "npx", "args": ["-y", "server-memory"], "env": {"DIR": "${DIR:-/data}"}},
    "files": {"type": "stdio", "command": "npx", "disabled": true, "autoApprove": ["read"], "alwaysAllow": []},
    "web": {"type": "http", "url": "https://example.com/mcp", "headers": {"Authorization": "Bearer ${TOKEN}"},
            "oauth": {"clientId": "x"}, "timeout": 600000, "alwaysLoad": true},
    "old": {"type": "sse", "url": "http://127.0.0.1:9002/sse", "trust": false, "auth": {}}
  },
  "globalShortcut": "", "preferences": {"a": 1}, "$schema": "x"
}"""


def test_a_claude_file_is_a_manifest_as_it_is(loaded: Load) -> None:
    servers = loaded({"claude_desktop_config.json": CLAUDE}, TOKEN="t").mcp.servers
    assert servers == {
        "memory": StdioServer(command="npx", args=("-y", "server-memory"), env={"DIR": "/data"}),
        "files": StdioServer(command="npx", disabled=True),
        "web": HttpServer(
            url="https://example.com/mcp", headers={"Authorization": "Bearer t"}, transport="http", timeout=600.0
        ),
        "old": HttpServer(url="http://127.0.0.1:9002/sse", transport="sse"),
    }


def test_a_claude_file_joins_a_manifest(loaded: Load) -> None:
    manifest = loaded({"a.yaml": "mcp: {naming: never, servers: {own: {command: x}}}", "mcp.json": CLAUDE}, TOKEN="t")
    assert manifest.mcp.naming == "never"
    assert list(manifest.mcp.servers) == ["own", "memory", "files", "web", "old"]


def test_both_spellings_may_stand_in_one_file(loaded: Load) -> None:
    manifest = loaded("mcp: {servers: {a: {command: x}}}\nmcpServers: {b: {command: y}}\n")
    assert list(manifest.mcp.servers) == ["a", "b"]


def test_a_server_in_both_spellings_is_given_twice(problems: Problems) -> None:
    assert problems("mcp: {servers: {a: {command: x}}}\nmcpServers: {a: {command: y}}\n") == [
        "m.yaml:2:14: mcpServers.a is given twice; it stands first at m.yaml:1:17: keep one of them"
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ('"timeout": 60', 60.0),
        ('"timeout": 999', 999.0),
        ('"timeout": 3601', 3.601),
        ('"timeout": 600000', 600.0),
        ('"timeout": "30s"', 30.0),
        ('"request_timeout_ms": 90000', 90.0),
        ('"request_timeout_ms": 90000, "timeout": 60000', 60.0),
        ('"request_timeout_ms": "x"', 60.0),
    ],
)
def test_a_bare_timeout_is_milliseconds_or_seconds_as_its_size_tells(loaded: Load, text: str, seconds: float) -> None:
    manifest = loaded({"m.json": f'{{"mcpServers": {{"a": {{"command": "x", {text}}}}}}}'})
    assert manifest.mcp.servers["a"].timeout == seconds


@pytest.mark.parametrize("number", [1000, 3600])
def test_a_bare_timeout_that_could_be_either_is_refused(problems: Problems, number: int) -> None:
    assert problems({"m.json": f'{{"mcpServers": {{"a": {{"command": "x", "timeout": {number}}}}}}}'}) == [
        "m.json:1:50: mcpServers.a.timeout does not tell its unit; "
        f'write "{number}ms" (as Claude Code means it) or "{number}s" (as Cline means it)'
    ]


@pytest.mark.parametrize("value", ["0", "-5", "true", "1.5", "[]"])
def test_other_timeouts_are_refused(problems: Problems, value: str) -> None:
    (problem,) = problems({"m.json": f'{{"mcpServers": {{"a": {{"command": "x", "timeout": {value}}}}}}}'})
    assert problem.startswith("m.json:1:50: mcpServers.a.timeout must be ")


@pytest.mark.parametrize("key", ["disabledTools", "includeTools", "envFile", "headersHelper"])
def test_a_key_that_would_change_what_is_served_is_refused_not_ignored(problems: Problems, key: str) -> None:
    (problem,) = problems({"m.json": f'{{"mcpServers": {{"a": {{"command": "x", "{key}": 1}}}}}}'})
    assert problem.startswith(f'm.json:1:39: unknown key "{key}" in mcpServers.a')


def test_keys_of_clients_are_only_taken_below_mcp_servers(problems: Problems) -> None:
    assert problems("mcp: {servers: {a: {command: x, autoApprove: []}}}\npreferences: {}\n") == [
        f'm.yaml:1:33: unknown key "autoApprove" in mcp.servers.a; valid keys: {", ".join(StdioServer.model_fields)}',
        f'm.yaml:2:1: unknown key "preferences" at the top; valid keys: {", ".join(ROOT_KEYS)}',
    ]


def test_names_that_are_not_ours_are_refused_with_a_better_one(problems: Problems) -> None:
    text = '{"mcpServers": {\n "My_Server": {"command": "x"},\n "GitHub Copilot": {"url": "http://h/"}}}'
    why = "names have 1 to 32 of a-z, 0-9 and -"
    assert problems({"m.json": text}) == [
        f'm.json:2:2: mcpServers.My_Server is not a valid name; {why}; did you mean "my-server"?',
        f'm.json:3:2: mcpServers["GitHub Copilot"] is not a valid name; {why}; did you mean "github-copilot"?',
    ]


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ("[]", "1:16: mcpServers must be a mapping; write keys with values below it"),
        ('{"a": "npx"}', '1:22: mcpServers.a needs "command", "url", "openapi" or "agent"; '
         "command is the program to start, url the address of a running server, openapi an API's document"),
        ('{"a": {"command": "x", "type": "http"}}', '1:47: mcpServers.a.type must be "stdio"'),
        ('{"a": {"command": "x", "command": "y"}}',
         "1:39: mcpServers.a.command is given twice; it stands first at m.json:1:23: keep one of them"),
        ('{"a": {"command": "${X}"}}',
         "1:35: mcpServers.a.command: the environment variable X is not set; export X=... or write ${X:-default}"),
    ],
)  # fmt: skip
def test_problems_name_places_as_the_file_does(problems: Problems, value: str, what: str) -> None:
    assert problems({"m.json": f'{{"mcpServers": {value}}}'}) == [f"m.json:{what}"]


def test_what_is_no_mapping_is_left_to_the_model() -> None:
    root = parse_json(Source("m.json", Path("/"), "[1]"))
    assert native(root, []) == [root]


def test_empty_servers_are_none(loaded: Load) -> None:
    assert loaded({"m.json": '{"mcpServers": {}}'}).mcp.servers == {}
    assert loaded({"m.json": '{"mcpServers": null}'}).mcp.servers == {}
