"""The access line is the seed's, then ours; nothing in it lets anybody into a session."""

import json

import pytest

from fedgate.core.call import Principal, Record, Request
from fedgate.telemetry.lines import Ended, Place, access_fields, json_access_line, logfmt_line, session_mark
from fedgate.telemetry.spelling import LONGEST, Value

PLACE = Place(gateway="kgateway-system/agentgateway", listener="http")
LLM_FIELDS: dict[str, Value] = {
    "gen_ai.usage.output_tokens": 240,
    "gen_ai.usage.input_tokens": 183,
    "gen_ai.response.model": "claude-3-5-haiku-20241022",
    "gen_ai.request.model": "claude-3-5-haiku-latest",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.operation.name": "chat",
}
SEED_LINE = (
    "request gateway=kgateway-system/agentgateway listener=http route=kgateway-system/claude"
    " endpoint=api.anthropic.com:443 src.addr=192.168.46.17:29426 http.method=POST http.host=gw.example.com"
    " http.path=/anthropic/chat/completions http.version=HTTP/1.1 http.status=200 protocol=llm"
    " gen_ai.operation.name=chat gen_ai.provider.name=anthropic gen_ai.request.model=claude-3-5-haiku-latest"
    " gen_ai.response.model=claude-3-5-haiku-20241022 gen_ai.usage.input_tokens=183"
    " gen_ai.usage.output_tokens=240 duration=4797ms"
)
OTHER_SEED_KEYS = [
    "timestamp",
    "request_id",
    "user_id",
    "model",
    "provider",
    "input_tokens",
    "output_tokens",
    "latency_ms",
    "cost_usd",
    "cache_hit",
    "guardrails_triggered",
    "status",
]
OUR_KEYS = [
    "request_id",
    "user",
    "session",
    "mcp.method.name",
    "mcp.server",
    "gen_ai.tool.name",
    "a2a.method",
    "a2a.agent",
    "a2a.instance",
    "a2a.context.id",
    "a2a.task.id",
    "cost_usd",
    "fallback",
    "reason",
    "overhead",
    "error",
]


async def no_body() -> bytes:
    return b""


def record(protocol: str = "mcp", path: str = "/mcp", version: str = "1.1") -> Record:
    request = Request(
        id="req-1",
        method="POST",
        path=path,
        query=b"key=secret",
        headers={},
        source="192.168.46.17:29426",
        host="gw.example.com",
        version=version,
        read=no_body,
    )
    return Record(request=request, protocol=protocol, started=0.0, principal=Principal(id="alice", kind="key"))


def llm() -> Record:
    spoken = record("llm", "/anthropic/chat/completions")
    spoken.route = "kgateway-system/claude"
    spoken.endpoint = "api.anthropic.com:443"
    spoken.fields = dict(LLM_FIELDS)
    return spoken


def ended(of: Record, status: int = 200, seconds: float = 4.797) -> Ended:
    return Ended(of, of.operation or "other", status, seconds, 0.00042, 1736937000.0)


def keys(of: Record) -> list[str]:
    return list(access_fields(ended(of), PLACE))


def test_a_model_call_begins_with_the_seeds_line() -> None:
    assert logfmt_line(ended(llm()), PLACE).decode().startswith(SEED_LINE + " ")


def test_our_keys_follow_in_the_contracts_order() -> None:
    full = record()
    full.operation = "tools/call"
    full.session = "s"
    full.error = "upstream_timeout"
    full.fields = dict.fromkeys(reversed(OUR_KEYS[4:14]), "x")
    line = keys(full)
    assert line[line.index("duration") + 1 :] == OUR_KEYS


def test_keys_that_do_not_apply_are_left_out() -> None:
    assert logfmt_line(ended(record(), seconds=0.00342), PLACE) == (
        b"request gateway=kgateway-system/agentgateway listener=http src.addr=192.168.46.17:29426"
        b" http.method=POST http.host=gw.example.com http.path=/mcp http.version=HTTP/1.1 http.status=200"
        b" protocol=mcp duration=3.42ms request_id=req-1 user=alice overhead=0.42ms\n"
    )


@pytest.mark.parametrize(
    ("protocol", "key"),
    [("mcp", "mcp.method.name"), ("a2a", "a2a.method"), ("llm", "gen_ai.operation.name"), ("http", None)],
)
def test_the_operation_has_its_protocols_name(protocol: str, key: str | None) -> None:
    named = record(protocol)
    named.operation = "do"
    assert [k for k, value in access_fields(ended(named), PLACE).items() if value == "do"] == ([key] if key else [])


def test_a_stage_may_name_the_operation_itself() -> None:
    named = record("llm")
    named.operation = "messages"
    named.fields = {"gen_ai.operation.name": "chat"}
    assert access_fields(ended(named), PLACE)["gen_ai.operation.name"] == "chat"


def test_an_unknown_cost_stays_as_null() -> None:
    unpriced = llm()
    unpriced.fields = {**LLM_FIELDS, "cost_usd": None}
    assert b" cost_usd=null " in logfmt_line(ended(unpriced), PLACE)
    assert json.loads(json_access_line(ended(unpriced), PLACE))["cost_usd"] is None


