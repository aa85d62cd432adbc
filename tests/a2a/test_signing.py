"""Served cards carry signatures that SDKs of both versions verify, and an ETag that holds while nothing changes."""

import asyncio
import base64
import json
from typing import Any

import pytest
from a2a.client.card_resolver import parse_agent_card
from a2a.compat.v0_3.types import AgentCard as LegacyCard
from a2a.types import AgentCard
from a2a.utils.signing import InvalidSignaturesError, NoSignatureError, create_signature_verifier
from jwt import PyJWK, api_jws
from jwt.exceptions import InvalidTokenError

from fedgate.a2a.canonical import canonical
from fedgate.a2a.card_out import Terms, rewrite
from fedgate.a2a.signing import MAX_CACHED, CardSigner, Served, legacy, matches, modern, reply, tagged
from fedgate.a2a.signing_key import SigningKey
from fedgate.core.call import JSON, Reply
from tests.a2a.cards import BASE, LEGACY, hybrid

pytestmark = pytest.mark.anyio

KEY = SigningKey()
JKU = "https://gw.example.com/.well-known/jwks.json"
TERMS = Terms("weather", BASE, push=True)
CARDS = [rewrite(each, TERMS) for each in (hybrid(), json.dumps(LEGACY).encode(), b"{}")]


def public(key: SigningKey = KEY) -> PyJWK:
    return PyJWK(json.loads(key.jwks())["keys"][0])


def verify(body: bytes, key: SigningKey = KEY) -> None:
    """As a client of the SDK does it that fetched `body`."""
    card = parse_agent_card(json.loads(body))
    assert isinstance(card, AgentCard)
    asked: list[tuple[str | None, str | None]] = []

    def provide(kid: str | None, jku: str | None) -> PyJWK:
        asked.append((kid, jku))
        return public(key)

    create_signature_verifier(provide, ["ES256"])(card)
    assert asked[0] == (KEY.id, JKU)


@pytest.mark.parametrize("card", CARDS)
async def test_the_sdk_verifies_what_is_served(card: bytes) -> None:
    served = await CardSigner(KEY, JKU).served(card)
    verify(served.body)
    assert {key: part for key, part in json.loads(served.body).items() if key != "signatures"} == json.loads(card)


def held(body: bytes, payload: bytes) -> list[bool]:
    """Which of the signatures are over this payload."""
    middle = base64.urlsafe_b64encode(payload).rstrip(b"=").decode()
    outcome = []
    for each in json.loads(body)["signatures"]:
        try:
            api_jws.decode(f"{each['protected']}.{middle}.{each['signature']}", public(), ["ES256"])
            outcome.append(True)
        except InvalidTokenError:
            outcome.append(False)
    return outcome


@pytest.mark.parametrize("card", CARDS)
async def test_each_reading_of_the_card_has_a_signature_of_its_own(card: bytes) -> None:
    body = (await CardSigner(KEY, JKU).served(card)).body
    assert held(body, modern(card)) == [True, False, False]
    # The SDK of 0.3: known members that are no defaults, compact, sorted, in ASCII.
    known = LegacyCard.model_validate(json.loads(body)).model_dump(
        exclude={"signatures"}, exclude_defaults=True, exclude_none=True, by_alias=True
    )
    assert json.loads(legacy(card)).keys() <= known.keys()
    assert held(body, legacy(card)) == [False, True, False]
    assert held(body, canonical(json.loads(card))) == [False, False, True]


async def test_a_card_that_was_changed_or_signed_by_somebody_else_is_not_verified() -> None:
    body = (await CardSigner(KEY, JKU).served(CARDS[0])).body
    with pytest.raises(InvalidSignaturesError):
        verify(body.replace(b"gw.example.com/a2a", b"evil.example/a2a"))
    with pytest.raises(InvalidSignaturesError):
        verify(body, SigningKey())


async def test_without_a_key_or_when_told_so_the_card_is_served_as_it_is() -> None:
    for served in (await CardSigner(None).served(CARDS[0]), await CardSigner(KEY, JKU).served(CARDS[0], signed=False)):
        assert served == tagged(CARDS[0])
        with pytest.raises(NoSignatureError):
            verify(served.body)


@pytest.mark.parametrize(("card", "count"), [(b'{"name":7}', 1), (b'{"name":7,"n":1e999}', 0)])
async def test_a_card_that_a_reading_cannot_make_sense_of_has_no_signature_for_it(card: bytes, count: int) -> None:
    found = json.loads((await CardSigner(KEY, JKU).served(card)).body)
    assert len(found.get("signatures", [])) == count


async def test_the_same_revision_is_signed_once_whoever_asks_meanwhile_and_alike_by_every_replica() -> None:
    signer = CardSigner(KEY, JKU)
    first, second = await asyncio.gather(signer.served(CARDS[0]), signer.served(CARDS[0]))
    assert first is second
    assert first is await signer.served(CARDS[0])
    assert first == await CardSigner(KEY, JKU).served(CARDS[0])
    assert first.etag != (await signer.served(CARDS[1])).etag


async def test_a_caller_that_gives_up_does_not_spoil_it_for_others() -> None:
    signer = CardSigner(KEY, JKU)
    given_up = asyncio.ensure_future(signer.served(CARDS[1]))
    await asyncio.wait([given_up], timeout=0)
    given_up.cancel()
    verify((await signer.served(CARDS[1])).body)


async def test_what_is_no_object_is_an_error_and_is_not_kept() -> None:
    signer = CardSigner(KEY, JKU)
    for _ in range(2):
        with pytest.raises(ValueError, match="not a JSON object"):
            await signer.served(b"[]")
    assert "cards=0" in repr(signer)


async def test_no_more_cards_are_kept_than_the_limit() -> None:
    signer = CardSigner(KEY, JKU)
    signer._made = {b"%d" % number: asyncio.get_running_loop().create_future() for number in range(MAX_CACHED)}
    await signer.served(CARDS[0])
    assert len(signer._made) == MAX_CACHED
    assert b"0" not in signer._made


def test_a_client_that_has_the_document_is_told_so() -> None:
    served = Served(b"{}", '"abc"')
    tag, age = (b"etag", b'"abc"'), (b"cache-control", b"max-age=60")
    assert reply(served, None) == Reply(200, (JSON, tag, age), b"{}")
    assert reply(served, '"old"') == Reply(200, (JSON, tag, age), b"{}")
    assert reply(served, 'W/"abc"') == Reply(304, (tag, age))
    assert reply(served, None, public=False).headers[2] == (b"cache-control", b"private, max-age=60")
    assert reply(served, None, content_type=(b"content-type", b"x/y")).headers[0] == (b"content-type", b"x/y")


@pytest.mark.parametrize(
    ("header", "hit"),
    [('"a"', True), ('W/"a"', True), ('"b" , W/"a"', True), ("*", True), ('"b"', False), ("", False), ('"b",*', False)],
)
def test_if_none_match_is_compared_weakly_against_a_list(header: str, hit: bool) -> None:
    assert matches(header, '"a"') is hit


def test_equal_documents_have_equal_strong_tags() -> None:
    one: Any = tagged(b"x")
    assert one == tagged(b"x")
    assert one.etag != tagged(b"y").etag
    assert one.etag.startswith('"')
