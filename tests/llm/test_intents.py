"""llm/intents.py: which class of the manifest a text belongs to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.gateway.conditions import CelExpressions
from fedgate.llm.intents import Intents

CLASSES = {
    "code": ("write code", "/implement|refactor/i", r"/\bfix(es)?\b/"),
    "chat": ("hello", "/^hi$/"),
    "any": ("/./",),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Please WRITE CODE for me", "code"),
        ("Refactor this", "code"),
        ("it fixes things", "code"),
        ("it FIXES things", "any"),
        ("Hello there", "chat"),
        ("hi", "chat"),
        ("hello, please implement it", "code"),
        ("something else", "any"),
        ("", None),
    ],
)
def test_the_first_class_with_a_word_or_an_expression_in_the_text(text: str, expected: str | None) -> None:
    assert Intents(CLASSES, CelExpressions()).of(text) == expected


def test_keywords_need_no_expressions_and_are_found_in_any_case() -> None:
    intents = Intents({"de": ("STRASSE", "grüße")})
    assert intents.of("die straße") == "de"
    assert intents.of("Viele GRÜSSE") == "de"
    assert intents.of("nothing") is None


def test_without_classes_there_is_no_intent() -> None:
    assert Intents({}).of("write code") is None


def test_an_expression_that_cannot_be_used_is_refused_with_its_class() -> None:
    with pytest.raises(ValueError, match=r"^models\.intents\.code: /\(\?=a\)b/ has a pattern that is no regular"):
        Intents({"code": ("/(?=a)b/",)}, CelExpressions())
    with pytest.raises(ValueError, match=r"^models\.intents\.code: /a/i is a regular expression, and nothing here"):
        Intents({"code": ("/a/i",)})


@given(st.text(max_size=200))
def test_any_text_belongs_to_a_class_or_to_none(text: str) -> None:
    assert Intents({"code": ("a", "b c")}).of(text) in ("code", None)
