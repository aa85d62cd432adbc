"""An operation as spans: names and attributes of the conventions, times that fit into one another, no content."""

import pytest

from fedgate.core.clock import ManualClock
from fedgate.core.trace_context import Context
from fedgate.core.trail import opened
from fedgate.telemetry.lines import session_mark
from fedgate.telemetry.spans import Written, spans
from tests.telemetry.operations import over, record

OWN = Context("0af7651916cd43dd8448eb211c80319c", "1111111111111111", True, "a=1")


def test_a_tool_call_is_a_server_span_around_a_client_span() -> None:
    clock = ManualClock(100.0)
    what = record(clock)
    assert what.trail is not None
    what.trail.context, what.trail.parent = OWN, "b7ad6b7169203331"
    clock.advance(1.0)
    with opened(what.trail, "mcp", "notes", "tools/call add"):
        clock.advance(2.0)
    what.endpoint = "127.0.0.1:9001"
    clock.advance(1.0)
    fields = {"gen_ai.tool.name": "add", "mcp.server": "notes", "trace.id": OWN.trace_id}
    call, hop = spans(over(clock, what, fields=fields), what.trail, Written())
    assert (call.name, call.server, call.parent, call.state, call.error) == (
        *("tools/call add", True, "b7ad6b7169203331"),
        *("a=1", ""),
    )
    assert (call.started, call.ended) == (100_000_000_000, 104_000_000_000)
    assert (hop.started, hop.ended) == (101_000_000_000, 103_000_000_000)
    assert (hop.name, hop.server, hop.parent, hop.trace_id) == ("tools/call add", False, call.span_id, OWN.trace_id)
    assert call.attributes["mcp.method.name"] == "tools/call"
    assert call.attributes["gen_ai.operation.name"] == "execute_tool"
    assert call.attributes["enduser.id"] == "alice"
    assert "trace.id" not in call.attributes
    assert hop.attributes["server.address"] == "127.0.0.1"
    assert hop.attributes["server.port"] == 9001


def test_what_a_provider_answered_belongs_to_the_request_to_it_too() -> None:
    clock = ManualClock()
    what = record(clock, protocol="llm")
    assert what.trail is not None
    what.trail.context, what.route, what.target = OWN, "smart", "local/llama"
    opened(what.trail, "llm", "anthropic/claude", "chat claude").end("529")
    clock.advance(1.0)
    opened(what.trail, "llm", "local/llama", "chat llama").tell("gen_ai.provider.name", "local")
    clock.advance(3.0)
    usage = {"gen_ai.usage.input_tokens": 7, "gen_ai.response.model": "llama3", "cost_usd": None}
    call, first, second = spans(over(clock, what, operation="chat", fields=usage), what.trail, Written())
    assert call.name == "chat smart"
    assert call.attributes["gen_ai.operation.name"] == "chat"
    assert (first.error, first.attributes["error.type"]) == ("529", "529")
    assert "gen_ai.usage.input_tokens" not in first.attributes
    assert second.attributes["gen_ai.usage.input_tokens"] == 7
    assert second.attributes["gen_ai.response.model"] == "llama3"
    assert second.ended - second.started == 3_000_000_000


def test_ids_of_conversations_are_marks_unless_they_are_to_be_plain() -> None:
    clock = ManualClock()
    what = record(clock, protocol="a2a")
    assert what.trail is not None
    what.trail.context = OWN
    fields = {"a2a.agent": "support", "a2a.context.id": "c-1"}
    (call,) = spans(over(clock, what, operation="SendMessage", fields=fields), what.trail, Written())
    assert (call.name, call.attributes["gen_ai.agent.name"]) == ("SendMessage", "support")
    assert call.attributes["gen_ai.conversation.id"] == session_mark("c-1")
    (call,) = spans(over(clock, what, operation="SendMessage"), what.trail, Written(plain_ids=True))
    assert call.attributes["gen_ai.conversation.id"] == "c-1"


def test_what_the_caller_did_wrong_is_no_error_of_the_span_but_what_an_upstream_did_is() -> None:
    clock = ManualClock()
    what = record(clock)
    assert what.trail is not None
    what.trail.context = OWN
    what.error = "forbidden: deny rule 1"
    (call,) = spans(over(clock, what, 403), what.trail, Written())
    assert (call.error, call.attributes["error.type"]) == ("", "forbidden")
    what.error = "upstream_timeout"
    opened(what.trail, "mcp", "notes", "tools/call add")
    call, hop = spans(over(clock, what, 504), what.trail, Written())
    assert (call.error, hop.error) == ("upstream_timeout", "upstream_timeout")


