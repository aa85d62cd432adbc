"""What there is: the agent list, the AI catalog and the API catalog, as documents.

Pure: A2A defines no registry, so the gateway offers the forms that clients look for: its own
list (`/a2a`), `/.well-known/ai-catalog.json` (AI Catalog 0.9) and `/.well-known/api-catalog`
(RFC 9727). Who may see which agent is decided by whoever calls. `Other` lets protocols that this
part does not know stand in the same catalogs. Above: the endpoint and `gateway/app.py`.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from ..core.call import Header
from ..core.rawjson import encode, fields, text

AI_CATALOG: Header = (b"content-type", b"application/ai-catalog+json")
API_CATALOG: Header = (
    b"content-type",
    b'application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"',
)
CARD_PATH = "/.well-known/agent-card.json"
_SPEC_VERSION = "0.9"
_CARD_TYPE = "application/a2a-agent-card+json"


class Listed(msgspec.Struct, frozen=True):
    """One agent, as the list tells of it."""

    name: str
    state: str
    """`ready`, `degraded`, `down`, ...: the words of the agents' health."""
    title: str = ""
    """The name on its card."""
    description: str = ""
    version: str = ""


class Other(msgspec.Struct, frozen=True):
    """Something else that the gateway serves, for the same catalogs."""

    identifier: str
    """A URL or URN, also the API's address if it has one."""
    type: str
    """Media type of the document at `document`."""
    document: str
    """URL of the document that describes it."""
    title: str = ""
    description: str = ""


def listed(name: str, state: str, card: bytes | None, description: str | None = None) -> Listed:
    """What the list tells of an agent with this card (none: not fetched yet, or not to be shown).

    `description`: the operator's words, which count more than the card's.
    """
    try:
        members = fields(card) if card else {}
    except ValueError:
        members = {}
    title, own, version = (text(members.get(key)) or "" for key in ("name", "description", "version"))
    return Listed(name, state, title, own if description is None else description, version)


def agents(found: Iterable[Listed], public: str) -> bytes:
    """The body of `/a2a`. `public`: the gateway's public URL, without a slash at its end."""
    return encode({"agents": [_agent(each, public) for each in _sorted(found)]})


def ai_catalog(found: Iterable[Listed], public: str, others: Sequence[Other] = ()) -> bytes:
    """The body of `/.well-known/ai-catalog.json`."""
    entries = [_entry(each, public) for each in _sorted(found)] + [_other_entry(each) for each in others]
    return encode({"specVersion": _SPEC_VERSION, "host": {"displayName": "fedgate"}, "entries": entries})


def api_catalog(found: Iterable[Listed], public: str, others: Sequence[Other] = ()) -> bytes:
    """The body of `/.well-known/api-catalog`: a linkset (RFC 9264) whose first context lists the rest."""
    apis = [
        (_base(each.name, public), _described(_card(each.name, public), "application/json")) for each in _sorted(found)
    ]
    apis += [(each.identifier, _described(each.document, each.type)) for each in others]
    catalog = {
        "anchor": f"{public}/.well-known/api-catalog",
        "item": [{"href": anchor} for anchor, _ in apis],
    }
    return encode({"linkset": [catalog, *({"anchor": anchor, **links} for anchor, links in apis)]})


def _sorted(found: Iterable[Listed]) -> list[Listed]:
    return sorted(found, key=lambda each: each.name)


def _base(name: str, public: str) -> str:
    return f"{public}/a2a/{name}"


def _card(name: str, public: str) -> str:
    return _base(name, public) + CARD_PATH


def _agent(each: Listed, public: str) -> dict[str, Any]:
    return {
        "name": each.name,
        "title": each.title or each.name,
        "description": each.description,
        "version": each.version,
        "url": _base(each.name, public),
        "card": _card(each.name, public),
        "state": each.state,
    }


def _entry(each: Listed, public: str) -> dict[str, Any]:
    # No name and description: a card has its own, and a second copy could only differ from it. The identifier ends
    # in the agent's name, which is what catalogs show of an entry whose card they have not fetched.
    return {"identifier": _base(each.name, public), "type": _CARD_TYPE, "url": _card(each.name, public)}


def _other_entry(each: Other) -> dict[str, Any]:
    entry = {"identifier": each.identifier, "type": each.type, "url": each.document}
    named = {"displayName": each.title, "description": each.description}
    return entry | {key: words for key, words in named.items() if words}


def _described(document: str, media_type: str) -> dict[str, Any]:
    return {"service-desc": [{"href": document, "type": media_type}]}
