"""Sealed request state: good for its caller, its request and its time, and for nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.clock import ManualClock
from fedgate.core.errors import RpcError
from fedgate.core.jsonrpc import parse_one
from fedgate.core.rawjson import fields
from fedgate.federation.catalog import Route
from fedgate.federation.inbound import Inbound
from fedgate.federation.sealing import LIFE, MAX_STATE, Seal

CLOCK = ManualClock()
SEAL = Seal(CLOCK)
REFUSED = r"requestState is not valid for this request"


def inbound(params: bytes = b'{"name":"a","arguments":{"x":1}}', server: str = "one") -> Inbound:
    message = parse_one(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % params)
    return Inbound("modern", "request", message, fields(params), route=Route(server, "a"))


@given(st.text(max_size=200))
def test_a_state_comes_back_as_it_was(body: str) -> None:
    sealed = SEAL.close("relayed", "key:alice", inbound(), body)
    state = SEAL.open(sealed, "key:alice", inbound())
    assert (state.kind, state.body, state.server) == ("relayed", body, "one")
    assert body not in sealed or len(body) < 4


@pytest.mark.parametrize(
    ("owner", "request_"),
    [
        pytest.param("key:bob", inbound(), id="another caller"),
        pytest.param("key:alice", inbound(b'{"name":"a","arguments":{"x":2}}'), id="other arguments"),
        pytest.param("key:alice", inbound(b'{"name":"b","arguments":{"x":1}}'), id="another tool"),
        pytest.param("key:alice", inbound(server="two"), id="another server"),
    ],
)
def test_a_state_is_of_no_use_elsewhere(owner: str, request_: Inbound) -> None:
    sealed = SEAL.close("relayed", "key:alice", inbound(), "secret")
    with pytest.raises(RpcError, match=REFUSED) as caught:
        SEAL.open(sealed, owner, request_)
    assert (caught.value.code, caught.value.status) == (-32602, 400)


@given(position=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_a_state_that_was_tampered_with_is_refused(position: int, flip: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(SEAL.close("relayed", "key:alice", inbound(), "secret")))
    raw[position % len(raw)] ^= flip
    with pytest.raises(RpcError, match=REFUSED):
        SEAL.open(base64.urlsafe_b64encode(raw).decode(), "key:alice", inbound())


@pytest.mark.parametrize("sealed", ["", "x", "é", "=" * 8, "A" * 40, "A" * (MAX_STATE + 1)])
def test_what_was_never_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(RpcError, match=REFUSED):
        SEAL.open(sealed, "key:alice", inbound())


def test_a_state_expires_and_ends_with_its_process() -> None:
    clock = ManualClock()
    seal = Seal(clock)
    sealed = seal.close("relayed", "key:alice", inbound(), "secret")
    clock.advance(LIFE - 1)
    assert seal.open(sealed, "key:alice", inbound()).body == "secret"
    with pytest.raises(RpcError, match=REFUSED):
        Seal(clock).open(sealed, "key:alice", inbound())
    clock.advance(2)
    with pytest.raises(RpcError, match=REFUSED):
        seal.open(sealed, "key:alice", inbound())
