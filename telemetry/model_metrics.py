"""What is counted of models: the seeds' `llm_*`, the conventions' `gen_ai_*`, and ours. The meter of the LLM part.

It implements that part's port, which it must not import. Models and providers are those of the manifest, or `other`.
Names of the conventions are those of OpenTelemetry 1.41 in Prometheus' spelling. Above: `metrics.py`. Below: the
registry.
"""

from collections.abc import Iterator
from typing import Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily

from .children import CAP, Count, Exposed, Spread, counters, histograms
from .readings import Reading, Tallies

SECONDS = tuple(0.01 * 2**power for power in range(14))
"""The conventions' buckets of durations: 10 ms to 82 s."""
TOKENS = tuple(float(4**power) for power in range(14))
"""The conventions' buckets of token counts: 1 to 67 million."""
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
PER_TOKEN = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)

STATES = {"closed": 0.0, "half_open": 1.0, "open": 2.0}
"""Breakers as numbers, so that a rule can ask for more than zero."""

_MODEL = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")


class Used(Protocol):
    """What one request cost in tokens; what nobody knows is `None`."""

    @property
    def input(self) -> int | None: ...
    @property
    def output(self) -> int | None: ...
    @property
    def cache_read(self) -> int | None: ...
    @property
    def cache_write(self) -> int | None: ...
    @property
    def reasoning(self) -> int | None: ...


class Upstreams(Protocol):
    """Who counts exchanges with upstreams of every kind."""

    def upstream(self, kind: str, name: str, seconds: float) -> None: ...


