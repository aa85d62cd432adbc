"""federation/catalog.py: one catalog that has every item once, as its server wrote it, and knows whose it is."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.federation.catalog import DEFAULT_TTL, Catalog, Route, build, template_pattern
from fedgate.federation.eras import LISTS
from fedgate.federation.listing import KEYS, Hints, Item, Listing
from fedgate.federation.names import Naming
from fedgate.federation.uris import expose
from fedgate.federation.views import View, pick

from .fakes import META, dump, item, listing, tools

INFO = {"name": "fedgate", "version": "1"}
ALWAYS = View(info=INFO)
NEVER = View("never", info=INFO)


def listed(catalog: Catalog, method: str = "tools/list") -> list[Any]:
    """The items of a list, which are the same in both eras."""
    legacy, modern = (json.loads(result) for result in catalog.lists[method])
    assert legacy[LISTS[method]] == modern[LISTS[method]]
    found: list[Any] = legacy[LISTS[method]]
    return found


def resources(*uris: str, **members: Any) -> Listing:
    return listing(*(("resources/list", item("resources/list", uri, **members)) for uri in uris))


def templates(*uris: str) -> Listing:
    return listing(*(("resources/templates/list", item("resources/templates/list", uri)) for uri in uris))


# Whose is what.


def test_names_of_many_servers_stand_under_their_servers_in_the_order_of_the_manifest() -> None:
    catalog = build({"b": tools("add", "sub"), "a": tools("add")}, ALWAYS)
    assert [each["name"] for each in listed(catalog)] == ["b__add", "b__sub", "a__add"]
    assert catalog.routes["tools/list"] == {
        "b__add": Route("b", "add"),
        "b__sub": Route("b", "sub"),
        "a__add": Route("a", "add"),
    }


def test_a_server_alone_keeps_its_names_and_uris() -> None:
    both = listing(
        ("tools/list", item("tools/list", "a.b", _meta={"ui": {"resourceUri": "ui://x"}})),
        ("resources/list", item("resources/list", "file:///x")),
    )
    catalog = build({"notes": both}, View("always", "notes", INFO))
    assert (catalog.single, catalog.prefixed) == ("notes", False)
    assert catalog.lists["tools/list"][0] == b'{"tools":[' + both.items["tools/list"][0].raw + b"]}"
    assert catalog.lists["resources/list"][0] == b'{"resources":[' + both.items["resources/list"][0].raw + b"]}"
    assert catalog.exposer("notes")("file:///x") == "file:///x"


def test_tools_and_prompts_of_one_name_are_two_things() -> None:
    both = listing(("tools/list", item("tools/list", "add")), ("prompts/list", item("prompts/list", "add")))
    catalog = build({"a": both}, ALWAYS)
    assert list(catalog.routes["tools/list"]) == list(catalog.routes["prompts/list"]) == ["a__add"]
    assert catalog.collisions == ()


def test_the_header_parameters_of_a_tool_go_with_its_route() -> None:
    schema = {"properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}
    given_tools = listing(("tools/list", item("tools/list", "add", inputSchema=schema)))
    assert build({"a": given_tools}, ALWAYS).routes["tools/list"]["a__add"] == Route(
        "a", "add", {"region": ("region",)}
    )


def test_uris_carry_the_prefix_in_lists_templates_and_apps() -> None:
    app = item("tools/list", "t", _meta={"ui": {"resourceUri": "ui://x"}, "ui/resourceUri": "ui://x"})
    mixed = listing(
        ("tools/list", app),
        ("resources/list", item("resources/list", "ui://x", name="uri")),
        ("resources/list", item("resources/list", "https://x")),
        ("resources/templates/list", item("resources/templates/list", "memo://{id}")),
    )
    catalog = build({"a": mixed}, ALWAYS)
    assert listed(catalog)[0]["_meta"] == {"ui": {"resourceUri": "ui://a+x"}, "ui/resourceUri": "ui://a+x"}
    assert listed(catalog, "resources/list") == [{"uri": "ui://a+x", "name": "uri"}, {"uri": "https://x"}]
    assert listed(catalog, "resources/templates/list") == [{"uriTemplate": "a+memo://{id}"}]
    assert catalog.routes["resources/list"]["ui://a+x"] == Route("a", "ui://x")
    assert catalog.exposer("a")("ui://x") == "ui://a+x"


@pytest.mark.parametrize("naming", ["on_collision", "never"])
def test_without_prefixes_uris_stay_and_the_first_server_keeps_one_that_two_have(naming: Naming) -> None:
    catalog = build({"b": resources("file:///x"), "a": resources("file:///x", "file:///y")}, View(naming, info=INFO))
    assert [each["uri"] for each in listed(catalog, "resources/list")] == ["file:///x", "file:///y"]
    assert catalog.routes["resources/list"]["file:///x"].server == "b"
    assert catalog.collisions == ("resource 'file:///x' of a is hidden: b has that URI already",)


def test_web_addresses_collide_with_prefixes_too() -> None:
    catalog = build({"b": resources("https://x"), "a": resources("https://x")}, ALWAYS)
    assert len(listed(catalog, "resources/list")) == 1
    assert "is hidden" in catalog.collisions[0]


def test_collisions_of_names_are_told_with_what_they_are() -> None:
    both = listing(("tools/list", item("tools/list", "x")), ("prompts/list", item("prompts/list", "x")))
    assert build({"b": both, "a": both}, NEVER).collisions == (
        "tool 'x' of a is hidden: b has that name already",
        "prompt 'x' of a is hidden: b has that name already",
    )


def test_a_server_that_is_not_known_yet_offers_nothing_and_belongs_to_the_view() -> None:
    catalog = build({"a": None, "b": tools("x")}, ALWAYS)
    assert [each["name"] for each in listed(catalog)] == ["b__x"]
    assert catalog.servers == {"a", "b"}
    assert listed(build({"a": None}, View("always", "a", INFO))) == []


# The lists.

TEXTS = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=5,
)
OWN = {"name", "uri", "uriTemplate", "_meta", "inputSchema"}
EXTRA = st.dictionaries(TEXTS.filter(lambda key: key not in OWN), VALUES, max_size=3)
ENTRY = {
    "tools/list": st.sampled_from(["x", "x.y", "x_y", "x y", "é", "y" * 60]),
    "prompts/list": st.sampled_from(["p", "p__q", "p_q"]),
    "resources/list": st.sampled_from(["file:///x", "ui://x", "https://x"]),
    "resources/templates/list": st.sampled_from(["memo://{id}", "https://x/{y}"]),
}


@st.composite
def offers(draw: st.DrawFn) -> Listing:
    return listing(
        *(
            (method, item(method, key, **draw(EXTRA)))
            for method, keys in ENTRY.items()
            for key in draw(st.lists(keys, unique=True, max_size=3))
        )
    )


SERVERS = st.dictionaries(st.sampled_from(["a", "b", "c-d"]), offers(), max_size=3)


def expected(listings: dict[str, Listing], catalog: Catalog, method: str) -> list[Any]:
    """Every routed item as its server wrote it, but for the key that changed."""
    found = []
    for key, route in catalog.routes[method].items():
        (own,) = (each for each in listings[route.server].items[method] if each.key == route.name)
        whole = json.loads(own.raw)
        whole[KEYS[method]] = key
        found.append(whole)
    return found


@given(SERVERS, st.sampled_from(["always", "on_collision", "never"]))
@settings(deadline=None)
def test_every_item_is_listed_once_and_only_what_names_it_may_change(
    listings: dict[str, Listing], naming: Naming
) -> None:
    catalog = build(listings, View(naming, info=INFO))
    again = build(listings, View(naming, info=INFO))
    assert (again.lists, again.routes, again.collisions) == (catalog.lists, catalog.routes, catalog.collisions)
    for method in LISTS:
        assert listed(catalog, method) == expected(listings, catalog, method)
        offered = {(name, each.key) for name, found in listings.items() for each in found.items.get(method, ())}
        routed = {(route.server, route.name) for route in catalog.routes[method].values()}
        hidden = [sentence for sentence in catalog.collisions if "is hidden" in sentence]
        assert routed <= offered
        assert offered == routed or hidden


@given(SERVERS)
@settings(deadline=None)
def test_with_prefixes_nothing_but_a_shared_web_address_is_hidden(listings: dict[str, Listing]) -> None:
    catalog = build(listings, ALWAYS)
    for method in LISTS:
        keys = {
            (name, each.key): expose(name, each.key) if method.startswith("resources") else None
            for name, found in listings.items()
            for each in found.items.get(method, ())
        }
        routed = {(route.server, route.name) for route in catalog.routes[method].values()}
        assert all((exposed or "").startswith("https://") for owner, exposed in keys.items() if owner not in routed)


def test_items_keep_their_bytes_where_nothing_must_change() -> None:
    odd = Item("x", b'{"name" : "x", "n": 1.50,\n"inputSchema": {"$ref":"#/$defs/\\u0041"} }')
    catalog = build({"a": listing(("tools/list", odd))}, NEVER)
    assert catalog.lists["tools/list"][0] == b'{"tools":[' + odd.raw + b"]}"
    renamed = build({"a": listing(("tools/list", odd))}, ALWAYS).lists["tools/list"][0]
    assert renamed == b'{"tools":[{"name":"a__x","n":1.50,"inputSchema":{"$ref":"#/$defs/\\u0041"}}]}'


def test_a_modern_list_says_what_it_is_and_whose() -> None:
    modern = json.loads(build({"a": tools("x")}, ALWAYS).lists["tools/list"][1])
    assert modern == {
        "resultType": "complete",
        "ttlMs": DEFAULT_TTL,
        "cacheScope": "private",
        "tools": [{"name": "a__x"}],
        "_meta": {META + "serverInfo": INFO},
    }


@pytest.mark.parametrize(
    ("hints", "ttl", "scope"),
    [
        ([Hints(5000, True), Hints(100, True)], 100, "public"),
        ([Hints(5000, True), Hints(None, False)], 5000, "private"),
        ([Hints(5000, True), None], 5000, "private"),
        ([Hints(0, True)], 0, "public"),
        ([None], DEFAULT_TTL, "private"),
        ([], DEFAULT_TTL, "private"),
    ],
)
def test_the_shortest_life_and_the_narrowest_scope_of_all_servers_hold(
    hints: list[Hints | None], ttl: int, scope: str
) -> None:
    listings = {
        f"s{number}": tools("x", hints={"tools/list": hint} if hint else None) for number, hint in enumerate(hints)
    }
    modern = json.loads(build(listings, ALWAYS).lists["tools/list"][1])
    assert (modern["ttlMs"], modern["cacheScope"]) == (ttl, scope)


def test_what_changed_is_told_by_kind() -> None:
    old = build({"a": tools("x")}, ALWAYS)
    assert build({"a": tools("x")}, ALWAYS).changed_since(old) == ()
    assert build({"a": tools("y")}, ALWAYS).changed_since(old) == ("tools",)
    assert build({"a": templates("memo://{id}")}, ALWAYS).changed_since(old) == ("tools", "resources")


# What a view says of itself.


def changing(*kinds: str) -> dict[str, Any]:
    return {kind: {"listChanged": True} for kind in kinds}


@pytest.mark.parametrize(
    ("capabilities", "offered"),
    [
        ([{"tools": {}}, {"prompts": {"listChanged": False}}], changing("tools", "prompts")),
        (
            [{"resources": {"subscribe": True}}, {"resources": {}}],
            {"resources": {"subscribe": True, "listChanged": True}},
        ),
        ([{"resources": {"subscribe": "yes"}}], changing("resources")),
        ([{"completions": {}, "logging": {"x": 1}}], {"completions": {}, "logging": {}}),
        ([{"tools": True, "experimental": {"x": {}}, "extensions": 7, "tasks": {}}], {}),
        ([{"extensions": {"com.example/x": {"a": 1}}}], {"extensions": {"com.example/x": {"a": 1}}}),
        ([{"extensions": {"com.example/x": {}}}] * 2, {}),
        ([], {}),
    ],
)
def test_capabilities_are_what_the_servers_really_have(capabilities: list[dict[str, Any]], offered: Any) -> None:
    listings = {f"s{number}": listing(capabilities=each) for number, each in enumerate(capabilities)}
    assert build(listings, ALWAYS).capabilities == offered


def test_while_a_server_is_not_known_every_list_is_offered() -> None:
    catalog = build({"a": None, "b": listing(capabilities={"logging": {}})}, ALWAYS)
    assert catalog.capabilities == {"logging": {}, **changing("tools", "prompts", "resources")}


def test_a_server_alone_speaks_for_itself() -> None:
    own = {"name": "notes", "version": "9"}
    catalog = build({"notes": tools("x", instructions=" long " * 5000, info=own)}, View("always", "notes", INFO))
    assert (catalog.info, catalog.instructions) == (own, " long " * 5000)
    assert build({"notes": tools("x")}, View("always", "notes", INFO)).info == INFO
    unknown = build({"notes": None}, View("always", "notes", INFO))
    assert (unknown.info, unknown.instructions) == (INFO, "")


def test_instructions_of_several_servers_stand_under_their_names() -> None:
    listings = {
        "a": tools("x", instructions=" Use x.\n"),
        "b": tools("x", instructions="\n "),
        "c": tools("x", instructions="C"),
    }
    assert build(listings, ALWAYS).instructions == "## a\nUse x.\n\n## c\nC"
    assert build({"b": tools("x")}, ALWAYS).instructions == ""


@pytest.mark.parametrize("servers", [1, 2, 10, 30, 40, 100, 500])
@pytest.mark.parametrize("size", [1, 70, 81, 5000])
def test_merged_instructions_stay_below_what_claude_code_cuts(servers: int, size: int) -> None:
    listings = {f"{'s' * 28}{number}": tools("x", instructions="i" * size) for number in range(servers)}
    merged = build(listings, ALWAYS).instructions
    assert 0 < len(merged) <= 4000
    if servers <= 30:
        assert merged.count("## ") == servers


def test_a_template_pattern_finds_what_the_template_can_become() -> None:
    assert template_pattern("memo://{id}").fullmatch("memo://1")
    assert not template_pattern("memo://{id}").fullmatch("memo://1/2")


def test_templates_are_ready_to_be_matched_as_they_are_exposed() -> None:
    catalog = build({"a": templates("memo://{id}")}, ALWAYS)
    ((pattern, route),) = catalog.templates
    assert pattern.fullmatch("a+memo://7")
    assert route == Route("a", "memo://{id}")


def test_an_item_that_is_nested_too_deeply_to_rewrite_does_not_take_the_catalog_down() -> None:
    deep = Item("x", b'{"name":"x","inputSchema":' + b"[" * 5000 + b"]" * 5000 + b"}")
    catalog = build({"a": listing(("tools/list", deep), ("tools/list", item("tools/list", "y")))}, ALWAYS)
    assert [each["name"] for each in listed(catalog)] == ["a__y"]


def test_dumped_items_are_what_the_tests_think() -> None:
    assert item("tools/list", "x", a=1) == Item("x", dump({"name": "x", "a": 1}))


def test_a_view_that_searches_lists_two_tools_and_still_knows_whose_the_others_are() -> None:
    listings = {"notes": tools("add", "sub", instructions="Keeps notes."), "new": None}
    catalog = build(listings, View(info=INFO, search="on", about={"new": "Not here yet."}))
    assert [each["name"] for each in listed(catalog)] == ["search_tools", "call_tool"]
    assert catalog.searching
    assert catalog.routes["tools/list"]["notes__add"] == Route("notes", "add")
    assert catalog.capabilities["tools"] == {"listChanged": True}


def test_a_tool_that_has_a_name_of_the_search_gives_way() -> None:
    catalog = build({"a": tools("search_tools", "x")}, View("never", info=INFO, search="on"))
    own = [name for name, each in catalog.routes["tools/list"].items() if each.name == "search_tools" and each.server]
    assert own != ["search_tools"]
    assert len(own) == 1
    assert any("search_tools" in sentence for sentence in catalog.collisions)


def test_searching_begins_above_a_limit_and_ends_below_half_of_it() -> None:
    few, many = {"a": tools("x")}, {"a": tools(*(f"tool_{number}" for number in range(200)))}
    cost = build(many, ALWAYS).tokens
    auto = View(info=INFO, search="auto", search_over=cost - 1)
    searched = build(many, auto)
    assert (searched.searching, build(few, auto).searching) == (True, False)
    assert searched.tokens < searched.tokens_unsearched == cost
    slightly_less = {"a": tools(*(f"tool_{number}" for number in range(180)))}
    assert not build(slightly_less, auto).searching
    assert build(slightly_less, auto, before=searched).searching
    assert not build(few, auto, before=searched).searching


def test_a_view_reaches_what_its_globs_and_templates_allow() -> None:
    both = listing(
        ("resources/templates/list", item("resources/templates/list", "memo://{id}")),
        ("resources/templates/list", item("resources/templates/list", "secret://{id}")),
    )
    view = View(info=INFO, picks={"resources": pick(include=["a+memo:*"], exclude=["a+secret:*{*"])})
    reach = build({"a": both}, view).reach
    assert reach.has("a+memo://1")
    assert not reach.has("a+secret://1")
    assert not reach.has("a+secret://" + "x" * 5000)
    assert not reach.has("a+other://1")
    assert build({"a": both}, ALWAYS).reach.has("anything")
