"""The session table: who has which session or conversation open, and what must be found again by its id.

One record per MCP session, A2A context, A2A task and LLM conversation, each kind on a shelf of its
own with its own rule (`shelf.py`). Every look-up names the owner, and a record of somebody else is
not found, exactly like one that does not exist; only `claim` and `peek`, for ids that others mint,
show whose it is. Idle records expire and every shelf has a cap; each such end is counted. Nothing
here knows a protocol; what lives only while the process does hangs on a record as its `attachment`.

All records are in memory, so no look-up ever waits. With a store (`keep`), changes are
noted for whoever writes them (`keeper.py`), and only `kept` and `reveal` wait for that.
"""

import hashlib
import secrets
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from ..core.clock import Clock
from ..core.errors import Overloaded
from .record import Attachment, Session
from .shelf import Rule, Shelf
from .store import Changes, StoredSession
from .unsaved import Unsaved

__all__ = ["Attachment", "Rule", "Session", "SessionTable"]

Ended = Callable[[Session, str], None]
Revive = Callable[[Session], Attachment | None]
"""Makes the live half of a restored record that is used again; `None` if it cannot be used any more."""

REFRESH = 60.0
"""Seconds after which a record with work under way counts as used again."""


class SessionTable:
    """Shelves by name; one that was not declared by `shelve` has the rule given here."""

    def __init__(self, clock: Clock, *, idle: float, limit: int, on_end: Ended = lambda _session, _why: None) -> None:
        self.clock = clock
        self.revive: dict[str, Revive] = {}
        """Shelf → what is called when a record without an attachment is found."""
        self._rule = Rule(idle, limit)
        self._on_end = on_end
        self._shelves: dict[str, Shelf] = {}
        self._key: Callable[[str], str] = str
        self._unsaved: Unsaved | None = None
        self._closed = False
        self.in_memory = True
        """Nothing is stored: `kept` need not be awaited."""

    def __repr__(self) -> str:
        return f"SessionTable({', '.join(map(repr, self._shelves.values()))})"

    def __len__(self) -> int:
        return sum(map(len, self._shelves.values()))

    def count(self, shelf: str) -> int:
        found = self._shelves.get(shelf)
        return 0 if found is None else len(found)

    def shelve(self, name: str, rule: Rule) -> None:
        """Declare the rule of a shelf; before its first record, or stored ones would be measured by another.

        Of a shelf that is there already, the rule changes from now on.
        """
        shelf = self._shelves.get(name)
        if shelf is None:
            self._shelves[name] = Shelf(name, rule)
        else:
            shelf.rule = rule

    def _shelf(self, name: str) -> Shelf:
        shelf = self._shelves.get(name)
        if shelf is None:
            shelf = self._shelves[name] = Shelf(name, self._rule)
        return shelf

    def rule(self, name: str) -> Rule:
        """The rule of a shelf."""
        shelf = self._shelves.get(name)
        return self._rule if shelf is None else shelf.rule

    def open(self, shelf: str, owner: str, view: str, data: dict[str, Any]) -> Session:
        """A new record with a fresh id (256 bits, visible ASCII). Makes room as the shelf's rule says.

        Raises `Overloaded` while records cannot be stored, once the gateway stops, and where the rule refuses.
        """
        self._check_open()
        return self._new(self._shelf(shelf), secrets.token_urlsafe(32), owner, view, data)

    def claim(
        self, shelf: str, id_: str, owner: str, view: str, data: dict[str, Any] | None = None
    ) -> tuple[Session, bool]:
        """The record with this id, whoever's it is, or else a new one of `owner`'s; and whether it is new.

        First claim wins. Only a record of the same owner is marked as used. Raises as `open` does.
        """
        session = self.peek(shelf, id_)
        if session is not None:
            if session.owner == owner:
                self.use(session)
            return session, False
        self._check_open()
        return self._new(self._shelf(shelf), id_, owner, view, {} if data is None else data), True

    def _new(self, shelf: Shelf, id_: str, owner: str, view: str, data: dict[str, Any]) -> Session:
        self._expire(shelf)
        if shelf.crowded(owner):
            raise Overloaded("you have as many conversations open as one caller may have; end some, or come back later")
        while shelf.is_full:
            if not shelf.rule.evicts:
                raise Overloaded("as many conversations are open as this gateway keeps; try again later")
            self._end(shelf.oldest_quiet(), "evicted")
        now = self.clock.monotonic()
        session = Session(shelf.name, id_, owner, view, self.clock.now(), now, data=data, key=self._key(id_))
        shelf.put(session)
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

    def find(self, shelf: str, id_: str, owner: str) -> Session | None:
        """The record, if it is this owner's; marks it used. A stranger who asks changes nothing."""
        session = self._look(shelf, id_)
        if session is None or session.owner != owner or not self._is_fresh(session, id_):
            return None
        self.use(session)
        return session if session.attachment is not None else self._revived(session)

    def peek(self, shelf: str, id_: str) -> Session | None:
        """The record, whoever's it is; does not mark it used. For callers who answer alike whatever they learn."""
        session = self._look(shelf, id_)
        return session if session is not None and self._is_fresh(session, id_) else None

    def use(self, session: Session) -> None:
        """Its owner has found it just now. One that has ended stays ended."""
        if not session.gone:
            self._shelves[session.shelf].used(session, self.clock.monotonic())

    def _look(self, shelf: str, id_: str) -> Session | None:
        found = self._shelves.get(shelf)
        return None if found is None or self._closed else found.records.get(self._key(id_))

    def _is_fresh(self, session: Session, id_: str) -> bool:
        """Whether it has not been idle for too long; else it ends now. From now on its id is known again."""
        if self._shelves[session.shelf].is_stale(session, self.clock.monotonic()):
            self._end(session, "idle")
            return False
        session.id = session.id or id_
        return True

    def _revived(self, session: Session) -> Session | None:
        revive = self.revive.get(session.shelf)
        if revive is None:
            return session
        session.attachment = revive(session)
        if session.attachment is not None:
            return session
        self._end(session, "unreadable")
        return None

    def changed(self, session: Session) -> None:
        """What the record remembers (`data`, `pins`) is other now. One that has ended stays ended."""
        shelf = self._shelf(session.shelf)
        if self._unsaved is not None and shelf.rule.stored and session.key in shelf.records:
            self._unsaved.changed(session)

    def move(self, session: Session, shelf: str) -> None:
        """From now on another rule holds for the record; it counts as used. One that has ended stays ended."""
        if not self._shelf(session.shelf).take(session):
            return
        if self._unsaved is not None:
            self._unsaved.ended(session)
        session.shelf = shelf
        session.seen = self.clock.monotonic()
        there = self._shelf(shelf)
        there.put(session)
        while len(there) > there.rule.limit:
            self._end(there.oldest_quiet(), "evicted")
        self.changed(session)

    def end(self, session: Session, why: str = "closed") -> None:
        """Ended by its owner, or by an administrator, or because what it was bound to is gone."""
        self._end(session, why)

    def sweep(self) -> None:
        """End what has been idle for too long; what is busy has been used all the time. For now and then."""
        now = self.clock.monotonic()
        for shelf in self._shelves.values():
            for session in shelf.unused(now - min(REFRESH, shelf.rule.idle)):
                if session.busy:
                    shelf.used(session, now)
            self._expire(shelf)

    def _expire(self, shelf: Shelf) -> None:
        """Cheap: stops at the first that is not old enough."""
        for session in shelf.unused(self.clock.monotonic() - shelf.rule.idle):
            if not session.busy:
                self._end(session, "idle")

    def _end(self, session: Session, why: str) -> None:
        if not self._shelf(session.shelf).take(session):
            return  # its end was a consequence of another's
        session.gone = True
        if self._unsaved is not None and self._shelf(session.shelf).rule.stored:
            self._unsaved.ended(session)
        if session.attachment is not None:
            session.attachment.ended()
        self._on_end(session, why)

    def close(self) -> None:
        """The gateway stops. Records that are stored only lose their live half; others end."""
        self._closed = True
        for session in self.all():
            if self._unsaved is None:
                self._end(session, "shutdown")
                continue
            session.gone = True
            if session.attachment is not None:
                session.attachment.ended()
                session.attachment = None

    def all(self, prefix: str = "") -> list[Session]:
        """A copy of what stands on the shelves whose name begins so, each least recently used first."""
        shelves = [shelf for name, shelf in self._shelves.items() if name.startswith(prefix)]
        return [session for shelf in shelves for session in shelf.records.values()]

    def owned(self, shelf: str, owner: str) -> list[Session]:
        """The owner's records on an indexed shelf, in the order in which they were made."""
        return self._shelf(shelf).of(owner)

    # With a store.

    def keep(self, unsaved: Unsaved, stored: Iterable[StoredSession]) -> None:
        """From now on note what is to be stored; begin with the records that were. Before the first `open`."""
        self._unsaved = unsaved
        self.in_memory = False
        self._key = digest
        now, wall = self.clock.monotonic(), self.clock.now()
        for each in stored:
            session = Session(each.shelf, "", each.owner, each.view, each.created, now, each.turns, key=each.key)
            session.seen = now - max(wall - each.seen, 0.0)
            session.data = _object(each.data)
            session.pins = _object(each.pins)
            self._shelf(each.shelf).put(session)

    def gather(self) -> Changes | None:
        """What is to be written now; `Unsaved.settle` takes the outcome."""
        if self._unsaved is None:
            return None
        return self._unsaved.gather(shelf.latest() for shelf in self._shelves.values() if shelf.rule.stored)

    async def kept(self, session: Session) -> bool:
        """Wait until the record is stored as it is now; whether that succeeded. `True` at once without a store."""
        return self._unsaved is None or await self._unsaved.saved(session)

    async def reveal(self, shelf: str, id_: str) -> None:
        """To be awaited before the id of a new record leaves: it must not be lost once somebody knows it.

        Raises `Overloaded` if it cannot be stored; the record has ended then.
        """
        session = self._shelf(shelf).records.get(self._key(id_))
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
