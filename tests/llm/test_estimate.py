"""llm/estimate.py: tokens by size, by family, and by what providers have counted."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm import estimate
from fedgate.llm.estimate import EVERY, TOKENS_PER_MEDIUM, Estimates, Size, measure, tokens
from fedgate.llm.values import Asked
from tests.llm.asking import facts

IMAGE = "iVBORw0KGgo" + "A" * 400_000


def asked(text: str = "word " * 1000, **body: Any) -> Asked:
    return facts({"messages": [{"role": "user", "content": text}], **body}).asked


def test_what_a_model_reads_counts_and_nothing_else() -> None:
    text = "words " * 633
    assert tokens(measure(asked(text, temperature=1, metadata={"a": "b" * 9999}))) == pytest.approx(1000, rel=0.02)
    assert tokens(measure(asked("", tools=[{"description": text}]))) == pytest.approx(1000, rel=0.03)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": IMAGE}},
        {"inlineData": {"mimeType": "image/png", "data": IMAGE + "=="}},
    ],
)
def test_an_image_counts_as_one_and_not_by_its_bytes(part: dict[str, Any]) -> None:
    body = {"messages": [{"role": "user", "content": [part, {"type": "text", "text": "x" * 380}]}]}
    size = measure(facts(body).asked)
    assert size.media == 1
    assert size.text < 1000
    assert tokens(size) - TOKENS_PER_MEDIUM < 250


def test_a_long_text_is_no_image() -> None:
    assert measure(asked("word " * 1000)).media == 0


def test_families_differ() -> None:
    size = Size(34_000)
    assert tokens(size, "claude-sonnet-4-5") == 10_000
    assert tokens(size, "anthropic/claude-opus-5") == 10_000
    assert tokens(size, "gpt-5") == 8_500
    assert tokens(size, "some-model") == round(34_000 / estimate.USUAL)
    assert tokens(Size(0)) == 1


def test_what_providers_count_corrects_the_next_estimate() -> None:
    known, request = Estimates(), asked()
    guessed = known.of(measure(request), "up/m", "m")
    known.learn(request, "up/m", "m", guessed * 2)
    assert known.of(measure(request), "up/m", "m") == pytest.approx(2 * guessed, abs=1)
    assert known.of(measure(request), "up/other", "other") == guessed


def test_one_odd_report_moves_little_and_many_move_it_there() -> None:
    known, request = Estimates(), asked()
    guessed = known.of(measure(request), "up/m", "m")
    for _ in range(EVERY + 1):
        known.learn(request, "up/m", "m", guessed)
    for _ in range(EVERY):
        known.learn(request, "up/m", "m", guessed * 2)
    assert known.correction("up/m") == pytest.approx(1.1, abs=0.01)
    for _ in range(100 * EVERY):
        known.learn(request, "up/m", "m", guessed * 2)
    assert known.correction("up/m") == pytest.approx(2, abs=0.01)


def test_nothing_is_learnt_of_short_long_or_illustrated_requests() -> None:
    known = Estimates()
    known.learn(asked("short"), "up/m", "m", 50)
    known.learn(asked("x" * 100_000), "up/m", "m", 50_000)
    known.learn(asked(IMAGE[:3000]), "up/m", "m", 5_000)
    known.learn(asked(), "up/m", "m", 0)
    assert len(known) == 0


def test_corrections_are_bounded_in_size_and_number() -> None:
    known, request = Estimates(), asked()
    for number in range(estimate.MAX_MODELS + 10):
        known.learn(request, f"up/{number}", "m", 10**9)
    assert len(known) == estimate.MAX_MODELS
    assert known.correction(f"up/{estimate.MAX_MODELS}") == estimate.MOST


@given(st.recursive(st.text(max_size=3000), lambda each: st.lists(each, max_size=3), max_leaves=6))
def test_any_text_has_a_size_no_larger_than_it_is(said: Any) -> None:
    body = json.dumps({"model": "m", "messages": said}).encode()
    size = measure(facts(body).asked)
    assert 0 <= size.text <= len(body)


def test_quotation_marks_by_the_million_are_not_all_looked_at() -> None:
    size = measure(asked('"' * 1_000_000 + IMAGE))
    assert (size.media, size.text > 2_000_000) == (0, True)
