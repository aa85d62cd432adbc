"""One instance of an agent: whether it can be spoken to, and whether it is still the process it was.

    starting ──► ready ◄──► unreachable ──► lost
        └───────────────────────▲             │
                    ready ◄───────────────────┘

Pins name an instance and its *epoch*. An epoch ends when the instance was seen refusing connections and
came back, or when it reports another identity: whatever conversations its process held are gone then. A
timeout or a cut connection alone ends nothing. From the refusal until a probe was answered nobody
knows which process will be there, so nothing is sent.

A state machine without I/O: probes and traffic tell it what they saw. Above: `health.py`, `agents.py`,
the relay. Below: `identity.py`, `interfaces.py`, the clock.
"""

import secrets
import socket
import ssl
from collections.abc import Callable
from errno import EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH, ETIMEDOUT
from typing import Literal

import msgspec

from ..core.call import Header
from ..core.clock import Clock
from ..core.errors import GatewayError, UpstreamBroken, UpstreamRefused
from ..core.ports import Credentials
from .identity import epoch_of
from .interfaces import Interface, Place

State = Literal["starting", "ready", "unreachable", "lost"]
Event = Literal["reached", "missed", "expired"]

NEXT: dict[tuple[State, Event], State] = {
    ("starting", "reached"): "ready",
    ("starting", "missed"): "unreachable",
    ("starting", "expired"): "starting",
    ("ready", "reached"): "ready",
    ("ready", "missed"): "unreachable",
    ("ready", "expired"): "ready",
    ("unreachable", "reached"): "ready",
    ("unreachable", "missed"): "unreachable",
    ("unreachable", "expired"): "lost",
    ("lost", "reached"): "ready",
    ("lost", "missed"): "lost",
    ("lost", "expired"): "lost",
}
"""Every state and event. `missed` stands for refusals too; `expired`: it was unreachable for `lost_after`."""

MAX_LEFT = 64
"""Epochs of an instance that are remembered as ended, so that none returns under the same identity."""

_ELSEWHERE = {EHOSTDOWN, EHOSTUNREACH, ENETDOWN, ENETUNREACH, ETIMEDOUT}


def mint_epoch() -> str:
    """An epoch that no gateway has ever given."""
    return secrets.token_hex(4)


class Setup(msgspec.Struct, frozen=True):
    """What an instance is told once."""

    agent: str
    name: str
    place: Place
    lost_after: float
    headers: tuple[Header, ...] = ()
    credentials: Credentials | None = None
    """What is got for each request, beside the headers."""
    weight: int = 1
    epoch: str = ""
    """The epoch it had when the gateway last saw it; empty: a new one."""

    @property
    def key(self) -> str:
        """What its epoch is kept under: another address under the same name is another instance."""
        return f"{self.agent}/{self.name}@{self.place.target.origin}{self.place.base}"


