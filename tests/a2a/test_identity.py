"""a2a/identity.py"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.agent_settings import Identity
from fedgate.a2a.identity import MAX_IDENTITY, epoch_of, missing, read

HEADERS = ((b"x-pod-uid", b" 7f3a "), (b"x-pod-uid", b"other"), (b"x-empty", b""))
BODY = b'{"name":"n","build":{"boot":{"id":"b-1"},"pid":4711,"at":1.50,"up":true,"none":null}}'


@pytest.mark.parametrize(("name", "found"), [("X-Pod-Uid", "7f3a"), ("x-empty", ""), ("x-other", "")])
def test_a_header_is_found_whatever_its_case(name: str, found: str) -> None:
    assert read(Identity(header=name), HEADERS, b"") == found


@pytest.mark.parametrize(
    ("field", "found"),
    [
        ("name", "n"),
        ("build.boot.id", "b-1"),
        ("build.pid", "4711"),
        ("build.at", "1.50"),
        ("build.up", ""),
        ("build.none", ""),
        ("build.boot", ""),
        ("build.boot.id.x", ""),
        ("nothing", ""),
    ],
)
def test_a_field_is_found_by_its_path(field: str, found: str) -> None:
    assert read(Identity(field=field), (), BODY) == found


@pytest.mark.parametrize(("length", "found"), [(MAX_IDENTITY, True), (MAX_IDENTITY + 1, False)])
def test_an_identity_that_is_too_long_is_none(length: int, found: bool) -> None:
    assert bool(read(Identity(header="x"), ((b"x", b"a" * length),), b"")) is found


def test_an_epoch_does_not_tell_the_identity_and_is_the_same_for_the_same() -> None:
    assert epoch_of("pod-1") == epoch_of("pod-1") != epoch_of("pod-2")
    assert (len(epoch_of("pod-1")), "pod" in epoch_of("pod-1"), "-" in epoch_of("pod-1")) == (13, False, False)


def test_what_is_missing_is_named() -> None:
    assert missing(Identity(header="X-Pod")).endswith("it has no header X-Pod")
    assert missing(Identity(field="a.b")).endswith("it has no field a.b")


@given(st.binary(max_size=100), st.sampled_from(["a", "a.b"]))
def test_no_body_raises(body: bytes, field: str) -> None:
    assert isinstance(read(Identity(field=field), (), b'{"a":' + body + b"}"), str)
