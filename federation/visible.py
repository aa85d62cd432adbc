"""What of a catalog one caller may know of: catalogs with less in them. Nothing else is told to that caller.

Callers who see the same share a catalog, which is built when the first of them asks and again when the servers
offer something else. What is not in it is unknown: it is not listed, not found, not called. Above: `bind.py`,
`endpoint.py`. Below: `hub.py`, `facts.py`; who may see what comes by `core.ports.Sight`.
"""

from collections import OrderedDict

from ..core.call import Call
from ..core.errors import NotFound
from ..core.ports import FULL_SIGHT, Seen, Sight
from .catalog import Catalog
from .facts import Facts
from .hub import Hub

MAX_CATALOGS = 256
"""Catalogs that are kept beside those with everything: one per view and kind of caller, the oldest goes first."""


class Eyes:
    """The `Visible` of `catalog.py`, for one kind of caller."""

    def __init__(self, seen: Seen, facts: Facts) -> None:
        self._seen = seen
        self._facts = facts

    def has(self, method: str, server: str, key: str) -> bool:
        """Whether there is this tool, prompt, resource or template, named as its server does."""
        thing = self._facts.of_item(method, server, key)
        return self._seen.sees(thing.facts, thing.unknown)

    def knows(self, server: str) -> bool:
        thing = self._facts.of_server(server)
        return self._seen.sees(thing.facts, thing.unknown)


class VisibleCatalogs:
    """Of one hub."""

    def __init__(self, hub: Hub, sight: Sight = FULL_SIGHT) -> None:
        self.facts = Facts(hub.agents)
        self._hub = hub
        self._sight = sight
        self._kept: OrderedDict[tuple[str, bytes], tuple[Catalog, Catalog]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, call: Call) -> Catalog:
        """The catalog of the call's view, as its caller may know it. Raises `NotFound`."""
        whole = self._hub.catalog(call.view)
        seen = self._sight.of(call)
        if whole is None or (seen is not None and not self._is_seen(call.view, whole, seen)):
            raise self._unknown(call.view, seen)
        return whole if seen is None else self._seen(call.view, whole, seen)

    def _seen(self, view: str, whole: Catalog, seen: Seen) -> Catalog:
        key = view, seen.key
        kept = self._kept.get(key)
        if kept is None or kept[0] is not whole:
            kept = self._kept[key] = whole, self._hub.catalog_of(view, Eyes(seen, self.facts))
            if len(self._kept) > MAX_CATALOGS:
                self._kept.popitem(last=False)
        return kept[1]

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
