"""What an operation answers, as far as its document says: the output schema, and what to accept. Pure."""

import re
from typing import Any

from .openapi_defs import close, follow
from .openapi_document import Broken, Document, is_json, media_type, table
from .openapi_keywords import kinds
from .openapi_schema import Converter, Schema

MAX_VALUES = 400
"""Values of an output schema, counted all the way down; a larger one says no more than that it is an object."""
MAX_ACCEPTED = 8
_MEDIA = re.compile(r"[!#$%&'*+\-.^_`|~0-9a-z]+/[!#$%&'*+\-.^_`|~0-9a-z]+")


def contents(document: Document, operation: dict[str, Any]) -> list[dict[str, Any]]:
    """The `content` of each documented success."""
    found = []
    for status, entry in table(operation.get("responses")).items():
        if str(status).startswith("2"):
            try:
                found.append(table(document.follow(entry).get("content")))
            except Broken:
                found.append({})
    return found


def accepted(successes: list[dict[str, Any]]) -> str:
    """The value of `accept`: JSON first, then what else is documented, then anything."""
    media = dict.fromkeys(media_type(each) for content in successes for each in content)
    named = [each for each in media if _MEDIA.fullmatch(each) and each != "*/*"][:MAX_ACCEPTED]
    first = [each for each in named if is_json(each)] or (["application/json"] if not named else [])
    rest = [f"{each};q=0.5" for each in named if each not in first]
    return ", ".join([*first, *rest, "*/*;q=0.1"])


def output_schema(successes: list[dict[str, Any]], converter: Converter) -> Schema | None:
    """The schema of a success, if all successes with JSON have the same and it is an object's."""
    schemas: list[Any] = []
    for content in successes:
        for name, described in content.items():
            schema = table(described).get("schema")
            if is_json(media_type(name)) and schema not in schemas:
                schemas.append(schema)
    if len(schemas) != 1:
        return None
    try:
        found = follow(converter.convert(schemas[0]), converter)
        if not _is_object(found, converter, {}):
            return None
    except (Broken, RecursionError):
        return None
    try:
        return close({**found, "type": "object"}, converter, MAX_VALUES)
    except Broken:
        return {"type": "object"}


def _is_object(schema: Schema, converter: Converter, known: dict[int, bool]) -> bool:
    """`known`: by identity, what was found already; a schema within itself does not make itself an object."""
    if "type" in schema:
        return kinds(schema["type"]) == ["object", "null"]  # null is always admitted
    if id(schema) in known:
        return known[id(schema)]
    known[id(schema)] = False
    branches, parts = (
        [_is_object(follow(each, converter), converter, known) for each in schema.get(key, ())]
        for key in ("anyOf", "allOf")
    )
    known[id(schema)] = "properties" in schema or any(parts) or (bool(branches) and all(branches))
    return known[id(schema)]
