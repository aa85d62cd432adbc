"""A person at a terminal for `claude mcp login`: a pseudo-terminal, and a browser that agrees to everything.

    python tests/clients/oauth_login.py URL      the browser: follows the address wherever it leads, on loopback

Claude Code opens the browser that BROWSER names with the address of the authorization, and waits for its answer on
a loopback port; without a terminal it does not begin. Standard library only. Above: `test_claude_code_oauth.py`.
"""

import http.client
import os
import pty
import select
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urljoin, urlsplit

LOGIN_SECONDS = 60.0
END_SECONDS = 10.0
BROWSER_SECONDS = 10.0
PIECE = 4096
MAX_SAID = 256 * 1024
MAX_HOPS = 8
REDIRECTS = (301, 302, 303, 307, 308)
LOOPBACK = ("127.0.0.1", "localhost")


class LoginError(Exception):
    """It did not end well; says what stood on the terminal."""


def browser(folder: Path) -> Path:
    """A command that a program can start as its browser."""
    script = folder / "browser"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).resolve()}" "$1"\n')
    script.chmod(0o755)
    return script


def at_terminal(
    command: list[str],
    folder: Path,
    env: dict[str, str],
    *,
    seconds: float = LOGIN_SECONDS,
    end: float = END_SECONDS,
) -> str:
    """Run a command on a terminal of its own and return what it wrote there. Raises `LoginError`.

    `seconds` for all that it says, `end` more for its end.
    """
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "rb", 0) as screen:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=env, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
            )
        finally:
            os.close(theirs)
        try:
            said = _until_closed(screen.fileno(), seconds)
            code: int | None = process.wait(end)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            process.kill()
            process.wait(END_SECONDS)
    if code != 0:
        raise LoginError(f"{command[1:]} ended with {code}:\n{said}")
    return said


def _until_closed(screen: int, seconds: float) -> str:
    """What is written until the last writer is gone, or the time is over."""
    said, end = b"", time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0 and len(said) < MAX_SAID:
        if not select.select([screen], [], [], left)[0]:
            break
        try:
            piece = os.read(screen, PIECE)
        except OSError:  # how Linux says that nobody writes any more
            break
        if not piece:
            break
        said += piece
    return said.decode(errors="replace")


def agree(url: str) -> int:
    """Open an address as a browser whose user is logged in and agrees. The exit code."""
    try:
        for _ in range(MAX_HOPS):
            status, onward = _opened(url)
            if status not in REDIRECTS:
                return 0 if status == 200 else 1
            url = urljoin(url, onward)
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stderr.write(f"{error}\n")
    return 1


def _opened(url: str) -> tuple[int, str]:
    """The status of a page on loopback, and where it leads."""
    parts = urlsplit(url)
    if parts.scheme != "http" or parts.hostname not in LOOPBACK:
        raise ValueError(f"{parts.netloc} is not on loopback")
    with closing(http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=BROWSER_SECONDS)) as connection:
        connection.request("GET", f"{parts.path or '/'}?{parts.query}")
        page = connection.getresponse()
        return page.status, page.headers.get("location", "")


if __name__ == "__main__":
    sys.exit(agree(sys.argv[1]))
