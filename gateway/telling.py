"""How the gateway tells what it does, put together: metrics, access line, traces, payload log, live view, stories.

Above: `app.py`, which closes it last. Below: `telemetry/`.
"""

from ..core.clock import Clock
from ..telemetry.access_log import AccessLog
from ..telemetry.lines import Place
from ..telemetry.live import Live
from ..telemetry.metrics import Metrics
from ..telemetry.payloads import payload_lines
from ..telemetry.settings import TelemetrySettings
from ..telemetry.stories import Stories
from ..telemetry.traces import tracing
from .observe import Observe
from .payloads import PayloadLog


class Telling:
    """Its threads run from here to `close`."""

    def __init__(self, settings: TelemetrySettings, version: str, clock: Clock, fd: int) -> None:
        plain = settings.log.ids == "plain"
        self._clock = clock
        self.metrics = Metrics(version, settings.metrics.aliases)
        self.access_log = AccessLog(fd, settings.log.format, place=Place(plain_ids=plain))
        self.traces = tracing(settings.traces, version, plain_ids=plain)
        self.live = Live(clock)
        self.stories = Stories(settings.requests.keep, plain_ids=plain)
        of_payloads = settings.log.payload_settings
        self._lines = None if of_payloads is None else payload_lines(of_payloads)
        self.payloads = None if self._lines is None else PayloadLog(self._lines, clock)
        lines = self._lines
        self.metrics.access_log_dropped.source(lambda: self.access_log.dropped)
        self.metrics.spans_dropped.source(lambda: self.traces.dropped)
        self.metrics.payloads_dropped.source(lambda: 0 if lines is None else lines.dropped)

    def observe(self, operations: frozenset[str]) -> Observe:
        """The outermost stage. `operations`: what may become a label."""
        watchers = (self.traces, self.live, self.stories)
        return Observe(self.metrics, self.access_log, self._clock, operations, watchers)

    def close(self) -> None:
        """Write and send what waits, each within its bound. Blocks: not for the event loop."""
        self.traces.close()
        if self._lines is not None:
            self._lines.close()
        self.access_log.close()
