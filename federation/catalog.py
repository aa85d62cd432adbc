"""One catalog out of the listings of many servers, serialised once. Pure.

A catalog belongs to a view: the aggregate of all servers, a profile, or a single server
whose names and URIs stay untouched. It answers the list methods of both eras with ready
bytes, and says for every exposed name, URI and template which server owns it. A large one
may list two tools that search and call instead of all (`search.py`); who owns what stays
the same.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from ..core.rawjson import encode
from . import greeting, search
from .eras import CHANGED, LISTS, META_SERVER
from .headers import ParamHeaders
from .listing import Hints, Listing, merge_hints
from .offers import Arranged, Offers, Refused, arrange
from .tokens import tool_tokens
from .uris import MAX_EXPANSION, Expansions, Rewrite, expose, unchanged
from .views import EVERYTHING, Pick, View

DEFAULT_TTL = 30_000
"""Milliseconds that a client may keep a list if no server says less; changes are announced anyway."""
_TOOLS = "tools/list"
_TEMPLATES = "resources/templates/list"


class Route(msgspec.Struct, frozen=True):
    """Who owns an exposed name or URI, and what it is called there. Without a server: the gateway itself."""

    server: str
    name: str
    params: ParamHeaders = {}
    refusal: str = ""
    """Why it must not be called."""


Templates = tuple[tuple[Expansions, Route], ...]


class Visible(Protocol):
    """What one kind of caller may know of; the rest is not there for it."""

    def has(self, method: str, server: str, key: str) -> bool:
        """Whether there is this item of the list of `method`, named as its server does."""
        ...

    def knows(self, server: str) -> bool:
        """Whether there is this server."""
        ...


class Reach(msgspec.Struct, frozen=True):
    """Which resources a view shows beyond those it lists: the globs, and what templates expand to."""

    pick: Pick = EVERYTHING
    visible: Templates = ()
    dropped: tuple[Expansions, ...] = ()
    """Templates that were excluded: what they expand to is excluded too."""

    def has(self, uri: str) -> bool:
        if self.pick is EVERYTHING:
            return True
        if self.dropped and len(uri) > MAX_EXPANSION:  # whether it was excluded cannot be told
            return False
        if self.pick.excludes(uri) or any(pattern.fullmatch(uri) for pattern in self.dropped):
            return False
        return self.pick.includes(uri) or any(pattern.fullmatch(uri) for pattern, _ in self.visible)


class Catalog(msgspec.Struct, frozen=True):
    """See the module. `lists`: list method → (legacy result, modern result) as raw JSON."""

    servers: frozenset[str]
    single: str
    """The server of a pass-through view, else empty."""
    prefixed: bool
    routes: dict[str, dict[str, Route]]
    """List method → exposed name, URI or template → owner."""
    templates: Templates
    lists: dict[str, tuple[bytes, bytes]]
    capabilities: dict[str, Any]
    instructions: str
    info: dict[str, Any]
    collisions: tuple[str, ...]
    tools: Offers = {}
    """Every tool of the view, whether it is listed, found by searching or withheld."""
    reach: Reach = Reach()
    searching: bool = False
    tokens: int = 0
    """Estimated cost of what `tools/list` answers."""
    tokens_unsearched: int = 0
    """The same, if every tool is listed."""
    unmatched: tuple[str, ...] = ()
    """Edits of the view that name no tool in it, as far as its servers are known."""
    visible: Visible | None = None
    """For whom it was built; `None`: for everybody."""

    def shows(self, method: str, server: str, key: str) -> bool:
        """Whether the caller may know of what is not listed, named as its server does."""
        return self.visible is None or self.visible.has(method, server, key)

    def exposer(self, server: str) -> Rewrite:
        """How URIs of `server` look to the client of this view."""
        return (lambda uri: expose(server, uri)) if self.prefixed else unchanged

    def changed_since(self, old: "Catalog") -> tuple[str, ...]:
        """Which of tools, prompts and resources a client that knows `old` must list again."""
        differing = {method for method in LISTS if self.lists[method] != old.lists[method]}
        return tuple(kind for kind in CHANGED if any(method.startswith(kind) for method in differing))


_NOTHING_REFUSED: Refused = {}


def build(
    listings: Mapping[str, Listing | None],
    view: View,
    refused: Refused = _NOTHING_REFUSED,
    before: Catalog | None = None,
    visible: Visible | None = None,
) -> Catalog:
    """The catalog of a view. A server whose listing is not known yet (`None`) offers nothing yet.

    `refused`: tools to withhold. `before`: the catalog that this one replaces, so that
    one near the limit of `View.search_over` does not go back and forth. `visible`: leaves out
    what a caller may not know of; names are as they are for everybody, whose catalog is `before` then, so
    that tools need not be written once more.
    """
    everyone = view.members(listings)
    members = everyone if visible is None else tuple(filter(visible.knows, everyone))
    named = {name: listing for name in everyone if (listing := listings[name]) is not None}
    arranged = {method: arrange(method, named, view, refused, frozenset()) for method in LISTS if method != _TOOLS}
    arranged = {method: _seen(method, found, visible) for method, found in arranged.items()}
    tools = _tools(named, members, view, refused, before, visible)
    arranged[_TOOLS] = tools.arranged
    known = {name: named[name] for name in members if name in named}
    complete = len(known) == len(members)
    info = greeting.info(known, view)
    shown = {method: _listed(found.offers) for method, found in arranged.items()} | {_TOOLS: tools.shown}
    routes = {method: _routes(arranged[method].offers) for method in LISTS}
    if tools.searching:
        routes[_TOOLS][search.SEARCH] = Route("", search.SEARCH)
    templates = _patterns(routes[_TEMPLATES])
    return Catalog(
        servers=frozenset(members),
        single=view.single,
        prefixed=view.prefixed,
        routes=routes,
        templates=templates,
        lists={method: _results(method, known, shown[method], info, shared=visible is None) for method in LISTS},
        capabilities=greeting.passed_on(known[view.single])
        if view.single in known
        else greeting.capabilities(known, complete=complete, searching=tools.searching),
        instructions=greeting.instructions(known, view.single),
        info=info,
        collisions=tuple(sentence for method in LISTS for sentence in arranged[method].collisions),
        tools=tools.arranged.offers,
        reach=_reach(view, templates, arranged[_TEMPLATES]),
        searching=tools.searching,
        tokens=sum(map(tool_tokens, tools.shown)) if tools.searching else tools.cost,
        tokens_unsearched=tools.cost,
        unmatched=tools.arranged.unmatched if complete else (),
        visible=visible,
    )


class _Tools(msgspec.Struct, frozen=True):
    """The tools of a view and whether they are listed or searched."""

    arranged: Arranged
    shown: list[bytes]
    searching: bool
    cost: int
    """Tokens, if all are listed."""


def _tools(
    known: Mapping[str, Listing],
    members: tuple[str, ...],
    view: View,
    refused: Refused,
    before: Catalog | None,
    visible: Visible | None,
) -> _Tools:
    if visible is not None and before is not None:
        whole = Arranged(before.tools, (), before.unmatched, [])
    else:
        whole = arrange(_TOOLS, known, view, refused, frozenset())
    arranged = _seen(_TOOLS, whole, visible)
    shown = _listed(arranged.offers)
    cost = sum(map(tool_tokens, shown))
    if not _searches(view, cost, before):
        return _Tools(arranged, shown, searching=False, cost=cost)
    if not search.RESERVED.isdisjoint(arranged.offers):
        arranged = _seen(_TOOLS, arrange(_TOOLS, known, view, refused, search.RESERVED), visible)
    lines = {name: greeting.one_line(view.about.get(name, "")) or greeting.line(known.get(name)) for name in members}
    return _Tools(arranged, list(search.definitions(lines)), searching=True, cost=cost)


def _seen(method: str, arranged: Arranged, visible: Visible | None) -> Arranged:
    if visible is None:
        return arranged
    offers = {key: each for key, each in arranged.offers.items() if visible.has(method, each.server, each.item.key)}
    return msgspec.structs.replace(arranged, offers=offers)


def _searches(view: View, cost: int, before: Catalog | None) -> bool:
    """By itself it begins above the limit and ends below half of it: a server that comes and goes changes nothing."""
    if view.search == "auto":
        return cost > (view.search_over // 2 if before is not None and before.searching else view.search_over)
    return view.search == "on"


def _listed(offers: Offers) -> list[bytes]:
    return [offer.raw for offer in offers.values() if not offer.refusal]


def _routes(offers: Offers) -> dict[str, Route]:
    return {key: Route(offer.server, offer.item.key, offer.item.params, offer.refusal) for key, offer in offers.items()}


def _reach(view: View, visible: Templates, templates: Arranged) -> Reach:
    return Reach(view.pick(_TEMPLATES), visible, tuple(map(template_pattern, templates.dropped)))


def _results(
    method: str, known: Mapping[str, Listing], items: list[bytes], info: dict[str, Any], *, shared: bool
) -> tuple[bytes, bytes]:
    member = b'"%b":[%b]' % (LISTS[method].encode(), b",".join(items))
    hints = _merged_hints([listing.hints.get(method) for listing in known.values()])
    scope = b"public" if hints.public and shared else b"private"
    ttl = DEFAULT_TTL if hints.ttl_ms is None else hints.ttl_ms
    meta = encode({META_SERVER: info})
    modern = b'{"resultType":"complete","ttlMs":%d,"cacheScope":"%b",%b,"_meta":%b}' % (ttl, scope, member, meta)
    return b"{%b}" % member, modern


def _merged_hints(hints: list[Hints | None]) -> Hints:
    merged: Hints | None = None
    for hint in hints:
        merged = (hint or Hints()) if merged is None else merge_hints(merged, hint or Hints())
    return merged or Hints()


def _patterns(routes: dict[str, Route]) -> tuple[tuple[Expansions, Route], ...]:
    return tuple((template_pattern(template), route) for template, route in routes.items())


def template_pattern(template: str) -> Expansions:
    """What URIs a template (RFC 6570) can expand to."""
    return Expansions(template)
