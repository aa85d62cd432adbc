"""a2a/tracing.py: spans of A2A say what the conventions want, and what an error of an agent is called."""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a import errors, tracing
from fedgate.a2a.instance import Instance
from fedgate.a2a.values import Asked, Ids, Seen, Speech
from fedgate.core.call import Record, Request
from fedgate.core.clock import ManualClock
from fedgate.core.errors import GatewayError, RateLimited
from fedgate.core.http_values import Target
from fedgate.core.rawjson import Raw
from fedgate.core.trace_context import Context
from fedgate.core.trail import NO_HOP, Trail

RPC, REST, OLD = Speech("1.0", "jsonrpc"), Speech("1.0", "rest"), Speech("0.3", "jsonrpc")
IDS = Ids(task="t", context="c", message="m")


class There:
    name = "s1"
    target = Target.parse("http://127.0.0.1:9101/a2a")


ONE = cast("Instance", There())


async def no_body() -> bytes:
    return b""


def record(sampled: bool | None = True) -> Record:
    """`None`: nobody follows it."""
    request = Request("1", "POST", "/a2a/support", b"", {}, "", "", "HTTP/1.1", no_body)
    made = Record(request, "a2a", 0.0)
    if sampled is not None:
        made.trail = Trail(ManualClock())
        made.trail.context = Context("a" * 32, "1" * 16, sampled)
    return made


def attributes(made: Record) -> dict[str, Any]:
    assert made.trail is not None
    return made.trail.attributes


def test_a_request_tells_its_version_its_message_and_its_id() -> None:
    made = record()
    tracing.bound(made, Asked("SendMessage", OLD, "support", IDS, Raw(b"7")))
    assert attributes(made) == {"a2a.protocol.version": "0.3", "a2a.message.id": "m", "jsonrpc.request.id": "7"}
    made = record()
    tracing.bound(made, Asked("GetTask", REST, "support", Ids(task="t")))
    assert attributes(made) == {"a2a.protocol.version": "1.0"}
    for nobody in (record(sampled=False), record(None)):
        tracing.bound(nobody, Asked("SendMessage", OLD, "support", IDS, Raw(b"7")))
        assert nobody.trail is None or nobody.trail.attributes == {}


@pytest.mark.parametrize(
    ("speech", "error", "code"),
    [
        (RPC, errors.task_not_found("t"), "-32001"),
        (RPC, errors.version_not_supported("why"), "-32009"),
        (OLD, errors.version_not_supported("why"), "-32603"),
        (OLD, RateLimited("slowly"), "-32000"),
        (REST, errors.task_not_found("t"), None),
        (None, errors.task_not_found("t"), None),
    ],
)
def test_an_error_of_the_gateway_tells_the_code_that_the_caller_is_told(
    speech: Speech | None, error: GatewayError, code: str | None
) -> None:
    made = record()
    tracing.failed(made, speech, error)
    assert attributes(made).get("rpc.response.status_code") == code
    tracing.failed(record(None), speech, error)


def test_a_request_to_an_instance_tells_whom_it_asks_for_what() -> None:
    made = record()
    hop = tracing.hop_to(ONE, Asked("SendMessage", OLD, "support", IDS), RPC, made)
    assert (hop.upstream, hop.name, hop.endpoint) == ("support/s1", "SendMessage", "127.0.0.1:9101")
    assert hop.attributes == {
        "a2a.method.name": "SendMessage",
        "gen_ai.agent.name": "support",
        "a2a.protocol.version": "1.0",
        "a2a.message.id": "m",
        "a2a.task.id": "t",
        "a2a.context.id": "c",
    }
    tracing.learnt(hop, Seen("t2", "", "TASK_STATE_WORKING"))
    assert (hop.attributes["a2a.task.id"], hop.attributes["a2a.task.state"]) == ("t2", "TASK_STATE_WORKING")
    assert hop.attributes["a2a.context.id"] == "c"


def test_nothing_is_told_to_nobody() -> None:
    hop = tracing.hop_to(ONE, Asked("SendMessage", OLD, "support", IDS), RPC, record(sampled=False))
    tracing.learnt(hop, Seen("t", "c", "TASK_STATE_WORKING"))
    assert (hop.endpoint, hop.attributes) == ("127.0.0.1:9101", {})
    hop = tracing.hop_to(ONE, Asked("SendMessage", OLD, "support", IDS), RPC, record(None))
    tracing.learnt(hop, Seen("t", "c", "TASK_STATE_WORKING"))
    assert (hop, NO_HOP.attributes) == (NO_HOP, {})


@pytest.mark.parametrize(
    ("speech", "status", "body", "reason"),
    [
        (RPC, 200, {"error": {"code": -32004, "message": "no"}}, "jsonrpc -32004"),
        (RPC, 500, {"error": {"code": -32603}}, "jsonrpc -32603"),
        (OLD, 200, {"error": {"code": "x"}}, "jsonrpc"),
        (OLD, 200, {"error": "x"}, "jsonrpc"),
        (REST, 404, {"error": {"code": 404}}, "404"),
        (REST, 200, {"error": {"code": 404}}, "error"),
    ],
)
def test_an_error_of_an_agent_is_called_by_its_code_or_its_status(
    speech: Speech, status: int, body: Any, reason: str
) -> None:
    assert tracing.reason(speech, status, json.dumps(body).encode()) == reason


@given(st.binary(), st.sampled_from([b"%b", b'{"error":%b}', b'{"error":{"code":%b}}']))
def test_whatever_an_agent_answers_has_a_reason(junk: bytes, shape: bytes) -> None:
    assert tracing.reason(RPC, 200, shape % junk).startswith("jsonrpc")
