"""access/cel.py: expressions are checked when they are compiled, and an evaluation ends in a value or a `Fault`."""

import contextlib
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fedgate.access import cel
from fedgate.access.cel import MAX_TEXT, CelError, Fault, context
from fedgate.access.names import ANY
from fedgate.access.reading import MAX_LIST


def evaluated(text: str, **values: Any) -> Any:
    program = cel.compile(text, dict.fromkeys(values, ANY) | {"mcp": {"tool": {"name": {}, "full": {}}}})
    return program.evaluate(context(values, program.functions))


@pytest.mark.parametrize(
    ("text", "what", "offset", "nearest"),
    [
        ("1 +", "is not a CEL expression", 3, None),
        ("a ==== b", "is not a CEL expression", 4, None),
        ("protocol == 'mcp'\n  && )", "is not a CEL expression", 23, None),
        ("", "is not a CEL expression", 0, None),
        ("principl.id == 'x'", 'knows no variable "principl"', 0, "principal"),
        ("true && mcp.tool.nam == 'x'", "knows no variable mcp.tool.nam", 17, "name"),
        ("protocol.x == 'y'", 'has no member "x"', 9, None),
        ("startWith(protocol, 'm')", 'knows no function "startWith"', 0, "startsWith"),
        ("protocol.lowerAscii() == 'x'", 'knows no function "lowerAscii"', 9, None),
        ("principal.groups.exists(g, true) && g == 'x'", 'knows no variable "g"', 36, None),
        ("principal.groups.exists(mcp, true)", 'calls an element by the name of a variable, "mcp"', 24, None),
        ("[1].all(a, [1].all(b, [1].all(c, true)))", "has too many macros", 30, None),
        ("protocol.matches(mcp.method)", "has a pattern that is no text", 9, None),
        ("protocol.matches('[')", "has a pattern that is no regular expression (RE2 syntax)", 17, None),
        ("protocol.matches('a{65}')", "has a pattern that is too large", 17, None),
        ("request.headers['X-Team'] == 'a'", "names a header in capitals", 16, "x-team"),
        ("request.headers.authorization == 'a'", "names a header that carries a credential", 16, None),
        ("request.headers['x-api-key'] == 'a'", "names a header that carries a credential", 16, None),
        (".mcp.server == 'a'", "has something in it that rules do not use", 0, None),
        ("true" + " " * MAX_TEXT, f"must have at most {MAX_TEXT} characters", MAX_TEXT, None),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, what: str, offset: int, nearest: str | None) -> None:
    with pytest.raises(CelError) as caught:
        cel.compile(text)
    assert (caught.value.what, caught.value.offset, caught.value.nearest) == (what, offset, nearest)


def test_the_known_variables_are_told() -> None:
    with pytest.raises(CelError) as caught:
        cel.compile("mcp.tool.colour == 'red'")
    assert caught.value.why == "there are arguments, full, name, server, target"


def test_brackets_in_one_another_end_before_the_stack_does() -> None:
    with pytest.raises(CelError, match="is not a CEL expression"):
        cel.compile("(" * 1000 + "true" + ")" * 1000)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("size(a) == 3 && a.startsWith('a')", True),
        ("a in ['abc', 'd']", True),
        ("l.exists(x, x == 'admin')", True),
        ("l.contains('admin')", True),
        ("l.contains('user')", False),
        ("a.contains('bc')", True),
        ("a.matches('^ab.$')", True),
        ("has(m.k) && m.k == 1", True),
        ("has(m.gone) && m.gone == 1", False),
        ("m.gone == 1 || true", True),
        ("m.gone == 1 && false", False),
        ("cidr('10.0.0.0/8').containsIP('10.1.2.3')", True),
        ("cidr('10.0.0.0/8').containsIP('11.1.2.3')", False),
        ("m.n == null", True),
        ("2 < 2.5", True),
        ("timestamp('2026-01-01T00:00:00Z').getFullYear() == 2026", True),
    ],
)
def test_an_expression_has_its_value(text: str, value: bool) -> None:
    assert evaluated(text, a="abc", l=["x", "admin"], m={"k": 1, "n": None}) is value


