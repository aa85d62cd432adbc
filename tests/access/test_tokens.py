"""Tokens against an issuer on a real socket, made by another library: who gets in, whatever happens, and who not."""

import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from fedgate.access.claims import Bearer
from fedgate.access.jwks import AGAIN, CannotVerify
from fedgate.access.jws import Refused
from fedgate.access.jwt_settings import JwtIssuer
from fedgate.access.tokens import Tokens
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from tests.access.issuer import Issuer, private, public, running, signed
from tests.access.test_jws import segment

pytestmark = pytest.mark.anyio

SIGNATURE = "The token's signature is wrong."
ALG = "The token is signed in a way that this gateway does not accept (alg)."
KID = "The token is signed with a key that its issuer does not publish (kid)."


class World:
    def __init__(self, issuer: Issuer, tokens: Tokens, clock: ManualClock) -> None:
        self.issuer = issuer
        self.tokens = tokens
        self.clock = clock

    async def bearer(self, token: str | bytes) -> Bearer:
        given = token.encode() if isinstance(token, str) else token
        digest = hashlib.sha256(given).digest()
        return self.tokens.held(digest) or await self.tokens.verify(given, digest)

    async def why(self, token: str | bytes) -> str:
        with pytest.raises(Refused) as caught:
            await self.bearer(token)
        return str(caught.value)

    @property
    def fetched(self) -> int:
        return self.issuer.asked["/jwks"]


@asynccontextmanager
async def world(limits: dict[str, int] | None = None, **settings: Any) -> AsyncIterator[World]:
    http, clock = HttpClient(), ManualClock(time.time())
    async with running() as issuer:
        told = {"issuer": issuer.url, "audiences": ["gateway"], **settings}
        tokens = Tokens([JwtIssuer.model_validate(told)], http, clock, **(limits or {}))
        try:
            yield World(issuer, tokens, clock)
        finally:
            await tokens.aclose()
            await http.aclose()


async def test_a_token_of_the_issuer_names_its_bearer() -> None:
    async with world() as at:
        found = (await at.bearer(at.issuer.token())).principal
        assert (found.id, found.groups, found.scopes) == (f"{at.issuer.url}#alice", ("engineering",), ("mcp:tools",))
        assert at.issuer.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


async def test_a_token_is_verified_once_and_known_until_it_expires() -> None:
    async with world() as at:
        token = at.issuer.token()
        first = await at.bearer(token)
        assert await at.bearer(token) is first
        at.clock.advance(3600 + 30)
        assert at.tokens.held(hashlib.sha256(token.encode()).digest()) is None
        assert await at.why(token) == "The token has expired."


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"aud": "somebody else"}, "The token is for another audience than this gateway (aud)."),
        ({"exp": 1}, "The token has expired."),
        ({"nbf": 99_999_999_999}, "The token is not valid yet (nbf)."),
        ({"iss": "https://other"}, "The token is of an issuer that this gateway does not trust (iss)."),
        ({"sub": ""}, "The token does not say readably who its bearer is (sub)."),
    ],
)
async def test_a_good_signature_does_not_make_a_good_token(more: dict[str, Any], said: str) -> None:
    async with world() as at:
        claims = at.issuer.claims("alice", "gateway", **more)
        assert await at.why(signed(claims, kid="key-0")) == said


@pytest.mark.parametrize("issuer", [None, 7, ["x"], {"x": 1}, True])
async def test_an_issuer_that_is_no_text_is_nobody(issuer: object) -> None:
    async with world() as at:
        token = b".".join((segment({"alg": "RS256"}), segment({"iss": issuer}), b"AA"))
        assert "does not trust" in await at.why(token)


async def test_the_issuer_is_compared_to_the_letter() -> None:
    async with world() as at:
        for other in (at.issuer.url + "/", at.issuer.url.upper(), at.issuer.url + "#alice"):
            claims = at.issuer.claims("alice", "gateway", iss=other)
            assert "does not trust" in await at.why(signed(claims, kid="key-0"))


async def test_a_token_that_was_tampered_with_is_refused() -> None:
    async with world() as at:
        header, claims, signature = at.issuer.token().split(".")
        other = segment({**at.issuer.claims("admin", "gateway")}).decode()
        assert await at.why(f"{header}.{other}.{signature}") == SIGNATURE
        assert await at.why(f"{header}.{claims}.{signature[:-4]}AAAA") == SIGNATURE
        assert await at.why(f"{header}.{claims}.") == SIGNATURE


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS256", "HS512", "ES256K", "RS1", "A256KW"])
async def test_an_algorithm_that_is_not_accepted_is_refused_before_keys_are_looked_for(algorithm: str) -> None:
    async with world() as at:
        claims = segment(at.issuer.claims("admin", "gateway"))
        assert await at.why(segment({"alg": algorithm}) + b"." + claims + b".") == ALG
        assert at.fetched == 0


async def test_the_public_key_is_no_secret_to_sign_with() -> None:
    """Key confusion: an HMAC made with the published key."""
    async with world() as at:
        secret = private("RS256", 0).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        for algorithm in ("HS256", "RS256"):
            made = segment({"alg": algorithm, "kid": "key-0"}) + b"." + segment(at.issuer.claims("admin", "gateway"))
            token = made + b"." + segment(hmac.digest(secret, made, "sha256"))
            assert await at.why(token) == (ALG if algorithm == "HS256" else SIGNATURE)


