"""federation/sessions_front.py: what a session keeps is bounded, counted once, and taken back when it ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate.federation.client import MAX_SUBSCRIPTIONS, MAX_URI, ClientSession
from tests.e2e.caller import Got, Legacy
from tests.e2e.gateway import InProcess, in_process, manifest_of, until
from tests.federation.upstreams import Seen, Upstream, error, http, result, upstream

pytestmark = pytest.mark.anyio

URI = "note://one"
FILE = {"sessions": {"store": "sqlite:sessions.db"}}


class Notes:
    """An upstream with a resource that can be watched; `opened` lets subscriptions through."""

    def __init__(self, server: Upstream) -> None:
        self.server = server
        self.opened = asyncio.Event()
        self.opened.set()
        server.capabilities |= {"resources": {"subscribe": True}}
        server.lists |= {"resources": [{"uri": URI, "name": "one"}], "resourceTemplates": []}
        server.on["resources/subscribe"] = self.subscribe
        server.on["resources/unsubscribe"] = self.accept

    async def subscribe(self, seen: Seen) -> bytes:
        await self.opened.wait()
        return await self.accept(seen)

    async def accept(self, seen: Seen) -> bytes:
        return http(200, result(seen, {}))

    async def refuse(self, seen: Seen) -> bytes:
        return http(200, error(seen, -32602, "nothing to see here"))

    def count(self, method: str) -> int:
        return len(self.server.all(method))


@asynccontextmanager
async def notes() -> AsyncIterator[Notes]:
    async with upstream() as server:
        yield Notes(server)


def serving(kept: Notes, folder: Path, **sections: Any) -> Any:
    return in_process(manifest_of({"notes": {"url": kept.server.url}}, **sections), folder)


async def exposed(session: Legacy) -> str:
    found: str = (await session.call("resources/list")).message["result"]["resources"][0]["uri"]
    return found


def live(gateway: InProcess) -> ClientSession:
    (record,) = gateway.gateway.sessions.all()
    assert isinstance(record.attachment, ClientSession)
    return record.attachment


def refusal(got: Got) -> str:
    said: str = got.message["error"]["message"]
    return said


async def test_subscriptions_have_a_limit_and_so_have_their_uris(tmp_path: Path) -> None:
    async with notes() as kept, serving(kept, tmp_path) as gateway:
        session = await gateway.legacy()
        uri = await exposed(session)
        wishes = live(gateway).wishes
        wishes.update({str(number): ("notes", str(number)) for number in range(MAX_SUBSCRIPTIONS)})
        got = await session.call("resources/subscribe", {"uri": uri})
        assert refusal(got) == f"a session may subscribe to {MAX_SUBSCRIPTIONS} resources at most"
        wishes.clear()
        got = await session.call("resources/subscribe", {"uri": uri + "x" * MAX_URI})
        assert refusal(got) == f"a URI of more than {MAX_URI} characters cannot be subscribed to"
        assert kept.count("resources/subscribe") == 0


async def test_a_subscription_is_counted_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    async with notes() as kept, serving(kept, tmp_path) as gateway:
        session = await gateway.legacy()
        uri = await exposed(session)
        for _ in range(3):
            assert "result" in (await session.call("resources/subscribe", {"uri": uri})).message
        kept.opened.clear()
        for _ in range(2):
            assert "result" in (await session.call("resources/unsubscribe", {"uri": uri})).message
        await kept.server.saw("resources/unsubscribe")
        asking = [asyncio.create_task(session.call("resources/subscribe", {"uri": uri})) for _ in range(3)]
        await kept.server.saw("resources/subscribe", 2)
        kept.opened.set()
        assert all("result" in got.message for got in await asyncio.gather(*asking))
        assert (kept.count("resources/unsubscribe"), live(gateway).subscriptions) == (1, {("notes", URI)})
        await session.call("resources/unsubscribe", {"uri": uri})
        await kept.server.saw("resources/unsubscribe", 2)
        assert live(gateway).subscriptions == set()


async def test_a_session_that_ends_takes_its_subscriptions_back_even_one_under_way(tmp_path: Path) -> None:
    async with notes() as kept, serving(kept, tmp_path) as gateway:
        session = await gateway.legacy()
        uri = await exposed(session)
        kept.opened.clear()
        asking = asyncio.create_task(session.call("resources/subscribe", {"uri": uri}))
        await kept.server.saw("resources/subscribe")
        assert (await gateway.caller.send("DELETE", session.head)).status == 204
        kept.opened.set()
        await asking
        await kept.server.saw("resources/unsubscribe")


@asynccontextmanager
async def restarted(kept: Notes, folder: Path) -> AsyncIterator[tuple[InProcess, Legacy, str]]:
    """A gateway that has been started again, and a session of the one before with its subscription."""
    async with serving(kept, folder, **FILE) as gateway:
        session = await gateway.legacy()
        uri = await exposed(session)
        await session.call("resources/subscribe", {"uri": uri})
    async with serving(kept, folder, **FILE) as gateway:
        yield gateway, Legacy(gateway.caller, session.session, session.version, session.greeting), uri


async def test_a_restored_session_wants_what_it_wanted(tmp_path: Path) -> None:
    async with notes() as kept, restarted(kept, tmp_path) as (gateway, session, uri):
        assert kept.count("resources/subscribe") == 1
        assert (await session.call("ping")).status == 200
        await kept.server.saw("resources/subscribe", 2)
        await until(lambda: live(gateway).subscriptions == {("notes", URI)})
        assert live(gateway).wishes == {uri: ("notes", URI)}
        assert bytes(live(gateway).client.capabilities) == b"{}"
        assert b'"t"' in bytes(live(gateway).client.info)


async def test_a_restored_subscription_that_is_given_up_while_it_is_being_made_is_taken_back(tmp_path: Path) -> None:
    async with notes() as kept, restarted(kept, tmp_path) as (gateway, session, uri):
        kept.opened.clear()
        before = kept.count("resources/unsubscribe")
        assert (await session.call("ping")).status == 200
        await kept.server.saw("resources/subscribe", 2)
        assert "result" in (await session.call("resources/unsubscribe", {"uri": uri})).message
        assert kept.count("resources/unsubscribe") == before
        kept.opened.set()
        await kept.server.saw("resources/unsubscribe", before + 1)
        assert (live(gateway).wishes, live(gateway).subscriptions) == ({}, set())


async def test_a_subscription_that_the_server_does_not_grant_any_more_is_forgotten(tmp_path: Path) -> None:
    async with notes() as kept, restarted(kept, tmp_path) as (gateway, session, _):
        kept.server.on["resources/subscribe"] = kept.refuse
        assert (await session.call("ping")).status == 200
        await until(lambda: live(gateway).wishes == {})


async def test_a_subscription_waits_for_a_server_that_is_away(tmp_path: Path) -> None:
    async with notes() as kept:
        async with serving(kept, tmp_path, **FILE) as gateway:
            session = await gateway.legacy()
            await session.call("resources/subscribe", {"uri": await exposed(session)})
        await kept.server.stop()
        async with serving(kept, tmp_path, **FILE) as gateway:
            session = Legacy(gateway.caller, session.session, session.version, None)
            assert (await session.call("ping")).status == 200
            await kept.server.start()
            await kept.server.saw("resources/subscribe", 2)
            await until(lambda: live(gateway).subscriptions == {("notes", URI)})


async def test_a_subscription_at_a_server_that_is_no_more_is_forgotten(tmp_path: Path) -> None:
    async with notes() as kept, upstream() as other:
        async with serving(kept, tmp_path, **FILE) as gateway:
            session = await gateway.legacy()
            await session.call("resources/subscribe", {"uri": await exposed(session)})
        async with in_process(manifest_of({"other": {"url": other.url}}, **FILE), tmp_path) as gateway:
            session = Legacy(gateway.caller, session.session, session.version, None)
            assert (await session.call("ping")).status == 200
            await until(lambda: live(gateway).wishes == {})


async def test_a_gateway_that_stops_does_not_say_that_a_stored_session_is_gone(tmp_path: Path) -> None:
    async with notes() as kept, serving(kept, tmp_path, **FILE) as gateway:
        session = await gateway.legacy()
        async with session.listen() as stream:
            await gateway.gateway.drain()
            await stream.rest()
        for got in (await session.call("ping"), await session.tool("notes__echo")):
            assert (got.status, refusal(got)) == (503, "the gateway is stopping; try again in a moment")


async def test_a_gateway_that_stops_says_that_a_session_in_memory_is_gone(tmp_path: Path) -> None:
    async with notes() as kept, serving(kept, tmp_path) as gateway:
        session = await gateway.legacy()
        await gateway.gateway.drain()
        assert (await session.call("ping")).status == 404


async def test_a_session_belongs_to_its_view_after_a_restart_too(tmp_path: Path) -> None:
    async with notes() as kept, restarted(kept, tmp_path) as (gateway, session, _):
        elsewhere = Legacy(gateway.at("notes"), session.session, session.version, None)
        assert (await elsewhere.call("ping")).status == 404
        assert (await session.call("ping")).status == 200


async def test_an_answer_to_a_question_of_before_answers_no_new_one(tmp_path: Path) -> None:
    async with notes() as kept, restarted(kept, tmp_path) as (gateway, session, _):
        assert (await session.call("ping")).status == 200
        names = {live(gateway).stream.name, live(gateway)._new_stream(1).name}
        assert all("-" in name for name in names)
        assert (await session.send(b'{"jsonrpc":"2.0","id":"fedgate-1","result":{}}')).status == 202
