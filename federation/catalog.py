"""One catalog out of the listings of many servers, serialised once. Pure.

A catalog belongs to a view: the aggregate of all servers, or a single server whose names
and URIs stay untouched. It answers the list methods of both eras with ready bytes, and
says for every exposed name, URI and template which server owns it.
"""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..core.rawjson import encode, fields, raw
from .eras import CHANGED, LISTS, META_SERVER
from .headers import ParamHeaders
from .listing import KEYS, Hints, Item, Listing, merge_hints
from .names import Naming, Owner, assign
from .uris import Rewrite, expose, map_item, unchanged

DEFAULT_TTL = 30_000
"""Milliseconds that a client may keep a list if no server says less; changes are announced anyway."""
INSTRUCTIONS = 4000
"""Characters of merged instructions; Claude Code cuts at 4096."""
_EXPRESSION = re.compile(r"\{([+#./;?&]?)[^{}]*\}")


class Route(msgspec.Struct, frozen=True):
    """Who owns an exposed name or URI, and what it is called there."""

    server: str
    name: str
    params: ParamHeaders = {}


class Catalog(msgspec.Struct, frozen=True):
    """See the module. `lists`: list method → (legacy result, modern result) as raw JSON."""

    servers: frozenset[str]
    single: str
    """The server of a pass-through view, else empty."""
    prefixed: bool
    routes: dict[str, dict[str, Route]]
    """List method → exposed name, URI or template → owner."""
    templates: tuple[tuple[re.Pattern[str], Route], ...]
    lists: dict[str, tuple[bytes, bytes]]
    capabilities: dict[str, Any]
    instructions: str
    info: dict[str, Any]
    collisions: tuple[str, ...]

    def exposer(self, server: str) -> Rewrite:
        """How URIs of `server` look to the client of this view."""
        return (lambda uri: expose(server, uri)) if self.prefixed else unchanged

    def changed_since(self, old: "Catalog") -> tuple[str, ...]:
        """Which of tools, prompts and resources a client that knows `old` must list again."""
        differing = {method for method in LISTS if self.lists[method] != old.lists[method]}
        return tuple(kind for kind in CHANGED if any(method.startswith(kind) for method in differing))


class View(msgspec.Struct, frozen=True):
    """What to build: the naming, one server only (`single`), and the gateway's own name."""

    naming: Naming = "always"
    single: str = ""
    info: dict[str, Any] = {}


def build(listings: Mapping[str, Listing | None], view: View) -> Catalog:
    """Merge, in the order of `listings`. A server whose listing is not known yet (`None`) offers nothing yet."""
    known = {name: listing for name, listing in listings.items() if listing is not None}
    prefixed = view.naming == "always" and not view.single
    naming: Naming = "never" if view.single else view.naming
    info = _info(known, view)
    routes: dict[str, dict[str, Route]] = {}
    lists: dict[str, tuple[bytes, bytes]] = {}
    collisions: list[str] = []
    for method in LISTS:
        if KEYS[method] == "name":
            exposed, clashes = _named(method, known, naming)
        else:
            exposed, clashes = _addressed(method, known, prefixed=prefixed)
        routes[method] = {key: Route(server, item.key, item.params) for key, (server, item) in exposed.items()}
        lists[method] = _results(method, known, exposed, prefixed, info)
        collisions += clashes
    return Catalog(
        servers=frozenset(listings),
        single=view.single,
        prefixed=prefixed,
        routes=routes,
        templates=_patterns(routes["resources/templates/list"]),
        lists=lists,
        capabilities=capabilities(known, complete=len(known) == len(listings)),
        instructions=instructions(known, view.single),
        info=info,
        collisions=tuple(collisions),
    )


Exposed = dict[str, tuple[str, Item]]


def _named(method: str, known: Mapping[str, Listing], naming: Naming) -> tuple[Exposed, list[str]]:
    by_owner = {
        Owner(name, item.key): item for name, listing in known.items() for item in listing.items.get(method, ())
    }
    assigned = assign(by_owner, naming)
    kind = LISTS[method].removesuffix("s")
    clashes = [f"{kind} {sentence}" for sentence in assigned.collisions]
    return {name: (owner.server, by_owner[owner]) for name, owner in assigned.table.items()}, clashes


