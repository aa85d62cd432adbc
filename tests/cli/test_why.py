"""`fedgate why`: of a manifest, for which nothing is started, and of a gateway that runs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fedgate.cli.main import main
from tests.cli.desk import Desk
from tests.cli.desk import desk as desk_

MANIFEST = """
access:
  keys:
    - {id: alice, key: alice-0123456789, groups: [engineering]}
  rules:
    - {deny: 'mcp.tool.name.startsWith("delete")', name: no-deletes}
    - {deny: "llm.max_tokens > 100"}
mcp:
  servers:
    time: {command: a-program-that-is-not-there}
agents:
  support: {instances: ["http://127.0.0.1:9"]}
models:
  providers: {near: {type: openai, base_url: "http://127.0.0.1:9/v1"}}
  routes: {smart: {targets: [{provider: near, model: x}]}}
limits:
  - {name: per-caller, requests: 600/minute}
"""
ASK = "POST /admin/why"
ANSWER = {
    "identity": {"admitted": True, "id": "bob", "kind": "key", "groups": [], "why": ""},
    "asked": {"kind": "tool", "name": "crm__\x1b[31mx", "view": "", "operation": "tools/call"},
    "route": {"found": True, "server": "crm", "tool": "x", "state": "ready"},
    "rules": [{"rule": "rule 1", "kind": "allow", "expression": "true", "held": "yes", "why": ""}],
    "limits": [],
    "known": True,
    "allowed": True,
    "why": "allow rule 1",
    "told": "",
}


@pytest.fixture
def manifest(tmp_path: Path) -> str:
    path = tmp_path / "fedgate.yaml"
    path.write_text(MANIFEST)
    return str(path)


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_() as made:
        yield made


def test_the_rules_of_a_manifest_are_explained(manifest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["why", "--as", "alice", "--tool", "time__delete_all", manifest]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "alice (key; groups: engineering)",
        "tools/call time__delete_all: server time, its tool delete_all; starting: the server was not reached: "
        "whether it has this tool is not known",
        "RULE        KIND  HOLDS                                        EXPRESSION",
        'no-deletes  deny  yes                                          mcp.tool.name.startsWith("delete")',
        "rule 2      deny  error (it names a member that is not there)  llm.max_tokens > 100",
        "LIMIT       OF        LEFT  MOST",
        "per-caller  requests   600  600/minute",
        "denied: deny no-deletes",
        'the caller is told: "Unknown tool: time__delete_all"',
    ]


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (["--model", "smart"], True),
        (["--model", "smart", "--arg", "max_tokens=500"], False),
        (["--model", "smart", "--json-args", '{"max_tokens": 50}'], True),
        (["--agent", "support"], True),
        (["--tool", "now", "--view", "time"], True),
    ],
)
def test_any_kind_of_thing_can_be_asked_about(
    manifest: str, capsys: pytest.CaptureFixture[str], words: list[str], allowed: bool
) -> None:
    assert main(["why", "--as", "alice", *words, "--json", manifest]) == 0
    assert json.loads(capsys.readouterr().out)["allowed"] is allowed


@pytest.mark.parametrize("place", ["text", "file"])
def test_who_asks_may_be_given_as_claims(
    manifest: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    claims = '{"sub": "x", "groups": ["a", "b"]}'
    (tmp_path / "claims.json").write_text(claims + "\n")
    who = claims if place == "text" else f"@{tmp_path / 'claims.json'}"
    assert main(["why", "--as", who, "--model", "smart", manifest]) == 0
    assert capsys.readouterr().out.startswith("x (jwt; groups: a, b): as it was given: no issuer vouches for it\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what it is about: one of --tool, --agent and --model"),
        (["--tool", "a", "--model", "b"], "say what it is about: one of --tool, --agent and --model"),
        (["--tool", "a", "--as", "{"], "--as begins like claims, and is no JSON object"),
        (["--tool", "a", "--as", "@no-such-file"], "--as: the file cannot be read: No such file or directory"),
        (["--tool", "a", "--as", '{"groups": "a"}'], '"as" takes {"id" or "sub": text, "groups": [...]'),
        (["--tool", "a", "--json-args", "["], "--json-args"),
    ],
)
def test_a_question_that_is_none_is_refused(
    manifest: str, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["why", *words, manifest]) == 2
    assert capsys.readouterr().err.startswith(f"fedgate: {said}")


def test_a_running_gateway_is_asked(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(ASK, ANSWER)
    assert main(["why", "--as", "bob", "--tool", "crm__x", "--url", desk.url, "--key", "root"]) == 0
    out = capsys.readouterr().out
    assert "tools/call crm__\N{REPLACEMENT CHARACTER}[31mx: server crm, its tool x; ready" in out
    assert out.endswith("allowed: allow rule 1\n")
    assert desk.asked == [(ASK, {}, "Bearer root")]


def test_a_gateway_that_refuses_the_caller_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(ASK, {"error": {"reason": "forbidden", "message": "administration is for others"}}, 403)
    assert main(["why", "--tool", "a", "--url", desk.url]) == 4
    assert "administration is for others" in capsys.readouterr().err


def test_an_answer_of_another_form_is_shown_as_far_as_it_goes(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(ASK, {"allowed": 1, "rules": [5, {"rule": None}], "route": [], "limits": {}, "identity": 3})
    assert main(["why", "--tool", "a", "--url", desk.url]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "allowed"
