"""What upstreams took of one request of a client, and what that request goes through. Above: `endpoint.py`, `relay.py`.

A call that is parked goes on in a later request of its client: from then on it is counted, and told, there. Knows no
protocol. Below: the clock.
"""

from ..core.clock_port import Clock
from ..core.trail import Trail


class Spent:
    """Counts while it runs: whoever asks in the middle of it is told what there is so far."""

    def __init__(self, clock: Clock, trail: Trail | None = None) -> None:
        self.trail = trail
        """What the client's request goes through; `None`: nobody wants to know."""
        self.endpoint = ""
        """Who was asked."""
        self._clock = clock
        self._done = 0.0
        self._since: float | None = None

    @property
    def seconds(self) -> float:
        return self._done if self._since is None else self._done + self._clock.monotonic() - self._since

    def begin(self) -> None:
        """An upstream is waited for. While that is so already, nothing changes."""
        if self._since is None:
            self._since = self._clock.monotonic()

    def end(self) -> None:
        """It is not any more."""
        if self._since is not None:
            self._done, self._since = self.seconds, None

    def goes_on(self, trail: Trail | None) -> None:
        """Another request of the client has taken the call up."""
        self.trail, self._done = trail, 0.0
        if self._since is not None:
            self._since = self._clock.monotonic()
