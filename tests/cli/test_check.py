"""`fedgate check`: problems with their places, or a summary without secrets."""

import json
from pathlib import Path

import pytest

from fedgate.cli.main import main

BAD = """\
gateway:
  listen: 0.0.0.0:8080
mcp:
  servers:
    notes: {url: http://127.0.0.1:9001/mcp, timeot: 3s}
    time: {args: [x]}
"""
GOOD = """\
access:
  keys: [{id: alice, key: "${ALICE}"}, {id: bob, key: secret-of-bob}]
  anonymous: true
mcp:
  servers:
    notes: {url: "http://127.0.0.1:9001/mcp?token=hunter2", headers: {Authorization: Bearer hunter2}, timeout: 1.5s}
    old: {url: http://127.0.0.1:9002/sse, transport: sse, disabled: true}
    time: {command: python3, args: [--token, hunter2]}
    crm: {openapi: "https://crm.example.com/api.json?token=hunter2", disabled: true}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALICE", "secret-of-alice")
    Path("bad.yaml").write_text(BAD)
    Path("good.yaml").write_text(GOOD)


def test_every_problem_is_said_with_its_place(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "bad.yaml"]) == 1
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.split(": ")[0] for line in lines] == ["bad.yaml:2:11", "bad.yaml:5:45", "bad.yaml:6:5"]
    assert "nobody has to say who they are" in lines[0]
    assert lines[1].endswith('did you mean "timeout"?')
    assert said.err == "fedgate: 3 problems\ntry: fedgate schema  (every valid key)\n"


def test_problems_are_data_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "bad.yaml", "--json"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["ok"] is False
    assert [(each["file"], each["line"], each["column"]) for each in found["problems"]] == [
        ("bad.yaml", 2, 11),
        ("bad.yaml", 5, 45),
        ("bad.yaml", 6, 5),
    ]
    assert found["problems"][1]["nearest"] == "timeout"
    assert said.err == ""


def test_a_file_that_is_not_there_is_a_problem_of_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "none.yaml"]) == 1
    said = capsys.readouterr()
    assert said.out == "none.yaml: cannot be read: no such file or directory\n"
    assert said.err == "fedgate: 1 problem\ntry: fedgate schema  (every valid key)\n"


def test_a_good_manifest_is_summarised(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "good.yaml"]) == 0
    assert capsys.readouterr().out == (
        "good.yaml: fine\n\n"
        "SERVER  KIND     ENDPOINT             TIMEOUT  PIN   NOTE\n"
        "notes   http     127.0.0.1:9001       1.5s     warn\n"
        "old     sse      127.0.0.1:9002       60s      warn  disabled\n"
        "time    stdio    python3              60s      warn\n"
        "crm     openapi  crm.example.com:443  60s      warn  disabled\n\n"
        "listens on  127.0.0.1:8080\n"
        "serves      holders of 2 key(s): alice, bob and everybody on this machine\n"
        "search      tools are listed up to about 64000 tokens, then searched\n"
        "pins        not kept across restarts: mcp.fingerprints is not set\n"
    )


def test_a_summary_holds_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    for options in ([], ["--json"]):
        assert main(["check", "good.yaml", *options]) == 0
        said = capsys.readouterr().out
        assert "hunter2" not in said
        assert "secret-of" not in said


def test_a_summary_is_data_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "good.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is True
    assert found["keys"] == ["alice", "bob"]
    assert [(each["name"], each["kind"], each["disabled"]) for each in found["servers"]] == [
        ("notes", "http", False),
        ("old", "sse", True),
        ("time", "stdio", False),
        ("crm", "openapi", True),
    ]


def test_a_manifest_that_serves_nobody_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    Path("nobody.yaml").write_text("access: {anonymous: false}\n")
    assert main(["check", "nobody.yaml"]) == 0
    said = capsys.readouterr().out
    assert "no servers: add some under mcp.servers" in said
    assert "nobody: access.anonymous is false and there are no keys" in said


VIEWS = """\
mcp:
  search: on
  fingerprints: pins.json
  servers:
    notes: {url: "http://127.0.0.1:9001/mcp", pin: strict}
    time: {command: python3, pin: off}
  profiles:
    coding: {servers: [notes], search: off}
    rest: {}
"""


def test_views_search_and_pins_are_summarised(capsys: pytest.CaptureFixture[str]) -> None:
    Path("views.yaml").write_text(VIEWS)
    assert main(["check", "views.yaml"]) == 0
    assert capsys.readouterr().out == (
        "views.yaml: fine\n\n"
        "SERVER  KIND   ENDPOINT        TIMEOUT  PIN     NOTE\n"
        "notes   http   127.0.0.1:9001  60s      strict\n"
        "time    stdio  python3         60s      off\n\n"
        "listens on  127.0.0.1:8080\n"
        "serves      everybody on this machine\n"
        "profile     /mcp/coding: notes; tools are listed\n"
        "profile     /mcp/rest: all servers; tools are searched\n"
        "search      tools are searched\n"
        f"pins        kept in {Path.cwd()}/pins.json\n"
    )


def test_views_search_and_pins_are_data_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    Path("views.yaml").write_text(VIEWS)
    assert main(["check", "views.yaml", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["profiles"] == [
        {"name": "coding", "servers": ["notes"], "search": "off"},
        {"name": "rest", "servers": [], "search": "on"},
    ]
    assert (found["search"], found["search_over"], found["fingerprints"]) == ("on", 64000, f"{Path.cwd()}/pins.json")
    assert [each["pin"] for each in found["servers"]] == ["strict", "off"]


def test_a_file_of_fingerprints_that_cannot_be_used_is_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    Path("views.yaml").write_text(VIEWS)
    Path("pins.json").write_text("[]")
    assert main(["check", "views.yaml"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("views.yaml:3:17: mcp.fingerprints is no file of tool fingerprints")
