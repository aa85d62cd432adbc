"""The agent card that clients are served: the agent's own words, the gateway's addresses and security.

Pure, on raw JSON: what the gateway does not answer for (skills, provider, extensions, whatever
else an agent adds) stays the bytes it was. One document serves both protocol versions: the
`supportedInterfaces` of 1.0 beside the `url`, `preferredTransport` and `additionalInterfaces` of
0.3, as an SDK agent that speaks both does it. It knows nothing of agents, instances or HTTP.
Above: whoever fetched the card and serves it. Below: `core.rawjson`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from ..core.errors import UpstreamInvalid
from ..core.rawjson import NULL, Fields, Raw, fields, is_object, items, join, raw, text

MAX_CARD = 1024 * 1024
"""Bytes of a card, as the agent sends it."""

_NAMES = (
    *("supportedInterfaces", "additionalInterfaces", "url", "preferredTransport", "protocolVersion"),
    *("securitySchemes", "securityRequirements", "security", "signatures", "supportsAuthenticatedExtendedCard"),
    *("capabilities", "streaming", "pushNotifications", "extendedAgentCard", "stateTransitionHistory"),
    *("name", "description", "version", "skills", "id", "tags", "documentationUrl", "iconUrl"),
    *("defaultInputModes", "defaultOutputModes", "inputModes", "outputModes"),
)
_FOLDED = {name.lower(): name for name in _NAMES}
"""ProtoJSON readers take `snake_case` too, and Go's take any case: an address must not stay behind in another
spelling."""

_DROPPED = frozenset(
    {
        *("supportedInterfaces", "additionalInterfaces", "url", "preferredTransport", "protocolVersion"),
        *("securitySchemes", "securityRequirements", "security", "signatures"),
        "supportsAuthenticatedExtendedCard",
    }
)
"""What is written anew, whichever of the versions the agent wrote it in."""

_LEGACY = frozenset(
    {"url", "preferredTransport", "additionalInterfaces", "protocolVersion", "supportsAuthenticatedExtendedCard"}
)

_SKILL_DROPPED = frozenset({"security", "securityRequirements"})

_REQUIRED: dict[str, Any] = {
    "name": "",
    "description": "",
    "version": "",
    "capabilities": {},
    "defaultInputModes": [],
    "defaultOutputModes": [],
    "skills": [],
}
"""What 0.3 clients do not go without and ProtoJSON writers leave out when it is empty."""

_SKILL_REQUIRED: dict[str, Any] = {"id": "", "name": "", "description": "", "tags": []}


class Security(msgspec.Struct, frozen=True):
    """How clients show who they are. Neither: nobody is asked."""

    bearer: bool = True
    """`Authorization: Bearer KEY` (or a token)."""
    api_key: bool = True
    """`x-api-key: KEY`."""


OPEN = Security(bearer=False, api_key=False)


class Terms(msgspec.Struct, frozen=True):
    """What the gateway answers for. `None`: as the agent says."""

    agent: str
    """The agent's name in the manifest."""
    base: str
    """The agent's URL at the gateway, without a slash at its end: all bindings and versions are served below it."""
    security: Security = Security()
    push: bool = False
    """Whether push notifications are relayed; an agent that cannot send them stays as it is."""
    streaming: bool | None = None
    extended: bool | None = None
    """Whether there is an extended card."""


def rewrite(card: bytes, terms: Terms) -> bytes:
    """The card to serve: the same for the same input. `UpstreamInvalid` if it is no card."""
    if len(card) > MAX_CARD:
        raise UpstreamInvalid(f"the agent's card is longer than {MAX_CARD} bytes")
    try:
        card.decode()  # members that stay raw are not looked into
        return _rewritten(_named(fields(card)), terms)
    except ValueError as error:
        raise UpstreamInvalid("the agent's card is not a JSON object") from error


def modern(card: bytes) -> bytes:
    """A rewritten card without what 0.3 has of its own: readers of 1.0 that take no unknown member can read it."""
    return join({key: member for key, member in fields(card).items() if key not in _LEGACY})


