from pathlib import Path

import pytest

from fedgate.manifest.parse_json import parse_json
from fedgate.manifest.tree import Entry, Node, Source, find, mapping, quoted, step


def source(text: str) -> Source:
    return Source("m.json", Path("/conf"), text)


def test_a_position_counts_lines_and_columns_from_one() -> None:
    text = source("ab\n\tç\n\nd")
    assert [text.position(at) for at in (0, 2, 3, 4, 6, 7, 8)] == [
        (1, 1), (1, 3), (2, 1), (2, 2), (3, 1), (4, 1), (4, 2)
    ]  # fmt: skip
    assert source("").position(0) == (1, 1)


def test_windows_line_ends_count_once() -> None:
    assert source("a\r\nb").position(3) == (2, 1)


@pytest.mark.parametrize(
    ("part", "path"),
    [("b", "a.b"), (1, "a[1]"), ("b c", 'a["b c"]'), ("x.y", 'a["x.y"]'), ("", 'a[""]'), ("$schema", "a.$schema")],
)
def test_a_path_is_dotted_and_odd_keys_are_quoted(part: str | int, path: str) -> None:
    assert step("a", part) == path


def test_a_path_begins_without_a_dot() -> None:
    assert step("", "a") == "a"


def test_a_node_may_have_a_name_of_its_own() -> None:
    assert step("mcp.servers", "x", Node(source(""), 0, 0, None, shown="mcpServers.x")) == "mcpServers.x"


def test_a_key_is_shown_on_one_line_and_cut() -> None:
    assert quoted('a"\n\x1b') == r'"a\"\n\u001b"'
    assert quoted("é" * 100) == '"' + "é" * 60 + '…"'


def test_a_path_leads_to_node_and_key_past_what_is_no_key() -> None:
    root = parse_json(source('{"a": {"b": [1, {"c": 2}]}}'))
    found = find(root, ("a", "<tag>", "b", 1, "c", "[key]"))
    assert (found.node.raw, found.name, found.complete) == ("2", "a.b[1].c", True)
    assert found.key is not None
    assert found.key.raw == '"c"'


def test_a_path_that_ends_early_leads_to_what_exists() -> None:
    root = parse_json(source('{"a": {"b": 1}}'))
    found = find(root, ("a", "x", "y"))
    assert (found.node.raw, found.name, found.complete) == ('{"b": 1}', "a", False)


def test_a_repeated_key_keeps_its_first_value() -> None:
    text = source("aba")
    first, other, again = (Entry(Node(text, at, at + 1, text.text[at]), Node(text, at, at, at)) for at in range(3))
    unique, repeats = mapping([first, other, again])
    assert unique == {"a": first, "b": other}
    assert repeats == ((first, again),)
