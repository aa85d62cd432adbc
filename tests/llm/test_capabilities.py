"""llm/capabilities.py, llm/catalog.py: what models can carry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.llm.capabilities import (
    EXCESS,
    MAX_KNOWN,
    SMALLEST_TOKEN,
    Capabilities,
    bare,
    built_in,
    joined,
    lack,
    shortcoming,
)
from fedgate.llm.catalog import CATALOG
from fedgate.llm.values import Model
from tests.llm.asking import MESSAGES, facts

TOOLS = {"tools": [{"type": "function", "function": {"name": "f"}}]}
IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}


def never() -> int:
    raise AssertionError


@pytest.mark.parametrize(
    ("model", "own"),
    [
        ("claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5-20250929-v1:0"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude-3-haiku-20240307-v1:0"),
        ("openai/gpt-4.1", "gpt-4.1"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("Meta-Llama/Llama-3.3-70B", "llama-3.3-70b"),
        ("llama3.2-vision:11b", "llama3.2-vision:11b"),
        ("qwen2.5-coder:7b", "qwen2.5-coder:7b"),
        ("gpt-5.1", "gpt-5.1"),
    ],
)
def test_a_model_is_known_by_its_own_name_whoever_offers_it(model: str, own: str) -> None:
    assert bare(model) == own


@pytest.mark.parametrize(
    ("model", "context", "output", "images", "reasoning"),
    [
        ("claude-opus-5-5", 1_000_000, 128_000, True, True),
        ("claude-opus-4-5-20251101", 200_000, 64_000, True, True),
        ("claude-opus-4-1-20250805", 200_000, 32_000, True, True),
        ("claude-opus-4@20250514", 200_000, 32_000, True, True),
        ("claude-haiku-4-5", 200_000, 64_000, True, True),
        ("claude-3-5-haiku-latest", 200_000, 8_192, True, False),
        ("gpt-5", 400_000, 128_000, True, True),
        ("gpt-5.4", 1_050_000, 128_000, True, True),
        ("gpt-5.4-mini", 400_000, 128_000, True, True),
        ("gpt-4.1-mini", 1_047_576, 32_768, True, False),
        ("gpt-4o-mini", 128_000, 16_384, True, False),
        ("gpt-4-0613", 8_192, 8_192, False, False),
        ("gpt-4.5-preview", 128_000, 16_384, True, False),
        ("o3-mini", 200_000, 100_000, False, True),
        ("gemini-2.5-flash", 1_048_576, 65_536, True, True),
        ("gemini-3.1-pro-preview", 1_048_576, 65_536, True, True),
        ("deepseek-chat", 131_072, 8_192, False, False),
    ],
)
def test_the_catalog_knows_current_families(
    model: str, context: int, output: int, images: bool, reasoning: bool
) -> None:
    known = built_in(model)
    assert (known.context, known.max_output, known.images, known.reasoning) == (context, output, images, reasoning)


@pytest.mark.parametrize(
    "model", ["llama3.2-vision", "meta-llama/Llama-3.2-90B-Vision-Instruct", "us.meta.llama3-2-11b-instruct-v1:0"]
)
def test_models_that_see_are_not_taken_for_their_blind_sisters(model: str) -> None:
    assert built_in(model).images is True
    assert built_in("llama3.3").images is False


def test_more_special_names_stand_before_those_that_they_begin_with() -> None:
    names = [name for name, _ in CATALOG]
    hidden = [
        (later, earlier) for place, later in enumerate(names) for earlier in names[:place] if later.startswith(earlier)
    ]
    assert hidden == []


def test_of_an_unknown_model_nothing_is_known_so_nothing_is_lacking() -> None:
    assert built_in("my-own-model") == Model()
    assert lack(facts({**IMAGE, **TOOLS}), Model(), never) == ""
    assert shortcoming(facts({"reasoning_effort": "high", "max_tokens": 10**9}), Model()) == ""


def test_the_manifest_says_more_than_the_catalog_and_less_is_taken_from_it() -> None:
    known = Capabilities({"up": {"gpt-4o": Model(context=1000, images=False)}})
    assert known.of("up", "gpt-4o") == joined(Model(context=1000, images=False), built_in("gpt-4o"))
    assert (known.of("up", "gpt-4o").context, known.of("up", "gpt-4o").images) == (1000, False)
    assert known.of("up", "gpt-4o").tools is True
    assert known.of("other", "gpt-4o") == built_in("gpt-4o")


def test_what_is_remembered_is_bounded() -> None:
    known = Capabilities({})
    for number in range(MAX_KNOWN + 5):
        known.of("up", f"m{number}")
    assert len(known) == MAX_KNOWN


def test_what_cannot_be_carried_is_named() -> None:
    assert lack(facts(TOOLS), Model(tools=False), never) == "calls no tools"
    assert lack(facts(IMAGE), Model(images=False), never) == "sees no images"
    assert lack(facts({}), Model(tools=False, images=False), never) == ""


def test_a_request_is_measured_only_if_it_may_be_too_long() -> None:
    long = facts({"messages": [{"role": "user", "content": "word " * 1000}]})
    assert lack(long, Model(context=int(len(long.asked.body) / SMALLEST_TOKEN) + 1), never) == ""
    assert lack(long, Model(context=1000), lambda: 1300) == ("has room for 1000 tokens, and the request has about 1300")
    assert lack(long, Model(context=1000), lambda: 1000) == ""


def test_an_estimate_alone_refuses_nothing_that_may_just_fit() -> None:
    long = facts({"messages": [{"role": "user", "content": "word " * 1000}]})
    assert lack(long, Model(context=1000), lambda: 1300, excess=EXCESS) == ""
    assert lack(long, Model(context=1000), lambda: 1501, excess=EXCESS) != ""


def test_what_is_left_undone_is_named() -> None:
    thinks = facts({"thinking": {"type": "adaptive"}, "max_tokens": 9000}, MESSAGES)
    assert shortcoming(thinks, Model(reasoning=False)) == "does not think"
    assert shortcoming(thinks, Model(max_output=8192)) == "writes at most 8192 tokens"
    assert shortcoming(thinks, Model(max_output=9000, reasoning=True)) == ""
    schema = facts({"response_format": {"type": "json_schema"}})
    assert shortcoming(schema, Model(structured=False)) == "keeps to no schema"


@given(st.text(max_size=60))
def test_any_name_is_looked_up(name: str) -> None:
    assert isinstance(built_in(name), Model)
