"""a2a/heads.py: what passes to an agent and back, byte for byte, and what the gateway says in a caller's place."""

import pytest

from fedgate.a2a.heads import Manner, towards_agent, towards_client
from fedgate.a2a.values import Binding, Speech, Version
from fedgate.core.call import Header

JSON = (b"content-type", b"application/json")
BASE = ((b"accept", b"application/json"), (b"a2a-version", b"1.0"), JSON)


def manner(
    version: Version = "1.0", binding: Binding = "jsonrpc", *, streams: bool = False, body: bool = True, said: str = ""
) -> Manner:
    return Manner(Speech(version, binding), streams, body, said)


@pytest.mark.parametrize(
    "passed",
    [
        (b"traceparent", b"00-1-2-01"),
        (b"tracestate", b"vendor=1"),
        (b"baggage", b"a=1"),
        (b"x-request-id", b"r"),
        (b"user-agent", b"t/1"),
        (b"accept-language", b"de"),
        (b"x-user-id", b"u"),
        (b"a2a-tenant", b"t"),
        (b"x-a2a-trace", b"t"),
        (b"x-kagent-host", b"k"),
    ],
)
def test_what_agents_know_one_another_by_passes(passed: Header) -> None:
    assert towards_agent(dict([passed]), manner(), ()) == (*BASE, passed)


@pytest.mark.parametrize(
    "name",
    [
        *(b"authorization", b"cookie", b"x-api-key", b"host", b"content-length", b"accept", b"accept-encoding"),
        *(b"connection", b"a2a-version", b"a2a-extensions", b"x-a2a-extensions", b"mcp-session-id", b"a2a"),
    ],
)
def test_nothing_else_does_least_of_all_a_credential(name: bytes) -> None:
    assert towards_agent({name: b"secret"}, manner(), ()) == BASE


def test_a_body_is_of_the_kind_that_its_binding_has() -> None:
    sent = {b"content-type": b"application/a2a+json"}
    assert dict(towards_agent(sent, manner(), ()))[b"content-type"] == b"application/json"
    assert dict(towards_agent(sent, manner(binding="rest"), ()))[b"content-type"] == b"application/a2a+json"
    assert dict(towards_agent({}, manner(binding="rest"), ()))[b"content-type"] == b"application/json"
    assert b"content-type" not in dict(towards_agent(sent, manner(binding="rest", body=False), ()))


def test_a_stream_is_asked_for_in_the_version_of_the_agent() -> None:
    found = dict(towards_agent({}, manner("0.3", streams=True), ()))
    assert (found[b"accept"], found[b"a2a-version"]) == (b"text/event-stream, application/json", b"0.3")


@pytest.mark.parametrize(("version", "name"), [("1.0", b"a2a-extensions"), ("0.3", b"x-a2a-extensions")])
def test_extensions_are_named_as_the_version_names_them(version: Version, name: bytes) -> None:
    assert towards_agent({}, manner(version, said="https://e/1"), ())[-1] == (name, b"https://e/1")


def test_the_manifests_headers_win() -> None:
    own = ((b"authorization", b"Bearer agent"), (b"x-request-id", b"ours"))
    found = dict(towards_agent({b"x-request-id": b"theirs", b"authorization": b"theirs"}, manner(), own))
    assert (found[b"authorization"], found[b"x-request-id"]) == (b"Bearer agent", b"ours")


def test_where_the_gateway_names_the_span_the_state_is_of_its_trace_alone() -> None:
    sent = {b"traceparent": b"00-1-2-01", b"tracestate": b"vendor=1"}
    found = dict(towards_agent(sent, manner(), ((b"traceparent", b"00-3-4-01"),)))
    assert found[b"traceparent"] == b"00-3-4-01"
    assert b"tracestate" not in found
    own = ((b"traceparent", b"00-3-4-01"), (b"tracestate", b"ours=1"))
    assert dict(towards_agent(sent, manner(), own))[b"tracestate"] == b"ours=1"


def test_an_answer_keeps_what_the_protocol_says_in_headers() -> None:
    sent = ((b"a2a-extensions", b"e"), (b"x-a2a-y", b"z"), (b"a2a-version", b"0.3"), (b"server", b"s"), JSON)
    kind = b"text/event-stream"
    passed = ((b"content-type", kind), (b"a2a-extensions", b"e"), (b"x-a2a-y", b"z"))
    assert towards_client(sent, kind) == passed