def _addressed(method: str, known: Mapping[str, Listing], *, prefixed: bool) -> tuple[Exposed, list[str]]:
    exposed: Exposed = {}
    clashes = []
    for name, listing in known.items():
        for item in listing.items.get(method, ()):
            uri = expose(name, item.key) if prefixed else item.key
            first = exposed.setdefault(uri, (name, item))
            if first[0] != name:
                clashes.append(f"resource {uri!r} of {name} is hidden: {first[0]} has that URI already")
    return exposed, clashes


def _results(
    method: str, known: Mapping[str, Listing], exposed: Exposed, prefixed: bool, info: dict[str, Any]
) -> tuple[bytes, bytes]:
    items = b",".join(_item(method, key, server, item, prefixed) for key, (server, item) in exposed.items())
    member = b'"%b":[%b]' % (LISTS[method].encode(), items)
    hints = _merged_hints([listing.hints.get(method) for listing in known.values()])
    scope = b"public" if hints.public else b"private"
    ttl = DEFAULT_TTL if hints.ttl_ms is None else hints.ttl_ms
    meta = encode({META_SERVER: info})
    modern = b'{"resultType":"complete","ttlMs":%d,"cacheScope":"%b",%b,"_meta":%b}' % (ttl, scope, member, meta)
    return b"{%b}" % member, modern


def _merged_hints(hints: list[Hints | None]) -> Hints:
    merged: Hints | None = None
    for hint in hints:
        merged = (hint or Hints()) if merged is None else merge_hints(merged, hint or Hints())
    return merged or Hints()


def _item(method: str, key: str, server: str, item: Item, prefixed: bool) -> bytes:
    """The item's own bytes, unless its name or a URI in it must change."""
    renamed = KEYS[method] == "name" and key != item.key
    if not renamed and not (prefixed and (b"uri" in item.raw or b"esourceUri" in item.raw)):
        return item.raw
    members = fields(item.raw)
    if renamed:
        members["name"] = raw(key)
    if prefixed:
        map_item(members, lambda uri: expose(server, uri))
    return encode(members)


def _patterns(routes: dict[str, Route]) -> tuple[tuple[re.Pattern[str], Route], ...]:
    return tuple((template_pattern(template), route) for template, route in routes.items())


def template_pattern(template: str) -> re.Pattern[str]:
    """What URIs a template (RFC 6570) can expand to, generously: for finding the owner, not for parsing."""
    pattern, end = "", 0
    for match in _EXPRESSION.finditer(template):
        pattern += re.escape(template[end : match.start()])
        pattern += ".*" if match[1] else "[^/?#]*"
        end = match.end()
    return re.compile(pattern + re.escape(template[end:]))


def capabilities(known: Mapping[str, Listing], *, complete: bool) -> dict[str, Any]:
    """The union of what the servers have. What a server not reached yet may have is offered too: it may come."""
    have: dict[str, Any] = {}
    for listing in known.values():
        for name, detail in listing.greeting.capabilities.items():
            if name in ("completions", "logging", "tools", "prompts", "resources") and isinstance(detail, dict):
                have.setdefault(name, {}).update({"subscribe": True} if detail.get("subscribe") is True else {})
    if not complete:
        for kind in CHANGED:
            have.setdefault(kind, {})
    for kind in CHANGED:
        if kind in have:
            have[kind]["listChanged"] = True
    return have


def instructions(known: Mapping[str, Listing], single: str) -> str:
    """One server's as they are; of several, each under its name, shared room fairly when it is scarce."""
    if single:
        return known[single].greeting.instructions if single in known else ""
    texts = {name: listing.greeting.instructions.strip() for name, listing in known.items()}
    texts = {name: text for name, text in texts.items() if text}
    if not texts:
        return ""
    room = max(INSTRUCTIONS // len(texts) - 40, 80)
    parts = [f"## {name}\n{text if len(text) <= room else text[: room - 1] + '…'}" for name, text in texts.items()]
    whole = "\n\n".join(f"## {name}\n{text}" for name, text in texts.items())
    return whole if len(whole) <= INSTRUCTIONS else "\n\n".join(parts)[:INSTRUCTIONS]


def _info(known: Mapping[str, Listing], view: View) -> dict[str, Any]:
    if view.single and view.single in known:
        return known[view.single].greeting.info or view.info
    return view.info
