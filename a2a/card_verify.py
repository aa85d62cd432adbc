"""Whether a card is signed by a key that the manifest trusts. Fails closed; blocks, so it runs in a thread.

The signature (JWS, RFC 7515) covers the card as the protocol's own types see it, not its JSON: official
servers serve members that they do not sign. So the official SDK reads and verifies it here, loaded
when first needed. `jku` is never followed: keys are those of the manifest. Above: `card_keeper.py`.
"""

import json
from importlib import import_module
from typing import TYPE_CHECKING

from ..core.errors import UpstreamInvalid
from ..core.rawjson import fields, items, value

if TYPE_CHECKING:
    from jwt.api_jwk import PyJWK

ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
"""Asymmetric ones alone: a public key must never serve as a shared secret."""
MAX_SIGNATURES = 16
"""Signatures of a card that are tried."""


class Unverified(UpstreamInvalid):
    """The card is not signed by a trusted key."""


def verify(card: bytes, keys: bytes) -> None:
    """Check `card` against a JWK set that `card_keys` has checked. Raises `Unverified`."""
    from a2a.client.card_resolver import parse_agent_card
    from a2a.utils.signing import SignatureVerificationError, create_signature_verifier

    json_format = import_module("google.protobuf.json_format")  # it comes without types
    if _signatures(card) > MAX_SIGNATURES:
        raise Unverified(f"its card has more than {MAX_SIGNATURES} signatures")
    ring = _Ring(keys)
    try:
        parsed = parse_agent_card(json.loads(card))
        create_signature_verifier(ring.key, ALGORITHMS)(parsed)
    except SignatureVerificationError:
        raise Unverified("its card is not signed by a key of card.verify") from None
    except (json_format.Error, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise Unverified("its card cannot be verified: it is no card of this protocol") from error


def _signatures(card: bytes) -> int:
    try:
        return len(items(fields(card)["signatures"]))
    except (KeyError, ValueError):
        return 0


class _Ring:
    """Keys by their id."""

    def __init__(self, keys: bytes) -> None:
        self._keys: list[dict[str, object]] = value(keys)["keys"]

    def key(self, kid: str | None, _jku: str | None) -> "PyJWK":
        """The key that a signature names; without a name, the only one. A `PyJWTError` passes to the next signature."""
        from jwt.api_jwk import PyJWK
        from jwt.exceptions import PyJWKSetError

        named = [key for key in self._keys if kid is not None and key.get("kid") == kid]
        if not named and len(self._keys) == 1 and (kid is None or "kid" not in self._keys[0]):
            named = self._keys
        if not named:
            raise PyJWKSetError("no such key")
        return PyJWK.from_dict(named[0])
