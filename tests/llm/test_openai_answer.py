import json
from typing import Any

import pytest
from hypothesis import given, settings

from fedgate.core.errors import UpstreamInvalid
from fedgate.core.rawjson import Raw
from fedgate.llm.neutral import Foreign, Media, Refusal, Response, Text, Thinking, ToolCall, Usage
from fedgate.llm.openai_answer import read_response, write_response
from fedgate.llm.openai_request import CANNOT
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import excused, gone, response_facts, responses
from tests.llm.oracles import openai_answer

SAMPLE: dict[str, Any] = {
    "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
    "object": "chat.completion",
    "created": 1741570283,
    "model": "gpt-4o-2024-08-06",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "A boardwalk.",
                "refusal": None,
                "annotations": [],
                "tool_calls": [
                    {"id": "call_abc123", "type": "function", "function": {"name": "look", "arguments": '{"x": 1.50}'}}
                ],
            },
            "logprobs": {
                "content": [{"token": "A", "logprob": -0.10, "bytes": [65], "top_logprobs": []}],
                "refusal": None,
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {
        "prompt_tokens": 1117,
        "completion_tokens": 46,
        "total_tokens": 1163,
        "prompt_tokens_details": {"cached_tokens": 1000, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 0},
    },
    "service_tier": "default",
    "system_fingerprint": "fp_fc9f1d7035",
}


def read(message: Any, finish: str | None = "stop", **members: Any) -> Response:
    choice = {"index": 0, "message": {"role": "assistant"} | message, "finish_reason": finish}
    return read_response(json.dumps({"id": "i", "model": "m", "choices": [choice]} | members).encode())


