"""`fedgate serve` as people run it: a process that starts, says what it does, and ends."""

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from fedgate.cli.main import main
from fedgate.cli.serve import listening_on
from fedgate.cli.stop import Stop
from fedgate.manifest.model import Manifest
from tests.cli.kit import Run, children, environment, gone, start


def test_it_announces_itself_and_ends_with_zero_when_it_is_told_to(sums: str, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        running = start("serve", sums, "--listen", "127.0.0.1:0", cwd=tmp_path)
        started = children(running.process.pid)
        running.process.send_signal(number)
        with running.process:
            assert running.process.wait(30) == 0
        assert [server["state"] for server in running.announced["servers"]] == ["ready"]
        assert started
        assert all(map(gone, started))


def test_the_announcement_for_people_stands_on_standard_error(sums: str, tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "fedgate", "serve", sums, "--listen", "127.0.0.1:0"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        assert process.stdout is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("Sessions are kept in memory"):
                break
        process.terminate()
        rest = process.stdout.read()
        assert process.wait(30) == 0
    text = "".join(said)
    assert "sums    ready  legacy  2025-11-25      6     149        0          0\n" in text
    assert "\n  Claude Code  claude mcp add --transport http fedgate http://127.0.0.1:" in text
    assert "\x1b" not in text
    assert rest == ""


def test_an_address_in_use_is_a_sentence_with_a_way_out(sums: str, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", sums, "--listen", f"127.0.0.1:{port}", "--log-level", "error"]) == 1
    assert capsys.readouterr().err == (
        f"fedgate: cannot listen on 127.0.0.1:{port}: Address already in use; "
        "is another gateway running? set gateway.listen to another port\n"
        f"try: fedgate serve {sums} --listen 127.0.0.1:0\n"
    )


def test_a_session_store_that_cannot_be_used_is_a_sentence(tmp_path: Path, fedgate: Run) -> None:
    path = tmp_path / "stored.yaml"
    path.write_text("gateway: {listen: '127.0.0.1:0'}\nsessions: {store: 'sqlite:./nowhere/sessions.db'}\n")
    done = fedgate("serve", str(path), "--log-level", "error")
    assert done.returncode == 1
    assert done.stderr.startswith(f"fedgate: {tmp_path}/nowhere/sessions.db cannot be used to keep sessions: ")
    assert done.stderr.endswith(f"try: fedgate check {path}\n")


def test_a_bad_manifest_ends_it_with_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("mcp: {servers: {time: {}}}\n")
    assert main(["serve", str(path)]) == 1
    assert capsys.readouterr().err.endswith(f"\ntry: fedgate check {path}\n")


@pytest.mark.parametrize("text", ["8080", "x:y", "127.0.0.1:99999", "::1:8080"])
def test_an_address_must_be_one(text: str) -> None:
    with pytest.raises(Stop) as stopped:
        listening_on(Manifest(), text)
    assert str(stopped.value).startswith(f'--listen "{text}" has ')
    assert str(stopped.value).endswith(': write "HOST:PORT", such as 127.0.0.1:8080 or [::1]:8080')
    assert stopped.value.code == 2


def test_an_address_for_other_machines_still_needs_keys() -> None:
    with pytest.raises(Stop) as stopped:
        listening_on(Manifest(), "0.0.0.0:8080")
    assert str(stopped.value) == (
        '--listen "0.0.0.0:8080" is an address that other machines can reach, but nobody has to say who they are: '
        "add access.keys or access.jwt, or listen on 127.0.0.1"
    )
    keyed = Manifest.model_validate({"access": {"keys": [{"id": "alice", "key": "secret-of-alice"}]}})
    assert str(listening_on(keyed, "0.0.0.0:8080").gateway.listen) == "0.0.0.0:8080"


def test_another_address_changes_nothing_else() -> None:
    before = Manifest.model_validate({"gateway": {"max_concurrent": 7}, "mcp": {"servers": {"a": {"command": "b"}}}})
    after = listening_on(before, "[::1]:9")
    assert str(after.gateway.listen) == "[::1]:9"
    assert (after.gateway.max_concurrent, after.mcp) == (7, before.mcp)
