"""Tokens: from the bytes a caller presents to who holds them, verified by the keys of their issuer.

A token that was verified is remembered by its SHA-256 until it expires or its issuer's keys change, so that the
next request costs a look-up; one that will never be good is remembered for a moment. The tokens themselves are
not kept. Above: `callers.py`. Below: `jws.py` (form), `jwks.py` (keys), `claims.py` (content).
"""

import logging
from collections import OrderedDict
from collections.abc import Iterable

import msgspec

from ..core.clock import Clock
from ..core.http_client import HttpClient
from ..core.tasks import Tasks
from .claims import Bearer, read
from .discovery import Discovery
from .jwks import KeySource
from .jws import Refused, Unverified, split
from .jwt_settings import JwtIssuer
from .key_loading import loader

log = logging.getLogger("fedgate.access")

REMEMBERED = 4096
"""Verified tokens that are remembered; the longest unused one goes first."""
LONGEST = 3600.0
"""Seconds until a token is verified anew although it has not expired."""
REFUSALS, REFUSED_FOR = 1024, 10.0
"""Refused tokens that are remembered, and for how many seconds."""


class Trusted(msgspec.Struct, frozen=True):
    """An issuer, its keys and its metadata."""

    settings: JwtIssuer
    keys: KeySource
    discovery: Discovery


class _Entry(msgspec.Struct, frozen=True):
    bearer: Bearer
    until: float
    keys: KeySource
    generation: int


class Tokens:
    """All issuers of a manifest. Made → `start` (keys are being fetched, nobody waits for them) → `aclose`."""

    def __init__(
        self,
        issuers: Iterable[JwtIssuer],
        http: HttpClient,
        clock: Clock,
        *,
        remembered: int = REMEMBERED,
        refusals: int = REFUSALS,
    ) -> None:
        self._clock = clock
        self._limits = remembered, refusals
        self._tasks = Tasks("keys of issuers")
        self.trusted = {issuer.issuer: self._trust(issuer, http) for issuer in issuers}
        """By issuer, in the manifest's order."""
        self._verified: OrderedDict[bytes, _Entry] = OrderedDict()
        self._refused: OrderedDict[bytes, tuple[float, str]] = OrderedDict()

    def _trust(self, issuer: JwtIssuer, http: HttpClient) -> Trusted:
        urls = (issuer.discovery,) if issuer.discovery is not None else None
        discovery = Discovery(issuer.issuer, http, self._clock, self._tasks, urls)
        keys = KeySource(issuer.issuer, loader(issuer, http, discovery), self._clock, self._tasks)
        return Trusted(issuer, keys, discovery)

    def __repr__(self) -> str:
        return f"<Tokens of {len(self.trusted)} issuers, {len(self._verified)} verified>"

    def __len__(self) -> int:
        return len(self.trusted)

    def start(self) -> None:
        """Fetch the keys of all issuers, so that the first caller need not wait. Needs a running loop."""
        for trusted in self.trusted.values():
            trusted.keys.refresh_soon()

    async def aclose(self) -> None:
        await self._tasks.aclose()

    def held(self, digest: bytes) -> Bearer | None:
        """Who holds the token with this SHA-256, if it was verified and still counts."""
        entry = self._verified.get(digest)
        if entry is None:
            return None
        if self._clock.now() >= entry.until or entry.generation != entry.keys.generation:
            del self._verified[digest]
            return None
        if entry.keys.due:
            entry.keys.refresh_soon()  # a key that was withdrawn must not count because its tokens are remembered
        self._verified.move_to_end(digest)
        return entry.bearer

    async def verify(self, token: bytes, digest: bytes) -> Bearer:
        """`digest`: the token's SHA-256. Raises `Refused`, `CannotVerify`."""
        now = self._clock.now()
        until, why = self._refused.get(digest, (0.0, ""))
        if now < until:
            raise Refused(why)
        try:
            return await self._verify(token, digest)
        except Refused as error:
            if error.lasting:
                self._refused[digest] = now + REFUSED_FOR, str(error)
                self._refused.move_to_end(digest)
                while len(self._refused) > self._limits[1]:
                    self._refused.popitem(last=False)
            raise

    async def _verify(self, token: bytes, digest: bytes) -> Bearer:
        form = split(token)
        issuer = form.claims.get("iss")
        trusted = self.trusted.get(issuer) if isinstance(issuer, str) else None
        if trusted is None:
            raise Refused("The token is of an issuer that this gateway does not trust (iss).")
        if form.algorithm not in trusted.settings.algorithms:
            raise Refused("The token is signed in a way that this gateway does not accept (alg).")
        await self._check_signature(form, trusted)
        generation = trusted.keys.generation
        now = self._clock.now()
        bearer = read(form.claims, trusted.settings, now)
        self._remember(digest, _Entry(bearer, min(bearer.expires, now + LONGEST), trusted.keys, generation))
        return bearer

    async def _check_signature(self, form: Unverified, trusted: Trusted) -> None:
        keys = trusted.keys
        for last in (False, True):
            key = await keys.find(form.algorithm, form.kid)
            if key is None:
                # Not remembered: the issuer may publish the key in a moment.
                raise Refused("The token is signed with a key that its issuer does not publish (kid).", lasting=False)
            if key.verify(form.algorithm, form.signed, form.signature):
                return
            generation = keys.generation
            if not last:
                await keys.refresh()  # another key may have taken the place of one without a name, or its name
            if keys.generation == generation:
                break
        raise Refused("The token's signature is wrong.")

    def _remember(self, digest: bytes, entry: _Entry) -> None:
        self._verified[digest] = entry
        while len(self._verified) > self._limits[0]:
            self._verified.popitem(last=False)