class ModelMetrics:
    """For all models."""

    def __init__(self, registry: CollectorRegistry, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._seed(registry)
        self._conventions(registry)
        self._ours(registry)

    def _seed(self, registry: CollectorRegistry) -> None:
        whose = ("model", "provider")
        self._durations = histograms(
            registry, "llm_request_duration_seconds", "Requests of callers", SECONDS, *whose
        ).children
        self._firsts = histograms(
            registry, "llm_time_to_first_token_seconds", "Until the first token of a stream", FIRST_TOKEN, *whose
        ).children
        self._requests = counters(registry, "llm_requests_total", "Requests of callers", *whose, "status").children
        self._tokens = counters(registry, "llm_tokens_total", "Tokens", "direction").children
        self._cost = counters(registry, "llm_cost_usd_total", "Cost in US dollars, as far as it is known").children[()]
        self._errors = counters(registry, "llm_errors_total", "Attempts that failed", "error_type", "provider").children
        self._hits = counters(registry, "llm_cache_hits_total", "Requests served from the cache").children[()]
        self._looked = 0
        self._found = 0
        self._ratio = Reading(GaugeMetricFamily, "llm_cache_hit_ratio", "Of requests that might be in the cache")
        self._ratio.source(lambda: self._found / self._looked if self._looked else 0.0)
        registry.register(self._ratio)
        self._blocks = counters(
            registry, "llm_guardrail_blocks_total", "Requests and answers that were blocked"
        ).children[()]

    def _conventions(self, registry: CollectorRegistry) -> None:
        self._usage = histograms(
            registry, "gen_ai_client_token_usage", "Tokens of one request", TOKENS, "gen_ai_token_type", *_MODEL
        )
        self._operations = histograms(
            registry, "gen_ai_client_operation_duration_seconds", "Requests of callers", SECONDS, *_MODEL, "error_type"
        )
        server = _MODEL[1:]
        self._server_first = histograms(
            registry,
            "gen_ai_server_time_to_first_token_seconds",
            "Until the first token of a stream",
            FIRST_TOKEN,
            *server,
        )
        self._server_each = histograms(
            registry,
            "gen_ai_server_time_per_output_token_seconds",
            "For each token after the first of a stream",
            PER_TOKEN,
            *server,
        )

    def _ours(self, registry: CollectorRegistry) -> None:
        self._costs = counters(
            registry, "gen_ai_client_cost_usd_total", "Cost in US dollars, as far as it is known", *_MODEL[1:]
        )
        self._cached = counters(
            registry, "fedgate_model_cached_tokens_total", "Tokens of prompts that providers cached", "kind", "model"
        ).children
        self._retries = counters(
            registry, "fedgate_retries_total", "Attempts at a target that was asked before", "provider", "reason"
        ).children
        self._fallbacks = counters(
            registry, "fedgate_fallbacks_total", "Targets that stood in for another", "from", "to", "reason"
        ).children
        self._unknown = counters(
            registry, "fedgate_price_unknown_total", "Answers that nobody can price", "model"
        ).children
        self._breakers: dict[tuple[str, str], float] = {}
        breakers = Tallies(
            "fedgate_breaker_state", "0: closed, 1: half open, 2: open; since it changed", ("provider", "model"), CAP
        )
        breakers.source(self._states)
        registry.register(breakers)

    def _states(self) -> Iterator[tuple[tuple[str, str], float]]:
        yield from list(self._breakers.items())

    # The port.

    def request(self, model: str, provider: str, status: int, seconds: float, operation: str = "chat") -> None:
        """One request of a caller is over, for which this target answered or failed last. Streams: at their end."""
        self._requests[model, provider, str(status)].inc()
        self._durations[model, provider].observe(seconds)
        error = str(status) if status >= 400 else ""
        self._operations.children[operation, provider, model, error].observe(seconds)

    def tokens(self, model: str, provider: str, operation: str, usage: Used) -> None:
        if usage.input is not None:
            self._tokens["input",].inc(usage.input)
            self._usage.children["input", operation, provider, model].observe(usage.input)
        if usage.output is not None:
            self._tokens["output",].inc(usage.output)
            self._usage.children["output", operation, provider, model].observe(usage.output)
        if usage.cache_read:
            self._cached["read", model].inc(usage.cache_read)
        if usage.cache_write:
            self._cached["write", model].inc(usage.cache_write)

    def first_token(self, model: str, provider: str, seconds: float) -> None:
        self._firsts[model, provider].observe(seconds)
        self._server_first.children[provider, model].observe(seconds)

    def per_token(self, model: str, provider: str, seconds: float) -> None:
        self._server_each.children[provider, model].observe(seconds)

    def cost(self, model: str, provider: str, usd: float | None) -> None:
        if usd is None:
            self._unknown[model,].inc()
        else:
            self._cost.inc(usd)
            self._costs.children[provider, model].inc(usd)

    def error(self, error_type: str, provider: str) -> None:
        self._errors[error_type, provider].inc()

    def retry(self, provider: str, reason: str) -> None:
        self._retries[provider, reason].inc()

    def fallback(self, from_: str, to: str, reason: str) -> None:
        self._fallbacks[from_, to, reason].inc()

    def breaker(self, provider: str, model: str, state: str) -> None:
        key = (provider, model)
        if key in self._breakers or len(self._breakers) < CAP:
            self._breakers[key] = STATES.get(state, 0.0)

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        self._upstreams.upstream(kind, name, seconds)

    # Of stages, which look before a model is asked.

    def looked_up(self, *, hit: bool) -> None:
        """The cache was asked for an answer."""
        self._looked += 1
        if hit:
            self._found += 1
            self._hits.inc()

    def blocked(self) -> None:
        """A guardrail stopped a request or an answer."""
        self._blocks.inc()

    @property
    def histograms(self) -> dict[str, Exposed[Spread]]:
        """Families that other names repeat, by their own."""
        return {
            "gen_ai_client_token_usage": self._usage,
            "gen_ai_client_operation_duration": self._operations,
            "gen_ai_server_time_to_first_token": self._server_first,
            "gen_ai_server_time_per_output_token": self._server_each,
        }

    @property
    def costs(self) -> Exposed[Count]:
        return self._costs
