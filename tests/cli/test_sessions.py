"""`fedgate sessions`: the table of a running gateway, as people and programs read it."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from fedgate.cli.main import main
from tests.cli.desk import ROW, Desk
from tests.cli.desk import desk as desk_
from tests.cli.kit import environment

LIST = "GET /admin/sessions"
CONTEXT = {
    **ROW,
    "mark": "c" * 24,
    "id": "c1",
    "protocol": "a2a",
    "kind": "context",
    "target": "support",
    "instance": "s1",
    "state": "ready",
    "age_seconds": 7300,
    "idle_seconds": 200_000,
    "turns": 12,
}


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_() as made:
        yield made


def page(*rows: object, total: int | None = None, cursor: str | None = None) -> dict[str, object]:
    return {"sessions": rows, "next": cursor, "total": len(rows) if total is None else total}


def test_sessions_are_a_table(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, page(CONTEXT, ROW))
    assert main(["sessions", "--url", desk.url]) == 0
    assert capsys.readouterr().out == (
        "SESSION                   ID  PROTOCOL  KIND     OWNER      TARGET   INSTANCE  STATE  AGE  IDLE  TURNS\n"
        "cccccccccccccccccccccccc  c1  a2a       context  key:alice  support  s1        ready  2h   2d       12\n"
        "aaaaaaaaaaaaaaaaaaaaaaaa      mcp       session  key:alice  -                  idle   1m   5s        0\n"
        "\n2 sessions\n"
    )


def test_columns_that_nothing_is_known_for_are_left_out_and_costs_are_shown(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk.answer(LIST, page({**ROW, "input_tokens": 7, "output_tokens": 5, "cost_usd": 0.25}))
    assert main(["sessions", "--url", desk.url]) == 0
    head, row, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[-3:] == ["TURNS", "TOKENS", "USD"]
    assert row.split()[-3:] == ["0", "12", "0.2500"]
    assert "INSTANCE" not in head


def test_filters_are_passed_on_and_nothing_that_fits_is_said_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, page())
    words = {"protocol": "a2a", "owner": "alice", "agent": "x", "instance": "s1", "kind": "task", "state": "working"}
    options = [each for name, value in words.items() for each in (f"--{name}", value)]
    assert main(["sessions", "--url", desk.url, "--key", "k", *options]) == 0
    assert desk.asked == [(LIST, {**words, "limit": "100"}, "Bearer k")]
    assert capsys.readouterr().out == "no sessions that fit\n"
    assert main(["sessions", "--url", desk.url]) == 0
    assert capsys.readouterr().out == "no sessions\n"


def test_pages_are_put_together_up_to_the_limit(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, page(*[ROW] * 1000, total=5000, cursor="next-one"))
    desk.answer(LIST, page(*[ROW] * 200, total=5000, cursor="and-so-on"))
    assert main(["sessions", "--url", desk.url, "--limit", "1200"]) == 0
    asked = [{"limit": "1000"}, {"limit": "200", "cursor": "next-one"}]
    assert [params for _, params, _ in desk.asked] == asked
    assert capsys.readouterr().out.endswith("\n1200 of 5000 sessions; --limit shows more\n")


def test_json_holds_what_the_gateway_says(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, page(ROW, total=9))
    assert main(["sessions", "--url", desk.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"sessions": [ROW], "total": 9}


def test_text_of_others_cannot_steer_the_terminal(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, page({**ROW, "owner": "key:\x1b[31m"}, "odd", {"mark": None}))
    assert main(["sessions", "--url", desk.url]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(("tasks", "said"), [(0, ""), (1, " and its 1 task"), (3, " and its 3 tasks")])
def test_one_can_be_ended(desk: Desk, tasks: int, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(f"DELETE /admin/sessions/{'c' * 24}", {"session": CONTEXT, "tasks": tasks})
    assert main(["sessions", "--url", desk.url, "--end", "c" * 24]) == 0
    assert capsys.readouterr().out == f"ended a2a context {'c' * 24}{said}\n"
    assert main(["sessions", "--url", desk.url, "--end", "c" * 24, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"session": CONTEXT, "tasks": tasks}


def test_one_that_is_not_there_cannot_be_ended(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer("DELETE /admin/sessions/x%2Fy", {"error": {"message": "there is no session with this mark"}}, 404)
    assert main(["sessions", "--url", desk.url, "--end", "x/y"]) == 2
    assert capsys.readouterr().err == (
        f"fedgate: there is no session with this mark\ntry: fedgate sessions --url {desk.url}\n"
    )


def test_watching_shows_them_again_until_it_is_ended(desk: Desk) -> None:
    desk.answer(LIST, page())
    desk.answer(LIST, page(ROW))
    command = [sys.executable, "-m", "fedgate", "sessions", "--url", desk.url, "--watch", "--json"]
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        seen = [json.loads(process.stdout.readline())["total"] for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 143
    assert seen == [0, 1]


def test_ending_and_watching_exclude_each_other(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sessions", "--end", "x", "--watch"]) == 2
    assert capsys.readouterr().err.endswith("try: fedgate sessions --help\n")


def test_asking_a_gateway_needs_no_gateway() -> None:
    program = "import sys, json, fedgate.cli.sessions, fedgate.cli.agents; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, timeout=30, check=True
    )
    loaded = json.loads(done.stdout)
    assert not [name for name in ("pydantic", "starlette", "uvicorn", "prometheus_client", "ruamel") if name in loaded]
