"""`fedgate call`: arguments in, text out, and a code for every way to fail."""

import json
from pathlib import Path

import pytest

from fedgate.cli.call import only
from fedgate.cli.main import main
from fedgate.manifest.model import Manifest
from tests.cli.kit import KEY, Running, on_terminal


def test_a_tool_is_called_with_typed_arguments(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__add", sums, "--arg", "a=1", "--arg", "b=2.5"]) == 0
    assert capsys.readouterr() == ("3.5\n", "")


def test_arguments_may_be_one_json_object(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__add", "--json-args", '{"a": 1, "b": 2}', "--arg", "b=5", sums]) == 0
    assert capsys.readouterr().out == "6\n"


def test_json_is_the_result_as_the_server_spells_it(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__add", sums, "--arg", "a=1", "--arg", "b=1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "content": [{"type": "text", "text": "2"}],
        "structuredContent": {"sum": 2},
        "extra": 1,
    }


def test_an_error_of_the_tool_is_printed_and_has_a_code_of_its_own(
    sums: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "sums__fail", sums]) == 5
    assert capsys.readouterr() == ("it is broken\n", "fedgate: the tool reports an error\n")


def test_what_is_no_text_is_described(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__picture", sums]) == 0
    assert capsys.readouterr().out == "[image image/png 3 bytes]\nthe page itself\n[resource_link sums+page:///2 two]\n"


def test_structure_is_shown_where_there_is_no_text(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__facts", sums]) == 0
    assert capsys.readouterr().out == '{\n  "größe": 1\n}\n'


def test_text_for_a_terminal_cannot_steer_it(sums: str) -> None:
    assert on_terminal("call", "sums__steer", sums).endswith("\N{REPLACEMENT CHARACTER}[2Jgone\n")


def test_text_for_a_pipe_is_left_as_it_is(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__steer", sums]) == 0
    assert capsys.readouterr().out == "\x1b[2Jgone\n"


def test_an_unknown_tool_is_met_with_the_nearest_names(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "sums__ad", sums]) == 2
    assert capsys.readouterr().err == (
        'fedgate: there is no tool "sums__ad"; the nearest are sums__add, sums__die, sums__fail\n'
        f"try: fedgate tools {sums}\n"
    )


def test_an_unknown_tool_may_be_one_of_a_server_that_is_down(mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "add", mixed]) == 2
    assert capsys.readouterr().err.splitlines()[0] == (
        'fedgate: there is no tool "add"; the nearest are sums__add (not reached: gone)'
    )


def test_a_tool_of_a_server_that_is_down_is_unreachable(mixed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "gone__x", mixed]) == 4
    said = capsys.readouterr().err
    assert said.startswith("fedgate: server gone is down: the command 'there-is-no-such-program' was not found")
    assert said.endswith(f"try: fedgate tools {mixed} --log-level debug\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--arg", "a=x", "--arg", "b=1"], 'sums__add: "a" must be a whole number, not "x"'),
        (["--arg", "a=1"], "sums__add: the tool needs --arg b=NUMBER"),
        (["--arg", "c=1"], 'sums__add: there is no argument "c"; it takes a, b, note'),
        (["--arg", "a"], 'sums__add: "a" is no argument: write KEY=VALUE, such as a=...'),
        (["--json-args", "[]"], 'sums__add: --json-args must be a JSON object, such as {"key": "value"}'),
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_the_call(
    sums: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "sums__add", sums, *options]) == 2
    assert capsys.readouterr().err == f"fedgate: {message}\ntry: fedgate tools {sums} --json\n"


def test_a_tool_of_a_running_gateway_is_called(
    gateway: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FEDGATE_KEY", KEY)
    assert main(["call", "sums__add", "--url", gateway.url, "--arg", "a=20", "--arg", "b=22"]) == 0
    assert capsys.readouterr() == ("42\n", "")


def test_a_tool_of_a_running_gateway_that_does_not_exist_is_said_so(
    gateway: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "sums__sub", "--url", gateway.url, "--key", KEY]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"try: fedgate tools --url {gateway.url}"


def test_a_gateway_that_is_not_there_is_unreachable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["call", "x", "--url", "http://127.0.0.1:1"]) == 4
    assert capsys.readouterr().err.startswith("fedgate: cannot reach http://127.0.0.1:1/mcp: ")


def test_a_server_that_dies_during_the_call_is_unreachable(
    tmp_path: Path, sums: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["call", "sums__die", sums]) == 4
    said = capsys.readouterr().err
    assert said.startswith("fedgate: sums__die: server sums: ")


def manifest(naming: str) -> Manifest:
    servers = {"time": {"command": "a"}, "notes": {"command": "b"}}
    return Manifest.model_validate({"mcp": {"naming": naming, "servers": servers}})


def test_only_the_server_that_a_prefix_names_is_started() -> None:
    assert list(only("notes__add", manifest("always")).mcp.servers) == ["notes"]


@pytest.mark.parametrize(("tool", "naming"), [("add", "always"), ("else__add", "always"), ("notes__add", "never")])
def test_all_servers_are_started_where_the_name_does_not_tell(tool: str, naming: str) -> None:
    assert list(only(tool, manifest(naming)).mcp.servers) == ["time", "notes"]
