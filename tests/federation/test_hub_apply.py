"""Another `mcp` section for a hub that runs: what is the same stays, what is other is made anew, views follow."""

from pathlib import Path
from typing import Any

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.values import MANIFEST
from fedgate.federation.pins import Pins
from fedgate.federation.settings import McpSettings
from fedgate.sessions.table import Rule, SessionTable
from tests.e2e.gateway import in_process, manifest_of, until
from tests.federation.upstreams import upstream

pytestmark = pytest.mark.anyio


def section(**servers: Any) -> McpSettings:
    return McpSettings.model_validate({"servers": servers}, context=MANIFEST)


async def test_a_changed_server_keeps_its_tools_until_it_is_reached_again(tmp_path: Path) -> None:
    async with upstream("modern") as one, upstream("modern") as two:
        manifest = manifest_of({"one": {"url": one.url}, "two": {"url": two.url}})
        async with in_process(manifest, tmp_path) as gateway:
            hub = gateway.gateway.hub
            before = dict(hub.servers)
            news: list[Any] = []
            hub.listen("", lambda kinds, _notice: news.append(kinds))
            hub.apply(section(one={"url": one.url}, two={"url": two.url, "timeout": "9s"}))
            assert hub.servers["one"] is before["one"]
            assert hub.servers["two"] is not before["two"]
            assert [each.name for each in hub.tools()] == ["one__echo", "two__echo"]
            assert news == [()]
            await until(lambda: hub.servers["two"].state == "ready")
            assert hub.servers["two"].settings.timeout == 9.0


async def test_profiles_and_search_follow(tmp_path: Path) -> None:
    async with upstream("modern") as one, in_process(manifest_of({"one": {"url": one.url}}), tmp_path) as gateway:
        hub = gateway.gateway.hub
        tree = {"servers": {"one": {"url": one.url}}, "search": "off", "profiles": {"few": {"servers": ["one"]}}}
        hub.apply(McpSettings.model_validate(tree, context=MANIFEST))
        assert list(hub.views) == ["one", "few"]
        assert [each.name for each in hub.tools("few")] == ["one__echo"]
        hub.apply(section(one={"url": one.url, "disabled": True}))
        assert list(hub.views) == []
        assert not hub.tools()
        assert not hub.servers


def test_what_a_server_showed_in_another_mode_is_looked_at_again() -> None:
    pins = Pins({"one": "off", "two": "warn"})
    pins.look("two", [])
    pins.rule({"two": "strict"})
    assert pins.findings == []
    assert pins.look("one", []) == []


def test_another_rule_for_a_shelf_leaves_its_records_where_they_are() -> None:
    table = SessionTable(ManualClock(), idle=10.0, limit=10)
    table.shelve("a2a.context/x", Rule(5.0, 10))
    record, _ = table.claim("a2a.context/x", "c1", "key:alice", "x")
    table.shelve("a2a.context/x", Rule(7.0, 20))
    assert table.peek("a2a.context/x", "c1") is record
    assert table.rule("a2a.context/x") == Rule(7.0, 20)
