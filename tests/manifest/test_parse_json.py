import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.manifest.parse_json import parse_json
from fedgate.manifest.tree import Malformed, Node, Source


def parse(text: str) -> Node:
    return parse_json(Source("m.json", Path("/conf"), text))


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


NO_VALUE = "not valid JSON: a value was expected"
QUOTES = "strings stand in double quotes"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)  # fmt: skip


@given(JSON, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_it_reads_what_the_standard_library_writes(value: Any, indent: int | str | None, ascii_only: bool) -> None:
    assert plain(parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only))) == value


@given(st.text(alphabet='{}[]",:\\u0dtrfnae1-.+ \t\n\x00é', max_size=40))
def test_it_accepts_and_refuses_what_the_standard_library_does(text: str) -> None:
    try:
        expected = json.loads(text)
        json.dumps(expected, ensure_ascii=False).encode()
    except ValueError:
        with pytest.raises(Malformed):
            parse(text)
    else:
        found = plain(parse(text))
        assert found == expected or (isinstance(found, float) and math.isclose(found, expected))


def test_positions_survive_tabs_escapes_and_surrogate_pairs() -> None:
    root = parse('{\n\t"\\ud83d\\ude00 \\u0041":\t[1,\n\t\t"b\\/"]}')
    assert isinstance(root.value, dict)
    entry = root.value["😀 A"]
    assert entry.key.place() == "m.json:2:2"
    assert isinstance(entry.value.value, list)
    assert [(item.place(), item.raw, item.value) for item in entry.value.value] == [
        ("m.json:2:26", "1", 1),
        ("m.json:3:3", '"b\\/"', "b/"),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", f"1:1: {NO_VALUE}, the end of the file was found; {QUOTES}"),
        ("{'a': 1}", "1:2: not valid JSON: a key in double quotes was expected"),
        ('{"a" 1}', '1:6: not valid JSON: a ":" was expected after the key'),
        ('{"a": 1\n "b": 2}', '2:2: not valid JSON: a "," or "}" was expected'),
        ("[1 2]", '1:4: not valid JSON: a "," or "]" was expected'),
        ('{"a": 1,}', '1:8: not valid JSON: a "," stands before "}"; take the last comma away'),
        ("[1,\n]", '1:3: not valid JSON: a "," stands before "]"; take the last comma away'),
        ("[", f"1:2: {NO_VALUE}, the end of the file was found; {QUOTES}"),
        ("{} x", "1:4: not valid JSON: text after the end of the document; keep one JSON value per file"),
        ("[abc]", f"1:2: {NO_VALUE}, something else was found; {QUOTES}"),
        ('"abc', "1:1: not valid JSON: unterminated string starting"),
        ('"a\nb"', "1:3: not valid JSON: invalid control character"),
        (r'"\ud800"', r"1:1: not valid JSON: half of a surrogate pair (\ud800 to \udfff) is not a character"),
        ("1" * 401, "1:1: not valid JSON: the number is too long"),
        ("[" * 70, "1:66: not valid JSON: nested too deeply or too long; at most 64 levels and 100000 values"),
        ("// c\n{}", f"1:1: {NO_VALUE}, something else was found; {QUOTES}"),
    ],
)  # fmt: skip
def test_what_is_no_json_is_placed_and_explained(text: str, message: str) -> None:
    assert failure(text).startswith(f"m.json:{message}")


def test_too_many_values_are_refused() -> None:
    assert "too long" in failure("[" + "1," * 100_001 + "1]")


def test_a_repeated_key_is_kept_for_the_report() -> None:
    root = parse('{"a": 1, "a": 2}')
    assert plain(root) == {"a": 1}
    ((first, again),) = root.repeats
    assert (first.key.place(), again.key.place()) == ("m.json:1:2", "m.json:1:10")