def _rewritten(agent: Fields, terms: Terms) -> bytes:
    extended = terms.extended
    if extended is None:
        flags = _named(_object(agent.get("capabilities")))
        extended = _is_true(agent.get("supportsAuthenticatedExtendedCard")) or _is_true(flags.get("extendedAgentCard"))
    served: dict[str, Any] = {key: member for key, member in agent.items() if key not in _DROPPED}
    for key, empty in _REQUIRED.items():
        if bytes(served.get(key, NULL)) == b"null":
            served[key] = raw(empty)
    if not text(served["name"]):
        served["name"] = raw(terms.agent)
    served["capabilities"] = Raw(_capabilities(served["capabilities"], terms, extended))
    served["skills"] = Raw(_skills(served["skills"]))
    served |= _addresses(terms.base)
    served |= _security(terms.security)
    if extended:
        served["supportsAuthenticatedExtendedCard"] = True
    return join(served)


def _named(members: Fields) -> Fields:
    """The members under the names that A2A gives them. Where several spellings are there, A2A's own counts."""
    return {
        _canonical(key): member
        for key, member in members.items()
        if _canonical(key) == key or _canonical(key) not in members
    }


def _canonical(key: str) -> str:
    return _FOLDED.get(key.replace("_", "").lower(), key)


def _object(member: Raw | None) -> Fields:
    return fields(member) if member is not None and is_object(member) else {}


def _is_true(member: Raw | None) -> bool:
    return member is not None and bytes(member) == b"true"


def _capabilities(member: Raw, terms: Terms, extended: bool) -> bytes:
    found: dict[str, Any] = dict(_named(_object(member)))
    found["pushNotifications"] = terms.push and _is_true(found.get("pushNotifications"))
    if terms.streaming is not None:
        found["streaming"] = terms.streaming
    if extended or terms.extended is not None or "extendedAgentCard" in found:
        found["extendedAgentCard"] = extended
    return join(found)


def _skills(member: Raw) -> bytes:
    return b"[%b]" % b",".join(_skill(each) for each in _array(member) if is_object(each))


def _skill(member: Raw) -> bytes:
    skill: dict[str, Any] = {key: part for key, part in _named(fields(member)).items() if key not in _SKILL_DROPPED}
    for key, empty in _SKILL_REQUIRED.items():
        skill.setdefault(key, empty)
    return join(skill)


def _array(member: Raw) -> Iterable[Raw]:
    return items(member) if bytes(member)[:1] == b"[" else ()


def _addresses(base: str) -> Mapping[str, Any]:
    """Every interface has the same URL: clients append what their binding and version need (nothing for JSON-RPC,
    `/message:send` in 1.0, `/v1/message:send` in 0.3). 1.0 comes first, for clients that take the first they know."""
    return {
        "supportedInterfaces": [
            {"url": base, "protocolBinding": binding, "protocolVersion": version}
            for version in ("1.0", "0.3")
            for binding in ("JSONRPC", "HTTP+JSON")
        ],
        "url": base,
        "preferredTransport": "JSONRPC",
        "additionalInterfaces": [{"url": base, "transport": binding} for binding in ("JSONRPC", "HTTP+JSON")],
        "protocolVersion": "0.3.0",
    }


def _security(security: Security) -> Mapping[str, Any]:
    """Each scheme in the shape of 1.0 and, beside it, the members of 0.3."""
    schemes: dict[str, Any] = {}
    if security.bearer:
        http = {"scheme": "Bearer"}
        schemes["bearer"] = {"httpAuthSecurityScheme": http, "type": "http", **http}
    if security.api_key:
        name = "x-api-key"
        key = {"location": "header", "name": name}
        schemes["apiKey"] = {"apiKeySecurityScheme": key, "type": "apiKey", "in": "header", "name": name}
    if not schemes:
        return {}
    return {
        "securitySchemes": schemes,
        "securityRequirements": [{"schemes": {name: {"list": []}}} for name in schemes],
        "security": [{name: []} for name in schemes],
    }
