import json
from threading import Event
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fedgate.federation.openapi_document import Broken, Document
from fedgate.federation.openapi_names import Choice
from fedgate.federation.openapi_tools import MAX_DESCRIPTION, MAX_TITLE, build
from fedgate.federation.openapi_yaml import Stopped, parse_yaml
from tests.federation.openapi_kit import BASE, PETSTORE, TRACKS, document, listed, only, parameter, tools, with_body

META = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def petstore() -> Any:
    return parse_yaml(PETSTORE.read_text(), Event())


def tracks() -> Any:
    return json.loads(TRACKS.read_text())


def test_every_operation_of_a_document_is_a_tool() -> None:
    found = tools(Document(petstore()), base_url="")
    assert list(listed(found)) == [
        "listPets", "addPet", "getPet", "replacePet", "deletePet", "getPhoto", "setPhoto", "uploadPhoto",
        "get_owners_name_pets", "search",
    ]  # fmt: skip
    assert found.warnings == ()
    assert {str(each.target) for each in found.operations.values()} == {"https://eu.pets.example.com"}


def test_a_tool_has_words_hints_and_one_schema_for_its_arguments() -> None:
    assert listed(tools(Document(petstore())))["listPets"] == {
        "name": "listPets",
        "title": "List pets",
        "description": "List pets\n\nAll pets, page by page.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "X-Tenant": {"type": "string"},
                "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 100},
                "filter_tag": {"type": "array", "items": {"type": "string"}},
                "sort": {"type": "array", "items": {"type": "string"}},
                "where": {"type": "object", "properties": {"age": {"type": "integer"}, "name": {"type": "string"}}},
            },
            "required": ["X-Tenant"],
            "additionalProperties": False,
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": True},
    }


def test_bodies_lose_what_is_read_only_and_answers_what_is_write_only() -> None:
    found = listed(tools(Document(petstore())))
    pet = {"$ref": "#/$defs/Pet"}
    kind = {"type": ["string", "null"], "enum": ["cat", "dog", None]}
    assert found["addPet"]["inputSchema"]["required"] == ["X-Tenant", "name"]
    assert found["addPet"]["inputSchema"]["properties"] == {
        "X-Tenant": {"type": "string"},
        "name": {"type": "string", "examples": ["Rex"]},
        "tag": {"type": ["string", "null"]},
        "secret": {"type": "string"},
        "parent": pet,
        "kind": {"$ref": "#/$defs/Kind"},
    }
    assert found["addPet"]["inputSchema"]["$defs"]["Kind"] == kind
    assert found["replacePet"]["inputSchema"]["properties"]["body"] == pet
    assert found["replacePet"]["inputSchema"]["required"] == ["petId"]
    assert set(found["getPet"]["outputSchema"]["properties"]) == {"id", "name", "tag", "parent", "kind"}
    assert "outputSchema" not in found["listPets"]


def test_binary_fields_are_base64() -> None:
    found = listed(tools(Document(petstore())))
    assert found["uploadPhoto"]["inputSchema"]["properties"]["file"] == {"type": "string", "contentEncoding": "base64"}
    assert found["setPhoto"]["inputSchema"]["properties"]["body"]["contentEncoding"] == "base64"


def test_a_broken_operation_is_left_out_and_named_and_the_rest_works() -> None:
    found = tools(Document(tracks(), "https://h/openapi.json"), base_url="")
    assert found.warnings == (
        "GET /broken (broken) is left out: "
        "it refers to other.json, outside of the document; bundle the parts into one document",
    )
    assert list(found.operations) == ["tracks_get", "tracks_patch", "tracks_head", "lyrics_set"]
    assert b"broken" not in found.listing
    artist = listed(found)["tracks_patch"]["inputSchema"]["properties"]["artist"]
    assert artist == {"$ref": "#/$defs/Artist", "description": "Who plays."}


@pytest.mark.parametrize(
    ("method", "hints"),
    [
        ("get", {"readOnlyHint": True}),
        ("head", {"readOnlyHint": True}),
        ("options", {"readOnlyHint": True}),
        ("post", {"readOnlyHint": False}),
        ("patch", {"readOnlyHint": False}),
        ("put", {"readOnlyHint": False, "idempotentHint": True}),
        ("delete", {"readOnlyHint": False, "idempotentHint": True, "destructiveHint": True}),
    ],
)
def test_hints_say_what_http_says_of_the_method(method: str, hints: dict[str, bool]) -> None:
    tool, _ = only({}, method=method)
    assert tool["annotations"] == {**hints, "openWorldHint": True}


@pytest.mark.parametrize(
    ("operation", "title", "description"),
    [
        ({}, None, "GET /x"),
        ({"summary": "S"}, "S", "S"),
        ({"description": "D"}, None, "D"),
        ({"summary": "S", "description": "S"}, "S", "S"),
        ({"summary": "S", "description": "D", "deprecated": True}, "S", "Deprecated. S\n\nD"),
        ({"summary": 5, "description": []}, None, "GET /x"),
        ({"summary": "s" * 200, "description": "d" * 9000}, "s" * 99 + "…", None),
    ],
)
def test_words_come_from_summary_and_description(
    operation: dict[str, Any], title: str | None, description: str | None
) -> None:
    tool, _ = only(operation)
    assert tool.get("title") == title
    assert len(tool.get("title", "")) <= MAX_TITLE
    assert len(tool["description"]) <= MAX_DESCRIPTION
    assert description is None or tool["description"] == description


