"""An issuer's keys as they are now: fetched when needed, kept for a bounded time, followed when they rotate.

    never had ──► fresh ──(ttl)──► due: used while a new set is on its way ──(STANDS)──► none: nothing is verified
                    ▲                 │
                    └─────────────────┘

A key that the set does not have makes it be fetched anew, at most once in `AGAIN` seconds; whoever needs the
same fetch waits for the one that is under way. When the issuer cannot be reached the last good set stands for
`STANDS` seconds; without one, callers are told that tokens cannot be verified now, and nobody gets in. Above:
`tokens.py`. Below: `jwk.py` and a function that fetches.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import msgspec

from ..core.clock import Clock
from ..core.errors import GatewayError, OwnError
from ..core.tasks import Tasks
from .jwk import BadKeySet, PublicKey, parse, select

log = logging.getLogger("fedgate.access")

SHORTEST, USUAL, LONGEST = 60.0, 600.0, 86_400.0
"""Seconds that a set is fresh: what the issuer says (Cache-Control) within bounds, else the usual time."""
AGAIN = 10.0
"""Seconds between two fetches: for a key that the set does not have, and after a failure."""
STANDS = 86_400.0
"""Seconds that a set is used whose issuer cannot be reached."""


class CannotVerify(OwnError):
    """The issuer's keys are not there: who the caller is cannot be known now. Never a reason to let it in."""

    status = 503
    retryable = True
    reason = "cannot_verify"


class Loaded(msgspec.Struct, frozen=True):
    """A key set as it came. `max_age`: seconds that it may be kept, if its sender says."""

    body: bytes
    max_age: float | None = None


Load = Callable[[], Awaitable[Loaded]]
"""Raises `GatewayError` or `BadKeySet`."""


class KeySource:
    """The keys of one issuer. `generation` is another number whenever the keys are others."""

    def __init__(self, issuer: str, load: Load, clock: Clock, tasks: Tasks) -> None:
        self.generation = 0
        self.problem = ""
        """Why the last fetch failed; empty if it did not."""
        self._issuer = issuer
        self._load = load
        self._clock = clock
        self._tasks = tasks
        self._keys: tuple[PublicKey, ...] = ()
        self._body = b""
        self._due = self._ends = self._next = float("-inf")
        self._flight: asyncio.Task[None] | None = None

    def __repr__(self) -> str:
        return f"<KeySource {self._issuer}, {len(self._keys)} keys, generation {self.generation}>"

    @property
    def due(self) -> bool:
        """Whether it is time to look for other keys."""
        return self._clock.monotonic() >= self._due

    async def find(self, algorithm: str, kid: str | None) -> PublicKey | None:
        """The key that a token means; `None` if the issuer has no such key. Raises `CannotVerify`."""
        if self._clock.monotonic() >= self._ends:
            await self._refreshed()
            if self._clock.monotonic() >= self._ends:
                raise CannotVerify(
                    "Tokens cannot be verified now: the keys of their issuer cannot be reached; try again in a moment.",
                    headers=((b"retry-after", b"%d" % AGAIN),),
                )
        elif self.due:
            self.refresh_soon()
        key = select(self._keys, algorithm, kid)
        if key is None and await self._refreshed():
            key = select(self._keys, algorithm, kid)
        return key

    def refresh_soon(self) -> None:
        """Fetch in the background, unless that was tried just now."""
        if self._may_fetch():
            self._start()

    async def refresh(self) -> None:
        """Fetch now, unless that was tried just now: to have the keys before the first token comes."""
        await self._refreshed()

    def _may_fetch(self) -> bool:
        idle = self._flight is None or self._flight.done()
        return idle and self._clock.monotonic() >= self._next and not self._tasks.closed

    def _start(self) -> asyncio.Task[None]:
        self._next = self._clock.monotonic() + AGAIN
        self._flight = self._tasks.start(self._fetch(), f"keys of {self._issuer}", awaited=True)
        return self._flight

    async def _refreshed(self) -> bool:
        """Wait for a fetch: the one under way, or one that may be made. False if there was none."""
        flight = self._flight
        if flight is None or flight.done():
            if not self._may_fetch():
                return False
            flight = self._start()
        # Shielded: others wait for this very fetch.
        await asyncio.shield(flight)
        return True

    async def _fetch(self) -> None:
        try:
            loaded = await self._load()
            keys = parse(loaded.body) if loaded.body != self._body else self._keys
        except (GatewayError, BadKeySet) as error:
            self._failed(error.message if isinstance(error, GatewayError) else f"the key set {error}")
            return
        now = self._clock.monotonic()
        age = USUAL if loaded.max_age is None else loaded.max_age
        self._due, self._ends = now + min(max(age, SHORTEST), LONGEST), now + STANDS
        self.problem = ""
        if loaded.body != self._body:
            self._keys, self._body = keys, loaded.body
            self.generation += 1
            log.info("issuer %s has %d keys", self._issuer, len(keys))

    def _failed(self, why: str) -> None:
        self.problem = why
        stands = max(0.0, self._ends - self._clock.monotonic())
        log.warning(
            "the keys of issuer %s cannot be fetched: %s; the last ones stand for %.0f s", self._issuer, why, stands
        )
