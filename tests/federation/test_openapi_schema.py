from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from fedgate.federation.openapi_document import Broken
from fedgate.federation.openapi_schema import MAX_DEPTH, Converter, Direction, Reference, is_binary
from tests.federation.openapi_kit import document

META = Draft202012Validator(Draft202012Validator.META_SCHEMA)


def converted(schema: Any, version: str = "3.1.0", direction: Direction = "input", **schemas: Any) -> Any:
    found = document({"/x": {}}, version, components={"schemas": schemas})
    return Converter(found, direction).convert(schema)


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "string", "nullable": True, "enum": ["a"]}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"enum": ["a"], "nullable": True}, {"enum": ["a", None]}),
        ({"nullable": True}, {}),
        ({"nullable": False, "type": "string"}, {"type": "string"}),
        ({"nullable": True, "anyOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"nullable": True, "allOf": [{"type": "string"}]},
         {"anyOf": [{"allOf": [{"type": "string"}]}, {"type": "null"}]}),
        ({"minimum": 1, "exclusiveMinimum": True}, {"exclusiveMinimum": 1}),
        ({"minimum": 1, "exclusiveMinimum": False}, {"minimum": 1}),
        ({"exclusiveMaximum": True}, {}),
        ({"maximum": 9, "exclusiveMaximum": True, "minimum": 0}, {"exclusiveMaximum": 9, "minimum": 0}),
        ({"example": "Rex"}, {"examples": ["Rex"]}),
        ({"type": "string", "format": "byte"}, {"type": "string", "contentEncoding": "base64"}),
        ({"type": "string", "format": "binary"}, {"type": "string", "contentEncoding": "base64"}),
        ({"discriminator": {"propertyName": "x"}, "xml": {}, "externalDocs": {}, "x-any": 1}, {}),
    ],
)  # fmt: skip
def test_the_dialect_of_openapi_3_0_becomes_json_schema(schema: Any, wanted: Any) -> None:
    assert converted(schema, "3.0.3") == wanted


@pytest.mark.parametrize(
    "schema",
    [
        {"type": ["string", "null"], "examples": ["a"], "const": "a", "deprecated": True},
        {"exclusiveMinimum": 1, "maximum": 5, "multipleOf": 0.5},
        {"type": "object", "patternProperties": {"^a": {"type": "string"}}, "propertyNames": {"maxLength": 3}},
        {"if": {"type": "string"}, "then": {"minLength": 1}, "else": {"not": {"type": "null"}}},
        {"prefixItems": [{"type": "string"}], "items": False, "contains": {"const": 1}, "minContains": 1},
        {"dependentRequired": {"a": ["b"]}, "dependentSchemas": {"a": {"required": ["c"]}}},
        {"additionalProperties": False, "unevaluatedProperties": {"type": "string"}},
    ],
)
def test_schemas_of_openapi_3_1_stay_as_they_are(schema: Any) -> None:
    assert converted(schema) == schema


