"""An issuer of tokens that exists in the manifest alone: one key pair, made at run time, and a token signed with it.

Nobody is asked for the key: the manifest holds it (`jwks`). Above: `targets.py`. Below: nothing of ours.
"""

import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey

ISSUER = "https://idp.bench.invalid"
"""Never asked for anything: a name that no resolver knows."""
AUDIENCE = "fedgate-bench"
SUBJECT = "alice"
GROUPS = ("engineering", "oncall")
LIFETIME = 24 * 3600
ALGORITHM = "ES256"


@dataclass(frozen=True)
class Issued:
    """A token, and the keys (a JWK set, public) that it is verified with."""

    token: str
    keys: dict[str, Any]

    def __repr__(self) -> str:
        return "<Issued>"


def issue() -> Issued:
    """A token of Alice for a day, by an issuer with a new key."""
    key = ECKey.generate_key("P-256", {"kid": "bench", "alg": ALGORITHM, "use": "sig"})
    now = int(time.time())
    claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": SUBJECT,
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME,
        "groups": list(GROUPS),
        "scope": "mcp:tools a2a models",
        "email": "alice@bench.invalid",
    }
    token = jwt.encode({"alg": ALGORITHM, "kid": "bench", "typ": "JWT"}, claims, key)
    return Issued(token, {"keys": [key.as_dict(private=False)]})
