"""Which trace an operation belongs to, from its first moment, and its spans to the exporter at its last.

A caller that names a trace is believed, its decision to sample included; other traces begin here, and so many of
them are sent as the manifest says. Above: `gateway/observe.py`, as one of its watchers. Below: `spans.py`, `otlp.py`.
"""

import secrets
from typing import Protocol

from ..core.call import Record, Request
from ..core.trace_context import TRACEPARENT, TRACESTATE, Context, parse
from .lines import Ended
from .otlp import CLOSE, Exporter, exporter
from .settings import TracesSettings
from .spans import Written, spans

TRACE_ID = "trace.id"
"""The key of the access line."""
_HALF = 1 << 64


class Tracing(Protocol):
    """What `observe` is told of traces."""

    def began(self, record: Record) -> None: ...

    def ended(self, ended: Ended) -> None: ...

    @property
    def dropped(self) -> int: ...

    def close(self, timeout: float = CLOSE) -> None: ...


class NoTraces:
    """Sends nothing; the trace that a caller names stands in the access line all the same."""

    dropped = 0

    def began(self, record: Record) -> None:
        if TRACEPARENT in record.request.headers:
            caller = _caller(record.request)
            if caller is not None:
                record.fields[TRACE_ID] = caller.trace_id

    def ended(self, ended: Ended) -> None:
        pass

    def close(self, timeout: float = CLOSE) -> None:
        pass


class Traces:
    """`sample`: of the traces that begin here, how many are sent."""

    def __init__(self, exporter: Exporter, sample: float, written: Written) -> None:
        self._exporter = exporter
        self._below = int(sample * _HALF)
        self._written = written

    @property
    def dropped(self) -> int:
        return self._exporter.dropped

    def began(self, record: Record) -> None:
        trail = record.trail
        if trail is None:
            return
        caller = _caller(record.request)
        if caller is None:
            trace_id = secrets.token_hex(16)
            # By the id, so that everybody who samples by it comes to the same decision (trace-id ratio).
            trail.context = Context(trace_id, secrets.token_hex(8), int(trace_id[16:], 16) < self._below)
        else:
            trail.parent = caller.span_id
            trail.context = Context(caller.trace_id, secrets.token_hex(8), caller.sampled, caller.state)
        record.fields[TRACE_ID] = trail.context.trace_id

    def ended(self, ended: Ended) -> None:
        trail = ended.record.trail
        if trail is not None and trail.context is not None and trail.context.sampled:
            self._exporter.put(spans(ended, trail, self._written))

    def close(self, timeout: float = CLOSE) -> None:
        """Send what waits, within that many seconds. Blocks: not for the event loop."""
        self._exporter.close(timeout)


def tracing(settings: TracesSettings, version: str, *, plain_ids: bool) -> Tracing:
    """As the manifest says."""
    if settings.otlp is None:
        return NoTraces()
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    return Traces(exporter(settings.otlp, headers, version), settings.sample, Written(plain_ids))


def _caller(request: Request) -> Context | None:
    return parse(request.header(TRACEPARENT), request.header(TRACESTATE))
