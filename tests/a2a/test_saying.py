"""What is said to agents in the name of callers of another protocol, and what is read of their answers."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a import bridge
from fedgate.a2a.operations import SEND
from fedgate.a2a.saying import MAX_SENTENCE, call, events, message, result
from fedgate.core.call import Caller, Principal
from fedgate.core.clock import ManualClock
from fedgate.core.conversation import Asking
from fedgate.core.errors import RpcError, UpstreamInvalid
from fedgate.core.trail import Trail

pytestmark = pytest.mark.anyio

ALICE = Caller(Principal("alice", "key"), b"token", {b"traceparent": b"00-1-2-01"})


def ask(**more: Any) -> Asking:
    return Asking("support", ALICE, "hi", **more)


def test_every_message_has_an_id_of_its_own() -> None:
    ids = {json.loads(message(ask()))["message"]["messageId"] for _ in range(5)}
    assert len(ids) == 5
    assert {len(each) for each in ids} == {32}


def test_a_message_names_what_it_goes_on_with_and_the_skill() -> None:
    found = json.loads(message(ask(context="c", task="t", skill="find")))
    del found["message"]["messageId"]
    assert found == {
        "message": {
            "role": "ROLE_USER", "parts": [{"text": "hi"}], "contextId": "c", "taskId": "t",
            "metadata": {"skillId": "find"},
        },
        "configuration": {},
    }  # fmt: skip
    assert json.loads(message(ask()))["message"].keys() == {"messageId", "role", "parts"}


async def test_it_is_said_in_the_callers_name() -> None:
    asked = bridge.ask(SEND, message(ask()), agent="support")
    made = call(asked, ALICE)
    assert (made.principal, made.token, made.caller) == (ALICE.principal, b"token", ALICE)
    assert (made.protocol, made.operation, made.record.principal) == ("a2a", SEND, ALICE.principal)
    assert await made.request.read() == asked.body
    assert made.record.trail is None
    trail = Trail(ManualClock())
    assert call(asked, ALICE, trail).record.trail is trail


def test_a_result_is_given_and_an_error_raised_in_the_agents_words() -> None:
    assert bytes(result(b'{"jsonrpc":"2.0","id":1,"result":{"a": 1}}')) == b'{"a": 1}'
    with pytest.raises(RpcError, match="No poems") as caught:
        result(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"No poems"}}')
    assert caught.value.code == -32005
    with pytest.raises(RpcError, match="no reason given") as caught:
        result(b'{"jsonrpc":"2.0","id":1,"error":{"code":"x"}}')
    assert caught.value.code == -32603
    with pytest.raises(RpcError) as caught:
        result(json.dumps({"error": {"code": 1, "message": "x" * 5000}}).encode())
    assert len(caught.value.message) == MAX_SENTENCE


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"error":7}', b'[{"result":1}]', b"\xff"])
def test_what_is_no_answer_is_invalid(body: bytes) -> None:
    with pytest.raises(UpstreamInvalid, match="the agent's answer is no JSON-RPC answer"):
        result(body)


@given(st.binary(), st.sampled_from([b"%b", b'{"error":%b}', b'{"error":{"code":%b}}', b'{"error":{"message":%b}}']))
def test_whatever_an_agent_answers_is_read_or_refused(junk: bytes, shape: bytes) -> None:
    with contextlib.suppress(RpcError, UpstreamInvalid):
        result(shape % junk)


async def test_events_are_read_across_chunks_and_the_stream_is_closed_after_them() -> None:
    closed: list[bool] = []

    async def chunks() -> AsyncIterator[bytes]:
        try:
            for each in (b": ping\n\nda", b"ta: 1\n\ndata: 2\n\n", b"event: error\ndata: 3\n\n", b"data: cut"):
                yield each
        finally:
            closed.append(True)

    assert [data async for data in events(chunks(), 100)] == [b"1", b"2", b"3"]
    assert closed == [True]


async def test_an_event_without_end_has_one_here() -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"data: xxxxxxxxxx"

    with pytest.raises(UpstreamInvalid):
        [data async for data in events(chunks(), 100)]
