"""A server's standard error as log lines, bounded in length and in rate.

Knows windows of time, not pipes: the owner calls `roll` when a window with something
to say has ended, and stops reading while `over`. Above: `stdio`.
"""

from collections.abc import Callable

from ..core.clock import Clock
from .stdio_lines import LogLines, clean

LINE = 4096
"""Bytes of a line that are kept."""
WINDOW = 1.0
"""Seconds over which lines and bytes are counted."""
LINES = 100
"""Lines per window, blank ones included, that are passed on; the rest is only counted."""
BYTES = 8 * 1024 * 1024
"""Bytes per window beyond which a flood must wait: reading it would cost others their time."""


class StderrLog:
    """Passes lines to `sink`, with every text of `secrets` masked."""

    def __init__(self, sink: Callable[[str], None], clock: Clock, secrets: tuple[str, ...] = ()) -> None:
        self.suppressed = 0
        """Lines of this window that were not passed on."""
        self._tail = b""
        self._sink = sink
        self._clock = clock
        self._secrets = secrets
        self._cut = LogLines(LINE)
        self._began = clock.monotonic()
        self._lines = 0
        self._bytes = 0

    @property
    def last(self) -> str:
        """The last non-empty line: a dying server's last words."""
        texts = (clean(line) for line in reversed(self._tail.split(b"\n")))
        return self.mask(next(filter(None, texts), ""))

    @property
    def over(self) -> bool:
        """More was read in this window than may be."""
        return self._bytes > BYTES

    @property
    def remaining(self) -> float:
        """Seconds until this window ends."""
        return max(0.0, self._began + WINDOW - self._clock.monotonic())

    def feed(self, data: bytes) -> None:
        """Take what was read."""
        if not self.remaining:
            self.roll()
        self._bytes += len(data)
        self._tail = (self._tail + data)[-2 * LINE :]
        room = max(0, LINES - self._lines)
        self._lines += data.count(b"\n")
        lines, more = self._cut.feed(data, room)
        self.suppressed += more
        for line in lines:
            self._sink(self.mask(line))

    def roll(self) -> None:
        """Begin a new window; say what the old one swallowed."""
        if self.suppressed:
            self._sink(f"(suppressed {self.suppressed} lines)")
        self._began = self._clock.monotonic()
        self._lines = self._bytes = self.suppressed = 0

    def flush(self) -> None:
        """The stream has ended: pass on what is left."""
        self.roll()
        for line in self._cut.flush():
            self._sink(self.mask(line))

    def mask(self, text: str) -> str:
        """The text with secrets made unreadable."""
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text
