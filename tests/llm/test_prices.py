"""llm/prices.py: what answers cost. The library's own calculation is the judge."""

import warnings
from typing import Any

import pytest
from genai_prices import Usage as Theirs
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.clock import ManualClock
from fedgate.core.values import MANIFEST
from fedgate.llm.neutral import Usage
from fedgate.llm.prices import MAX_MODELS, REFRESH, Prices, Rate, Rates, Seller, seller
from fedgate.llm.provider_settings import ProviderSettings

NOON = 1_790_000_000.0
"""A moment at which nobody's prices are about to change."""

Said = dict[str, Any]
PROVIDERS: dict[str, Said] = {
    "openai": {"type": "openai", "api_key": "k"},
    "anthropic": {"type": "anthropic", "api_key": "k"},
    "google": {"type": "gemini", "api_key": "k"},
    "aws": {"type": "bedrock", "region": "us-east-1"},
    "azure": {"type": "azure", "base_url": "https://x.openai.azure.com/openai/v1"},
    "deepseek": {"type": "deepseek"},
    "x-ai": {"type": "xai"},
    "groq": {"type": "groq"},
    "mistral": {"type": "mistral"},
}
MODELS = (
    ("openai", "gpt-5"),
    ("openai", "gpt-4o-mini"),
    ("openai", "text-embedding-3-small"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-5-20251101"),
    ("anthropic", "claude-haiku-4-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("azure", "gpt-4o"),
    ("deepseek", "deepseek-chat"),
    ("x-ai", "grok-4"),
    ("groq", "llama-3.3-70b-versatile"),
    ("mistral", "mistral-large-latest"),
)


def provider(said: Said) -> ProviderSettings:
    return ProviderSettings.model_validate(said, context=MANIFEST)


def prices(clock: ManualClock | None = None, **providers: Any) -> Prices:
    return Prices({name: provider(said) for name, said in providers.items()}, clock or ManualClock(NOON))


EVERY = prices(ManualClock(NOON), **PROVIDERS)
COUNTS = st.integers(0, 2_000_000)


@given(st.sampled_from(MODELS), COUNTS, COUNTS, st.floats(0, 1), st.floats(0, 1))
def test_costs_are_those_that_the_library_computes(
    where: tuple[str, str], read: int, written: int, cached: float, kept: float
) -> None:
    name, model = where
    from_cache = int(read * cached)
    to_cache = int((read - from_cache) * kept)
    if model.startswith("text-embedding"):
        written = 0
    from datetime import UTC, datetime

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = calc_price(
            Theirs(input_tokens=read, output_tokens=written, cache_read_tokens=from_cache, cache_write_tokens=to_cache),
            model,
            provider_id=name,
            genai_request_timestamp=datetime.fromtimestamp(NOON, UTC),
        )
    ours = EVERY(name, model, Usage(read, written, from_cache, to_cache))
    assert ours == pytest.approx(float(theirs.total_price), rel=1e-9, abs=1e-12)


def test_the_manifest_comes_first() -> None:
    said = {"input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write": 1.25}
    known = prices(up={"type": "openai", "api_key": "k", "models": {"gpt-5": {"prices": said}}})
    usage = Usage(1_000_000, 1_000_000, 500_000, 100_000)
    assert known("up", "gpt-5", usage) == pytest.approx(0.4 + 2.0 + 0.05 + 0.125)
    assert known("up", "gpt-5-mini", usage) is not None
    assert known("up", "gpt-5-mini", usage) != known("up", "gpt-5", usage)


def test_what_is_not_said_of_a_cache_costs_as_much_as_anything_read() -> None:
    local = {"type": "ollama", "models": {"llama3": {"prices": {"input": 1.0, "output": 0}}}}
    assert prices(local=local)("local", "llama3", Usage(1_000_000, 5, 400_000, 100_000)) == pytest.approx(1.0)


def test_only_the_manifest_can_say_that_a_model_is_free() -> None:
    free = {"type": "ollama", "models": {"llama3": {"prices": {"input": 0, "output": 0}}}}
    known = prices(local=free)
    assert known("local", "llama3", Usage(10, 10)) == 0.0
    assert known("local", "qwen3", Usage(10, 10)) is None


@pytest.mark.parametrize(
    ("said", "model"),
    [
        ({"type": "ollama"}, "gpt-4o"),
        ({"type": "vllm"}, "llama-3.3-70b"),
        ({"type": "openai", "base_url": "http://127.0.0.1:9/v1"}, "gpt-4o"),
        ({"type": "openai", "api_key": "k"}, "no-such-model"),
        ({"type": "huggingface", "api_key": "k"}, "meta-llama/Llama-3.3-70B-Instruct"),
    ],
)
def test_what_nobody_knows_is_none_and_never_nothing(said: Said, model: str) -> None:
    assert prices(up=said)("up", model, Usage(1000, 1000)) is None
    assert prices(up=said)("elsewhere", model, Usage(1000, 1000)) is None


def test_a_model_that_is_listed_without_a_price_has_none() -> None:
    assert EVERY("google", "gemma-3", Usage(1000, 1000)) is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"type": "openai", "api_key": "k"}, Seller("openai")),
        ({"type": "openai", "base_url": "https://api.openai.com/v1"}, Seller("openai")),
        ({"type": "openai", "base_url": "http://127.0.0.1:9/v1"}, Seller()),
        ({"type": "openai", "base_url": "https://llm.example/v1"}, Seller("", "https://llm.example/v1")),
        ({"type": "anthropic", "base_url": "http://127.0.0.1:9"}, Seller("anthropic")),
        ({"type": "vertex", "project": "p"}, Seller("google")),
        ({"type": "ollama"}, Seller()),
    ],
)
def test_who_sells(said: Said, expected: Seller) -> None:
    assert seller(provider(said)) == expected


