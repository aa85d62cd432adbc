"""Key sets: only public keys that can verify get in, each for its own algorithms."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from fedgate.access.jwk import MAX_KEYS, MAX_SET, BadKeySet, parse, read_file, select
from fedgate.access.jws import split
from tests.access.issuer import private, public, signed

KINDS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "Ed448"]
NOTHING = "holds no public key that can verify a signature"


def body(*keys: Any) -> bytes:
    return json.dumps({"keys": list(keys)}).encode()


def why(given: bytes) -> str:
    with pytest.raises(BadKeySet) as caught:
        parse(given)
    return str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_verifies_what_it_signed_and_nothing_else(kind: str) -> None:
    (key,) = parse(body(public(kind)))
    form = split(signed({"a": 1}, kind).encode())
    assert key.verify(form.algorithm, form.signed, form.signature)
    assert not key.verify(form.algorithm, form.signed + b"x", form.signature)
    assert not key.verify(form.algorithm, form.signed, form.signature[:-1] + bytes([form.signature[-1] ^ 1]))
    assert not key.verify(form.algorithm, form.signed, b"")
    for other in {"RS256", "ES256", "EdDSA", "HS256", "none"} - {form.algorithm}:
        assert not key.verify(other, form.signed, form.signature) or other in key.algorithms


@pytest.mark.parametrize(
    ("key", "algorithms"),
    [
        (public("RS256"), ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (public("RS256", alg="PS256"), ("PS256",)),
        (public("ES256"), ("ES256",)),
        (public("ES384"), ("ES384",)),
        (public("Ed25519"), ("EdDSA", "Ed25519")),
        (public("Ed25519", alg="EdDSA"), ("EdDSA", "Ed25519")),
        (public("Ed448", alg="Ed448"), ("EdDSA", "Ed448")),
    ],
)
def test_a_key_is_for_its_own_algorithms(key: dict[str, Any], algorithms: tuple[str, ...]) -> None:
    assert parse(body(key))[0].algorithms == algorithms


def small() -> dict[str, Any]:
    key = rsa.generate_private_key(65537, 1024).public_key()
    return RSAAlgorithm.to_jwk(key, as_dict=True)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"kty": "oct", "k": "c2VjcmV0", "alg": "HS256"},
        {"kty": "RSA", "n": "AQAB"},
        {"kty": "RSA", "n": "!!", "e": "AQAB"},
        {"kty": "EC", "crv": "P-256", "x": "AQAB", "y": "AQAB"},
        {"kty": "EC", "crv": "secp256k1", "x": "AQAB", "y": "AQAB"},
        {"kty": "OKP", "crv": "X25519", "x": "AQAB"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AQAB"},
        {**public("RS256"), "use": "enc"},
        {**public("RS256"), "key_ops": ["sign"]},
        {**public("RS256"), "alg": "RSA-OAEP"},
        {**public("ES256"), "alg": "ES384"},
        {**public("RS256"), "alg": "HS256"},
        {"kty": 7},
        {},
        "x",
        7,
        small(),
    ],
)
def test_a_key_that_cannot_verify_is_left_out(key: Any) -> None:
    assert why(body(key)) == NOTHING
    assert len(parse(body(key, public("ES256")))) == 1


def test_private_members_are_never_looked_at() -> None:
    (key,) = parse(body({**public("ES256"), "d": "nobody reads this"}))
    assert key.key.is_private is False


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", 'is no JWK set: a JSON object with a list of "keys"'),
        (b"[]", 'is no JWK set: a JSON object with a list of "keys"'),
        (b'{"keys":{}}', 'is no JWK set: a JSON object with a list of "keys"'),
        (body(), NOTHING),
        (body(*[{}] * (MAX_KEYS + 1)), f"holds more than {MAX_KEYS} keys"),
        (b" " * (MAX_SET + 1), f"is longer than {MAX_SET} bytes"),
    ],
)
def test_what_is_no_key_set_is_refused(given: bytes, said: str) -> None:
    assert why(given) == said


def test_the_key_of_a_token_is_found_by_its_name_and_algorithm() -> None:
    keys = parse(body(public("RS256", kid="a"), public("RS256", 1, kid="b"), public("ES256", kid="a")))
    assert select(keys, "RS256", "a") is keys[0]
    assert select(keys, "RS256", "b") is keys[1]
    assert select(keys, "ES256", "a") is keys[2]
    assert select(keys, "ES256", "b") is None
    assert select(keys, "RS256", "c") is None
    assert select(keys, "HS256", "a") is None


def test_without_a_name_a_key_is_meant_only_where_there_is_no_choice() -> None:
    keys = parse(body(public("RS256", kid="a"), public("RS256", 1, kid="b"), public("ES256", kid="c")))
    assert select(keys, "RS256", None) is None
    assert select(keys, "ES256", None) is keys[2]


def test_a_file_that_cannot_be_read_is_no_key_set(tmp_path: Path) -> None:
    with pytest.raises(BadKeySet, match="cannot be read"):
        read_file(tmp_path / "none.json")
    (tmp_path / "keys.json").write_bytes(body(public("ES256")))
    assert len(parse(read_file(tmp_path / "keys.json"))) == 1


def test_a_key_made_for_the_test_is_always_the_same() -> None:
    assert private("ES256") is private("ES256")
    assert private("ES256") is not private("ES256", 1)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3))
MEMBERS = st.sampled_from(["kty", "n", "e", "crv", "x", "y", "use", "alg", "kid", "key_ops"])
VALUES = st.sampled_from(["RSA", "EC", "OKP", "P-256", "Ed25519", "AQAB", "sig", "RS256"]) | JSON


@given(st.binary(max_size=100) | st.lists(st.dictionaries(MEMBERS, VALUES), max_size=3).map(lambda keys: body(*keys)))
def test_no_bytes_bring_it_down(given: bytes) -> None:
    try:
        parse(given)
    except BadKeySet:
        return
