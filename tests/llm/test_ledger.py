"""llm/ledger.py: accounts of calls, and what a reply says of itself."""

import pytest

from fedgate.core.call import ANONYMOUS, Call, Record, Request
from fedgate.core.clock import ManualClock
from fedgate.llm.attempts import Miss, Try, Won
from fedgate.llm.breaker import Breakers, Threshold
from fedgate.llm.ledger import OTHER, Ledger, dropped_header, header_text, label_of, reason_of
from fedgate.llm.neutral import Usage
from fedgate.llm.provider_settings import ProviderSettings
from fedgate.llm.providers import Provider
from fedgate.llm.slots import Slot
from fedgate.llm.usage import Told
from fedgate.llm.values import Decision, Failure, Target
from tests.llm.kit import Counted

UP = Provider("up", ProviderSettings.model_validate({"type": "ollama", "models": {"known": {}}}))
FAILURE = Failure("status", "overloaded_error", 529, "no", 529)


async def nothing() -> bytes:
    return b""


def call() -> Call:
    request = Request("1", "POST", "/v1/chat/completions", b"", {}, "", "", "HTTP/1.1", nothing)
    return Call("llm", request, Record(request, "llm", 0.0, operation="chat"), principal=ANONYMOUS)


def won(target: Target, misses: list[Miss] | None = None) -> Won[str]:
    breaker = Breakers(ManualClock(), lambda *_: None).of("up", "m")
    slot = Slot(UP, breaker, Threshold())
    return Won("ok", Try(target, UP, target.model or "theirs", 1.0, True, slot), misses or [])


def test_tokens_and_cost_are_told_to_who_keeps_accounts() -> None:
    kept: list[tuple[str, str, Usage, float | None]] = []
    usage, meter = Usage(7, 3), Counted()
    ledger = Ledger(
        ManualClock(10.0),
        meter,
        lambda provider, model, used: 0.25 if (provider, model, used) == ("up", "m", usage) else None,
        lambda of, target, used, usd: kept.append((of.principal.id, target, used, usd)),
    )
    asked, answer = call(), won(Target("up", "m"))
    ledger.chosen(asked.record, Decision((), "only", "r"), answer)
    ledger.answered(asked, answer, Told("m-1", usage), 200)
    assert kept == [("anonymous", "up/m", usage, 0.25)]
    assert meter.of("cost") == [("m", "up", 0.25)]


def test_an_answer_that_failed_in_the_middle_counts_as_a_failure_with_what_it_had_cost() -> None:
    meter = Counted()
    ledger, asked, answer = Ledger(ManualClock(), meter), call(), won(Target("up", "m"))
    ledger.answered(asked, answer, Told("m", Usage(7)), 200, FAILURE)
    assert meter.of("request") == [("m", "up", 529)]
    assert meter.of("error") == [("529", "up")]
    assert asked.record.error == "529: no"
    assert asked.record.fields["gen_ai.usage.input_tokens"] == 7


def test_a_stream_has_a_first_token_and_a_pace() -> None:
    meter = Counted()
    ledger, answer = Ledger(ManualClock(12.0), meter), won(Target("up", "m"))
    paces: list[float] = []
    meter.per_token = lambda model, provider, seconds: paces.append(seconds)  # type: ignore[method-assign]
    ledger.streamed(call(), answer, Told("m", Usage(1, 5)), 4.0)
    ledger.streamed(call(), answer, Told("m", Usage(1, 5)), None)
    assert meter.of("first_token") == [("m", "up")]
    assert paces == [2.0]


@pytest.mark.parametrize(
    ("target", "model", "label"),
    [(Target("up", "m"), "m", "m"), (Target("up"), "known", "known"), (Target("up"), "whatever", OTHER)],
)
def test_models_that_only_a_caller_named_are_no_metric_labels(target: Target, model: str, label: str) -> None:
    assert label_of(target, UP, model) == label


def test_a_reason_names_what_failed_before() -> None:
    misses = [Miss(Target("up", "m"), FAILURE), Miss(Target("b"), Failure("timeout", "timeout_error", 504, "x"))]
    assert reason_of(Decision((), "cost"), misses) == "cost; up/m: 529, b: timeout"
    assert len(reason_of(Decision((), "x" * 9), misses * 50)) == 300


def test_headers_hold_visible_ascii_alone() -> None:
    assert header_text("a\r\nb: é") == b"a??b: ?"
    assert dropped_header(()) == ()
    assert dropped_header(("seed", "top_k")) == ((b"x-fedgate-dropped", b"seed, top_k"),)
