import json
from typing import Any

import pytest
from hypothesis import given, settings

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.anthropic_answer import read_response, write_response
from fedgate.llm.anthropic_request import CANNOT
from fedgate.llm.anthropic_request import read_request as read_history
from fedgate.llm.neutral import Foreign, Media, Message, Refusal, Response, Text, Thinking, ToolCall, Usage
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import excused, gone, response_facts, responses
from tests.llm.oracles import anthropic_answer

SAMPLE: dict[str, Any] = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "thinking", "thinking": "hm", "signature": "EqoBCkgIARABGAIiQL2UoU0b1OHYi+"},
        {"type": "redacted_thinking", "data": "ZW5j"},
        {"type": "text", "text": "I look.", "citations": None},
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "x"}},
        {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Zürich", "n": 1.50}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 12,
        "cache_creation_input_tokens": 100,
        "cache_read_input_tokens": 1000,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 20},
        "service_tier": "standard",
    },
}


def read(**members: Any) -> Response:
    return read_response(json.dumps(SAMPLE | members, separators=(",", ":")).encode())


class TestReading:
    def test_a_whole_answer_is_read(self) -> None:
        server_tool = b'{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}'
        assert read() == Response(
            "msg_01XFDUDYJgAACzvnptvVoYEL",
            "claude-sonnet-4-5-20250929",
            (
                Thinking("hm", "EqoBCkgIARABGAIiQL2UoU0b1OHYi+", format="anthropic"),
                Thinking(sealed="ZW5j", format="anthropic"),
                Text("I look."),
                Foreign("anthropic", Raw(server_tool)),
                ToolCall("toolu_01", "get_weather", '{"city":"Z\\u00fcrich","n":1.5}'),
            ),
            "tools",
            usage=Usage(1112, 30, 1000, 100, 20),
            service_tier="default",
        )

    @pytest.mark.parametrize(
        ("word", "reason"),
        [
            ("end_turn", "stop"),
            ("max_tokens", "length"),
            ("pause_turn", "pause"),
            ("refusal", "refusal"),
            ("model_context_window_exceeded", "context"),
            ("new_reason", "other"),
            (None, "other"),
        ],
    )
    def test_the_reason_is_read(self, word: str | None, reason: str) -> None:
        assert read(stop_reason=word).reason == reason

    def test_a_stop_sequence_is_named(self) -> None:
        found = read(stop_reason="stop_sequence", stop_sequence="END")
        assert (found.reason, found.stop_sequence) == ("stop", "END")

    def test_why_it_refused_is_a_refusal(self) -> None:
        details = {"type": "refusal", "category": "cyber", "explanation": "No."}
        assert read(content=[], stop_reason="refusal", stop_details=details).content == (Refusal("No."),)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"<html>", "not a JSON object"),
            (b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', "Overloaded"),
            (b'{"type":"completion"}', "type"),
            (b'{"type":"message","content":[{"type":"tool_use","name":"f"}]}', r"content\[0\].id"),
        ],
    )
    def test_what_is_no_answer_is_told(self, body: bytes, said: str) -> None:
        with pytest.raises(UpstreamInvalid, match=said):
            read_response(body)

    @settings(max_examples=300, deadline=None)
    @given(damaged(SAMPLE))
    def test_nothing_but_upstream_invalid_is_raised(self, body: bytes) -> None:
        try:
            response = read_response(body)
        except UpstreamInvalid:
            return
        write_response(response, "m")


