"""Which trace an operation belongs to, and which of them are sent."""

import pytest

from fedgate.core.clock import ManualClock
from fedgate.telemetry.otlp import Exporter
from fedgate.telemetry.settings import TracesSettings
from fedgate.telemetry.spans import Span, Written
from fedgate.telemetry.traces import NoTraces, Traces, tracing
from tests.telemetry.operations import over, record

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
WAIT = 10.0


class Taken:
    """A collector at the port: whatever it is sent."""

    def __init__(self) -> None:
        self.spans: list[Span] = []

    def __call__(self, batch: "list[Span]") -> bool:
        self.spans += batch
        return True


def told(sample: float, headers: dict[bytes, bytes], times: int = 1) -> tuple[list[Span], list[str]]:
    """What is sent of operations with this head, and the ids of their traces in the access line."""
    clock, taken = ManualClock(), Taken()
    exporter = Exporter(lambda batch: taken(list(batch)), linger=0.0)
    traces, ids = Traces(exporter, sample, Written()), []
    for _ in range(times):
        what = record(clock, headers=headers)
        traces.began(what)
        ids.append(str(what.fields["trace.id"]))
        traces.ended(over(clock, what))
    traces.close(WAIT)
    return taken.spans, ids


def test_a_trace_begins_here_if_the_caller_names_none() -> None:
    (span,), (ident,) = told(1.0, {})
    assert (span.trace_id, span.parent) == (ident, "")
    assert len(ident) == 32


@pytest.mark.parametrize("sample", [0.0, 1.0])
def test_the_callers_decision_counts_whatever_the_manifest_says(sample: float) -> None:
    sent, ids = told(sample, {b"traceparent": f"00-{TRACE}-{SPAN}-01".encode(), b"tracestate": b"v=1"})
    assert ids == [TRACE]
    assert [(span.trace_id, span.parent, span.state) for span in sent] == [(TRACE, SPAN, "v=1")]
    sent, ids = told(sample, {b"traceparent": f"00-{TRACE}-{SPAN}-00".encode()})
    assert (sent, ids) == ([], [TRACE])


def test_so_many_of_the_traces_that_begin_here_are_sent_as_the_manifest_says() -> None:
    sent, ids = told(0.25, {}, times=2000)
    assert len(set(ids)) == 2000
    assert 380 < len(sent) < 620
    assert told(0.0, {}, times=50)[0] == []


def test_nonsense_begins_a_new_trace() -> None:
    sent, (ident,) = told(1.0, {b"traceparent": b"nonsense"})
    assert (sent[0].parent, len(ident)) == ("", 32)


def test_without_a_collector_the_callers_trace_stands_in_the_access_line_alone() -> None:
    traces = tracing(TracesSettings(), "1", plain_ids=False)
    assert isinstance(traces, NoTraces)
    clock = ManualClock()
    named = record(clock, headers={b"traceparent": f"00-{TRACE}-{SPAN}-00".encode()})
    traces.began(named)
    assert named.fields == {"trace.id": TRACE}
    silent = record(clock)
    traces.began(silent)
    assert silent.fields == {}
