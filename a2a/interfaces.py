"""Where an agent's traffic goes: the manifest's address, refined by the paths of its card, never another host. Pure.

A card is written from the agent's own point of view and may name hosts that do not lead to it from
here. So its URLs give paths alone. Above: `card_keeper.py`, `instance.py`. Below: values.
"""

import msgspec

from ..core.http_values import Target
from .card_in import Card, Listed
from .values import Speech

WELL_KNOWN = ("/.well-known/agent-card.json", "/.well-known/agent.json")
"""Where cards are: since 0.3, and before."""


class Interface(msgspec.Struct, frozen=True):
    """One way to speak to an instance: how, and on which path of its origin (with the query, if any)."""

    speech: Speech
    path: str
    tenant: str = ""
    """What 1.0 requests must carry as `tenant`; empty: nothing."""

    def at(self, below: str) -> str:
        """The path of a request: `below` (with its own query) under this one; empty: this one as it is."""
        return join(self.path, below) if below else self.path


class Place(msgspec.Struct, frozen=True):
    """What the URL of an instance says."""

    target: Target
    """Its origin, with the base path and the query."""
    base: str
    """The path that traffic goes to unless the card knows better."""
    query: str
    cards: tuple[str, ...]
    """Paths of the card, with the query, to be tried in this order."""


class Ways(msgspec.Struct, frozen=True):
    """The interfaces of an instance, preferred first, and what is odd about its card."""

    interfaces: tuple[Interface, ...]
    remarks: tuple[str, ...] = ()


def join(path: str, below: str) -> str:
    """`below` under `path`; the query of `path` comes last."""
    prefix, _, own = path.partition("?")
    under, _, query = below.partition("?")
    return with_query(f"{prefix.rstrip('/')}/{under.lstrip('/')}", query, own)


def with_query(path: str, *queries: str) -> str:
    together = "&".join(each for each in queries if each)
    return f"{path}?{together}" if together else path


def place(url: str) -> Place:
    """Read the URL of an instance: a base URL, or the URL of a card. `ValueError` if it is no URL."""
    target = Target.parse(url)
    path, _, query = target.path.partition("?")
    base, cards = path, tuple(path.rstrip("/") + known for known in WELL_KNOWN)
    folder, _, file = path.rpartition("/")
    if file in ("agent-card.json", "agent.json"):
        base = folder.removesuffix("/.well-known") or "/"
        cards = (path, *(base.rstrip("/") + known for known in WELL_KNOWN if not path.endswith(known)))
    return Place(
        Target(target.scheme, target.host, target.port, with_query(base, query)),
        base,
        query,
        tuple(with_query(card, query) for card in cards),
    )


def ways(place: Place, card: Card | None, speaks: tuple[Speech, ...] = ()) -> Ways:
    """Where to go. `speaks` (of the manifest) overrides what the card says of speech, not of paths."""
    found, remarks = _by_card(place, card.listed if card else ())
    if not speaks:
        return Ways(found, remarks)
    return Ways(tuple(_spoken(place, speech, found) for speech in speaks), remarks)


def _spoken(place: Place, speech: Speech, found: tuple[Interface, ...]) -> Interface:
    for same in (speech, None):
        for each in found:
            if each.speech == (same or each.speech) and each.speech.binding == speech.binding:
                return Interface(speech, each.path, each.tenant)
    return Interface(speech, with_query(place.base, place.query))


def _by_card(place: Place, listed: tuple[Listed, ...]) -> tuple[tuple[Interface, ...], tuple[str, ...]]:
    """Interfaces of the origin that the card means by itself: the manifest's, or else that of its first one."""
    remarks: dict[str, None] = {}
    read: list[tuple[Listed, Target]] = []
    for entry in listed:
        try:
            absolute = place.target.origin + entry.url if entry.url.startswith("/") else entry.url
            read.append((entry, Target.parse(absolute)))
        except ValueError:
            remarks["its card has an interface whose URL cannot be read; it is not used"] = None
    origins = [target.origin for _, target in read]
    home = place.target.origin if place.target.origin in origins else next(iter(origins), "")
    found: dict[Interface, None] = {}
    for entry, target in read:
        if target.origin != home:
            remarks[f"its card has an interface on {target.origin}, which is not used"] = None
        else:
            found[Interface(entry.speech, _path(place, target), entry.tenant)] = None
    if home not in ("", place.target.origin):
        remarks[f"its card names {home}; {place.target.origin} of the manifest is used"] = None
    return tuple(found), tuple(remarks)


def _path(place: Place, target: Target) -> str:
    if target.origin != place.target.origin and place.base != "/":
        return with_query(place.base, place.query)
    path, _, query = target.path.partition("?")
    return with_query(path, query, place.query if place.query != query else "")
