from typing import Any

import pytest

from fedgate.federation.openapi_defs import close, follow
from fedgate.federation.openapi_document import Broken
from fedgate.federation.openapi_schema import Converter
from tests.federation.openapi_kit import document


def ref(name: str, **beside: Any) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", **beside}


def closed(schema: Any, limit: int = 100, **schemas: Any) -> Any:
    converter = Converter(document({"/x": {}}, components={"schemas": schemas}), "input")
    return close(converter.convert(schema), converter, limit)


def test_what_is_used_once_takes_the_place_of_its_reference() -> None:
    found = closed({"items": ref("A")}, A={"items": ref("B")}, B={"type": "string"}, C={"type": "null"})
    assert found == {"items": {"items": {"type": "string"}}}


def test_what_is_used_twice_is_a_definition() -> None:
    found = closed({"properties": {"a": ref("A"), "b": ref("A", description="Mine.")}}, A={"type": "string"})
    assert found == {
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/$defs/A", "description": "Mine."}},
        "$defs": {"A": {"type": "string"}},
    }


def test_what_is_recursive_stays_a_reference() -> None:
    node = {"properties": {"next": ref("Node"), "tree": ref("Tree")}}
    found = closed({"items": ref("Node")}, Node=node, Tree={"items": ref("Node")})
    assert found == {
        "items": {"$ref": "#/$defs/Node"},
        "$defs": {
            "Node": {"properties": {"next": {"$ref": "#/$defs/Node"}, "tree": {"items": {"$ref": "#/$defs/Node"}}}}
        },
    }


def test_words_beside_a_reference_win_and_constraints_beside_it_are_added() -> None:
    assert closed(ref("A", description="Mine."), A={"type": "string", "description": "Its."}) == {
        "type": "string",
        "description": "Mine.",
    }
    assert closed(ref("A", maxLength=3), A={"type": "string", "maxLength": 5}) == {
        "allOf": [{"type": "string", "maxLength": 5}],
        "maxLength": 3,
    }


def test_definitions_of_one_name_are_numbered_and_names_are_plain() -> None:
    schemas: Any = {"a b": {"type": "string"}, "a_b": {"type": "null"}}
    pair = [ref("a b"), ref("a_b")]
    found = closed({"anyOf": [*pair, *pair]}, **schemas)
    assert found["$defs"] == {"a_b": {"type": "null"}, "a_b_2": {"type": "string"}}
    assert found["anyOf"][0] == {"$ref": "#/$defs/a_b_2"}


def test_data_that_looks_like_a_reference_is_left_alone() -> None:
    assert closed({"default": {"$ref": "#/nowhere"}}) == {"default": {"$ref": "#/nowhere"}}


def test_a_schema_beyond_the_limit_is_broken() -> None:
    schema = {"properties": {str(number): {"type": "string"} for number in range(60)}}
    with pytest.raises(Broken, match="more than 100 values"):
        closed(schema)


def test_doubling_at_each_level_is_broken_not_endless() -> None:
    schemas = {f"A{n}": {"anyOf": [ref(f"A{n + 1}"), ref(f"A{n + 1}")]} for n in range(60)}
    found = closed(ref("A0"), 2000, **schemas, A60={"type": "string"})
    assert len(found["$defs"]) == 60


def test_a_broken_reference_anywhere_below_is_broken() -> None:
    with pytest.raises(Broken, match="which is not there"):
        closed({"items": ref("A")}, A={"items": ref("B")})


def test_following_ends_at_a_schema_or_as_a_circle() -> None:
    found = document({"/x": {}}, components={"schemas": {"A": ref("B"), "B": {"type": "string"}, "C": ref("C")}})
    converter = Converter(found, "input")
    assert follow(converter.convert(ref("A")), converter) == {"type": "string"}
    with pytest.raises(Broken, match="circle"):
        follow(converter.convert(ref("C")), converter)
