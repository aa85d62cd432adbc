"""Who calls: the credential is found where each client puts it, or refused in a sentence that helps."""

import pytest
from pydantic import SecretStr

from fedgate.access.identify import LONGEST, Identify
from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey
from fedgate.core.call import ANONYMOUS, Call, Record, Reply, Request
from fedgate.core.errors import BadRequest, GatewayError, Unauthorized

pytestmark = pytest.mark.anyio

RING = KeyRing([ApiKey(id="alice", key=SecretStr("alice-secret")), ApiKey(id="bob", key=SecretStr("bobs-secret"))])


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
    await Identify(RING, anonymous)(given, inner)
    (passed,) = seen
    assert passed.principal is given.record.principal
    return passed.principal.id


async def refused(headers: dict[bytes, bytes], *, anonymous: bool = False, query: bytes = b"") -> GatewayError:
    given = call(headers, query)

    async def inner(passed: Call) -> Reply:
        raise AssertionError("the call went through")

    with pytest.raises(GatewayError) as caught:
        await Identify(RING, anonymous)(given, inner)
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

    stage = Identify(RING, anonymous=False, is_open=lambda call: call.request.path == "/mcp")
    await stage(call({b"authorization": b"Bearer not-one-of-ours"}), inner)
    assert [each.principal for each in seen] == [ANONYMOUS]