async def test_a_key_of_another_kind_is_no_key() -> None:
    async with world() as at:
        claims = at.issuer.claims("admin", "gateway")
        assert await at.why(signed(claims, "ES256", kid="key-0")) == KID
        assert await at.why(signed(claims, "RS256", 7, kid="key-0")) == SIGNATURE
        assert await at.why(signed(claims, "RS512", 0, kid="key-0")) == KID  # the set says RS256


async def test_addresses_in_a_token_are_never_followed() -> None:
    async with world() as at:
        evil = f"{at.issuer.url}/evil"
        claims = at.issuer.claims("admin", "gateway")
        token = signed(claims, "RS256", 7, kid="key-0", jku=evil, x5u=evil)
        assert await at.why(token) == SIGNATURE
        assert at.issuer.asked["/evil"] == 0


async def test_an_algorithm_can_be_left_out_by_the_manifest() -> None:
    async with world(algorithms=["ES256"]) as at:
        assert await at.why(at.issuer.token()) == ALG


async def test_a_key_that_rotates_is_followed_and_the_old_one_counts_no_more() -> None:
    async with world() as at:
        old = at.issuer.token()
        await at.bearer(old)
        at.issuer.rotate()
        at.clock.advance(AGAIN)
        await at.bearer(at.issuer.token())
        assert at.fetched == 2
        assert await at.why(old) == KID


async def test_another_key_under_the_same_name_is_found() -> None:
    async with world() as at:
        await at.bearer(at.issuer.token())
        at.issuer.rotate()
        at.clock.advance(AGAIN)
        nameless = signed(at.issuer.claims("alice", "gateway"), "RS256", 1)
        assert (await at.bearer(nameless)).principal.id.endswith("#alice")


async def test_while_the_issuer_is_away_known_keys_verify_and_without_keys_nobody_gets_in() -> None:
    async with world() as at:
        at.issuer.away = True
        for _ in range(3):
            with pytest.raises(CannotVerify) as caught:
                await at.bearer(at.issuer.token())
        assert (caught.value.status, caught.value.reason) == (503, "cannot_verify")
        assert sum(at.issuer.asked.values()) == 2  # both places of the metadata, once
        at.issuer.away = False
        at.clock.advance(AGAIN)
        await at.bearer(at.issuer.token())
        at.issuer.away = True
        at.clock.advance(1000)
        await at.bearer(at.issuer.token(iat=int(time.time())))


async def test_metadata_of_another_issuer_gives_no_keys() -> None:
    async with world() as at:
        at.issuer.metadata = {"issuer": "https://other"}
        with pytest.raises(CannotVerify):
            await at.bearer(at.issuer.token())


async def test_keys_may_be_written_in_the_manifest_or_a_file(tmp_path: Any) -> None:
    path = tmp_path / "keys.json"
    keys = {"keys": [public("ES256", kid="here")]}
    path.write_text(json.dumps(keys))
    for source in ({"jwks": keys}, {"jwks_file": path}):
        async with world(**source) as at:
            token = signed(at.issuer.claims("alice", "gateway"), "ES256", kid="here")
            assert (await at.bearer(token)).principal.id.endswith("#alice")
            assert sum(at.issuer.asked.values()) == 0


async def test_a_file_that_changes_is_read_again(tmp_path: Any) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"keys": [public("ES256", kid="old")]}))
    async with world(jwks_file=path) as at:
        await at.bearer(signed(at.issuer.claims("alice", "gateway"), "ES256", kid="old"))
        path.write_text(json.dumps({"keys": [public("ES256", 1, kid="new")]}))
        at.clock.advance(AGAIN)
        await at.bearer(signed(at.issuer.claims("alice", "gateway"), "ES256", 1, kid="new"))


async def test_what_is_refused_is_not_verified_again_at_once() -> None:
    async with world() as at:
        token = signed(at.issuer.claims("alice", "gateway"), "RS256", 7, kid="key-0")
        assert await at.why(token) == SIGNATURE
        at.issuer.away = True
        assert await at.why(token) == SIGNATURE
        assert at.fetched == 1


async def test_what_is_remembered_has_a_limit() -> None:
    async with world({"remembered": 5, "refusals": 5}) as at:
        given = [at.issuer.token() for _ in range(20)]
        bad = [signed(at.issuer.claims("alice", "gateway"), "RS256", 7, kid="key-0") for _ in range(20)]
        for token in given:
            await at.bearer(token)
        for token in bad:
            await at.why(token)
        assert repr(at.tokens) == "<Tokens of 1 issuers, 5 verified>"
        assert given[-1] not in repr(vars(at.tokens))
        assert at.tokens.held(hashlib.sha256(given[-1].encode()).digest()) is not None
        assert at.tokens.held(hashlib.sha256(given[0].encode()).digest()) is None


async def test_a_token_with_too_few_scopes_is_known_to_lack_them() -> None:
    async with world(required_scopes=["mcp:tools", "mcp:admin"]) as at:
        assert (await at.bearer(at.issuer.token())).lacking == ("mcp:admin",)


async def test_keys_are_fetched_before_the_first_token_comes() -> None:
    async with world() as at:
        at.tokens.start()
        await at.tokens.trusted[at.issuer.url].keys.refresh()
        assert at.fetched == 1
        await at.bearer(at.issuer.token())
        assert at.fetched == 1


def test_the_other_library_agrees_that_these_tokens_are_good() -> None:
    token = signed({"aud": "a", "exp": 9_999_999_999}, "ES256")
    assert jwt.decode(token, private("ES256").public_key(), ["ES256"], audience="a")["aud"] == "a"
