"""Who calls: the credential is found where each client puts it, or refused in a sentence that helps."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from fedgate.access.callers import Callers
from fedgate.access.challenge import Challenge
from fedgate.access.identify import LONGEST, Identify
from fedgate.access.jwt_settings import JwtIssuer, TrustedProxies
from fedgate.access.keys import KeyRing
from fedgate.access.oauth_metadata import OAuth
from fedgate.access.settings import ApiKey
from fedgate.access.tokens import Tokens
from fedgate.core.call import ANONYMOUS, Call, Principal, Record, Reply, Request, replace
from fedgate.core.clock import ManualClock
from fedgate.core.errors import BadRequest, GatewayError, Unauthorized
from fedgate.core.http_client import HttpClient
from tests.access.issuer import public, signed

pytestmark = pytest.mark.anyio

CALLERS = Callers(
    KeyRing([ApiKey(id="alice", key=SecretStr("alice-secret")), ApiKey(id="bob", key=SecretStr("bobs-secret"))])
)


async def no_body() -> bytes:
    return b""


def call(headers: dict[bytes, bytes], query: bytes = b"") -> Call:
    request = Request("req-1", "POST", "/mcp", query, headers, "127.0.0.1:5000", "localhost", "1.1", no_body)
    return Call(protocol="mcp", request=request, record=Record(request, "mcp", 0.0))


async def identified(headers: dict[bytes, bytes], *, anonymous: bool = False, query: bytes = b"") -> str:
    """The id of the principal that the next stage sees, which is also the record's."""
    seen: list[Call] = []

    async def inner(passed: Call) -> Reply:
        seen.append(passed)
        return Reply()

    given = call(headers, query)
    await Identify(CALLERS, anonymous)(given, inner)
    (passed,) = seen
    assert passed.principal is given.record.principal
    return passed.principal.id


async def refused(headers: dict[bytes, bytes], *, anonymous: bool = False, query: bytes = b"") -> GatewayError:
    given = call(headers, query)

    async def inner(passed: Call) -> Reply:
        raise AssertionError("the call went through")

    with pytest.raises(GatewayError) as caught:
        await Identify(CALLERS, anonymous)(given, inner)
    assert given.record.principal is ANONYMOUS
    assert "secret" not in caught.value.message
    return caught.value


def challenge(error: GatewayError) -> str:
    assert isinstance(error, Unauthorized)
    ((name, value),) = error.headers
    assert name == b"www-authenticate"
    return value.decode()


@pytest.mark.parametrize("name", [b"x-api-key", b"api-key", b"x-goog-api-key"])
async def test_a_key_counts_in_each_clients_header(name: bytes) -> None:
    assert await identified({name: b"alice-secret"}) == "alice"


@pytest.mark.parametrize(
    "value", [b"Bearer alice-secret", b"bearer alice-secret", b"BEARER  alice-secret ", b" Bearer alice-secret"]
)
async def test_bearer_is_read_as_rfc_7235_spells_it(value: bytes) -> None:
    assert await identified({b"authorization": value}) == "alice"


async def test_the_same_key_in_several_headers_is_one_key() -> None:
    headers = {b"authorization": b"Bearer alice-secret", b"x-api-key": b"alice-secret", b"api-key": b" alice-secret"}
    assert await identified(headers) == "alice"


async def test_two_different_keys_are_refused_by_the_names_of_their_headers() -> None:
    error = await refused({b"authorization": b"Bearer alice-secret", b"x-api-key": b"bobs-secret"})
    assert isinstance(error, BadRequest)
    assert error.message == "x-api-key and authorization carry different credentials: send one of them."


async def test_without_a_key_the_challenge_has_no_error_and_the_sentence_says_what_to_send() -> None:
    error = await refused({})
    assert challenge(error) == 'Bearer realm="fedgate"'
    assert error.message == ("This gateway needs an API key: send `Authorization: Bearer KEY` or `x-api-key: KEY`.")


