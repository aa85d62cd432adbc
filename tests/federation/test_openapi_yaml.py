import re
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.federation.openapi_yaml import MAX_DEPTH, Stopped, parse_yaml


def parse(text: str) -> Any:
    return parse_yaml(text, Event())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("200: {description: ok}", {"200": {"description": "ok"}}),
        ("true: 1", {"true": 1}),
        ("on: off", {"on": "off"}),
        ("a: 2020-01-01", {"a": "2020-01-01"}),
        ("a: [~, null, true, False, 0x1F, 0o17, -3, 1.5, 1e3, .5, '1', 1.0.0]",
         {"a": [None, None, True, False, 31, 15, -3, 1.5, 1000.0, 0.5, "1", "1.0.0"]}),
        ("a: !!str 12", {"a": "12"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: &b {c: 1}\nd: *b", {"a": {"c": 1}, "d": {"c": 1}}),
        ("a: &b {c: 1, d: 2}\ne: {<<: *b, d: 3}", {"a": {"c": 1, "d": 2}, "e": {"c": 1, "d": 3}}),
        ("a: &b {c: 1}\ne: {<<: [*b, {d: 2}]}", {"a": {"c": 1}, "e": {"c": 1, "d": 2}}),
        ("a: {'<<': 1}", {"a": {"<<": 1}}),
        ("a: 1\n---\nb: 2", {"a": 1}),
    ],
)  # fmt: skip
def test_yaml_becomes_what_json_could_say(text: str, value: Any) -> None:
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [", "line 1, column 5: expected the node content"),
        ("a: *b", "line 1: no anchor &b stands before its alias"),
        ("{[a]: 1}", "line 1: a key must be plain text"),
        ("a: &b [*b]", "no anchor &b"),
        ("[" * (MAX_DEPTH + 2), "nested more than 200 levels deep"),
        ("a: \x00", "special characters are not allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        parse(text)


def test_aliases_that_multiply_are_counted_as_what_they_stand_for() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ValueError, match="more than 5000000 values"):
        parse("\n".join(lines))


def test_reading_stops_when_nobody_waits_for_it() -> None:
    stop = Event()
    stop.set()
    with pytest.raises(Stopped):
        parse_yaml("a: 1", stop)


@given(st.text(alphabet="ab: {}[]-\n&*<>|'\"!#%@`?,01.~\t", max_size=40))
@settings(deadline=None)
def test_any_text_is_data_or_a_value_error(text: str) -> None:
    try:
        parse(text)
    except ValueError as error:
        str(error).encode()
