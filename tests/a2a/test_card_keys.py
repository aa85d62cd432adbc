"""a2a/card_keys.py"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.card_keys import MAX_FILE, MAX_KEYS, BadKeySet, check, load

KEY = {"kty": "EC", "crv": "P-256", "x": "eA", "y": "eQ", "kid": "one"}


def refusal(keys: Any) -> str:
    with pytest.raises(BadKeySet) as caught:
        check(json.dumps(keys).encode())
    return str(caught.value)


@pytest.mark.parametrize("kty", ["EC", "RSA", "OKP"])
def test_public_keys_are_taken(kty: str) -> None:
    check(json.dumps({"keys": [{**KEY, "kty": kty}, KEY]}).encode())


def test_a_file_is_returned_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [KEY]}, indent=3))
    assert load(file) == file.read_bytes()


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"keys": []}, "must hold 1 to 64 keys"),
        ({"keys": [KEY] * (MAX_KEYS + 1)}, "must hold 1 to 64 keys"),
        ({"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}, "holds a key that is not of type EC, RSA or OKP"),
        ({"keys": [{}]}, "holds a key that is not of type EC, RSA or OKP"),
        ({"keys": [{**KEY, "d": "x"}]}, "holds a private key, which belongs to the agent alone"),
        ({"keys": {}}, 'is no JWK set: a JSON object with a list of "keys"'),
        ({"keys": ["x"]}, 'is no JWK set: a JSON object with a list of "keys"'),
        ({}, 'is no JWK set: a JSON object with a list of "keys"'),
        ([KEY], 'is no JWK set: a JSON object with a list of "keys"'),
    ],
)
def test_anything_else_is_refused_in_words(keys: Any, why: str) -> None:
    assert refusal(keys) == why


def test_a_file_that_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(b" " * (MAX_FILE + 1))
    with pytest.raises(BadKeySet, match=r"^is longer than 262144 bytes$"):
        load(file)


@pytest.mark.parametrize("name", ["missing", "nul\0"])
def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadKeySet, match=r"^cannot be read$"):
        load(tmp_path / name)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with suppress(BadKeySet):
        check(body)