async def test_without_a_key_the_caller_is_anonymous_where_that_is_allowed() -> None:
    assert await identified({b"accept": b"*/*"}, anonymous=True) == "anonymous"


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize(
    "headers",
    [
        {b"authorization": b"Bearer wrong"},
        {b"x-api-key": b"wrong"},
        {b"x-api-key": b"alice-secre"},
        {b"authorization": b"Bearer alice-secret extra"},
        {b"x-api-key": b"\xff\xfe"},
    ],
)
async def test_a_wrong_key_is_refused_even_where_none_is_needed(headers: dict[bytes, bytes], anonymous: bool) -> None:
    error = await refused(headers, anonymous=anonymous)
    assert challenge(error) == (
        'Bearer realm="fedgate", error="invalid_token", error_description="The API key is not known to this gateway."'
    )


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize("value", [b"Basic YWxpY2U6c2VjcmV0", b"Digest x", b"alice-secret"])
async def test_another_scheme_is_refused_without_an_error_code(value: bytes, anonymous: bool) -> None:
    error = await refused({b"authorization": value}, anonymous=anonymous)
    assert challenge(error) == 'Bearer realm="fedgate"'
    assert error.message.startswith("Authorization is not of the Bearer scheme")


@pytest.mark.parametrize("anonymous", [False, True])
@pytest.mark.parametrize(
    ("name", "value"),
    [(b"authorization", b""), (b"authorization", b"Bearer"), (b"authorization", b"Bearer  "), (b"x-api-key", b" ")],
)
async def test_an_empty_credential_is_refused_by_name(name: bytes, value: bytes, anonymous: bool) -> None:
    error = await refused({name: value}, anonymous=anonymous)
    assert 'error="invalid_token"' in challenge(error)
    assert error.message.startswith(f"{name.decode()} is empty")


async def test_a_huge_credential_is_refused_for_its_size() -> None:
    assert "longer than" in (await refused({b"x-api-key": b"x" * (LONGEST + 1)})).message
    assert "not known" in (await refused({b"x-api-key": b"x" * LONGEST})).message


@pytest.mark.parametrize("query", [b"key=alice-secret", b"api_key=alice-secret", b"access_token=alice-secret"])
async def test_a_key_in_the_query_is_no_key(query: bytes) -> None:
    assert isinstance(await refused({}, query=query), Unauthorized)
    assert await identified({}, anonymous=True, query=query) == "anonymous"


async def test_what_is_open_to_everybody_passes_whatever_it_carries() -> None:
    seen: list[Call] = []

    async def inner(passed: Call) -> Reply:
        seen.append(passed)
        return Reply()

    stage = Identify(CALLERS, anonymous=False, is_open=lambda call: call.request.path == "/mcp")
    await stage(call({b"authorization": b"Bearer not-one-of-ours"}), inner)
    assert [each.principal for each in seen] == [ANONYMOUS]


# Tokens.

ISSUER = "https://idp.example.com"


class World:
    """An `Identify` over keys and an issuer whose keys stand in the manifest."""

    def __init__(self, *, public_url: str = "https://gw.example.com", **settings: Any) -> None:
        told = {"issuer": ISSUER, "audiences": ["gateway"], "jwks": {"keys": [public("ES256", kid="k")]}, **settings}
        issuer = JwtIssuer.model_validate(told)
        self.clock = ManualClock()
        self.tokens = Tokens([issuer], HttpClient(), self.clock)
        keys = KeyRing([ApiKey(id="alice", key=SecretStr("alice-secret"))])
        self.callers = Callers(keys, self.tokens, TrustedProxies.model_validate(PROXIES))
        self.challenge = Challenge(OAuth([issuer], public_url))

    async def pass_(self, headers: dict[bytes, bytes], *, anonymous: bool = False, source: str = "") -> Call:
        seen: list[Call] = []

        async def inner(passed: Call) -> Reply:
            seen.append(passed)
            return Reply()

        given = call(headers)
        if source:
            given = replace(given, request=replace(given.request, source=source))
        await Identify(self.callers, anonymous, challenge=self.challenge)(given, inner)
        return seen[0]

    async def refuse(self, headers: dict[bytes, bytes], **more: Any) -> tuple[int, str, str]:
        with pytest.raises(GatewayError) as caught:
            await self.pass_(headers, **more)
        ((_, value),) = caught.value.headers or ((b"", b""),)
        return caught.value.status, caught.value.message, value.decode()

    def token(self, **more: Any) -> bytes:
        now = int(self.clock.now())
        claims = {"iss": ISSUER, "aud": "gateway", "sub": "alice", "exp": now + 60, **more}
        return signed(claims, "ES256", kid="k").encode()


