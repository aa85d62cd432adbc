"""sessions/reveal.py: a reply that tells a new id waits until it is stored; no other reply waits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from fedgate.core.call import Call, Record, Reply, Request
from fedgate.core.clock import ManualClock
from fedgate.core.errors import GatewayError, Overloaded
from fedgate.sessions.keeper import Keeper
from fedgate.sessions.reveal import Reveal
from fedgate.sessions.table import Session, SessionTable
from tests.sessions.stores import LIMIT, FakeStore

pytestmark = pytest.mark.anyio


async def nothing() -> bytes:
    return b""


REQUEST = Request("1", "POST", "/mcp", b"", {}, "", "", "HTTP/1.1", read=nothing)


class Opening:
    """An `Endpoint` that opens a session with every call of `open`."""

    protocol = "mcp"
    operations = frozenset({"open", "use"})

    def __init__(self, table: SessionTable) -> None:
        self.table = table

    async def bind(self, call: Call) -> Call:
        return call

    async def dispatch(self, call: Call) -> Reply:
        if call.operation == "open":
            call.record.session = self.table.open("mcp", "o", "", {}).id
        return Reply(200, body=call.record.session.encode())

    def render(self, record: Record, error: GatewayError) -> Reply:
        return Reply(500, body=error.message.encode())


class Desk:
    def __init__(self, store: FakeStore) -> None:
        self.store = store
        self.table = SessionTable(ManualClock(), idle=100.0, limit=10)
        self.keeper = Keeper(self.table, store, patience=LIMIT)
        self.reveal = Reveal(Opening(self.table), self.table)

    def call(self, operation: str, session: Session | None = None) -> Call:
        record = Record(REQUEST, "mcp", 0.0, session=session.id if session is not None else "")
        return Call("mcp", REQUEST, record, operation=operation, session=session)


@asynccontextmanager
async def desk() -> AsyncIterator[Desk]:
    found = Desk(FakeStore())
    found.keeper.start()
    try:
        yield found
    finally:
        found.store.gate.set()
        await found.keeper.aclose()


async def test_a_reply_with_a_new_id_waits_for_the_store() -> None:
    async with desk() as at:
        at.store.gate.clear()
        replying = asyncio.create_task(at.reveal.dispatch(at.call("open")))
        await asyncio.to_thread(at.store.entered.wait, LIMIT)
        assert not replying.done()
        at.store.gate.set()
        async with asyncio.timeout(LIMIT):
            reply = await replying
        assert len(at.store.kept) == 1
        assert isinstance(reply.body, bytes)
        assert at.table.find("mcp", reply.body.decode(), "o") is not None


async def test_other_replies_do_not_wait_whatever_the_store_does() -> None:
    async with desk() as at:
        at.store.gate.clear()
        session = at.table.open("mcp", "o", "", {})
        async with asyncio.timeout(LIMIT):
            assert (await at.reveal.dispatch(at.call("use", session))).body == session.id.encode()
            assert (await at.reveal.dispatch(at.call("use"))).body == b""


async def test_an_id_that_could_not_be_stored_is_not_told() -> None:
    async with desk() as at:
        at.store.broken = "the disk is full"
        with pytest.raises(Overloaded, match="the session could not be stored"):
            await at.reveal.dispatch(at.call("open"))
        assert len(at.table) == 0


async def test_everything_else_is_the_endpoints_affair() -> None:
    async with desk() as at:
        call = at.call("use")
        assert await at.reveal.bind(call) is call
        assert at.reveal.render(call.record, Overloaded("no")).body == b"no"
        assert (at.reveal.protocol, at.reveal.operations) == ("mcp", Opening.operations)
