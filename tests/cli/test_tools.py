"""`fedgate tools`: of a manifest, whose servers are started for it, and of a gateway that runs."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedgate.cli.main import main
from tests.cli.kit import KEY, OTHER, SUMS, Running, end, on_terminal, start, sums_saying

LISTED = """\
TOOL           SERVER  TOKENS  DESCRIPTION
sums__add      sums        66  Add two numbers.
sums__die      sums        21  Ends its server.
sums__fail     sums        21  Always fails.
sums__facts    sums        13
sums__picture  sums        18
sums__steer    sums        21  \N{REPLACEMENT CHARACTER}[31mred

6 tools, about 160 tokens
"""
THERE = """\
TOOL           SERVER  DESCRIPTION
sums__add      sums    Add two numbers.
sums__die      sums    Ends its server.
sums__fail     sums    Always fails.
sums__facts    sums
sums__picture  sums
sums__steer    sums    \N{REPLACEMENT CHARACTER}[31mred

6 tools, about 149 tokens
"""
GONE = "server gone is down: the command 'there-is-no-such-program' was not found on PATH"


def test_the_tools_of_a_manifest_are_listed(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", sums]) == 0
    assert capsys.readouterr() == (LISTED, "")


def test_a_server_that_fails_is_reported_beside_those_that_do_not(
    mixed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tools", mixed]) == 0
    said = capsys.readouterr()
    assert said.out == LISTED
    assert said.err.startswith(GONE)


def test_on_a_terminal_progress_is_shown_and_taken_back_and_lines_are_cut(sums: str) -> None:
    said = on_terminal("tools", sums, columns=40)
    assert said.startswith("reaching 1 server ...\r\x1b[K")
    lines = said.partition("\x1b[K")[2].splitlines()
    assert lines[:2] == [
        "TOOL           SERVER  TOKENS  DESCRIPTION",
        "sums__add      sums        66  Add two numbers.",
    ]
    assert "\x1b" not in "".join(lines)


def test_json_holds_the_tools_as_their_server_spells_them(mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", mixed, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tools"][0]["x-vendor"] == {"kept": True}
    known = {key: found["tools"][0][key] for key in ("tokens", "changed", "invisible", "withheld")}
    assert known == {"tokens": 66, "changed": [], "invisible": [], "withheld": False}
    assert [(each["name"], each["state"], each["tokens"]) for each in found["servers"]] == [
        ("sums", "ready", 149),
        ("gone", "down", 0),
    ]


def test_nothing_that_could_be_listed_has_a_code_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gone.yaml"
    path.write_text("mcp: {servers: {gone: {command: there-is-no-such-program}}}\n")
    assert main(["tools", str(path)]) == 3
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"no tools\n{GONE}")


def test_a_manifest_without_servers_has_nothing_to_list(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.yaml"
    path.write_text("gateway: {listen: '127.0.0.1:1'}\n")
    assert main(["tools", str(path)]) == 3
    assert capsys.readouterr().err == "no tools: the manifest names no servers\n"


def test_a_server_that_never_answers_is_not_waited_for_longer_than_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "silent.yaml"
    path.write_text("mcp: {servers: {silent: {command: sleep, args: ['60']}}}\n")
    assert main(["tools", str(path), "--timeout", "0.2"]) == 3
    assert capsys.readouterr().err == "no tools\nserver silent is starting: not reached yet\n"


def test_keys_of_the_manifest_are_not_asked_for(tmp_path: Path, sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    keys = tmp_path / "keys.yaml"
    keys.write_text("access: {keys: [{id: alice, key: some-long-key}]}\n")
    assert main(["tools", sums, str(keys)]) == 0
    assert capsys.readouterr().out == LISTED


def test_a_manifest_that_cannot_be_used_ends_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("mcp: {server: {}}\n")
    assert main(["tools", str(path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"fedgate: the manifest has 1 problem\n{path}:1:7: ")
    assert said.endswith(f"try: fedgate check {path}\n")


def test_a_manifest_and_a_url_are_not_both_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "m.yaml", "--url", "http://127.0.0.1:1"]) == 2
    assert capsys.readouterr().err == "fedgate: give either --url or a manifest (m.yaml), not both\n"


def test_a_running_gateway_lists_its_tools_and_its_broken_servers(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tools", "--url", gateway.url, "--key", KEY]) == 0
    said = capsys.readouterr()
    assert said.out == THERE
    assert said.err.startswith(GONE)


def test_one_server_behind_a_gateway_lists_its_own_names(gateway: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", f"{gateway.url}/mcp/sums", "--key", KEY]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[1].split() == ["add", "sums", "Add", "two", "numbers."]
    assert said.err == ""


def test_which_server_a_tool_is_of_is_told_to_administrators(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tools", "--url", gateway.url, "--key", OTHER]) == 0
    said = capsys.readouterr()
    assert [line.split()[:2] for line in said.out.splitlines()[1:3]] == [["sums__add", "-"], ["sums__die", "-"]]
    assert said.err == ""


def test_a_gateway_that_wants_a_key_says_how_to_give_it(gateway: Running, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", gateway.url]) == 4
    said = capsys.readouterr().err
    assert said.startswith(f"fedgate: {gateway.url}/mcp refuses the caller (HTTP 401): ")
    assert said.endswith(f"try: fedgate tools --url {gateway.url}/mcp --key KEY  (or set FEDGATE_KEY)\n")


def test_a_gateway_that_is_not_there_cannot_be_reached(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", "http://127.0.0.1:1"]) == 4
    said = capsys.readouterr().err
    assert said.startswith("fedgate: cannot reach http://127.0.0.1:1/mcp: ")
    assert said.endswith("try: fedgate serve\n")


def test_what_is_odd_about_a_tool_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pinned.yaml"
    for about in ("Add.", "Add\u200b."):
        server = sums_saying(about, "strict")
        path.write_text(f"mcp:\n  fingerprints: pins.json\n  servers:\n    {server}\n")
        assert main(["tools", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()[9:]
    assert lines[0].split() == ["TOOL", "SERVER", "TOKENS", "DESCRIPTION", "NOTE"]
    assert lines[1].endswith("  changed: description; invisible: U+200B; withheld")


def test_all_tools_are_listed_where_clients_get_a_search_instead(
    tmp_path: Path, sums: str, capsys: pytest.CaptureFixture[str]
) -> None:
    search = tmp_path / "search.yaml"
    search.write_text("mcp: {search: on}\n")
    assert main(["tools", sums, str(search)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == LISTED.splitlines()[:-1]
    assert re.fullmatch(
        r"6 tools, about 160 tokens; clients get search_tools and call_tool instead \(\d+ tokens\)", lines[-1]
    )


@pytest.fixture
def searching(tmp_path: Path) -> Iterator[Running]:
    """A gateway that has a search instead of a list."""
    path = tmp_path / "searching.yaml"
    path.write_text(f"gateway: {{listen: '127.0.0.1:0'}}\nmcp:\n  search: on\n  servers:\n    {SUMS}\n")
    running = start("serve", str(path), cwd=tmp_path)
    try:
        yield running
    finally:
        end(running.process)


def test_a_running_gateway_with_a_search_lists_server_by_server(
    searching: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tools", "--url", searching.url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["add", "sums", "Add", "two", "numbers."]
    assert lines[-1] == "6 tools, about 149 tokens; clients get search_tools and call_tool instead"


def test_a_tool_behind_a_search_can_be_called_by_its_name(
    searching: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "sums__add", "--url", searching.url, "--arg", "a=1", "--arg", "b=2"]) == 0
    assert capsys.readouterr().out == "3\n"
    assert main(["call", "search_tools", "--url", searching.url, "--arg", "query=add"]) == 0
    assert '"sums__add"' in capsys.readouterr().out
