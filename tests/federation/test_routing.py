"""federation/routing.py: a request reaches the server that owns what it names, and no other."""

import json
from typing import Any

import pytest

from fedgate.core.errors import RpcError
from fedgate.federation.catalog import Catalog, Route, build
from fedgate.federation.listing import Listing
from fedgate.federation.names import Naming
from fedgate.federation.routing import owner_of, resolved, route
from fedgate.federation.views import View, pick

from .fakes import item, listing, raws, tools

RESOURCES, TEMPLATES = "resources/list", "resources/templates/list"
NOTES = listing(
    ("tools/list", item("tools/list", "add")),
    ("prompts/list", item("prompts/list", "daily")),
    (RESOURCES, item(RESOURCES, "file:///x")),
    (RESOURCES, item(RESOURCES, "https://notes/x")),
    (TEMPLATES, item(TEMPLATES, "memo://{id}")),
    (TEMPLATES, item(TEMPLATES, "https://notes/{+path}")),
)
TIME = tools("now")


def aggregate(naming: Naming = "always", **more: Listing) -> Catalog:
    return build({"time": TIME, "notes": NOTES, **more}, View(naming))


ALONE = build({"notes": NOTES}, View("always", "notes"))


def refused(catalog: Catalog, method: str, params: dict[str, Any], era: Any = "legacy") -> RpcError:
    with pytest.raises(RpcError) as caught:
        route(catalog, method, raws(params), era)
    return caught.value


@pytest.mark.parametrize(("naming", "name"), [("always", "notes__add"), ("on_collision", "add"), ("never", "add")])
def test_a_tool_is_found_by_the_name_under_which_it_is_listed(naming: Naming, name: str) -> None:
    assert route(aggregate(naming), "tools/call", raws({"name": name}), "modern") == Route("notes", "add")


def test_prompts_are_found_among_prompts() -> None:
    assert route(aggregate(), "prompts/get", raws({"name": "notes__daily"}), "legacy") == Route("notes", "daily")
    assert refused(aggregate(), "tools/call", {"name": "notes__daily"}).message == "Unknown tool: notes__daily"


@pytest.mark.parametrize("name", ["add", "notes__", "notes__other", "other__add", "NOTES__add", "", "x" * 1000])
@pytest.mark.parametrize(("method", "word"), [("tools/call", "tool"), ("prompts/get", "prompt")])
def test_an_unknown_name_is_refused_in_words_that_repeat_it(name: str, method: str, word: str) -> None:
    error = refused(aggregate(), method, {"name": name})
    assert (error.code, error.message) == (-32602, f"Unknown {word}: {name[:200]}")


@pytest.mark.parametrize("params", [{}, {"name": 7}, {"name": None}, {"name": ["add"]}])
def test_a_name_must_be_a_string(params: dict[str, Any]) -> None:
    for catalog in (aggregate(), ALONE):
        error = refused(catalog, "tools/call", params)
        assert (error.code, error.message) == (-32602, "params.name must be a string")


def test_a_server_alone_is_asked_for_what_it_does_not_list() -> None:
    assert route(ALONE, "tools/call", raws({"name": "add"}), "legacy") == Route("notes", "add")
    assert route(ALONE, "tools/call", raws({"name": "hidden"}), "legacy") == Route("notes", "hidden")
    assert route(ALONE, "resources/read", raws({"uri": "any://thing"}), "legacy") == Route("notes", "any://thing")


READS = ["resources/read", "resources/subscribe", "resources/unsubscribe"]


@pytest.mark.parametrize("method", READS)
@pytest.mark.parametrize(
    ("uri", "own"),
    [
        ("notes+file:///x", "file:///x"),
        ("notes+file:///not/listed", "file:///not/listed"),
        ("https://notes/x", "https://notes/x"),
        ("https://notes/a/b", "https://notes/a/b"),
        ("notes+memo://7", "memo://7"),
        ("ui://notes+app", "ui://app"),
    ],
)
def test_a_prefixed_uri_goes_to_its_server_in_the_servers_own_spelling(method: str, uri: str, own: str) -> None:
    assert route(aggregate(), method, raws({"uri": uri}), "legacy") == Route("notes", own)


@pytest.mark.parametrize("uri", ["file:///x", "other+file:///x", "https://elsewhere", "memo://7", ""])
@pytest.mark.parametrize(("era", "code"), [("legacy", -32002), ("modern", -32602)])
def test_a_uri_that_nobody_has_is_not_found_in_the_words_of_the_era(uri: str, era: Any, code: int) -> None:
    error = refused(aggregate(), "resources/read", {"uri": uri}, era)
    assert (error.code, error.message) == (code, f"Resource not found: {uri}")
    assert error.data is not None
    assert json.loads(error.data) == {"uri": uri}


@pytest.mark.parametrize("params", [{}, {"uri": 7}, {"uri": None}])
@pytest.mark.parametrize("method", READS)
def test_a_uri_must_be_a_string(params: dict[str, Any], method: str) -> None:
    assert refused(aggregate(), method, params).message == "params.uri must be a string"


