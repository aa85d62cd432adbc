"""Everybody whom the gateway knows: holders of keys, holders of tokens, and subjects that a proxy vouches for.

One look-up by SHA-256 serves keys and remembered tokens alike; only a token that is seen for the first time costs
more. Above: `identify.py` on the data path, and whoever shows pages. Below: `keys.py`, `tokens.py`.
"""

import hashlib
import re
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING

import msgspec

from ..core.call import Principal, Request
from .jws import Refused, looks_like_token
from .jwt_settings import TrustedProxies
from .keys import KeyRing

if TYPE_CHECKING:
    from .tokens import Tokens

_SUBJECT = re.compile(r"[ -~\xa0-\xff]{1,512}")


class Known(msgspec.Struct, frozen=True):
    """Who it is. `lacking`: scopes. `token`: the credential, if it is a token that may be exchanged."""

    principal: Principal
    lacking: tuple[str, ...] = ()
    token: bytes = b""

    def __repr__(self) -> str:
        return f"<Known {self.principal.owner}>"


class Callers:
    """`tokens`: `None` where no issuer is configured."""

    def __init__(self, keys: KeyRing, tokens: "Tokens | None" = None, proxies: TrustedProxies | None = None) -> None:
        self.tokens = tokens
        self._keys = keys
        self._proxies = proxies
        self._header = proxies.header.encode() if proxies is not None else b""

    def __len__(self) -> int:
        """Ways to be somebody: where there are none, everybody is a stranger."""
        return len(self._keys) + (len(self.tokens) if self.tokens is not None else 0) + (self._proxies is not None)

    def __repr__(self) -> str:
        return f"<Callers {self._keys!r}, {self.tokens!r}>"

    @property
    def has_keys(self) -> bool:
        return len(self._keys) > 0

    def needed(self, principal: Principal) -> tuple[str, ...]:
        """The scopes that every token of this one's issuer must have."""
        trusted = self.tokens.trusted.get(principal.issuer) if self.tokens is not None else None
        return trusted.settings.required_scopes if trusted is not None else ()

    def find(self, presented: bytes) -> Principal | None:
        """Whose key it is, or whose token that was verified before and has all its scopes; never waits."""
        digest = hashlib.sha256(presented).digest()
        principal = self._keys.held(digest)
        if principal is not None or self.tokens is None:
            return principal
        bearer = self.tokens.held(digest)
        return bearer.principal if bearer is not None and not bearer.lacking else None

    async def know(self, presented: bytes) -> Known:
        """Who presents this. Raises `Refused`, `CannotVerify`."""
        digest = hashlib.sha256(presented).digest()
        principal = self._keys.held(digest)
        if principal is not None:
            return Known(principal)
        if self.tokens is None:
            raise Refused("The API key is not known to this gateway.")
        bearer = self.tokens.held(digest)
        if bearer is None:
            if not looks_like_token(presented):
                raise Refused("The credential is no token that this gateway can verify, and no API key of it.")
            bearer = await self.tokens.verify(presented, digest)
        return Known(bearer.principal, bearer.lacking, presented)

    def vouched(self, request: Request) -> Principal | None:
        """Whose certificate a trusted proxy has checked. What others write in the header is nothing."""
        proxies = self._proxies
        if proxies is None or not (subject := request.header(self._header)):
            return None
        try:
            address = ip_address(request.source.rpartition(":")[0].strip("[]"))
        except ValueError:
            return None
        mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
        if not any((mapped or address) in network for network in proxies.networks):
            return None
        if _SUBJECT.fullmatch(subject) is None:
            raise Refused(f"{proxies.header} is no readable subject.")
        return Principal(id=subject, kind="mtls", groups=proxies.groups)
