"""`fedgate agents`: of a manifest, whose agents are reached for it, and of a gateway that runs; and draining."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from fedgate.cli.main import main
from tests.a2a.agent_kit import CARD_PATH, sdk_card, served
from tests.cli.desk import AGENT, INSTANCE, Desk
from tests.cli.desk import desk as desk_

LIST = "GET /admin/agents"
DRAIN = "POST /admin/agents/support/instances/s1/drain"


@pytest.fixture
def desk() -> Iterator[Desk]:
    with desk_() as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty one, in which the command is run."""
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


@pytest.fixture
def agent() -> Iterator[str]:
    """An agent that shows its card."""
    body = served(sdk_card())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == CARD_PATH else 404)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(10)


def manifest(folder: Path, *urls: str) -> str:
    path = folder / "agents.yaml"
    path.write_text(f"agents:\n  scout: {{instances: {json.dumps(urls)}}}\n")
    return str(path)


def test_the_agents_of_a_manifest_are_reached_and_listed(
    tmp_path: Path, agent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["agents", manifest(tmp_path, agent, "http://127.0.0.1:1")]) == 0
    head, first, second = capsys.readouterr().out.splitlines()
    assert head.split() == ["AGENT", "INSTANCE", "STATE", "VERSION", "SPEAKS", "REASON"]
    assert first.split() == ["scout", "1", "ready", "1.2.3", "1.0/jsonrpc"]
    assert second.split()[:5] == ["scout", "2", "unreachable", "1.2.3", "-"]
    assert len(second.split()) > 5


def test_where_none_is_ready_it_ends_with_three(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", manifest(tmp_path, "http://127.0.0.1:1"), "--json"]) == 3
    (found,) = json.loads(capsys.readouterr().out)["agents"]
    assert (found["name"], found["state"], found["instances"][0]["state"]) == ("scout", "unreachable", "unreachable")


def test_a_manifest_without_agents_says_where_to_add_some(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "fedgate.yaml").write_text("mcp: {}\n")
    assert main(["agents"]) == 0
    assert capsys.readouterr() == ("", "no agents: add some under agents\n")


def test_a_running_gateway_tells_how_much_each_holds(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, {"agents": [AGENT, {"name": "later", "state": "starting", "instances": [], "reason": "no DNS"}]})
    assert main(["agents", "--url", desk.url, "--key", "k"]) == 0
    assert capsys.readouterr().out == (
        "AGENT    INSTANCE  STATE     VERSION  SPEAKS                CONVERSATIONS  TASKS  INFLIGHT  REASON\n"
        "support  s1        ready     1.0.0    1.0/jsonrpc 0.3/rest              3      1         0\n"
        "support  s2        lost      1.0.0    -                                 3      1         0  it is gone\n"
        "later    -         starting  -        -                                                     no DNS\n"
    )
    assert desk.asked == [(LIST, {}, "Bearer k")]


def test_json_holds_what_the_gateway_says(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(LIST, {"agents": [AGENT]})
    assert main(["agents", "--url", desk.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"agents": [AGENT]}


def test_draining_says_what_is_left(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.answer(DRAIN, {**INSTANCE, "draining": True, "inflight": 2})
    assert main(["agents", "drain", "support", "s1", "--url", desk.url]) == 0
    assert capsys.readouterr().out == (
        "support/s1 is draining; it holds 3 conversations and 1 task, 2 requests under way\n"
    )
    desk.answer(DRAIN.replace("drain", "undrain"), INSTANCE)
    assert main(["agents", "undrain", "support", "s1", "--url", desk.url, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == INSTANCE


def test_a_name_that_is_not_there_ends_with_the_command_to_try(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    said = {"error": {"reason": "not_found", "message": 'agent support has no instance "s3"; the nearest is s1'}}
    desk.answer("POST /admin/agents/support/instances/s3/drain", said, 404)
    assert main(["agents", "drain", "support", "s3", "--url", desk.url]) == 2
    assert capsys.readouterr().err == (
        f'fedgate: agent support has no instance "s3"; the nearest is s1\ntry: fedgate agents --url {desk.url}\n'
    )


@pytest.mark.parametrize("words", [[], ["support"], ["support", "s1", "s2"]])
def test_draining_takes_two_names(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "drain", *words]) == 2
    assert capsys.readouterr().err == (
        "fedgate: drain takes the name of an agent and of one of its instances: fedgate agents drain AGENT INSTANCE\n"
        "try: fedgate agents\n"
    )


def test_a_manifest_and_a_gateway_are_not_asked_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["agents", "a.yaml", "--url", "http://127.0.0.1:1"]) == 2
    assert "give either --url or a manifest (a.yaml), not both" in capsys.readouterr().err
