"""Instances by DNS: the addresses of one name, looked up again and again.

`Roll` is the pure part: which addresses are new, missing, back and lost. A failed look-up says nothing
about anybody: probes do. Above: `agent.py`. Below: the resolver of the system (as a port), the clock.
"""

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence

import msgspec

from ..core.clock import Clock
from ..core.http_values import Target
from ..core.tasks import Tasks
from .settings import MAX_INSTANCES

log = logging.getLogger("fedgate.a2a.addresses")

LOOKUP = 5.0
"""Seconds that a look-up is waited for; a slower one is waited for again, not repeated."""

Lookup = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host name; `OSError` if there are none."""


async def system_lookup(host: str, port: int) -> Sequence[str]:
    """What the system's resolver says."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


class Change(msgspec.Struct, frozen=True):
    """What a look-up brought."""

    new: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    """Missing for so long that they are given up; if they return, they are new."""


class Roll:
    """The addresses that are known, and since when they are missing."""

    def __init__(self, lost_after: float) -> None:
        self._lost_after = lost_after
        self._missing: dict[str, float | None] = {}

    def call(self, found: Iterable[str] | None, now: float) -> Change:
        """Take in what was found; `None`: nothing could be learnt."""
        known = self._missing
        here = set(known if found is None else usable(found))
        missing = [] if found is None else [each for each in known if each not in here and known[each] is None]
        back = [] if found is None else [each for each in known if each in here and known[each] is not None]
        for address in missing:
            known[address] = now
        for address in back:
            known[address] = None
        lost = [each for each, since in known.items() if since is not None and now - since >= self._lost_after]
        for address in lost:
            del known[address]
        new = sorted(here - known.keys() - set(lost))[: MAX_INSTANCES - len(known)]
        known.update(dict.fromkeys(new))
        return Change(tuple(new), tuple(missing), tuple(back), tuple(lost))


def usable(addresses: Iterable[str]) -> set[str]:
    """Without those that only mean something on one link of this machine."""
    return {address for address in addresses if "%" not in address}


class Addresses:
    """Looks a name up, again and again. `patience`: how long one look-up is waited for at a time."""

    def __init__(
        self, target: Target, roll: Roll, clock: Clock, lookup: Lookup, tasks: Tasks, *, patience: float = LOOKUP
    ) -> None:
        self.problem = ""
        """Why nothing is known, as a predicate."""
        self._host, self._port = target.host, target.port
        self._roll = roll
        self._clock = clock
        self._lookup = lookup
        self._tasks = tasks
        self._patience = patience
        self._flight: asyncio.Task[Sequence[str]] | None = None

    async def run(self, every: float, on_change: Callable[[Change], None]) -> None:
        """Every `every` seconds, until it is cancelled. `on_change` is told what each look-up brought."""
        while True:
            found = await self._look()
            on_change(self._roll.call(found, self._clock.monotonic()))
            await self._clock.sleep(every)

    async def _look(self) -> Sequence[str] | None:
        if self._flight is None:
            self._flight = self._tasks.start(self._ask(), f"look up {self._host}", awaited=True)
        done, _ = await asyncio.wait([self._flight], timeout=self._patience)
        if not done:
            self._fail("is not answered by the resolver")
            return None
        flight, self._flight = self._flight, None
        try:
            found = flight.result()
        except OSError:
            self._fail("cannot be resolved")
            return None
        if not usable(found):
            self._fail("has no address that can be used")
            return None
        self.problem = ""
        return found

    async def _ask(self) -> Sequence[str]:
        return await self._lookup(self._host, self._port)

    def _fail(self, why: str) -> None:
        if not self.problem:
            log.warning("the name %s %s; the instances that are known stay", self._host, why)
        self.problem = f"its name {self._host} {why}"
