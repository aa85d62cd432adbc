"""The access log: one line per operation, written off the request's path, none lost at shutdown.

The line is spelled at once (some ten microseconds, and its memory is bounded from then
on) and written by `Writer`'s thread. Above: `gateway/observe.py`; the owner closes it
last, after the server has ended.
"""

from types import TracebackType
from typing import Self

from .lines import Ended, Place, json_access_line, logfmt_line
from .writer import Format, Writer, pick_format


class AccessLog:
    """A context manager; `capacity` is how many lines may wait for a slow reader of `fd`."""

    def __init__(self, fd: int, form: Format = "auto", capacity: int = 10_000, place: Place | None = None) -> None:
        self._line = logfmt_line if pick_format(form, fd) == "logfmt" else json_access_line
        self._place = place or Place()
        self._writer = Writer(fd, capacity=capacity)

    def write(self, ended: Ended) -> None:
        """Queue the line of an operation. Never blocks, never raises; drops (and counts) at capacity."""
        self._writer.put(self._line(ended, self._place))

    @property
    def dropped(self) -> int:
        """Lines lost so far (`fedgate_access_log_dropped_total`)."""
        return self._writer.dropped

    def close(self, timeout: float = 5.0) -> None:
        """Write everything that waits, within `timeout` seconds. Blocks: not for the event loop."""
        self._writer.close(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
