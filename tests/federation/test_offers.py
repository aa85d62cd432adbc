import json
from typing import Any

from fedgate.core.rawjson import fields
from fedgate.federation.listing import Item, Listing
from fedgate.federation.names import Owner, hashed
from fedgate.federation.offers import Arranged, arrange
from fedgate.federation.views import Edit, View, pick
from tests.federation.fakes import item, listing, tools

NONE: frozenset[str] = frozenset()
TOOLS = "tools/list"


def arranged(view: View, taken: frozenset[str] = NONE, method: str = TOOLS, **known: Listing) -> Arranged:
    return arrange(method, known, view, {}, taken)


def told(found: Arranged, name: str) -> dict[str, Any]:
    offer: dict[str, Any] = json.loads(found.offers[name].raw)
    return offer


def test_an_item_that_nothing_changes_keeps_its_bytes() -> None:
    raw = b'{ "name":"add",  "x-new": [1,2 ,3] }'
    offered = listing((TOOLS, Item("add", raw)))
    assert arranged(View(single="notes"), notes=offered).offers["add"].raw is raw
    assert arranged(View("never"), notes=offered).offers["add"].raw is raw


def test_globs_leave_out_tools_by_exposed_name() -> None:
    picks = {"tools": pick(["notes__*", "time__now"], ["*_delete"])}
    found = arranged(View(picks=picks), notes=tools("add", "add_delete"), time=tools("now", "zone"))
    assert list(found.offers) == ["notes__add", "time__now"]
    assert found.dropped == ("notes__add_delete",)


def test_an_override_changes_what_it_names_and_every_other_byte_stays() -> None:
    raw = (
        b'{"name":"add","description":"Adds.","inputSchema":{ "type" : "object" },"annotations":{"title":"A"},'
        b'"_meta":{"big":12345678901234567890.10},"future":[1.0,  2e3]}'
    )
    edits = {"notes__add": Edit(name="remember", title="Remember", description="Keep a note.")}
    found = arranged(View(edits=edits), notes=listing((TOOLS, Item("add", raw))))
    (name,) = found.offers
    members, before = fields(found.offers[name].raw), fields(raw)
    changed = {"name": b'"remember"', "title": b'"Remember"', "description": b'"Keep a note."'}
    assert name == "remember"
    assert {key: bytes(value) for key, value in members.items()} == {
        **{key: bytes(value) for key, value in before.items()}, **changed,
    }  # fmt: skip
    assert list(members) == [*before, "title"]
    assert found.offers[name].item.key == "add"
    assert (found.unmatched, found.collisions) == ((), [])


def test_an_override_may_leave_the_name() -> None:
    found = arranged(View(edits={"notes__add": Edit(description="New.")}), notes=tools("add"))
    assert told(found, "notes__add") == {"name": "notes__add", "description": "New."}


def test_an_empty_description_is_a_description() -> None:
    offered = listing((TOOLS, item(TOOLS, "add", description="Old.")))
    assert (
        told(arranged(View(edits={"notes__add": Edit(description="")}), notes=offered), "notes__add")["description"]
        == ""
    )


def test_an_override_of_nothing_is_told() -> None:
    edits = {"notes__gone": Edit(title="x"), "notes__hidden": Edit(title="y")}
    view = View(edits=edits, picks={"tools": pick(exclude=["notes__hidden"])})
    found = arranged(view, notes=tools("add", "hidden"))
    assert found.unmatched == ("notes__gone", "notes__hidden")


def test_a_chosen_name_wins_and_the_other_tool_stays_reachable() -> None:
    view = View("never", edits={"store": Edit(name="add")})
    found = arranged(view, notes=tools("add", "store", "add_"))
    other = hashed(Owner("notes", "add"))
    assert {name: offer.item.key for name, offer in found.offers.items()} == {
        other: "add", "add": "store", "add_": "add_",
    }  # fmt: skip
    assert told(found, other)["name"] == other
    assert found.collisions == [f"tool 'add' is exposed as {other!r}: its name is given to another tool here"]


def test_names_collide_as_clients_compare_them() -> None:
    view = View("never", edits={"store": Edit(name="a_b")})
    found = arranged(view, notes=tools("store", "a__b"))
    assert set(found.offers) == {"a_b", hashed(Owner("notes", "a__b"))}


def test_two_tools_may_swap_their_names() -> None:
    edits = {"notes__a": Edit(name="notes__b"), "notes__b": Edit(name="notes__a")}
    found = arranged(View(edits=edits), notes=tools("a", "b"))
    assert {name: offer.item.key for name, offer in found.offers.items()} == {"notes__b": "a", "notes__a": "b"}
    assert found.collisions == []


def test_names_that_the_view_needs_are_not_given_to_tools() -> None:
    found = arranged(View("never"), frozenset({"call_tool"}), notes=tools("call_tool", "add"))
    assert set(found.offers) == {hashed(Owner("notes", "call_tool")), "add"}


def test_a_withheld_tool_is_offered_with_its_refusal() -> None:
    found = arrange(TOOLS, {"notes": tools("add", "list")}, View(), {"notes": {"add": "no"}}, NONE)
    assert {name: offer.refusal for name, offer in found.offers.items()} == {"notes__add": "no", "notes__list": ""}


def test_overrides_and_refusals_are_for_tools_alone() -> None:
    prompts = listing(("prompts/list", item("prompts/list", "add")))
    view = View(edits={"notes__add": Edit(name="remember")})
    found = arrange("prompts/list", {"notes": prompts}, view, {"notes": {"add": "no"}}, NONE)
    assert {name: offer.refusal for name, offer in found.offers.items()} == {"notes__add": ""}
    assert found.unmatched == ()


def test_resources_are_picked_by_exposed_uri() -> None:
    method = "resources/list"
    offered = listing(*((method, item(method, uri)) for uri in ("file:///a", "file:///b", "https://h/x")))
    view = View(picks={"resources": pick(["notes+*", "https://*"], ["*/b"])})
    found = arranged(view, method=method, notes=offered)
    assert list(found.offers) == ["notes+file:///a", "https://h/x"]
    assert found.dropped == ("notes+file:///b",)
    untouched = View("never", picks={"resources": pick(["file:///b"])})
    assert list(arranged(untouched, method=method, notes=offered).offers) == ["file:///b"]


def test_an_item_that_cannot_be_rewritten_is_left_out_loudly() -> None:
    deep = Item("deep", b'{"name":"deep","x":' + b"[" * 5000 + b"]" * 5000 + b"}")
    found = arranged(View(), notes=listing((TOOLS, deep), (TOOLS, item(TOOLS, "add"))))
    assert list(found.offers) == ["notes__add"]
    assert found.collisions == ["'notes__deep' of notes is hidden: it is nested too deeply"]
