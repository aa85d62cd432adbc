"""What is counted of models, and that no label runs away."""

from prometheus_client import CollectorRegistry

from fedgate.llm.meter import ModelMeter
from fedgate.llm.neutral import Usage
from fedgate.telemetry.children import CAP
from fedgate.telemetry.metrics import Metrics
from fedgate.telemetry.model_metrics import SECONDS, TOKENS, ModelMetrics


class Upstreams:
    def __init__(self) -> None:
        self.seen: list[tuple[str, str, float]] = []

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        self.seen.append((kind, name, seconds))


def test_it_is_the_meter_that_the_llm_part_asks_for() -> None:
    meter: ModelMeter = Metrics("1").models
    meter.upstream("llm", "local", 0.1)


def test_the_buckets_are_those_of_the_conventions() -> None:
    assert (TOKENS[0], TOKENS[1], TOKENS[-1], len(TOKENS)) == (1, 4, 67108864, 14)
    assert (SECONDS[0], SECONDS[1], SECONDS[-1], len(SECONDS)) == (0.01, 0.02, 81.92, 14)


def test_breakers_prices_retries_and_fallbacks_are_told() -> None:
    registry, upstreams = CollectorRegistry(), Upstreams()
    models = ModelMetrics(registry, upstreams)
    read = registry.get_sample_value
    models.breaker("local", "llama", "open")
    assert read("fedgate_breaker_state", {"provider": "local", "model": "llama"}) == 2
    models.breaker("local", "llama", "half_open")
    assert read("fedgate_breaker_state", {"provider": "local", "model": "llama"}) == 1
    models.breaker("local", "llama", "closed")
    assert read("fedgate_breaker_state", {"provider": "local", "model": "llama"}) == 0
    models.cost("llama", "local", None)
    assert read("fedgate_price_unknown_total", {"model": "llama"}) == 1
    assert read("llm_cost_usd_total") == 0
    models.retry("local", "503")
    assert read("fedgate_retries_total", {"provider": "local", "reason": "503"}) == 1
    models.fallback("a/x", "b/y", "timeout")
    assert read("fedgate_fallbacks_total", {"from": "a/x", "to": "b/y", "reason": "timeout"}) == 1
    models.upstream("llm", "local", 0.5)
    assert upstreams.seen == [("llm", "local", 0.5)]


def test_what_nobody_knows_is_not_counted_as_nothing() -> None:
    registry = CollectorRegistry()
    models = ModelMetrics(registry, Upstreams())
    models.tokens("llama", "local", "embeddings", Usage(input=7))
    labels = {"gen_ai_operation_name": "embeddings", "gen_ai_provider_name": "local", "gen_ai_request_model": "llama"}
    read = registry.get_sample_value
    assert read("gen_ai_client_token_usage_count", {"gen_ai_token_type": "input", **labels}) == 1
    assert read("gen_ai_client_token_usage_count", {"gen_ai_token_type": "output", **labels}) is None
    assert read("llm_tokens_total", {"direction": "output"}) is None


def test_a_failure_is_an_error_of_its_status_in_the_conventions_words() -> None:
    registry = CollectorRegistry()
    ModelMetrics(registry, Upstreams()).request("llama", "local", 529, 1.0, "chat")
    labels = {"gen_ai_operation_name": "chat", "gen_ai_provider_name": "local", "gen_ai_request_model": "llama"}
    name = "gen_ai_client_operation_duration_seconds_count"
    assert registry.get_sample_value(name, {**labels, "error_type": "529"}) == 1


def test_more_models_than_the_cap_are_others() -> None:
    registry = CollectorRegistry()
    models = ModelMetrics(registry, Upstreams())
    for number in range(CAP + 5):
        models.cost(f"m{number}", "local", None)
        models.breaker("local", f"m{number}", "open")
    assert registry.get_sample_value("fedgate_price_unknown_total", {"model": "other"}) == 5
    series = [
        sample for family in registry.collect() if family.name == "fedgate_breaker_state" for sample in family.samples
    ]
    assert len(series) == CAP
