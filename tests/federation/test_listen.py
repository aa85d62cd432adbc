import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from fedgate.core.errors import RpcError
from fedgate.core.rawjson import Raw
from fedgate.federation.hub import Hub
from fedgate.federation.listen import MAX_URIS, Listeners
from tests.federation.connections import hub_over
from tests.federation.fakes import raws
from tests.federation.upstreams import Seen, Upstream, error, http, never, result, upstream

pytestmark = pytest.mark.anyio

SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
ALL_KINDS = {"toolsListChanged": True, "promptsListChanged": True, "resourcesListChanged": True}


async def opened(
    listeners: Listeners, hub: Hub, wanted: object, view: str = "", ident: bytes = b'"s"'
) -> AsyncGenerator[bytes, None]:
    catalog = hub.catalog(view)
    assert catalog is not None
    return await listeners.open(view, catalog, Raw(ident), raws({"notifications": wanted}))


async def message(frames: AsyncGenerator[bytes, None]) -> Any:
    async with asyncio.timeout(10):
        return json.loads((await anext(frames)).partition(b"data: ")[2])


async def _fine(seen: Seen) -> bytes:
    return http(200, result(seen, {}))


def watchable(one: Upstream) -> None:
    one.capabilities["resources"] = {"subscribe": True}
    one.lists = {"resources": [{"uri": "a:b", "name": "r"}], "resourceTemplates": []}
    one.on["resources/subscribe"] = one.on["resources/unsubscribe"] = _fine


async def test_the_first_frame_says_what_will_be_sent_and_every_frame_names_the_subscription() -> None:
    async with upstream() as one:
        watchable(one)
        async with hub_over(one=one) as hub:
            listeners = Listeners(hub)
            wanted = {**ALL_KINDS, "resourceSubscriptions": ["one+a:b", "one+a:b", "unknown"]}
            async with aclosing(await opened(listeners, hub, wanted, ident=b"7")) as frames:
                first = await message(frames)
                assert first["method"] == "notifications/subscriptions/acknowledged"
                assert first["params"] == {
                    "notifications": {
                        "toolsListChanged": True,
                        "resourcesListChanged": True,
                        "resourceSubscriptions": ["one+a:b"],
                    },
                    "_meta": {SUBSCRIPTION: 7},
                }
                assert len(listeners) == 1
                await one.listening()
                one.announce("notifications/resources/updated", {"uri": "a:b", "_meta": {"own": 1}})
                heard = await message(frames)
                assert heard["params"] == {"uri": "one+a:b", "_meta": {"own": 1, SUBSCRIPTION: 7}}
            assert len(listeners) == 0
            await one.saw("resources/unsubscribe")
            assert len(one.all("resources/subscribe")) == 1


async def test_only_what_was_asked_for_is_sent() -> None:
    async with upstream() as one:
        watchable(one)
        async with hub_over(one=one) as hub:
            listeners = Listeners(hub)
            async with aclosing(await opened(listeners, hub, {"toolsListChanged": True}, "one")) as frames:
                await message(frames)
                await one.listening()
                one.announce("notifications/resources/updated", {"uri": "a:b"})
                one.announce("notifications/resources/list_changed")
                one.announce("notifications/tools/list_changed")
                assert (await message(frames))["method"] == "notifications/tools/list_changed"


async def test_the_end_of_the_gateway_is_a_result() -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        listeners = Listeners(hub)
        frames = await opened(listeners, hub, ALL_KINDS)
        await message(frames)
        listeners.close()
        last = await message(frames)
        assert last == {
            "jsonrpc": "2.0",
            "id": "s",
            "result": {"resultType": "complete", "_meta": {SUBSCRIPTION: "s"}},
        }
        assert [frame async for frame in frames] == []
        assert len(listeners) == 0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({}, "params.notifications must be an object"),
        ({"notifications": 5}, "params.notifications must be an object"),
        ({"notifications": {"resourceSubscriptions": "x"}}, "params.notifications must be an object"),
        ({"notifications": {"resourceSubscriptions": ["x"] * (MAX_URIS + 1)}}, f"at most {MAX_URIS}"),
    ],
)
async def test_a_filter_that_is_none_is_refused(params: dict[str, Any], message: str) -> None:
    async with upstream() as one, hub_over(one=one) as hub:
        listeners = Listeners(hub)
        catalog = hub.catalog("")
        assert catalog is not None
        with pytest.raises(RpcError, match=message):
            await listeners.open("", catalog, Raw(b"1"), raws(params))
        assert len(listeners) == 0


async def test_what_cannot_be_watched_is_left_out() -> None:
    async def refuse(seen: Seen) -> bytes:
        return http(200, error(seen, -32602, "no"))

    async with upstream() as one:
        watchable(one)
        one.on["resources/subscribe"] = refuse
        async with hub_over(one=one) as hub:
            frames = await opened(Listeners(hub), hub, {"resourceSubscriptions": ["one+a:b"]})
            assert (await message(frames))["params"]["notifications"] == {}
            await frames.aclose()


async def test_a_client_that_leaves_while_it_subscribes_leaves_nothing_behind() -> None:
    async def second_never(seen: Seen) -> bytes | None:
        if seen.params["uri"] == "a:1":
            return await _fine(seen)
        await never(seen)
        return None

    async with upstream() as one:
        watchable(one)
        one.on["resources/subscribe"] = second_never
        async with hub_over(one=one) as hub:
            listeners = Listeners(hub)
            opening = asyncio.create_task(opened(listeners, hub, {"resourceSubscriptions": ["one+a:1", "one+a:2"]}))
            await one.saw("resources/subscribe", 2)
            opening.cancel()
            await asyncio.wait([opening])
            assert (await one.saw("resources/unsubscribe")).params == {"uri": "a:1"}
            assert len(listeners) == 0
