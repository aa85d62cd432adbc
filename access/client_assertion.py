"""How a client proves who it is without a secret that its server knows: a JWT that it signs (RFC 7523 2.2). Pure.

The kind of the key says how it signs. Imported where a manifest asks for it, and joserfc with it. Above:
`token_client.py`.
"""

from typing import Any

from ..core.rawjson import encode

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
LIFETIME = 60
"""Seconds that an assertion is good for: it is made for one request."""
MIN_BITS = 2048
"""Of an RSA key."""
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


class BadKey(ValueError):
    """The text is no key to sign with. What is said of it repeats nothing of it."""


class Signer:
    """Signs for one client. `pem`: its unencrypted private key: RSA, or EC on P-256, P-384 or P-521."""

    def __init__(self, pem: bytes) -> None:
        """Raises `BadKey`."""
        self.algorithm, self._key = _load(pem)

    def __repr__(self) -> str:
        return f"<Signer {self.algorithm}>"

    def assertion(self, client: str, audience: str, now: float, number: str) -> str:
        """Says to `audience` that this is `client`. `number`: one that was never used before."""
        from joserfc import jws

        since = int(now)
        claims = {"iss": client, "sub": client, "aud": audience, "iat": since, "exp": since + LIFETIME, "jti": number}
        header = {"alg": self.algorithm, "typ": "JWT"}
        return jws.serialize_compact(header, encode(claims), self._key, algorithms=[self.algorithm])


def _load(pem: bytes) -> tuple[str, Any]:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from joserfc.jwk import ECKey, RSAKey

    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadKey("is no unencrypted private key in PEM") from None
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size >= MIN_BITS:
        return "RS256", RSAKey.import_key(pem)
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name], ECKey.import_key(pem)
    raise BadKey(f"is no key to sign with: take RSA of {MIN_BITS} bits, or P-256, P-384 or P-521")
