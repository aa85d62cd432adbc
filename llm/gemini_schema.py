"""Gemini's schemas: a subset of OpenAPI 3.0 with types in capitals, as JSON Schema. Pure.

Needed in one direction only: to Gemini, JSON Schema goes as it is (`parametersJsonSchema`).
"""

from typing import Any

from ..core.rawjson import Raw, raw, value

MAX_DEPTH = 64
"""Schemas within schemas."""
_RENAMED = {"any_of": "anyOf", "$defs": "$defs", "defs": "$defs", "ref": "$ref", "property_ordering": ""}
_RENAMED |= {"propertyOrdering": "", "nullable": "", "example": "", "additional_properties": "additionalProperties"}
_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
_RENAMED |= {"min_items": "minItems", "max_items": "maxItems", "min_length": "minLength", "max_length": "maxLength"}
_RENAMED |= {"min_properties": "minProperties", "max_properties": "maxProperties"}


def json_schema(schema: Raw, where: str) -> Raw:
    """The schema in JSON Schema; `ValueError` if it is no object, or too deep."""
    told = value(schema)
    if not isinstance(told, dict):
        raise ValueError(f"{where}: must be a schema")
    return raw(_convert(told, where, 0))


def _convert(schema: Any, where: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError(f"{where}: is nested more than {MAX_DEPTH} deep")
    if not isinstance(schema, dict):
        return schema
    converted: dict[str, Any] = {}
    for name, told in schema.items():
        known = _RENAMED.get(name, name)
        if known:
            converted[known] = _member(known, told, where, depth + 1)
    if schema.get("nullable") is True:
        _allow_null(converted)
    return converted


def _member(name: str, told: Any, where: str, depth: int) -> Any:
    if name == "type" and isinstance(told, str):
        return told.lower()
    if name in ("properties", "$defs") and isinstance(told, dict):
        return {each: _convert(schema, where, depth) for each, schema in told.items()}
    if name in ("items", "additionalProperties"):
        return _convert(told, where, depth)
    if name == "anyOf" and isinstance(told, list):
        return [_convert(schema, where, depth) for schema in told]
    if name in _COUNTS and isinstance(told, str) and told.isascii() and told.isdigit():
        return int(told[:18])  # protobuf writes 64-bit numbers as strings
    return told


def _allow_null(schema: dict[str, Any]) -> None:
    if isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    if isinstance(schema.get("enum"), list):
        schema["enum"] = [*schema["enum"], None]
