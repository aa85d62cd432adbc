"""Watching one instance: a probe now and then, and at once when somebody doubts that it is there.

A probe is a conditional GET of the card, or a GET of `health.path` beside which the card is asked for
now and then. There is one probe at a time; what it saw is told to the instance, which decides. Above:
`agents.py`. Below: `card_keeper.py`, `fetch.py`, the clock.
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec

from ..core.clock import Clock
from ..core.errors import GatewayError, Overloaded, UpstreamError, UpstreamInvalid, UpstreamTimeout
from ..core.http_client import HttpClient
from ..core.ports import shown
from ..core.tasks import Tasks
from . import identity
from .agent_settings import Health, Identity
from .card_keeper import CardSource
from .fetch import Fetched, get, refusal
from .instance import Instance, refuses

log = logging.getLogger("fedgate.a2a.health")

GAP = 0.25
"""Seconds between two probes at least, however much doubt there is."""
JITTER = 0.2
"""The share by which a pause may be shorter, so that gateways do not probe in step."""
_DOUBLINGS = 16


class Watching(msgspec.Struct, frozen=True):
    """How the instances of one agent are watched."""

    health: Health
    identity: Identity | None
    refresh: float
    """Seconds after which the card is asked for beside `health.path`."""
    clock: Clock
    random: Callable[[], float]
    """In [0, 1)."""


class Watch:
    """Runs from `start` to the end of `tasks`. `doubt()` asks for a probe at once."""

    def __init__(
        self, instance: Instance, source: CardSource, settings: Watching, tasks: Tasks, http: HttpClient
    ) -> None:
        self._instance = instance
        self._source = source
        self._settings = settings
        self._tasks = tasks
        self._http = http
        self._misses = 0
        self._doubted = False
        self._task: asyncio.Task[None] | None = None
        self._pause: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._instance.on_doubt = self.doubt
        self._task = self._tasks.start(self._live(), f"watch {self._instance.name}")

    def stop(self) -> None:
        """Probe no more."""
        self._instance.on_doubt = lambda: None
        for task in (self._task, self._pause):
            if task is not None:
                task.cancel()

    def doubt(self) -> None:
        """Probe as soon as may be."""
        self._doubted = True
        if self._pause is not None:
            self._pause.cancel()

    async def _live(self) -> None:
        while True:
            self._doubted = False
            await self._probe()
            await self._rest(GAP)
            if not self._doubted:
                self._pause = self._tasks.start(self._rest(self._wait() - GAP), "pause")
                await asyncio.wait([self._pause])
                self._pause = None

    async def _rest(self, seconds: float) -> None:
        await self._settings.clock.sleep(seconds)

    def _wait(self) -> float:
        """What cannot be reached is asked more often at first: it may only be starting anew."""
        interval = self._settings.health.interval
        if self._misses:
            interval = min(interval, GAP * 2 ** min(self._misses, _DOUBLINGS))
        return max(GAP, interval * (1 - JITTER * self._settings.random()))

    async def _probe(self) -> None:
        instance = self._instance
        asked = instance.asked()
        try:
            name = await self._ask()
        except (UpstreamError, Overloaded) as error:
            self._missed(error)
        else:
            self._misses = 0
            instance.reached(asked, name)
        instance.tick()

    def _missed(self, error: GatewayError) -> None:
        instance = self._instance
        if isinstance(error, Overloaded) or (isinstance(error, UpstreamTimeout) and instance.inflight):
            return  # the gateway's own limit; or it works on one request after the other, and they have limits
        self._misses += 1
        if refuses(error):
            instance.refused(error.message)
            self._doubted = False  # this was the look at it
        else:
            instance.missed(error.message)

    async def _ask(self) -> str:
        """One probe. Returns the reported identity; raises what is wrong with the instance."""
        answer = await self._answer()
        if self._source.problem:
            raise UpstreamInvalid(self._source.problem)
        where = self._settings.identity
        if where is None:
            return ""
        found = identity.read(where, answer.headers, answer.body)
        if not found:
            raise UpstreamInvalid(identity.missing(where))
        return found

    async def _answer(self) -> Fetched:
        path = self._settings.health.path
        if path is None:
            return await self._source.refresh()
        instance = self._instance
        own = await shown(instance.headers, instance.credentials, None)
        answer = await get(self._http, instance.target, path, own)
        if not 200 <= answer.status < 300:
            raise UpstreamInvalid(f"asked for {path}, it {refusal(answer.status)}")
        if self._source.is_older_than(self._settings.refresh) or self._source.problem:
            await self._refresh()
        return answer

    async def _refresh(self) -> None:
        """The card, while something else says that the instance is well: an earlier one will do."""
        try:
            await self._source.refresh()
        except (UpstreamError, Overloaded) as error:
            if not self._instance.speeches:
                raise
            log.debug("agent %s, instance %s: %s", self._instance.agent, self._instance.name, error.message)
