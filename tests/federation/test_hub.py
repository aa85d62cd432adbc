import asyncio
import json
import logging

import pytest

from fedgate.core.errors import RpcError, UpstreamError
from fedgate.federation.hub import Hub, uri_of
from fedgate.federation.messages import Client, Notice
from tests.core.http_peer import until
from tests.federation.connections import ALICE, hub_over
from tests.federation.upstreams import Seen, error, http, never, result, upstream

pytestmark = pytest.mark.anyio

UPDATED = "notifications/resources/updated"


def tools(hub: Hub, view: str = "") -> list[str]:
    catalog = hub.catalog(view)
    assert catalog is not None
    legacy, _ = catalog.lists["tools/list"]
    return [tool["name"] for tool in json.loads(legacy)["tools"]]


class Ear:
    """Hears the news of one view."""

    def __init__(self, hub: Hub, view: str = "") -> None:
        self.kinds: list[str] = []
        self.notices: list[Notice] = []
        self.end = hub.listen(view, self.hear)

    def hear(self, kinds: tuple[str, ...], notice: Notice | None) -> None:
        self.kinds += kinds
        if notice is not None:
            self.notices.append(notice)


async def test_views_are_the_aggregate_and_each_server() -> None:
    async with upstream() as one, upstream("modern") as two, hub_over(one=one, two=two) as hub:
        assert tools(hub) == ["one__echo", "two__echo"]
        assert tools(hub, "one") == tools(hub, "two") == ["echo"]
        assert hub.catalog("three") is None
        assert [(status.name, status.state, status.era) for status in hub.status] == [
            ("one", "ready", "legacy"),
            ("two", "ready", "modern"),
        ]


async def test_a_disabled_server_is_not_there() -> None:
    async with upstream() as one, hub_over({"servers": {"one": {"url": one.url, "disabled": True}}}) as hub:
        assert hub.status == []
        assert tools(hub) == []
    assert one.seen == []


async def test_a_change_is_told_to_the_views_that_it_changes() -> None:
    async with upstream() as one, upstream() as two, hub_over(one=one, two=two) as hub:
        every, first, second = Ear(hub), Ear(hub, "one"), Ear(hub, "two")
        await one.listening()
        one.tools = [*one.tools, {"name": "late", "inputSchema": {}}]
        one.announce("notifications/tools/list_changed")
        async with asyncio.timeout(10):
            await until(lambda: bool(every.kinds))
        assert tools(hub) == ["one__echo", "one__late", "two__echo"]
        assert (every.kinds, first.kinds, second.kinds) == (["tools"], ["tools"], [])
        assert every.notices == []


async def test_an_announcement_without_a_change_is_told_in_the_servers_own_view_alone() -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        every, own = Ear(hub), Ear(hub, "one")
        await one.listening()
        one.announce("notifications/tools/list_changed")
        async with asyncio.timeout(10):
            await until(lambda: bool(own.kinds))
        assert (every.kinds, own.kinds) == ([], ["tools"])


async def test_who_stopped_listening_hears_nothing() -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        gone, stays = Ear(hub, "one"), Ear(hub, "one")
        gone.end()
        gone.end()
        await one.listening()
        one.announce("notifications/tools/list_changed")
        async with asyncio.timeout(10):
            await until(lambda: bool(stays.kinds))
        assert gone.kinds == []


async def test_collisions_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        async with upstream() as one, upstream() as two, hub_over({"naming": "never"}, one=one, two=two) as hub:
            assert tools(hub) == ["echo"]
    assert "echo" in caplog.text


# Subscriptions.


async def test_updates_are_told_in_the_spelling_of_each_view() -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        every, own = Ear(hub), Ear(hub, "one")
        await one.listening()
        one.announce(UPDATED, {"uri": "note://a"})
        async with asyncio.timeout(10):
            await until(lambda: bool(own.notices))
        assert uri_of(every.notices[0]) == "one+note://a"
        assert uri_of(own.notices[0]) == "note://a"


async def test_the_first_subscriber_is_told_to_the_server_and_the_last_is_taken_back() -> None:
    async def fine(seen: Seen) -> bytes:
        return http(200, result(seen, {}))

    async with upstream() as one, hub_over(one=one) as hub:
        one.on["resources/subscribe"] = one.on["resources/unsubscribe"] = fine
        for _ in range(3):
            await hub.subscribe("one", "a:b")
        assert len(one.all("resources/subscribe")) == 1
        for _ in range(3):
            hub.unsubscribe("one", "a:b")
        assert (await one.saw("resources/unsubscribe")).params == {"uri": "a:b"}
        await hub.subscribe("one", "a:b")
        assert len(one.all("resources/subscribe")) == 2


async def test_a_subscription_that_is_refused_is_refused_to_the_next_one_too() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(200, error(seen, -32602, "unknown resource"))

    async with upstream() as one, hub_over(one=one) as hub:
        one.on["resources/subscribe"] = refuse
        for count in (1, 2):
            with pytest.raises(RpcError, match="unknown resource"):
                await hub.subscribe("one", "a:b")
            assert len(one.all("resources/subscribe")) == count


async def test_a_subscription_whose_client_left_meanwhile_leaves_no_trace() -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        one.on["resources/subscribe"] = never
        first = asyncio.create_task(hub.subscribe("one", "a:b"))
        await one.saw("resources/subscribe")
        first.cancel()
        await asyncio.wait([first])
        second = asyncio.create_task(hub.subscribe("one", "a:b"))
        await one.saw("resources/subscribe", 2)
        second.cancel()
        await asyncio.wait([second])


async def test_a_modern_server_hears_of_subscriptions_by_a_new_stream() -> None:
    async with upstream("modern") as one, hub_over(one=one) as hub:
        await one.listening()
        await hub.subscribe("one", "a:b")
        asked = await one.saw("subscriptions/listen", 2)
        assert asked.params["notifications"]["resourceSubscriptions"] == ["a:b"]


async def test_a_server_that_is_away_cannot_be_subscribed_to() -> None:
    async with upstream() as one:
        await one.stop()
        async with hub_over(one=one) as hub:
            with pytest.raises(UpstreamError):
                await hub.subscribe("one", "a:b")


async def test_a_client_that_has_gone_is_forgotten_by_every_server() -> None:
    async with upstream() as one, upstream() as two, hub_over(one=one, two=two) as hub:
        for server in hub.servers.values():
            await server.connection(ALICE)
        hub.forget(ALICE)
        hub.forget(Client(key="nobody"))
        assert [len(server.pool) for server in hub.servers.values()] == [0, 0]
        for each in (one, two):
            await each.saw("DELETE")


@pytest.mark.parametrize("params", [b"", b"[]", b"{}", b'{"uri":1}'])
def test_a_notice_without_a_uri_speaks_of_nothing(params: bytes) -> None:
    assert uri_of(Notice(UPDATED, params)) == ""
