"""What upstreams are shown, got from a server on a real socket: once, in the right name, or not at all."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from jwt.types import Options
from pydantic import TypeAdapter

from fedgate.access.client_assertion import TYPE
from fedgate.access.credentials import AGAIN, YOUNG, CredentialStore
from fedgate.access.token_client import NoCredentials
from fedgate.core.auth_settings import UpstreamAuth
from fedgate.core.call import Caller, Header, Principal
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Forbidden
from fedgate.core.http_client import HttpClient
from fedgate.core.ports import Credentials, shown
from tests.access.issuer import SERVICE, Issuer, private, running

pytestmark = pytest.mark.anyio

ALICE = Principal("https://idp#alice", "jwt")
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
AUTH: TypeAdapter[UpstreamAuth] = TypeAdapter(UpstreamAuth)


class World:
    def __init__(self, issuer: Issuer, store: CredentialStore, clock: ManualClock) -> None:
        self.issuer = issuer
        self.store = store
        self.clock = clock

    def make(self, kind: str, **more: Any) -> Credentials:
        given = {"type": kind, "client_id": SERVICE[0], "client_secret": SERVICE[1], **more}
        place = {} if "token_url" in more else {"issuer": self.issuer.url}
        return self.store.of("mcp.servers.notes", AUTH.validate_python({**place, **given}))

    def caller(self, subject: str = "alice", **more: Any) -> Caller:
        return Caller(ALICE, self.issuer.token(subject, **more).encode())


@asynccontextmanager
async def world() -> AsyncIterator[World]:
    http, clock = HttpClient(), ManualClock()
    async with running() as issuer:
        store = CredentialStore(http, clock)
        try:
            yield World(issuer, store, clock)
        finally:
            await store.aclose()
            await http.aclose()


def claims(headers: tuple[Header, ...]) -> dict[str, Any]:
    ((name, value),) = headers
    assert name == b"authorization"
    found: dict[str, Any] = jwt.decode(value.removeprefix(b"Bearer "), options={"verify_signature": False})
    return found


async def test_the_gateways_own_token_is_the_same_for_everybody_and_asked_for_once() -> None:
    async with world() as at:
        own = at.make("client_credentials", audience="notes", scopes=["a", "b"], resource="https://notes/mcp")
        assert own.per_caller is False
        given = await asyncio.gather(own.headers(None), *(own.headers(at.caller()) for _ in range(20)))
        assert len(set(given)) == 1
        assert claims(given[0])["sub"] == "service"
        assert at.issuer.forms == [
            {
                "grant_type": "client_credentials",
                "scope": "a b",
                "audience": "notes",
                "resource": "https://notes/mcp",
            }
        ]


async def test_a_token_is_replaced_before_it_expires() -> None:
    async with world() as at:
        own = at.make("client_credentials")
        first = await own.headers(None)
        at.clock.advance(3600 - 31)
        assert await own.headers(None) == first
        at.clock.advance(1)
        assert await own.headers(None) != first
        assert at.issuer.asked["client_credentials"] == 2


@pytest.mark.parametrize("way", ["basic", "post"])
async def test_the_secret_is_sent_as_the_server_wants_it(way: str) -> None:
    async with world() as at:
        await at.make("client_credentials", client_auth=way).headers(None)
        assert ("client_secret" in at.issuer.forms[0]) is (way == "post")


@pytest.mark.parametrize("named", ["issuer", "token_url"])
async def test_who_signs_sends_no_secret(named: str) -> None:
    pem = private("ES256").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    async with world() as at:
        place = {"token_url": f"{at.issuer.url}/token"} if named == "token_url" else {}
        own = at.make("client_credentials", client_secret=pem, client_auth="private_key_jwt", **place)
        with pytest.raises(NoCredentials):  # this issuer knows secrets only
            await own.headers(None)
        (form,) = at.issuer.forms
        assert (form["client_id"], form["client_assertion_type"]) == (SERVICE[0], TYPE)
        audience = place.get("token_url", at.issuer.url)
        key, options = private("ES256").public_key(), Options(verify_exp=False, verify_iat=False)
        claims_ = jwt.decode(form["client_assertion"], key, ["ES256"], audience=audience, options=options)
        assert (claims_["iss"], claims_["sub"]) == (SERVICE[0], SERVICE[0])
        assert "client_secret" not in form


async def test_a_key_that_cannot_sign_is_told_without_a_word_of_it() -> None:
    async with world() as at:
        own = at.make("client_credentials", client_auth="private_key_jwt")
        with pytest.raises(NoCredentials) as none:
            await own.headers(None)
        assert (
            none.value.message == "no token for mcp.servers.notes: client_secret is no unencrypted private key in PEM"
        )
        assert at.issuer.forms == []


async def test_the_callers_token_is_exchanged_and_never_sent_on() -> None:
    async with world() as at:
        exchanged = at.make("token_exchange", audience="notes", scopes=["read"])
        assert exchanged.per_caller is True
        caller = at.caller()
        given = await exchanged.headers(caller)
        assert (claims(given)["sub"], claims(given)["aud"]) == ("alice", "notes")
        assert caller.token not in given[0][1]
        assert at.issuer.forms[0] == {
            "grant_type": EXCHANGE,
            "subject_token": caller.token.decode(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "requested_token_type": "urn:ietf:params:oauth:token-type:access_token",
            "scope": "read",
            "audience": "notes",
        }
        assert await exchanged.headers(caller) == given
        assert at.issuer.asked[EXCHANGE] == 1


async def test_two_tokens_of_callers_never_share_one() -> None:
    async with world() as at:
        exchanged = at.make("token_exchange", audience="notes")
        alice, again, bob = at.caller(), at.caller(), at.caller("bob")
        given = [claims(await exchanged.headers(each)) for each in (alice, again, bob, alice)]
        assert [each["sub"] for each in given] == ["alice", "alice", "bob", "alice"]
        assert given[0] == given[3] != given[1]
        assert at.issuer.asked[EXCHANGE] == 3


async def test_a_caller_without_a_token_gets_nobodys() -> None:
    async with world() as at:
        exchanged = at.make("token_exchange")
        for caller in (Caller(Principal("alice", "key")), Caller(Principal("anonymous"))):
            with pytest.raises(Forbidden, match="call with an access token"):
                await exchanged.headers(caller)
        assert at.issuer.forms == []


async def test_in_its_own_name_the_gateway_shows_its_own_token_or_none() -> None:
    async with world() as at:
        assert claims(await at.make("token_exchange").headers(None))["sub"] == "service"
        assert await at.make("token_exchange", own="headers").headers(None) == ()


async def test_headers_are_forwarded_by_name_alone() -> None:
    async with world() as at:
        auth = AUTH.validate_python({"type": "forward", "headers": ["X-User-Token", "x-tenant"]})
        forwarded = at.store.of("agents.support", auth)
        headers = {b"x-user-token": b"t", b"authorization": b"Bearer secret", b"cookie": b"c"}
        assert forwarded.per_caller is True
        assert await forwarded.headers(Caller(ALICE, headers=headers)) == ((b"x-user-token", b"t"),)
        assert await forwarded.headers(None) == ()
        assert forwarded.refused(()) is False


async def test_who_brings_nothing_is_not_taken_for_the_gateway() -> None:
    async with world() as at:
        forwarded = at.store.of("x", AUTH.validate_python({"type": "forward", "headers": ["authorization"]}))
        fixed = ((b"authorization", b"Bearer gateways-own"), (b"x-other", b"1"))
        caller = Caller(ALICE, headers={b"authorization": b"Bearer callers"})
        assert await shown(fixed, forwarded, None) == fixed
        assert await shown(fixed, forwarded, Caller(ALICE)) == ((b"x-other", b"1"),)
        assert await shown(fixed, forwarded, caller) == ((b"x-other", b"1"), (b"authorization", b"Bearer callers"))
        assert await shown(fixed, None, caller) == fixed


async def test_a_token_that_is_refused_is_forgotten_unless_it_is_young() -> None:
    async with world() as at:
        own = at.make("client_credentials")
        sent = await own.headers(None)
        assert own.refused(sent) is False
        assert await own.headers(None) == sent
        at.clock.advance(YOUNG)
        assert own.refused(sent) is True
        assert own.refused(sent) is False
        assert await own.headers(None) != sent


async def test_a_server_that_is_away_is_asked_now_and_then_and_its_error_is_no_empty_answer() -> None:
    async with world() as at:
        own = at.make("client_credentials", token_url=f"{at.issuer.url}/token")
        at.issuer.away = True
        for _ in range(5):
            with pytest.raises(NoCredentials, match="no token for"):
                await own.headers(None)
        assert at.issuer.asked["client_credentials"] == 1
        at.issuer.away = False
        at.clock.advance(AGAIN)
        assert claims(await own.headers(None))["sub"] == "service"


async def test_a_refusal_names_its_code_and_nothing_else() -> None:
    async with world() as at:
        caller = Caller(ALICE, b"no.such.token")
        with pytest.raises(NoCredentials) as caught:
            await at.make("token_exchange").headers(caller)
        assert caught.value.message.endswith("refuses it (invalid_grant)")
        with pytest.raises(NoCredentials) as caught:
            await at.make("client_credentials", client_secret="wrong").headers(None)
        assert caught.value.message.endswith("refuses it (invalid_client)")
        assert "wrong" not in caught.value.message


async def test_secrets_and_tokens_are_in_no_repr() -> None:
    async with world() as at:
        own = at.make("client_credentials")
        ((_, value),) = await own.headers(None)
        seen = repr([own, vars(own), at.store, vars(at.store), at.caller()])
        assert SERVICE[1] not in seen
        assert value.decode() not in seen
        assert base64.b64encode(":".join(SERVICE).encode()).decode() not in seen
