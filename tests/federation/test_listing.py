"""federation/listing.py: everything a server offers is fetched to the end, within limits, and keeps its bytes."""

import json
import logging
from typing import Any

import pytest

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Fields, Raw, fields
from fedgate.federation.listing import (
    MAX_BYTES,
    MAX_ITEMS,
    MAX_PAGES,
    Greeting,
    Hints,
    Item,
    Listing,
    fetch,
    greeting_of,
    merge_hints,
    parse_items,
)

from .fakes import ALL, dump, raws

pytestmark = pytest.mark.anyio

GREETING = Greeting("2025-11-25", ALL, {})


class Pages:
    """A server's answers by method, page after page; `asked` remembers how it was asked."""

    def __init__(self, **pages: list[bytes]) -> None:
        self.asked: list[tuple[str, Any]] = []
        self._pages = {method.replace("_", "/"): list(given) for method, given in pages.items()}

    async def __call__(self, method: str, params: Fields) -> bytes:
        self.asked.append((method, {key: json.loads(bytes(part)) for key, part in params.items()}))
        return self._pages[method].pop(0)


async def listed(*pages: bytes, method: str = "tools/list") -> Listing:
    return await fetch("notes", GREETING, Pages(**{method.replace("/", "_"): list(pages)}), (method,))


def page(*names: str, **members: Any) -> bytes:
    return dump({"tools": [{"name": name} for name in names], **members})


async def test_pages_are_followed_to_the_end_with_the_servers_own_cursor() -> None:
    server = Pages(tools_list=[page("a", "b", nextCursor="p/2é"), page("c", nextCursor=""), page("d")])
    listing = await fetch("notes", GREETING, server, ("tools/list",))
    assert [each.key for each in listing.items["tools/list"]] == ["a", "b", "c", "d"]
    assert server.asked == [("tools/list", {}), ("tools/list", {"cursor": "p/2é"}), ("tools/list", {"cursor": ""})]
    assert (listing.count("tools/list"), listing.count("prompts/list")) == (4, 0)


@pytest.mark.parametrize("cursor", [None, 7, {"a": 1}])
async def test_a_cursor_that_is_no_string_is_the_end(cursor: Any) -> None:
    assert (await listed(page("a", nextCursor=cursor))).count("tools/list") == 1


async def test_items_keep_their_bytes() -> None:
    odd = b'{"name" : "a","inputSchema":{"$ref": "#/$defs/x", "x": 1.50},\n"vendor":"\\u0041"}'
    listing = await listed(b'{"tools": [ ' + odd + b" ] }")
    assert listing.items["tools/list"] == (Item("a", odd),)


@pytest.mark.parametrize(
    ("method", "member", "key"),
    [
        ("tools/list", "tools", "name"),
        ("prompts/list", "prompts", "name"),
        ("resources/list", "resources", "uri"),
        ("resources/templates/list", "resourceTemplates", "uriTemplate"),
    ],
)
async def test_each_list_has_its_member_and_its_key(method: str, member: str, key: str) -> None:
    listing = await listed(dump({member: [{key: "x", "other": "y"}]}), method=method)
    assert [each.key for each in listing.items[method]] == ["x"]


async def test_only_what_the_server_announced_is_asked_for() -> None:
    server = Pages(prompts_list=[b'{"prompts":[]}'])
    greeting = Greeting("2025-11-25", {"prompts": {"listChanged": True}, "tools": True, "resources": None}, {})
    listing = await fetch("notes", greeting, server)
    assert server.asked == [("prompts/list", {})]
    assert listing.items == {"prompts/list": ()}


async def test_a_server_with_resources_is_asked_for_templates_too() -> None:
    server = Pages(resources_list=[b'{"resources":[]}'], resources_templates_list=[b"{}"])
    listing = await fetch("notes", Greeting("v", {"resources": {}}, {}), server)
    assert list(listing.items) == ["resources/list", "resources/templates/list"]


async def test_an_item_that_is_listed_twice_counts_once_as_it_first_stood() -> None:
    listing = await listed(
        dump({"tools": [{"name": "a", "x": 1}, {"name": "a", "x": 2}], "nextCursor": "n"}), page("a")
    )
    assert [each.raw for each in listing.items["tools/list"]] == [dump({"name": "a", "x": 1})]


@pytest.mark.parametrize("entry", ["{}", '{"name": 7}', '{"name": ""}', '{"name": null}', "[]", "null", '"a"'])
async def test_an_entry_without_a_key_is_left_out_with_a_warning(entry: str, caplog: pytest.LogCaptureFixture) -> None:
    listing = await listed(b'{"tools":[%b,{"name":"ok"}]}' % entry.encode())
    assert [each.key for each in listing.items["tools/list"]] == ["ok"]
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert warning.getMessage() == "notes: an entry of tools/list has no usable name and is left out"


ANNOTATED = {"type": "object", "properties": {"region": {"type": "string", "x-mcp-header": "Region"}}}


async def test_the_annotations_of_a_tool_are_read_once() -> None:
    listing = await listed(dump({"tools": [{"name": "a", "inputSchema": ANNOTATED}, {"name": "b"}]}))
    assert [each.params for each in listing.items["tools/list"]] == [{"region": ("region",)}, {}]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"type": "number", "x-mcp-header": "A"}}},
        {"properties": {"a": {"type": ["string", "null"], "x-mcp-header": "A"}}},
        {"x-mcp-header": "A"},
    ],
)
async def test_a_tool_with_an_illegal_annotation_is_left_out_and_the_others_stay(
    schema: Any, caplog: pytest.LogCaptureFixture
) -> None:
    listing = await listed(dump({"tools": [{"name": "bad", "inputSchema": schema}, {"name": "ok"}]}))
    assert [each.key for each in listing.items["tools/list"]] == ["ok"]
    assert len(caplog.records) == 1


