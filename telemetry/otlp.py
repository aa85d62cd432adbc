"""Spans to a collector by OTLP over HTTP, from a thread of its own: a collector that hangs holds nothing up.

`put` is called on the event loop: it neither blocks nor raises. At capacity the newest spans are dropped and counted;
so is a batch that the collector does not take. Only this module imports OpenTelemetry, when it is made. Above:
`traces.py`. Below: the official exporter.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .spans import Span

log = logging.getLogger("fedgate.traces")

CAPACITY = 8192
"""Spans that wait."""
BATCH = 512
LINGER = 0.5
"""Seconds that the first span of a batch waits for company."""
TIMEOUT = 10.0
"""Seconds for one batch, its repetitions included."""
CLOSE = 2.0
"""Seconds for what waits at shutdown."""

Send = Callable[[Sequence[Span]], bool]
"""Sends a batch, in the thread; whether it was taken."""


class Exporter:
    """Owns a daemon thread from construction to `close`."""

    def __init__(
        self, send: Send, *, capacity: int = CAPACITY, linger: float = LINGER, stop: Callable[[], None] | None = None
    ) -> None:
        self._send = send
        self._stop = stop
        self._capacity = capacity
        self._linger = linger
        self._spans: deque[Span] = deque()
        self._wake = threading.Event()
        self._closing = threading.Event()
        # One counter for each thread: an int's += is not atomic.
        self._refused = 0
        self._lost = 0
        self._sending = 0
        self._failing = False
        self._thread = threading.Thread(target=self._run, name="fedgate-traces", daemon=True)
        self._thread.start()

    @property
    def dropped(self) -> int:
        """Spans that no collector will ever have."""
        return self._refused + self._lost

    def put(self, spans: Sequence[Span]) -> None:
        if len(self._spans) + len(spans) > self._capacity or self._closing.is_set():
            self._refused += len(spans)
            return
        self._spans.extend(spans)
        if not self._wake.is_set():
            self._wake.set()

    def close(self, timeout: float = CLOSE) -> None:
        """Send what waits, within `timeout` seconds; the rest is counted as dropped. Blocks; safe to call twice."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)
        if self._thread.is_alive():
            self._refused += len(self._spans) + self._sending
            self._spans.clear()
            if self._stop is not None:
                self._stop()

    def _run(self) -> None:
        while not self._closing.is_set() or self._spans:
            self._wake.wait()
            self._closing.wait(self._linger)
            self._wake.clear()
            self._drain()

    def _drain(self) -> None:
        while self._spans:
            batch = [self._spans.popleft() for _ in range(min(len(self._spans), BATCH))]
            self._sending = len(batch)
            taken = self._send(batch)
            self._sending = 0
            if not taken:
                self._lost += len(batch)
            if taken is self._failing:
                log.log(*_news(taken))
                self._failing = not taken


def _news(taken: bool) -> tuple[int, str]:
    if taken:
        return logging.INFO, "the collector takes traces again"
    return logging.WARNING, "the collector of telemetry.traces.otlp takes no traces; they are dropped meanwhile"


def exporter(url: str, headers: Mapping[str, str], version: str) -> Exporter:
    """Of the collector at `url`. Imports OpenTelemetry, which takes a while: at start, not at a request."""
    import requests
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import SpanExportResult

    session = requests.Session()
    session.trust_env = False  # a .netrc must not add credentials, nor a proxy of the environment take them
    address = f"{url.rstrip('/')}/v1/traces"
    official = OTLPSpanExporter(address, headers=dict(headers), timeout=TIMEOUT, session=session)
    resource = Resource.create({"service.name": "fedgate", "service.version": version})

    def send(batch: Sequence[Span]) -> bool:
        return official.export([readable(span, resource) for span in batch]) is SpanExportResult.SUCCESS

    return Exporter(send, stop=official.shutdown)


def readable(span: Span, resource: Any) -> Any:
    """The SDK's form of a span."""
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope
    from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags
    from opentelemetry.trace.span import TraceState

    flags, state = TraceFlags(TraceFlags.SAMPLED), TraceState.from_header([span.state]) if span.state else None

    def context(span_id: str, *, remote: bool) -> Any:
        return SpanContext(int(span.trace_id, 16), int(span_id, 16), remote, flags, state)

    return ReadableSpan(
        span.name,
        context=context(span.span_id, remote=False),
        parent=context(span.parent, remote=span.server) if span.parent else None,
        resource=resource,
        attributes=span.attributes,
        kind=SpanKind.SERVER if span.server else SpanKind.CLIENT,
        status=Status(StatusCode.ERROR, span.error) if span.error else Status(),
        start_time=span.started,
        end_time=span.ended,
        instrumentation_scope=InstrumentationScope("fedgate"),
    )