PROXIES = {"header": "X-Client-Subject", "from": ["10.0.0.0/8", "fd00::/8"], "groups": ["machines"]}


@pytest.mark.parametrize("name", [b"authorization", b"x-api-key"])
async def test_a_token_is_its_bearers_and_travels_with_the_call(name: bytes) -> None:
    at = World()
    token = at.token(groups=["eng"])
    passed = await at.pass_({name: (b"Bearer " if name == b"authorization" else b"") + token})
    assert (passed.principal.id, passed.principal.kind) == (f"{ISSUER}#alice", "jwt")
    assert passed.token == token
    assert passed.caller.token == token
    assert token.decode() not in repr(passed) + repr(passed.caller) + repr(passed.request)


async def test_a_key_works_beside_tokens_and_is_not_to_be_exchanged() -> None:
    passed = await World().pass_({b"x-api-key": b"alice-secret"})
    assert (passed.principal.owner, passed.token) == ("key:alice", b"")


async def test_a_key_and_a_token_at_once_are_refused() -> None:
    at = World()
    headers = {b"authorization": b"Bearer " + at.token(), b"x-api-key": b"alice-secret"}
    status, said, _ = await at.refuse(headers)
    assert (status, said) == (400, "x-api-key and authorization carry different credentials: send one of them.")


async def test_who_brings_nothing_is_told_where_the_metadata_is_and_which_scopes_to_ask_for() -> None:
    at = World(required_scopes=["mcp:tools", "mcp:read"])
    assert await at.refuse({}) == (
        401,
        "This gateway needs an access token or an API key: send `Authorization: Bearer TOKEN` or `x-api-key: KEY`.",
        'Bearer realm="fedgate", '
        'resource_metadata="https://gw.example.com/.well-known/oauth-protected-resource/mcp", '
        'scope="mcp:tools mcp:read"',
    )


async def test_without_a_public_url_the_metadata_is_where_the_client_says_that_we_are() -> None:
    at = World(public_url="")
    _, _, challenge = await at.refuse({b"host": b"127.0.0.1:8080"})
    assert 'resource_metadata="http://127.0.0.1:8080/.well-known/oauth-protected-resource/mcp"' in challenge
    _, _, challenge = await at.refuse({b"host": b'x", error="y'})
    assert challenge.count('"') == 4


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"exp": 1}, "The token has expired."),
        ({"aud": "other"}, "The token is for another audience than this gateway (aud)."),
        ({"iss": "https://other"}, "The token is of an issuer that this gateway does not trust (iss)."),
    ],
)
@pytest.mark.parametrize("anonymous", [True, False])
async def test_a_token_that_is_no_good_is_refused_with_its_reason(
    more: dict[str, Any], said: str, anonymous: bool
) -> None:
    at = World()
    status, sentence, challenge = await at.refuse(
        {b"authorization": b"Bearer " + at.token(**more)}, anonymous=anonymous
    )
    assert (status, sentence) == (401, said)
    assert challenge.startswith(f'Bearer realm="fedgate", error="invalid_token", error_description="{said}", resource')


