"""The terminal and the browser that a login needs, without a client of others."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.clients.oauth_login import LoginError, agree, at_terminal, browser
from tests.listening import Quiet, listening

SECONDS = 30.0


@contextmanager
def site() -> Iterator[str]:
    """`/to/PLACE` leads to PLACE, `/loop` to itself, `/page` is a page, and anything else is not there."""

    class Handler(Quiet):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            onward = path.removeprefix("/to/") if path.startswith("/to/") else "/loop" if path == "/loop" else ""
            self.send_response(302 if onward else 200 if path == "/page" else 404)
            if onward:
                self.send_header("location", onward)
            self.send_header("content-length", "0")
            self.end_headers()

    with listening(Handler) as url:
        yield url


def test_the_browser_follows_an_address_to_its_page() -> None:
    with site() as url:
        assert agree(f"{url}/to//page") == 0
        assert agree(f"{url}/nowhere") == 1


def test_the_browser_gives_up_on_an_address_that_leads_to_itself() -> None:
    with site() as url:
        assert agree(f"{url}/loop") == 1


@pytest.mark.parametrize("address", ["https://127.0.0.1:1/", "http://192.0.2.1/", "file:///etc/passwd", "nonsense"])
def test_the_browser_leaves_this_machine_for_nothing(address: str) -> None:
    assert agree(address) == 1
    with site() as url:
        assert agree(f"{url}/to/{address}") == 1


def test_the_browser_is_a_command(tmp_path: Path) -> None:
    with site() as url:
        command = [str(browser(tmp_path)), f"{url}/page"]
        assert subprocess.run(command, timeout=SECONDS, check=False).returncode == 0


def test_a_command_at_a_terminal_has_one_and_is_read_to_its_end(tmp_path: Path) -> None:
    script = "import sys; print(sys.stdin.isatty(), sys.stdout.isatty()); print('x' * 100_000)"
    said = at_terminal([sys.executable, "-c", script], tmp_path, dict(os.environ))
    assert said.startswith("True True\r\n")
    assert said.count("x") == 100_000


def test_a_command_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    script = "import sys; sys.exit('out of cheese')"
    with pytest.raises(LoginError, match=r"ended with 1:\nout of cheese"):
        at_terminal([sys.executable, "-c", script], tmp_path, dict(os.environ))


def test_a_command_that_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(LoginError, match="ended with None"):
        at_terminal(["sleep", "300"], tmp_path, dict(os.environ), seconds=0.1, end=0.1)
