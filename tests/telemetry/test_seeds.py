"""The names of the articles that the project grew from: what they show, `/metrics` and the access line have."""

import json
import re
from typing import Any

from prometheus_client.parser import text_string_to_metric_families as prometheus

from fedgate.core.call import Principal, Record, Request
from fedgate.llm.neutral import Usage
from fedgate.telemetry.lines import Ended, Place, json_access_line, logfmt_line
from fedgate.telemetry.metrics import Metrics

SEED_000 = """
agentgateway_gen_ai_client_token_usage_sum - Total Tokens
agentgateway_gen_ai_client_token_usage_count - Number of requests
agentgateway_gen_ai_client_token_usage_bucket - Tracks the distribution of token usage across different ranges.
agentgateway_build_info - Build/version information
"""
SEED_003 = """
  'llm_request_duration_seconds': Histogram,
  'llm_time_to_first_token_seconds': Histogram,
  'llm_requests_total': Counter,  // labels: model, provider, status
  'llm_tokens_total': Counter,    // labels: direction (input/output)
  'llm_cost_usd_total': Counter,
  'llm_errors_total': Counter,    // labels: error_type, provider
  'llm_cache_hits_total': Counter,
  'llm_cache_hit_ratio': Gauge,
  'llm_guardrail_blocks_total': Counter,
"""
SEED_002 = (
    "request gateway=kgateway-system/agentgateway listener=http route=kgateway-system/claude "
    "endpoint=api.anthropic.com:443 src.addr=192.168.46.17:29426 http.method=POST http.host=elb.example "
    "http.path=/anthropic/chat/completions http.version=HTTP/1.1 http.status=200 protocol=llm "
    "gen_ai.operation.name=chat gen_ai.provider.name=anthropic gen_ai.request.model=claude-3-5-haiku-latest "
    "gen_ai.response.model=claude-3-5-haiku-20241022 gen_ai.usage.input_tokens=183 gen_ai.usage.output_tokens=240 "
    "duration=4797ms"
)
SEED_003_LINE = """{
  "timestamp": "2025-01-15T10:30:00Z",
  "request_id": "req-abc123",
  "user_id": "user-456",
  "model": "claude-sonnet-4-20250514",
  "provider": "anthropic",
  "input_tokens": 1500,
  "output_tokens": 500,
  "latency_ms": 2340,
  "cost_usd": 0.012,
  "cache_hit": false,
  "guardrails_triggered": [],
  "status": "success"
}"""


async def no_body() -> bytes:
    return b""


def used() -> Metrics:
    """After one call that streamed, one that failed, one that was in the cache and one that a guardrail stopped."""
    metrics = Metrics("1.2.3", ("agentgateway",))
    models = metrics.models
    models.request("claude", "anthropic", 200, 2.0)
    models.tokens("claude", "anthropic", "chat", Usage(1500, 500, cache_read=1000))
    models.first_token("claude", "anthropic", 0.4)
    models.per_token("claude", "anthropic", 0.02)
    models.cost("claude", "anthropic", 0.012)
    models.error("429", "anthropic")
    models.looked_up(hit=True)
    models.looked_up(hit=False)
    models.blocked()
    return metrics


def families(metrics: Metrics) -> dict[str, Any]:
    return {family.name: family for family in prometheus(metrics.render()[0].decode())}


def test_the_metrics_of_the_production_article_are_there_with_type_and_labels() -> None:
    found = families(used())
    lines = re.findall(r"'(\w+)': (\w+),(?:\s+// labels: (.*))?", SEED_003)
    assert len(lines) == 9
    for name, kind, labels in lines:
        family = found[name.removesuffix("_total")]
        assert family.type == kind.lower()
        if labels:
            wanted = set(re.findall(r"\w+", labels.partition("(")[0]))
            assert {frozenset(sample.labels) for sample in family.samples} == {frozenset(wanted)}


def test_they_say_what_happened() -> None:
    registry = used().registry
    read = registry.get_sample_value
    assert read("llm_requests_total", {"model": "claude", "provider": "anthropic", "status": "200"}) == 1
    assert read("llm_tokens_total", {"direction": "input"}) == 1500
    assert read("llm_tokens_total", {"direction": "output"}) == 500
    assert read("llm_cost_usd_total") == 0.012
    assert read("llm_cache_hits_total") == 1
    assert read("llm_cache_hit_ratio") == 0.5
    assert read("llm_guardrail_blocks_total") == 1
    assert read("llm_errors_total", {"error_type": "429", "provider": "anthropic"}) == 1


def test_the_metrics_of_the_cluster_article_are_there_where_its_names_are_asked_for() -> None:
    text = used().render()[0].decode()
    for name in re.findall(r"^(\w+) - ", SEED_000, re.MULTILINE):
        assert re.search(rf"^{name}\{{", text, re.MULTILINE), name
    assert 'gen_ai_system="anthropic"' in text
    assert "agentgateway_" not in Metrics("1.2.3").render()[0].decode()


def test_an_alias_repeats_the_numbers_of_what_it_stands_for() -> None:
    read = used().registry.get_sample_value
    labels = {"gen_ai_token_type": "input", "gen_ai_operation_name": "chat", "gen_ai_request_model": "claude"}
    own = read("gen_ai_client_token_usage_sum", {**labels, "gen_ai_provider_name": "anthropic"})
    assert own == read("agentgateway_gen_ai_client_token_usage_sum", {**labels, "gen_ai_system": "anthropic"}) == 1500


def ended() -> Ended:
    request = Request("req-1", "POST", "/anthropic/chat/completions", b"", {}, "1.2.3.4:5", "gw", "HTTP/1.1", no_body)
    record = Record(request, "llm", 0.0, route="claude", endpoint="api.anthropic.com:443", operation="chat")
    record.principal = Principal("user-456", "key")
    record.fields = {
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-3-5-haiku-latest",
        "gen_ai.response.model": "claude-3-5-haiku-20241022",
        "gen_ai.usage.input_tokens": 183,
        "gen_ai.usage.output_tokens": 240,
        "cost_usd": 0.012,
    }
    return Ended(record, "chat", 200, 4.797, 0.001, 1_700_000_000.0)


def test_the_access_line_begins_with_the_keys_of_the_cluster_article_in_their_order() -> None:
    def keys(line: str) -> list[str]:
        return [pair.partition("=")[0] for pair in line.split()]

    ours = logfmt_line(ended(), Place()).decode()
    assert keys(ours)[: len(keys(SEED_002))] == keys(SEED_002)
    assert " duration=4797ms " in ours


def test_the_json_line_has_the_keys_of_the_production_article_with_values_of_their_kind() -> None:
    wanted, ours = json.loads(SEED_003_LINE), json.loads(json_access_line(ended(), Place()))
    for key, value in wanted.items():
        kinds = (int, float) if isinstance(value, int) and not isinstance(value, bool) else type(value)
        assert isinstance(ours[key], kinds), key
