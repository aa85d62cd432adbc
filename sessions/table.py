"""The session table: who has which session or conversation open, and what must be found again by its id.

One record per MCP session (later: A2A conversation, LLM conversation). Ids are
unguessable. Every look-up names the owner, and a record of somebody else is not found,
exactly like one that does not exist. Idle records expire and the number is capped: the
longest unused goes first, and every such end is counted. Nothing here knows a protocol;
what lives only while the process does hangs on a record as its `attachment`.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from ..core.clock import Clock


class Attachment(Protocol):
    """The live half of a record: streams, calls under way."""

    def ended(self) -> None:
        """The record is gone. Must not block; clean-up that waits is started by the attachment's owner."""
        ...

    @property
    def busy(self) -> bool:
        """Whether something is under way, so that the record is not idle."""
        ...


class Session(msgspec.Struct, eq=False):
    """One record. Times: `created` on the wall clock, `seen` on the monotonic one. `data` is small and plain."""

    protocol: str
    id: str
    owner: str
    view: str
    created: float
    seen: float
    turns: int = 0
    data: dict[str, Any] = {}
    attachment: Attachment | None = None


Ended = Callable[[Session, str], None]


class SessionTable:
    """Records in memory, least recently used first. Synchronous: no look-up ever waits."""

    def __init__(self, clock: Clock, *, idle: float, limit: int, on_end: Ended = lambda _session, _why: None) -> None:
        self._clock = clock
        self._idle = idle
        self._limit = limit
        self._on_end = on_end
        self._records: OrderedDict[tuple[str, str], Session] = OrderedDict()

    def __repr__(self) -> str:
        return f"SessionTable({len(self._records)} of {self._limit})"

    def __len__(self) -> int:
        return len(self._records)

    def count(self, protocol: str) -> int:
        return sum(key[0] == protocol for key in self._records)

    def open(self, protocol: str, owner: str, view: str, data: dict[str, Any]) -> Session:
        """A new record with a fresh id (256 bits, visible ASCII). Makes room by ending the longest unused one."""
        self.sweep()
        while len(self._records) >= self._limit:
            self._end(self._oldest_quiet(), "evicted")
        now = self._clock.monotonic()
        session = Session(protocol, secrets.token_urlsafe(32), owner, view, self._clock.now(), now, data=data)
        self._records[protocol, session.id] = session
        return session

    def find(self, protocol: str, id_: str, owner: str) -> Session | None:
        """The record, if it is this owner's; marks it used."""
        session = self._records.get((protocol, id_))
        if session is None or session.owner != owner:
            return None
        now = self._clock.monotonic()
        if now - session.seen > self._idle and not _busy(session):
            self._end(session, "idle")
            return None
        session.seen = now
        self._records.move_to_end((protocol, id_))
        return session

    def end(self, session: Session) -> None:
        """Ended by its owner, or by an administrator."""
        if (session.protocol, session.id) in self._records:
            self._end(session, "closed")

    def sweep(self) -> None:
        """End what has been idle for too long. Cheap: stops at the first that is not."""
        oldest = self._clock.monotonic() - self._idle
        for session in list(self._expired(oldest)):
            if _busy(session):
                session.seen = self._clock.monotonic()
                self._records.move_to_end((session.protocol, session.id))
            else:
                self._end(session, "idle")

    def _expired(self, oldest: float) -> list[Session]:
        found = []
        for session in self._records.values():
            if session.seen > oldest:
                break
            found.append(session)
        return found

    def _oldest_quiet(self) -> Session:
        """The longest unused record without work under way, among the first few; else simply the first."""
        first = next(iter(self._records.values()))
        for session, _ in zip(self._records.values(), range(32), strict=False):
            if not _busy(session):
                return session
        return first

    def _end(self, session: Session, why: str) -> None:
        self._records.pop((session.protocol, session.id), None)
        if session.attachment is not None:
            session.attachment.ended()
        self._on_end(session, why)

    def close(self) -> None:
        """End all: the gateway stops."""
        for session in list(self._records.values()):
            self._end(session, "shutdown")

    def all(self) -> list[Session]:
        """A copy, least recently used first."""
        return list(self._records.values())


def _busy(session: Session) -> bool:
    return session.attachment is not None and session.attachment.busy
