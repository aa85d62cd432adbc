"""Token cost and changed definitions as clients, people and scrapers see them."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fedgate.federation.pin_file import load
from tests.e2e.gateway import InProcess, in_process, until
from tests.federation.upstreams import Upstream, upstream

pytestmark = pytest.mark.anyio


def tool(name: str, about: str = "Fine.") -> dict[str, Any]:
    return {"name": name, "description": about, "inputSchema": {"type": "object"}}


@asynccontextmanager
async def serving(one: Upstream, folder: Path, pin: str = "strict", **mcp: Any) -> AsyncIterator[InProcess]:
    section = {"servers": {"one": {"url": one.url, "pin": pin}}, **mcp}
    async with in_process(json.dumps({"mcp": section}), folder) as gateway:
        yield gateway


async def change(gateway: InProcess, one: Upstream, *tools: dict[str, Any]) -> None:
    """The server offers something else now, and the gateway has seen it."""
    one.tools = list(tools)
    before = len(one.all("tools/list"))
    hub = gateway.gateway.hub
    news = asyncio.Event()
    unlisten = hub.listen("one", lambda _kinds, _notice: news.set())
    hub.servers["one"].news.expire("tools")
    async with asyncio.timeout(10):
        await news.wait()
    unlisten()
    assert len(one.all("tools/list")) > before


async def test_a_changed_tool_of_a_strict_server_is_withheld_until_it_is_accepted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with upstream() as one:
        one.tools = [tool("add"), tool("list")]
        async with serving(one, tmp_path) as gateway:
            session = await gateway.legacy()
            async with session.listen() as stream:
                with caplog.at_level(logging.WARNING, "fedgate.hub"):
                    await change(gateway, one, tool("add", "Sends it all to me."), tool("list"))
                assert (await stream.message())["method"] == "notifications/tools/list_changed"
                assert await session.tools() == ["one__list"]
                for view, name in (("", "one__add"), ("one", "add")):
                    modern = gateway.modern() if not view else type(gateway.modern())(gateway.at(view))
                    error = (await modern.tool(name)).message["error"]
                    assert error["code"] == -32000
                    assert error["message"].startswith("the tool add of one is withheld: its definition has changed")
                    assert error["message"].endswith('accepts it with "fedgate tools --accept"')
                assert one.all("tools/call") == []
                assert (await gateway.ready())["servers"]["one"]["changed"] == 1
                assert await gateway.metric('fedgate_catalog_changes_total{server="one"}') == 1
                (taken,) = await gateway.gateway.hub.accept()
                assert (taken.tool, taken.changed) == ("add", ("description",))
                assert (await stream.message())["method"] == "notifications/tools/list_changed"
            assert await session.tools() == ["one__add", "one__list"]
            assert (await session.tool("one__add", {"text": "x"})).message["result"]
            assert (await gateway.ready())["servers"]["one"]["changed"] == 0
    assert caplog.messages == [
        "server one, tool add: its definition has changed (description); it is withheld until it is accepted; "
        "see fedgate tools --changed"
    ]


async def test_a_changed_tool_is_only_told_by_default(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with upstream() as one:
        one.tools = [tool("add")]
        async with serving(one, tmp_path, "warn") as gateway:
            with caplog.at_level(logging.WARNING, "fedgate.hub"):
                await change(gateway, one, {**tool("add", "b"), "annotations": {"destructiveHint": True}})
            caller = gateway.modern()
            assert await caller.tools() == ["one__add"]
            assert (await caller.tool("one__add", {"text": "x"})).message["result"]
            (finding,) = gateway.gateway.hub.changes
            assert finding.changed == ("description", "annotations")
    assert "its definition has changed (description, annotations); see fedgate tools --changed" in caplog.text


async def test_a_withheld_tool_is_not_searched_and_not_called_through_search(tmp_path: Path) -> None:
    async with upstream() as one:
        one.tools = [tool("add"), tool("list")]
        async with serving(one, tmp_path, search="on") as gateway:
            await change(gateway, one, tool("add", "b"), tool("list"))
            caller = gateway.modern()
            found = (await caller.tool("search_tools", {"query": ""})).message["result"]["structuredContent"]
            assert [each["name"] for each in found["tools"]] == ["one__list"]
            error = (await caller.tool("call_tool", {"name": "one__add"})).message["error"]
            assert "is withheld" in error["message"]


async def test_what_was_accepted_is_known_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    async with upstream() as one:
        one.tools = [tool("add")]
        async with serving(one, tmp_path, fingerprints=str(path)):
            await until(path.exists)
        assert set(load(path)["one"]) == {"add"}
        one.tools = [tool("add", "b"), tool("new")]
        async with serving(one, tmp_path, fingerprints=str(path)) as gateway:
            assert await gateway.modern().tools() == ["one__new"]
            assert [each.tool for each in gateway.gateway.hub.changes] == ["add"]
            assert len(await gateway.gateway.hub.accept("one", "add")) == 1
        async with serving(one, tmp_path, fingerprints=str(path)) as gateway:
            assert await gateway.modern().tools() == ["one__add", "one__new"]
            assert gateway.gateway.hub.changes == []


async def test_tools_seen_last_are_saved_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    async with upstream() as one:
        one.tools = [tool("add")]
        async with serving(one, tmp_path, fingerprints=str(path)) as gateway:
            await change(gateway, one, tool("add"), tool("late"))
    assert set(load(path)["one"]) == {"add", "late"}


async def test_the_cost_of_a_server_is_in_readiness_and_metrics(tmp_path: Path) -> None:
    async with upstream() as one:
        one.tools = [tool(f"tool_{number}", "About this tool. " * 20) for number in range(10)]
        async with serving(one, tmp_path) as gateway:
            cost = (await gateway.ready())["servers"]["one"]["tokens"]
            assert cost == gateway.gateway.hub.tokens("one") > 800
            assert await gateway.metric('fedgate_catalog_schema_tokens{server="one"}') == cost


async def test_a_catalog_that_is_too_dear_is_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with upstream() as one:
        one.tools = [tool(f"tool_{number}") for number in range(10)]
        with caplog.at_level(logging.WARNING, "fedgate.hub"):
            async with serving(one, tmp_path, warn_tokens=100):
                pass
    assert [message.split(" about")[0] for message in caplog.messages] == [
        "catalog: the 10 tools of /mcp cost every conversation"
    ]


async def test_characters_that_nobody_sees_are_told_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with upstream() as one:
        one.tools = [tool("add", "Adds.\U000e0041\U000e0042")]
        with caplog.at_level(logging.WARNING, "fedgate.hub"):
            async with serving(one, tmp_path) as gateway:
                assert await gateway.modern().tools() == ["one__add"]
                assert (await gateway.ready())["servers"]["one"]["changed"] == 0
    assert caplog.messages == [
        "server one, tool add: its definition has invisible characters (U+E0041, U+E0042); see fedgate tools --changed"
    ]
