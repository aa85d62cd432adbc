"""sessions/keeper.py: what is promised is stored, many changes share a batch, and a store that fails harms nobody."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from fedgate.core.clock import ManualClock, SystemClock
from fedgate.core.errors import Overloaded
from fedgate.sessions.keeper import Keeper
from fedgate.sessions.store import CannotOpenStore, StoredSession, Worth
from fedgate.sessions.table import SessionTable, digest
from tests.sessions.stores import LIMIT, FakeStore, stored

pytestmark = pytest.mark.anyio

CLOCK = SystemClock()


class Kept:
    """A table, its store and what brings one to the other."""

    def __init__(self, store: FakeStore, *, patience: float = LIMIT) -> None:
        self.store = store
        self.table = SessionTable(ManualClock(), idle=100.0, limit=5000)
        self.keeper = Keeper(self.table, store, patience=patience)

    async def until(self, predicate: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not predicate():
                await CLOCK.sleep(0.005)


@asynccontextmanager
async def keeping(store: FakeStore | None = None, *, patience: float = LIMIT) -> AsyncIterator[Kept]:
    kept = Kept(store or FakeStore(), patience=patience)
    kept.keeper.start()
    try:
        yield kept
    finally:
        async with asyncio.timeout(LIMIT):
            await kept.keeper.aclose()


async def test_a_new_session_is_stored_by_the_time_it_is_revealed_and_not_under_its_id() -> None:
    async with keeping() as kept:
        session = kept.table.open("mcp", "key:alice", "", {"version": "1"})
        await kept.table.reveal("mcp", session.id)
        assert list(kept.store.kept) == [("mcp", digest(session.id))]
        assert session.id not in repr(kept.store.kept)


async def test_sessions_that_come_while_one_is_being_stored_share_the_next_batch() -> None:
    async with keeping() as kept:
        kept.store.gate.clear()
        first = kept.table.open("mcp", "o", "", {})
        revealing = [asyncio.create_task(kept.table.reveal("mcp", first.id))]
        await asyncio.to_thread(kept.store.entered.wait, LIMIT)
        more = [kept.table.open("mcp", "o", "", {}) for _ in range(100)]
        revealing += [asyncio.create_task(kept.table.reveal("mcp", each.id)) for each in more]
        kept.store.gate.set()
        await asyncio.gather(*revealing)
        assert [len(each.put) for each in kept.store.saves] == [1, 100]


async def test_more_than_one_batch_is_stored_without_waiting_for_the_next_change() -> None:
    async with keeping() as kept:
        sessions = [kept.table.open("mcp", "o", "", {}) for _ in range(2500)]
        assert await kept.table.kept(sessions[-1])
        assert len(kept.store.kept) == 2500


async def test_an_end_is_stored_soon() -> None:
    async with keeping() as kept:
        session = kept.table.open("mcp", "o", "", {})
        await kept.table.reveal("mcp", session.id)
        kept.table.end(session)
        await kept.until(lambda: not kept.store.kept)


async def test_use_is_stored_after_a_while_and_at_the_end() -> None:
    store = FakeStore()
    async with keeping(store) as kept:
        session = kept.table.open("mcp", "o", "", {})
        await kept.table.reveal("mcp", session.id)
        session.turns = 1
        await kept.until(lambda: next(iter(store.kept.values())).turns == 1)
        session.turns = 2
    assert next(iter(store.kept.values())).turns == 2
    assert store.closed


async def test_the_stop_takes_the_live_half_and_leaves_the_records() -> None:
    class Live:
        busy = True
        ends = 0

        def ended(self) -> None:
            self.ends += 1

    store = FakeStore()
    live = Live()
    async with keeping(store) as kept:
        session = kept.table.open("mcp", "o", "", {})
        session.attachment = live
        states = [kept.table.resting]
        kept.table.close()
        states.append(kept.table.resting)
        assert states == [False, True]
        assert kept.table.find("mcp", session.id, "o") is None
        with pytest.raises(Overloaded, match="the gateway is stopping"):
            kept.table.open("mcp", "o", "", {})
    assert live.ends == 1
    assert list(store.kept) == [("mcp", digest(session.id))]


async def test_what_was_stored_is_in_the_table_from_the_start() -> None:
    store = FakeStore()
    async with keeping(store) as kept:
        ids = [kept.table.open("mcp", "o", "", {"n": number}).id for number in range(3)]
    async with keeping(FakeStore(store.kept)) as kept:
        assert kept.keeper.restored == 3
        found = [kept.table.find("mcp", id_, "o") for id_ in ids]
        assert [session.data["n"] for session in found if session is not None] == [0, 1, 2]
    assert kept.store.asked == [(1_000_000.0 - 100.0, 5000)]


async def test_while_the_store_fails_the_known_go_on_and_new_ones_are_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fedgate.sessions")
    async with keeping() as kept:
        known = kept.table.open("mcp", "o", "", {})
        await kept.table.reveal("mcp", known.id)
        kept.store.broken = "the disk is full"
        new = kept.table.open("mcp", "o", "", {})
        with pytest.raises(Overloaded, match="the session could not be stored; try again later"):
            await kept.table.reveal("mcp", new.id)
        assert kept.keeper.failing == "the disk is full"
        assert kept.table.find("mcp", new.id, "o") is None
        assert kept.table.find("mcp", known.id, "o") is known
        with pytest.raises(Overloaded, match="sessions cannot be stored at the moment"):
            kept.table.open("mcp", "o", "", {})
        kept.table.changed(known)
        assert not await kept.table.kept(known)
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "the disk is full; those open go on, new ones are refused until it works" in caplog.text


async def test_when_the_store_works_again_everything_is_stored(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "fedgate.sessions")
    async with keeping() as kept:
        known = kept.table.open("mcp", "o", "", {})
        await kept.table.reveal("mcp", known.id)
        kept.store.broken = "the disk is full"
        known.data["level"] = "debug"
        kept.table.changed(known)
        assert not await kept.table.kept(known)
        kept.store.broken = ""
        await kept.until(lambda: not kept.keeper.failing)
        assert '"level":"debug"' in kept.store.kept["mcp", digest(known.id)].data
        await kept.table.reveal("mcp", kept.table.open("mcp", "o", "", {}).id)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_nobody_waits_longer_than_the_patience_for_a_store_that_hangs() -> None:
    async with keeping(patience=0.05) as kept:
        kept.store.gate.clear()
        new = kept.table.open("mcp", "o", "", {})
        with pytest.raises(Overloaded, match="could not be stored"):
            await kept.table.reveal("mcp", new.id)
        with pytest.raises(Overloaded, match="cannot be stored at the moment"):
            kept.table.open("mcp", "o", "", {})
        kept.store.gate.set()
        await kept.until(lambda: not kept.keeper.failing)
        await kept.until(lambda: not kept.store.kept)


async def test_a_store_that_hangs_does_not_hold_up_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(FakeStore(), patience=0.05)
    kept.keeper.start()
    kept.store.gate.clear()
    kept.table.open("mcp", "o", "", {})
    async with asyncio.timeout(LIMIT):
        await kept.keeper.aclose()
    assert "took too long: the last changes may be lost" in caplog.text
    kept.store.gate.set()
    await kept.until(lambda: kept.store.closed)


async def test_one_who_stops_waiting_does_not_stop_the_saving() -> None:
    async with keeping() as kept:
        kept.store.gate.clear()
        session = kept.table.open("mcp", "o", "", {})
        waiting = asyncio.create_task(kept.table.reveal("mcp", session.id))
        await asyncio.to_thread(kept.store.entered.wait, LIMIT)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        kept.store.gate.set()
        assert await kept.table.kept(session)


async def test_a_keeper_that_never_started_closes_its_store() -> None:
    kept = Kept(FakeStore())
    await kept.keeper.aclose()
    assert kept.store.closed


async def test_a_store_that_cannot_be_read_is_closed_and_said() -> None:
    class Damaged(FakeStore):
        def load(self, worth: Callable[[str], Worth]) -> list[StoredSession]:
            raise CannotOpenStore("it is damaged")

    store = Damaged()
    with pytest.raises(CannotOpenStore, match="it is damaged"):
        Kept(store)
    assert store.closed


async def test_without_a_store_nothing_is_waited_for() -> None:
    table = SessionTable(ManualClock(), idle=100.0, limit=10)
    session = table.open("mcp", "o", "", {})
    assert await table.kept(session)
    await table.reveal("mcp", session.id)
    assert table.gather() is None
    table.close()
    assert not table.resting


async def test_it_shows_where_and_how_much() -> None:
    kept = Kept(FakeStore({("mcp", "k"): stored()}))
    assert repr(kept.keeper) == "Keeper(a test's memory, 0 unsaved)"
    assert (kept.keeper.place, kept.keeper.restored) == ("a test's memory", 1)
    await kept.keeper.aclose()
