"""What is asked of the list of sessions: the query string, read strictly. Pure.

A name or value that is not known is refused with the nearest that is: a filter that silently does nothing shows
an operator the wrong sessions. A value that is empty filters nothing, as an empty field of a form does. Above:
`admin.py`. Below: `rows.py`.
"""

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

import msgspec

from ..core.errors import BadRequest
from ..sessions.record import Session
from .rows import CONVERSATIONS, KINDS, PROTOCOLS, Standing, kind_of, placed, short_state, state_of

LIMIT, MOST = 100, 1000
"""Sessions on a page, unless it is said otherwise; and at most."""
STATES = (
    *("active", "idle"),
    *("ready", "starting", "unreachable", "lost"),
    *("submitted", "working", "completed", "failed", "canceled", "rejected", "input-required", "auth-required"),
    "unknown",
)
"""Of sessions, of contexts (those of their instance), of tasks."""
PARAMETERS = ("protocol", "owner", "agent", "instance", "kind", "state", "limit", "cursor")
_CURSOR = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,20})?)-([0-9a-f]{24})")
_LONGEST = 300

Position = tuple[float, str]
"""Where a record stands in the list: newest first, those of one moment by their marks."""


class Filter(msgspec.Struct, frozen=True):
    """Empty: anything."""

    protocol: str = ""
    owner: str = ""
    """Kind and id (`key:alice`), or the id alone."""
    agent: str = ""
    instance: str = ""
    kind: str = ""
    """`conversation`: contexts too."""
    state: str = ""

    @property
    def prefix(self) -> str:
        """How the names of the shelves begin on which the wanted can stand."""
        return "a2a" if self.agent else self.protocol

    def fits(self, session: Session, standing: Standing) -> bool:
        kind = kind_of(session)
        if not kind or not self._is_kind(kind):
            return False
        if self.protocol and session.protocol != self.protocol:
            return False
        if self.agent and (session.view != self.agent or session.protocol != "a2a"):
            return False
        if self.owner and self.owner not in (session.owner, session.owner.partition(":")[2]):
            return False
        if self.instance and placed(session)[0] != self.instance:
            return False
        return not self.state or state_of(session, standing) == self.state

    def _is_kind(self, kind: str) -> bool:
        return self.kind in ("", kind) or (self.kind == "conversation" and kind in CONVERSATIONS)


class Wanted(msgspec.Struct, frozen=True):
    """One page of a filtered list."""

    filter: Filter = Filter()
    limit: int = LIMIT
    after: Position | None = None


def wanted(query: Sequence[tuple[str, str]]) -> Wanted:
    """Raises `BadRequest`."""
    given: dict[str, str] = {}
    for name, value in query:
        if name not in PARAMETERS:
            raise BadRequest(f"there is no parameter {_short(name)}{_nearest(name, PARAMETERS)}")
        if name in given:
            raise BadRequest(f"{name} is given twice: give it once")
        if len(value) > _LONGEST:
            raise BadRequest(f"{name} is longer than {_LONGEST} characters")
        given[name] = value
    limit, cursor = _limit(given.pop("limit", "")), given.pop("cursor", "")
    _check(given, "protocol", PROTOCOLS)
    _check(given, "kind", sorted(set(KINDS.values())))
    if given.get("state"):
        given["state"] = short_state(given["state"])
    _check(given, "state", STATES)
    return Wanted(Filter(**given), limit, position(cursor) if cursor else None)


def position(cursor: str) -> Position:
    """Raises `BadRequest` for what `cursor_of` never made."""
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise BadRequest('cursor is none that was given out: take it from "next" of the page before')
    return -float(found[1]), found[2]


def cursor_of(place: Position) -> str:
    return f"{-place[0]!r}-{place[1]}"


def _limit(text: str) -> int:
    if not text:
        return LIMIT
    if not re.fullmatch("[0-9]{1,4}", text) or not 1 <= int(text) <= MOST:
        raise BadRequest(f"limit must be a number from 1 to {MOST}")
    return int(text)


def _check(given: dict[str, str], name: str, known: Sequence[str]) -> None:
    value = given.get(name)
    if value and value not in known:
        raise BadRequest(f"{name} must be one of {', '.join(known)}{_nearest(value, known)}")


def _nearest(word: str, known: Iterable[str]) -> str:
    found = get_close_matches(word[:_LONGEST], list(known), 1, cutoff=0.5)
    return f'; did you mean "{found[0]}"?' if found else ""


def _short(word: str) -> str:
    return f'"{word[:40]}"'
