"""Marks in what fake upstreams send, so that every answer and every event can be checked by who asked.

A request holds a wish: what it wants and a word nobody else uses. Each event of a stream repeats that
word with its number and the moment it was sent, on the clock that all processes of a machine share.
Pure but for that clock. Above: fake upstreams and load generators. Below: `http_client.py`.
"""

import re
import time
from collections.abc import Callable
from typing import NamedTuple

from bench.http_client import Wrong

_WISH = re.compile(rb"wish ([0-9a-zA-Z._-]{1,64}) ([a-z]{1,16}) (\d{1,6}) (\d{1,6})\.")
Reader = Callable[[bytes], str]
"""From the data of one event to its mark; empty if it has none."""


class Wish(NamedTuple):
    """What is asked for: `kind` is the upstream's to know, `gap` in milliseconds."""

    word: str
    kind: str = "plain"
    events: int = 1
    gap: int = 0

    def __str__(self) -> str:
        return f"wish {self.word} {self.kind} {self.events} {self.gap}."


class Flow(NamedTuple):
    """A response that is sent piece by piece, `gap` seconds apart (0: at once), and then `tail`."""

    head: bytes
    piece: Callable[[int], bytes]
    pieces: int
    gap: float
    tail: bytes


def wish_in(body: bytes) -> Wish:
    """The wish that stands anywhere in a body."""
    found = _WISH.search(body)
    if found is None:
        return Wish("none")
    return Wish(found[1].decode(), found[2].decode(), int(found[3]), int(found[4]))


def mark(word: str, number: int) -> str:
    """What event `number` carries."""
    return f"{word} {number} {time.monotonic():.6f}"


class Listener:
    """Takes the bytes of one event stream as they come and checks every mark; `check` says what was wrong."""

    def __init__(self, word: str, count: int, read: Reader) -> None:
        self.lags: list[float] = []
        """Of each marked event: seconds between its sending and its arrival here."""
        self.last = b""
        self._word = word
        self._count = count
        self._read = read
        self._held = b""
        self._problem = ""

    def take(self, data: bytes) -> None:
        """Never raises: it is called by a parser."""
        now = time.monotonic()
        *frames, self._held = (self._held + data).replace(b"\r\n", b"\n").split(b"\n\n")
        for frame in frames:
            said = b"\n".join(line[5:].removeprefix(b" ") for line in frame.split(b"\n") if line.startswith(b"data:"))
            if said:
                self.last = said
                self._see(said, now)

    def _see(self, data: bytes, now: float) -> None:
        try:
            found = self._read(data)
            if not found:
                return
            word, number, sent = found.split(" ")[:3]
            if word != self._word or int(number) != len(self.lags):
                self._note(f"event {number} of {word} came as event {len(self.lags)} of {self._word}")
            self.lags.append(now - float(sent))
        except (ValueError, Wrong) as error:
            self._note(f"{error}: {data[:200]!r}")

    def _note(self, problem: str) -> None:
        self._problem = self._problem or problem

    def check(self) -> None:
        """Raises `Wrong` unless all events came, each once and in order, and nothing was cut."""
        if self._problem:
            raise Wrong(self._problem)
        if self._held.strip() or len(self.lags) != self._count:
            raise Wrong(f"{len(self.lags)} events of {self._count} came, then {self._held[:100]!r}")
