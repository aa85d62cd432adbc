"""federation/visible.py: what a caller may not know of is not in its catalog, in no list and by no name."""

import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.call import Call, Principal
from fedgate.core.errors import NotFound, RpcError
from fedgate.federation import visible as visible_module
from fedgate.federation.catalog import Catalog, Route, build
from fedgate.federation.eras import LISTS
from fedgate.federation.facts import Facts
from fedgate.federation.hub import Hub
from fedgate.federation.listing import Hints, Listing
from fedgate.federation.routing import owner_of, route
from fedgate.federation.views import View
from fedgate.federation.visible import Eyes, VisibleCatalogs

from .fakes import item, listing, raws, record, request, tools

INFO = {"name": "fedgate", "version": "1"}
FACTS = Facts({})
Sees = Callable[[Mapping[str, Any], tuple[str, ...]], bool]


class Who:
    """The port: one caller who sees what `sees` says, under a key of its own."""

    def __init__(self, sees: Sees, key: bytes = b"one") -> None:
        self.key = key
        self.asked: list[Mapping[str, Any]] = []
        self._sees = sees

    def sees(self, facts: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bool:
        self.asked.append(facts)
        return self._sees(facts, unknown)

    def of(self, _call: Call) -> "Who":
        return self

    def by(self, _protocol: str, _principal: Principal) -> "Who":
        return self


def not_named(*names: str) -> Sees:
    """Everything but these tools, prompts, resources and servers."""

    def sees(facts: Mapping[str, Any], _unknown: tuple[str, ...]) -> bool:
        mcp = facts["mcp"]
        things = [mcp[kind]["name"] for kind in ("tool", "prompt", "resource") if kind in mcp]
        return not set(names).intersection([*things, mcp.get("server"), mcp.get("view")])

    return sees


def for_(listings: Mapping[str, Listing | None], view: View, *hidden: str) -> Catalog:
    return build(listings, view, visible=Eyes(Who(not_named(*hidden)), FACTS))


def listed(catalog: Catalog, method: str = "tools/list") -> list[str]:
    legacy, modern = (json.loads(result) for result in catalog.lists[method])
    assert legacy[LISTS[method]] == modern[LISTS[method]]
    return [each.get("name") or each.get("uri") or each["uriTemplate"] for each in legacy[LISTS[method]]]


EVERYTHING = {
    "a": listing(
        ("tools/list", item("tools/list", "add")),
        ("tools/list", item("tools/list", "drop")),
        ("prompts/list", item("prompts/list", "open")),
        ("prompts/list", item("prompts/list", "shut")),
        ("resources/list", item("resources/list", "file:///1", name="1")),
        ("resources/list", item("resources/list", "file:///2", name="2")),
        ("resources/templates/list", item("resources/templates/list", "file:///t/{x}")),
        instructions="Add first.",
        hints={"tools/list": Hints(5, public=True)},
    ),
    "b": tools("add", instructions="B is secret."),
}
ALWAYS, ALONE = View(info=INFO), View("never", "a", INFO)


def test_what_is_hidden_is_in_no_list() -> None:
    catalog = for_(EVERYTHING, ALWAYS, "drop", "shut", "file:///2", "file:///t/{x}")
    assert listed(catalog) == ["a__add", "b__add"]
    assert [json.loads(catalog.lists[method][0]) for method in ("resources/templates/list",)] == [
        {"resourceTemplates": []}
    ]
    assert listed(catalog, "prompts/list") == ["a__open"]
    assert [each["uri"] for each in json.loads(catalog.lists["resources/list"][0])["resources"]] == ["a+file:///1"]


def test_a_hidden_server_leaves_no_trace() -> None:
    catalog = for_(EVERYTHING, ALWAYS, "b")
    assert listed(catalog) == ["a__add", "a__drop"]
    assert catalog.servers == {"a"}
    assert "secret" not in catalog.instructions
    assert "secret" in build(EVERYTHING, ALWAYS).instructions


def test_what_is_for_some_is_for_no_shared_cache() -> None:
    whole, less = build({"a": EVERYTHING["a"]}, ALWAYS), for_({"a": EVERYTHING["a"]}, ALWAYS)
    assert [json.loads(each.lists["tools/list"][1])["cacheScope"] for each in (whole, less)] == ["public", "private"]


def test_names_are_as_they_are_for_everybody() -> None:
    on_collision = View("on_collision", info=INFO)
    assert listed(build(EVERYTHING, on_collision)) == ["a__add", "drop", "b__add"]
    assert listed(for_(EVERYTHING, on_collision, "b")) == ["a__add", "drop"]


@pytest.mark.parametrize(
    ("view", "method", "params", "hidden", "said"),
    [
        (ALWAYS, "tools/call", {"name": "a__drop"}, "drop", "Unknown tool: a__drop"),
        (ALONE, "tools/call", {"name": "drop"}, "drop", "Unknown tool: drop"),
        (ALONE, "tools/call", {"name": "unlisted"}, "unlisted", "Unknown tool: unlisted"),
        (ALWAYS, "prompts/get", {"name": "a__shut"}, "shut", "Unknown prompt: a__shut"),
        (ALWAYS, "resources/read", {"uri": "a+file:///2"}, "file:///2", "Resource not found: a+file:///2"),
        (ALWAYS, "resources/read", {"uri": "a+file:///not/listed"}, "file:///not/listed", None),
        (ALONE, "resources/read", {"uri": "file:///not/listed"}, "file:///not/listed", None),
        (ALWAYS, "resources/read", {"uri": "b+x:y"}, "b", "Resource not found: b+x:y"),
        (ALWAYS, "completion/complete", {"ref": {"type": "ref/prompt", "name": "a__shut"}}, "shut", None),
    ],
)
def test_what_is_hidden_looks_unknown(
    view: View, method: str, params: dict[str, Any], hidden: str, said: str | None
) -> None:
    whole, less = build(EVERYTHING, view), for_(EVERYTHING, view, hidden)
    assert route(whole, method, raws(params), "legacy").server
    with pytest.raises(RpcError) as caught:
        route(less, method, raws(params), "legacy")
    unknown = {**params, "name": "nothing"} if "name" in params else params
    assert caught.value.message == (said or caught.value.message)
    if "name" in params and not view.single:
        with pytest.raises(RpcError) as other:
            route(whole, method, raws(unknown), "legacy")
        assert (caught.value.code, caught.value.status) == (other.value.code, other.value.status)


def test_a_resource_is_owned_only_for_those_who_see_it() -> None:
    assert owner_of(for_(EVERYTHING, ALWAYS), "a+file:///t/9") == Route("a", "file:///t/9")
    assert owner_of(for_(EVERYTHING, ALWAYS, "file:///t/9"), "a+file:///t/9") is None


def test_a_search_says_nothing_of_hidden_servers() -> None:
    catalog = for_(EVERYTHING, View(info=INFO, search="on", about={"a": "Sums.", "b": "Secrets."}), "b")
    (search, _) = json.loads(catalog.lists["tools/list"][0])["tools"]
    assert "Sums." in search["description"]
    assert "Secrets." not in search["description"]


# For one kind of caller.


class Shelf:
    """A hub, as far as it is asked."""

    def __init__(self, **views: View) -> None:
        self.agents: dict[str, str] = {}
        self.made = 0
        self._views = {"": ALWAYS, **views}
        self._catalogs = {name: build(EVERYTHING, view) for name, view in self._views.items()}

    @property
    def views(self) -> tuple[str, ...]:
        return tuple(name for name in self._views if name)

    def catalog(self, view: str) -> Catalog | None:
        return self._catalogs.get(view)

    def catalog_of(self, view: str, visible: Any) -> Catalog:
        self.made += 1
        return build(EVERYTHING, self._views[view], visible=visible)

    def change(self, view: str) -> None:
        self._catalogs[view] = build(EVERYTHING, self._views[view])


def a_call(view: str = "") -> Call:
    return Call("mcp", request(), record(), view)


def catalogs(shelf: Shelf, who: Who | None = None) -> VisibleCatalogs:
    hub = cast("Hub", shelf)
    return VisibleCatalogs(hub) if who is None else VisibleCatalogs(hub, who)


def test_without_rules_everybody_has_the_one_catalog() -> None:
    shelf = Shelf()
    assert catalogs(shelf).get(a_call()) is shelf.catalog("")
    assert shelf.made == 0


def test_a_catalog_is_made_once_for_all_who_see_the_same_and_again_when_it_changes() -> None:
    shelf, who = Shelf(), Who(not_named("drop"))
    shared = catalogs(shelf, who)
    first = shared.get(a_call())
    assert shared.get(a_call()) is first
    who.key = b"two"
    assert shared.get(a_call()) is not first
    who.key = b"one"
    assert (shared.get(a_call()) is first, shelf.made) == (True, 2)
    shelf.change("")
    assert (shared.get(a_call()) is first, shelf.made) == (False, 3)


def test_catalogs_that_are_kept_have_a_limit() -> None:
    shelf, who = Shelf(), Who(not_named())
    shared = catalogs(shelf, who)
    for number in range(visible_module.MAX_CATALOGS + 3):
        who.key = b"%d" % number
        shared.get(a_call())
    assert len(shared) == visible_module.MAX_CATALOGS


@pytest.mark.parametrize("hidden", ["a", "shut"])
def test_a_view_that_is_hidden_looks_unknown_and_is_not_named(hidden: str) -> None:
    shelf = Shelf(a=ALONE, shut=View(info=INFO, servers=("b",)), open=View(info=INFO, servers=("b",)))
    shared = catalogs(shelf, Who(not_named(hidden)))
    sentences = []
    for view in (hidden, "nothing"):
        with pytest.raises(NotFound) as caught:
            shared.get(a_call(view))
        sentences.append(caught.value.message.replace(repr(view), "X"))
    others = sorted({"a", "open", "shut"} - {hidden})
    assert sentences == [f"there is no MCP server or profile X here; there are: {', '.join(others)}"] * 2


def test_whoever_sees_no_view_is_told_of_none() -> None:
    with pytest.raises(NotFound, match=r"there are: none$"):
        catalogs(Shelf(a=ALONE), Who(lambda *_: False)).get(a_call("x"))


@settings(deadline=None)
@given(st.sets(st.sampled_from(["add", "drop", "open", "shut", "file:///1", "file:///2", "a", "b"])))
def test_nothing_hidden_is_in_any_byte_of_a_catalog(hidden: set[str]) -> None:
    catalog = for_(EVERYTHING, ALWAYS, *hidden)
    shown = {(route.server, route.name) for routes in catalog.routes.values() for route in routes.values()}
    assert not {part for pair in shown for part in pair} & hidden
