"""The demo's HTTP servers as child processes: started on free ports, ended with everything they started.

Their logs go to ours. Knows nothing of what the servers do.
"""

import contextlib
import logging
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO

from .stop import BAD_MANIFEST, Stop

log = logging.getLogger("fedgate.demo")

SAMPLES = f"{(__package__ or '').partition('.')[0]}.samples"
"""The package of the samples."""
STARTING = 30.0
"""Seconds it may take until it listens."""
ENDING = 5.0
"""Seconds it may take to end when asked to."""

_LISTENING = re.compile(r"listening on (http://\S+)")
_MAX_LINE = 2000


@contextmanager
def started(module: str, *words: str) -> Iterator[Callable[[], str]]:
    """Run `python -m MODULE --port 0 WORDS`; what is given waits for the URL that it says it listens on.

    So several can start at a time. To wait raises `Stop` if it does not listen.
    """
    child = subprocess.Popen(
        [sys.executable, "-m", module, "--port", "0", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    assert child.stderr is not None
    urls: queue.SimpleQueue[str] = queue.SimpleQueue()
    said: list[str] = []
    reader = threading.Thread(target=_follow, args=(child.stderr, urls, said), name="fedgate-demo", daemon=True)
    reader.start()
    try:
        yield lambda: _url(module, urls, said)
    finally:
        _end(child)
        reader.join(ENDING)
        child.stderr.close()


@contextmanager
def listening(module: str, *words: str) -> Iterator[str]:
    """The same, once it listens."""
    with started(module, *words) as url:
        yield url()


def _url(module: str, urls: "queue.SimpleQueue[str]", said: list[str]) -> str:
    try:
        url = urls.get(timeout=STARTING)
    except queue.Empty:
        url = ""
    if not url:
        last = said[-1] if said else f"it said nothing within {STARTING:g} s"
        raise Stop(f"the sample server {module} does not start: {last}", BAD_MANIFEST, f"python -m {module} --port 0")
    return url


def _follow(lines: IO[str], urls: "queue.SimpleQueue[str]", said: list[str]) -> None:
    """Read to the end, so that the child never waits for us; an empty URL says that it has ended."""
    while line := lines.readline(_MAX_LINE):
        text = line.strip()
        if found := _LISTENING.search(text):
            urls.put(found[1])
        elif text:
            said[:] = [text]
            log.info("%s", text)
    urls.put("")


def _end(child: subprocess.Popen[str]) -> None:
    """Ask the whole group to end; then make it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(ENDING)
    # What the leader leaves behind keeps its group.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()
