"""Schemas of an OpenAPI document, in the dialect of 3.0 or 3.1, as JSON Schema 2020-12.

`input`: what a caller may send, without what is `readOnly`. `output`: what an answer looks
like, made tolerant, for APIs answer what their documents do not say (nulls, missing
members, new enum values) and clients refuse a result that breaks its schema: types and
names stay, null is always admitted, nothing is required, no value is constrained.

A `$ref` becomes a `Reference`; what it points at is converted once per document, and
`openapi_defs.py` closes a schema over what it needs. Pure.
"""

from typing import Any, Literal

from .openapi_document import Broken, Document, is_json, is_text, listed, media_type, table, text
from .openapi_keywords import NAMED, ONE, SOME, VALUES, is_number, kinds, short, type_of

Schema = dict[str, Any]
Direction = Literal["input", "output"]

MAX_DEPTH = 64
_HIDDEN: dict[Direction, str] = {"input": "readOnly", "output": "writeOnly"}
_TOLERANT = frozenset(("description", "type", "properties", "items", "additionalProperties", "allOf", "anyOf"))
_BOUNDS = (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum"))
_BASE64 = "base64"


class Reference(Schema):
    """`{"$ref": pointer}` and what stands beside it: the only kind of reference in converted schemas."""

    @property
    def pointer(self) -> str:
        return str(self["$ref"])


def is_binary(schema: Schema) -> bool:
    """Whether a value is bytes on the wire: base64 in JSON arguments, decoded before it is sent."""
    if schema.get("format") == "binary":
        return True
    media = media_type(text(schema.get("contentMediaType")))
    return bool(media) and "contentEncoding" not in schema and not is_json(media) and not is_text(media)


class Converter:
    """Converts schemas of one document in one direction, and remembers what references lead to."""

    def __init__(self, document: Document, direction: Direction) -> None:
        self._document = document
        self._direction: Direction = direction
        self._found: dict[str, Schema | Broken] = {}

    def target(self, pointer: str) -> Schema:
        """The converted schema that a `Reference` points at. Raises `Broken`, for each that asks."""
        if pointer not in self._found:
            try:
                self._found[pointer] = self.convert(self._document.resolve(pointer))
            except Broken as error:
                self._found[pointer] = error
        found = self._found[pointer]
        if isinstance(found, Broken):
            raise Broken(str(found))
        return found

    def convert(self, schema: Any, depth: int = 0) -> Schema:
        """One schema. What is malformed in it is left out. Raises `Broken` if it is nested too deeply."""
        if depth > MAX_DEPTH:
            raise Broken(f"a schema is nested more than {MAX_DEPTH} levels deep")
        if schema is False and self._direction == "input":
            return {"not": {}}
        found = table(schema)
        if isinstance(found.get("$ref"), str):
            return self._reference(found, depth)
        out: Schema = {}
        for key, value in found.items():
            if key == "properties" and isinstance(value, dict):
                out |= self._properties(found, depth)
            elif key == "required":
                out.setdefault("required", value)
            else:
                self._keyword(out, key, value, depth)
        self._finish(out, found)
        return self._tolerant(out) if self._direction == "output" else out

    def _reference(self, found: Schema, depth: int) -> Schema:
        beside = {key: value for key, value in found.items() if key != "$ref"}
        if self._document.is_30:
            beside = {key: value for key, value in beside.items() if key == "description"}
        return Reference({"$ref": found["$ref"], **self.convert(beside, depth + 1)})

    def _keyword(self, out: Schema, key: str, value: Any, depth: int) -> None:
        if key in VALUES:
            if VALUES[key](value):
                out[key] = short(value) if key in ("title", "description") else value
        elif key in ONE:
            if isinstance(value, dict | bool):
                out[key] = value if isinstance(value, bool) else self.convert(value, depth + 1)
            elif key == "items" and isinstance(value, list):
                self._keyword(out, "prefixItems", value, depth)
        elif key in SOME:
            if isinstance(value, list) and value:
                out[key] = [self.convert(each, depth + 1) for each in value]
        elif key in NAMED and isinstance(value, dict):
            out[key] = {name: self.convert(each, depth + 1) for name, each in value.items()}

    def _properties(self, found: Schema, depth: int) -> Schema:
        """`properties` without those of the other direction, and `required` to match."""
        shown = {name: each for name, each in table(found["properties"]).items() if not self._is_hidden(each)}
        out: Schema = {"properties": {name: self.convert(each, depth + 1) for name, each in shown.items()}}
        hidden = table(found["properties"]).keys() - shown.keys()
        if hidden and isinstance(found.get("required"), list):
            out["required"] = [name for name in found["required"] if not isinstance(name, str) or name not in hidden]
        return out

    def _is_hidden(self, schema: Any) -> bool:
        flag = _HIDDEN[self._direction]
        if table(schema).get(flag) is True:
            return True
        return "$ref" in table(schema) and self._document.follow(schema).get(flag) is True

    def _finish(self, out: Schema, found: Schema) -> None:
        names = kinds(found.get("type"))
        if names:
            out["type"] = type_of(names)
        if "required" in out and not (VALUES["required"](out["required"]) and out["required"]):
            del out["required"]
        if "examples" not in out and "example" in found:
            out["examples"] = [found["example"]]
        self._encoding(out, found)
        if self._document.is_30:
            _exclusive(out, found)
            if found.get("nullable") is True:
                _admit_null(out)

    def _encoding(self, out: Schema, found: Schema) -> None:
        if is_binary(found):
            out["type"] = "string"
        if is_binary(found) or (found.get("format") == "byte" and "contentEncoding" not in out):
            out["contentEncoding"] = _BASE64
            out.pop("format", None)

    def _tolerant(self, out: Schema) -> Schema:
        kept = {key: value for key, value in out.items() if key in _TOLERANT}
        if isinstance(kept.get("additionalProperties"), bool):
            del kept["additionalProperties"]
        if isinstance(kept.get("items"), bool):
            del kept["items"]
        branches = listed(out.get("oneOf"))
        if branches:
            # Without their constraints several branches match.
            kept.setdefault("anyOf", branches)
        if "type" in kept:
            kept["type"] = _or_null(kept["type"])
        return kept


def _exclusive(out: Schema, found: Schema) -> None:
    """OpenAPI 3.0: the exclusive bound is a flag beside the bound."""
    for bound, exclusive in _BOUNDS:
        if found.get(exclusive) is True and is_number(out.get(bound)):
            out[exclusive] = out.pop(bound)


def _or_null(type_: str | list[str]) -> str | list[str]:
    return type_of(kinds([*kinds(type_), "null"]))


def _admit_null(out: Schema) -> None:
    """OpenAPI 3.0: `nullable`."""
    if "enum" in out and None not in out["enum"]:
        out["enum"] = [*out["enum"], None]
    if "type" in out:
        out["type"] = _or_null(out["type"])
        return
    composed = {key: out.pop(key) for key in ("allOf", "anyOf", "oneOf") if key in out}
    if len(composed) == 1 and "anyOf" in composed:
        out["anyOf"] = [*composed["anyOf"], {"type": "null"}]
    elif composed:
        out["anyOf"] = [composed, {"type": "null"}]
