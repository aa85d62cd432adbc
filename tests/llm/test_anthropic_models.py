import pytest

from fedgate.llm.anthropic_models import IMITATION, Abilities, abilities_of

OLD = Abilities(both=False)
NEW = Abilities(adaptive=True, budget=False, effort=True, sampling=False, both=False)


@pytest.mark.parametrize(
    "model",
    [
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        "claude-haiku-4-5@20251001",
        "claude-opus-4-1-20250805",
        "anthropic/claude-4.5-sonnet",
    ],
)
def test_every_spelling_of_an_older_model_is_known(model: str) -> None:
    assert abilities_of(model) == OLD


@pytest.mark.parametrize("model", ["claude-3-5-haiku-20241022", "claude-3-opus-20240229", "claude-opus-4-20250514"])
def test_the_oldest_take_all_sampling(model: str) -> None:
    assert abilities_of(model) == Abilities()


def test_each_generation_takes_what_it_brought() -> None:
    assert abilities_of("claude-opus-4-5") == Abilities(effort=True, both=False)
    assert abilities_of("claude-opus-4-6") == Abilities(adaptive=True, effort=True, both=False)
    assert abilities_of("claude-opus-4-7") == Abilities(
        adaptive=True, budget=False, off=False, effort=True, sampling=False, both=False
    )
    assert abilities_of("claude-sonnet-5") == NEW
    assert abilities_of("claude-opus-5-5").inline_system
    assert not abilities_of("claude-fable-5-1").off
    assert not abilities_of("claude-mythos-preview").budget


@pytest.mark.parametrize("model", ["kimi-k2", "deepseek-chat", "", "claude"])
def test_a_stranger_imitates_the_api_as_it_was(model: str) -> None:
    assert abilities_of(model) == IMITATION
