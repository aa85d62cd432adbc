import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from fedgate.manifest.parse_yaml import parse_yaml, plain_value
from fedgate.manifest.tree import Malformed, Node, Source


def parse(text: str) -> list[Node]:
    return parse_yaml(Source("m.yaml", Path("/conf"), text))


def plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: plain(entry.value) for key, entry in node.value.items()}
    if isinstance(node.value, list):
        return [plain(item) for item in node.value]
    return node.value


def failure(text: str) -> str:
    with pytest.raises(Malformed) as caught:
        parse(text)
    return str(caught.value.problem)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("null", None), ("true", True), ("False", False), ("yes", "yes"), ("on", "on"),
        ("12", 12), ("-7", -7), ("0o17", 15), ("0x1F", 31), ("007", 7), ("1.5", 1.5), ("1e3", 1000.0), (".5", 0.5),
        ("1_000", "1_000"), ("2020-01-01", "2020-01-01"), ("12:30", "12:30"), ("nUll", "nUll"), ("1.2.3", "1.2.3"),
        ("9" * 500, "9" * 500), (".", "."), ("+", "+"),
    ],
)  # fmt: skip
def test_a_plain_scalar_means_what_yaml_1_2_says(text: str, value: object) -> None:
    found = plain_value(text)
    assert (found, type(found)) == (value, type(value))


def test_values_know_where_they_stand() -> None:
    (root,) = parse("# a comment\na:\n  - b: 'x'\n  - |\n    text\nç: {d: 2}\n")
    assert plain(root) == {"a": [{"b": "x"}, "text\n"], "ç": {"d": 2}}
    assert isinstance(root.value, dict)
    items = root.value["a"].value.value
    assert isinstance(items, list)
    assert [item.place() for item in items] == ["m.yaml:3:5", "m.yaml:4:5"]
    inner = root.value["ç"].value.value
    assert isinstance(inner, dict)
    assert (inner["d"].key.place(), inner["d"].value.place()) == ("m.yaml:6:5", "m.yaml:6:8")


def test_quotes_and_blocks_are_text_and_windows_lines_count_once() -> None:
    (root,) = parse("a: '1'\r\nb: \"true\"\r\nc: |-\r\n  2\r\n")
    assert plain(root) == {"a": "1", "b": "true", "c": "2"}
    assert isinstance(root.value, dict)
    assert root.value["c"].key.place() == "m.yaml:3:1"


def test_each_document_is_one_and_comments_are_none() -> None:
    assert [plain(node) for node in parse("a: 1\n---\nb: 2\n--- \n...\n")] == [{"a": 1}, {"b": 2}, None]
    assert parse("# nothing\n") == []


def test_an_alias_repeats_its_anchor() -> None:
    (root,) = parse("a: &x {k: [1]}\nb: *x\n&y c: *y\n")
    assert plain(root) == {"a": {"k": [1]}, "b": {"k": [1]}, "c": "c"}


def test_a_repeated_key_is_kept_for_the_report() -> None:
    (root,) = parse("a: 1\nb: 2\na: 3\n")
    assert plain(root) == {"a": 1, "b": 2}
    ((first, again),) = root.repeats
    assert (first.key.place(), again.key.place()) == ("m.yaml:1:1", "m.yaml:3:1")


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1", "1:6: not valid YAML: expected ',' or ']', but got '<stream end>'"),
        ("a: b: c", "1:5: not valid YAML: mapping values are not allowed here"),
        ("a:\n\t- b", "2:1: not valid YAML: found character '\\t' that cannot start any token"),
        ("a: @b", "1:4: not valid YAML: found character '@' that cannot start any token"),
        ("a: 'b", "1:6: not valid YAML: found unexpected end of stream"),
        ("a: \x00", "1:4: not valid YAML: a control character is not allowed"),
        ("a: !!python/object:os.system x", "1:4: not usable YAML: a tag (!...) is not allowed; write the value itself; "
         "quotes make any value a string"),
        ("a: !env X", "1:4: not usable YAML: a tag (!...) is not allowed"),
        ("%YAML 1." + "1" * 5000 + "\n--- a", "1:1: not valid YAML: it cannot be read"),
        ("a: *x", "1:4: not usable YAML: no anchor &x stands before this alias"),
        ("a: &x [*x]", "1:8: not usable YAML: no anchor &x stands before this alias"),
        ("a: &x 1\n---\nb: *x", "3:4: not usable YAML: no anchor &x stands before this alias"),
        ("? [a, b]\n: c", "1:3: not usable YAML: a key must be plain text"),
        ("? !!str a\n: c", "1:3: not usable YAML: a key must be plain text"),
        (r'a: "\ud800"', "1:4: not usable YAML: half of a surrogate pair"),
        (r'"\udfff": a', "1:1: not usable YAML: half of a surrogate pair"),
        ("[" * 70 + "]" * 70, "1:66: not usable YAML: nested too deeply; at most 64 levels"),
        (BOMB, "5:45: not usable YAML: too long; at most 100000 values, aliases included"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_placed_and_explained(text: str, message: str) -> None:
    assert failure(text).startswith(f"m.yaml:{message}")


QUOTABLE = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), max_size=30)
# ruamel writes some keys (":0", long ones, ones of several lines) that it cannot read again.
KEY = st.text("abé 1.'\"#", max_size=20)
TEXT = st.text("abé 1.'\"#\n", max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_it_reads_what_ruamel_writes(value: Any) -> None:
    out = io.StringIO()
    writer = YAML(typ="safe", pure=True)
    writer.width = 4096
    writer.dump({"root": value}, out)
    (root,) = parse(out.getvalue())
    assert plain(root) == {"root": value}


@given(st.dictionaries(QUOTABLE, QUOTABLE | st.integers(-(10**30), 10**30) | st.none()))
def test_json_reads_the_same_as_yaml(value: Any) -> None:
    (root,) = parse(json.dumps(value, ensure_ascii=False))
    assert plain(root) == value


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@#~ \t\n\r0\\\x00é\u2028", max_size=40))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    problem = None
    try:
        parse(text)
    except Malformed as error:
        problem = error.problem
    assert problem is None or (problem.line >= 1 and problem.column >= 1)
