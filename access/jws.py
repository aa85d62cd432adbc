"""Compact JWS (RFC 7515): a token taken apart and its header judged, before any key is looked for. Pure.

Nothing that a token brings along for its own verification counts: `jwk` is refused, `jku`, `x5u` and `x5c` are
never followed. `crit` and `b64` are refused, because no extension is understood; so are nested and encrypted
tokens, other spellings of base64url, and members that stand there twice. Above: `tokens.py`.
"""

import base64
import binascii
import re
from typing import Any

import msgspec

from ..core.rawjson import Fields, fields, repeats, text, value

MAX_TOKEN = 16 * 1024
"""Bytes of a token."""
MAX_HEADER = 8 * 1024
"""Bytes of its header, encoded."""
MAX_KID = 1024

_SEGMENTS = re.compile(rb"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]*)")
_TYPES = {"jwt", "at+jwt", "application/at+jwt", "application/jwt"}
"""RFC 9068 and what everybody wrote before it. A logout or DPoP token is no access token (RFC 8725 3.11)."""


class Refused(Exception):
    """The token is no good. The text is a sentence for its bearer; `lasting`: time will not change it."""

    def __init__(self, sentence: str, *, lasting: bool = True) -> None:
        super().__init__(sentence)
        self.lasting = lasting


class Unverified(msgspec.Struct, frozen=True):
    """A token that has the form of one. Nothing in it is true before `signature` was verified over `signed`."""

    algorithm: str
    kid: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def looks_like_token(presented: bytes) -> bool:
    """Whether a credential is meant as a JWT: three segments, of which the first is a JSON object with `alg`."""
    found = _SEGMENTS.fullmatch(presented) if len(presented) <= MAX_TOKEN else None
    if found is None or len(found[1]) > MAX_HEADER:
        return False
    try:
        return "alg" in fields(_decoded(found[1]))
    except ValueError:
        return False


def split(token: bytes) -> Unverified:
    """Raises `Refused`."""
    if len(token) > MAX_TOKEN:
        raise Refused(f"The token is longer than {MAX_TOKEN} bytes.")
    found = _SEGMENTS.fullmatch(token)
    if found is None or len(found[1]) > MAX_HEADER:
        raise Refused("The token is no signed JWT.")
    try:
        header, claims = _object(_decoded(found[1])), _decoded(found[2])
        _object(claims)
        read = value(claims)
        signature = _decoded(found[3])
    except ValueError:
        raise Refused("The token is no readable JWT.") from None
    algorithm, kid = _judge(header)
    return Unverified(algorithm, kid, read, token[: found.end(2)], signature)


def _judge(header: Fields) -> tuple[str, str | None]:
    """The algorithm and the key's id."""
    algorithm, kid, kind = text(header.get("alg")), text(header.get("kid")), text(header.get("typ"))
    if algorithm is None:
        raise Refused("The token's header names no algorithm.")
    if not header.keys().isdisjoint(("crit", "b64")):
        raise Refused("The token needs an extension that this gateway does not know (crit, b64).")
    if "jwk" in header:
        raise Refused("The token brings its own key (jwk), which proves nothing.")
    if "cty" in header or "enc" in header:
        raise Refused("The token is nested or encrypted; send a plain signed one.")
    if "typ" in header and (kind is None or kind.lower() not in _TYPES):
        raise Refused("The token's typ is not that of an access token.")
    if "kid" in header and (kid is None or len(kid) > MAX_KID):
        raise Refused("The token's kid is not readable.")
    return algorithm, kid


def _object(body: bytes) -> Fields:
    members = fields(body)
    if repeats(body, members):
        raise ValueError("a member stands there twice")
    return members


def _decoded(segment: bytes) -> bytes:
    try:
        plain = base64.b64decode(segment + b"=" * (-len(segment) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if base64.urlsafe_b64encode(plain).rstrip(b"=") != segment:
        raise ValueError("another spelling of base64url")
    return plain
