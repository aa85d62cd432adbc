"""Signed cards for tests: made by the SDK's own signer, with keys that are made here once."""

import json
from typing import Any

import jwt
from a2a.types import AgentCard
from a2a.utils.signing import create_agent_card_signer
from cryptography.hazmat.primitives.asymmetric import ec

ES256 = jwt.get_algorithm_by_name("ES256")
OURS, THEIRS = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


def public(key: ec.EllipticCurvePrivateKey, kid: str | None) -> dict[str, Any]:
    jwk: dict[str, Any] = ES256.to_jwk(key.public_key(), as_dict=True)
    return {**jwk, "alg": "ES256"} | ({"kid": kid} if kid else {})


def key_set(*keys: dict[str, Any]) -> bytes:
    return json.dumps({"keys": keys}).encode()


def signed(card: AgentCard, key: Any = OURS, kid: str = "one", alg: str = "ES256") -> AgentCard:
    header: Any = {"alg": alg, "kid": kid, "typ": "JOSE", "jku": "https://evil.example/jwks.json"}
    return create_agent_card_signer(key, header)(card)
