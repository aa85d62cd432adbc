"""The routes that one caller may know of: routes with less in them. Nothing else is told to that caller.

Callers who see the same share what is made for them. Above: `endpoint.py`. Below: `routes.py`, `telling.py`; who
may see what comes by `core.ports.Sight`.
"""

from collections import OrderedDict

from ..core.call import Call
from ..core.ports import FULL_SIGHT, Sight
from . import telling
from .routes import Routes

MAX_KEPT = 256
"""Kinds of callers whose routes are kept; the oldest goes first."""


class VisibleRoutes:
    def __init__(self, routes: Routes, sight: Sight = FULL_SIGHT) -> None:
        self._routes = routes
        self._sight = sight
        self._kept: OrderedDict[bytes, Routes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, call: Call) -> Routes:
        """As the caller may know them."""
        seen = self._sight.of(call)
        if seen is None:
            return self._routes
        kept = self._kept.get(seen.key)
        if kept is None:
            names = [
                name
                for name, route in self._routes.by_name.items()
                if seen.sees(telling.of_route(self._routes, route), telling.UNKNOWN)
            ]
            kept = self._kept[seen.key] = self._routes.only(frozenset(names))
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return kept