def test_other_model_keys_stand_before_the_duration_and_other_fields_at_the_end() -> None:
    odd = llm()
    odd.fields = {"jsonrpc.id": 7, "gen_ai.usage.cache_read.input_tokens": 3, **LLM_FIELDS}
    line = keys(odd)
    assert line[line.index("duration") - 1] == "gen_ai.usage.cache_read.input_tokens"
    assert line[-1] == "jsonrpc.id"


def test_a_field_cannot_pose_as_a_fixed_key_or_break_the_line() -> None:
    forged = record()
    forged.fields = {"user": "root", "http.status": 200, "status": "success", "a b\nuser": "x"}
    line = list(access_fields(ended(forged, status=403), PLACE).items())
    assert [value for key, value in line if key in ("user", "http.status")] == [403, "alice"]
    assert line[-1] == ("a_b_user", "x")


def test_what_the_caller_wrote_cannot_begin_a_line_or_grow_without_bound() -> None:
    hostile = record(path="/x\nrequest user=root " + "y" * 10_000)
    line = logfmt_line(ended(hostile), PLACE)
    assert line.count(b"\n") == 1
    assert len(line) < 1000
    path = access_fields(ended(hostile), PLACE)["http.path"]
    assert isinstance(path, str)
    assert len(path) == LONGEST


def test_a_session_is_known_by_a_short_digest_only() -> None:
    bound = record()
    bound.session = "mcp-session-8c5b1f0e"
    for line in (logfmt_line(ended(bound), PLACE), json_access_line(ended(bound), PLACE)):
        assert b"8c5b1f0e" not in line
        assert session_mark("mcp-session-8c5b1f0e").encode() in line
    assert len(session_mark("x")) == 12
    assert session_mark("") == ""


@pytest.mark.parametrize("key", ["a2a.context.id", "a2a.task.id"])
def test_ids_of_conversations_are_marks_unless_they_are_wanted_plainly(key: str) -> None:
    talk = record("a2a")
    talk.session = "s"
    talk.fields = {key: "c-1"}
    assert access_fields(ended(talk), PLACE)[key] == session_mark("c-1")
    plain = dict(access_fields(ended(talk), Place(plain_ids=True)))
    assert (plain[key], plain["session"]) == ("c-1", session_mark("s"))
    assert json.loads(json_access_line(ended(talk), PLACE))[key] == session_mark("c-1")


def test_the_query_is_not_logged() -> None:
    assert b"secret" not in logfmt_line(ended(record()), PLACE)


def test_the_http_version_is_written_once() -> None:
    assert access_fields(ended(record(version="HTTP/1.0")), PLACE)["http.version"] == "HTTP/1.0"


def test_json_carries_the_lines_keys_and_the_other_seeds() -> None:
    spoken = llm()
    spoken.fields = {**LLM_FIELDS, "cost_usd": 0.012}
    line = json.loads(json_access_line(ended(spoken), PLACE))
    assert set(OTHER_SEED_KEYS) <= set(line)
    assert dict(access_fields(ended(spoken), PLACE)).items() <= line.items()
    assert {key: line[key] for key in OTHER_SEED_KEYS} == {
        "timestamp": "2025-01-15T10:30:00.000Z",
        "request_id": "req-1",
        "user_id": "alice",
        "model": "claude-3-5-haiku-20241022",
        "provider": "anthropic",
        "input_tokens": 183,
        "output_tokens": 240,
        "latency_ms": 4797.0,
        "cost_usd": 0.012,
        "cache_hit": False,
        "guardrails_triggered": [],
        "status": "success",
    }


def test_json_of_a_tool_call_has_the_other_seeds_keys_as_null() -> None:
    line = json.loads(json_access_line(ended(record()), PLACE))
    assert set(OTHER_SEED_KEYS) <= set(line)
    assert line["model"] is line["input_tokens"] is line["cost_usd"] is None


def test_json_lists_guardrails_and_cache_hits() -> None:
    guarded = llm()
    guarded.fields = {"guardrails_triggered": "pii,secrets", "cache_hit": True}
    line = json.loads(json_access_line(ended(guarded), PLACE))
    assert line["guardrails_triggered"] == ["pii", "secrets"]
    assert line["cache_hit"] is True


@pytest.mark.parametrize(("status", "error"), [(500, ""), (404, ""), (200, "upstream_broken")])
def test_json_status_is_error_for_a_bad_status_and_for_a_broken_stream(status: int, error: str) -> None:
    failed = record()
    failed.error = error
    assert json.loads(json_access_line(ended(failed, status), PLACE))["status"] == "error"


def test_a_key_that_becomes_one_of_the_contracts_when_it_is_cleaned_is_left_out() -> None:
    odd = record()
    odd.fields = {"latency ms": 1, "a b": 2}
    line = access_fields(ended(odd), PLACE)
    assert ("latency_ms" in line, line["a_b"]) == (False, 2)
