"""access/cel_scan.py: what an expression names is found, with its place, and text inside of strings is not."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.access.cel_scan import scan, tokens


def paths(text: str) -> list[tuple[str, ...]]:
    return [path.parts for path in scan(text).paths]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("protocol == 'mcp'", [("protocol",)]),
        ("mcp.tool.name == 'a.b.c'", [("mcp", "tool", "name")]),
        ("mcp . tool . name == 'x'", [("mcp", "tool", "name")]),
        ("mcp['tool'][\"name\"] == 'x'", [("mcp", "tool", "name")]),
        ("mcp.tool.name.startsWith('x')", [("mcp", "tool", "name")]),
        ("mcp.tool.arguments.list[0].x == 1", [("mcp", "tool", "arguments", "list")]),
        ("mcp.tool.arguments[protocol]", [("mcp", "tool", "arguments"), ("protocol",)]),
        ("has(mcp.tool) ? a.b : c", [("mcp", "tool"), ("a", "b"), ("c",)]),
        ("'a' in principal.groups", [("principal", "groups")]),
        ("principal.groups.exists(g, g == protocol)", [("principal", "groups"), ("protocol",)]),
        ("a.all(x, x.y.exists(z, z == x.q && b))", [("a",), ("b",)]),
        ("a.exists(x, true) || x", [("a",), ("x",)]),
        ("{'k': a.b}.k == c", [("a", "b"), ("c",)]),
        ("true && !false || null == null", []),
        ("r'mcp.tool' == '''it's mcp''' // mcp.server\n && a", [("a",)]),
        ("'a\\'mcp' == b", [("b",)]),
        ("1.5e3 + .5 < 0x1Fu", []),
    ],
)
def test_variables_are_found_with_the_members_that_are_named(text: str, found: list[tuple[str, ...]]) -> None:
    assert paths(text) == found


def test_each_part_of_a_path_has_its_place() -> None:
    (path,) = scan("  mcp.tool['name']").paths
    assert path.at == (2, 6, 11)


def test_macros_nest_as_deep_as_their_brackets_do() -> None:
    assert scan("a.exists(x, true) && b.all(y, true)").depth == 1
    assert scan("a.exists(x, x.all(y, y.map(z, z).size() > 0))").depth == 3
    assert [name.text for name in scan("a.exists(x, x.all(y, true))").bound] == ["x", "y"]


def test_functions_are_found_however_they_are_called() -> None:
    calls = scan("size(a) > 1 && a.b.matches('x') && matches(a, 'y') && f(g(1)).h()").calls
    assert [(call.name, call.pattern.text if call.pattern else None) for call in calls] == [
        ("size", None),
        ("matches", "'x'"),
        ("matches", None),
        ("f", None),
        ("g", None),
        ("h", None),
    ]


@pytest.mark.parametrize(
    ("text", "at"), [(".mcp.tool", 0), ("a && .b", 5), ("Foo{a: 1}", 0), ("a ; b", 2), ("a `b`", 2)]
)
def test_what_rules_do_not_use_is_pointed_at(text: str, at: int) -> None:
    assert scan(text).strange == at


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_cut_into_tokens_that_stand_where_they_say(text: str) -> None:
    for token in tokens(text):
        assert text[token.at : token.at + len(token.text)] == token.text
    scan(text)
