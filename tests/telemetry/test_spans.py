"""An operation as spans: names and attributes of the conventions, times that fit into one another, no content."""

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