def test_choosing_does_not_rename() -> None:
    twins = {"operationId": "twin"}
    found = document({"/a": {"get": twins}, "/b": {"get": twins}, "/c": {"get": {"operationId": "other"}}})
    assert list(listed(tools(found, include=("twin_*",)))) == ["twin_2"]
    assert tools(found, include=("twin_2",)).operations["twin_2"].path == "/b"
    assert tools(found, exclude=("nothing",)).warnings == (
        "exclude: 'nothing' matches no tool; there are twin, twin_2, other, ...",
    )


def test_nothing_chosen_is_an_empty_list() -> None:
    found = tools(document({"/a": {"get": {}}}), include=("none",))
    assert found.listing == b'{"tools":[]}'
    assert len(found.warnings) == 1


def test_a_document_none_of_which_can_be_used_is_broken() -> None:
    paths: dict[str, Any] = {"/a": {"get": {}}, "/b": {"get": {}}}
    with pytest.raises(Broken, match=r"none of its operations can be used: GET /b \(get_b\) is left out: .*base_url"):
        tools(document(paths), base_url="")


def test_too_many_operations_are_refused_until_some_are_chosen() -> None:
    found = document({f"/{number}": {"get": {}} for number in range(5001)})
    with pytest.raises(Broken, match="5001 operations, more than 5000; choose some by include or exclude"):
        tools(found)
    assert list(tools(found, include=("get_7",)).operations) == ["get_7"]


def test_a_tool_with_an_endless_schema_is_left_out() -> None:
    large = {"type": "object", "properties": {str(number): {"items": {}} for number in range(11_000)}}
    paths = {"/a": {"post": with_body({"application/json": {"schema": large}})}, "/b": {"get": {}}}
    found = tools(document(paths))
    assert list(found.operations) == ["get_b"]
    assert found.warnings == ("POST /a (post_a) is left out: its schema has more than 20000 values",)


def test_the_manifests_base_url_stands_in_for_all_servers() -> None:
    own = {"servers": [{"url": "https://uploads.example.com"}]}
    paths = {"/a": {"get": own}, "/b": {"get": {}, **own}}
    more: Any = {"servers": [{"url": "https://api.example.com"}]}
    assert {str(each.target) for each in tools(document(paths, **more)).operations.values()} == {
        "http://api.example.com"
    }
    assert [str(each.target) for each in tools(document(paths, **more), base_url="").operations.values()] == [
        "https://uploads.example.com"
    ] * 2


def test_a_server_that_is_no_http_address_is_broken() -> None:
    with pytest.raises(Broken, match="its server cannot be used: the URL must begin with http"):
        tools(document({"/a": {"get": {}}}, servers=[{"url": "ftp://h/"}]), base_url="")


def test_the_query_of_base_url_is_no_argument() -> None:
    choice = {"base_url": f"{BASE}?key=s3cret"}
    tool, operation = only({"parameters": [parameter("key"), parameter("q")]}, choice=choice)
    assert list(tool["inputSchema"]["properties"]) == ["q"]
    assert operation.arguments == ("q",)


def test_a_head_has_no_body() -> None:
    assert only(with_body({"application/json": {"schema": {}}}), method="head")[1].body is None


def test_building_stops_when_nobody_waits_for_it() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        build(document({"/a": {"get": {}}}), Choice(BASE), stop)


def _mutations(data: Any) -> st.SearchStrategy[Any]:
    """The document with some values replaced by others."""
    paths: list[tuple[Any, ...]] = []
    waiting: list[tuple[tuple[Any, ...], Any]] = [((), data)]
    while waiting:
        where, node = waiting.pop()
        paths.append(where)
        entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        waiting += [((*where, key), each) for key, each in entries]
    junk = st.sampled_from(
        [None, True, 0, -1, 1.5, "", "x", "{a}", [], {}, [1], {"a": 1}, {"$ref": "#"}, {"$ref": "#/paths"},
         {"$ref": "#/components/schemas/Pet"}, {"schema": {"$ref": "#/components/schemas/Pet"}}, "object", 10**40]
    )  # fmt: skip
    return st.lists(st.tuples(st.sampled_from(paths), junk), min_size=1, max_size=4)


def _has(holder: Any, key: Any) -> bool:
    if isinstance(holder, list):
        return isinstance(key, int) and key < len(holder)
    return isinstance(holder, dict) and key in holder


def _mutated(data: Any, changes: list[tuple[tuple[Any, ...], Any]]) -> Any:
    whole: Any = {"root": msgspec.json.decode(msgspec.json.encode(data))}
    for where, value in changes:
        *above, last = ("root", *where)
        holder: Any = whole
        for key in above:
            holder = holder[key] if _has(holder, key) else None
        if _has(holder, last):
            holder[last] = value
    return whole["root"]


@pytest.mark.parametrize("data", [petstore(), tracks()], ids=["petstore", "tracks"])
def test_any_change_of_a_document_is_a_warning_or_a_broken_document_never_a_bad_tool(data: Any) -> None:
    @given(_mutations(data))
    @settings(max_examples=150, deadline=None)
    def holds(changes: list[tuple[tuple[Any, ...], Any]]) -> None:
        try:
            found = tools(Document(_mutated(data, changes)))
        except Broken as error:
            str(error).encode()
            return
        for tool in listed(found).values():
            assert META.is_valid(tool["inputSchema"])
            assert META.is_valid(tool.get("outputSchema", {}))
            assert tool["inputSchema"]["type"] == "object"

    holds()
