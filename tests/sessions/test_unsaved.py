"""sessions/unsaved.py: each change is gathered once, comes again if it could not be saved, and who waits is told."""

import asyncio
import json

import pytest

from fedgate.core.clock import ManualClock, SystemClock
from fedgate.sessions.record import Session
from fedgate.sessions.store import Changes
from fedgate.sessions.unsaved import BATCH, Unsaved

pytestmark = pytest.mark.anyio


class Notes:
    """An `Unsaved` with its clock, and the records of a table in the order of their use."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.woken = 0
        self.unsaved = Unsaved(self.clock, self._wake)
        self.records: list[Session] = []

    def _wake(self) -> None:
        self.woken += 1

    def new(self, key: str) -> Session:
        session = Session("mcp", key, "o", "", self.clock.now(), self.clock.monotonic(), key=key, data={"n": 1})
        self.records.append(session)
        self.unsaved.changed(session)
        return session

    def use(self, session: Session) -> None:
        session.seen = self.clock.monotonic()
        session.turns += 1
        self.records.remove(session)
        self.records.append(session)

    def gather(self) -> Changes:
        self.clock.advance(1)
        changes = self.unsaved.gather([reversed(self.records)])
        assert changes is not None
        return changes

    def is_saved(self) -> bool:
        return self.unsaved.gather([reversed(self.records)]) is None

    async def waiting(self, session: Session) -> asyncio.Task[bool]:
        """Somebody who waits for it."""
        task = asyncio.create_task(self.unsaved.saved(session))
        await SystemClock().sleep(0)
        assert not task.done()
        return task

    def save(self, failure: str = "") -> Changes:
        changes = self.gather()
        self.unsaved.settle(changes, failure)
        return changes


def keys(changes: Changes) -> tuple[list[str], list[str], list[str]]:
    return [each.key for each in changes.put], [each.key for each in changes.seen], [key for _, key in changes.gone]


async def test_a_new_record_wakes_the_saver_and_is_gathered_once() -> None:
    notes = Notes()
    notes.new("a")
    assert (notes.woken, len(notes.unsaved)) == (1, 1)
    assert keys(notes.save()) == (["a"], [], [])
    assert notes.is_saved()


async def test_it_is_gathered_with_what_it_holds_at_that_moment() -> None:
    notes = Notes()
    session = notes.new("a")
    session.data = {"level": "info", "raw": b"{}"}
    session.pins = {"agent": "one"}
    notes.unsaved.changed(session)
    (record,) = notes.gather().put
    assert (json.loads(record.data), json.loads(record.pins)) == ({"level": "info", "raw": "e30="}, {"agent": "one"})
    assert (record.shelf, record.key, record.owner, record.seen) == ("mcp", "a", "o", notes.clock.now() - 1)


async def test_an_owner_whose_name_is_no_text_stops_nobody_from_being_stored() -> None:
    notes = Notes()
    notes.new("a").owner = "jwt:\ud800x"
    (record,) = notes.gather().put
    assert record.owner == "jwt:\\ud800x"
    record.owner.encode()


async def test_use_is_gathered_without_having_been_noted() -> None:
    notes = Notes()
    a, b, c = (notes.new(key) for key in "abc")
    notes.save()
    notes.use(a)
    notes.use(c)
    assert notes.woken == 3
    changes = notes.save()
    assert keys(changes) == ([], ["c", "a"], [])
    assert changes.seen[0] == (notes.clock.now() - 1, 1, "mcp", "c")
    assert notes.is_saved()
    notes.use(b)
    assert keys(notes.gather()) == ([], ["b"], [])


async def test_an_ended_record_is_not_written_any_more_only_taken_away() -> None:
    notes = Notes()
    session = notes.new("a")
    notes.unsaved.ended(session)
    notes.records.remove(session)
    assert notes.woken == 1
    assert keys(notes.save()) == ([], [], ["a"])
    assert notes.is_saved()


async def test_large_changes_come_in_batches() -> None:
    notes = Notes()
    for number in range(BATCH + 5):
        notes.new(str(number))
    assert len(notes.save().put) == BATCH
    assert len(notes.unsaved) == 5
    assert [each.key for each in notes.save().put] == [str(number) for number in range(BATCH, BATCH + 5)]


async def test_what_could_not_be_saved_comes_again_with_what_is_new() -> None:
    notes = Notes()
    a, b, gone = notes.new("a"), notes.new("b"), notes.new("gone")
    notes.save()
    notes.use(b)
    notes.unsaved.changed(a)
    notes.unsaved.ended(gone)
    notes.records.remove(gone)
    changes = notes.save("disk full")
    assert keys(changes) == (["a"], ["b"], ["gone"])
    assert notes.unsaved.failing == "disk full"
    notes.new("c")
    assert keys(notes.save()) == (["a", "c"], ["b"], ["gone"])
    assert notes.unsaved.failing == ""
    assert notes.is_saved()


async def test_what_ended_while_it_could_not_be_saved_does_not_come_again() -> None:
    notes = Notes()
    session = notes.new("a")
    changes = notes.gather()
    notes.unsaved.ended(session)
    notes.records.remove(session)
    notes.unsaved.settle(changes, "disk full")
    assert keys(notes.save()) == ([], [], ["a"])


async def test_an_end_in_the_middle_of_saving_follows() -> None:
    notes = Notes()
    session = notes.new("a")
    changes = notes.gather()
    notes.unsaved.ended(session)
    notes.records.remove(session)
    notes.unsaved.settle(changes)
    assert keys(notes.save()) == ([], [], ["a"])


async def test_who_waits_is_told_when_it_is_saved() -> None:
    notes = Notes()
    session = notes.new("a")
    early = await notes.waiting(session)
    changes = notes.gather()
    late = await notes.waiting(session)
    assert not early.done()
    notes.unsaved.settle(changes)
    assert [await early, await late, await notes.unsaved.saved(session)] == [True, True, True]


async def test_who_changed_it_in_the_middle_of_saving_waits_for_the_next_time() -> None:
    notes = Notes()
    session = notes.new("a")
    first = await notes.waiting(session)
    changes = notes.gather()
    notes.unsaved.changed(session)
    second = await notes.waiting(session)
    notes.unsaved.settle(changes)
    assert await first
    assert not second.done()
    notes.save()
    assert await second


async def test_who_waits_is_told_of_a_failure_and_of_an_end() -> None:
    notes = Notes()
    a, b = notes.new("a"), notes.new("b")
    failed, ended = await notes.waiting(a), await notes.waiting(b)
    notes.unsaved.ended(b)
    assert not await ended
    notes.save("disk full")
    assert not await failed


async def test_while_the_store_fails_nobody_waits() -> None:
    notes = Notes()
    session = notes.new("a")
    notes.save("disk full")
    assert not await notes.unsaved.saved(session)
    notes.save()
    assert await notes.unsaved.saved(session)


async def test_a_store_that_stalls_frees_all_who_wait_until_it_has_answered() -> None:
    notes = Notes()
    flying = notes.new("a")
    waiting = [await notes.waiting(flying)]
    changes = notes.gather()
    fresh = notes.new("b")
    waiting += [await notes.waiting(fresh), await notes.waiting(flying)]
    notes.unsaved.stall("it does not answer")
    assert [await each for each in waiting] == [False, False, False]
    assert notes.unsaved.failing == "it does not answer"
    assert not await notes.unsaved.saved(fresh)
    notes.unsaved.settle(changes)
    assert notes.unsaved.failing == ""
    assert keys(notes.save()) == (["b"], [], [])


async def test_who_has_stopped_waiting_harms_nobody() -> None:
    notes = Notes()
    session = notes.new("a")
    gone, staying = await notes.waiting(session), await notes.waiting(session)
    gone.cancel()
    notes.save()
    assert await staying
