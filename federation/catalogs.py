"""The catalogs of all views, kept at what the servers offer, and what is odd about that.

A change of one server rebuilds the views that it is in; whoever calls is told which
lists of which view are others now. Definitions that changed are compared and withheld
here, before any view sees them. Never waits. Above: `hub.py`. Below: `catalog.py`, pins.
"""

import logging
from collections.abc import Iterable, Mapping

import msgspec

from .catalog import Catalog, Visible, build
from .listing import Listing
from .pins import Finding, Pins
from .remarks import Remarks
from .tokens import tool_tokens
from .views import View

log = logging.getLogger("fedgate.hub")

Kinds = tuple[str, ...]
"""Of `tools`, `prompts` and `resources`: those whose lists changed."""


class ToolStatus(msgspec.Struct, frozen=True):
    """What people are shown of a tool."""

    name: str
    """As the view calls it."""
    server: str
    tool: str
    """As its server calls it."""
    tokens: int
    """Estimated cost of its definition to a model."""
    changed: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()
    withheld: bool = False


class Catalogs:
    """`views`: path segment → view. `servers`: the configured ones, in the manifest's order."""

    def __init__(self, views: Mapping[str, View], servers: Iterable[str], pins: Pins, remarks: Remarks) -> None:
        self.pins = pins
        self._views = views
        self._remarks = remarks
        self._listings: dict[str, Listing | None] = dict.fromkeys(servers)
        self._catalogs = {name: build(self._listings, view) for name, view in views.items()}
        self._with = {
            server: tuple(name for name, view in views.items() if server in view.members(self._listings))
            for server in self._listings
        }

    def get(self, view: str) -> Catalog | None:
        return self._catalogs.get(view)

    def __getitem__(self, view: str) -> Catalog:
        return self._catalogs[view]

    def of(self, view: str, visible: Visible) -> Catalog:
        """What of a view one kind of caller may know of. Built anew: whoever asks keeps it."""
        return build(self._listings, self._views[view], self.pins.refused(), self._catalogs[view], visible)

    @property
    def names(self) -> tuple[str, ...]:
        """All views but the aggregate: servers, then profiles."""
        return tuple(name for name in self._views if name)

    def views_with(self, server: str) -> tuple[str, ...]:
        """The views that a server is in: the aggregate, its own, profiles."""
        return self._with[server]

    def tools(self, view: str) -> list[ToolStatus]:
        """Every tool of a view, listed or not, in the catalog's order."""
        found = {(each.server, each.tool): each for each in self.pins.findings}
        tools = []
        for name, offer in self._catalogs[view].tools.items():
            server, tool = offer.server, offer.item.key
            finding = found.get((server, tool), Finding(server, tool))
            cost = tool_tokens(offer.raw)
            tools.append(
                ToolStatus(name, server, tool, cost, finding.changed, finding.invisible, withheld=bool(offer.refusal))
            )
        return tools

    def look(self, server: str, listing: Listing | None) -> list[Finding]:
        """What is odd, for the first time, about what a server offers now. Before `update`."""
        return self.pins.look(server, listing.items.get("tools/list", ())) if listing is not None else []

    def succeed(self, old: "Catalogs") -> dict[str, Kinds]:
        """Take over what servers list from the catalogs that were before. View → the kinds of lists that differ."""
        self._listings = {server: old._listings.get(server) for server in self._listings}
        self._catalogs = {name: each for name, each in old._catalogs.items() if name in self._views} | {
            name: each for name, each in self._catalogs.items() if name not in old._catalogs
        }
        return self.rebuild(self._views)

    def update(self, server: str, listing: Listing | None) -> dict[str, Kinds]:
        """What a server offers now; nothing is done if that is what it offered before."""
        if listing is self._listings[server]:
            return {}
        self._listings[server] = listing
        return self.rebuild(self._with[server])

    def rebuild(self, views: Iterable[str]) -> dict[str, Kinds]:
        """Build these views again. View → the kinds of lists that differ; often none."""
        refused = self.pins.refused()
        changed: dict[str, Kinds] = {}
        for name in views:
            old = self._catalogs[name]
            new = self._catalogs[name] = build(self._listings, self._views[name], refused, old)
            changed[name] = new.changed_since(old)
        return changed

    def remark(self, *, settled: bool) -> None:
        """Log what people should know of the aggregate and the profiles."""
        for name, view in self._views.items():
            if not view.single:
                for sentence in self._remarks.news(name, self._catalogs[name], settled=settled):
                    log.warning("catalog: %s", sentence)
