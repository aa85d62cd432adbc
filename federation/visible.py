"""What of a catalog one caller may know of: catalogs with less in them. Nothing else is told to that caller.

Callers who see the same share a catalog, which is built when the first of them asks and again when the servers
offer something else. Rules are asked about each thing in it, so that is done in slices, between which other calls go
on, and once however many callers wait. What is not in it is unknown: it is not listed, not found, not called. Above:
`bind.py`, `endpoint.py`. Below: `hub.py`, `facts.py`; who may see what comes by `core.ports.Sight`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator

from ..core.call import Call
from ..core.clock import Clock, SystemClock
from ..core.errors import NotFound
from ..core.ports import FULL_SIGHT, Seen, Sight
from .agent_facts import AgentFacts
from .catalog import Catalog
from .facts import Facts
from .hub import Hub

MAX_CATALOGS = 256
"""Catalogs that are kept beside those with everything: one per view and kind of caller, the oldest goes first."""
SLICE = 16
"""Things that rules are asked about between two pauses, ..."""
SLICE_TIME = 0.002
"""... and seconds that this may take."""
AT_ONCE = 8
"""Catalogs that are made at a time; callers of more kinds wait for one of these to be done."""
_CLOCK = SystemClock()

Item = tuple[str, str, str]
"""List method, server, and what the server calls it."""


class Eyes:
    """The `Visible` of `catalog.py`, for one kind of caller."""

    def __init__(self, seen: Seen, facts: Facts) -> None:
        self._seen = seen
        self._facts = facts
        self._known: dict[Item, bool] = {}

    def has(self, method: str, server: str, key: str) -> bool:
        """Whether there is this tool, prompt, resource or template, named as its server does."""
        known = self._known.get((method, server, key))
        return self._judged(method, server, key) if known is None else known

    def _judged(self, method: str, server: str, key: str) -> bool:
        thing = self._facts.of_item(method, server, key)
        return self._seen.sees(thing.facts, thing.unknown)

    def learn(self, item: Item) -> None:
        """Judge it now, so that `has` need not."""
        self._known[item] = self._judged(*item)

    def forget(self) -> None:
        """What was learnt; a catalog that is built says it itself."""
        self._known = {}

    def knows(self, server: str) -> bool:
        thing = self._facts.of_server(server)
        return self._seen.sees(thing.facts, thing.unknown)


class VisibleCatalogs:
    """Of one hub."""

    def __init__(self, hub: Hub, sight: Sight = FULL_SIGHT, clock: Clock = _CLOCK) -> None:
        self.facts = Facts(hub.agents, AgentFacts(hub.servers, hub.door))
        self._hub = hub
        self._sight = sight
        self._clock = clock
        self._kept: OrderedDict[tuple[str, bytes], tuple[Catalog, Catalog]] = OrderedDict()
        self._flights: dict[tuple[str, bytes], asyncio.Event] = {}
        self._room = asyncio.Semaphore(AT_ONCE)

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, call: Call) -> Catalog:
        """The catalog of the call's view, as its caller may know it, made at once if it must be. Raises `NotFound`."""
        whole, seen = self._of(call)
        if seen is None:
            return whole
        return self._known(call.view, whole, seen) or self._made(call.view, whole, seen, Eyes(seen, self.facts))

    async def look(self, call: Call) -> Catalog:
        """The same without holding anybody up. Raises `NotFound`."""
        whole, seen = self._of(call)
        if seen is None:
            return whole
        while (found := self._known(call.view, whole, seen)) is None:
            flight = self._flights.get((call.view, seen.key))
            if flight is None:
                await self._look_through(call.view, whole, seen)
            else:
                await flight.wait()  # whoever made it may have been cancelled: then the next one does
            now = self._hub.catalog(call.view)
            if now is None:
                raise self._unknown(call.view, seen)
            whole = now
        return found

    def _of(self, call: Call) -> tuple[Catalog, Seen | None]:
        whole = self._hub.catalog(call.view)
        seen = self._sight.of(call)
        if whole is None or (seen is not None and not self._is_seen(call.view, whole, seen)):
            raise self._unknown(call.view, seen)
        return whole, seen

    def _known(self, view: str, whole: Catalog, seen: Seen) -> Catalog | None:
        kept = self._kept.get((view, seen.key))
        return kept[1] if kept is not None and kept[0] is whole else None

    def _made(self, view: str, whole: Catalog, seen: Seen, eyes: Eyes) -> Catalog:
        made = self._hub.catalog_of(view, eyes)
        eyes.forget()
        self._kept[view, seen.key] = whole, made
        if len(self._kept) > MAX_CATALOGS:
            self._kept.popitem(last=False)
        return made

    async def _look_through(self, view: str, whole: Catalog, seen: Seen) -> None:
        """Make the catalog of one kind of caller; what was listed meanwhile is judged with it."""
        flight = self._flights[view, seen.key] = asyncio.Event()
        try:
            eyes = Eyes(seen, self.facts)
            async with self._room:
                await self._judge(whole, eyes)
                now = self._hub.catalog(view)
                if now is not None:
                    self._made(view, now, seen, eyes)
        finally:
            del self._flights[view, seen.key]
            flight.set()

    async def _judge(self, whole: Catalog, eyes: Eyes) -> None:
        count, began = 0, self._clock.monotonic()
        for item in _items(whole):
            if count == SLICE or self._clock.monotonic() - began >= SLICE_TIME:
                await self._clock.sleep(0)
                count, began = 0, self._clock.monotonic()
            eyes.learn(item)
            count += 1

    def _is_seen(self, view: str, whole: Catalog, seen: Seen) -> bool:
        if not view:
            return True
        thing = self.facts.of_server(whole.single) if whole.single else self.facts.of_view(view)
        return seen.sees(thing.facts, thing.unknown)

    def _unknown(self, view: str, seen: Seen | None) -> NotFound:
        every = [(name, self._hub.catalog(name)) for name in self._hub.views]
        views = [
            name for name, whole in every if whole is not None and (seen is None or self._is_seen(name, whole, seen))
        ]
        known = ", ".join(sorted(views)) or "none"
        return NotFound(f"there is no MCP server or profile {view[:64]!r} here; there are: {known}")


def _items(whole: Catalog) -> Iterator[Item]:
    for method, routes in whole.routes.items():
        for route in routes.values():
            if route.server:
                yield method, route.server, route.name