@pytest.mark.parametrize(
    ("text", "absent", "said"),
    [
        ("m.gone == 1", True, "it names a member that is not there"),
        ("m.k.l == 1", False, "it compares or calls what does not go together"),
        ("l[7] == 'x'", True, "it names an element that is not there"),
        ("a < 5", False, "it compares or calls what does not go together"),
        ("1 / 0 == 1", False, "a number in it cannot be computed"),
        ("9223372036854775807 + m.k > 0", False, "a number in it cannot be computed"),
        ("int(a) == 1", False, "a function in it failed"),
        ("cidr(a).containsIP(a)", False, "a function in it failed"),
        ("m.contains('x')", False, "a function in it failed"),
    ],
)
def test_what_has_no_value_is_a_fault_that_says_why_and_no_value(text: str, absent: bool, said: str) -> None:
    with pytest.raises(Fault) as caught:
        evaluated(text, a="abc", l=["x"], m={"k": 1})
    assert (caught.value.absent, str(caught.value)) == (absent, said)


def test_what_is_neither_true_nor_false_does_not_hold() -> None:
    program = cel.compile("protocol")
    with pytest.raises(Fault, match="it gives str, not true or false"):
        program.holds(context({"protocol": "mcp"}))


def test_a_variable_that_is_not_there_is_absent() -> None:
    with pytest.raises(Fault) as caught:
        cel.compile("session.id == 'x'").holds(context({}))
    assert caught.value.absent


def test_a_program_knows_what_it_mentions() -> None:
    program = cel.compile("mcp.tool.arguments.path == '/' && 'a' in principal.groups")
    assert program.paths == {("mcp", "tool", "arguments", "path"), ("principal", "groups")}
    assert program.mentions(("mcp", "tool"))
    assert program.mentions(("mcp", "tool", "arguments", "path", "deeper"))
    assert not program.mentions(("mcp", "server"))
    assert repr(program) == "<Program \"mcp.tool.arguments.path == '/' && 'a' in principal.groups\">"


@pytest.mark.parametrize("name", ["export", "crm__export"])
def test_a_tool_can_be_called_by_its_own_name_and_by_the_catalogs(name: str) -> None:
    told = {"tool": {"name": "export", "full": "crm__export"}}
    assert evaluated(f"mcp.tool.name == '{name}'", mcp=told) is True
    assert evaluated(f"mcp.tool.name != '{name}'", mcp=told) is False
    assert evaluated(f"mcp.tool.name in ['{name}']", mcp=told) is True


def test_the_worst_that_fits_into_the_limits_comes_to_an_end() -> None:
    most = list(range(MAX_LIST))
    assert evaluated("a.all(x, a.exists(y, y == x))", a=most) is True
    assert evaluated("a.map(x, a.filter(y, y > x)).size() > 0", a=most[:64]) is True
    assert evaluated("a.matches('^(a|a?)+$')", a="a" * 4000 + "b") is False


_WORDS = st.sampled_from(
    [
        "mcp",
        ".tool",
        ".name",
        ".arguments",
        "principal",
        ".groups",
        ".claims",
        "request",
        ".headers",
        "protocol",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "'x'",
        '"__"',
        "1",
        "1u",
        "2.5",
        "true",
        "null",
        "&&",
        "||",
        "!",
        "==",
        "!=",
        "<",
        "+",
        "-",
        "*",
        "/",
        "%",
        "in",
        "?",
        ":",
        ",",
        "has(",
        "size(",
        ".exists(",
        ".all(g,",
        "g",
        ".matches('a+')",
        ".contains(",
        "b'\\xff'",
        "//",
        "\n",
        "int(",
        "timestamp('2026-01-01T00:00:00Z')",
        "duration('1h')",
        "type(",
        ".map(",
        "cidr(",
        ".containsIP(",
        "'",
        '"',
        "\\",
        "é",
        "😀",
    ]
)


@settings(deadline=None)
@given(st.one_of(st.text(max_size=40), st.lists(_WORDS, max_size=14).map(" ".join)))
@example("mcp.tool.name == 'é' && ")
@example("'\ud800'")
def test_any_text_compiles_or_is_refused_and_any_program_has_a_value_or_a_fault(text: str) -> None:
    refused: CelError | None = None
    try:
        program = cel.compile(text)
    except CelError as error:
        refused = error
    if refused is not None:
        assert 0 <= refused.offset <= len(text)
        return
    values = {"mcp": {"tool": {"name": "n", "arguments": {"a": [1, "x", None]}}}, "protocol": "mcp", "request": {}}
    with contextlib.suppress(Fault):
        program.evaluate(context({**values, "principal": {"groups": ["g"]}}, program.functions))