@pytest.mark.parametrize(
    ("uri", "server"),
    [
        ("file:///x", "notes"),
        ("memo://7", "notes"),
        ("memo://7/x", None),
        ("cal://today", "cal"),
        ("notes+file:///x", None),
        ("unknown://x", None),
    ],
)
def test_without_prefixes_uris_are_looked_up_and_matched(uri: str, server: str | None) -> None:
    catalog = aggregate("never", cal=listing((RESOURCES, item(RESOURCES, "cal://today"))))
    assert owner_of(catalog, uri) == (None if server is None else Route(server, uri))


def test_without_prefixes_the_only_server_with_resources_gets_what_nobody_lists() -> None:
    assert owner_of(aggregate("never"), "unknown://x") == Route("notes", "unknown://x")
    assert owner_of(aggregate("always"), "unknown://x") is None
    assert owner_of(build({"time": TIME}, View("never")), "unknown://x") is None


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ({"type": "ref/prompt", "name": "notes__daily"}, Route("notes", "daily")),
        ({"type": "ref/resource", "uri": "notes+memo://{id}"}, Route("notes", "memo://{id}")),
        ({"type": "ref/resource", "uri": "https://notes/{+path}"}, Route("notes", "https://notes/{+path}")),
        ({"type": "ref/resource", "uri": "notes+file:///x"}, Route("notes", "file:///x")),
    ],
)
def test_a_completion_goes_where_its_reference_belongs(reference: dict[str, Any], found: Route) -> None:
    params = {"ref": reference, "argument": {"name": "id", "value": "1"}}
    assert route(aggregate(), "completion/complete", raws(params), "legacy") == found


def test_a_reference_of_a_server_alone_is_its_own() -> None:
    for reference, name in (
        ({"type": "ref/prompt", "name": "hidden"}, "hidden"),
        ({"type": "ref/resource", "uri": "memo://{id}"}, "memo://{id}"),
        ({"type": "ref/resource", "uri": "x://{y}"}, "x://{y}"),
    ):
        assert route(ALONE, "completion/complete", raws({"ref": reference}), "legacy") == Route("notes", name)


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({}, "params.ref.type must be ref/prompt or ref/resource"),
        ({"ref": []}, "params.ref.type must be ref/prompt or ref/resource"),
        ({"ref": {"type": "ref/tool", "name": "x"}}, "params.ref.type must be ref/prompt or ref/resource"),
        ({"ref": {"type": "ref/prompt"}}, "params.name must be a string"),
        ({"ref": {"type": "ref/prompt", "name": "no"}}, "Unknown prompt: no"),
        ({"ref": {"type": "ref/resource"}}, "params.uri must be a string"),
        ({"ref": {"type": "ref/resource", "uri": "no://{x}"}}, "Resource not found: no://{x}"),
    ],
)
def test_a_reference_to_nothing_is_refused(params: dict[str, Any], words: str) -> None:
    error = refused(aggregate(), "completion/complete", params, "modern")
    assert (error.code, error.message) == (-32602, words)


def test_methods_that_nobody_knows_do_not_exist_in_the_aggregate() -> None:
    error = refused(aggregate(), "tasks/" + "x" * 200, {})
    assert (error.code, error.status, error.message) == (-32601, 404, "Method not found: tasks/" + "x" * 94)


def test_a_server_alone_gets_methods_that_the_gateway_does_not_know() -> None:
    assert route(ALONE, "vendor/do", raws({"x": 1}), "legacy") == Route("notes", "")


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
def test_a_task_keeps_its_id_so_that_the_header_can_name_it(method: str) -> None:
    assert route(ALONE, method, raws({"taskId": "t/1"}), "modern") == Route("notes", "t/1")
    assert route(ALONE, method, raws({"taskId": 7}), "modern") == Route("notes", "")


@pytest.mark.parametrize("method", ["x\r\nevil: 1", "a b", "", "größe", "x" * 129])
def test_a_method_that_no_header_can_carry_is_not_passed_on(method: str) -> None:
    error = refused(ALONE, method, {})
    assert (error.code, error.status) == (-32601, 404)


def test_a_tool_that_is_withheld_says_why() -> None:
    catalog = build({"notes": NOTES}, View(), {"notes": {"add": "its description changed"}})
    error = refused(catalog, "tools/call", {"name": "notes__add"})
    assert (error.code, error.message) == (-32000, "its description changed")


def test_what_a_view_does_not_reach_is_not_found_whoever_has_it() -> None:
    view = View(picks={"resources": pick(exclude=["notes+memo:*"])})
    catalog = build({"notes": NOTES}, view)
    assert owner_of(catalog, "notes+memo://7") is None
    assert owner_of(catalog, "notes+file:///y") == Route("notes", "file:///y")


def test_only_where_tools_are_searched_a_call_can_name_another() -> None:
    wrapped = raws({"name": "call_tool", "arguments": {"name": "notes__add", "arguments": {"a": 1}}})
    assert resolved(aggregate(), "tools/call", wrapped) is wrapped
    searched = build({"notes": NOTES}, View(search="on"))
    found = resolved(searched, "tools/call", wrapped)
    assert route(searched, "tools/call", found, "legacy") == Route("notes", "add")
    assert json.loads(bytes(found["arguments"])) == {"a": 1}
    assert resolved(searched, "prompts/get", wrapped) is wrapped
