"""Everybody whom the gateway knows, looked up without waiting where that is possible."""

import hashlib
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from fedgate.access.callers import Callers
from fedgate.access.jws import Refused
from fedgate.access.jwt_settings import JwtIssuer, TrustedProxies
from fedgate.access.key_loading import loader
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.access.tokens import Tokens
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from tests.access.issuer import public, signed

pytestmark = pytest.mark.anyio

RING = KeyRing([ApiKey(id="alice", key=SecretStr("alice-secret"))])
PROXIES = TrustedProxies.model_validate({"header": "x-subject", "from": ["10.0.0.0/8"]})


def issuer(**more: object) -> JwtIssuer:
    told = {"issuer": "https://idp", "audiences": ["g"], "jwks": {"keys": [public("ES256", kid="k")]}, **more}
    return JwtIssuer.model_validate(told)


def callers(*keys: ApiKey, **more: object) -> Callers:
    return Callers(KeyRing(keys), Tokens([issuer(**more)], HttpClient(), ManualClock()))


TOKEN = signed(
    {"iss": "https://idp", "aud": "g", "sub": "bob", "exp": 1_000_100, "scope": "a"}, "ES256", kid="k"
).encode()


async def test_a_token_is_found_without_waiting_once_it_was_verified() -> None:
    known = callers()
    assert known.find(TOKEN) is None
    assert (await known.know(TOKEN)).principal.id == "https://idp#bob"
    found = known.find(TOKEN)
    assert found is not None
    assert found.id == "https://idp#bob"


async def test_a_token_that_lacks_a_scope_is_nobodys_to_a_page() -> None:
    known = callers(required_scopes=["a", "b"])
    seen = await known.know(TOKEN)
    assert (seen.lacking, known.needed(seen.principal)) == (("b",), ("a", "b"))
    assert known.find(TOKEN) is None


async def test_who_nobody_can_be_is_told_apart_from_who_somebody_can() -> None:
    assert [len(each) for each in (Callers(KeyRing([])), Callers(RING), callers())] == [0, 1, 1]
    assert len(Callers(RING, None, PROXIES)) == 2
    assert (Callers(RING).has_keys, callers().has_keys) == (True, False)


async def test_a_key_is_looked_up_by_its_digest_alone() -> None:
    known = Callers(RING)
    found = known.find(b"alice-secret")
    assert found is RING.held(hashlib.sha256(b"alice-secret").digest())
    assert (await known.know(b"alice-secret")).token == b""
    with pytest.raises(Refused, match="API key is not known"):
        await known.know(b"other")
    assert found is not None
    assert known.needed(found) == ()


async def test_a_credential_is_in_no_repr() -> None:
    known = callers()
    seen = await known.know(TOKEN)
    assert TOKEN.decode() not in repr([known, vars(known), seen])


async def test_keys_of_an_issuer_come_from_where_the_manifest_says(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public("ES256", kid="k")]}))
    unused = Tokens([issuer()], HttpClient(), ManualClock()).trusted["https://idp"].discovery
    written = await loader(issuer(), HttpClient(), unused)()
    from_file = await loader(issuer(jwks=None, jwks_file=path), HttpClient(), unused)()
    assert json.loads(written.body) == json.loads(from_file.body)
    assert (written.max_age, from_file.max_age) == (86_400.0, 60.0)
