"""A session store in memory that does what a test says: fails, hangs, or is crashed with what it has."""

import threading
from collections.abc import Callable

from fedgate.sessions.store import Changes, Key, StoredSession, StoreFailed, Worth

LIMIT = 10.0


class FakeStore:
    """A `Store`. `broken` is why it fails; `gate` is waited for before each save; `saves` is what was written."""

    place = "a test's memory"

    def __init__(self, kept: dict[Key, StoredSession] | None = None) -> None:
        self.kept = {} if kept is None else kept
        self.broken = ""
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.on_save: Callable[[], None] = lambda: None
        self.saves: list[Changes] = []
        self.asked: list[Worth] = []
        self.closed = False

    def load(self, worth: Callable[[str], Worth]) -> list[StoredSession]:
        self.asked.append(worth("mcp"))
        return sorted(self.kept.values(), key=lambda each: each.seen)

    def save(self, changes: Changes) -> None:
        self.entered.set()
        assert self.gate.wait(LIMIT)
        self.on_save()
        if self.broken:
            raise StoreFailed(self.broken)
        self.saves.append(changes)
        for each in changes.put:
            self.kept[each.shelf, each.key] = each
        for used in changes.seen:
            key = (used.shelf, used.key)
            if key in self.kept:
                self.kept[key] = self.kept[key]._replace(seen=used.seen, turns=used.turns)
        for key in changes.gone:
            self.kept.pop(key, None)

    def close(self) -> None:
        self.closed = True


def stored(key: str = "k", owner: str = "key:alice", seen: float = 0.0, data: str = "{}") -> StoredSession:
    """A record as a store gives it."""
    return StoredSession("mcp", key, owner, "", seen, seen, 3, data, "{}")
