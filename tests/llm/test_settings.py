"""llm/settings.py, route_settings.py, provider_settings.py: what a manifest may say of models."""

from typing import Any

import pytest
from pydantic import ValidationError

from fedgate.core.values import REFUSED, Refusal
from tests.llm.kit import manifest, settings

DESIGN: dict[str, Any] = {
    "providers": {
        "anthropic": {"type": "anthropic", "api_key": "k", "timeout": "10m", "first_byte_timeout": "60s"},
        "local": {"type": "openai", "base_url": "http://127.0.0.1:11434/v1"},
        "aws": {"type": "bedrock", "region": "us-east-1", "api_key": "k"},
    },
    "retry": {"attempts": 3, "initial": "1s", "max": "10s", "multiplier": 2, "on": [429, 500, 502, 503, 529]},
    "breaker": {"failures": 5, "reset": "60s"},
    "routes": {
        "claude": {"path": "/anthropic", "targets": [{"provider": "anthropic", "model": "claude-sonnet-4-5"}]},
        "smart": {
            "strategy": "fallback",
            "affinity": "conversation",
            "targets": [
                {"provider": "anthropic", "model": "claude-sonnet-4-5", "first_byte_timeout": "30s"},
                {"provider": "local", "model": "llama3", "on": [429, "5xx", "timeout", "refused"]},
            ],
        },
        "split": {
            "strategy": "weighted",
            "targets": [
                {"provider": "anthropic", "model": "a", "weight": 80},
                {"provider": "local", "model": "b", "weight": 20},
            ],
        },
        "auto": {
            "rules": [
                {"when": "llm.max_tokens <= 100 && !llm.has_tools", "route": "split"},
                {"when": 'llm.intent == "code"', "route": "claude"},
                {"route": "smart"},
            ]
        },
    },
    "intents": {"code": ["write code", "/implement|refactor/i"]},
}


def refused(models: dict[str, Any]) -> list[Refusal]:
    with pytest.raises(ValidationError) as caught:
        settings(models)
    found: list[Refusal] = []
    for error in caught.value.errors():
        assert error["type"] == REFUSED, error
        found += error["ctx"]["refusals"]
    return found


def test_the_designs_example_is_a_manifest() -> None:
    models = settings(DESIGN)
    smart = models.routes["smart"]
    assert smart.targets[0].first_byte_timeout == 30.0
    assert smart.targets[1].on == ("429", "5xx", "timeout", "refused")
    assert models.retry.on == (429, 500, 502, 503, 529)
    assert models.routes["auto"].rules[-1].when is None


def test_nothing_at_all_is_a_manifest_with_the_seeds_defaults() -> None:
    models = settings({})
    assert (models.retry.attempts, models.retry.initial, models.retry.max, models.retry.multiplier) == (
        3,
        1.0,
        10.0,
        2.0,
    )
    assert (models.breaker.failures, models.breaker.reset) == (5, 60.0)


def test_secrets_are_in_no_repr() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["providers"]["up"]["headers"] = {"x-secret": "hush"}
    models["providers"]["aws"] = {
        "type": "bedrock",
        "region": "us-east-1",
        "access_key_id": "AKIDHUSH",
        "secret_access_key": "hush",
        "session_token": "hush",
    }
    shown = repr(settings(models))
    assert "hush" not in shown.lower()
    assert "sk-up" not in shown


@pytest.mark.parametrize(
    "where",
    [("providers", "local"), ("routes", "smart"), ("retry",), ("breaker",), ()],
    ids=lambda where: ".".join(where) or "models",
)
def test_unknown_keys_are_errors(where: tuple[str, ...]) -> None:
    import copy

    models = copy.deepcopy(DESIGN)
    section = models
    for key in where:
        section = section[key]
    section["suprise"] = 1
    with pytest.raises(ValidationError, match="Extra inputs"):
        settings(models)


def test_a_target_of_an_unknown_provider_is_told_the_nearest_name() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"]["m"]["targets"][0]["provider"] = "upp"
    (refusal,) = refused(models)
    assert refusal.at == ("routes", "m", "targets", 0, "provider")
    assert refusal.nearest == "up"


def test_a_rule_to_an_unknown_route_is_told_the_nearest_name() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"] = {"small": models["routes"]["m"], "auto": {"rules": [{"route": "smal"}]}}
    (refusal,) = refused(models)
    assert (refusal.at, refusal.nearest) == (("routes", "auto", "rules", 0, "route"), "small")


def test_rules_that_go_round_are_refused() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"] |= {"a": {"rules": [{"route": "b"}]}, "b": {"rules": [{"route": "a"}]}}
    assert [each.at for each in refused(models)] == [("routes", "a"), ("routes", "b")]


