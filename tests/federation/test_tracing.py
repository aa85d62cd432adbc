"""federation/tracing.py: spans of MCP say what the conventions want, and nothing is looked for that nobody is sent."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.core.call import Call, Record
from fedgate.core.clock import ManualClock
from fedgate.core.errors import Forbidden, RateLimited, RpcError
from fedgate.core.jsonrpc import Message
from fedgate.core.rawjson import Raw
from fedgate.core.trace_context import Context
from fedgate.core.trail import NO_HOP, Trail
from fedgate.federation import tracing
from fedgate.federation.catalog import Route
from fedgate.federation.inbound import Inbound, Wire
from fedgate.federation.listing import Greeting
from fedgate.federation.messages import Answer, Outbound
from fedgate.federation.spent import Spent
from tests.federation.fakes import raws, request

TRACE, SPAN, OWN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "1111111111111111"
PARENT = f"00-{TRACE}-{SPAN}-01"


class There:
    """A connection, as far as it is looked at."""

    endpoint = "127.0.0.1:9001"
    greeting = Greeting("2025-06-18", {}, {})


def record(*, sampled: bool = True) -> Record:
    made = Record(request(), "mcp", 0.0)
    made.trail = Trail(ManualClock())
    made.trail.context = Context("a" * 32, OWN, sampled)
    return made


def attributes(made: Record) -> dict[str, Any]:
    assert made.trail is not None
    return made.trail.attributes


def asked(method: str, meta: dict[str, Any] | None = None, ident: bytes = b"7", era: Any = "modern") -> Inbound:
    return Inbound(era, "request", Message(id=Raw(ident), method=method), meta=raws(meta or {}))


def test_a_message_tells_its_trace_its_id_and_its_version() -> None:
    made = record(sampled=False)
    tracing.adopt(made, asked("tools/list", {"traceparent": PARENT}))
    assert made.trail is not None
    assert (made.trail.context, made.trail.parent) == (Context(TRACE, OWN, True), SPAN)
    assert made.fields == {"trace.id": TRACE}
    assert attributes(made) == {"jsonrpc.request.id": "7", "mcp.protocol.version": "2026-07-28"}


@pytest.mark.parametrize(("ident", "told"), [(b'"a"', {"jsonrpc.request.id": "a"}), (b"null", {}), (b"", {})])
def test_an_id_is_told_as_a_text_and_none_is_not(ident: bytes, told: dict[str, str]) -> None:
    made = record()
    tracing.adopt(made, asked("ping", ident=ident, era="legacy"))
    assert attributes(made) == told


def test_without_a_sampled_trace_nothing_is_told() -> None:
    made = record(sampled=False)
    tracing.adopt(made, asked("tools/list"))
    tracing.failed(made, Forbidden("no"))
    tracing.bound(Call("mcp", made.request, made, operation="prompts/get", message=asked("prompts/get")))
    assert attributes(made) == {}
    made.trail = None
    tracing.adopt(made, asked("tools/list", {"traceparent": PARENT}))
    tracing.failed(made, Forbidden("no"))
    assert made.fields == {}


class Session:
    version = "2025-11-25"


def test_what_is_bound_tells_the_version_of_its_session_and_a_prompt() -> None:
    made = record()
    inbound = Inbound("legacy", "request", Message(method="prompts/get"), route=Route("one", "greet"))
    call = Call("mcp", made.request, made, operation="prompts/get", message=inbound, session=Session())
    tracing.bound(call)
    assert attributes(made) == {"mcp.protocol.version": "2025-11-25", "gen_ai.prompt.name": "greet"}


@pytest.mark.parametrize(
    ("error", "code"),
    [(RpcError(-32602, "Unknown tool"), "-32602"), (Forbidden("no"), "-32600"), (RateLimited("slowly"), "-32005")],
)
def test_an_error_of_the_gateway_tells_the_code_that_the_client_is_told(error: Exception, code: str) -> None:
    made = record()
    made.wire = Wire("legacy", b'"x"')
    tracing.failed(made, error)
    assert attributes(made) == {"rpc.response.status_code": code, "jsonrpc.request.id": "x"}


def hop_of(outbound: Outbound, made: Record) -> Any:
    return tracing.hop_to("one", There(), outbound, Spent(ManualClock(), made.trail))  # type: ignore[arg-type]


def test_a_request_to_a_server_tells_whom_it_asks_for_what() -> None:
    hop = hop_of(Outbound("tools/call", {}, {}, name="add"), record())
    assert (hop.upstream, hop.name, hop.endpoint) == ("one", "tools/call add", "127.0.0.1:9001")
    assert hop.attributes == {
        "mcp.method.name": "tools/call",
        "mcp.protocol.version": "2025-06-18",
        "gen_ai.tool.name": "add",
        "gen_ai.operation.name": "execute_tool",
    }
    hop = hop_of(Outbound("resources/read", {}, {}, name="file:///secret"), record(sampled=False))
    assert (hop.name, hop.endpoint, hop.attributes) == ("resources/read", "127.0.0.1:9001", {})
    nobody = tracing.hop_to("one", There(), Outbound("ping", {}, {}), Spent(ManualClock()))  # type: ignore[arg-type]
    assert nobody is NO_HOP


CALL = Outbound("tools/call", {}, {}, name="add")
FAILED = Answer(result=b'{"content":[],"isError": true}')


def test_an_error_of_a_tool_is_told_only_where_its_span_is_sent() -> None:
    made = record()
    hop = hop_of(CALL, made)
    tracing.answered(FAILED, CALL, hop, made.trail)
    assert (hop.attributes["error.type"], hop.error) == ("tool_error", "")
    assert attributes(made) == {"error.type": "tool_error"}
    for unsampled in (record(sampled=False).trail, None):
        tracing.answered(FAILED, CALL, NO_HOP, unsampled)
        assert unsampled is None or unsampled.attributes == {}
    other = record()
    tracing.answered(FAILED, Outbound("prompts/get", {}, {}), NO_HOP, other.trail)
    assert attributes(other) == {}


def test_an_error_of_the_protocol_ends_the_hop_with_its_code() -> None:
    made = record()
    hop = hop_of(CALL, made)
    tracing.answered(Answer(error=b'{"code":-32050,"message":"no"}'), CALL, hop, made.trail)
    assert (hop.error, hop.ended is not None) == ("jsonrpc -32050", True)


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        (b'{"isError":true}', True),
        (b'{"content":[{"text":"x"}],"isError": true ,"more":{}}', True),
        (b'{"isError":false}', False),
        (b'{"content":[{"text":"\\"isError\\": true"}]}', False),
        (b'{"content":[{"isError":true}]}', False),
        (b'{"isError":null}', False),
        (b'{"isError":"yes"}', False),
        (b'{"isError":', False),
        (b"", False),
    ],
)
def test_the_flag_of_a_result_is_read_at_its_top_alone(result: bytes, failed: bool) -> None:
    assert tracing.is_tool_error(result) is failed


@given(st.binary(), st.sampled_from([b"%b", b'{"isError":%b}', b'{"a":%b,"isError":true}', b'"isError"%b']))
def test_whatever_a_server_answers_is_an_error_or_is_not(junk: bytes, shape: bytes) -> None:
    assert tracing.is_tool_error(shape % junk) in (True, False)


@given(st.recursive(st.none() | st.booleans() | st.text(), lambda inner: st.dictionaries(st.text(), inner)))
def test_every_object_that_says_so_is_an_error(other: Any) -> None:
    body = {"other": other, "isError": True}
    assert tracing.is_tool_error(json.dumps(body).encode())
