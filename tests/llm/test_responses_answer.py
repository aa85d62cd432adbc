"""llm/responses_answer.py and llm/responses_output.py: whole answers of OpenAI's Responses API, both ways."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.carried import unpack, unpack_thinking
from fedgate.llm.neutral import (
    Foreign,
    Media,
    Reasoning,
    Refusal,
    Request,
    Response,
    Sampling,
    Text,
    Thinking,
    ToolCall,
    ToolChoice,
    Usage,
)
from fedgate.llm.responses_answer import read_response, write_response
from fedgate.llm.responses_request import read_request
from tests.llm.judges import foreign, plain, responses_answer

RECORDED: dict[str, Any] = {
    "id": "resp_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b",
    "object": "response",
    "created_at": 1756315696,
    "status": "completed",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "model": "gpt-5-2025-08-07",
    "output": [
        {
            "id": "rs_68af40",
            "type": "reasoning",
            "encrypted_content": "gAAAAABo",
            "summary": [{"type": "summary_text", "text": "**Weather**"}, {"type": "summary_text", "text": "Ask."}],
        },
        {
            "id": "msg_68af41",
            "type": "message",
            "status": "completed",
            "content": [
                {
                    "type": "output_text",
                    "annotations": [
                        {"type": "url_citation", "start_index": 0, "end_index": 2, "title": "t", "url": "u"}
                    ],
                    "logprobs": [],
                    "text": "Let me look.",
                }
            ],
            "role": "assistant",
        },
        {"id": "ws_1", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "x"}},
        {
            "id": "fc_68af42",
            "type": "function_call",
            "status": "completed",
            "arguments": '{"city":"Paris"}',
            "call_id": "call_ipnq",
            "name": "get_weather",
        },
        {"id": "ctc_1", "type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "*** Begin"},
    ],
    "parallel_tool_calls": True,
    "service_tier": "default",
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 1200,
        "input_tokens_details": {"cached_tokens": 1024, "cache_write_tokens": 3},
        "output_tokens": 300,
        "output_tokens_details": {"reasoning_tokens": 256},
        "total_tokens": 1500,
    },
}


def test_an_answer_is_read_whole() -> None:
    response = read_response(json.dumps(RECORDED).encode())
    assert (response.id, response.model, response.created) == (RECORDED["id"], "gpt-5-2025-08-07", 1756315696)
    assert (response.reason, response.service_tier) == ("tools", "default")
    assert response.usage == Usage(1200, 300, cache_read=1024, cache_write=3, reasoning=256)
    thought, text, search, call, patch = response.content
    assert thought == Thinking("**Weather**\n\nAsk.", sealed="gAAAAABo", id="rs_68af40", format="responses")
    assert isinstance(text, Text)
    assert text.text == "Let me look."
    assert plain(text.citations)[0]["url"] == "u"
    assert isinstance(search, Foreign)
    assert json.loads(bytes(search.raw)) == RECORDED["output"][2]
    assert call == ToolCall("call_ipnq", "get_weather", '{"city":"Paris"}')
    assert patch == ToolCall("call_2", "apply_patch", "*** Begin", custom=True)


def test_an_answer_of_an_imitation_is_read() -> None:
    told = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "hi"}]}]}
    assert read_response(json.dumps(told).encode()) == Response("", "", (Text("hi"),))


@pytest.mark.parametrize(
    ("status", "why", "reason"),
    [("incomplete", "max_output_tokens", "length"), ("incomplete", "content_filter", "filter"),
     ("incomplete", None, "other"), ("completed", None, "stop")],
)  # fmt: skip
def test_why_an_answer_ended(status: str, why: str | None, reason: str) -> None:
    told: dict[str, Any] = {"status": status, "incomplete_details": {"reason": why} if why else None, "output": []}
    assert read_response(json.dumps(told).encode()).reason == reason


def test_a_refusal_is_why_an_answer_ended() -> None:
    told = {"status": "completed", "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}]}
    assert read_response(json.dumps(told).encode()) == Response("", "", (Refusal("No."),), reason="refusal")


def test_an_answer_that_failed_is_no_answer() -> None:
    told = {"status": "failed", "error": {"code": "server_error", "message": "Out of order."}, "output": []}
    with pytest.raises(UpstreamInvalid, match=r"its status is failed: Out of order\."):
        read_response(json.dumps(told).encode())


def test_the_sdk_reads_what_is_written() -> None:
    response = Response(
        "msg_01",
        "claude",
        (
            Thinking("Let me see.", signature="sig", format="anthropic"),
            Text("It is "),
            Text("sunny."),
            ToolCall("toolu_1", "add", '{"a":1}', namespace="mcp__notes"),
            ToolCall("toolu_2", "apply_patch", "*** Begin", custom=True),
        ),
        reason="tools",
        usage=Usage(10, 20, cache_read=4, reasoning=5),
        created=1756315696,
    )
    written = write_response(response, "smart")
    answer = responses_answer(written.body)
    assert written.dropped == ()
    assert (answer.id, answer.model, answer.status, answer.output_text) == (
        "resp_msg_01",
        "smart",
        "completed",
        "It is sunny.",
    )
    assert [item.type for item in answer.output] == ["reasoning", "message", "function_call", "custom_tool_call"]
    assert answer.usage is not None
    assert answer.usage.model_dump(exclude_none=True) == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 0},
        "output_tokens": 20,
        "output_tokens_details": {"reasoning_tokens": 5},
        "total_tokens": 30,
    }
    told = json.loads(written.body)
    assert told["output"][2] == {
        "type": "function_call",
        "id": "fc_msg_01_2",
        "status": "completed",
        "call_id": "toolu_1",
        "name": "add",
        "namespace": "mcp__notes",
        "arguments": '{"a":1}',
    }
    carried = unpack(told["output"][0]["encrypted_content"])
    assert carried is not None
    assert unpack_thinking("Let me see.", carried) == response.content[0]


def test_what_a_caller_sends_back_is_what_it_was_given() -> None:
    content = (
        Thinking("hm", signature="sig", format="anthropic"),
        Thinking("", sealed="blob", format="anthropic"),
        ToolCall("c1", "f", "{}", signature="gemini-signature"),
    )
    output = json.loads(write_response(Response("r", "m", content, reason="tools"), "m").body)["output"]
    [message] = read_request(json.dumps({"model": "m", "input": output}).encode()).messages
    assert message.content == content


def test_parts_of_the_request_are_repeated() -> None:
    request = Request(
        "m",
        (),
        tool_choice=ToolChoice(parallel=False),
        max_tokens=100,
        sampling=Sampling(temperature=0.5),
        reasoning=Reasoning("on", "low"),
        metadata=Raw(b'{"a":"b"}'),
    )
    answer = responses_answer(write_response(Response("r", "m", ()), "m", request).body)
    assert (answer.parallel_tool_calls, answer.max_output_tokens, answer.temperature) == (False, 100, 0.5)
    assert answer.metadata == {"a": "b"}


@pytest.mark.parametrize(
    ("reason", "status", "details", "dropped"),
    [
        ("stop", "completed", None, ()),
        ("tools", "completed", None, ()),
        ("length", "incomplete", {"reason": "max_output_tokens"}, ()),
        ("context", "incomplete", {"reason": "max_output_tokens"}, ("reason",)),
        ("filter", "incomplete", {"reason": "content_filter"}, ()),
        ("refusal", "incomplete", {"reason": "content_filter"}, ("reason",)),
        ("pause", "incomplete", None, ("reason",)),
        ("other", "incomplete", None, ("reason",)),
        ("error", "failed", None, ("reason",)),
    ],
)
def test_why_it_ended_is_written(reason: Any, status: str, details: Any, dropped: tuple[str, ...]) -> None:
    written = write_response(Response("r", "m", (), reason=reason, usage=Usage(1, 1)), "m")
    answer = responses_answer(written.body)
    assert (answer.status, json.loads(written.body)["incomplete_details"], written.dropped) == (
        status,
        details,
        dropped,
    )


def test_what_an_answer_cannot_say_is_named() -> None:
    content = (Text("a", citations=Raw(b"[1]")), Media("image", data="aGk="), Foreign("anthropic", Raw(b"{}")))
    other = Response("", "", (Text("b"),))
    written = write_response(Response("r", "m", content, stop_sequence="x", others=(other,)), "m")
    responses_answer(written.body)
    assert set(written.dropped) == {"n", "stop_sequence", "citations", "assistant.media", "foreign", "usage.unknown"}


def test_log_probabilities_pass() -> None:
    told = Raw(b'[{"token":"a","logprob":-0.1,"bytes":[97],"top_logprobs":[]}]')
    written = write_response(Response("r", "m", (Text("a"),), logprobs=told), "m")
    responses_answer(written.body)
    assert plain(read_response(written.body).logprobs) == plain(told)


WORD = st.text(min_size=1, max_size=8)
BLOCKS = st.one_of(
    st.builds(Text, WORD),
    st.builds(ToolCall, WORD, WORD, st.just('{"a":1}'), namespace=st.sampled_from(["", "ns"])),
    st.builds(ToolCall, WORD, WORD, WORD, custom=st.just(True)),
    st.builds(Thinking, WORD, sealed=WORD, id=st.just("rs_1"), format=st.just("responses")),
    st.just(foreign("responses")),
)
COUNT = st.integers(0, 1000)
RESPONSES = st.builds(
    Response,
    st.just("resp_1"),
    st.just("m"),
    st.lists(BLOCKS, max_size=4).map(tuple),
    reason=st.sampled_from(["stop", "length", "filter"]),
    usage=st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT),
    created=COUNT,
    service_tier=st.sampled_from(["default", "flex"]),
)


@settings(max_examples=80, deadline=None)
@given(RESPONSES)
def test_what_an_answer_can_say_survives_the_way_there_and_back(response: Response) -> None:
    if response.reason == "stop" and any(isinstance(block, ToolCall) for block in response.content):
        response = msgspec.structs.replace(response, reason="tools")
    written = write_response(response, "m")
    responses_answer(written.body)
    assert written.dropped == ()
    assert plain(read_response(written.body)) == plain(response)


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.integers(-2, 2), st.sampled_from(["message", "reasoning", "completed", "output_text"])),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from(["type", "output", "content", "text", "status", "usage", "summary", "input_tokens"]),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=12,
    ),
    st.binary(max_size=3),
)
def test_whatever_a_provider_answers_is_read_or_invalid(told: Any, junk: bytes) -> None:
    for body in (json.dumps(told).encode(), json.dumps({"output": told}).encode(), json.dumps(told).encode() + junk):
        try:
            read_response(body)
        except UpstreamInvalid:
            continue
