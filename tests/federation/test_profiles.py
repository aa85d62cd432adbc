"""Profiles from the manifest to the catalog: what is in it, what is routed, and what looks as if it did not exist."""

import json
from typing import Any

import pytest

from fedgate.core.errors import RpcError
from fedgate.federation.catalog import Catalog, build
from fedgate.federation.listing import Listing
from fedgate.federation.profiles import views
from fedgate.federation.routing import owner_of, route
from fedgate.federation.settings import McpSettings
from fedgate.federation.views import View
from tests.federation.fakes import item, listing, raws, tools

INFO = {"name": "fedgate"}
NOTES = listing(
    *(("tools/list", item("tools/list", name, description="Old.")) for name in ("add", "list", "delete_all")),
    *(("prompts/list", item("prompts/list", name)) for name in ("summary", "secret")),
    *(("resources/list", item("resources/list", uri)) for uri in ("note://1", "note://private/1")),
    *(
        ("resources/templates/list", item("resources/templates/list", uri, name=uri))
        for uri in ("note://{id}", "note://private/{id}", "draft://{id}")
    ),
)
LISTINGS: dict[str, Listing | None] = {"time": tools("now"), "notes": NOTES, "crm": tools("export")}


def view(profile: dict[str, Any], **mcp: Any) -> View:
    servers = {name: {"command": "x"} for name in LISTINGS}
    settings = McpSettings.model_validate({"servers": servers, "profiles": {"p": profile}, **mcp})
    return views(settings, INFO)["p"]


def catalog(profile: dict[str, Any], **mcp: Any) -> Catalog:
    return build(LISTINGS, view(profile, **mcp))


def listed(found: Catalog, method: str = "tools/list") -> list[dict[str, Any]]:
    legacy, modern = (json.loads(each) for each in found.lists[method])
    (member,) = legacy
    assert legacy[member] == modern[member]
    items: list[dict[str, Any]] = legacy[member]
    return items


def names(found: Catalog, method: str = "tools/list") -> list[str]:
    return [each.get("name") or each["uri"] for each in listed(found, method)]


def refused(found: Catalog, method: str, **params: Any) -> tuple[int, str]:
    with pytest.raises(RpcError) as caught:
        route(found, method, raws(params), "modern")
    return caught.value.code, caught.value.message


# Views.


def test_there_is_a_view_for_all_for_each_server_and_for_each_profile() -> None:
    servers = {"a": {"command": "x"}, "b": {"command": "x", "disabled": True}}
    found = views(McpSettings.model_validate({"servers": servers, "profiles": {"p": {}}}), INFO)
    assert list(found) == ["", "a", "p"]
    assert (found["a"].single, found["p"].single, found[""].single) == ("a", "", "")


def test_a_profile_without_a_word_is_the_aggregate() -> None:
    whole = build(LISTINGS, view({}))
    settings = McpSettings.model_validate({"servers": {name: {"command": "x"} for name in LISTINGS}})
    aggregate = build(LISTINGS, views(settings, INFO)[""])
    assert (whole.lists, whole.routes, whole.tools) == (aggregate.lists, aggregate.routes, aggregate.tools)
    assert (whole.capabilities, whole.instructions) == (aggregate.capabilities, aggregate.instructions)


def test_search_is_inherited_and_can_be_said_otherwise() -> None:
    assert view({}, search="off").search == "off"
    assert view({"search": "on"}, search="off").search == "on"
    assert view({}, search_over=7).search_over == 7
    servers = {"a": {"command": "x"}}
    assert views(McpSettings.model_validate({"servers": servers, "search": "on"}), INFO)["a"].search == "off"


# Catalogs.


def test_a_profile_has_the_servers_it_names_in_its_order() -> None:
    found = catalog({"servers": ["notes", "time"]})
    assert names(found) == ["notes__add", "notes__list", "notes__delete_all", "time__now"]
    assert found.servers == {"time", "notes"}


def test_tools_that_are_left_out_look_unknown() -> None:
    found = catalog({"tools": {"include": ["notes__*"], "exclude": ["notes__delete_*"]}})
    assert names(found) == ["notes__add", "notes__list"]
    for name in ("notes__delete_all", "time__now", "nobody__knows"):
        assert refused(found, "tools/call", name=name) == (-32602, f"Unknown tool: {name}")


def test_an_override_is_listed_and_routed_by_its_new_name_alone() -> None:
    found = catalog({"tools": {"override": {"notes__add": {"name": "remember", "description": "Keep it."}}}})
    assert listed(found)[1] == {"name": "remember", "description": "Keep it."}
    to = route(found, "tools/call", raws({"name": "remember"}), "legacy")
    assert (to.server, to.name) == ("notes", "add")
    assert refused(found, "tools/call", name="notes__add") == (-32602, "Unknown tool: notes__add")


