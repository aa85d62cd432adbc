"""Spans on their way to a collector: in batches, off the loop, and never longer than the gateway can wait."""

import threading
from collections.abc import Sequence

from fedgate.telemetry.otlp import BATCH, Exporter, readable
from fedgate.telemetry.spans import Span

WAIT = 10.0
SPAN = Span("tools/call add", False, "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", "a=1", 5, 7, {"x": 1})


class Collector:
    """`gate`: it takes nothing before that is set."""

    def __init__(self, gate: threading.Event | None = None, takes: bool = True) -> None:
        self.batches: list[int] = []
        self.began = threading.Event()
        self.gate = gate
        self.takes = takes

    def __call__(self, batch: Sequence[Span]) -> bool:
        self.began.set()
        if self.gate is not None:
            assert self.gate.wait(WAIT)
        self.batches.append(len(batch))
        return self.takes


def test_everything_is_sent_before_the_end() -> None:
    collector = Collector()
    exporter = Exporter(collector, linger=WAIT)
    exporter.put([SPAN] * (BATCH + 1))
    exporter.close(WAIT)
    assert collector.batches == [BATCH, 1]
    assert exporter.dropped == 0


def test_what_does_not_fit_is_dropped_and_counted() -> None:
    gate = threading.Event()
    collector = Collector(gate)
    exporter = Exporter(collector, capacity=3, linger=0.0)
    exporter.put([SPAN])
    assert collector.began.wait(WAIT)
    exporter.put([SPAN] * 3)
    exporter.put([SPAN])
    assert exporter.dropped == 1
    gate.set()
    exporter.close(WAIT)
    assert (collector.batches, exporter.dropped) == ([1, 3], 1)
    exporter.put([SPAN])
    assert exporter.dropped == 2


def test_a_collector_that_hangs_is_left_behind_and_what_it_did_not_take_is_counted() -> None:
    gate, stopped = threading.Event(), threading.Event()
    collector = Collector(gate)
    exporter = Exporter(collector, linger=0.0, stop=stopped.set)
    exporter.put([SPAN, SPAN])
    assert collector.began.wait(WAIT)
    exporter.put([SPAN])
    exporter.close(0.01)
    assert (exporter.dropped, stopped.is_set()) == (3, True)
    gate.set()
    exporter.close(WAIT)


def test_a_batch_that_is_refused_is_lost() -> None:
    exporter = Exporter(Collector(takes=False), linger=0.0)
    exporter.put([SPAN, SPAN])
    exporter.close(WAIT)
    assert exporter.dropped == 2


def test_the_sdk_is_given_a_span_as_it_is() -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.trace import SpanKind

    made = readable(SPAN, Resource({}))
    assert (made.name, made.kind, made.start_time, made.end_time) == ("tools/call add", SpanKind.CLIENT, 5, 7)
    assert made.context.trace_id == int(SPAN.trace_id, 16)
    assert (made.parent, made.context.trace_state.get("a"), dict(made.attributes)) == (None, "1", {"x": 1})