def test_a_compatible_server_is_known_by_its_address() -> None:
    by_address = prices(up={"type": "openai", "base_url": "https://api.deepseek.com/v1", "api_key": "k"})
    usage = Usage(1000, 1000)
    assert by_address("up", "deepseek-chat", usage) == EVERY("deepseek", "deepseek-chat", usage) is not None


def test_rates_are_looked_up_again_after_a_while() -> None:
    """The price of the night, then that of the day."""
    clock = ManualClock(NOON - NOON % 86_400)
    known = prices(clock, deepseek=PROVIDERS["deepseek"])
    night = known("deepseek", "deepseek-chat", Usage(1_000_000, 0))
    clock.advance(12 * 3600)
    day = known("deepseek", "deepseek-chat", Usage(1_000_000, 0))
    assert night is not None
    assert day is not None
    assert night < day
    clock.advance(REFRESH / 2)
    assert known("deepseek", "deepseek-chat", Usage(1_000_000, 0)) == day


def test_what_is_remembered_is_bounded() -> None:
    known = prices(up={"type": "openai", "api_key": "k"})
    for number in range(MAX_MODELS + 5):
        assert known("up", f"no-such-model-{number}", Usage(1, 1)) is None
    assert len(known) == MAX_MODELS


RATES = Rates(Rate(3.0, ((200_000, 6.0),)), Rate(15.0, ((200_000, 22.5),)))


@pytest.mark.parametrize(
    ("usage", "usd"),
    [
        (Usage(200_000, 1000), 0.615),
        (Usage(200_001, 1000), 1.222506),
        (Usage(1000, None), 0.003),
        (Usage(None, 1000), None),
        (Usage(), None),
        (Usage(10, 0, 50, 50), 0.0003),  # a provider that counts its cache apart: nothing is below nothing
    ],
)
def test_tiers_and_missing_counts(usage: Usage, usd: float | None) -> None:
    assert RATES.cost(usage) == (None if usd is None else pytest.approx(usd))


def test_answers_of_a_model_without_a_price_for_them_have_none() -> None:
    assert Rates(Rate(1.0)).cost(Usage(1_000_000, 1)) is None
    assert Rates(Rate(1.0)).cost(Usage(1_000_000, 0)) == 1.0
    assert Rates(Rate(1.0), Rate(1.0), request=0.005).cost(Usage(0, 0)) == 0.005


def test_without_anything_for_sale_nothing_is_loaded() -> None:
    known = prices(local={"type": "ollama"})
    known.load()
    assert known.rates("local", "llama3") is None
