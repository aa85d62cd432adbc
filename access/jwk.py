"""JWK sets (RFC 7517): from an issuer's bytes to the public keys that verify, and the one key for a token. Pure.

What cannot verify here (encryption keys, symmetric and unknown ones, weak RSA) is left out, as the RFC asks;
a set in which nothing is left is refused. Private members are never looked at. joserfc is imported when the
first key is made. Above: `jwks.py`, `jwt_settings.py`.
"""

import base64
import binascii
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ..core.rawjson import Fields, fields, items, text, value

log = logging.getLogger("fedgate.access")

MAX_SET = 512 * 1024
"""Bytes of a key set."""
MAX_KEYS = 256
"""Keys that are looked at."""
MIN_RSA, MAX_RSA = 2048, 16384
"""Bits of an RSA key: weaker ones can be forged, larger ones cost too much."""

_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y"), "OKP": ("crv", "x")}
_CURVES = {"P-256": ("ES256",), "P-384": ("ES384",), "P-521": ("ES512",)}
_EDWARDS = {"Ed25519": ("EdDSA", "Ed25519"), "Ed448": ("EdDSA", "Ed448")}
_RSA = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")


class BadKeySet(Exception):
    """It is no set of public keys. The text is a predicate about it and repeats nothing of it."""


class PublicKey(msgspec.Struct, frozen=True):
    """One key. `algorithms`: those it may verify. `key`: joserfc's form of it."""

    kid: str | None
    algorithms: tuple[str, ...]
    curve: str
    key: Any

    def verify(self, algorithm: str, message: bytes, signature: bytes) -> bool:
        """Whether it signed `message`. False for an algorithm that is not its own."""
        from joserfc.jws import JWSRegistry

        if algorithm not in self.algorithms:
            return False
        name = self.curve if algorithm == "EdDSA" else algorithm
        return JWSRegistry.algorithms[name].verify(message, signature, self.key)


def read_file(path: Path) -> bytes:
    """Raises `BadKeySet`."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_SET + 1)
    except (OSError, ValueError):
        raise BadKeySet("cannot be read") from None


def parse(body: bytes) -> tuple[PublicKey, ...]:
    """The keys that can verify. Raises `BadKeySet`."""
    if len(body) > MAX_SET:
        raise BadKeySet(f"is longer than {MAX_SET} bytes")
    try:
        given = items(fields(body)["keys"])
    except (KeyError, ValueError):
        raise BadKeySet('is no JWK set: a JSON object with a list of "keys"') from None
    if len(given) > MAX_KEYS:
        raise BadKeySet(f"holds more than {MAX_KEYS} keys")
    found = tuple(_usable(given))
    if not found:
        raise BadKeySet("holds no public key that can verify a signature")
    return found


def select(keys: tuple[PublicKey, ...], algorithm: str, kid: str | None) -> PublicKey | None:
    """The key that a token means. Without a `kid`, only where there is no choice."""
    able = [key for key in keys if algorithm in key.algorithms and (kid is None or key.kid == kid)]
    return able[0] if len(able) == 1 or (able and kid is not None) else None


def _usable(given: list[msgspec.Raw]) -> Iterator[PublicKey]:
    for each in given:
        try:
            members = fields(each)
            key = _public(members)
        except ValueError as error:
            log.debug("a key of a set is left out: %s", error)
            continue
        if key is not None:
            yield key


def _public(members: Fields) -> PublicKey | None:
    """`None` for a key of another use. Raises `ValueError`."""
    kind = text(members.get("kty")) or ""
    if kind not in _MEMBERS or not _is_for_signatures(members):
        return None
    plain = {name: text(members.get(name)) for name in _MEMBERS[kind]}
    if None in plain.values():
        raise ValueError("a member is missing")
    curve = plain.get("crv") or ""
    algorithms: tuple[str, ...] = _RSA if kind == "RSA" else (_CURVES if kind == "EC" else _EDWARDS).get(curve, ())
    own = text(members.get("alg"))
    if own is not None:
        # "EdDSA" and the names of RFC 9864 mean the same signature.
        algorithms = algorithms if kind == "OKP" and own in algorithms else tuple(a for a in algorithms if a == own)
    if not algorithms:
        return None
    return PublicKey(text(members.get("kid")), algorithms, curve, _imported(kind, plain))


def _is_for_signatures(members: Fields) -> bool:
    use, ops = text(members.get("use")), members.get("key_ops")
    if use not in (None, "sig"):
        return False
    listed = value(ops) if ops is not None else None
    return not isinstance(listed, list) or "verify" in listed


def _imported(kind: str, plain: dict[str, str | None]) -> Any:
    from joserfc.errors import JoseError
    from joserfc.jwk import import_key

    if kind == "RSA" and not MIN_RSA <= (bits := _bits(str(plain["n"]))) <= MAX_RSA:
        raise ValueError(f"an RSA key of {bits} bits")
    try:
        key: Any = import_key({"kty": kind, **{name: str(member) for name, member in plain.items()}})
    except (JoseError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        raise ValueError(f"it cannot be read: {type(error).__name__}") from error
    return key


def _bits(modulus: str) -> int:
    """Raises `ValueError`."""
    try:
        plain = base64.b64decode(modulus + "=" * (-len(modulus) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("its modulus cannot be read") from error
    return int.from_bytes(plain).bit_length()
