"""llm/conditions.py, llm/match_settings.py: rules of routes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from fedgate.core.values import MANIFEST, REFUSED
from fedgate.gateway.conditions import CelExpressions
from fedgate.llm.conditions import glob, rules
from fedgate.llm.facts import Facts
from fedgate.llm.match_settings import Bound, MatchSettings
from fedgate.llm.route_settings import RuleSettings
from tests.llm.asking import CHAT, MESSAGES, facts

LONG = {"messages": [{"role": "user", "content": "word " * 10_000}]}
TOOLS = {"tools": [{"type": "function", "function": {"name": "f"}}]}
IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}


def rule(**settings: Any) -> RuleSettings:
    return RuleSettings.model_validate({"route": "x", **settings}, context=MANIFEST)


def holds(one: Facts, **settings: Any) -> bool:
    (made,) = rules("m", [rule(**settings)], CelExpressions())
    return made.holds(one)


def why(**settings: Any) -> str:
    (made,) = rules("m", [rule(**settings)], CelExpressions())
    return made.why


@pytest.mark.parametrize(
    ("match", "yes", "no"),
    [
        ({"max_tokens": "<=100"}, facts({"max_tokens": 100}), facts({"max_tokens": 101})),
        ({"max_tokens": 100}, facts({"max_tokens": 100}), facts({})),
        ({"max_tokens": ">100"}, facts({"max_tokens": 101}), facts({})),
        ({"estimated_tokens": ">10000"}, facts(LONG), facts({})),
        ({"estimated_tokens": "<= 10000"}, facts({}), facts(LONG)),
        ({"has_tools": True}, facts(TOOLS), facts({})),
        ({"has_tools": False}, facts({}), facts(TOOLS)),
        ({"has_images": True}, facts(IMAGE), facts({})),
        ({"reasoning": True}, facts({"thinking": {"type": "adaptive"}}, MESSAGES), facts({}, MESSAGES)),
        ({"stream": True}, facts({"stream": True}), facts({"stream": False})),
        ({"intent": "code"}, facts(LONG, intent=lambda _: "code"), facts(LONG, intent=lambda _: "chat")),
        ({"intent": ["code", "chat"]}, facts(LONG, intent=lambda _: "chat"), facts(LONG, intent=lambda _: None)),
        ({"model": "gpt-*"}, facts({"model": "gpt-5"}), facts({"model": "o3"})),
        ({"model": ["a", "*b*"]}, facts({"model": "xbx"}), facts({"model": "ax"})),
        ({"group": "ops"}, facts({}, groups=("dev", "ops")), facts({}, groups=("dev",))),
        ({"group": ["ops", "dev"]}, facts({}, groups=("dev",)), facts({})),
        ({"path": "/v1/messages*"}, facts({}, MESSAGES), facts({}, CHAT)),
        ({"header": {"X-Team": "core*"}}, facts({}, headers={"x-team": "core-1"}), facts({})),
        ({"header": {"x-team": ["a", "b"]}}, facts({}, headers={"x-team": "b"}), facts({}, headers={"x-team": "c"})),
        ({"has_tools": True, "stream": True}, facts({**TOOLS, "stream": True}), facts(TOOLS)),
    ],
)
def test_a_plain_condition_holds_or_does_not(match: dict[str, Any], yes: Facts, no: Facts) -> None:
    assert holds(yes, match=match)
    assert not holds(no, match=match)


def test_an_expression_holds_or_does_not() -> None:
    when = "llm.max_tokens <= 100 && !llm.has_tools"
    assert holds(facts({"max_tokens": 100}), when=when)
    assert not holds(facts({"max_tokens": 100, **TOOLS}), when=when)
    assert not holds(facts({}), when=when)  # it names what is not there
    assert holds(facts(LONG, intent=lambda _: "code"), when='llm.intent == "code"')
    assert holds(facts(LONG), when="llm.estimated_tokens > 10000 && !llm.has_images")
    assert holds(facts({}, who="bob"), when='principal.id == "bob" && llm.route == "m"')


def test_both_have_to_hold() -> None:
    both = {"match": {"has_tools": True}, "when": "llm.stream"}
    assert holds(facts({**TOOLS, "stream": True}), **both)
    assert not holds(facts(TOOLS), **both)
    assert not holds(facts({"stream": True}), **both)


def test_a_rule_without_conditions_always_holds() -> None:
    assert holds(facts({}))
    assert why() == ""


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"match": {"intent": "code"}}, "intent code"),
        ({"match": {"max_tokens": 100, "has_tools": False}}, "max_tokens <= 100, no tools"),
        ({"match": {"header": {"X-Team": "core"}}}, "header x-team"),
        ({"when": "llm.stream"}, "llm.stream"),
        ({"match": {"stream": True}, "when": "llm.has_tools || " * 6 + "llm.stream"}, None),
    ],
)
def test_the_reason_is_a_few_words(settings: dict[str, Any], said: str | None) -> None:
    if said is not None:
        assert why(**settings) == said
    else:
        assert why(**settings) == "stream, " + str(settings["when"])[:60] + "..."


def test_a_wrong_expression_is_refused_with_its_place() -> None:
    with pytest.raises(ValueError, match=r"^models\.routes\.m\.rules\[1\]\.when knows no variable llm\.nothing"):
        rules("m", [rule(when="llm.stream"), rule(when="llm.nothing")], CelExpressions())
    with pytest.raises(ValueError, match=r"^models\.routes\.m\.rules\[0\]\.when is an expression, and nothing here"):
        rules("m", [rule(when="llm.stream")])


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"max_tokens": "about 100"}, "is not a comparison"),
        ({"max_tokens": True}, "is not a comparison"),
        ({"max_tokens": "<=-1"}, "is not a comparison"),
        ({}, "says nothing"),
        ({"header": {}}, "says nothing"),
        ({"header": {"Authorization": "x"}}, "is a header that carries a credential"),
        ({"header": {"x team": "x"}}, "is not the name of a header"),
    ],
)
def test_a_wrong_match_is_refused(match: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        MatchSettings.model_validate(match, context=MANIFEST)
    (error,) = caught.value.errors()
    assert error["type"] == REFUSED
    assert error["ctx"]["refusals"][0].what == said


@pytest.mark.parametrize("match", [{"maxtokens": 1}, {"complexity": "low"}, {"intent": []}, {"model": ""}])
def test_unknown_and_empty_fields_are_refused(match: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MatchSettings.model_validate(match, context=MANIFEST)


@pytest.mark.parametrize(
    ("sign", "below", "equal", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        (">=", False, True, True),
        (">", False, False, True),
    ],
)
def test_comparisons(sign: str, below: bool, equal: bool, above: bool) -> None:
    bound = Bound(sign, 5)
    assert (bound.holds(4), bound.holds(5), bound.holds(6), bound.holds(None)) == (below, equal, above, False)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("*", "", True),
        ("a*", "a", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*b*", "abc", True),
        ("a*b*c", "axbxc", True),
        ("a*b*c", "axc", False),
        ("a*bc*c", "abc", False),
        ("**", "x", True),
    ],
)
def test_globs(pattern: str, text: str, expected: bool) -> None:
    assert glob([pattern])(text) is expected


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_globs_agree_with_the_standard_librarys(pattern: str, text: str) -> None:
    from fnmatch import fnmatchcase

    assert glob([pattern])(text) is fnmatchcase(text, pattern)
