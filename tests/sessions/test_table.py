"""sessions/table.py: records are found by their owners alone, end when idle, and never grow beyond the cap."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.sessions.table import Attachment, Session, SessionTable

IDLE = 100.0


class Live:
    """An attachment that can be made busy."""

    def __init__(self) -> None:
        self.busy = False
        self.ends = 0

    def ended(self) -> None:
        self.ends += 1


class Desk:
    """A table with its clock and the log of ends."""

    def __init__(self, limit: int = 3) -> None:
        self.clock = ManualClock()
        self.ends: list[tuple[str, str]] = []
        self.table = SessionTable(
            self.clock, idle=IDLE, limit=limit, on_end=lambda session, why: self.ends.append((session.owner, why))
        )

    def open(self, owner: str = "alice", protocol: str = "mcp") -> tuple[Session, Live]:
        session = self.table.open(protocol, owner, "", {})
        live = Live()
        attachment: Attachment = live
        session.attachment = attachment
        return session, live

    def found(self, session: Session) -> bool:
        return self.table.find(session.protocol, session.id, session.owner) is session


def test_a_new_record_says_who_when_and_what() -> None:
    desk = Desk()
    session = desk.table.open("mcp", "key:alice", "notes", {"version": "2025-11-25"})
    assert (session.protocol, session.owner, session.view, session.data) == (
        "mcp",
        "key:alice",
        "notes",
        {"version": "2025-11-25"},
    )
    assert (session.created, session.seen, session.turns, session.attachment) == (
        desk.clock.now(),
        desk.clock.now(),
        0,
        None,
    )


def test_ids_are_long_visible_and_never_the_same() -> None:
    desk = Desk(1000)
    ids = {desk.open()[0].id for _ in range(1000)}
    assert len(ids) == 1000
    assert min(map(len, ids)) >= 43
    assert all("!" <= letter <= "~" for ident in ids for letter in ident)


def test_a_record_is_found_by_its_owner_and_by_nobody_else() -> None:
    desk = Desk()
    session, _ = desk.open("alice")
    assert desk.found(session)
    assert desk.table.find("mcp", session.id, "bob") is None
    assert desk.table.find("mcp", session.id, "") is None
    assert desk.table.find("a2a", session.id, "alice") is None
    assert desk.table.find("mcp", "unknown", "alice") is None


def test_a_stranger_who_asks_does_not_keep_a_record_alive_nor_end_it() -> None:
    desk = Desk()
    session, live = desk.open("alice")
    desk.clock.advance(IDLE - 1)
    assert desk.table.find("mcp", session.id, "bob") is None
    desk.clock.advance(2)
    assert desk.table.find("mcp", session.id, "bob") is None
    assert (len(desk.table), live.ends) == (1, 0)
    assert not desk.found(session)
    assert desk.ends == [("alice", "idle")]


def test_an_idle_record_ends_at_the_same_moment_whoever_looks_first() -> None:
    by_find, by_sweep = Desk(), Desk()
    for desk in (by_find, by_sweep):
        session, _ = desk.open()
        desk.clock.advance(IDLE - 0.5)
        desk.table.sweep()
        assert len(desk.table) == 1
        desk.clock.advance(0.5)
        if desk is by_find:
            assert not desk.found(session)
        desk.table.sweep()
        assert desk.ends == [("alice", "idle")]
        assert len(desk.table) == 0


def test_use_puts_the_end_off() -> None:
    desk = Desk()
    session, _ = desk.open()
    for _ in range(5):
        desk.clock.advance(IDLE - 1)
        assert desk.found(session)
    desk.clock.advance(IDLE + 1)
    assert not desk.found(session)


def test_who_holds_a_record_can_say_that_it_is_used_until_it_is_gone() -> None:
    desk = Desk()
    session, _ = desk.open()
    for _ in range(3):
        desk.clock.advance(IDLE - 1)
        desk.table.use(session)
    assert (desk.found(session), session.gone) == (True, False)
    desk.table.end(session)
    desk.table.use(session)
    assert (desk.found(session), session.gone, len(desk.table)) == (False, True, 0)


def test_a_busy_record_is_not_idle_however_long_it_takes() -> None:
    desk = Desk()
    session, live = desk.open()
    live.busy = True
    desk.clock.advance(10 * IDLE)
    desk.table.sweep()
    assert desk.found(session)
    desk.clock.advance(10 * IDLE)
    assert desk.found(session)
    assert desk.ends == []


def test_the_idle_time_of_a_busy_record_begins_when_its_work_ends() -> None:
    desk = Desk()
    session, live = desk.open()
    live.busy = True
    for _ in range(4):
        desk.clock.advance(IDLE * 0.3)
        desk.table.sweep()
    live.busy = False
    desk.clock.advance(IDLE * 0.3)
    desk.table.sweep()
    assert desk.found(session)


def test_a_record_without_attachment_ends_like_any_other() -> None:
    desk = Desk()
    desk.table.open("mcp", "alice", "", {})
    desk.clock.advance(IDLE)
    desk.table.sweep()
    assert desk.ends == [("alice", "idle")]


def test_the_cap_ends_the_longest_unused_record() -> None:
    desk = Desk(3)
    a, b, c = (desk.open(owner)[0] for owner in "abc")
    assert desk.found(a)
    desk.open("d")
    assert desk.ends == [("b", "evicted")]
    assert [desk.found(each) for each in (a, b, c)] == [True, False, True]
    assert len(desk.table) == 3


def test_the_cap_spares_busy_records_while_there_are_quiet_ones() -> None:
    desk = Desk(3)
    lives = [desk.open(owner)[1] for owner in "abc"]
    lives[0].busy = lives[1].busy = True
    desk.open("d")
    assert desk.ends == [("c", "evicted")]


def test_if_all_are_busy_the_longest_unused_one_goes() -> None:
    desk = Desk(40)
    for number in range(40):
        desk.open(str(number))[1].busy = True
    desk.open("new")
    assert desk.ends == [("0", "evicted")]


def test_a_record_that_had_expired_already_is_counted_as_idle_and_not_as_evicted() -> None:
    desk = Desk(1)
    desk.open("a")
    desk.clock.advance(IDLE)
    desk.open("b")
    assert desk.ends == [("a", "idle")]


def test_an_ended_record_is_gone_and_its_attachment_told_once() -> None:
    desk = Desk()
    session, live = desk.open()
    desk.table.end(session)
    desk.table.end(session)
    assert not desk.found(session)
    assert (live.ends, desk.ends) == (1, [("alice", "closed")])


def test_records_that_end_one_another_are_each_told_once() -> None:
    desk = Desk()

    class Chained(Live):
        other: Session

        def ended(self) -> None:
            super().ended()
            desk.table.end(self.other)

    one, other = desk.open("a")[0], desk.open("b")[0]
    first, second = Chained(), Chained()
    first.other, second.other = other, one
    one.attachment, other.attachment = first, second
    desk.table.close()
    assert (first.ends, second.ends) == (1, 1)
    assert sorted(owner for owner, _ in desk.ends) == ["a", "b"]


def test_a_table_that_is_closed_finds_and_opens_nothing() -> None:
    desk = Desk()
    session, _ = desk.open()
    desk.table.close()
    assert not desk.found(session)
    assert session.gone
    with pytest.raises(Overloaded, match="the gateway is stopping"):
        desk.open()


def test_at_the_stop_all_end() -> None:
    desk = Desk()
    lives = [desk.open(owner)[1] for owner in "abc"]
    desk.table.close()
    assert (len(desk.table), [live.ends for live in lives]) == (0, [1, 1, 1])
    assert desk.ends == [("a", "shutdown"), ("b", "shutdown"), ("c", "shutdown")]


def test_counts_are_per_shelf_and_the_copy_is_least_recently_used_first() -> None:
    desk = Desk(10)
    a, b, c = desk.open("a")[0], desk.open("b", "a2a")[0], desk.open("c")[0]
    assert desk.found(a)
    assert (desk.table.count("mcp"), desk.table.count("a2a"), desk.table.count("llm")) == (2, 1, 0)
    listed = desk.table.all()
    assert listed == [c, a, b]
    assert (desk.table.all("mcp"), desk.table.all("a")) == ([c, a], [b])
    listed.clear()
    assert len(desk.table) == 3
    assert repr(desk.table) == "SessionTable(Shelf(mcp, 2 of 10), Shelf(a2a, 1 of 10))"


def test_without_a_callback_ends_are_nobodys_affair() -> None:
    table = SessionTable(ManualClock(), idle=IDLE, limit=1)
    table.open("mcp", "a", "", {})
    table.open("mcp", "b", "", {})
    assert [each.owner for each in table.all()] == ["b"]


def test_ten_thousand_clients_that_never_say_goodbye_leave_nothing() -> None:
    desk = Desk(100)
    for number in range(10_000):
        desk.open(str(number))
        desk.clock.advance(0.5)
        assert len(desk.table) <= 100
    desk.clock.advance(IDLE)
    desk.table.sweep()
    assert len(desk.table) == 0
    assert len(desk.ends) == 10_000


class Life(RuleBasedStateMachine):
    """Any order of events: what was opened is alive or was ended once, and what is alive is fresh or busy."""

    sessions = Bundle("sessions")

    def __init__(self) -> None:
        super().__init__()
        self.desk = Desk(4)
        self.lives: list[tuple[Session, Live]] = []

    @rule(target=sessions, owner=st.sampled_from("ab"))
    def open(self, owner: str) -> tuple[Session, Live]:
        opened = self.desk.open(owner)
        self.lives.append(opened)
        return opened

    @rule(given=sessions, owner=st.sampled_from("ab"))
    def find(self, given: tuple[Session, Live], owner: str) -> None:
        session, live = given
        found = self.desk.table.find("mcp", session.id, owner)
        assert found is None or (found is session and owner == session.owner and live.ends == 0)

    @rule(given=sessions, busy=st.booleans())
    def work(self, given: tuple[Session, Live], busy: bool) -> None:
        given[1].busy = busy

    @rule(given=sessions)
    def end(self, given: tuple[Session, Live]) -> None:
        self.desk.table.end(given[0])
        assert given[1].ends == 1

    @rule(seconds=st.sampled_from([1.0, IDLE / 2, IDLE]))
    def wait(self, seconds: float) -> None:
        self.desk.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        self.desk.table.sweep()
        for session in self.desk.table.all():
            assert self.desk.clock.monotonic() - session.seen < IDLE

    @invariant()
    def every_record_lives_or_was_ended_once(self) -> None:
        alive = self.desk.table.all()
        assert len(alive) <= 4
        assert len(alive) + len(self.desk.ends) == len(self.lives)
        assert all(live.ends == (session not in alive) for session, live in self.lives)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("limit", [1, 5])
def test_the_newest_record_is_never_the_one_that_goes(limit: int) -> None:
    desk = Desk(limit)
    for number in range(20):
        session, _ = desk.open(str(number))
        assert desk.found(session)
