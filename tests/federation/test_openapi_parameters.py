from typing import Any

import pytest

from fedgate.federation.openapi_document import Broken
from fedgate.federation.openapi_parameters import (
    Fixed,
    Parameter,
    Scope,
    Signature,
    is_legal,
    legal_name,
    parameters,
    templated,
)
from fedgate.federation.openapi_schema import Converter
from fedgate.federation.openapi_style import Style
from tests.federation.openapi_kit import document, parameter

NOTHING = Fixed()


def read(
    *declared: Any, path: str = "/x", item: list[Any] | None = None, fixed: Fixed = NOTHING, **more: Any
) -> tuple[dict[str, Parameter], Signature]:
    found = document({path: {}}, **more)
    scope = Scope(found, path, {"parameters": item or []}, {"parameters": list(declared)})
    signature = Signature()
    named = parameters(scope, Converter(found, "input"), fixed, signature)
    return {each.argument: each for each in named}, signature


def test_parameters_become_arguments_with_their_schemas() -> None:
    named, signature = read(
        parameter("limit", schema={"type": "integer"}, description="How many.", required=True),
        parameter("old", deprecated=True, example=3),
        parameter("X-Trace", "header"),
        parameter("sid", "cookie"),
    )
    assert signature.properties == {
        "limit": {"type": "integer", "description": "How many."},
        "old": {"deprecated": True, "examples": [3]},
        "X-Trace": {},
        "sid": {},
    }
    assert signature.required == ["limit"]
    assert [each.where for each in named.values()] == ["query", "query", "header", "cookie"]


def test_the_operation_replaces_its_path_items_parameters() -> None:
    item = [parameter("a", schema={"type": "string"}), parameter("X-B", "header"), parameter("c")]
    named, signature = read(parameter("a", schema={"type": "null"}), parameter("x-b", "header"), item=item)
    assert signature.properties == {"a": {"type": "null"}, "x-b": {}, "c": {}}
    assert len(named) == 3


def test_path_parameters_are_required_whether_they_say_so_or_not() -> None:
    named, signature = read(parameter("a", "path"), parameter("gone", "path"), path="/x/{a}/{b}")
    assert signature.properties == {"a": {}, "b": {"type": "string"}}
    assert signature.required == ["a", "b"]
    assert all(each.required for each in named.values())
    assert templated("/x/{a}/{b}.{c}/{}") == ["a", "b", "c"]


def test_equal_names_in_two_places_are_two_arguments() -> None:
    named, _ = read(
        parameter("id", "path"), parameter("id"), parameter("id", "header"), parameter("query_id"), parameter("$id"),
        path="/x/{id}",
    )  # fmt: skip
    assert [(each.argument, each.where, each.name) for each in named.values()] == [
        ("id", "path", "id"),
        ("query_id", "query", "id"),
        ("header_id", "header", "id"),
        ("query_query_id", "query", "query_id"),
        ("query_id_2", "query", "$id"),
    ]


@pytest.mark.parametrize(
    ("name", "legal"),
    [("filter[tag]", "filter_tag"), ("$top", "top"), ("a b", "a_b"), ("é", "value"), ("x" * 99, "x" * 64),
     ("a.b-c_d", "a.b-c_d")],
)  # fmt: skip
def test_names_are_what_providers_take(name: str, legal: str) -> None:
    assert legal_name(name) == legal
    assert is_legal(legal)
    named, _ = read(parameter(name))
    assert named[legal].name == name


@pytest.mark.parametrize("where", ["header", "query", "cookie"])
def test_what_the_manifest_fixes_is_no_argument(where: str) -> None:
    fixed = Fixed(headers=frozenset(["x-key", "cookie"]), query=frozenset(["X-Key"]))
    named, signature = read(parameter("X-Key", where, required=True), parameter("b"), fixed=fixed)
    assert list(named) == ["b"]
    assert signature.required == []


@pytest.mark.parametrize("name", ["Authorization", "accept", "Content-Type", "Host", "Content-Length", "Connection"])
def test_headers_that_http_owns_are_no_arguments(name: str) -> None:
    assert read(parameter(name, "header"))[0] == {}


@pytest.mark.parametrize(
    ("declared", "style"),
    [
        (parameter("a"), Style("form", True)),
        (parameter("a", explode=False), Style("form", False)),
        (parameter("a", style="pipeDelimited"), Style("pipeDelimited", False)),
        (parameter("a", style="deepObject", explode=True, allowReserved=True), Style("deepObject", True, True)),
        (parameter("a", style="matrix"), Style("form", True)),
        (parameter("a", "header"), Style("simple", False)),
        (parameter("a", "header", explode=True), Style("simple", True)),
        (parameter("a", "cookie"), Style("form", True)),
        ({"name": "a", "in": "query", "content": {"application/json; x=y": {"schema": {}}}},
         Style(media="application/json")),
    ],
)  # fmt: skip
def test_styles_have_the_defaults_of_their_place(declared: Any, style: Style) -> None:
    assert read(declared)[0]["a"].style == style


@pytest.mark.parametrize(("style", "wanted"), [(None, "simple"), ("label", "label"), ("matrix", "matrix")])
def test_path_styles(style: str | None, wanted: str) -> None:
    more = {} if style is None else {"style": style}
    assert read(parameter("a", "path", **more), path="/{a}")[0]["a"].style == Style(wanted, False)


def test_the_schema_of_a_media_type_is_the_arguments() -> None:
    declared = {"name": "a", "in": "query", "content": {"application/json": {"schema": {"type": "object"}}}}
    assert read(declared)[1].properties == {"a": {"type": "object"}}


@pytest.mark.parametrize(
    "declared",
    [{"name": "a"}, {"in": "query"}, {"name": "", "in": "query"}, {"name": "a", "in": "body"}, "x", None,
     {"name": "a b", "in": "header"}, {"name": "a\r\nb", "in": "header"}, {"name": "a", "in": "querystring"}],
)  # fmt: skip
def test_a_parameter_without_a_place_to_stand_is_broken(declared: Any) -> None:
    with pytest.raises(Broken, match="which cannot be sent"):
        read(declared)


def test_parameters_may_be_references() -> None:
    components = {"parameters": {"A": {"$ref": "#/components/parameters/B"}, "B": parameter("b")}}
    named, _ = read({"$ref": "#/components/parameters/A"}, components=components)
    assert list(named) == ["b"]
