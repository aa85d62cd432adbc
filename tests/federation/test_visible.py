"""federation/visible.py: what a caller may not know of is not in its catalog, in no list and by no name."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.call import Call, Principal
from fedgate.core.clock import ManualClock
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

pytestmark = pytest.mark.anyio

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
        self.servers: dict[str, Any] = {}
        self.door = None
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


# In slices.


class Counting(ManualClock):
    """Counts the pauses. Each look at a thing takes `cost` seconds."""

    def __init__(self, cost: float = 0.0) -> None:
        super().__init__()
        self.cost = cost
        self.slices = [0]

    def looked(self, _facts: Mapping[str, Any], _unknown: tuple[str, ...]) -> bool:
        self.slices[-1] += 1
        self.advance(self.cost)
        return True

    async def sleep(self, seconds: float) -> None:
        assert seconds == 0
        self.slices.append(0)
        await super().sleep(seconds)


class Large(Shelf):
    """A hub with many tools."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.listings = {"a": tools(*[f"tool{number}" for number in range(count)])}
        self._catalogs[""] = build(self.listings, ALWAYS)

    def catalog_of(self, view: str, visible: Any) -> Catalog:
        self.made += 1
        return build(self.listings, ALWAYS, before=self._catalogs[view], visible=visible)

    def change(self, view: str) -> None:
        self._catalogs[view] = build(self.listings, ALWAYS)


@pytest.mark.parametrize(
    ("cost", "slices"),
    [(0.0, [visible_module.SLICE] * 3 + [2]), (0.001, [2] * 25), (1.0, [1] * 50)],
)
async def test_rules_are_asked_in_slices_of_so_many_things_or_so_much_time(cost: float, slices: list[int]) -> None:
    clock, shelf = Counting(cost), Large(50)
    shared = VisibleCatalogs(cast("Hub", shelf), Who(clock.looked), clock)
    catalog = await shared.look(a_call())
    # What is asked last, in one go with the building, is whether there is the server.
    assert clock.slices == [*slices[:-1], slices[-1] + 1]
    assert len(listed(catalog)) == 50
    assert shared.get(a_call()) is await shared.look(a_call()) is catalog
    assert shelf.made == 1


async def test_others_go_on_between_slices_and_callers_of_one_kind_share_the_work() -> None:
    clock, shelf = Counting(), Large(50)
    who = Who(clock.looked)
    shared = VisibleCatalogs(cast("Hub", shelf), who, clock)
    seen: list[int] = []

    async def meanwhile() -> None:
        while shelf.made == 0:
            seen.append(len(clock.slices))
            await asyncio.sleep(0)

    first, second, third, _ = await asyncio.gather(*[shared.look(a_call()) for _ in range(3)], meanwhile())
    assert first is second is third
    assert (shelf.made, sum(clock.slices)) == (1, 51)
    assert sorted(set(seen)) == [2, 3, 4]


async def test_a_caller_that_gives_up_leaves_the_work_to_the_next() -> None:
    clock, shelf = Counting(), Large(50)
    shared = VisibleCatalogs(cast("Hub", shelf), Who(clock.looked), clock)
    first, second = (asyncio.create_task(shared.look(a_call())) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert len(listed(await second)) == 50
    assert shelf.made == 1


async def test_no_more_than_so_many_catalogs_are_made_at_a_time() -> None:
    clock, shelf = Counting(), Large(50)
    kinds = [Who(clock.looked, b"%d" % number) for number in range(3 * visible_module.AT_ONCE)]
    turn = iter(kinds)

    class Everybody(Who):
        def of(self, _call: Call) -> Who:
            return next(turn)

    shared = VisibleCatalogs(cast("Hub", shelf), Everybody(not_named()), clock)
    most = 0

    async def watch() -> None:
        nonlocal most
        while shelf.made < len(kinds):
            most = max(most, sum(0 < len(each.asked) < 51 for each in kinds))
            await asyncio.sleep(0)

    async with asyncio.timeout(10):
        await asyncio.gather(*[shared.look(a_call()) for _ in kinds], watch())
    assert (shelf.made, most) == (len(kinds), visible_module.AT_ONCE)


async def test_what_changes_meanwhile_is_in_the_catalog_that_is_made() -> None:
    clock, shelf = Counting(), Large(50)
    shared = VisibleCatalogs(cast("Hub", shelf), Who(not_named("late1")), clock)
    looking = asyncio.create_task(shared.look(a_call()))
    await asyncio.sleep(0)
    shelf.listings = {"a": tools("late1", "late2")}
    shelf.change("")
    assert listed(await looking) == ["a__late2"]
    assert shelf.made == 1


async def test_a_view_that_goes_meanwhile_is_unknown() -> None:
    clock, shelf = Counting(), Large(50)
    shared = VisibleCatalogs(cast("Hub", shelf), Who(clock.looked), clock)
    looking = [asyncio.create_task(shared.look(a_call())) for _ in range(2)]
    await asyncio.sleep(0)
    shelf._catalogs.clear()
    for each in looking:
        with pytest.raises(NotFound):
            await each
    assert shelf.made == 0


async def test_without_rules_nobody_waits() -> None:
    shelf = Large(50)
    clock = Counting()
    assert await VisibleCatalogs(cast("Hub", shelf), clock=clock).look(a_call()) is shelf.catalog("")
    assert clock.slices == [0]


@settings(deadline=None)
@given(st.sets(st.sampled_from(["add", "drop", "open", "shut", "file:///1", "file:///2", "a", "b"])))
def test_nothing_hidden_is_in_any_byte_of_a_catalog(hidden: set[str]) -> None:
    catalog = for_(EVERYTHING, ALWAYS, *hidden)
    shown = {(route.server, route.name) for routes in catalog.routes.values() for route in routes.values()}
    assert not {part for pair in shown for part in pair} & hidden
