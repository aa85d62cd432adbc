"""sessions/table.py with a store: what was kept is found again by its id and its owner alone, and lives again."""

from collections.abc import Iterable

import pytest

from fedgate.core.clock import ManualClock
from fedgate.sessions.store import StoredSession
from fedgate.sessions.table import Session, SessionTable, digest
from fedgate.sessions.unsaved import Unsaved
from tests.sessions.stores import stored

IDLE = 100.0


class Live:
    busy = False

    def __init__(self) -> None:
        self.ends = 0

    def ended(self) -> None:
        self.ends += 1


class Desk:
    """A table that has been given what a store kept."""

    def __init__(self, records: Iterable[StoredSession], limit: int = 10) -> None:
        self.clock = ManualClock()
        self.ends: list[tuple[str, str]] = []
        self.revived: list[Session] = []
        self.table = SessionTable(
            self.clock, idle=IDLE, limit=limit, on_end=lambda session, why: self.ends.append((session.key, why))
        )
        self.unsaved = Unsaved(self.clock)
        self.table.keep(self.unsaved, records)
        self.table.revive["mcp"] = self.revive

    def revive(self, session: Session) -> Live | None:
        self.revived.append(session)
        return Live() if session.data.get("fine", True) else None

    def gone(self) -> list[str]:
        changes = self.table.gather()
        assert changes is not None
        return [key for _, key in changes.gone]


NOW = ManualClock().now()


def test_a_record_is_found_by_the_id_that_only_its_client_knows() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW, data='{"version":"1"}')])
    session = desk.table.find("mcp", "secret", "key:alice")
    assert session is not None
    assert (session.id, session.key, session.turns, session.data) == ("secret", digest("secret"), 3, {"version": "1"})
    assert (session.created, session.seen) == (NOW, desk.clock.monotonic())
    assert desk.table.find("mcp", "secret", "key:alice") is session


def test_its_key_is_not_its_id() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW)])
    assert desk.table.find("mcp", digest("secret"), "key:alice") is None
    assert [each.id for each in desk.table.all()] == [""]


def test_it_is_not_found_by_another_owner_nor_revived_for_one() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW)])
    assert desk.table.find("mcp", "secret", "key:bob") is None
    assert desk.table.find("a2a", "secret", "key:alice") is None
    assert desk.revived == []


def test_it_lives_again_once_when_it_is_found() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW)])
    session = desk.table.find("mcp", "secret", "key:alice")
    assert desk.revived == [session]
    assert desk.table.find("mcp", "secret", "key:alice") is session
    assert len(desk.revived) == 1


def test_without_anybody_to_revive_it_the_record_alone_is_found() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW)._replace(shelf="a2a", pins='{"agent":"two"}')])
    session = desk.table.find("a2a", "secret", "key:alice")
    assert session is not None
    assert (session.id, session.attachment, session.pins) == ("secret", None, {"agent": "two"})


@pytest.mark.parametrize("data", ['{"fine":false}', "[1]", "not json", ""])
def test_what_cannot_live_again_has_ended(data: str) -> None:
    desk = Desk([stored(digest("secret"), seen=NOW, data=data)])
    desk.table.revive["mcp"] = lambda session: Live() if session.data.get("fine") else None
    assert desk.table.find("mcp", "secret", "key:alice") is None
    assert desk.ends == [(digest("secret"), "unreadable")]
    assert desk.gone() == [digest("secret")]


def test_the_time_without_a_gateway_counts_as_idle() -> None:
    desk = Desk([stored(digest(name), seen=NOW - ago) for name, ago in (("old", 90.0), ("fresh", 10.0))])
    desk.clock.advance(20)
    assert desk.table.find("mcp", "old", "key:alice") is None
    assert desk.table.find("mcp", "fresh", "key:alice") is not None
    assert desk.ends == [(digest("old"), "idle")]
    assert desk.gone() == [digest("old")]


def test_a_wall_clock_that_went_back_does_not_make_a_record_younger_than_now() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW + 10_000)])
    desk.clock.advance(IDLE)
    desk.table.sweep()
    assert len(desk.table) == 0


def test_restored_records_are_swept_capped_and_counted_like_others() -> None:
    desk = Desk([stored(str(number), seen=NOW - 50 + number) for number in range(3)], limit=3)
    assert (len(desk.table), desk.table.count("mcp")) == (3, 3)
    desk.table.open("mcp", "o", "", {})
    assert desk.ends == [("0", "evicted")]
    desk.clock.advance(IDLE - 49)
    desk.table.sweep()
    assert desk.ends == [("0", "evicted"), ("1", "idle")]
    desk.table.end(desk.table.all()[0])
    assert desk.ends[2:] == [("2", "closed")]
    assert desk.gone() == ["0", "1", "2"]


def test_a_change_that_comes_after_the_end_does_not_bring_a_record_back() -> None:
    desk = Desk([])
    session = desk.table.open("mcp", "o", "", {})
    desk.table.end(session)
    desk.table.changed(session)
    changes = desk.table.gather()
    assert changes is not None
    assert (changes.put, changes.gone) == ([], [("mcp", session.key)])


def test_the_stop_of_the_gateway_ends_no_record() -> None:
    desk = Desk([stored(digest("secret"), seen=NOW)])
    session = desk.table.find("mcp", "secret", "key:alice")
    assert session is not None
    live = session.attachment
    assert isinstance(live, Live)
    desk.table.close()
    desk.table.close()
    assert (live.ends, session.attachment, desk.ends) == (1, None, [])
    assert desk.table.all() == [session]
    assert session.gone, "it is not found any more, though it is there"


def test_what_is_busy_is_used_all_the_time_as_far_as_the_store_knows() -> None:
    desk = Desk([])
    session = desk.table.open("mcp", "o", "", {})
    live = Live()
    live.busy = True
    session.attachment = live
    for _ in range(20):
        desk.clock.advance(30)
        desk.table.sweep()
    changes = desk.table.gather()
    assert changes is not None
    assert changes.put[0].seen >= desk.clock.now() - 60


def test_an_idle_record_ends_at_the_same_moment_whoever_looks_first() -> None:
    for sweeps in (False, True):
        desk = Desk([])
        session = desk.table.open("mcp", "o", "", {})
        desk.clock.advance(IDLE - 0.5)
        desk.table.sweep()
        assert len(desk.table) == 1
        desk.clock.advance(0.5)
        if sweeps:
            desk.table.sweep()
        else:
            assert desk.table.find("mcp", session.id, "o") is None
        assert desk.ends == [(session.key, "idle")]


def test_records_that_end_one_another_are_each_told_once() -> None:
    desk = Desk([])
    one, other = desk.table.open("mcp", "o", "", {}), desk.table.open("mcp", "o", "", {})

    class Chained(Live):
        def __init__(self, other: Session) -> None:
            super().__init__()
            self.other = other

        def ended(self) -> None:
            super().ended()
            desk.table.end(self.other)

    one.attachment, other.attachment = first, second = Chained(other), Chained(one)
    desk.table.end(one)
    assert (first.ends, second.ends) == (1, 1)
    assert [why for _, why in desk.ends] == ["closed", "closed"]
