"""access/rules.py: agentgateway's semantics, and where tools' arguments are concerned, nothing fails open."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.access.rules import Told, decide
from fedgate.access.variables import Shown, common, show
from fedgate.core.call import Call, Principal
from fedgate.core.rawjson import Raw
from tests.access.rules_kit import ALICE, BOB, a_call, rules, tool

Given = str | dict[str, str]


def told(call: Call, own: dict[str, Any], *given: Given, unknown: tuple[str, ...] = ()) -> list[Told]:
    made = rules(*given)
    shown = show(made.needs, {**common(made.needs, call), **own})
    return made.tell(made.all, shown, tuple(tuple(each.split(".")) for each in unknown))


def allowed(own: dict[str, Any], *given: Given, principal: Principal = BOB) -> bool:
    return decide(told(a_call(principal=principal), own, *given)).allowed


INCREMENT = 'mcp.tool.name == "increment"'
DECREMENT = 'mcp.tool.name == "decrement"'


@pytest.mark.parametrize(
    ("given", "name", "verdict"),
    [
        # No rules: everybody has access.
        ((), "increment", True),
        # Allow rules: one must hold.
        ((f'{INCREMENT} && jwt.user == "admin"',), "increment", False),
        ((f'{INCREMENT} && jwt.sub == "bob"',), "increment", True),
        ((f'{INCREMENT} && mcp.tool.target == "everything"',), "increment", True),
        ((f'{INCREMENT} && mcp.tool.target == "other"',), "increment", False),
        ((f'{INCREMENT} && jwt.groups == "admin"',), "increment", True),
        ((f'{INCREMENT} && jwt.user.role == "admin"',), "increment", True),
        ((f'{INCREMENT} && jwt.roles.contains("admin")',), "increment", True),
        # Deny alone: what does not match is allowed.
        (({"deny": INCREMENT},), "decrement", True),
        (({"deny": INCREMENT},), "increment", False),
        (({"deny": INCREMENT}, {"deny": DECREMENT}), "increment", False),
        (({"deny": INCREMENT}, {"deny": DECREMENT}), "decrement", False),
        (({"deny": INCREMENT}, {"deny": DECREMENT}), "echo", True),
        # Both: deny wins, and what nothing allows is denied.
        ((INCREMENT, {"deny": DECREMENT}), "increment", True),
        ((INCREMENT, {"deny": DECREMENT}), "decrement", False),
        ((INCREMENT, {"deny": DECREMENT}), "echo", False),
        (("true", {"deny": "true"}), "echo", False),
        # Require: all must hold; they allow nothing by themselves where there are allow rules.
        (({"require": INCREMENT},), "increment", True),
        (({"require": INCREMENT},), "decrement", False),
        (({"require": INCREMENT}, {"require": 'jwt.user.role == "admin"'}), "increment", True),
        (({"require": INCREMENT}, {"require": 'jwt.user.role == "user"'}), "increment", False),
        (({"require": INCREMENT}, 'jwt.user.role == "user"'), "increment", False),
        (({"require": INCREMENT}, 'jwt.user.role == "admin"'), "increment", True),
        # Errors: no rule of any kind holds by one.
        (("jwt.gone.deeper == 1",), "echo", False),
        (({"require": "jwt.gone.deeper == 1"},), "echo", False),
        (({"deny": "jwt.gone.deeper == 1"},), "echo", True),
        (({"deny": "jwt.sub < 5"},), "echo", True),
        (("jwt.sub",), "echo", False),
        (({"require": "jwt.sub"},), "echo", False),
        (({"deny": "jwt.sub"},), "echo", True),
        # What a call does not have.
        (('mcp.prompt.name == "x"',), "echo", False),
        (({"deny": 'mcp.prompt.name == "x"'},), "echo", True),
        ((f"!has(mcp.tool.arguments) && {INCREMENT}",), "increment", True),
    ],
)
def test_the_semantics_are_agentgateways(given: tuple[Given, ...], name: str, verdict: bool) -> None:
    assert allowed(tool(name), *given) is verdict


def test_a_claim_that_is_required_is_not_there_for_a_key() -> None:
    assert not allowed(tool("increment"), f'{INCREMENT} && jwt.sub == "bob"', principal=ALICE)


@pytest.mark.parametrize("kind", ["deny", "require", "allow"])
@pytest.mark.parametrize(
    "arguments",
    [
        b'{"path":"/etc/passwd","path":"/home"}',
        b'{"path":"/etc/%b"}' % (b"x" * 5000),
        b'{"path":["/etc/passwd"]}',
        b'{"path":{"x":"/etc/passwd"}}',
        b'{"path":42}',
        b'["/etc/passwd"]',
    ],
)
def test_arguments_that_cannot_be_judged_switch_no_rule_off(kind: str, arguments: bytes) -> None:
    is_etc = 'mcp.tool.arguments.path.startsWith("/etc")'
    own = {"mcp": {"tool": {"name": "read", "arguments": Raw(arguments)}}}
    assert not allowed(own, {kind: is_etc if kind == "deny" else f"!{is_etc}"})


def test_even_a_rule_that_would_be_glad_to_see_nothing_is_not() -> None:
    own = {"mcp": {"tool": {"name": "read", "arguments": Raw(b'"%b"' % (b"x" * 20_000))}}}
    assert not allowed(own, "!has(mcp.tool.arguments)")
    assert not allowed(own, {"require": "!has(mcp.tool.arguments)"})


def test_an_argument_that_is_not_there_denies_nothing() -> None:
    assert allowed(tool("read", arguments={}), {"deny": 'mcp.tool.arguments.path.startsWith("/etc")'})
    assert allowed(tool("ping"), {"deny": 'mcp.tool.arguments.path.startsWith("/etc")'})


def test_what_each_rule_said_is_told() -> None:
    given: tuple[Given, ...] = ("false", {"deny": "jwt.gone == 1"}, {"require": "true", "name": "must"}, "protocol")
    found = told(a_call(principal=BOB), tool(), *given)
    assert [(each.rule.label, each.rule.kind, each.held, each.why) for each in found] == [
        ("rule 1", "allow", "no", ""),
        ("rule 2", "deny", "error", "it names a member that is not there"),
        ("must", "require", "yes", ""),
        ("rule 4", "allow", "error", "it gives str, not true or false"),
    ]


def test_the_rule_that_decided_is_named() -> None:
    verdict = decide(told(a_call(), tool(), {"deny": "true", "name": "closed"}))
    assert (verdict.allowed, verdict.by and verdict.by.label, verdict.by and verdict.by.named) == (
        False,
        "closed",
        True,
    )
    verdict = decide(told(a_call(), tool(), "false"))
    assert (verdict.allowed, verdict.by, verdict.why) == (False, None, "no allow rule holds")


def test_what_is_not_said_yet_is_left_open() -> None:
    needs_path = 'mcp.tool.arguments.path == "/x"'
    for kind, held in (("allow", True), ("require", True), ("deny", True)):
        found = told(a_call(), tool("read"), {kind: needs_path}, unknown=("mcp.tool.arguments",))
        assert (found[0].held, decide(found).allowed) == ("unknown", held)
    found = told(a_call(), tool("read"), f"false && {needs_path}", unknown=("mcp.tool.arguments",))
    assert (found[0].held, decide(found).allowed) == ("no", False)


@pytest.mark.parametrize(
    ("rule", "about"),
    [
        ("principal.id == 'x'", set()),
        ("mcp.tool.name == 'x'", {"mcp"}),
        ("mcp.tool.name == 'x' && principal.id == 'y'", {"mcp"}),
        ("a2a.agent == 'x' || mcp.server == 'y'", {"a2a", "mcp"}),
        ("!(mcp.server == 'x')", {"mcp"}),
        ("(mcp.server == 'x' || mcp.server == 'y') && principal.id == 'z'", {"mcp"}),
        ("['x', 'y'].exists(s, s == mcp.server)", {"mcp"}),
        ("protocol != 'mcp' || mcp.server == 'x'", set()),
        ("principal.id == 'x' || mcp.server == 'y'", set()),
        ("(principal.id == 'x' || mcp.server == 'y') && mcp.method == 'z'", set()),
        ("principal.id == 'x' ? mcp.server == 'y' : true", set()),
        ("'mcp' == protocol", set()),
        ("request.headers.mcp == 'x'", set()),
    ],
)
def test_an_allow_or_require_is_about_protocols_only_if_it_can_say_nothing_without_them(
    rule: str, about: set[str]
) -> None:
    for kind in ("allow", "require"):
        assert rules({kind: rule}).all[0].about == about
    assert rules({"deny": rule}).all[0].about == set()


def test_a_rule_of_one_protocol_leaves_the_others_alone() -> None:
    made = rules('mcp.tool.name == "x"', {"require": "mcp.server != 'y'"}, {"deny": 'principal.id == "mallory"'})
    assert [rule.label for rule in made.concerning(("mcp",))] == ["rule 1", "rule 2", "rule 3"]
    assert [rule.label for rule in made.concerning(("a2a",))] == ["rule 3"]


_ARGUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6) | st.just("path"), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(deadline=None)
@given(_ARGUMENTS, st.sampled_from(["deny", "allow", "require"]))
def test_any_arguments_are_judged(arguments: Any, kind: str) -> None:
    text = 'mcp.tool.arguments.path.startsWith("/etc") || mcp.tool.arguments.exists(k, k == "x")'
    made = rules({kind: text})
    try:
        own = tool(arguments=arguments)
    except (ValueError, OverflowError):
        return
    verdict = decide(made.tell(made.all, show(made.needs, own)))
    assert isinstance(verdict.allowed, bool)


def test_nothing_is_needed_for_no_rules() -> None:
    made = rules()
    assert (len(made), made.needs, decide(made.tell(made.all, Shown({}))).allowed) == (0, {}, True)
