"""The keywords of JSON Schema 2020-12 and which values each may have, as tables.

A schema that is put together from what passes here is valid by construction: one
malformed keyword must not make a model provider refuse the whole catalog. Pure.
"""

from collections.abc import Callable
from typing import Any

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")
MAX_TEXT = 600
"""Characters of a description below the tool's own."""


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len(set(value)) == len(value)


def _anything(_value: Any) -> bool:
    return True


VALUES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("title", "description", "pattern", "format", "contentEncoding", "contentMediaType"), _is_text),
    **dict.fromkeys(("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum"), is_number),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"), _is_count),
    **dict.fromkeys(("maxContains", "minContains"), _is_count),
    **dict.fromkeys(("uniqueItems", "deprecated"), _is_flag),
    **dict.fromkeys(("default", "const"), _anything),
    "multipleOf": lambda value: is_number(value) and value > 0,
    "enum": lambda value: isinstance(value, list) and bool(value),
    "examples": lambda value: isinstance(value, list),
    "required": _is_names,
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_is_names, value.values())),
}
"""Keywords whose value is no schema → whether a value is legal."""

ONE = frozenset(
    ("items", "contains", "additionalProperties", "unevaluatedItems", "unevaluatedProperties", "propertyNames", "not",
     "if", "then", "else", "contentSchema")
)  # fmt: skip
"""Keywords whose value is a schema."""
SOME = frozenset(("allOf", "anyOf", "oneOf", "prefixItems"))
"""Keywords whose value is a list of schemas."""
NAMED = frozenset(("properties", "patternProperties", "dependentSchemas"))
"""Keywords whose value is schemas by name."""


def short(words: str, limit: int = MAX_TEXT) -> str:
    """Cut at `limit` characters, visibly."""
    return words if len(words) <= limit else words[: limit - 1].rstrip() + "…"


def kinds(value: Any) -> list[str]:
    """The types that a `type` keyword names, as far as JSON Schema knows them; `null` last."""
    named = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    known = dict.fromkeys(each for each in named if isinstance(each, str) and each in TYPES)
    return sorted(known, key=lambda each: each == "null")


def type_of(names: list[str]) -> str | list[str]:
    """`kinds` as the value of `type`."""
    return names[0] if len(names) == 1 else names


def distinct(wanted: list[str], limit: int) -> list[str]:
    """Names in the order given: the first keeps its name, later ones get `_2`, `_3`, ... past names that others have.

    None is longer than `limit` characters, if those wanted are not.
    """
    reserved, taken = set(wanted), set[str]()
    numbers: dict[str, int] = {}
    names: list[str] = []
    for each in wanted:
        name = each
        while name in taken or (name != each and name in reserved):
            # Counted on from the last, so that ten thousand of one name are no quadratic matter.
            numbers[each] = numbers.get(each, 1) + 1
            name = f"{each[: limit - len(str(numbers[each])) - 1]}_{numbers[each]}"
        taken.add(name)
        names.append(name)
    return names
