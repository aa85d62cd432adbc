"""The session table: who has which session or conversation open, and what must be found again by its id.

One record per MCP session (later: A2A conversation, LLM conversation). Ids are
unguessable. Every look-up names the owner, and a record of somebody else is not found,
exactly like one that does not exist. Idle records expire and the number is capped: the
longest unused goes first, and every such end is counted. Nothing here knows a protocol;
what lives only while the process does hangs on a record as its `attachment`.

All records are in memory, so no look-up ever waits. With a store (`keep`), changes are
noted for whoever writes them (`keeper.py`), and only `kept` and `reveal` wait for that.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..core.clock import Clock
from ..core.errors import Overloaded
from .record import Attachment, Session
from .store import Changes, StoredSession
from .unsaved import Unsaved

__all__ = ["Attachment", "Session", "SessionTable"]

Ended = Callable[[Session, str], None]
Revive = Callable[[Session], Attachment | None]
"""Makes the live half of a restored record that is used again; `None` if it cannot be used any more."""

REFRESH = 60.0
"""Seconds after which a record with work under way counts as used again."""


class SessionTable:
    """Records in memory, least recently used first."""

    def __init__(self, clock: Clock, *, idle: float, limit: int, on_end: Ended = lambda _session, _why: None) -> None:
        self.clock = clock
        self.revive: dict[str, Revive] = {}
        """Protocol → what is called when a record without an attachment is found."""
        self.idle = idle
        self.limit = limit
        self._on_end = on_end
        self._records: OrderedDict[tuple[str, str], Session] = OrderedDict()
        self._key: Callable[[str], str] = str
        self._unsaved: Unsaved | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"SessionTable({len(self._records)} of {self.limit})"

    def __len__(self) -> int:
        return len(self._records)

    def count(self, protocol: str) -> int:
        return sum(key[0] == protocol for key in self._records)

    def open(self, protocol: str, owner: str, view: str, data: dict[str, Any]) -> Session:
        """A new record with a fresh id (256 bits, visible ASCII). Makes room by ending the longest unused one.

        Raises `Overloaded` while records cannot be stored, and once the gateway stops.
        """
        self._check_open()
        self._expire()
        while len(self._records) >= self.limit:
            self._end(self._oldest_quiet(), "evicted")
        now = self.clock.monotonic()
        id_ = secrets.token_urlsafe(32)
        session = Session(protocol, id_, owner, view, self.clock.now(), now, data=data, key=self._key(id_))
        self._records[protocol, session.key] = session
        self.changed(session)
        return session

    @property
    def resting(self) -> bool:
        """The gateway stops, and its records will be there again when it starts: none is found until then."""
        return self._closed and self._unsaved is not None

    def _check_open(self) -> None:
        if self._closed:
            raise Overloaded("the gateway is stopping; try again in a moment")
        if self._unsaved is not None and self._unsaved.failing:
            raise Overloaded("sessions cannot be stored at the moment, so no new one is opened; try again later")

    def find(self, protocol: str, id_: str, owner: str) -> Session | None:
        """The record, if it is this owner's; marks it used."""
        session = self._records.get((protocol, self._key(id_)))
        if session is None or session.owner != owner or self._closed:
            return None
        now = self.clock.monotonic()
        if now - session.seen >= self.idle and not session.busy:
            self._end(session, "idle")
            return None
        session.seen = now
        self._records.move_to_end((protocol, session.key))
        if session.attachment is None:
            return self._revived(session, id_)
        return session

    def _revived(self, session: Session, id_: str) -> Session | None:
        session.id = id_
        revive = self.revive.get(session.protocol)
        if revive is None:
            return session
        session.attachment = revive(session)
        if session.attachment is not None:
            return session
        self._end(session, "unreadable")
        return None

    def changed(self, session: Session) -> None:
        """What the record remembers (`data`, `pins`) is other now. One that has ended stays ended."""
        if self._unsaved is not None and (session.protocol, session.key) in self._records:
            self._unsaved.changed(session)

    def end(self, session: Session) -> None:
        """Ended by its owner, or by an administrator."""
        self._end(session, "closed")

    def sweep(self) -> None:
        """End what has been idle for too long; what is busy has been used all the time. For now and then."""
        now = self.clock.monotonic()
        for session in self._unused(now - min(REFRESH, self.idle)):
            if session.busy:
                session.seen = now
                self._records.move_to_end((session.protocol, session.key))
        self._expire()

    def _expire(self) -> None:
        """Cheap: stops at the first that is not old enough."""
        for session in self._unused(self.clock.monotonic() - self.idle):
            if not session.busy:
                self._end(session, "idle")

    def _unused(self, since: float) -> list[Session]:
        found = []
        for session in self._records.values():
            if session.seen > since:
                break
            found.append(session)
        return found

    def _oldest_quiet(self) -> Session:
        """The longest unused record without work under way, among the first few; else simply the first."""
        first = next(iter(self._records.values()))
        for session, _ in zip(self._records.values(), range(32), strict=False):
            if not session.busy:
                return session
        return first

    def _end(self, session: Session, why: str) -> None:
        if self._records.pop((session.protocol, session.key), None) is None:
            return  # its end was a consequence of another's
        if self._unsaved is not None:
            self._unsaved.ended(session)
        if session.attachment is not None:
            session.attachment.ended()
        self._on_end(session, why)

    def close(self) -> None:
        """The gateway stops. Records that are stored only lose their live half; others end."""
        self._closed = True
        for session in list(self._records.values()):
            if self._unsaved is None:
                self._end(session, "shutdown")
            elif session.attachment is not None:
                session.attachment.ended()
                session.attachment = None

    def all(self) -> list[Session]:
        """A copy, least recently used first."""
        return list(self._records.values())

    # With a store.

    def keep(self, unsaved: Unsaved, stored: Iterable[StoredSession]) -> None:
        """From now on note what is to be stored; begin with the records that were. Before the first `open`."""
        self._unsaved = unsaved
        self._key = digest
        now, wall = self.clock.monotonic(), self.clock.now()
        for each in stored:
            session = Session(each.protocol, "", each.owner, each.view, each.created, now, each.turns, key=each.key)
            session.seen = now - max(wall - each.seen, 0.0)
            session.data = _object(each.data)
            session.pins = _object(each.pins)
            self._records[each.protocol, each.key] = session

    def gather(self) -> Changes | None:
        """What is to be written now; `Unsaved.settle` takes the outcome."""
        return None if self._unsaved is None else self._unsaved.gather(reversed(self._records.values()))

    async def kept(self, session: Session) -> bool:
        """Wait until the record is stored as it is now; whether that succeeded. `True` at once without a store."""
        return self._unsaved is None or await self._unsaved.saved(session)

    async def reveal(self, protocol: str, id_: str) -> None:
        """To be awaited before the id of a new record leaves: it must not be lost once somebody knows it.

        Raises `Overloaded` if it cannot be stored; the record has ended then.
        """
        session = self._records.get((protocol, self._key(id_)))
        if session is None or await self.kept(session):
            return
        self.end(session)
        raise Overloaded("the session could not be stored; try again later")


def digest(id_: str) -> str:
    """What stands for an id in a store: enough to find it again, not enough to use it."""
    return hashlib.sha256(id_.encode()).hexdigest()


def _object(text: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return {}  # whoever revives it will miss what should be there
    return found if isinstance(found, dict) else {}