class TestWriting:
    def test_the_sdk_understands_a_whole_answer(self) -> None:
        content = (Thinking("hm"), Text("I look."), ToolCall("functions.f:0", "f", '{"x":1.50}'), ToolCall("c2", "g"))
        response = Response("chatcmpl-1", "gpt", content, "tools", usage=Usage(100, 9, 80, 10, 3), created=5)
        written = write_response(response, "claude-opus-5")
        assert written.dropped == ("created",)
        answer = anthropic_answer(written.body).model_dump(exclude_none=True)
        assert answer == {
            "id": "chatcmpl-1",
            "type": "message",
            "role": "assistant",
            "model": "claude-opus-5",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "fgid-ZnVuY3Rpb25zLmY6MA", "name": "f", "input": {"x": 1.5}},
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
            "stop_reason": "tool_use",
            "usage": {
                "input_tokens": 10,
                "output_tokens": 9,
                "cache_creation_input_tokens": 10,
                "cache_read_input_tokens": 80,
                "output_tokens_details": {"thinking_tokens": 3},
            },
        }

    def test_thoughts_and_calls_of_other_providers_come_back_with_the_next_turn(self) -> None:
        content = (
            Thinking("hm", sealed="ZW5j", id="rs_1", format="responses"),
            Text("a"),
            ToolCall("c1", "f", "{}", signature="Z2VtaW5p"),
        )
        answer = anthropic_answer(write_response(Response("i", "m", content, "tools"), "m").body)
        sent = [block.model_dump(exclude_none=True) for block in answer.content]
        body = json.dumps({"model": "m", "messages": [{"role": "assistant", "content": sent}]}).encode()
        assert read_history(body).messages == (Message("assistant", content),)

    def test_a_signature_behind_the_last_text_is_left_out_and_named(self) -> None:
        signature = Thinking("", "c2ln", format="gemini")
        written = write_response(Response("r", "m", (Text("Hello"), signature)), "m")
        assert [block.type for block in anthropic_answer(written.body).content] == ["text"]
        assert "thinking.signature" in written.dropped
        call = write_response(Response("r", "m", (Text("Hello"), signature, ToolCall("t", "f", "{}"))), "m")
        assert [block.type for block in anthropic_answer(call.body).content] == ["text", "thinking", "tool_use"]

    def test_a_refusal_is_text_and_a_reason(self) -> None:
        answer = anthropic_answer(write_response(Response("i", "m", (Refusal("No."),), "refusal"), "m").body)
        assert answer.stop_reason == "refusal"
        assert answer.stop_details is not None
        assert answer.stop_details.explanation == "No."
        assert [block.model_dump(exclude_none=True) for block in answer.content] == [{"type": "text", "text": "No."}]

    def test_own_citations_pass_and_others_are_named(self) -> None:
        own = Raw(
            b'[{"type":"char_location","cited_text":"x","document_index":0,"document_title":null,'
            b'"start_char_index":0,"end_char_index":1}]'
        )
        written = write_response(Response("i", "m", (Text("a", citations=own),)), "m")
        assert bytes(own) in written.body
        anthropic_answer(written.body)
        other = write_response(Response("i", "m", (Text("a", citations=Raw(b'[{"type":"url_citation"}]')),)), "m")
        assert other.dropped == ("citations", "usage.unknown")

    def test_what_has_no_place_is_named(self) -> None:
        content = (Media("image", url="u"), Foreign("gemini", Raw(b"{}")), ToolCall("c", "f", "{broken"))
        other = Response("", "", ())
        response = Response("i", "m", content, "filter", "", Usage(1, 1), 5, "flex", Raw(b"[]"), (other,))
        assert write_response(response, "m").dropped == (
            "n",
            "created",
            "logprobs",
            "assistant.media",
            "foreign",
            "tool_call.arguments",
            "reason",
            "service_tier",
        )

    @settings(max_examples=100, deadline=None)
    @given(responses())
    def test_nothing_is_lost_that_is_not_named(self, response: Response) -> None:
        written = write_response(response, "m")
        anthropic_answer(written.body)
        lost = gone(response_facts(response), response_facts(read_response(written.body)))
        # Signatures of calls ride in a thought that only requests unpack.
        lost -= {"tool_call.signature"}
        assert {name for name in lost if not excused(name, written.dropped)} == set()
        assert set(written.dropped) <= CANNOT.keys()