async def test_a_word_that_looks_like_an_annotation_hides_nothing() -> None:
    listing = await listed(dump({"tools": [{"name": "a", "description": "sets x-mcp-header", "inputSchema": 7}]}))
    assert [each.key for each in listing.items["tools/list"]] == ["a"]
    prompts = await listed(
        dump({"prompts": [{"name": "a", "inputSchema": {"x-mcp-header": 1}}]}), method="prompts/list"
    )
    assert prompts.count("prompts/list") == 1


@pytest.mark.parametrize("result", [b"[]", b"null", b"7", b'"tools"', b"{", b""])
async def test_an_answer_that_is_no_object_is_the_servers_error(result: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="notes answered tools/list with something that is no result object"):
        await listed(result)


@pytest.mark.parametrize("member", [{}, "a", 7, None])
async def test_a_list_that_is_no_array_is_the_servers_error(member: Any) -> None:
    with pytest.raises(UpstreamInvalid, match="notes answered tools/list with no array of items"):
        await listed(dump({"tools": member}))


async def test_a_cursor_that_comes_again_is_the_servers_error() -> None:
    with pytest.raises(UpstreamInvalid, match="does not come to an end of tools/list"):
        await listed(page("a", nextCursor="x"), page("b", nextCursor="y"), page("c", nextCursor="x"))


async def test_an_endless_chain_of_pages_is_the_servers_error() -> None:
    with pytest.raises(UpstreamInvalid, match=f"after {MAX_PAGES} items"):
        await listed(*(page(str(number), nextCursor=str(number)) for number in range(MAX_PAGES + 1)))


@pytest.mark.parametrize("last", [True, False])
async def test_too_many_items_are_the_servers_error_on_the_last_page_too(last: bool) -> None:
    more = {} if last else {"nextCursor": "more"}
    assert (await listed(page(*map(str, range(MAX_ITEMS))))).count("tools/list") == MAX_ITEMS
    with pytest.raises(UpstreamInvalid, match="does not come to an end"):
        await listed(page(*map(str, range(MAX_ITEMS + 1)), **more))


async def test_too_many_bytes_are_the_servers_error() -> None:
    with pytest.raises(UpstreamInvalid, match="does not come to an end"):
        await listed(page("a", pad="x" * (MAX_BYTES // 2), nextCursor="1"), page("b", pad="x" * (MAX_BYTES // 2)))


@pytest.mark.parametrize(
    ("members", "hints"),
    [
        ({}, Hints()),
        ({"ttlMs": 5000, "cacheScope": "public"}, Hints(5000, True)),
        ({"ttlMs": 0, "cacheScope": "private"}, Hints(0, False)),
        ({"ttlMs": -5}, Hints(0)),
        ({"ttlMs": 1.9}, Hints(1)),
        ({"ttlMs": "5000", "cacheScope": True}, Hints()),
        ({"ttlMs": True, "cacheScope": "PUBLIC"}, Hints()),
        ({"ttlMs": None}, Hints()),
        ({"ttlMs": [5]}, Hints()),
    ],
)
async def test_caching_hints_are_read_as_far_as_they_are_ones(members: dict[str, Any], hints: Hints) -> None:
    assert (await listed(page("a", **members))).hints == {"tools/list": hints}


async def test_a_hint_that_is_too_large_a_number_is_none() -> None:
    assert (await listed(b'{"tools":[],"ttlMs":1e999}'.replace(b"1e999", b"9" * 5000))).hints == {"tools/list": Hints()}


async def test_the_pages_of_a_list_share_the_shorter_life_and_the_narrower_scope() -> None:
    listing = await listed(
        page("a", ttlMs=900, cacheScope="public", nextCursor="1"), page("b", ttlMs=100, cacheScope="private")
    )
    assert listing.hints == {"tools/list": Hints(100, False)}


@pytest.mark.parametrize(
    ("one", "other", "merged"),
    [
        (Hints(1, True), Hints(2, True), Hints(1, True)),
        (Hints(None, True), Hints(2, True), Hints(2, True)),
        (Hints(0), Hints(), Hints(0)),
        (Hints(), Hints(), Hints()),
        (Hints(1, True), Hints(1, False), Hints(1, False)),
    ],
)
def test_merging_hints_does_not_depend_on_their_order(one: Hints, other: Hints, merged: Hints) -> None:
    assert merge_hints(one, other) == merge_hints(other, one) == merged


def test_items_of_no_list_are_no_array() -> None:
    assert parse_items("notes", "tools/list", Raw(b"[]")) == []


def test_a_greeting_is_read_in_the_places_of_both_eras() -> None:
    legacy = raws({"capabilities": {"tools": {}}, "serverInfo": {"name": "n"}, "instructions": "do"})
    modern = raws({"capabilities": {"tools": {}}, "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "n"}}})
    assert greeting_of("v", legacy) == Greeting("v", {"tools": {}}, {"name": "n"}, "do")
    assert greeting_of("v", modern) == Greeting("v", {"tools": {}}, {"name": "n"})


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"capabilities": [], "serverInfo": "n", "instructions": 7},
        {"_meta": 7, "capabilities": None, "serverInfo": None},
    ],
)
def test_a_greeting_without_the_usual_members_is_empty(members: dict[str, Any]) -> None:
    assert greeting_of("v", raws(members)) == Greeting("v", {}, {})


def test_a_greeting_that_cannot_be_read_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="not JSON"):
        greeting_of("v", fields(b'{"capabilities":{"tools":' + b"9" * 5000 + b"}}"))
