"""An agent's card as it came: which interfaces it lists, and the few members the gateway reads. Pure.

Cards of 1.0, of 0.3 and before, and hybrids of both (which official servers write). The JSON is kept
as it is; unknown members are nobody's business here. Above: `interfaces.py`, `card_keeper.py`, and
who rewrites the card for clients. Below: `core`.
"""

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Fields, fields, items, repeats, sub, text
from .values import Binding, Speech, Version

MAX_CARD = 1024 * 1024
"""Bytes of a card."""
MAX_INTERFACES = 64
"""Interfaces of a card that are looked at."""
MAX_TEXT = 1000
"""Characters of a name, description or version that are kept beside the card."""

_BINDINGS: dict[str, Binding] = {"JSONRPC": "jsonrpc", "HTTP+JSON": "rest"}


class Listed(NamedTuple):
    """An interface that the card lists and the gateway speaks."""

    url: str
    speech: Speech
    tenant: str = ""


class Card(msgspec.Struct, frozen=True):
    """One card."""

    raw: bytes
    """The JSON as it came."""
    name: str
    description: str
    version: str
    listed: tuple[Listed, ...]
    """In the card's order, the preferred one first."""
    streaming: bool = False
    push: bool = False
    extended: bool = False
    """Whether there is an extended card for callers who are known."""

    @property
    def revision(self) -> str:
        """The same for the same bytes, another for others."""
        return hashlib.sha256(self.raw).hexdigest()[:16]


def parse(body: bytes, *, signed: bool = False) -> Card:
    """Read a card. `signed`: what no signature covers (0.3 members beside 1.0 ones) is left out.

    Raises `UpstreamInvalid`.
    """
    members = _members(body)
    interfaces = _either(members, "supportedInterfaces", "supported_interfaces")
    listed = [*_modern(interfaces)]
    if not (signed and interfaces):
        listed += _legacy(members)
    capabilities = sub(members, "capabilities")
    return Card(
        raw=body,
        name=_short(members, "name"),
        description=_short(members, "description"),
        version=_short(members, "version"),
        listed=tuple(dict.fromkeys(listed)),
        streaming=_is_true(capabilities, "streaming"),
        push=_is_true(capabilities, "pushNotifications", "push_notifications"),
        extended=_is_true(capabilities, "extendedAgentCard", "extended_agent_card")
        or _is_true(members, "supportsAuthenticatedExtendedCard"),
    )


def _members(body: bytes) -> Fields:
    if len(body) > MAX_CARD:
        raise UpstreamInvalid(f"its card is longer than {MAX_CARD} bytes")
    try:
        body.decode()
        members = fields(body)
        twice = repeats(body, members)
    except ValueError:
        raise UpstreamInvalid("its card is no JSON object") from None
    if twice:
        raise UpstreamInvalid("its card has a member twice")
    if text(members.get("name")) is None or not members.keys() & {"supportedInterfaces", "supported_interfaces", "url"}:
        raise UpstreamInvalid('its card has no "name", or neither "supportedInterfaces" nor "url": it is no agent card')
    return members


def _modern(interfaces: msgspec.Raw) -> Iterator[Listed]:
    for entry in _objects(interfaces):
        url = text(entry.get("url"))
        binding = text(_either(entry, "protocolBinding", "protocol_binding"))
        version = text(_either(entry, "protocolVersion", "protocol_version"))
        speech = _speech("1.0" if version is None else version, binding)
        if url and speech:
            tenant = text(entry.get("tenant")) if speech.version == "1.0" else None  # 0.3 knows none
            yield Listed(url, speech, tenant or "")


def _legacy(members: Fields) -> Iterator[Listed]:
    """Members of 0.3; a version that says nothing is of before 0.3, which is spoken alike."""
    version = text(members.get("protocolVersion")) or "0.3"
    preferred = text(members.get("preferredTransport")) or "JSONRPC"
    others = _objects(members.get("additionalInterfaces", EMPTY))
    entries = [(entry.get("url"), text(entry.get("transport"))) for entry in others]
    for member, transport in [(members.get("url"), preferred), *entries]:
        url = text(member)
        speech = _speech(version, transport)
        if url and speech:
            yield Listed(url, speech)


def _speech(version: str, binding: str | None) -> Speech | None:
    spoken = _BINDINGS.get((binding or "").upper())
    known = _version(version)
    return Speech(known, spoken) if known and spoken else None


def _version(version: str) -> Version | None:
    """Patch numbers never count."""
    major, _, rest = version.partition(".")
    if major == "1":
        return "1.0"
    return "0.3" if major == "0" and rest.partition(".")[0] in ("2", "3") else None


def _objects(array: msgspec.Raw) -> Iterator[Fields]:
    try:
        found = items(array)
    except ValueError:
        return
    for each in found[:MAX_INTERFACES]:
        try:
            yield fields(each)
        except ValueError:
            continue


def _either(members: Fields, camel: str, snake: str) -> msgspec.Raw:
    """A member in either of its two spellings; both at once could be read differently by others."""
    if camel in members and snake in members:
        raise UpstreamInvalid(f"its card has both {camel} and {snake}")
    return members.get(camel, members.get(snake, EMPTY))


def _is_true(members: Fields, *keys: str) -> bool:
    return any(bytes(members.get(key, EMPTY)) == b"true" for key in keys)


def _short(members: Fields, key: str) -> str:
    return (text(members.get(key)) or "")[:MAX_TEXT]
