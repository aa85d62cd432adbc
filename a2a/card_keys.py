"""Public keys of agents: a JWK set in a file (RFC 7517), read and checked before it is trusted.

Symmetric and private keys are refused: whoever verifies must not be able to sign. Knows no card and
no cryptography. Above: `settings.py`, `card_verify.py`.
"""

from pathlib import Path

from ..core.rawjson import Fields, fields, items, text

MAX_FILE = 256 * 1024
"""Bytes of a key set."""
MAX_KEYS = 64
"""Keys in a set."""

_PUBLIC = {"EC", "RSA", "OKP"}


class BadKeySet(Exception):
    """The file is no set of public keys. The text is a predicate about the file; it repeats nothing of it."""


def load(path: Path) -> bytes:
    """The file's JSON, checked. Raises `BadKeySet`."""
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE + 1)
    except (OSError, ValueError):
        raise BadKeySet("cannot be read") from None
    check(body)
    return body


def check(body: bytes) -> None:
    """Raises `BadKeySet` unless it is a JWK set of public keys, at least one."""
    if len(body) > MAX_FILE:
        raise BadKeySet(f"is longer than {MAX_FILE} bytes")
    try:
        keys = [fields(key) for key in items(fields(body)["keys"])]
    except (KeyError, ValueError):
        raise BadKeySet('is no JWK set: a JSON object with a list of "keys"') from None
    if not 0 < len(keys) <= MAX_KEYS:
        raise BadKeySet(f"must hold 1 to {MAX_KEYS} keys")
    for key in keys:
        _check_key(key)


def _check_key(key: Fields) -> None:
    if text(key.get("kty")) not in _PUBLIC:
        raise BadKeySet("holds a key that is not of type EC, RSA or OKP")
    if "d" in key:
        raise BadKeySet("holds a private key, which belongs to the agent alone")