class TestReading:
    def test_the_example_of_the_reference_is_read_whole(self) -> None:
        assert read_response(json.dumps(SAMPLE).encode()) == Response(
            "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
            "gpt-4o-2024-08-06",
            (Text("A boardwalk."), ToolCall("call_abc123", "look", '{"x": 1.50}')),
            "tools",
            usage=Usage(1117, 46, 1000, None, 20),
            created=1741570283,
            service_tier="default",
            logprobs=Raw(b'[{"token": "A", "logprob": -0.1, "bytes": [65], "top_logprobs": []}]'),
        )

    def test_thoughts_refusals_and_citations_are_read(self) -> None:
        cited = [{"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}]
        assert read({"content": "a", "reasoning_content": "hm", "annotations": cited}).content == (
            Thinking("hm"),
            Text("a", citations=Raw(json.dumps(cited).encode())),
        )
        refused = read({"content": None, "refusal": "No."})
        assert (refused.content, refused.reason) == ((Refusal("No."),), "refusal")

    @pytest.mark.parametrize(
        ("word", "reason"),
        [
            ("stop", "stop"),
            ("length", "length"),
            ("content_filter", "filter"),
            ("insufficient_system_resource", "error"),
            ("model_length", "context"),
            ("whatever", "other"),
            (None, "other"),
        ],
    )
    def test_the_reason_is_read_in_every_word(self, word: str | None, reason: str) -> None:
        assert read({"content": "a"}, word).reason == reason

    def test_calls_end_an_answer_even_if_it_says_stop(self) -> None:
        call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        assert read({"tool_calls": [call]}, "stop").reason == "tools"

    def test_calls_without_an_id_get_one_each(self) -> None:
        call = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
        first, second = read({"tool_calls": [call, call]}).content
        assert isinstance(first, ToolCall)
        assert isinstance(second, ToolCall)
        assert first.id.startswith("call_")
        assert first.id != second.id
        assert read({"tool_calls": [call, call]}).content == (first, second)

    def test_what_is_spoken_is_text(self) -> None:
        assert read({"content": None, "audio": {"id": "a", "data": "", "transcript": "hi"}}).content == (Text("hi"),)

    def test_deepseek_counts_its_cache_in_its_own_words(self) -> None:
        usage = {"prompt_tokens": 10, "completion_tokens": 2.0, "prompt_cache_hit_tokens": 8}
        assert read({"content": "a"}, usage=usage).usage == Usage(10, 2, 8)

    def test_further_answers_are_kept(self) -> None:
        choices = [{"index": n, "message": {"content": str(n)}, "finish_reason": "stop"} for n in range(3)]
        body = json.dumps({"id": "i", "model": "m", "choices": choices}).encode()
        assert [each.content for each in read_response(body).others] == [(Text("1"),), (Text("2"),)]

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"<html>", "not a JSON object"),
            (b'{"error":{"message":"overloaded"}}', "overloaded"),
            (b'{"id":"i","choices":[]}', "choices"),
            (b'{"id":"i","choices":[{"index":0}]}', r"choices\[0\].message"),
            (b'{"choices":[{"message":{"tool_calls":[{"id":"1","function":{}}]}}]}', r"tool_calls\[0\].function.name"),
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
        content = (
            Thinking("hm", "c2ln", format="anthropic"),
            Text("It is "),
            Text("cold."),
            ToolCall("toolu_1", "look", '{"x":1.50}', signature="Z2VtaW5p"),
        )
        response = Response("msg_1", "claude", content, "tools", usage=Usage(100, 9, 80, 10, 3), created=5)
        written = write_response(response, "gpt-5")
        assert written.dropped == ("blocks.merged",)
        answer = openai_answer(written.body)
        assert (answer.id, answer.model, answer.created) == ("msg_1", "gpt-5", 5)
        (choice,) = answer.choices
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", "It is cold.")
        assert choice.message.tool_calls is not None
        (call,) = choice.message.tool_calls
        assert call.type == "function"
        assert (call.id, call.function.name, call.function.arguments) == ("toolu_1", "look", '{"x":1.50}')
        message = json.loads(written.body)["choices"][0]["message"]
        assert message["reasoning_content"] == "hm"
        assert message["reasoning_details"] == [
            {"type": "reasoning.text", "text": "hm", "format": "anthropic-claude-v1", "index": 0, "signature": "c2ln"}
        ]
        assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "Z2VtaW5p"}}
        assert answer.usage is not None
        assert answer.usage.model_dump(exclude_none=True) == {
            "prompt_tokens": 100,
            "completion_tokens": 9,
            "total_tokens": 109,
            "prompt_tokens_details": {"cached_tokens": 80, "cache_write_tokens": 10},
            "completion_tokens_details": {"reasoning_tokens": 3},
        }

    def test_log_probabilities_pass_to_the_letter(self) -> None:
        raw = Raw(b'[{"token":"A","logprob":-0.10,"bytes":null,"top_logprobs":[]}]')
        body = write_response(Response("i", "m", (Text("A"),), logprobs=raw), "m").body
        assert bytes(raw) in body
        assert openai_answer(body).choices[0].logprobs is not None

    def test_a_refusal_is_one(self) -> None:
        body = write_response(Response("i", "m", (Refusal("No."),), "refusal"), "m").body
        (choice,) = openai_answer(body).choices
        assert (choice.message.content, choice.message.refusal, choice.finish_reason) == (None, "No.", "stop")
        body = write_response(Response("i", "m", (), "refusal"), "m").body
        assert openai_answer(body).choices[0].finish_reason == "content_filter"

    def test_own_citations_pass_and_others_are_named(self) -> None:
        cited = Raw(b'[{"type":"url_citation","url_citation":{"url":"u","title":"t","start_index":0,"end_index":1}}]')
        written = write_response(Response("i", "m", (Text("a", citations=cited),)), "m")
        assert bytes(cited) in written.body
        assert written.dropped == ()
        claude = Raw(b'[{"type":"char_location","cited_text":"x"}]')
        written = write_response(Response("i", "m", (Text("a", citations=claude),)), "m")
        assert written.dropped == ("citations",)

    def test_what_has_no_place_is_named(self) -> None:
        content = (ToolCall("c", "f"), Text("a"), Media("image", url="u"), Foreign("anthropic", Raw(b"{}")))
        response = Response("i", "m", content, "pause", "END", Usage(1), service_tier="batch")
        assert write_response(response, "m").dropped == (
            "blocks.order",
            "assistant.media",
            "foreign",
            "stop_sequence",
            "reason",
            "usage.unknown",
            "service_tier",
        )

    def test_further_answers_are_written(self) -> None:
        other = Response("", "", (Text("b"),), "length")
        answer = openai_answer(write_response(Response("i", "m", (Text("a"),), others=(other,)), "m").body)
        assert [(each.index, each.message.content, each.finish_reason) for each in answer.choices] == [
            (0, "a", "stop"),
            (1, "b", "length"),
        ]

    @settings(max_examples=100, deadline=None)
    @given(responses())
    def test_nothing_is_lost_that_is_not_named(self, response: Response) -> None:
        written = write_response(response, "m")
        openai_answer(written.body)
        lost = gone(response_facts(response), response_facts(read_response(written.body)))
        assert {name for name in lost if not excused(name, written.dropped)} == set()
        assert set(written.dropped) <= CANNOT.keys()
