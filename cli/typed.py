"""`--arg key=value` and `--json-args` to the arguments of a tool, typed by its input schema. Pure.

Only `type` (also inside `anyOf`, `oneOf` and local `$ref`) is read: enough to know whether
`7` is a number or text. Everything else is for the server to check.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from .stop import did_you_mean

Schema = Mapping[str, Any]

_DEPTH = 8
_WORDS = {"true": True, "false": False}
_SCALARS = ("integer", "number", "boolean", "null")


class BadArgument(ValueError):
    """`str(error)` says which argument is wrong, and what is expected."""


def arguments(pairs: Sequence[str], json_args: str | None, schema: Schema) -> dict[str, Any]:
    """The arguments as values. Raises `BadArgument`."""
    found = _whole(json_args) if json_args is not None else {}
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    given: set[str] = set()
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not key or not equals:
            raise BadArgument(f'"{pair}" is no argument: write KEY=VALUE{_example(known)}')
        if key in given:
            raise BadArgument(f'"{key}" is given twice: write a list as JSON, such as {key}=\'["a", "b"]\'')
        given.add(key)
        if key not in known and schema.get("additionalProperties") is False:
            raise BadArgument(f'there is no argument "{key}"{did_you_mean(key, known)}{_listed(known)}')
        found[key] = _value(key, text, types(known.get(key, {}), schema))
    _check_required(found, schema, known)
    return found


def _whole(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise BadArgument(f"--json-args is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadArgument('--json-args must be a JSON object, such as {"key": "value"}')
    return found


def types(schema: object, root: Schema, depth: int = 0) -> frozenset[str]:
    """The JSON types that a value may have; empty if the schema does not say."""
    if not isinstance(schema, dict) or depth > _DEPTH:
        return frozenset()
    if isinstance(schema.get("$ref"), str):
        return types(_referred(schema["$ref"], root), root, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, str):
        return frozenset({kind})
    if isinstance(kind, list):
        return frozenset(each for each in kind if isinstance(each, str))
    choices = schema.get("anyOf") or schema.get("oneOf") or ()
    several = [types(each, root, depth + 1) for each in choices] if isinstance(choices, list) else []
    # A choice that does not say its type may be anything.
    return frozenset().union(*several) if all(several) else frozenset()


def _referred(reference: str, root: Schema) -> object:
    """The target of `#/a/b`, within the tool's own schema; others are not followed."""
    place: object = root
    head, *steps = reference.split("/")
    if head != "#":
        return None
    for step in steps:
        place = place.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(place, Mapping) else None
    return place


def _value(key: str, text: str, allowed: frozenset[str]) -> Any:
    if not allowed:
        return _json_or_text(text)
    for kind in (*_SCALARS, "array", "object"):
        if kind in allowed and (read := _READERS[kind](text)) is not _NO:
            return read
    if "string" in allowed:
        return text
    expected = " or ".join(_SHOWN[kind] for kind in _READERS if kind in allowed) or " or ".join(sorted(allowed))
    raise BadArgument(f'"{key}" must be {expected}, not "{text}"')


_NO = object()


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _number(text: str) -> Any:
    value = _json_or_text(text)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _NO


def _integer(text: str) -> Any:
    value = _number(text)
    return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else _NO


def _list(text: str) -> Any:
    value = _json_or_text(text)
    return value if isinstance(value, list) else _NO


def _object(text: str) -> Any:
    value = _json_or_text(text)
    return value if isinstance(value, dict) else _NO


_READERS = {
    "integer": _integer,
    "number": _number,
    "boolean": lambda text: _WORDS.get(text.lower(), _NO),
    "null": lambda text: None if text == "null" else _NO,
    "array": _list,
    "object": _object,
}
_SHOWN = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": 'a JSON array, such as ["a", "b"]',
    "object": 'a JSON object, such as {"key": "value"}',
}


def _check_required(found: Mapping[str, Any], schema: Schema, known: Mapping[str, Any]) -> None:
    required = schema.get("required")
    wanted = [key for key in required if isinstance(key, str)] if isinstance(required, list) else []
    missing = [key for key in wanted if key not in found]
    if missing:
        words = " ".join(f"--arg {key}={_placeholder(known.get(key), schema)}" for key in missing)
        raise BadArgument(f"the tool needs {words}")


def _placeholder(schema: object, root: Schema) -> str:
    allowed = types(schema, root)
    return next((kind.upper() for kind in ("string", *_READERS) if kind in allowed), "VALUE").replace("STRING", "TEXT")


def _example(known: Mapping[str, Any]) -> str:
    return f", such as {next(iter(known))}=..." if known else ""


def _listed(known: Mapping[str, Any]) -> str:
    return f"; it takes {', '.join(known)}" if known else "; it takes none"
