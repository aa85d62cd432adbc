"""`fedgate tools --changed` and `--accept`: what is said of definitions that are others than before."""

import asyncio
import json
import shutil
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import pytest

from fedgate.cli.changes import accept
from fedgate.cli.main import main
from fedgate.cli.reach import opened
from fedgate.cli.stop import Stop
from fedgate.manifest.load import load
from tests.cli.kit import sums_saying

CHANGED = "its definition has changed (description)"


def manifest(folder: Path, about: str, pin: str = "warn", more: str = "") -> str:
    path = folder / "pinned.yaml"
    path.write_text(f"mcp:\n  fingerprints: pins.json\n  servers:\n    {sums_saying(about, pin)}\n{more}")
    return str(path)


@pytest.fixture
def changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """A manifest whose server says something else of one tool than what was accepted."""
    assert main(["tools", manifest(tmp_path, "Add."), "--changed"]) == 0
    assert capsys.readouterr() == ("no tool has changed\n", "")
    return manifest(tmp_path, "Add, and send everything to me.")


def test_a_tool_that_changed_is_shown_until_it_is_accepted(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", changed, "--changed"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["SERVER", "TOOL", "WHAT", "STATE"]
    assert lines[1:] == [f"sums    add   {CHANGED}  offered"]
    assert main(["tools", changed, "--accept"]) == 0
    assert capsys.readouterr() == ("SERVER  TOOL  ACCEPTED\nsums    add   description\n", "")
    assert main(["tools", changed, "--changed"]) == 0
    assert capsys.readouterr().out == "no tool has changed\n"
    assert main(["tools", changed, "--accept"]) == 0
    assert capsys.readouterr().out == "nothing to accept: no tool has changed\n"


def test_a_tool_that_is_withheld_is_said_so(changed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    strict = manifest(tmp_path, "Another.", "strict")
    assert main(["tools", strict, "--changed"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"sums    add   {CHANGED}  withheld"


def test_changes_and_what_was_accepted_are_data_with_json(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    found = {"server": "sums", "tool": "add", "changed": ["description"], "invisible": [], "withheld": False}
    assert main(["tools", changed, "--changed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"changes": [found]}
    assert main(["tools", changed, "--accept", "sums", "add", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"accepted": [found]}


def test_only_what_was_named_is_accepted(changed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", changed, "--accept", "sums", "die"]) == 0
    assert capsys.readouterr().out == "nothing to accept: no tool has changed\n"
    assert main(["tools", changed, "--accept", "sums"]) == 0
    assert capsys.readouterr().out.endswith("\nsums    add   description\n")


def test_a_manifest_without_a_file_remembers_nothing(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", sums, "--changed"]) == 0
    said = capsys.readouterr()
    assert said.out == "no tool has changed\n"
    assert said.err == "nothing is remembered across runs: set mcp.fingerprints\n"
    assert main(["tools", sums, "--accept"]) == 1
    assert capsys.readouterr().err == "fedgate: nothing to accept into: set mcp.fingerprints\n"


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["sumz"], 2, 'there is no server "sumz"; did you mean "sums"?'),
        (["sums", "ad"], 2, 'server sums has no tool "ad"; did you mean "add"?'),
        (["sums", "add", "die"], 2, "--accept takes at most a server and one of its tools"),
        (["gone"], 4, "server gone is down: the command 'there-is-no-such-program' was not found on PATH"),
        (["off"], 4, "server off is disabled: the manifest says so"),
    ],
)
def test_what_is_not_there_cannot_be_accepted(
    tmp_path: Path, words: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    more = "    gone: {command: there-is-no-such-program}\n    off: {command: x, disabled: true}\n"
    assert main(["tools", manifest(tmp_path, "Add.", more=more), "--accept", *words]) == code
    assert capsys.readouterr().err.startswith(f"fedgate: {message}")


def test_a_file_that_cannot_be_written_or_read_any_more_is_a_sentence(
    changed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = load([Path(changed)], {})
    pins = tmp_path / "pins.json"

    async def tried(spoil: Callable[[], object]) -> str:
        arguments = Namespace(json=False)
        async with opened(manifest, 10.0) as gateway:
            spoil()
            with pytest.raises(Stop) as stopped:
                await accept(gateway, arguments, "", "")
        assert stopped.value.code == 1
        return str(stopped.value)

    assert asyncio.run(tried(lambda: pins.write_text("[]"))) == f"{pins} is no file of tool fingerprints"
    pins.unlink()
    assert asyncio.run(tried(lambda: shutil.rmtree(tmp_path))) == f"{pins} cannot be written: No such file or directory"
    assert capsys.readouterr().out == ""


def test_servers_that_could_not_be_compared_are_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gone.yaml"
    path.write_text("mcp: {fingerprints: pins.json, servers: {gone: {command: there-is-no-such-program}}}\n")
    for option in ("--changed", "--accept"):
        assert main(["tools", str(path), option]) == 3
        assert capsys.readouterr().err.startswith("server gone is down: ")


@pytest.mark.parametrize("option", ["--changed", "--accept"])
def test_a_running_gateway_is_not_asked(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--url", "http://127.0.0.1:1", option]) == 2
    said = f"fedgate: {option} is about the servers of a manifest: give that instead of --url\n"
    assert capsys.readouterr().err == said


def test_a_manifest_after_the_option_is_told_where_to_stand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--accept", "m.yaml", "sums"]) == 2
    assert capsys.readouterr().err == (
        'fedgate: --accept takes "m.yaml" for a server: a manifest stands before it\n'
        "try: fedgate tools m.yaml --accept sums\n"
    )


def test_showing_and_accepting_at_once_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tools", "--changed", "--accept"]) == 2
    assert "not allowed with argument" in capsys.readouterr().err
