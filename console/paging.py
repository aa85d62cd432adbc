"""Pages of the session table, newest first, and the end of one of its records.

A page is found by one walk over a copy of what is there, in slices; a cursor names a place in the order, which
no record ever changes, so nothing is shown twice or left out because others come and go. Above: `admin.py`.
Below: `walk.py`, `rows.py`, the session table.
"""

import msgspec

from ..core.errors import NotFound
from ..sessions.record import Session
from ..sessions.table import SessionTable, digest
from .filters import Filter, Position, Wanted, cursor_of
from .rows import Moment, Row, Standing, kind_of, mark_of, row
from .walk import slices

ADMIN = "admin"
"""Why a session ended, for the metric."""


class Page(msgspec.Struct, frozen=True):
    """`next` is empty on the last page; `total`: of all pages."""

    sessions: list[Row]
    next: str | None
    total: int


class Book:
    """The session table as administrators read it. `plain`: ids of contexts and tasks are shown."""

    def __init__(self, sessions: SessionTable, *, plain: bool) -> None:
        self._sessions = sessions
        self._plain = plain

    async def page(self, wanted: Wanted, standing: Standing) -> Page:
        best: list[tuple[Position, Session]] = []
        total, bound = 0, float("inf")
        # Backwards, for the newest are mostly those used last: few places change hands.
        records = self._sessions.all(wanted.filter.prefix)[::-1]
        async for some in slices(records, self._sessions.clock):
            fitting = [each for each in some if wanted.filter.fits(each, standing)]
            total += len(fitting)
            best += _after(wanted.after, [each for each in fitting if -each.created <= bound])
            best.sort(key=_first)
            del best[wanted.limit + 1 :]
            if len(best) > wanted.limit:
                bound = best[-1][0][0]
        shown, moment = best[: wanted.limit], self._moment()
        more = cursor_of(shown[-1][0]) if len(best) > wanted.limit else None
        return Page([row(each, moment, standing, plain=self._plain) for _, each in shown], more, total)

    def _moment(self) -> Moment:
        clock = self._sessions.clock
        return Moment(clock.now(), clock.monotonic())

    async def end(self, mark: str, standing: Standing) -> tuple[Row, int]:
        """End the record with this mark; of a context its tasks too. Gives it as it was, and their number.

        Raises `NotFound`.
        """
        session = await self._marked(mark)
        if session is None:
            raise NotFound("there is no session with this mark; GET /admin/sessions lists them")
        found = row(session, self._moment(), standing, plain=self._plain)
        tasks = await self._tasks(session) if kind_of(session) == "context" else []
        for each in (session, *tasks):
            self._sessions.end(each, ADMIN)
        return found, len(tasks)

    async def _marked(self, mark: str) -> Session | None:
        anything, nobody = Filter(), Standing(())
        async for some in slices(self._sessions.all(), self._sessions.clock):
            for each in some:
                if anything.fits(each, nobody) and mark_of(each) == mark:
                    return each
        return None

    async def _tasks(self, context: Session) -> list[Session]:
        """Else an answer for one of them would bring the context back."""
        found: list[Session] = []
        async for some in slices(self._sessions.all("a2a."), self._sessions.clock):
            found += [each for each in some if kind_of(each) == "task" and _belongs(each, context)]
        return found


def _belongs(task: Session, context: Session) -> bool:
    if task.view != context.view or task.owner != context.owner:
        return False
    named = task.data.get("context")
    return isinstance(named, str) and context.key in (named, digest(named))


def _after(place: Position | None, sessions: list[Session]) -> list[tuple[Position, Session]]:
    """Those that come later than `place`, with theirs."""
    placed = [((-each.created, mark_of(each)), each) for each in sessions]
    return placed if place is None else [pair for pair in placed if pair[0] > place]


def _first(pair: tuple[Position, Session]) -> Position:
    return pair[0]
