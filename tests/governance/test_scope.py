"""governance/scope.py: which calls a limit is about, which share it, and that nobody passes by what he writes."""

from typing import Any

import pytest

from fedgate.access import cel
from fedgate.governance.scope import CALLER, MAX_KEY, NOBODY, Scope, View, short
from tests.governance.limited import limit


def scope(**settings: Any) -> Scope:
    return Scope(limit(concurrency=1, **settings))


def view(*hidden: tuple[str, ...], **values: Any) -> View:
    return View(cel.context(values), hidden)


MCP = {"method": "tools/call", "tool": {"name": "export", "full": "crm__export", "arguments": {"n": 5}}}


@pytest.mark.parametrize(
    ("settings", "protocols"),
    [
        ({}, "mcp a2a llm"),
        ({"when": 'principal.id == "x"', "key": "source.address"}, "mcp a2a llm"),
        ({"when": 'protocol == "llm"'}, "mcp a2a llm"),
        ({"when": 'llm.route == "claude"'}, "llm"),
        ({"when": 'principal.id == "x"', "key": "mcp.tool.name"}, "mcp"),
        ({"when": 'mcp.tool.name == "x" || a2a.agent == "y"'}, "mcp a2a"),
    ],
)
def test_a_limit_is_about_the_protocols_that_it_mentions(settings: dict[str, str], protocols: str) -> None:
    found = scope(**settings)
    assert [each for each in ("mcp", "a2a", "llm") if found.concerns(each)] == protocols.split()


@pytest.mark.parametrize(
    ("when", "is_about"),
    [
        ('mcp.tool.name == "export"', True),
        ('mcp.tool.name == "crm__export"', True),
        ('mcp.tool.name == "import"', False),
        ('mcp.prompt.name == "x"', False),  # the call has no prompt
        ("mcp.tool.arguments.n > 4", True),
        ("mcp.tool.arguments.n > 5", False),
        ("mcp.tool.arguments.m > 5", False),  # what it is about is not there
        ('mcp.tool.arguments.n > "4"', True),  # and this does not fit what the caller wrote
        ("mcp.tool.arguments.n / 0 == 1", True),
        ("mcp.tool.name", True),  # neither true nor false
    ],
)
def test_when_says_which_calls_count(when: str, is_about: bool) -> None:
    assert scope(when=when).key(view(mcp=MCP)) == (CALLER if is_about else None)


def test_what_is_too_large_to_be_shown_counts() -> None:
    seen = {"method": "tools/call", "tool": {"name": "export", "full": "crm__export"}}
    by_size = scope(when="mcp.tool.arguments.n > 5")
    assert by_size.key(view(("mcp", "tool", "arguments"), mcp=seen)) == CALLER
    assert by_size.key(view(mcp=seen)) is None
    by_negation = scope(when="!has(mcp.tool.arguments)")
    assert by_negation.key(view(mcp=MCP)) is None
    assert by_negation.key(view(("mcp", "tool", "arguments"), mcp=MCP)) == CALLER
    assert scope(key="mcp.tool.name").key(view(("mcp", "tool", "name"), mcp=MCP)) == NOBODY


@pytest.mark.parametrize(
    ("key", "shared"),
    [
        ("principal.id", CALLER),
        (" principal.id ", CALLER),
        ("mcp.tool.name", "export"),
        ('principal.id + "/" + mcp.tool.name', "alice/export"),
        ("principal.groups", "['str a', 'str b']"),
        ("principal.groups[0]", "a"),
        ("mcp.tool.arguments.n", "int 5"),
        ("mcp.tool.arguments", "[('n', 'int 5')]"),
        ("true", "bool True"),
        ('""', ""),
        ("principal.claims.team", NOBODY),  # not there: they share one
        ("mcp.tool.arguments.team", NOBODY),  # nor is this, which the caller could have written
        ("mcp.prompt.name", None),  # by prompt: it is not about calls without one
        ("1 / 0", NOBODY),
    ],
)
def test_key_says_which_calls_share_it(key: str, shared: str | None) -> None:
    principal = {"id": "alice", "groups": ["a", "b"], "claims": {}}
    assert scope(key=key).key(view(mcp=MCP, principal=principal)) == shared


def test_long_keys_are_kept_as_digests_that_differ() -> None:
    assert short("x" * MAX_KEY) == "x" * MAX_KEY
    one, other = short("x" * 5000), short("x" * 5001)
    assert len(one) == len(other) == 41
    assert one != other
    assert short("\ud800" * 100).startswith("#")
