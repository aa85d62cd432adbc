"""gateway/conditions.py: conditions of rules and regular expressions of intents, by the engine of access rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.call import Call, Principal, Record, Request
from fedgate.gateway.conditions import CelExpressions


async def _none() -> bytes:
    return b""


def call(headers: dict[bytes, bytes] | None = None, **principal: Any) -> Call:
    request = Request("1", "POST", "/v1/messages", b"", headers or {}, "127.0.0.1:1", "h", "HTTP/1.1", _none)
    who = Principal("alice", "key", **principal)
    return Call("llm", request, Record(request, "llm", 0.0), principal=who)


def holds(text: str, own: dict[str, Any], **principal: Any) -> bool:
    return CelExpressions().condition(text)(call({b"x-team": b"core"}, **principal), own)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("llm.max_tokens <= 100 && !llm.has_tools", True),
        ("llm.max_tokens > 100", False),
        ('llm.intent == "code"', True),
        ("llm.estimated_tokens > 100000", False),
        ('"ops" in principal.groups', True),
        ('principal.groups.contains("dev")', False),
        ('request.headers["x-team"] == "core"', True),
        ('request.path.startsWith("/v1/")', True),
        ('protocol == "llm" && llm.route == "auto"', True),
        ('mcp.tool.name == "x"', False),  # there is none
        ("llm.model", False),  # neither true nor false
    ],
)
def test_a_condition_sees_the_request_and_its_caller(text: str, expected: bool) -> None:
    own = {
        "llm": {
            "route": "auto",
            "model": "auto",
            "max_tokens": 100,
            "has_tools": False,
            "intent": lambda: "code",
            "estimated_tokens": lambda: 12,
        }
    }
    assert holds(text, own, groups=("ops",)) is expected


def test_what_a_request_does_not_say_fulfils_nothing() -> None:
    assert not holds("llm.max_tokens <= 100", {"llm": {}})
    assert not holds("llm.max_tokens > 100", {"llm": {}})
    assert not holds('llm.intent == "code"', {"llm": {"intent": lambda: None}})


def test_only_what_is_mentioned_is_computed() -> None:
    def never() -> int:
        raise AssertionError

    assert holds("llm.stream", {"llm": {"stream": True, "estimated_tokens": never}})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("llm.max_tokens <", "is not a CEL expression"),
        ("llm.maxtokens < 1", "knows no variable llm.maxtokens"),
        ("lm.model", 'knows no variable "lm"'),
        ('request.headers["authorization"] == "x"', "names a header that carries a credential"),
    ],
)
def test_a_wrong_condition_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace("[", r"\[")):
        CelExpressions().condition(text)


@pytest.mark.parametrize(
    ("pattern", "any_case", "text", "expected"),
    [
        ("implement|refactor", True, "Please REFACTOR this", True),
        ("implement|refactor", False, "Please REFACTOR this", False),
        (r"\bfix\b", False, "fix it", True),
        (r"\bfix\b", False, "a prefix", False),
        ('say "hi"', False, 'say "hi" now', True),
        ("größer", False, "ist größer", True),
    ],
)
def test_a_pattern_is_found_anywhere(pattern: str, any_case: bool, text: str, expected: bool) -> None:
    assert CelExpressions().pattern(pattern, any_case=any_case)(text) is expected


def test_a_pattern_that_would_take_for_ever_elsewhere_ends() -> None:
    found = CelExpressions().pattern("(a+)+$", any_case=False)
    assert not found("a" * 8000 + "b")


@pytest.mark.parametrize("pattern", ["(", "(?=x)y", r"(x)\1", "x{5000}"])
def test_a_pattern_of_another_kind_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"^has a pattern that is"):
        CelExpressions().pattern(pattern, any_case=True)


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_text_is_a_pattern_or_refused(pattern: str, text: str) -> None:
    try:
        found = CelExpressions().pattern(pattern, any_case=False)
    except ValueError:
        return
    assert found(text) in (True, False)
