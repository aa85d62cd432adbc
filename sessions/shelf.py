"""Records of one kind, with one rule for how long and how many: the table is made of these.

A shelf is known by its name: the protocol, and behind a dot what of it is kept there
(`mcp`, `a2a.context/support`). Pure bookkeeping in memory: nothing here knows a store, a
clock or a protocol. Above: `table.py`.
"""

from collections import OrderedDict
from collections.abc import Iterator

import msgspec

from .record import Session

QUIET = 32
"""Records that are looked at to find one without work under way, when one must go."""


class Rule(msgspec.Struct, frozen=True):
    """How long an unused record is kept, and how many there may be."""

    idle: float
    """Seconds."""
    limit: int
    per_owner: int = 0
    """Records of one owner; 0: as many as there may be."""
    evicts: bool = True
    """Whether a full shelf makes room by ending its longest unused record. If not, new ones are refused."""
    indexed: bool = False
    """Whether an owner's records are asked for."""
    stored: bool = True
    """Whether its records are kept by the store, if there is one."""


class Shelf:
    """Records by key, least recently used first."""

    def __init__(self, name: str, rule: Rule) -> None:
        self.name = name
        self.rule = rule
        self.records: OrderedDict[str, Session] = OrderedDict()
        self._owners: dict[str, dict[str, Session]] = {}
        self._owned = rule.indexed or rule.per_owner > 0

    def __repr__(self) -> str:
        return f"Shelf({self.name}, {len(self.records)} of {self.rule.limit})"

    def __len__(self) -> int:
        return len(self.records)

    def put(self, session: Session) -> None:
        self.records[session.key] = session
        if self._owned:
            self._owners.setdefault(session.owner, {})[session.key] = session

    def take(self, session: Session) -> bool:
        """Whether it was there."""
        if self.records.pop(session.key, None) is None:
            return False
        if self._owned:
            owned = self._owners[session.owner]
            del owned[session.key]
            if not owned:
                del self._owners[session.owner]
        return True

    def used(self, session: Session, now: float) -> None:
        session.seen = now
        self.records.move_to_end(session.key)

    def of(self, owner: str) -> list[Session]:
        """The owner's records, in the order in which they were made."""
        return list(self._owners.get(owner, {}).values())

    def crowded(self, owner: str) -> bool:
        """Whether the owner has as many as one may have."""
        return 0 < self.rule.per_owner <= len(self._owners.get(owner, ()))

    @property
    def is_full(self) -> bool:
        return len(self.records) >= self.rule.limit

    def is_stale(self, session: Session, now: float) -> bool:
        return now - session.seen >= self.rule.idle and not session.busy

    def unused(self, since: float) -> list[Session]:
        """Those that were not used after `since`; cheap, for it stops at the first that was."""
        found = []
        for session in self.records.values():
            if session.seen > since:
                break
            found.append(session)
        return found

    def oldest_quiet(self) -> Session:
        """The longest unused record without work under way, among the first few; else simply the first."""
        first = next(iter(self.records.values()))
        for session, _ in zip(self.records.values(), range(QUIET), strict=False):
            if not session.busy:
                return session
        return first

    def latest(self) -> Iterator[Session]:
        """The last used one first."""
        return reversed(self.records.values())
