"""What can be typed, and what is said of what cannot."""

import pytest

from fedgate.cli.arguments import COMMANDS, HELP, parse
from fedgate.cli.stop import Stop


def refused(command: str, *rest: str) -> Stop:
    with pytest.raises(Stop) as stopped:
        parse(command, rest)
    assert stopped.value.code == 2
    assert stopped.value.hint == f"fedgate {command} --help"
    return stopped.value


def test_manifests_may_stand_before_between_and_after_options() -> None:
    found = parse("call", ["add", "a.yaml", "--arg", "x=1", "b.yaml", "--arg", "y=2", "--json", "c.yaml"])
    assert found.tool == "add"
    assert found.manifests == ["a.yaml", "b.yaml", "c.yaml"]
    assert found.arg == ["x=1", "y=2"]
    assert found.json is True


@pytest.mark.parametrize("command", ["serve", "check", "tools"])
def test_no_manifest_need_be_named(command: str) -> None:
    assert parse(command, []).manifests == []


def test_calls_share_no_state() -> None:
    parse("call", ["add", "m.yaml", "--arg", "x=1"])
    found = parse("call", ["add"])
    assert (found.arg, found.manifests) == ([], [])


def test_a_call_without_a_tool_says_so() -> None:
    assert str(refused("call")) == "the following arguments are required: TOOL"


def test_options_are_not_guessed_from_their_beginning() -> None:
    assert str(refused("serve", "--list", "x")) == "unrecognized arguments: --list"


@pytest.mark.parametrize("text", ["x", "-1", "0", "nan", "inf", "86401", ""])
def test_a_timeout_is_a_number_of_seconds(text: str) -> None:
    said = str(refused("tools", f"--timeout={text}"))
    assert said == f'argument --timeout: "{text}" is not a number of seconds: write for example 30'


def test_a_timeout_may_be_a_fraction() -> None:
    assert parse("tools", ["--timeout", "0.5"]).timeout == 0.5


@pytest.mark.parametrize("text", ["x", "65536", "-1", "8080.0"])
def test_a_port_is_a_number_that_fits(text: str) -> None:
    said = str(refused("demo", f"--port={text}"))
    assert said == f'argument --port: "{text}" is not a port: write a number from 0 to 65535'


def test_a_log_level_is_one_of_four() -> None:
    assert "invalid choice: 'loud'" in str(refused("serve", "--log-level", "loud"))


def test_the_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEDGATE_KEY", "from-the-environment")
    assert parse("tools", []).key == "from-the-environment"
    assert parse("tools", ["--key", "typed"]).key == "typed"


def test_every_command_takes_json_and_stands_in_the_help() -> None:
    for name, command in COMMANDS.items():
        assert parse(name, ["a-tool", "--json"] if name == "call" else ["--json"]).json is True
        assert f"  {name:10}{command.summary}\n" in HELP


def test_operators_mean_the_gateway_of_this_machine_if_they_say_nothing() -> None:
    assert parse("sessions", []).url == "http://127.0.0.1:8080"
    assert parse("agents", []).url is None
    assert parse("agents", ["drain", "support", "s1"]).manifests == ["drain", "support", "s1"]


@pytest.mark.parametrize("text", ["0", "x", "-1", "100001", "1" * 30])
def test_a_limit_is_a_number_within_bounds(text: str) -> None:
    said = str(refused("sessions", f"--limit={text}"))
    assert said == f'argument --limit: "{text}" is not a number from 1 to 100000'
