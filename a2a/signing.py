"""Cards as they are served: signed by the gateway, with an ETag, made once per revision.

A changed card voids the agent's signature, so the gateway signs its own (A2A 1.0, 8.4).
Implementations differ in what they verify: SDKs canonicalise the members that their version
knows, the specification the document as it is. So there is one signature for each of these
readings, and a verifier is content with one that holds. A card that a reading cannot make
sense of has no signature for it: whoever insists on one then refuses the card. Above: the
endpoint and the well-known documents. Below: `canonical`, `signing_key`; the SDK, in a thread.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Any

import msgspec

from ..core.call import JSON, Header, Reply
from ..core.rawjson import fields, join
from .canonical import canonical, without_empty
from .signing_key import SigningKey

log = logging.getLogger("fedgate.a2a")

MAX_CACHED = 1024
"""Served cards kept: revisions of public and extended cards."""
MAX_AGE = 60
"""Seconds that clients may use a card without asking again."""


class Served(msgspec.Struct, frozen=True):
    """One document and its strong ETag."""

    body: bytes
    etag: str


class CardSigner:
    """Makes the served form of cards. `jku`: where the gateway's key set is; `key`: none to sign nothing."""

    def __init__(self, key: SigningKey | None, jku: str = "") -> None:
        self._key = key
        self._jku = jku
        self._made: dict[bytes, asyncio.Future[Served]] = {}

    def __repr__(self) -> str:
        return f"<CardSigner {self._key} cards={len(self._made)}>"

    async def served(self, card: bytes, *, signed: bool = True) -> Served:
        """The card (`card_out.rewrite` made it), signed if there is a key. Made once, whoever asks meanwhile.

        `ValueError` if it is no JSON object.
        """
        if self._key is None or not signed:
            return tagged(card)
        revision = hashlib.sha256(card).digest()
        making = self._made.get(revision)
        if making is None:
            # The SDK takes some 300 ms to import and milliseconds per card: not on the event loop.
            making = asyncio.get_running_loop().run_in_executor(None, _sign, card, self._key, self._jku)
            while len(self._made) >= MAX_CACHED:
                del self._made[next(iter(self._made))]
            self._made[revision] = making
            making.add_done_callback(lambda made: self._drop_failed(revision, made))
        return await asyncio.shield(making)

    def _drop_failed(self, revision: bytes, made: "asyncio.Future[Served]") -> None:
        if (made.cancelled() or made.exception() is not None) and self._made.get(revision) is made:
            del self._made[revision]


def tagged(body: bytes) -> Served:
    """Any document with its ETag."""
    return Served(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def reply(served: Served, if_none_match: str | None, *, public: bool = True, content_type: Header = JSON) -> Reply:
    """200 with the document, or 304 if the client has it already. `public`: shared caches may keep it."""
    age = f"max-age={MAX_AGE}" if public else f"private, max-age={MAX_AGE}"
    headers = ((b"etag", served.etag.encode()), (b"cache-control", age.encode()))
    if if_none_match is not None and matches(if_none_match, served.etag):
        return Reply(304, headers)
    return Reply(200, (content_type, *headers), served.body)


def matches(if_none_match: str, etag: str) -> bool:
    """RFC 9110 13.1.2: weak comparison against a list, or any with `*`."""
    named = [each.strip(" \t").removeprefix("W/") for each in if_none_match.split(",")]
    return etag in named or named == ["*"]


def _sign(card: bytes, key: SigningKey, jku: str) -> Served:
    unsigned = fields(card)
    unsigned.pop("signatures", None)
    body = join(unsigned)
    payloads = dict.fromkeys(payload for reading in (modern, legacy, plain) if (payload := _read(reading, body)))
    if not payloads:
        log.warning("a card cannot be signed: no reading of A2A makes sense of it")
        return tagged(body)
    return tagged(join({**unsigned, "signatures": [key.sign(payload, jku) for payload in payloads]}))


def _read(reading: Callable[[bytes], bytes], body: bytes) -> bytes:
    errors = import_module("google.protobuf.json_format").Error
    try:
        return reading(body)
    except (ValueError, RecursionError, errors) as error:
        log.info("a card is not signed for the reading %s: %s", reading.__name__, type(error).__name__)
        return b""


def modern(card: bytes) -> bytes:
    """What SDKs of 1.x verify: the card as its Protocol Buffers message, without what is empty."""
    from a2a.client.card_resolver import parse_agent_card

    message = parse_agent_card(json.loads(card))
    members = import_module("google.protobuf.json_format").MessageToDict(message)
    return canonical(without_empty(members))


def legacy(card: bytes) -> bytes:
    """What the Python SDK of 0.3 verifies: the members that 0.3 knows and that are no defaults, in ASCII."""
    from a2a.compat.v0_3.types import AgentCard

    members: dict[str, Any] = AgentCard.model_validate_json(card).model_dump(
        mode="json", exclude={"signatures"}, exclude_defaults=True, exclude_none=True, by_alias=True
    )
    return json.dumps(without_empty(members), separators=(",", ":"), sort_keys=True).encode()


def plain(card: bytes) -> bytes:
    """What the specification says: the document as it is served."""
    return canonical(json.loads(card))
