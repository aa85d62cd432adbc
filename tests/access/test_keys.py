"""A key is known by its digest; the ring gives none away."""

import hashlib

import pytest
from pydantic import SecretStr

from fedgate.access.keys import KeyRing
from fedgate.access.settings import ApiKey

ALICE = ApiKey(id="alice", key=SecretStr("alice-secret"), groups=("engineering",), metadata={"team": "core"})
ROBOT = ApiKey(id="ci", key_sha256=hashlib.sha256(b"robot-secret").hexdigest(), groups=("robots",))


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing([ALICE, ROBOT])


def test_a_key_names_its_principal(ring: KeyRing) -> None:
    found = ring.find(b"alice-secret")
    assert found is not None
    assert (found.id, found.kind, found.groups, found.metadata) == (
        "alice",
        "key",
        ("engineering",),
        {"team": "core"},
    )


def test_a_key_given_as_a_digest_is_presented_as_itself(ring: KeyRing) -> None:
    found = ring.find(b"robot-secret")
    assert found is not None
    assert found.id == "ci"
    assert ring.find(hashlib.sha256(b"robot-secret").hexdigest().encode()) is None


@pytest.mark.parametrize("wrong", [b"", b"alice-secre", b"alice-secret ", b"ALICE-SECRET", b"\xff\x00", b"x" * 9000])
def test_other_bytes_are_nobody(ring: KeyRing, wrong: bytes) -> None:
    assert ring.find(wrong) is None


def test_an_empty_ring_knows_nobody() -> None:
    assert KeyRing([]).find(b"") is None


def test_the_ring_keeps_no_key(ring: KeyRing) -> None:
    assert repr(ring) == "<KeyRing 2 keys>"
    assert len(ring) == 2
    assert b"secret" not in repr(vars(ring)).encode()
