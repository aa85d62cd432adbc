"""The port of a session store: where records outlive the process. Blocking; knows no event loop and no protocol.

Above: `keeper.py`, which calls it from a thread of its own, and `table.py`, whose records
it keeps. Below: `sqlite.py`. The table is complete in memory, so a store is read once, at
the start, and only written after that.
"""

from typing import NamedTuple, Protocol

import msgspec


class CannotOpenStore(OSError):
    """Sessions cannot be kept where the manifest says; `str(error)` says why and what to try."""


class StoreFailed(Exception):
    """A change could not be written. `str(error)` says why; the store is as it was before."""


class StoredSession(NamedTuple):
    """One record as it is kept. Times are seconds on the wall clock."""

    protocol: str
    key: str
    """The SHA-256 of the session's id, in hex: whoever steals the file cannot use a session."""
    owner: str
    view: str
    created: float
    seen: float
    turns: int
    data: str
    """What the protocol remembers: a JSON object."""
    pins: str
    """Upstream → what this session is bound to there: a JSON object of strings."""


class Seen(NamedTuple):
    """A record that was used, and did not change otherwise."""

    seen: float
    turns: int
    protocol: str
    key: str


Key = tuple[str, str]
"""Protocol and key."""


class Changes(msgspec.Struct, frozen=True):
    """What is written at once: all of it or nothing."""

    put: list[StoredSession]
    seen: list[Seen]
    gone: list[Key]


class Store(Protocol):
    """Called by one thread at a time."""

    @property
    def place(self) -> str:
        """Where people find it."""
        ...

    def load(self, oldest: float, limit: int) -> list[StoredSession]:
        """The `limit` most recently used of the records that were used since `oldest`, the oldest first.

        The rest is forgotten. Raises `CannotOpenStore`.
        """
        ...

    def save(self, changes: Changes) -> None:
        """Raises `StoreFailed`."""
        ...

    def close(self) -> None: ...
