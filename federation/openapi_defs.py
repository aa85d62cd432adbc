"""Closes a converted schema over the definitions it refers to: one object that stands alone.

A definition that is used once takes the place of its reference; those used several times, and
recursive ones, go to `$defs`. Pure.
"""

import re
from collections import Counter
from typing import Any

from .openapi_document import MAX_HOPS, Broken
from .openapi_keywords import distinct
from .openapi_schema import Converter, Reference, Schema

_ILLEGAL = re.compile(r"[^A-Za-z0-9._-]+")
_MAX_NAME = 64
_ANNOTATIONS = frozenset(("title", "description", "default", "examples", "deprecated"))


def follow(schema: Schema, converter: Converter) -> Schema:
    """The converted schema itself, at the end of its references. Raises `Broken`."""
    for _ in range(MAX_HOPS):
        if not isinstance(schema, Reference):
            return schema
        schema = converter.target(schema.pointer)
    raise Broken("its references go in a circle")


def close(root: Schema, converter: Converter, limit: int) -> Schema:
    """`root` with everything it needs in it. Raises `Broken` beyond `limit` values, or for a broken reference."""
    uses = _uses(root, converter, limit)
    shared = [pointer for pointer, count in uses.items() if count > 1]
    names = _names(shared)
    closed: Schema = _build(root, converter, names)
    if names:
        closed["$defs"] = {name: _build(converter.target(pointer), converter, names) for pointer, name in names.items()}
    return closed


def _uses(root: Schema, converter: Converter, limit: int) -> Counter[str]:
    """How often each reference stands in the root and in what it leads to."""
    uses: Counter[str] = Counter()
    waiting: list[Any] = [root]
    left = limit
    while waiting:
        node = waiting.pop()
        left -= 1
        if left < 0:
            raise Broken(f"its schema has more than {limit} values")
        if isinstance(node, Reference):
            uses[node.pointer] += 1
            if uses[node.pointer] == 1:
                waiting.append(converter.target(node.pointer))
        if isinstance(node, dict):
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return uses


def _names(pointers: list[str]) -> dict[str, str]:
    """Pointer → key in `$defs`: the pointer's last part, numbered where two would be alike."""
    wanted = [_ILLEGAL.sub("_", each.rpartition("/")[2])[:_MAX_NAME].strip("_") or "schema" for each in pointers]
    return dict(zip(pointers, distinct(wanted, _MAX_NAME), strict=True))


def _build(node: Any, converter: Converter, names: dict[str, str]) -> Any:
    if isinstance(node, Reference):
        beside = {key: _build(value, converter, names) for key, value in node.items() if key != "$ref"}
        if node.pointer in names:
            return {"$ref": f"#/$defs/{names[node.pointer]}", **beside}
        found = _build(converter.target(node.pointer), converter, names)
        # JSON Schema means both what is referred to and what stands beside the reference.
        both = (found.keys() & beside.keys()) - _ANNOTATIONS
        return {"allOf": [found], **beside} if both else {**found, **beside}
    if isinstance(node, dict):
        return {key: _build(value, converter, names) for key, value in node.items()}
    return [_build(each, converter, names) for each in node] if isinstance(node, list) else node
