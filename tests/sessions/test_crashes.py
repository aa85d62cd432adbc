"""Table, bookkeeping and SQLite together, killed at any moment: who was told an id finds the session again, whose end
was stored does not come back, and nobody else ever gets in."""

import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from fedgate.core.clock import ManualClock
from fedgate.core.errors import Overloaded
from fedgate.sessions.sqlite import SqliteStore
from fedgate.sessions.store import Changes, Worth
from fedgate.sessions.table import Session, SessionTable, digest
from fedgate.sessions.unsaved import Unsaved

IDLE = 1000.0
LIMIT = 5


class Live:
    busy = False

    def ended(self) -> None:
        pass


class Crashes(RuleBasedStateMachine):
    """A gateway that is killed and started again. A batch under way at that moment is in the file, or it is not."""

    ids = Bundle("ids")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock()
        self.revealed: dict[str, str] = {}
        """Id → owner, of what was stored and then told to its client."""
        self.over: set[str] = set()
        """Ids whose end was stored."""
        self.ending: set[str] = set()
        """Ids that have ended, or may have."""
        self.levels: dict[str, int] = {}
        """What of a session was stored last."""
        self.under_way: tuple[Changes, list[Session]] | None = None

    @initialize()
    def begin(self) -> None:
        self.store = SqliteStore(Path(self.folder.name, "s.db"))
        self.unsaved = Unsaved(self.clock)
        self.by_key: dict[str, str] = {digest(id_): id_ for id_ in self.revealed}
        self.table = SessionTable(self.clock, idle=IDLE, limit=LIMIT, on_end=self.ended)
        self.table.revive["mcp"] = lambda _session: Live()
        self.table.keep(self.unsaved, self.store.load(lambda _shelf: Worth(self.clock.now() - IDLE, LIMIT)))
        self.under_way = None

    def ended(self, session: Session, _why: str) -> None:
        self.ending.add(self.by_key.get(session.key, session.id))

    @rule(target=ids, owner=st.sampled_from("ab"))
    def open(self, owner: str) -> str:
        try:
            session = self.table.open("mcp", owner, "", {"level": 0})
        except Overloaded:
            assert self.unsaved.failing
            return "never opened"
        session.attachment = Live()
        self.by_key[session.key] = session.id
        return session.id

    @rule(id_=ids, owner=st.sampled_from("ab"))
    def find(self, id_: str, owner: str) -> None:
        found = self.table.find("mcp", id_, owner)
        assert found is None or (found.owner == owner and found.id == id_)
        if self.revealed.get(id_) == owner and id_ not in self.ending:
            assert found is not None

    @rule(id_=ids, level=st.integers(1, 9))
    def change(self, id_: str, level: int) -> None:
        session = self.table.find("mcp", id_, self.revealed.get(id_, "a"))
        if session is not None:
            session.data["level"] = level
            self.table.changed(session)

    @rule(id_=ids)
    def end(self, id_: str) -> None:
        session = self.table.find("mcp", id_, self.revealed.get(id_, "a"))
        if session is not None:
            self.table.end(session)

    @rule()
    def gather(self) -> None:
        if self.under_way is None and (changes := self.table.gather()) is not None:
            self.under_way = changes, self.table.all()

    @rule(works=st.booleans())
    def save(self, works: bool) -> None:
        self.gather()
        if self.under_way is None:
            return
        changes, _ = self.under_way
        if works:
            self.written(changes)
        self.unsaved.settle(changes, "" if works else "the disk is full")
        self.under_way = None

    def written(self, changes: Changes) -> None:
        self.store.save(changes)
        for each in changes.put:
            id_ = self.by_key[each.key]
            self.revealed[id_] = each.owner
            self.levels[id_] = int(each.data[9:-1])
        self.over |= {self.by_key.get(key, "") for _, key in changes.gone}

    @rule()
    def flush(self) -> None:
        """Whatever failed before: once the store works, it has what the table has, and no more."""
        self.save(works=True)
        while (changes := self.table.gather()) is not None and (changes.put or changes.gone):
            self.written(changes)
            self.unsaved.settle(changes)
        if changes is not None:
            self.unsaved.settle(changes)
        kept = {each.key: int(each.data[9:-1]) for each in self.store.load(lambda _shelf: Worth(0.0, 100))}
        assert kept == {each.key: each.data["level"] for each in self.table.all()}

    @rule(in_time=st.booleans())
    def kill(self, in_time: bool) -> None:
        """The process dies: nothing is told to the table; the batch under way was committed just before, or never."""
        if self.under_way is not None and in_time:
            self.written(self.under_way[0])
        self.store.close()
        self.ending = set(self.over)
        self.begin()
        for id_, owner in self.revealed.items():
            session = self.table.find("mcp", id_, owner)
            assert (session is None) == (id_ in self.over)
            assert session is None or session.data == {"level": self.levels[id_]}
            assert self.table.find("mcp", id_, "c") is None

    @rule(seconds=st.sampled_from([0.0, 1.0]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @invariant()
    def nothing_grows(self) -> None:
        if hasattr(self, "table"):
            assert len(self.table) <= LIMIT
            assert len(self.unsaved) <= LIMIT + len(self.ending)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
        self.folder.cleanup()


TestCrashes = Crashes.TestCase
TestCrashes.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
