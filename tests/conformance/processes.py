"""Starts processes in groups of their own, waits for them with a bound, and ends whole groups.

Used as a context manager: whatever was started is gone afterwards, whatever went wrong.
Knows nothing of MCP.
"""

import http.client
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
STOP_SECONDS = 10.0


class RunnerError(Exception):
    """A sentence for the person at the terminal."""


@dataclass(frozen=True)
class Started:
    """A running process and the file that takes its output."""

    process: subprocess.Popen[bytes]
    log: Path

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def tail(self, lines: int = 15) -> str:
        return "\n".join(self.output().splitlines()[-lines:])


@contextmanager
def started(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Iterator[Started]:
    """Run `command` in a new process group; end the group at exit."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
    try:
        yield Started(process, log)
    finally:
        end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM to the whole group, SIGKILL to what is left after `STOP_SECONDS`."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
        except ProcessLookupError:
            break
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
    process.wait(STOP_SECONDS)


def wait_until(what: str, child: Started, seconds: float, is_true: Callable[[], bool]) -> None:
    """Poll `is_true`; give up with the child's last lines when it dies or the time is over."""
    end = time.monotonic() + seconds
    while not is_true():
        if child.process.poll() is not None:
            raise RunnerError(f"{what}: the process ended with code {child.process.returncode}\n{child.tail()}")
        if time.monotonic() > end:
            raise RunnerError(f"{what}: not within {seconds:g} s\n{child.tail()}")
        time.sleep(POLL_SECONDS)


def announced_url(child: Started, seconds: float) -> str:
    """The URL that a fixture server writes as a line of its own once it listens."""

    def urls() -> list[str]:
        return [line for line in child.output().splitlines(keepends=True) if line.startswith("http://")]

    wait_until("the upstream server does not listen", child, seconds, lambda: any(u.endswith("\n") for u in urls()))
    return urls()[0].strip()


def is_ready(host: str, port: int) -> bool:
    """Whether the gateway's /readyz answers 200 and no server of it is still starting."""
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return response.status == 200 and b'"starting"' not in body
