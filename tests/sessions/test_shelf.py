"""sessions/shelf.py through the table: each kind of record has its own rule, and ids that others mint are claimed."""

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.sessions.record import Session
from fedgate.sessions.table import Rule, SessionTable, digest
from fedgate.sessions.unsaved import Unsaved
from tests.sessions.stores import stored


class Desk:
    def __init__(self, **rules: Rule) -> None:
        self.clock = ManualClock()
        self.ends: list[tuple[str, str]] = []
        self.table = SessionTable(
            self.clock, idle=100.0, limit=10, on_end=lambda session, why: self.ends.append((session.id, why))
        )
        for name, rule in rules.items():
            self.table.shelve(name, rule)

    def claim(self, id_: str, owner: str = "alice", shelf: str = "tasks") -> Session:
        session, is_new = self.table.claim(shelf, id_, owner, "")
        assert is_new
        return session


def test_the_first_claim_of_an_id_wins() -> None:
    desk = Desk()
    first = desk.claim("c1")
    first.pins["agent"] = "one"
    assert desk.table.claim("tasks", "c1", "alice", "") == (first, False)
    assert desk.table.claim("tasks", "c1", "mallory", "")[0].owner == "alice"
    assert desk.table.find("tasks", "c1", "mallory") is None
    assert desk.table.find("tasks", "c1", "alice") is first


def test_the_same_id_on_two_shelves_is_two_records() -> None:
    desk = Desk()
    assert desk.claim("x", shelf="a2a.context/one") is not desk.claim("x", shelf="a2a.context/two")
    assert desk.table.all("a2a.context/one")[0].protocol == "a2a"


def test_a_claim_keeps_its_owners_record_alive_and_nobody_elses() -> None:
    desk = Desk()
    desk.claim("c1")
    desk.clock.advance(99.0)
    desk.table.claim("tasks", "c1", "mallory", "")
    desk.clock.advance(1.0)
    assert desk.table.peek("tasks", "c1") is None
    assert desk.ends == [("c1", "idle")]
    desk.claim("c1", "mallory")


def test_peek_shows_a_strangers_record_and_does_not_mark_it_used() -> None:
    desk = Desk()
    session = desk.claim("c1")
    desk.clock.advance(60.0)
    assert desk.table.peek("tasks", "c1") is session
    assert desk.clock.monotonic() - session.seen == 60.0
    assert desk.table.peek("tasks", "c2") is None
    assert desk.table.peek("nowhere", "c1") is None


def test_each_shelf_has_its_own_time_and_number() -> None:
    desk = Desk(tasks=Rule(10.0, 2), contexts=Rule(1000.0, 5))
    for number in range(3):
        desk.claim(f"t{number}")
        desk.claim(f"c{number}", shelf="contexts")
    assert desk.ends == [("t0", "evicted")]
    desk.clock.advance(10.0)
    desk.table.sweep()
    assert (desk.table.count("tasks"), desk.table.count("contexts")) == (0, 3)


def test_a_full_shelf_that_does_not_evict_refuses_new_records_and_keeps_the_old() -> None:
    desk = Desk(tasks=Rule(10.0, 2, evicts=False))
    kept = [desk.claim("t0"), desk.claim("t1")]
    with pytest.raises(Overloaded, match="as many conversations are open as this gateway keeps"):
        desk.table.claim("tasks", "t2", "bob", "")
    assert desk.table.all("tasks") == kept
    desk.clock.advance(10.0)
    desk.claim("t2")


def test_one_owner_cannot_take_all_there_is() -> None:
    desk = Desk(tasks=Rule(10.0, 9, per_owner=2))
    desk.claim("a0")
    ended = desk.claim("a1")
    with pytest.raises(Overloaded, match="as many conversations open as one caller may have"):
        desk.table.claim("tasks", "a2", "alice", "")
    desk.claim("b0", "bob")
    desk.table.end(ended)
    desk.claim("a2")


def test_an_owners_records_come_in_the_order_they_were_made() -> None:
    desk = Desk(tasks=Rule(10.0, 9, indexed=True))
    one, two = desk.claim("t1"), desk.claim("t2")
    desk.claim("t3", "bob")
    desk.table.claim("tasks", "t1", "alice", "")
    assert desk.table.owned("tasks", "alice") == [one, two]
    desk.table.end(one, "lost")
    assert desk.table.owned("tasks", "alice") == [two]
    assert desk.table.owned("tasks", "nobody") == []
    assert desk.ends == [("t1", "lost")]


def test_a_record_that_moves_lives_by_the_other_rule() -> None:
    desk = Desk(tasks=Rule(1000.0, 9, indexed=True), done=Rule(10.0, 2))
    for number in range(3):
        desk.table.move(desk.claim(f"t{number}"), "done")
    assert desk.ends == [("t0", "evicted")]
    assert desk.table.owned("tasks", "alice") == []
    assert desk.table.peek("tasks", "t1") is None
    assert desk.table.peek("done", "t1") is not None
    desk.clock.advance(10.0)
    desk.table.sweep()
    assert len(desk.table) == 0


def test_a_record_that_has_ended_does_not_move() -> None:
    desk = Desk()
    session = desk.claim("t")
    desk.table.end(session)
    desk.table.move(session, "done")
    assert len(desk.table) == 0


def test_a_stored_record_moves_in_the_store_too() -> None:
    desk = Desk()
    desk.table.keep(Unsaved(desk.clock), [stored(digest("t"), owner="alice", seen=desk.clock.now())])
    session = desk.table.find("mcp", "t", "alice")
    assert session is not None
    desk.table.move(session, "done")
    changes = desk.table.gather()
    assert changes is not None
    assert ([(each.shelf, each.key) for each in changes.put], changes.gone) == (
        [("done", digest("t"))],
        [("mcp", digest("t"))],
    )
    found = desk.table.find("done", "t", "alice")
    assert found is session


def test_what_is_not_worth_storing_is_not_stored() -> None:
    desk = Desk(tasks=Rule(100.0, 9, stored=False))
    desk.table.keep(Unsaved(desk.clock), [])
    session = desk.claim("t")
    desk.table.changed(session)
    assert desk.table.gather() is None
    desk.table.end(session)
    assert desk.table.gather() is None