def test_without_a_trace_there_are_no_spans() -> None:
    clock = ManualClock()
    what = record(clock)
    assert what.trail is not None
    assert spans(over(clock, what), what.trail, Written()) == []


def test_each_request_says_where_it_went() -> None:
    clock = ManualClock()
    what = record(clock, protocol="llm")
    assert what.trail is not None
    what.trail.context, what.endpoint = OWN, "[::1]:8443"
    first = opened(what.trail, "llm", "near/a", "chat a")
    first.at("10.0.0.7:443")
    opened(what.trail, "llm", "far/b", "chat b")
    process = opened(what.trail, "mcp", "time", "tools/list")
    process.at("python -m time:server")
    call, *hops = spans(over(clock, what, operation="chat"), what.trail, Written())
    assert (call.attributes["server.address"], call.attributes["server.port"]) == ("gw", 8080)
    places = [(each.attributes.get("server.address"), each.attributes.get("server.port")) for each in hops]
    assert places == [("10.0.0.7", 443), (None, None), ("python -m time:server", None)]
    assert [each.attributes.get("network.transport") for each in hops] == ["tcp", None, "pipe"]
    what.trail.hops.pop()
    _, _, last = spans(over(clock, what, operation="chat"), what.trail, Written())
    assert (last.attributes["server.address"], last.attributes["server.port"]) == ("::1", 8443)


def test_what_was_told_for_the_span_stands_in_it_with_marks_for_ids() -> None:
    clock = ManualClock()
    what = record(clock, protocol="a2a")
    assert what.trail is not None
    what.trail.context = OWN
    what.trail.tell("a2a.message.id", "m-1")
    what.trail.tell("jsonrpc.request.id", "7")
    hop = opened(what.trail, "a2a", "support/s1", "SendMessage")
    hop.tell("a2a.context.id", "c-1")
    hop.tell("a2a.task.state", "x" * 1000)
    call, asked = spans(over(clock, what, operation="SendMessage"), what.trail, Written())
    assert (call.attributes["a2a.message.id"], call.attributes["jsonrpc.request.id"]) == (session_mark("m-1"), "7")
    assert asked.attributes["gen_ai.conversation.id"] == session_mark("c-1")
    assert len(str(asked.attributes["a2a.task.state"])) == 256
    _, asked = spans(over(clock, what, operation="SendMessage"), what.trail, Written(plain_ids=True))
    assert asked.attributes["gen_ai.conversation.id"] == "c-1"


def test_a_prompt_is_in_the_name_of_its_span_as_a_tool_is() -> None:
    clock = ManualClock()
    what = record(clock)
    assert what.trail is not None
    what.trail.context = OWN
    what.trail.tell("gen_ai.prompt.name", "greet")
    (call,) = spans(over(clock, what, operation="prompts/get"), what.trail, Written())
    assert call.name == "prompts/get greet"


@pytest.mark.parametrize(
    ("said", "told", "kind", "code"),
    [
        ("jsonrpc -32050", {}, "-32050", "-32050"),
        ("rpc_error: Unknown tool", {"rpc.response.status_code": "-32602"}, "-32602", "-32602"),
        ("rate_limited: slowly", {"rpc.response.status_code": "-32005"}, "rate_limited", "-32005"),
        ("", {"error.type": "tool_error"}, "tool_error", None),
        ("upstream_timeout: too slow", {"error.type": "tool_error"}, "upstream_timeout", None),
        ("", {}, None, None),
    ],
)
def test_an_error_is_a_word_or_the_code_of_json_rpc(
    said: str, told: dict[str, str], kind: str | None, code: str | None
) -> None:
    clock = ManualClock()
    what = record(clock)
    assert what.trail is not None
    what.trail.context, what.error = OWN, said
    for name, value in told.items():
        what.trail.tell(name, value)
    (call,) = spans(over(clock, what), what.trail, Written())
    assert (call.attributes.get("error.type"), call.attributes.get("rpc.response.status_code")) == (kind, code)
    assert call.error == (kind or "")


def test_a_request_that_was_answered_with_an_error_has_its_code() -> None:
    clock = ManualClock()
    what = record(clock, protocol="a2a")
    assert what.trail is not None
    what.trail.context = OWN
    opened(what.trail, "a2a", "support/s1", "SendMessage").end("jsonrpc -32004")
    _, hop = spans(over(clock, what, operation="SendMessage"), what.trail, Written())
    assert hop.error == hop.attributes["error.type"] == hop.attributes["rpc.response.status_code"] == "-32004"