class Instance:
    """Changes by `reached`, `refused`, `missed`, `identified` and `tick` alone; `inflight` is the relay's to count.

    `on_epoch`: its epoch is settled for the first time, or is another. `on_change`: its state or reason is
    another. `on_doubt`: look at it now. All are called in the middle of things and must return at once.
    """

    def __init__(self, setup: Setup, clock: Clock, mint: Callable[[], str] = mint_epoch) -> None:
        self.agent = setup.agent
        self.name = setup.name
        self.key = setup.key
        self.target = setup.place.target
        self.headers = setup.headers
        self.credentials = setup.credentials
        self.weight = setup.weight
        self.speeches: tuple[Interface, ...] = ()
        """How it can be spoken to, preferred first."""
        self.inflight = 0
        self.draining = False
        """It is to get no new conversations."""
        self.withdrawn = False
        """The same, because its address is gone from DNS."""
        self.state: State = "starting"
        self.reason = "not reached yet"
        self.since = clock.now()
        """When the state began, on the wall clock."""
        self._set_epoch(setup.epoch or mint())
        self.on_epoch: Callable[[Instance], None] = _nothing
        self.on_change: Callable[[Instance], None] = _nothing
        self.on_doubt: Callable[[], None] = lambda: None
        self._told = setup.epoch
        self._left: dict[str, None] = {}
        self._clock = clock
        self._mint = mint
        self._lost_after = setup.lost_after
        self._doubts = 0
        self._settled = True
        self._missed_at = clock.monotonic()

    def __repr__(self) -> str:
        return f"<Instance {self.agent}/{self.label} {self.state}, {self.inflight} in flight>"

    def _set_epoch(self, epoch: str) -> None:
        self.epoch = epoch
        self.label = f"{self.name}#{epoch}"
        """What pins hold: this instance while it is this process."""

    @property
    def known(self) -> bool:
        """Whether its epoch is that of a process that was seen, now or in an earlier run of the gateway."""
        return self._told != ""

    @property
    def usable(self) -> bool:
        """Whether requests of its conversations may be sent to it now."""
        return self.state == "ready"

    @property
    def open(self) -> bool:
        """Whether it may be given a new conversation."""
        return self.state == "ready" and not self.draining and not self.withdrawn

    def resume(self, epoch: str) -> None:
        """Take up the epoch of an earlier run of the gateway; before the first probe."""
        if epoch:
            self._told = epoch
            self._set_epoch(epoch)

    # What probes and traffic tell.

    def asked(self) -> int:
        """To be called before a probe is sent; its answer is passed to `reached` with the number."""
        return self._doubts

    def reached(self, asked: int, identity: str = "") -> None:
        """A probe was answered as it should be.

        An answer to what was asked before the last refusal is none: it may be the old process's last one.
        """
        if asked != self._doubts:
            return
        if not self._settled:
            self._settled = True
            self._renew(identity)
        elif identity:
            self._identify(identity)
        self._tell()
        self._become(NEXT[self.state, "reached"], "")

    def refused(self, reason: str) -> None:
        """It was seen refusing connections: there is no process at its address."""
        self._doubts += 1
        self._settled = False
        self._miss(reason)
        self.on_doubt()

    def missed(self, reason: str) -> None:
        """A probe was not answered, or not as it should be."""
        self._miss(reason)

    def identified(self, identity: str) -> None:
        """An answer of any kind named its process."""
        if identity and self._settled:
            self._identify(identity)
            self._tell()

    def failed(self, error: GatewayError) -> None:
        """Traffic failed with `error`. What says nothing of the instance changes nothing."""
        if refuses(error):
            self.refused(error.message)
        elif isinstance(error, UpstreamBroken | UpstreamRefused):
            self.on_doubt()

    def tick(self) -> None:
        """Look at the clock."""
        if self.state == "unreachable" and self._clock.monotonic() - self._missed_at >= self._lost_after:
            self._become(NEXT[self.state, "expired"], self.reason)

    # Inner moves.

    def _miss(self, reason: str) -> None:
        if self.state in ("starting", "ready"):
            self._missed_at = self._clock.monotonic()
        self._become(NEXT[self.state, "missed"], reason)

    def _renew(self, identity: str) -> None:
        """Another process, even if it calls itself as before: a container restarts within its pod."""
        self._left[self._process()] = None
        while len(self._left) > MAX_LEFT:
            del self._left[next(iter(self._left))]
        if not identity:
            self._set_epoch(self._mint())
            return
        process = epoch_of(identity)
        self._set_epoch(f"{process}-{self._mint()}" if process in self._left else process)

    def _identify(self, identity: str) -> None:
        if epoch_of(identity) != self._process():
            self._renew(identity)

    def _process(self) -> str:
        return self.epoch.partition("-")[0]

    def _tell(self) -> None:
        if self.epoch != self._told:
            self._told = self.epoch
            self.on_epoch(self)

    def _become(self, state: State, reason: str) -> None:
        changed = state != self.state
        if changed:
            self.since = self._clock.now()
        if changed or reason != self.reason:
            self.state, self.reason = state, reason
            self.on_change(self)


def refuses(error: GatewayError) -> bool:
    """Whether an error shows that no process listens, and not merely that the network or TLS failed.

    In doubt it does: a conversation that is refused is better than one whose memory is another's.
    """
    if not isinstance(error, UpstreamRefused):
        return False
    cause = error.__cause__
    if isinstance(cause, socket.gaierror | ssl.SSLError | TimeoutError):
        return False
    return not (isinstance(cause, OSError) and cause.errno in _ELSEWHERE)


def _nothing(_instance: Instance) -> None:
    """Nobody wants to know."""
