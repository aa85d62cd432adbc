"""What a verified token says: is it for us, does it count now, and who is its bearer (RFC 7519, 9068). Pure.

Every claim is read strictly: a date that is no number, an audience that is no text, a subject that cannot be
printed refuse the token instead of being guessed at. Above: `tokens.py`, after the signature was verified.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from ..core.call import Principal
from .jws import Refused
from .jwt_settings import JwtIssuer

MAX_SUBJECT = 255
"""Characters of a subject (OpenID Connect Core 2)."""
MAX_GROUPS = 1000
_OTHER_TYPES = ("ID", "Refresh", "Offline", "Logout")
"""Keycloak's claim `typ`."""
_OF_LOGIN = {"at_hash", "c_hash"}
"""Only ID tokens have them (OpenID Connect Core 3.3.2.11)."""
_PRINTABLE = re.compile(rf"[^\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{{1,{MAX_SUBJECT}}}")


class Bearer(msgspec.Struct, frozen=True):
    """Who holds a token, until when it counts (seconds since the epoch), and the scopes it lacks."""

    principal: Principal
    expires: float
    lacking: tuple[str, ...] = ()


def read(claims: Mapping[str, Any], issuer: JwtIssuer, now: float) -> Bearer:
    """Raises `Refused`. `iss` was compared when the issuer was chosen."""
    _check_kind(claims)
    _check_audience(claims.get("aud"), issuer.audiences)
    expires = _check_dates(claims, issuer, now)
    subject = _subject(claims, issuer.subject_at)
    scopes = _scopes(claims, issuer.scopes_at)
    principal = Principal(
        id=f"{issuer.issuer}#{subject}",
        kind="jwt",
        groups=_groups(claims, issuer.groups_at),
        issuer=issuer.issuer,
        scopes=scopes,
        claims=dict(claims),
    )
    lacking = tuple(scope for scope in issuer.required_scopes if scope not in scopes)
    return Bearer(principal, expires, lacking)


def _check_kind(claims: Mapping[str, Any]) -> None:
    """Tokens that the same issuer signs for something else, often for the same audience."""
    if claims.get("typ") in _OTHER_TYPES or claims.get("token_use") == "id" or not _OF_LOGIN.isdisjoint(claims):
        raise Refused("The token is no access token: it says who logged in, or is for the issuer alone.")
    if claims.get("cnf") is not None:
        raise Refused("The token is bound to a key (cnf), of which this gateway cannot ask a proof.")


def _check_audience(audience: object, wanted: tuple[str, ...]) -> None:
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise Refused("The token says not, or not readably, for whom it is (aud).")
    if not set(wanted).intersection(named):
        raise Refused("The token is for another audience than this gateway (aud).")


def _check_dates(claims: Mapping[str, Any], issuer: JwtIssuer, now: float) -> float:
    """Returns the moment from which the token counts no more."""
    expires, begins, issued = (_date(claims, name) for name in ("exp", "nbf", "iat"))
    if expires is None:
        raise Refused("The token does not say when it expires (exp).")
    if now >= expires + issuer.leeway:
        raise Refused("The token has expired.")
    if begins is not None and now < begins - issuer.leeway:
        raise Refused("The token is not valid yet (nbf).", lasting=False)
    if issued is not None and now < issued - issuer.leeway:
        raise Refused("The token was issued in the future (iat).", lasting=False)
    if issuer.max_age is None:
        return expires + issuer.leeway
    if issued is None:
        raise Refused("The token does not say when it was issued (iat).")
    if now >= issued + issuer.max_age + issuer.leeway:
        raise Refused("The token is older than this gateway accepts (iat).")
    return min(expires, issued + issuer.max_age) + issuer.leeway


def _date(claims: Mapping[str, Any], name: str) -> float | None:
    if name not in claims:
        return None
    date = claims[name]
    if isinstance(date, bool) or not isinstance(date, int | float) or not math.isfinite(date) or abs(date) > 1e12:
        raise Refused(f"The token's {name} is no date.")
    return float(date)


def _subject(claims: Mapping[str, Any], path: str) -> str:
    subject = claim(claims, path)
    if not isinstance(subject, str) or _PRINTABLE.fullmatch(subject) is None:
        raise Refused(f"The token does not say readably who its bearer is ({path}).")
    return subject


def _scopes(claims: Mapping[str, Any], paths: tuple[str, ...]) -> tuple[str, ...]:
    found = next((given for path in paths if (given := claim(claims, path)) is not None), None)
    if isinstance(found, str):
        return tuple(dict.fromkeys(found.split()))
    return _texts(found)


def _groups(claims: Mapping[str, Any], path: str) -> tuple[str, ...]:
    found = claim(claims, path)
    if found is None and path in _overflowed(claims):
        # A rule against a group must not be passed by having too many of them.
        raise Refused(f"The token leaves out {path}, which are too many for it: have the issuer send fewer.")
    groups = (found,) if isinstance(found, str) and found else _texts(found)
    if len(groups) > MAX_GROUPS:
        raise Refused(f"The token names more than {MAX_GROUPS} groups.")
    return groups


def _overflowed(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Claims that the token refers to instead of holding them (OpenID Connect Core 5.6.2; Entra's overage)."""
    names = claims.get("_claim_names")
    return names if isinstance(names, dict) else {}


def _texts(found: object) -> tuple[str, ...]:
    if not isinstance(found, list):
        return ()
    return tuple(dict.fromkeys(each for each in found if isinstance(each, str) and each))


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of this very name (which may have dots in it, as URLs do), else what the dotted path leads to."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for step in path.split("."):
        if not isinstance(found, Mapping):
            return None
        found = found.get(step)
    return found
