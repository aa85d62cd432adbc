"""`--arg` and `--json-args` against input schemas."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.cli.typed import BadArgument, arguments, types

SCHEMA: dict[str, Any] = {
    "type": "object",
    "$defs": {"Mode": {"enum": ["a", "b"], "type": "string"}, "Loop": {"$ref": "#/$defs/Loop"}},
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "deep": {"type": "boolean"},
        "tags": {"type": "array"},
        "filter": {"type": "object"},
        "mode": {"$ref": "#/$defs/Mode"},
        "maybe": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        "either": {"type": ["integer", "string"]},
        "loop": {"$ref": "#/$defs/Loop"},
        "elsewhere": {"$ref": "https://example.com/schema"},
        "open": {},
    },
}


@pytest.mark.parametrize(
    ("pair", "expected"),
    [
        ("text=7", "7"),
        ("text=true", "true"),
        ("text=a=b", "a=b"),
        ("text=", ""),
        ('text="quoted"', '"quoted"'),
        ("count=7", 7),
        ("count=-7", -7),
        ("count=7.0", 7),
        ("ratio=2.5", 2.5),
        ("ratio=7", 7),
        ("deep=true", True),
        ("deep=False", False),
        ('tags=["a", 1]', ["a", 1]),
        ('filter={"a": {"b": null}}', {"a": {"b": None}}),
        ("mode=7", "7"),
        ("maybe=null", None),
        ("maybe=3", 3),
        ("either=3", 3),
        ("either=three", "three"),
        ("loop=3", 3),
        ("elsewhere=x", "x"),
        ("open=3", 3),
        ("open=some words", "some words"),
        ("unknown=[1]", [1]),
    ],
)
def test_the_schema_decides_what_a_value_is(pair: str, expected: object) -> None:
    key = pair.partition("=")[0]
    found = arguments([pair], None, SCHEMA)[key]
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("pair", "message"),
    [
        ("count=x", '"count" must be a whole number, not "x"'),
        ("count=1.5", '"count" must be a whole number, not "1.5"'),
        ("count=true", '"count" must be a whole number, not "true"'),
        ("ratio=much", '"ratio" must be a number, not "much"'),
        ("deep=yes", '"deep" must be true or false, not "yes"'),
        ("tags=a,b", '"tags" must be a JSON array, such as ["a", "b"], not "a,b"'),
        ("filter=[]", '"filter" must be a JSON object, such as {"key": "value"}, not "[]"'),
        ("maybe=x", '"maybe" must be a whole number or null, not "x"'),
        ("count", '"count" is no argument: write KEY=VALUE, such as text=...'),
        ("=x", '"=x" is no argument: write KEY=VALUE, such as text=...'),
    ],
)
def test_a_value_of_another_type_is_refused_with_what_is_expected(pair: str, message: str) -> None:
    with pytest.raises(BadArgument) as refused:
        arguments([pair], None, SCHEMA)
    assert str(refused.value) == message


def test_an_argument_given_twice_is_refused() -> None:
    with pytest.raises(BadArgument) as refused:
        arguments(["tags=a", "tags=b"], None, {})
    assert str(refused.value) == """"tags" is given twice: write a list as JSON, such as tags='["a", "b"]'"""


def test_a_closed_schema_names_its_arguments() -> None:
    closed = {"properties": {"city": {"type": "string"}, "days": {}}, "additionalProperties": False}
    with pytest.raises(BadArgument) as refused:
        arguments(["citty=Rome"], None, closed)
    assert str(refused.value) == 'there is no argument "citty"; did you mean "city"?; it takes city, days'
    with pytest.raises(BadArgument) as refused:
        arguments(["x=1"], None, {"additionalProperties": False})
    assert str(refused.value) == 'there is no argument "x"; it takes none'


def test_missing_arguments_are_shown_as_they_would_be_typed() -> None:
    schema = {
        "required": ["city", "days", "any"],
        "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    }
    with pytest.raises(BadArgument) as refused:
        arguments([], None, schema)
    assert str(refused.value) == "the tool needs --arg city=TEXT --arg days=INTEGER --arg any=VALUE"


def test_single_arguments_stand_over_the_whole() -> None:
    assert arguments(["b=3"], '{"a": 1, "b": 2}', {"required": ["a"]}) == {"a": 1, "b": 3}


@pytest.mark.parametrize("text", ["[1]", '"x"', "7", "null"])
def test_the_whole_must_be_an_object(text: str) -> None:
    with pytest.raises(BadArgument) as refused:
        arguments([], text, {})
    assert str(refused.value) == '--json-args must be a JSON object, such as {"key": "value"}'


def test_the_whole_must_be_json() -> None:
    with pytest.raises(BadArgument) as refused:
        arguments([], "{a: 1}", {})
    assert str(refused.value).startswith("--json-args is not JSON: ")


def test_a_schema_that_is_no_schema_says_nothing() -> None:
    assert types(True, {}) == frozenset()
    assert types({"anyOf": [{"type": "integer"}, {}]}, {}) == frozenset()
    assert types({"$ref": "#/nowhere"}, {}) == frozenset()
    assert types({"type": 7}, {}) == frozenset()


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=20,
)
_schemas = st.dictionaries(
    st.sampled_from(["type", "properties", "required", "additionalProperties", "anyOf", "$ref", "a"]), _json, max_size=5
)


@given(_schemas, st.lists(st.text(max_size=8), max_size=3), st.none() | st.text(max_size=8))
def test_whatever_a_server_calls_a_schema_is_survived(
    schema: dict[str, Any], pairs: list[str], whole: str | None
) -> None:
    with contextlib.suppress(BadArgument):
        assert isinstance(arguments(pairs, whole, schema), dict)
