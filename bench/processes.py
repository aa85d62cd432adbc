"""Child processes: each in a process group of its own, logged to files, surely ended.

Above: `targets.py`, `driver.py`. Below: nothing of ours.
"""

import contextlib
import http.client
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[1]
STOP_SECONDS = 5.0


class BenchError(Exception):
    """Something of the bench itself did not work: one sentence that says what to do or look at."""


@dataclass
class Child:
    """A running process. Standard output and error are files, or output is a pipe read by `line`."""

    name: str
    process: subprocess.Popen[bytes]
    errors: Path
    _pending: bytes = b""

    @property
    def pid(self) -> int:
        return self.process.pid

    def ended(self) -> bool:
        return self.process.poll() is not None

    def tail(self) -> str:
        """The last lines it wrote to standard error."""
        lines = self.errors.read_text(errors="replace").strip().splitlines()
        return " | ".join(lines[-3:]) or "it wrote nothing to standard error"

    def line(self, seconds: float) -> str:
        """The next line of its output, waited for at most `seconds`."""
        assert self.process.stdout is not None
        deadline = time.monotonic() + seconds
        while b"\n" not in self._pending:
            wait = max(0.0, deadline - time.monotonic())
            if not select.select([self.process.stdout], [], [], wait)[0]:
                raise BenchError(f"{self.name} said nothing for {seconds:.0f} s")
            chunk = os.read(self.process.stdout.fileno(), 65_536)
            if not chunk:
                raise BenchError(f"{self.name} ended early: {self.tail()}")
            self._pending += chunk
        line, _, self._pending = self._pending.partition(b"\n")
        return line.decode()

    def say(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """SIGTERM to its group, and SIGKILL to what is still there after `seconds`."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


Place = Literal["apart", "beside"]
"""Where a process runs: what is measured apart, on the first processor; what drives and answers it on the others."""


def processors(place: Place) -> set[int]:
    """Those of the place; the same for both where there is but one."""
    there = sorted(os.sched_getaffinity(0))
    return set(there[:1] if place == "apart" else there[1:] or there)


@contextlib.contextmanager
def running(
    name: str, command: list[str], folder: Path, *, piped: bool = False, place: Place | None = None
) -> Iterator[Child]:
    """Start `command` from the repository's root and stop it at the end.

    Its output goes to `folder/NAME.out` (or to a pipe) and `folder/NAME.err`. Without a `place` it runs anywhere.
    """
    errors = folder / f"{name}.err"
    with errors.open("ab") as error, (folder / f"{name}.out").open("ab") as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output,
                stderr=error,
                env=environment(),
                cwd=ROOT,
                start_new_session=True,
            )
        except OSError as problem:
            raise BenchError(f"{name} does not start: {problem}") from problem
    child = Child(name, process, errors)
    if place is not None:
        with contextlib.suppress(ProcessLookupError):
            os.sched_setaffinity(process.pid, processors(place))
    try:
        yield child
    finally:
        child.stop()


def environment() -> dict[str, str]:
    """The environment of children: the repository importable before all else, no proxy between loopback peers.

    Modules are compiled once and kept, as they are wherever nobody forbids it: a start is measured, not a compiler.
    """
    path = os.pathsep.join(each for each in (str(ROOT), os.environ.get("PYTHONPATH", "")) if each)
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": path, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def status_of(port: int, path: str, verb: str = "GET") -> int:
    """The status of one request on loopback; 0 when nobody answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request(verb, path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def wait_until_answers(child: Child, port: int, path: str, seconds: float) -> None:
    """Ask every 5 ms until `path` answers 200."""
    deadline = time.monotonic() + seconds
    while (status := status_of(port, path)) != 200:
        if child.ended():
            raise BenchError(f"{child.name} ended at start: {child.tail()}")
        if time.monotonic() > deadline:
            what = f"answers {status}" if status else "does not answer"
            raise BenchError(f"{child.name}: {path} {what} after {seconds:.0f} s: {child.tail()}")
        time.sleep(0.005)
