"""Lines to a file descriptor from a thread of its own, so that a stuck reader never stops the gateway.

`put` is called on the event loop: it neither blocks nor raises. The thread drains in
batches. At capacity the newest line is dropped and counted. Knows bytes only. Above:
`access_log.py` (standard output) and `logs.py` (standard error).
"""

import os
import select
import threading
from collections import deque
from typing import Literal

Format = Literal["auto", "logfmt", "json"]

_BATCH = 256
_POLL_MS = 1000


def pick_format(wanted: Format, fd: int) -> Literal["logfmt", "json"]:
    """`auto` is logfmt on a terminal and JSON elsewhere."""
    if wanted == "auto":
        return "logfmt" if is_terminal(fd) else "json"
    return wanted


def is_terminal(fd: int) -> bool:
    """False also for a descriptor that is closed."""
    return os.isatty(fd)


class Writer:
    """Owns a daemon thread from construction to `close`; does not own `fd`.

    `capacity` counts lines; `linger` is how many seconds the first line of a batch waits
    for company, which keeps the thread asleep most of the time under load.
    """

    def __init__(self, fd: int, *, capacity: int = 10_000, linger: float = 0.05) -> None:
        self._fd = fd
        self._capacity = capacity
        self._linger = linger
        self._lines: deque[bytes] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._sending = 0
        # Two counters, one per thread: an int's += is not atomic.
        self._refused = 0
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="fedgate-writer", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Lines that will never be written: no room, after `close`, or the descriptor failed."""
        return self._refused + self._lost

    def put(self, line: bytes) -> None:
        """Queue one line (with its newline)."""
        if len(self._lines) >= self._capacity or self._closing.is_set():
            self._refused += 1
            return
        self._lines.append(line)
        if not self._wake.is_set():
            self._wake.set()

    def close(self, timeout: float = 5.0) -> None:
        """Write what is queued and end the thread, within `timeout` seconds. Blocks; safe to call twice.

        If the reader takes nothing for that long, the rest is counted as dropped.
        """
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._refused += len(self._lines) + self._sending
            self._lines.clear()
            self._sending = 0

    def _run(self) -> None:
        while not self._closing.is_set() or self._lines:
            self._wake.wait()
            self._closing.wait(self._linger)
            # Cleared before draining: a line put from here on wakes us again.
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        while self._lines:
            count = min(len(self._lines), _BATCH)
            self._sending = count
            self._send(b"".join([self._lines.popleft() for _ in range(count)]))
            self._sending = 0

    def _send(self, batch: bytes) -> None:
        rest = memoryview(batch)
        try:
            while rest:
                rest = rest[self._some(rest) :]
        except OSError:
            self._lost += self._sending

    def _some(self, data: memoryview) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            # A descriptor shared with someone who made it non-blocking.
            ready = select.poll()
            ready.register(self._fd, select.POLLOUT)
            ready.poll(_POLL_MS)
            return 0
