"""Where an issuer's keys come from, as `jwks.py` loads them: the manifest, a file, an address, or discovery."""

import asyncio

from ..core.errors import UpstreamInvalid
from ..core.http_client import HttpClient
from ..core.rawjson import encode
from .discovery import Discovery
from .fetch import get, host_of
from .jwk import read_file
from .jwks import LONGEST, SHORTEST, Load, Loaded
from .jwt_settings import JwtIssuer


def loader(issuer: JwtIssuer, http: HttpClient, discovery: Discovery) -> Load:
    """What fetches the keys of `issuer`."""
    path = issuer.jwks_file

    async def written() -> Loaded:
        return Loaded(encode(issuer.jwks), LONGEST)

    async def from_file() -> Loaded:
        assert path is not None
        return Loaded(await asyncio.to_thread(read_file, path), SHORTEST)

    async def from_address() -> Loaded:
        url = issuer.keys_at or (await discovery.metadata()).jwks_uri
        if not url:
            raise UpstreamInvalid(f"the metadata of {host_of(issuer.issuer)} does not say where its keys are")
        fetched = await get(http, url)
        return Loaded(fetched.body, fetched.max_age)

    if issuer.jwks is not None:
        return written
    return from_file if path is not None else from_address
