"""access/judge.py: verdicts are kept by what rules have seen, and what a caller may know of follows the same rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.access import judge as judging
from fedgate.access.judge import Judge, Members
from fedgate.access.rules import decide
from fedgate.core.call import ANONYMOUS, Principal
from fedgate.core.ports import OneOf, Seen
from tests.access.rules_kit import ALICE, BOB, a_call, judge, rules, tool

OPEN = ("mcp.tool.arguments",)


def seen(of: Judge, principal: Principal = ALICE, **call: Any) -> Seen:
    found = of.of(a_call(principal=principal, **call))
    assert found is not None
    return found


def test_without_rules_and_groups_there_is_nothing_to_ask() -> None:
    nothing = judge()
    assert not nothing
    assert nothing.of(a_call()) is None
    assert nothing.by("mcp", ALICE) is None
    assert nothing.verdict(a_call(), tool()).allowed


def test_a_call_like_one_before_is_not_evaluated_again() -> None:
    one = judge({"deny": 'mcp.tool.name == "x" && "sales" in principal.groups'})
    for _ in range(3):
        assert not one.verdict(a_call(principal=BOB), tool("x")).allowed
        assert one.verdict(a_call(principal=ALICE), tool("x")).allowed
    assert len(one) == 2
    assert one.verdict(a_call(principal=ALICE, session="another"), tool("x", server="y")).allowed
    assert len(one) == 2  # what no rule mentions makes no difference


def test_verdicts_are_bounded_in_number_and_size() -> None:
    one = judge({"deny": 'mcp.tool.arguments.path == "/x"'})
    for number in range(judging.MAX_VERDICTS + 10):
        one.verdict(a_call(), tool(arguments={"path": str(number)}))
    assert len(one) == judging.MAX_VERDICTS
    fresh = judge({"deny": 'mcp.tool.arguments.path == "/x"'})
    assert fresh.verdict(a_call(), tool(arguments={"path": "y" * 2000})).allowed
    assert len(fresh) == 0


def test_what_is_not_decided_yet_must_be_allowed_whatever_is_decided() -> None:
    one = judge({"deny": 'llm.provider == "far"'})
    for providers, allowed in ((("near",), True), (("near", "far"), False), (("far",), False), ((), True)):
        own = {"llm": {"route": "smart", "provider": OneOf(providers)}}
        assert one.verdict(a_call("llm"), own).allowed is allowed


@pytest.mark.parametrize(
    ("place", "facts"),
    [
        (("mcp", "server", "crm"), tool(server="crm")),
        (("mcp", "view", "sales"), {"mcp": {"view": "sales"}}),
        (("llm", "route", "smart"), {"llm": {"route": "smart"}}),
    ],
)
def test_plain_groups_are_asked_first(place: tuple[str, str, str], facts: dict[str, Any]) -> None:
    one = judge("true", groups={place: ("sales", "support")})
    assert one.verdict(a_call(principal=BOB), facts).allowed
    verdict = one.verdict(a_call(principal=ALICE), facts)
    assert (verdict.allowed, verdict.by, verdict.why) == (
        False,
        None,
        f"{place[0]}.{place[1]} {place[2]} is for other groups",
    )


def test_empty_groups_are_for_everybody() -> None:
    assert not Judge(rules(), Members({("mcp", "server", "crm"): ()}))


def test_a_caller_knows_of_what_it_could_use() -> None:
    one = judge({"deny": 'mcp.tool.name.startsWith("delete")'}, {"deny": 'mcp.tool.arguments.path == "/etc"'})
    eyes = seen(one)
    assert eyes.sees(tool("read"), OPEN)
    assert not eyes.sees(tool("delete_all"), OPEN)


def test_what_depends_on_the_call_is_known_of() -> None:
    one = judge('mcp.tool.arguments.dry_run == true && "engineering" in principal.groups')
    assert seen(one).sees(tool("drop"), OPEN)
    assert not seen(one, BOB).sees(tool("drop"), OPEN)
    assert not one.verdict(a_call(principal=ALICE), tool("drop", arguments={"dry_run": False})).allowed


def test_callers_who_see_the_same_have_the_same_key() -> None:
    one = judge({"deny": '"sales" in principal.groups && request.headers["x-team"] == "a"'})
    carol = Principal("carol", "key", ("engineering",))
    assert seen(one, ALICE).key == seen(one, carol).key
    assert seen(one, ALICE).key != seen(one, BOB).key
    assert seen(one, ALICE).key != seen(one, ALICE, headers={"x-team": "a"}).key
    assert seen(one, ALICE).key == seen(one, ALICE, headers={"x-other": "a"}).key


def test_plain_groups_tell_callers_apart_too() -> None:
    one = judge(groups={("mcp", "server", "crm"): ("sales",)})
    assert seen(one, ALICE).key == seen(one, ANONYMOUS).key
    assert seen(one, ALICE).key != seen(one, BOB).key
    assert (seen(one, ALICE).sees(tool(server="crm")), seen(one, BOB).sees(tool(server="crm"))) == (False, True)


def test_a_key_is_short_however_much_rules_look_at() -> None:
    one = judge({"deny": 'request.headers.exists(h, h == "x-debug")'})
    assert len(seen(one, headers={"x-long": "y" * 4000}).key) <= 64


def test_somebody_of_whom_only_the_name_is_known() -> None:
    one = judge({"deny": '!("staff" in principal.groups)'})
    for principal, known in ((ANONYMOUS, False), (Principal("s", "key", ("staff",)), True)):
        by = one.by("a2a", principal)
        assert by is not None
        assert by.sees({"a2a": {"agent": "support"}}) is known


def test_a_tool_that_is_an_agent_is_under_the_rules_of_both() -> None:
    own = {**tool("ask", "desk"), "a2a": {"agent": "support", "method": "SendMessage"}}
    assert not judge({"deny": 'a2a.agent == "support"'}).verdict(a_call(), own).allowed
    assert not judge({"deny": 'mcp.server == "desk"'}).verdict(a_call(), own).allowed
    assert judge({"deny": 'llm.route == "x"'}).verdict(a_call(), own).allowed


def test_every_rule_is_told() -> None:
    one = judge({"deny": "false", "name": "never"}, 'llm.model == "x"')
    assert [(each.rule.label, each.held) for each in one.told(a_call(), tool())] == [("never", "no")]


@pytest.mark.parametrize(
    ("rule", "alice", "bob"),
    [
        ('mcp.tool.name == "echo"', True, True),
        ('mcp.tool.name == "echo" && "sales" in principal.groups', False, True),
        ({"deny": 'mcp.tool.name == "echo"'}, True, True),
        ({"deny": '"sales" in principal.groups || mcp.tool.name == "echo"'}, True, False),
        ({"require": 'mcp.server == "x" || "sales" in principal.groups'}, True, True),
        ({"require": '"sales" in principal.groups'}, False, True),
        ({"deny": 'mcp.method == "initialize"'}, False, False),
    ],
)
def test_a_call_about_nothing_is_allowed_as_far_as_anything_could_be(
    rule: str | dict[str, str], alice: bool, bob: bool
) -> None:
    own = {"mcp": {"method": "initialize"}}
    assert [judge(rule).verdict(a_call(principal=each), own).allowed for each in (ALICE, BOB)] == [alice, bob]


def test_what_a_mixed_rule_requires_is_required_of_every_protocol() -> None:
    one = judge({"require": '"sales" in principal.groups || mcp.server == "public"'})
    own = {"a2a": {"agent": "support", "method": "SendMessage"}}
    assert [one.verdict(a_call("a2a", each), own).allowed for each in (ALICE, BOB)] == [False, True]


BY_ARGUMENT = {"deny": 'mcp.tool.arguments.path == "/etc"', "name": "no-etc"}
BY_NAME = {"deny": 'mcp.tool.name == "drop"', "name": "no-drop"}


def test_what_callers_write_costs_no_evaluation_of_other_rules() -> None:
    one = judge(BY_NAME, BY_ARGUMENT)
    for number in range(5):
        assert one.verdict(a_call(), tool("read", arguments={"path": str(number)})).allowed
    assert len(one) == 6  # what the one says of the name, and the other of each path


@pytest.mark.parametrize("order", [(BY_NAME, BY_ARGUMENT), (BY_ARGUMENT, BY_NAME)])
def test_of_several_rules_that_deny_the_first_one_is_named(order: tuple[dict[str, str], dict[str, str]]) -> None:
    one = judge(*order)
    for _ in range(2):
        verdict = one.verdict(a_call(), tool("drop", arguments={"path": "/etc"}))
        assert verdict.by is not None
        assert (verdict.allowed, verdict.by.label) == (False, order[0]["name"])


EXPRESSIONS = (
    'mcp.tool.name == "drop"',
    'mcp.tool.arguments.path == "/etc"',
    'mcp.tool.arguments.path.startsWith("/")',
    'has(mcp.tool.arguments.path) && "sales" in principal.groups',
    '"engineering" in principal.groups',
    'mcp.server == "crm" || mcp.tool.name == "read"',
    'llm.model == "x"',
    "!has(a2a.agent)",
    'protocol == "mcp"',
)
RULES = st.lists(st.tuples(st.sampled_from(["deny", "require", "allow"]), st.sampled_from(EXPRESSIONS)), max_size=4)
CALLS = st.tuples(
    st.sampled_from(["drop", "read"]),
    st.sampled_from(["crm", "notes"]),
    st.none() | st.sampled_from([{}, {"path": "/etc"}, {"path": "x"}, {"path": 1}, {"path": "y" * 2000}]),
    st.sampled_from([ALICE, BOB, ANONYMOUS]),
)


@given(RULES, st.lists(CALLS, max_size=6))
def test_a_verdict_is_what_all_rules_say_together(
    written: list[tuple[str, str]], calls: list[tuple[str, str, dict[str, Any] | None, Principal]]
) -> None:
    one = judge(*[{kind: text} for kind, text in written])
    for name, server, arguments, principal in calls * 2:
        own = tool(name, server=server) if arguments is None else tool(name, server=server, arguments=arguments)
        call = a_call(principal=principal)
        assert one.verdict(call, own) == decide(one.told(call, own))