@pytest.mark.parametrize("opaque", [b"opaque-token", b"a.b.c", b"sk-1.2.3", b"ya29.a0"])
async def test_what_is_neither_a_token_nor_a_known_key_is_refused(opaque: bytes) -> None:
    status, said, challenge = await World().refuse({b"authorization": b"Bearer " + opaque}, anonymous=True)
    assert (status, said) == (401, "The credential is no token that this gateway can verify, and no API key of it.")
    assert 'error="invalid_token"' in challenge


async def test_a_token_that_may_not_is_told_all_the_scopes_it_needs() -> None:
    at = World(required_scopes=["a", "b", "c"])
    bearer = {b"authorization": b"Bearer " + at.token(scope="b x")}
    for _ in range(2):
        assert await at.refuse(bearer) == (
            403,
            "The token lacks a scope: this needs a, b, c.",
            'Bearer realm="fedgate", error="insufficient_scope", '
            'error_description="The token lacks a scope: this needs a, b, c.", '
            'resource_metadata="https://gw.example.com/.well-known/oauth-protected-resource/mcp", scope="a b c"',
        )
    assert (await at.pass_({b"authorization": b"Bearer " + at.token(scope="c b a")})).principal.scopes == (
        "c",
        "b",
        "a",
    )


async def test_a_token_may_be_larger_than_a_key_but_not_without_end() -> None:
    at = World()
    assert (await at.pass_({b"authorization": b"Bearer " + at.token(x="y" * 9000)})).principal.kind == "jwt"
    status, said, _ = await at.refuse({b"authorization": b"Bearer " + at.token(x="y" * 13_000)})
    assert (status, said) == (401, f"The credential is longer than {LONGEST} bytes.")


# Subjects of certificates.


@pytest.mark.parametrize("source", ["10.1.2.3:5000", "[fd00::1]:5000", "::ffff:10.1.2.3:5000", "fd00::1:5000"])
async def test_a_trusted_proxy_vouches_for_a_subject(source: str) -> None:
    passed = await World().pass_({b"x-client-subject": b"CN=robot,O=Example"}, source=source)
    assert passed.principal == Principal("CN=robot,O=Example", "mtls", ("machines",))
    assert passed.principal.owner == "mtls:CN=robot,O=Example"


@pytest.mark.parametrize("source", ["127.0.0.1:5000", "11.0.0.1:1", "[fe80::1]:1", "", "unix:", "10.0.0.1"])
async def test_what_others_write_in_that_header_is_nothing(source: str) -> None:
    headers = {b"x-client-subject": b"CN=admin"}
    assert (await World().refuse(headers, source=source))[0] == 401
    assert (await World().pass_(headers, source=source, anonymous=True)).principal == ANONYMOUS


async def test_a_credential_of_the_callers_own_goes_before_its_certificate() -> None:
    at = World()
    headers = {b"x-client-subject": b"CN=robot", b"authorization": b"Bearer " + at.token()}
    assert (await at.pass_(headers, source="10.0.0.1:1")).principal.kind == "jwt"
    headers[b"authorization"] = b"Bearer wrong"
    assert (await at.refuse(headers, source="10.0.0.1:1"))[0] == 401


async def test_a_subject_that_cannot_be_read_is_refused() -> None:
    for subject in (b"\x01", b"x" * 600):
        assert (await World().refuse({b"x-client-subject": subject}, source="10.0.0.1:1", anonymous=True))[0] == 401


@given(
    st.dictionaries(
        st.sampled_from([b"authorization", b"x-api-key", b"api-key", b"host", b"x-client-subject"]),
        st.binary(max_size=60) | st.binary(max_size=40).map(lambda tail: b"Bearer " + tail),
    ),
    st.booleans(),
)
def test_no_headers_bring_it_down(headers: dict[bytes, bytes], anonymous: bool) -> None:
    async def run() -> None:
        with suppress(GatewayError):
            passed = await SHARED.pass_(headers, anonymous=anonymous)
            assert passed.principal == ANONYMOUS

    asyncio.run(run())


SHARED = World()