def test_prompts_that_are_left_out_look_unknown_also_to_completion() -> None:
    found = catalog({"prompts": {"exclude": ["*secret"]}})
    assert names(found, "prompts/list") == ["notes__summary"]
    unknown = (-32602, "Unknown prompt: notes__secret")
    assert refused(found, "prompts/get", name="notes__secret") == unknown
    assert refused(found, "completion/complete", ref={"type": "ref/prompt", "name": "notes__secret"}) == unknown
    ref = {"type": "ref/prompt", "name": "notes__summary"}
    assert route(found, "completion/complete", raws({"ref": ref}), "legacy").name == "summary"


@pytest.mark.parametrize(
    ("resources", "reached", "hidden"),
    [
        ({}, ["notes+note://9", "notes+draft://9", "notes+note://private/9", "notes+any:x"], ["zzz+note://1"]),
        ({"exclude": ["notes+note://private/*"]}, ["notes+note://9", "notes+draft://9"],
         ["notes+note://private/1", "notes+note://private/9", "notes+note://private/{id}"]),
        ({"include": ["notes+note://*"]}, ["notes+note://1", "notes+note://private/9"],
         ["notes+draft://9", "notes+draft://{id}", "notes+other:1"]),
        ({"include": ["notes+draft://{id}"]}, ["notes+draft://9"], ["notes+note://1", "notes+note://9"]),
        ({"exclude": ["notes+draft://{id}"]}, ["notes+note://1"], ["notes+draft://9", "notes+draft://{id}"]),
        ({"include": ["crm+*"]}, ["crm+x:1"], ["notes+note://1", "notes+draft://9"]),
    ],
)  # fmt: skip
def test_resources_are_reached_exactly_as_far_as_the_globs_go(
    resources: dict[str, Any], reached: list[str], hidden: list[str]
) -> None:
    found = catalog({"resources": resources})
    assert [uri for uri in reached if owner_of(found, uri) is None] == []
    assert [uri for uri in hidden if owner_of(found, uri) is not None] == []
    for uri in hidden:
        unknown = (-32602, f"Resource not found: {uri}")
        assert refused(found, "resources/read", uri=uri) == unknown
        assert refused(found, "resources/subscribe", uri=uri) == unknown
        assert refused(found, "completion/complete", ref={"type": "ref/resource", "uri": uri}) == unknown


def test_a_uri_too_long_to_be_compared_with_an_excluded_template_is_hidden() -> None:
    found = catalog({"resources": {"exclude": ["notes+draft://{id}"]}})
    assert owner_of(found, f"notes+draft://9?{'x' * 100_000}") is None
    assert owner_of(catalog({}), f"notes+draft://9?{'x' * 100_000}") is not None


def test_resources_without_prefixes_are_hidden_too() -> None:
    found = catalog({"servers": ["notes"], "resources": {"exclude": ["note://private/*"]}}, naming="never")
    assert names(found, "resources/list") == ["note://1"]
    assert owner_of(found, "note://7") is not None
    assert owner_of(found, "note://private/7") is None


def test_a_server_outside_of_the_profile_is_unknown() -> None:
    found = catalog({"servers": ["time"]})
    assert owner_of(found, "notes+note://1") is None
    assert refused(found, "tools/call", name="crm__export")[0] == -32602


def test_a_profile_says_what_its_servers_say() -> None:
    both = {
        "a": tools("x", capabilities={"tools": {}, "logging": {}}, instructions="From a."),
        "b": tools("y", capabilities={"tools": {}, "completions": {}}, instructions="From b."),
    }
    servers = {name: {"command": "x"} for name in both}
    settings = McpSettings.model_validate({"servers": servers, "profiles": {"p": {"servers": ["b"]}}})
    found = build(both, views(settings, INFO)["p"])
    assert found.capabilities == {"tools": {"listChanged": True}, "completions": {}}
    assert found.instructions == "## b\nFrom b."
    assert found.info == INFO


def test_only_what_a_profile_shows_is_a_change_to_it() -> None:
    profile = {"tools": {"exclude": ["notes__delete_*"]}}
    old = catalog(profile)
    hidden = {
        **LISTINGS,
        "notes": Listing(NOTES.greeting, {**NOTES.items, "tools/list": NOTES.items["tools/list"][:2]}),
    }
    assert build(hidden, view(profile)).changed_since(old) == ()
    shown = {**LISTINGS, "time": tools("now", "zone")}
    assert build(shown, view(profile)).changed_since(old) == ("tools",)


def test_names_are_given_among_the_servers_of_the_profile() -> None:
    same: dict[str, Listing | None] = {"time": tools("x"), "notes": tools("x"), "crm": None}
    assert names(build(same, view({"servers": ["notes"]}, naming="on_collision"))) == ["x"]
    assert names(build(same, view({}, naming="on_collision"))) == ["time__x", "notes__x"]