@pytest.mark.parametrize(
    ("route", "what"),
    [
        ({}, "needs targets or rules"),
        ({"targets": [{"provider": "up"}], "rules": [{"route": "m"}]}, "has both targets and rules"),
        ({"rules": [{"route": "m"}, {"route": "m"}]}, "holds always: what follows is never reached"),
        ({"strategy": "weighted", "targets": [{"provider": "up", "weight": 0}]}, "has no target with a weight"),
        ({"targets": [{"provider": "up", "on": ["6xx"]}]}, "is not a condition"),
        ({"targets": [{"provider": "up", "on": [200]}]}, "is not a condition"),
        ({"targets": [{"provider": "up"}], "path": "anthropic"}, "is not a path"),
        ({"targets": [{"provider": "up"}], "path": "/a/../b"}, "must not have . or .. in it"),
        ({"targets": [{"provider": "up"}], "path": "/mcp/x"}, "is a path of the gateway's own"),
        ({"targets": [{"provider": "up"}], "path": "/v1"}, "is a path of the gateway's own"),
        ({"targets": [{"provider": "up"}], "aliases": ["a*b"]}, "is not a model name"),
        ({"targets": [{"provider": "up"}], "aliases": ["m"]}, "is the name of another route"),
        ({"targets": [{"provider": "up"}], "retry": {"initial": "20s"}}, "must not be shorter than initial"),
        ({"targets": [{"provider": "up"}], "retry": {"on": [200]}}, "is not a status that can be retried"),
    ],
)
def test_a_route_that_cannot_be_is_refused(route: dict[str, Any], what: str) -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"]["x"] = route
    assert [each.what for each in refused(models)] == [what]


def test_two_routes_on_one_path_are_refused_with_both_places() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    target = models["routes"]["m"]["targets"]
    models["routes"] = {"a": {"path": "/p", "targets": target}, "b": {"path": "/p", "targets": target}}
    (refusal,) = refused(models)
    assert (refusal.at, refusal.other) == (("routes", "b", "path"), ("routes", "a", "path"))


@pytest.mark.parametrize("name", ["gpt-4.1", "claude-3-5-haiku-latest", "meta/llama3:8b", "A_b"])
def test_model_names_of_every_vendor_are_route_names(name: str) -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"] = {name: models["routes"]["m"]}
    assert name in settings(models).routes


@pytest.mark.parametrize("name", ["", "a b", "-a", "a" * 129, "é"])
def test_other_names_are_none(name: str) -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"] = {name: models["routes"]["m"]}
    assert [each.what for each in refused(models)] == ["is not a model name"]


@pytest.mark.parametrize(
    ("provider", "what"),
    [
        ({"type": "bedrock"}, "needs region"),
        ({"type": "bedrock", "region": "x", "access_key_id": "a"}, "needs both access_key_id and secret_access_key"),
        (
            {"type": "bedrock", "region": "x", "api_key": "k", "access_key_id": "a", "secret_access_key": "b"},
            "has both api_key and access_key_id",
        ),
        ({"type": "openai", "region": "us-east-1"}, "means nothing to a provider of type openai"),
        ({"type": "azure"}, "needs base_url"),
        ({"type": "vertex"}, "needs project"),
        ({"type": "openai", "base_url": "http://h/v1?key=1"}, "must not carry a query"),
        ({"type": "openai", "api_key": "a\nb"}, "must be visible ASCII without spaces"),
        ({"type": "openai", "headers": {"Host": "x"}}, "is set by the gateway itself"),
    ],
)
def test_a_provider_that_cannot_be_is_refused(provider: dict[str, Any], what: str) -> None:
    assert [each.what for each in refused({"providers": {"x": provider}})] == [what]


@pytest.mark.parametrize("pattern", ["", "  ", "/(/", "/a/x", "a" * 257])
def test_an_intent_that_cannot_match_is_refused(pattern: str) -> None:
    (refusal,) = refused({"intents": {"code": [pattern]}})
    assert refusal.at == (0,)


@pytest.mark.parametrize("patterns", [[], ["a"] * 65])
def test_an_intent_has_some_patterns_and_not_too_many(patterns: list[str]) -> None:
    (refusal,) = refused({"intents": {"code": patterns}})
    assert refusal.what == "must have 1 to 64 entries"


def test_a_rule_may_match_by_plain_fields() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    match = {"max_tokens": 100, "has_tools": False, "intent": "code", "group": ["ops"], "header": {"X-Team": "core"}}
    models["routes"]["auto"] = {"rules": [{"match": match, "route": "m"}, {"route": "m"}]}
    models["intents"] = {"code": ["write code"]}
    found = settings(models).routes["auto"].rules[0].match
    assert found is not None
    assert (found.max_tokens, found.intent, found.header) == (("<=", 100), ("code",), {"x-team": ("core",)})


def test_a_rule_for_an_intent_that_is_not_there_is_refused_with_the_nearest() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"]["auto"] = {"rules": [{"match": {"intent": ["code", "cod"]}, "route": "m"}]}
    models["intents"] = {"code": ["write code"]}
    (refusal,) = refused(models)
    assert refusal.what == "is no intent of this manifest"
    assert (refusal.at, refusal.nearest) == (("routes", "auto", "rules", 0, "match", "intent", 1), "code")


def test_a_rule_with_a_match_may_stand_before_others() -> None:
    models = manifest("http://127.0.0.1:1/v1")
    models["routes"]["auto"] = {"rules": [{"match": {"stream": True}, "route": "m"}, {"route": "m"}]}
    assert len(settings(models).routes["auto"].rules) == 2


def test_expressions_are_told_with_their_places() -> None:
    models = settings(DESIGN)
    assert list(models.conditions()) == [
        (("routes", "auto", "rules", 0, "when"), "llm.max_tokens <= 100 && !llm.has_tools"),
        (("routes", "auto", "rules", 1, "when"), 'llm.intent == "code"'),
    ]
    assert list(models.patterns()) == [(("intents", "code", 1), "implement|refactor", True)]


def test_its_json_schema_can_be_printed() -> None:
    from fedgate.llm.settings import ModelsSettings

    schema = ModelsSettings.model_json_schema()
    assert {"providers", "retry", "breaker", "routes", "intents"} == set(schema["properties"])
