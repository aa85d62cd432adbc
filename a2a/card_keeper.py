"""Cards of one agent: fetched from each instance, kept through errors, and the one that stands for all.

A conditional GET (RFC 9110 13) per instance, one at a time; the place where cards were before 0.3 is
tried when there is none. A card that was good stays when a later one cannot be had; one that is not
signed as it must be makes its instance unfit at once. What clients are served is computed elsewhere.
Above: `health.py` (when), `agents.py` (which). Below: `fetch.py`, the pure card modules.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from ..core.call import Header
from ..core.clock import Clock
from ..core.errors import UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.ports import shown
from ..core.tasks import Tasks
from .card_in import Card, parse
from .card_keys import BadKeySet, load
from .card_verify import Unverified, verify
from .fetch import Fetched, get, refusal
from .instance import Instance
from .interfaces import Place, ways
from .values import Speech

log = logging.getLogger("fedgate.a2a.card")

MAX_VALIDATOR = 512
"""Bytes of an ETag or Last-Modified that are kept; a longer one is not sent back."""
MAX_REMARKS = 64
"""Different things that are said about one instance's card."""

_ABSENT = {404, 405, 410}
_SENDABLE = re.compile(rb"[\x21-\x7e\x80-\xff][\x20-\x7e\x80-\xff]*")


class Demands(msgspec.Struct, frozen=True):
    """What the manifest says about an agent's cards."""

    speaks: tuple[Speech, ...] = ()
    verify: Path | None = None
    conditional: bool = True
    """Whether an answer without a body will do; not where its headers say which process gave it."""


class CardSource:
    """The card of one instance. `refresh` may be called by anybody at any time: there is one fetch at once."""

    def __init__(
        self, instance: Instance, place: Place, demands: Demands, http: HttpClient, clock: Clock, tasks: Tasks
    ) -> None:
        self.card: Card | None = None
        """The last good one."""
        self.problem = ""
        """Why the instance must not be served, as a predicate; empty: it may."""
        self._instance = instance
        self._place = place
        self._demands = demands
        self._http = http
        self._clock = clock
        self._tasks = tasks
        self._flight: asyncio.Task[Fetched] | None = None
        self._path = place.cards[0]
        self._validators: tuple[Header, ...] = ()
        self._fetched_at: float | None = None
        self._said: set[str] = set()

    def is_older_than(self, seconds: float) -> bool:
        """Whether it was never fetched, or so long ago."""
        return self._fetched_at is None or self._clock.monotonic() - self._fetched_at >= seconds

    async def refresh(self) -> Fetched:
        """Ask for the card. The answer's body is the card's also if it was not sent again.

        Raises what the HTTP client does, and `UpstreamInvalid` for an answer that no healthy instance gives.
        """
        if self._flight is None or self._flight.done():
            self._flight = self._tasks.start(self._refresh(), f"card of {self._instance.name}", awaited=True)
        return await asyncio.shield(self._flight)

    async def _refresh(self) -> Fetched:
        answer = await self._fetch()
        if answer.status >= 500:
            raise UpstreamInvalid(f"asked for its card, it {refusal(answer.status)}")
        self._fetched_at = self._clock.monotonic()
        if answer.status == 304 and self._validators and self.card is not None:
            self._judge()
            return Fetched(304, answer.headers, self.card.raw)
        if answer.status == 200:
            await self._take(answer)
        else:
            self._without(f"asked for its card, it {refusal(answer.status)}")
        return answer

    async def _fetch(self) -> Fetched:
        """From where it was the last time, else from where it may be besides."""
        answer = await self._get(self._path, self._validators if self._demands.conditional else ())
        if answer.status not in _ABSENT:
            return answer
        for path in self._place.cards:
            if path != self._path:
                other = await self._get(path, ())
                if other.status == 200:
                    self._path, self._validators = path, ()
                    return other
        return answer

    async def _get(self, path: str, validators: tuple[Header, ...]) -> Fetched:
        instance = self._instance
        own = await shown(instance.headers, instance.credentials, None)
        return await get(self._http, instance.target, path, (*validators, *own))

    async def _take(self, answer: Fetched) -> None:
        known = self.card is not None and answer.body == self.card.raw
        try:
            card = self.card if known and self.card else await self._checked(answer.body)
        except Unverified as error:
            self._validators = ()
            self._fail(error.message)
            return
        except UpstreamInvalid as error:
            self._without(error.message)
            return
        self._validators = _validators(answer)
        if card is not self.card:
            self.card = card
            self._learn()
            if self._instance.usable:
                self._instance.on_change(self._instance)
        self._judge()

    async def _checked(self, body: bytes) -> Card:
        path = self._demands.verify
        card = parse(body, signed=path is not None)
        if path is not None:
            await asyncio.get_running_loop().run_in_executor(None, _verify, body, path)
        return card

    def _without(self, why: str) -> None:
        """No card came. An earlier one stands; without any, the manifest must say how to speak."""
        if self.card is None:
            if self._demands.verify is not None:
                self._fail(f"{why}, and card.verify wants one that is signed")
            elif self._demands.speaks:
                self._learn()
            else:
                self._fail(f"{why}; give the URL of its card, or say how it speaks (speaks)")
        self._say(why)

    def _fail(self, why: str) -> None:
        self.problem = why
        self._say(why)

    def _learn(self) -> None:
        """Where traffic goes, now that the card is known, or known not to be there."""
        found = ways(self._place, self.card, self._demands.speaks)
        self._instance.speeches = found.interfaces
        for remark in found.remarks:
            self._say(remark)

    def _judge(self) -> None:
        """The card is good; so is the instance, if there is a way to speak to it."""
        self.problem = ""
        if not self._instance.speeches:
            self._fail("its card lists no interface that the gateway speaks (JSON-RPC or HTTP+JSON, 1.0 or 0.3)")

    def _say(self, sentence: str) -> None:
        """Once each."""
        if sentence not in self._said and len(self._said) < MAX_REMARKS:
            self._said.add(sentence)
            log.warning("agent %s, instance %s: %s", self._instance.agent, self._instance.name, sentence)


class CardKeeper:
    """Chooses the card that stands for the agent: that of the first instance that is ready, in order.

    `on_card` is called when it is another one. While no instance is ready, the last one stands.
    """

    def __init__(self) -> None:
        self.card: Card | None = None
        self.on_card: Callable[[], None] = lambda: None

    def update(self, cards: Iterable[tuple[Instance, Card | None]]) -> None:
        found = next((card for instance, card in cards if instance.usable and card is not None), None)
        if found is not None and (self.card is None or found.raw != self.card.raw):
            self.card = found
            self.on_card()


def _verify(body: bytes, path: Path) -> None:
    """Runs in a thread; the keys are read anew, so that a card signed by a new key is known by it."""
    try:
        keys = load(path)
    except BadKeySet as error:
        raise Unverified(f"its card cannot be verified: the file of card.verify {error}") from None
    verify(body, keys)


def _validators(answer: Fetched) -> tuple[Header, ...]:
    etag, modified = answer.header(b"etag"), answer.header(b"last-modified")
    found = ((b"if-none-match", etag), (b"if-modified-since", modified))
    return tuple((name, value) for name, value in found if len(value) <= MAX_VALIDATOR and _SENDABLE.fullmatch(value))
