import logging
from typing import Any

import pytest

from fedgate.federation.catalogs import Catalogs
from fedgate.federation.listing import Listing
from fedgate.federation.pins import Pins
from fedgate.federation.profiles import views
from fedgate.federation.remarks import Remarks
from fedgate.federation.settings import McpSettings
from tests.federation.fakes import item, listing, tools


def catalogs(**mcp: Any) -> Catalogs:
    servers = {"notes": {"command": "x", "pin": "strict"}, "time": {"command": "x"}}
    settings = McpSettings.model_validate({"servers": servers, **mcp})
    pins = Pins({name: server.pin for name, server in settings.servers.items()})
    return Catalogs(views(settings, {}), settings.servers, pins, Remarks(settings.warn_tokens))


def described(text: str) -> Listing:
    return listing(("tools/list", item("tools/list", "add", description=text)))


PROFILES = {"writing": {"servers": ["notes"]}, "clocks": {"servers": ["time"]}}


def test_a_server_changes_the_views_that_it_is_in() -> None:
    made = catalogs(profiles=PROFILES)
    assert made.names == ("notes", "time", "writing", "clocks")
    assert made.views_with("notes") == ("", "notes", "writing")
    changed = made.update("notes", tools("add"))
    assert {view: kinds[:1] for view, kinds in changed.items()} == {
        "": ("tools",), "notes": ("tools",), "writing": ("tools",),
    }  # fmt: skip
    assert list(made["writing"].tools) == ["notes__add"]
    assert made.get("nobody") is None


def test_the_same_listing_again_is_no_work() -> None:
    made = catalogs()
    one = tools("add")
    made.update("notes", one)
    before = made[""]
    assert made.update("notes", one) == {}
    assert made[""] is before


def test_what_a_view_does_not_show_is_no_news_for_it() -> None:
    made = catalogs(profiles={"p": {"tools": {"include": ["notes__add"]}}})
    made.update("notes", tools("add"))
    changed = made.update("notes", tools("add", "more"))
    assert (changed["p"], changed[""]) == ((), ("tools",))


def test_a_changed_definition_is_withheld_from_every_view_until_it_is_accepted() -> None:
    made = catalogs(profiles=PROFILES)
    assert made.look("notes", described("a")) == []
    made.update("notes", described("a"))
    (finding,) = made.look("notes", described("b"))
    changed = made.update("notes", described("b"))
    assert finding.withheld
    for view in ("", "notes", "writing"):
        assert changed[view] == ("tools",)
        assert b"add" not in made[view].lists["tools/list"][0]
        (route,) = made[view].routes["tools/list"].values()
        assert "withheld" in route.refusal
    made.pins.accept()
    assert set(made.rebuild(("", *made.names)).values()) == {("tools",), ()}
    assert b'"b"' in made["writing"].lists["tools/list"][0]


def test_a_withheld_tool_keeps_its_name_from_others() -> None:
    made = catalogs(naming="never")
    made.look("notes", described("a"))
    made.update("time", tools("add"))
    made.look("notes", described("b"))
    made.update("notes", described("b"))
    assert made[""].routes["tools/list"]["add"].server == "notes"
    assert made[""].lists["tools/list"][0] == b'{"tools":[]}'


def test_every_tool_of_a_view_is_shown_with_its_cost_and_what_is_odd() -> None:
    made = catalogs(search="on")
    for text in ("a", "b\u200b"):
        made.look("notes", described(text))
        made.update("notes", described(text))
    made.update("time", tools("now"))
    add, now = made.tools("")
    assert (add.name, add.server, add.tool, add.changed, add.invisible, add.withheld) == (
        "notes__add", "notes", "add", ("description",), ("U+200B",), True,
    )  # fmt: skip
    assert (now.name, now.changed, now.withheld) == ("time__now", (), False)
    assert add.tokens > now.tokens > 0


def test_a_lost_server_is_remembered() -> None:
    made = catalogs()
    made.look("notes", described("a"))
    made.update("notes", described("a"))
    assert made.look("notes", None) == []
    made.update("notes", None)
    assert made[""].tools == {}
    assert len(made.look("notes", described("b"))) == 1


def test_remarks_are_logged_for_the_aggregate_and_profiles_only(caplog: pytest.LogCaptureFixture) -> None:
    made = catalogs(profiles={"p": {}}, warn_tokens=1)
    for server in ("notes", "time"):
        made.update(server, tools("add"))
    with caplog.at_level(logging.WARNING, "fedgate.hub"):
        made.remark(settled=True)
        made.remark(settled=True)
    assert [record.getMessage().split(" cost")[0] for record in caplog.records] == [
        "catalog: the 2 tools of /mcp", "catalog: the 2 tools of /mcp/p",
    ]  # fmt: skip


def test_searching_begins_above_the_limit_and_ends_below_half_of_it() -> None:
    made = catalogs(search="auto", search_over=1000)
    sizes = {size: tools(*(f"tool_number_{n}" for n in range(size))) for size in (10, 50, 80, 100)}
    seen = []
    for size in (50, 100, 80, 50, 10, 50, 100):
        made.update("time", sizes[size])
        seen.append((made[""].tokens_unsearched > 1000, made[""].searching))
    costs = [made["time"].tokens]
    assert costs[0] > 1000
    assert seen[0] == (False, False)
    assert seen[1] == (True, True)
    assert seen[3] == (False, True)
    assert seen[4] == (False, False)
    assert seen[5] == (False, False)
    assert seen[6] == (True, True)
    assert not made["time"].searching
