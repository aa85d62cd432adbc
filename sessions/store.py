"""The port of a session store: where records outlive the process. Blocking; knows no event loop and no protocol.

Above: `keeper.py`, which calls it from a thread of its own, and `table.py`, whose records
it keeps. Below: `sqlite.py`. The table is complete in memory, so a store is read once, at
the start, and only written after that.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec


class CannotOpenStore(OSError):
    """Sessions cannot be kept where the manifest says; `str(error)` says why and what to try."""


class StoreFailed(Exception):
    """A change could not be written. `str(error)` says why; the store is as it was before."""


class StoredSession(NamedTuple):
    """One record as it is kept. Times are seconds on the wall clock."""

    shelf: str
    """Where it stands in the table: the protocol, and behind a dot which of its things this is."""
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
    shelf: str
    key: str


Key = tuple[str, str]
"""Shelf and key."""


class Worth(NamedTuple):
    """Which records of one shelf are still of use."""

    oldest: float
    """Those used since; seconds on the wall clock."""
    limit: int
    """So many of them, the most recently used."""


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

    def load(self, worth: Callable[[str], Worth]) -> list[StoredSession]:
        """What is still of use, as `worth` says for each shelf; of each shelf the longest unused first.

        The rest is forgotten. Raises `CannotOpenStore`.
        """
        ...

    def save(self, changes: Changes) -> None:
        """Raises `StoreFailed`."""
        ...

    def close(self) -> None: ...
