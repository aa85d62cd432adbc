"""What one model call turned out to be: written to its access line, counted by the meter, told to the session.

Usage comes when the answer ends, for a stream with its last bytes. A price nobody knows is null, never 0.
Above: `relay`. Below: `meter`.
"""

from collections.abc import Callable
from functools import lru_cache

from ..core.call import Call, Header, Record
from ..core.clock import Clock
from .attempts import Miss, Won
from .meter import ModelMeter
from .neutral import Usage
from .providers import Provider
from .usage import UNKNOWN, Told
from .values import Decision, Failure, Target

Price = Callable[[str, str, Usage], float | None]
"""`(provider, model, usage)` in US dollars; None if nobody knows."""

OTHER = "other"
MAX_REASON = 300
"""Characters of `x-fedgate-reason`."""
MAX_DROPPED = 1000
"""Characters of `x-fedgate-dropped`."""
MAX_KEPT = 256
"""Sets of headers that are kept: most answers say what others have said."""


Spent = Callable[[Call, str, Usage, float | None], None]
"""`(call, target, usage, usd)`: for who keeps accounts of sessions, keys and budgets."""


def no_price(_provider: str, _model: str, _usage: Usage) -> float | None:
    return None


def no_account(_call: Call, _target: str, _usage: Usage, _usd: float | None) -> None:
    pass


class Ledger:
    """For all calls."""

    def __init__(self, clock: Clock, meter: ModelMeter, price: Price = no_price, spent: Spent = no_account) -> None:
        self._clock = clock
        self._meter = meter
        self._price = price
        self._spent = spent

    def chosen(self, record: Record, decision: Decision, won: Won[object]) -> tuple[Header, ...]:
        """A target answers: the line says so; the headers for the caller."""
        return self._note(record, decision, won.target, won.provider, won.model, won.misses)

    def failed(
        self, record: Record, decision: Decision, providers: dict[str, Provider], model: str, misses: list[Miss]
    ) -> tuple[Header, ...]:
        """No target answered: the last one is to blame."""
        miss = misses[-1]
        provider = providers[miss.target.provider]
        name = miss.target.model or model
        headers = self._note(record, decision, miss.target, provider, name, misses)
        record.error = f"{miss.failure.reason}: {miss.failure.message}"[:200]
        if record.operation != "count_tokens":
            label = label_of(miss.target, provider, name)
            seconds = self._clock.monotonic() - record.started
            self._meter.request(label, provider.name, miss.failure.status, seconds, record.operation)
        return headers

    def _note(
        self, record: Record, decision: Decision, target: Target, provider: Provider, model: str, misses: list[Miss]
    ) -> tuple[Header, ...]:
        record.endpoint = provider.endpoint
        record.target = f"{provider.name}/{model}"
        reason = reason_of(decision, misses)
        record.fields["gen_ai.provider.name"] = provider.genai_name
        record.fields["reason"] = reason
        if misses and misses[0].target is not target:
            record.fields["fallback"] = f"{misses[0].target.label} -> {target.label}"
        return _headers(decision.route, record.target, reason)

    def answered(self, call: Call, won: Won[object], told: Told, status: int, failure: Failure | None = None) -> None:
        """The answer is over."""
        record = call.record
        fields = record.fields
        usage = told.usage
        if told.model:
            fields["gen_ai.response.model"] = told.model
        if failure is not None:
            record.error = f"{failure.reason}: {failure.message}"[:200]
            self._meter.error(failure.reason, won.provider.name)
        label = label_of(won.target, won.provider, won.model)
        seconds = self._clock.monotonic() - record.started
        self._meter.request(label, won.provider.name, failure.status if failure else status, seconds, record.operation)
        if record.operation != "count_tokens":
            self._account(call, won, label, usage)

    def _account(self, call: Call, won: Won[object], label: str, usage: Usage) -> None:
        fields = call.record.fields
        usd = None if usage == UNKNOWN else self._price(won.provider.name, won.model, usage)
        if usage.input is not None:
            fields["gen_ai.usage.input_tokens"] = usage.input
        if usage.output is not None:
            fields["gen_ai.usage.output_tokens"] = usage.output
        if usage.cache_read:
            fields["gen_ai.usage.cache_read.input_tokens"] = usage.cache_read
        if usage.cache_write:
            fields["gen_ai.usage.cache_creation.input_tokens"] = usage.cache_write
        if usage.reasoning:
            fields["gen_ai.usage.reasoning.output_tokens"] = usage.reasoning
        fields["cost_usd"] = usd
        self._meter.tokens(label, won.provider.name, call.record.operation, usage)
        self._meter.cost(label, won.provider.name, usd)
        self._spent(call, call.record.target, usage, usd)

    def streamed(self, call: Call, won: Won[object], told: Told, content_at: float | None) -> None:
        """How fast a stream came."""
        if content_at is None:
            return
        label = label_of(won.target, won.provider, won.model)
        self._meter.first_token(label, won.provider.name, content_at - call.record.started)
        written = told.usage.output or 0
        if written > 1:
            rest = self._clock.monotonic() - content_at
            self._meter.per_token(label, won.provider.name, rest / (written - 1))


@lru_cache(MAX_KEPT)
def _headers(route: str, target: str, reason: str) -> tuple[Header, ...]:
    return (
        (b"x-fedgate-route", header_text(route)),
        (b"x-fedgate-target", header_text(target)),
        (b"x-fedgate-reason", header_text(reason)),
    )


def label_of(target: Target, provider: Provider, model: str) -> str:
    """A model's name as a metric label: one of the manifest's."""
    return model if target.model or model in provider.models else OTHER


def reason_of(decision: Decision, misses: list[Miss]) -> str:
    """`fallback: primary`, or `fallback; anthropic/claude: 529, skipped local/llama (breaker open)`."""
    if misses:
        return f"{decision.reason}; {', '.join(map(_missed, misses))}"[:MAX_REASON]
    return (f"{decision.reason}: {decision.first}" if decision.first else decision.reason)[:MAX_REASON]


def _missed(miss: Miss) -> str:
    label, failure = miss.target.label, miss.failure
    return f"skipped {label} ({failure.skipped})" if failure.skipped else f"{label}: {failure.reason}"


def dropped_header(dropped: tuple[str, ...]) -> tuple[Header, ...]:
    """Features that a translation could not carry; none, no header."""
    return ((b"x-fedgate-dropped", header_text(", ".join(dropped)[:MAX_DROPPED])),) if dropped else ()


def header_text(text: str) -> bytes:
    if text.isascii() and text.isprintable():
        return text.encode()
    return "".join(char if " " <= char <= "~" else "?" for char in text).encode()
