"""Where messages of the last minutes were sent, so that one that is sent again reaches the same instance.

Kept beside the session table and not in it: nobody lists these, none outlives the process, and one is made
for every message. Knows no instance, only labels. Above: `pins.py`. Below: the clock.
"""

from collections import OrderedDict

from ..core.clock import Clock

MESSAGES = 10_000
"""Messages remembered per agent; of more, the oldest is forgotten."""
IDLE = 600.0
"""Seconds that a message is remembered: longer than clients wait before they try again."""


class Repeats:
    """The messages of one agent, the longest unsent first."""

    def __init__(self, clock: Clock, limit: int = MESSAGES) -> None:
        self._clock = clock
        self._limit = limit
        self._sent: OrderedDict[tuple[str, str], tuple[str, float]] = OrderedDict()
        self._due = 0.0
        """Before this moment none is old enough to be forgotten."""

    def __len__(self) -> int:
        return len(self._sent)

    def __repr__(self) -> str:
        return f"<Repeats {len(self)}>"

    def note(self, owner: str, id_: str, label: str) -> None:
        """This message of the owner goes there, and will again."""
        sent, key, now = self._sent, (owner, id_), self._clock.monotonic()
        if key in sent:
            sent.move_to_end(key)
        sent[key] = label, now
        if len(sent) > self._limit:
            sent.popitem(last=False)
        if now >= self._due:
            self._forget(now)

    def _forget(self, now: float) -> None:
        """Those that were sent too long ago; the one that was sent just now stays."""
        while now - (oldest := next(iter(self._sent.values()))[1]) >= IDLE:
            self._sent.popitem(last=False)
        self._due = oldest + IDLE

    def find(self, owner: str, id_: str) -> str:
        """The label of the instance that was sent it last; empty if none was, or long ago."""
        label, when = self._sent.get((owner, id_), ("", 0.0))
        return label if label and self._clock.monotonic() - when < IDLE else ""
