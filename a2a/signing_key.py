"""The gateway's own key: ES256 signatures (RFC 7515, RFC 7518) and the public half as a JWK set.

One key per gateway: from a PEM file, so that all replicas sign alike and restarts change
nothing, or made for this process. Knows no card. Above: `signing`. Below: cryptography,
imported when a key is made.
"""

import base64
import hashlib
from typing import Any

from ..core.rawjson import encode

_COORDINATE = 32
"""Bytes of each number of a P-256 key or signature."""


class BadKey(ValueError):
    """The file is no key to sign with. The text is a predicate about it and repeats nothing of it."""


class SigningKey:
    """Signs. `pem`: an unencrypted P-256 private key; none: a new one."""

    def __init__(self, pem: bytes | None = None) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec

        self._key = ec.generate_private_key(ec.SECP256R1()) if pem is None else _load(pem)
        point = self._key.public_key().public_numbers()
        # RFC 7638: just these members, in this order, are what a key is named by.
        self._public = {"crv": "P-256", "kty": "EC", "x": _number(point.x), "y": _number(point.y)}
        self.id = _text(hashlib.sha256(encode(self._public)).digest())
        """`kid`: the thumbprint of the public key."""

    def __repr__(self) -> str:
        return f"<SigningKey {self.id}>"

    def jwks(self) -> bytes:
        """What verifiers are given: a JWK set (RFC 7517)."""
        return encode({"keys": [{**self._public, "kid": self.id, "alg": "ES256", "use": "sig"}]})

    def sign(self, payload: bytes, jku: str) -> dict[str, str]:
        """A detached signature in JSON form: `protected` and `signature`. The same for the same payload."""
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric import ec, utils

        protected = _text(encode({"alg": "ES256", "kid": self.id, "typ": "JOSE", "jku": jku}))
        signed = f"{protected}.{_text(payload)}".encode()
        # RFC 6979: replicas that share the key serve the same bytes under the same ETag.
        scheme = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = utils.decode_dss_signature(self._key.sign(signed, scheme))
        return {"protected": protected, "signature": _text(_fixed(r) + _fixed(s))}


def _load(pem: bytes) -> Any:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem, None)
    except TypeError:
        raise BadKey("is encrypted: store the key without a password") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadKey("is no private key in PEM form") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadKey("is no P-256 key: make one with openssl ecparam -name prime256v1 -genkey -noout")
    return key


def _fixed(number: int) -> bytes:
    return number.to_bytes(_COORDINATE, "big")


def _number(number: int) -> str:
    return _text(_fixed(number))


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
