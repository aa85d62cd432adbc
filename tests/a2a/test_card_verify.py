"""a2a/card_verify.py, judged by the SDK's own signer. Keys are made here, once."""

import json
from contextlib import suppress
from typing import Any

import jwt
import pytest
from a2a.types import AgentCard
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.a2a.card_verify import MAX_SIGNATURES, Unverified, verify
from tests.a2a.agent_kit import BOTH, sdk_card, served
from tests.a2a.signed_cards import OURS, THEIRS, key_set, public, signed

TRUSTED = key_set(public(OURS, "one"), public(THEIRS, "two"))


@pytest.mark.parametrize("keys", [TRUSTED, key_set(public(OURS, "one")), key_set(public(OURS, None))])
def test_a_card_signed_by_a_trusted_key_is_good(keys: bytes) -> None:
    verify(served(signed(sdk_card())), keys)


def test_a_hybrid_card_is_verified_although_its_0_3_members_are_not_signed() -> None:
    verify(served(signed(sdk_card(BOTH))), TRUSTED)


def test_one_good_signature_among_others_is_enough() -> None:
    verify(served(signed(signed(sdk_card(), THEIRS, "unknown"))), TRUSTED)


def test_members_that_nobody_knows_do_not_matter() -> None:
    card = {**json.loads(served(signed(sdk_card()))), "x-vendor": {"a": [1]}}
    verify(json.dumps(card).encode(), TRUSTED)


def refused(card: bytes, keys: bytes = TRUSTED) -> str:
    with pytest.raises(Unverified) as caught:
        verify(card, keys)
    return str(caught.value)


def changed(card: AgentCard, **members: Any) -> bytes:
    return json.dumps({**json.loads(served(card)), **members}).encode()


UNSIGNED = "its card is not signed by a key of card.verify"


def test_a_card_without_a_signature_is_refused() -> None:
    assert refused(served(sdk_card())) == UNSIGNED


def test_a_card_that_was_changed_is_refused() -> None:
    interface = {"url": "http://evil/", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
    assert refused(changed(signed(sdk_card()), supportedInterfaces=[interface])) == UNSIGNED
    assert refused(changed(signed(sdk_card()), name="Other")) == UNSIGNED


@pytest.mark.parametrize(
    "keys",
    [
        key_set(public(THEIRS, "two")),  # signed by somebody else
        key_set(public(THEIRS, "one")),  # somebody else's under that name
        key_set(public(THEIRS, None)),
        key_set(public(OURS, "other")),  # ours, but the signature names another
        key_set({"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "kid": "one"}),  # no point of the curve
        key_set({"kty": "EC", "kid": "one"}),
        key_set({"kty": "OKP", "kid": "one", "crv": "X"}),
    ],
)
def test_a_card_signed_by_no_trusted_key_is_refused(keys: bytes) -> None:
    assert refused(served(signed(sdk_card())), keys) == UNSIGNED


def test_a_public_key_never_serves_as_a_shared_secret() -> None:
    secret = OURS.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    assert refused(served(signed(sdk_card(), secret, "one", "HS256"))) == UNSIGNED


def test_no_algorithm_is_no_signature() -> None:
    card = served(signed(sdk_card()))
    protected = jwt.utils.base64url_encode(b'{"alg":"none","kid":"one"}').decode()
    forged = {**json.loads(card), "signatures": [{"protected": protected, "signature": ""}]}
    assert refused(json.dumps(forged).encode()) == UNSIGNED


def test_only_so_many_signatures_are_tried() -> None:
    card = json.loads(served(signed(sdk_card())))
    card["signatures"] = card["signatures"] * (MAX_SIGNATURES + 1)
    assert refused(json.dumps(card).encode()) == "its card has more than 16 signatures"


@pytest.mark.parametrize(
    "members",
    [
        {"signatures": [{"protected": "!", "signature": "!"}]},
        {"signatures": [{"protected": "W10", "signature": ""}]},
        {"signatures": [{"protected": "bnVsbA", "signature": ""}]},
        {"signatures": [{"protected": "eyJhbGciOjF9", "signature": ""}]},
        {"signatures": [{"protected": "eyJraWQiOltdfQ", "signature": ""}]},
        {"signatures": "all"},
        {"signatures": [1]},
        {"capabilities": []},
        {"skills": {}},
        {"skills": None},
        {"securitySchemes": []},
        {"securitySchemes": {"a": 1}},
        {"additionalInterfaces": [1], "url": "x", "supportedInterfaces": None},
        {"name": "\ud800"},
    ],
)
def test_a_card_that_cannot_be_read_is_refused(members: dict[str, Any]) -> None:
    refused(changed(signed(sdk_card()), **members))


def test_deep_nesting_is_refused() -> None:
    assert "cannot be verified" in refused(b'{"a":' * 100_000 + b"1" + b"}" * 100_000)


@settings(max_examples=60)
@given(st.binary(max_size=80))
def test_no_bytes_pass_or_raise_anything_else(body: bytes) -> None:
    refused(body)


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KNOWN = [
    "name",
    "skills",
    "capabilities",
    "securitySchemes",
    "security",
    "signatures",
    "supportedInterfaces",
    "url",
    "provider",
]
GOOD = served(signed(sdk_card()))


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(KNOWN), JSON, min_size=1, max_size=3))
def test_no_change_of_a_signed_card_raises_anything_else(members: dict[str, Any]) -> None:
    with suppress(Unverified):
        verify(json.dumps({**json.loads(GOOD), **members}).encode(), TRUSTED)