@pytest.mark.parametrize(
    ("schema", "wanted"),
    [
        ({"type": "any"}, {}),
        ({"type": ["string", "file"]}, {"type": "string"}),
        ({"required": True, "type": "string"}, {"type": "string"}),
        ({"required": [], "enum": [], "allOf": []}, {}),
        ({"required": ["a", "a"]}, {}),
        ({"required": None}, {}),
        ({"required": [{}, "a"], "properties": {"a": {"readOnly": True}}}, {"properties": {}}),
        ({"properties": None, "items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}),
        ({"minLength": -1, "maxLength": "5", "pattern": 5, "description": None}, {}),
        ({"items": "x", "properties": {"a": None, "b": 5}}, {"properties": {"a": {}, "b": {}}}),
        ({"$schema": "x", "$id": "http://h/", "$anchor": "a", "$comment": "c", "$defs": {"a": {}}}, {}),
        ({"exclusiveMinimum": True, "minimum": 1}, {"minimum": 1}),
        (True, {}),
        (False, {"not": {}}),
        (None, {}),
        ("string", {}),
    ],
)
def test_what_is_malformed_or_means_nothing_to_clients_is_left_out(schema: Any, wanted: Any) -> None:
    assert converted(schema) == wanted


def test_what_is_read_only_is_no_input_and_what_is_write_only_no_output() -> None:
    pet = {
        "type": "object",
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "secret": {"type": "string", "writeOnly": True},
            "stamp": {"$ref": "#/components/schemas/Stamp"},
            "name": {"type": "string"},
        },
        "required": ["id", "secret", "stamp", "name"],
    }
    stamp = {"type": "string", "readOnly": True}
    inputs = converted(pet, Stamp=stamp)
    assert (list(inputs["properties"]), inputs["required"]) == (["secret", "name"], ["secret", "name"])
    outputs = converted(pet, direction="output", Stamp=stamp)
    assert list(outputs["properties"]) == ["id", "stamp", "name"]


def test_outputs_promise_names_and_types_only() -> None:
    schema = {
        "type": "object",
        "required": ["a"],
        "additionalProperties": False,
        "properties": {
            "a": {"type": "string", "enum": ["x"], "pattern": "x", "format": "uuid", "description": "An a."},
            "b": {"oneOf": [{"type": "integer", "minimum": 0}, {"type": "null"}], "not": {"const": 1}},
            "c": {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
            "d": {"additionalProperties": {"type": "number"}},
            "e": {"type": ["null", "string"], "items": False},
        },
    }
    assert converted(schema, direction="output") == {
        "type": ["object", "null"],
        "properties": {
            "a": {"type": ["string", "null"], "description": "An a."},
            "b": {"anyOf": [{"type": ["integer", "null"]}, {"type": "null"}]},
            "c": {"type": ["array", "null"], "items": {"type": ["boolean", "null"]}},
            "d": {"additionalProperties": {"type": ["number", "null"]}},
            "e": {"type": ["string", "null"]},
        },
    }
    assert converted(False, direction="output") == {}


def test_beside_a_reference_the_dialects_differ() -> None:
    schema = {"$ref": "#/components/schemas/A", "description": "Mine.", "nullable": True, "maxLength": 5}
    assert converted(schema, "3.0.0") == {"$ref": "#/components/schemas/A", "description": "Mine."}
    assert converted(schema) == {"$ref": "#/components/schemas/A", "description": "Mine.", "maxLength": 5}
    assert isinstance(converted(schema), Reference)


def test_a_reference_in_data_is_data() -> None:
    found = converted({"default": {"$ref": "#/nowhere"}, "enum": [{"$ref": "x"}], "example": {"$ref": "y"}})
    assert not isinstance(found["default"], Reference)
    assert found == {"default": {"$ref": "#/nowhere"}, "enum": [{"$ref": "x"}], "examples": [{"$ref": "y"}]}


def test_a_target_is_converted_once_and_a_broken_one_is_broken_for_all() -> None:
    converter = Converter(document({"/x": {}}, components={"schemas": {"A": {"type": "string"}}}), "input")
    assert converter.target("#/components/schemas/A") is converter.target("#/components/schemas/A")
    for _ in range(2):
        with pytest.raises(Broken, match="which is not there"):
            converter.target("#/components/schemas/B")


def test_endless_nesting_is_broken() -> None:
    schema: Any = {}
    for _ in range(MAX_DEPTH + 1):
        schema = {"items": schema}
    with pytest.raises(Broken, match="nested more than 64 levels"):
        converted(schema)


def test_long_descriptions_are_cut() -> None:
    assert len(converted({"description": "x" * 5000})["description"]) == 600


@pytest.mark.parametrize(
    ("schema", "binary"),
    [
        ({"type": "string", "format": "binary"}, True),
        ({"contentMediaType": "image/png"}, True),
        ({"contentMediaType": "image/png", "contentEncoding": "base64"}, False),
        ({"contentMediaType": "application/json"}, False),
        ({"contentMediaType": "text/html"}, False),
        ({"type": "string"}, False),
        ({}, False),
    ],
)
def test_binary_values_are_told_by_their_schema(schema: dict[str, Any], binary: bool) -> None:
    assert is_binary(schema) == binary


KEYS = st.sampled_from(
    ["type", "properties", "items", "required", "enum", "allOf", "anyOf", "oneOf", "not", "nullable", "minimum",
     "exclusiveMinimum", "exclusiveMaximum", "maximum", "additionalProperties", "example", "examples", "format",
     "readOnly", "const", "default", "description", "title", "pattern", "maxLength", "prefixItems", "if", "then",
     "dependentRequired", "dependentSchemas", "contentEncoding", "contentMediaType", "$defs", "$id", "discriminator"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["string", "object", "null", "array", "binary", "byte", "a", ""]),
)  # fmt: skip
SCHEMAS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=2), inner, max_size=5)
)


@given(SCHEMAS, st.sampled_from(["3.0.3", "3.1.0"]), st.sampled_from(["input", "output"]))
@settings(deadline=None)
def test_whatever_is_written_legal_json_schema_comes_out(schema: Any, version: str, direction: Direction) -> None:
    found = converted(schema, version, direction)
    assert [error.message for error in META.iter_errors(found)] == []
