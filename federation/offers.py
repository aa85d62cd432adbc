"""What one view offers of one kind: named, picked, renamed, withheld and written down as clients get it. Pure.

The steps are the same for every view and every list method; a step that a view does not
ask for changes nothing. Bytes of an item stay as its server wrote them, but for the
members that a view says otherwise. Above: `catalog.py`. Below: names, URIs, views.
"""

from collections.abc import Mapping

import msgspec

from ..core.rawjson import encode, fields, raw
from .eras import LISTS
from .listing import KEYS, Item, Listing
from .names import Owner, assign, collapsed, hashed
from .uris import expose, map_item
from .views import Edit, View

_NO_EDIT = Edit()


class Offer(msgspec.Struct, frozen=True):
    """One tool, prompt, resource or template as a view has it. `raw`: what clients are told of it."""

    server: str
    item: Item
    raw: bytes = b""
    refusal: str = ""
    """Why it is withheld: then it is not listed, and a call is answered with this sentence."""


Offers = dict[str, Offer]
"""Exposed name, URI or template → offer, in the order in which they are listed."""

Refused = Mapping[str, Mapping[str, str]]
"""Server → its tool's own name → why it is withheld."""


class Arranged(msgspec.Struct, frozen=True):
    """The outcome for one list method."""

    offers: Offers
    dropped: tuple[str, ...]
    """Exposed keys that an exclude glob took away."""
    unmatched: tuple[str, ...]
    """Keys of `View.edits` that name nothing in this view."""
    collisions: list[str]


def arrange(method: str, known: Mapping[str, Listing], view: View, refused: Refused, taken: frozenset[str]) -> Arranged:
    """All steps. `taken` are names that this view needs for itself."""
    exposed, collisions = _exposed(method, known, view)
    pick = view.pick(method)
    picked = {key: offer for key, offer in exposed.items() if pick.has(key)}
    dropped = tuple(key for key in exposed if pick.excludes(key)) if pick.exclude else ()
    edits = view.edits if method == "tools/list" else {}
    unmatched = tuple(key for key in edits if key not in picked)
    names, clashes = _final_names(picked, edits, taken)
    offers: Offers = {}
    for key, offer in picked.items():
        why = refused.get(offer.server, {}).get(offer.item.key, "") if method == "tools/list" else ""
        try:
            written = _written(method, names[key], offer, edits.get(key, _NO_EDIT), prefixed=view.prefixed)
        except ValueError:  # nested too deeply for the stack as it is now
            clashes.append(f"{key!r} of {offer.server} is hidden: it is nested too deeply")
            continue
        offers[names[key]] = Offer(offer.server, offer.item, written, why)
    return Arranged(offers, dropped, unmatched, collisions + clashes)


def _exposed(method: str, known: Mapping[str, Listing], view: View) -> tuple[Offers, list[str]]:
    return _named(method, known, view) if KEYS[method] == "name" else _addressed(method, known, prefixed=view.prefixed)


def _named(method: str, known: Mapping[str, Listing], view: View) -> tuple[Offers, list[str]]:
    by_owner = {
        Owner(name, item.key): item for name, listing in known.items() for item in listing.items.get(method, ())
    }
    assigned = assign(by_owner, view.bare_naming)
    kind = LISTS[method].removesuffix("s")
    clashes = [f"{kind} {sentence}" for sentence in assigned.collisions]
    return {name: Offer(owner.server, by_owner[owner]) for name, owner in assigned.table.items()}, clashes


def _addressed(method: str, known: Mapping[str, Listing], *, prefixed: bool) -> tuple[Offers, list[str]]:
    exposed: Offers = {}
    clashes = []
    for name, listing in known.items():
        for item in listing.items.get(method, ()):
            uri = expose(name, item.key) if prefixed else item.key
            first = exposed.setdefault(uri, Offer(name, item))
            if first.server != name:
                clashes.append(f"resource {uri!r} of {name} is hidden: {first.server} has that URI already")
    return exposed, clashes


def _final_names(picked: Offers, edits: Mapping[str, Edit], taken: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Exposed name → the name in this view. Names that were chosen win; whoever is in their way gets a hash."""
    chosen = {key: name for key, edit in edits.items() if key in picked and (name := edit.name) is not None}
    if not chosen and not taken:
        return {key: key for key in picked}, []
    reserved = {collapsed(name) for name in (*chosen.values(), *taken)}
    names: dict[str, str] = {}
    clashes: list[str] = []
    for key, offer in picked.items():
        names[key] = chosen.get(key, key)
        if key not in chosen and collapsed(key) in reserved:
            names[key] = hashed(Owner(offer.server, offer.item.key))
            clashes.append(f"tool {key!r} is exposed as {names[key]!r}: its name is given to another tool here")
    return names, clashes


def _written(method: str, name: str, offer: Offer, edit: Edit, *, prefixed: bool) -> bytes:
    """The item's own bytes, unless its name, a URI in it or what an edit says must change."""
    item = offer.item
    renamed = KEYS[method] == "name" and name != item.key
    linked = prefixed and (b"uri" in item.raw or b"esourceUri" in item.raw)
    if not renamed and not linked and edit is _NO_EDIT:
        return item.raw
    members = fields(item.raw)
    if renamed:
        members["name"] = raw(name)
    if linked:
        map_item(members, lambda uri: expose(offer.server, uri))
    for key, said in (("title", edit.title), ("description", edit.description)):
        if said is not None:
            members[key] = raw(said)
    return encode(members)
