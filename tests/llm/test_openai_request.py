import json
from typing import Any

import pytest
from hypothesis import given, settings

from fedgate.core.errors import BadRequest
from fedgate.core.rawjson import Raw
from fedgate.llm.neutral import (
    Foreign,
    Format,
    Media,
    Message,
    Reasoning,
    Refusal,
    Request,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from fedgate.llm.openai_dialect import COMPATIBLE, GEMINI_COMPATIBLE, OPENROUTER
from fedgate.llm.openai_request import CANNOT, read_request, write_request
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import comparable_facts, excused, gone, requests, with_names
from tests.llm.oracles import is_openai_request

UNREPORTED = {"tool_call.id", "tool_result"}
"""Ids that are too long change, in the call and its result alike."""


SAMPLE: dict[str, Any] = {
    "model": "m",
    "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]},
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
                {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "reasoning_details": [{"type": "reasoning.text", "text": "hm", "signature": "c2ln", "index": 0}],
            "tool_calls": [
                {
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": "{}"},
                    "extra_content": {"google": {"thought_signature": "c2ln"}},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "r"},
    ],
    "tools": [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}},
        {"type": "custom", "custom": {"name": "p", "format": {"type": "text"}}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}},
    "reasoning": {"effort": "low"},
    "stop": ["END"],
    "stream_options": {"include_usage": True},
    "seed": 1,
}


def read(**members: Any) -> Request:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}]} | members
    return read_request(json.dumps(body).encode())


def messages(*written: Any) -> tuple[Message, ...]:
    return read(messages=list(written)).messages


def written(*turns: Message, **members: Any) -> dict[str, Any]:
    return is_openai_request(write_request(Request("m", turns, **members)).body)


class TestReading:
    def test_leading_system_and_developer_messages_are_the_system_prompt(self) -> None:
        request = read(
            messages=[
                {"role": "system", "content": "Be brief."},
                {"role": "developer", "content": [{"type": "text", "text": "No emoji."}]},
                {"role": "user", "content": "hi"},
                {"role": "system", "content": "Now in German."},
            ]
        )
        assert request.system == (Text("Be brief."), Text("No emoji."))
        assert request.messages == (Message("user", (Text("hi"),)), Message("system", (Text("Now in German."),)))

    def test_results_of_tools_become_blocks_of_one_user_turn(self) -> None:
        call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}}
        assert messages(
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "tool_calls": [call, call | {"id": "call_2"}]},
            {"role": "tool", "tool_call_id": "call_1", "content": "one"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "two"}]},
            {"role": "user", "content": "and?"},
        ) == (
            Message("user", (Text("go"),)),
            Message("assistant", (ToolCall("call_1", "f", '{"a": 1.0}'), ToolCall("call_2", "f", '{"a": 1.0}'))),
            Message("user", (ToolResult("call_1", (Text("one"),)), ToolResult("call_2", (Text("two"),)))),
            Message("user", (Text("and?"),)),
        )

    def test_images_files_and_sound_are_media(self) -> None:
        (message,) = messages(
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": "data:image/jpg;base64,/9j/4AAQ", "detail": "high"}},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                    {
                        "type": "file",
                        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
                    },
                    {"type": "file", "file": {"file_id": "file-1"}},
                    {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "mp3"}},
                ],
            }
        )
        assert message.content == (
            Media("image", "image/jpeg", "/9j/4AAQ", detail="high"),
            Media("image", url="https://example.com/a.png"),
            Media("file", "application/pdf", "JVBERi0=", name="a.pdf"),
            Media("file", id="file-1"),
            Media("audio", "audio/mpeg", "UklGRg=="),
        )

    def test_a_part_that_nobody_knows_is_kept_as_it_was(self) -> None:
        (message,) = messages({"role": "user", "content": [{"type": "hologram", "depth": 1.50}]})
        assert message.content == (Foreign("openai", Raw(b'{"type": "hologram", "depth": 1.5}')),)

    def test_thoughts_are_read_in_every_spelling(self) -> None:
        details = [
            {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "format": "anthropic-claude-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "ZW5j", "id": "rs_1", "format": "openai-responses-v1", "index": 1},
        ]
        assert messages(
            {"role": "assistant", "content": "a", "reasoning_content": "hm"},
            {"role": "assistant", "content": "b", "reasoning": "hm"},
            {"role": "assistant", "content": "c", "reasoning": "hm", "reasoning_details": details},
            {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]},
        ) == (
            Message("assistant", (Thinking("hm"), Text("a"))),
            Message("assistant", (Thinking("hm"), Text("b"))),
            Message(
                "assistant",
                (
                    Thinking("hm", "c2ln", format="anthropic"),
                    Thinking(sealed="ZW5j", id="rs_1", format="responses"),
                    Text("c"),
                ),
            ),
            Message("assistant", (Thinking("hm"),)),
        )

    def test_refusals_and_signatures_of_calls_are_read(self) -> None:
        signature = {"google": {"thought_signature": "c2ln"}}
        call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}, "extra_content": signature}
        assert messages(
            {"role": "assistant", "refusal": "No."}, {"role": "assistant", "content": "", "tool_calls": [call]}
        ) == (Message("assistant", (Refusal("No."),)), Message("assistant", (ToolCall("c1", "f", signature="c2ln"),)))

    def test_tools_keep_their_schema_to_the_letter(self) -> None:
        body = (
            b'{"model":"m","messages":[],"tools":[{"type":"function","function":{"name":"f","strict":true,'
            b'"parameters":{"b":1.0, "a" : 2}}},{"type":"custom","custom":{"name":"patch"}},{"type":"x","y":1}]}'
        )
        function, custom, foreign = read_request(body).tools
        assert function == Tool("f", parameters=Raw(b'{"b":1.0, "a" : 2}'), strict=True)
        assert custom == Tool("patch", custom=Raw(b'{"type":"text"}'))
        assert foreign == Tool("x", foreign=Foreign("openai", Raw(b'{"type":"x","y":1}')))

    @pytest.mark.parametrize(
        ("said", "read_as"),
        [
            ("auto", ToolChoice("auto")),
            ("required", ToolChoice("any")),
            ("none", ToolChoice("none")),
            ({"type": "function", "function": {"name": "f"}}, ToolChoice("named", "f")),
            ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("named", "f")),
            ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": []}}, ToolChoice("any")),
        ],
    )
    def test_tool_choice_is_read_in_every_form(self, said: Any, read_as: ToolChoice) -> None:
        assert read(tool_choice=said).tool_choice == read_as

    def test_parallel_tool_calls_alone_is_a_choice(self) -> None:
        assert read(parallel_tool_calls=False).tool_choice == ToolChoice("auto", parallel=False)

    @pytest.mark.parametrize(
        ("said", "read_as"),
        [
            ({"reasoning_effort": "high"}, Reasoning("on", "high")),
            ({"reasoning_effort": "none"}, Reasoning("off", "none")),
            ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning("on", "low", show=False)),
            ({"reasoning": {"max_tokens": 2000}}, Reasoning("on", budget=2000)),
            ({"reasoning": {"enabled": False}}, Reasoning("off")),
            ({"thinking": {"type": "enabled"}}, Reasoning("on")),
            ({"thinking": {"type": "disabled"}}, Reasoning("off")),
            ({"thinking": {"type": "adaptive"}}, Reasoning("adaptive")),
            ({}, None),
        ],
    )
    def test_reasoning_is_read_in_every_spelling(self, said: Any, read_as: Reasoning | None) -> None:
        assert read(**said).reasoning == read_as

    def test_the_form_of_the_answer_is_read(self) -> None:
        schema = {"name": "n", "schema": {"type": "object"}, "strict": True}
        read_as = Format(Raw(b'{"type": "object"}'), "n", strict=True)
        assert read(response_format={"type": "json_schema", "json_schema": schema}).format == read_as
        assert read(response_format={"type": "json_object"}).format == Format()
        assert read(response_format={"type": "text"}).format is None

    def test_the_newer_limit_counts(self) -> None:
        assert read(max_tokens=5).max_tokens == 5
        assert read(max_tokens=5, max_completion_tokens=7).max_tokens == 7

    def test_the_newer_name_of_the_user_counts(self) -> None:
        assert read(user="a").user == "a"
        assert read(user="a", safety_identifier="b").user == "b"

    def test_usage_is_wanted_only_if_said(self) -> None:
        assert not read(stream=True).usage_wanted
        assert read(stream=True, stream_options={"include_usage": True}).usage_wanted

    def test_one_stop_sequence_may_be_a_string(self) -> None:
        assert read(stop="END").sampling.stop == ("END",)
        assert read(stop=["a", "b"]).sampling.stop == ("a", "b")

    def test_cache_marks_are_kept_and_breakpoints_become_marks(self) -> None:
        (message,) = messages(
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
                ],
            }
        )
        assert message.content == (
            Text("a", Raw(b'{"type": "ephemeral", "ttl": "1h"}')),
            Text("b", Raw(b'{"type":"ephemeral"}')),
        )

    def test_members_without_a_place_are_named(self) -> None:
        request = read(logit_bias={"1": 2}, web_search_options={}, audio=None)
        assert request.unread == ("logit_bias", "web_search_options")

    def test_halves_of_surrogate_pairs_are_mended(self) -> None:
        body = b'{"model":"m","messages":[{"role":"user","content":"cut \\ud83d"}]}'
        assert read_request(body).messages == (Message("user", (Text("cut �"),)),)


class TestBadRequests:
    @pytest.mark.parametrize(
        ("members", "named"),
        [
            ({"model": 5}, "model"),
            ({"messages": None}, "messages"),
            ({"messages": [{"content": "x"}]}, "messages[0]"),
            ({"messages": [{"role": "robot", "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
            ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "messages[0].content[0].image_url"),
            (
                {"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]},
                "messages[0].content[0].file",
            ),
            ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
            ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "content[0].input_audio"),
            ({"messages": [{"role": "user", "content": [{"type": "refusal"}]}]}, "content[0].refusal"),
            ({"messages": [{"role": "user", "content": [{"type": "thinking"}]}]}, "content[0].thinking"),
            ({"messages": [{"role": "assistant", "tool_calls": [{"id": "1"}]}]}, "tool_calls[0].function"),
            ({"messages": [{"role": "assistant", "function_call": {}}]}, "messages[0].function_call"),
            ({"tools": [{"type": "custom"}]}, "tools[0].custom"),
            ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
            (
                {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f"}}]}]},
                "messages[0].tool_calls[0].id",
            ),
            (
                {"messages": [{"role": "assistant", "tool_calls": [{"id": "1", "function": {}}]}]},
                "messages[0].tool_calls[0].function.name",
            ),
            ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "messages[0].role"),
            ({"tools": [{"type": "function"}]}, "tools[0].function"),
            ({"tool_choice": "sometimes"}, "tool_choice"),
            ({"tool_choice": {"type": "function"}}, "tool_choice"),
            ({"response_format": {"type": "xml"}}, "response_format"),
            ({"response_format": {"type": "json_schema", "json_schema": {"name": "n"}}}, "response_format.json_schema"),
            ({"max_tokens": -1}, "max_tokens"),
            ({"temperature": "hot"}, "temperature"),
            ({"seed": 2**70}, "seed"),
            ({"functions": []}, "functions"),
        ],
    )
    def test_the_member_that_is_wrong_is_named(self, members: Any, named: str) -> None:
        with pytest.raises(BadRequest, match=named.replace("[", r"\[").replace("]", r"\]")):
            read(**members)

    @pytest.mark.parametrize(
        "body", [b"", b"[]", b"{", b'{"model":"m"}', b'{"messages":[]}', b'{"model":"m","messages":[],"x":"\xff"}']
    )
    def test_what_is_no_request_is_refused(self, body: bytes) -> None:
        with pytest.raises(BadRequest):
            read_request(body)

    def test_deep_nesting_is_refused(self) -> None:
        with pytest.raises(BadRequest):
            read_request(b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}")

    @settings(max_examples=300, deadline=None)
    @given(damaged(SAMPLE))
    def test_nothing_but_bad_request_is_raised(self, body: bytes) -> None:
        try:
            request = read_request(body)
        except BadRequest:
            return
        write_request(request)


class TestWriting:
    def test_a_plain_request_is_as_short_as_it_can_be(self) -> None:
        request = Request("gpt-5", (Message("user", (Text("hi"),)),), (Text("Be brief."),), max_tokens=9)
        assert write_request(request).body == (
            b'{"model":"gpt-5","messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"hi"}],'
            b'"max_completion_tokens":9}'
        )

    def test_a_stream_always_asks_for_usage(self) -> None:
        found = written(Message("user", (Text("hi"),)), stream=True, usage_wanted=False)
        assert found["stream_options"] == {"include_usage": True}

    def test_results_come_before_what_the_user_says(self) -> None:
        turns = (Message("user", (Text("before"), ToolResult("c1", (Text("r"),)), Text("after"))),)
        result = write_request(Request("m", turns))
        assert [each["role"] for each in is_openai_request(result.body)["messages"]] == ["tool", "user"]
        assert result.dropped == ("blocks.order",)

    def test_images_among_results_move_behind_them(self) -> None:
        turn = Message("user", (ToolResult("c1", (Text("shot"), Media("image", "image/png", "iVBORw0KGgo=")), True),))
        result = write_request(Request("m", (turn,)))
        assert is_openai_request(result.body)["messages"] == [
            {"role": "tool", "tool_call_id": "c1", "content": "shot"},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}],
            },
        ]
        assert result.dropped == ("tool_result.is_error", "tool_result.media")

    def test_a_call_without_arguments_is_an_empty_object(self) -> None:
        (message,) = written(Message("assistant", (ToolCall("c1", "f"),)))["messages"]
        assert message["content"] is None
        assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}

    def test_long_ids_are_shortened_alike_in_call_and_result(self) -> None:
        turns = (Message("assistant", (ToolCall("x" * 64, "f"),)), Message("user", (ToolResult("x" * 64),)))
        call, result = written(*turns)["messages"]
        assert call["tool_calls"][0]["id"] == result["tool_call_id"]
        assert len(result["tool_call_id"]) <= 40

    def test_names_of_tools_that_are_too_long_are_shortened_and_told(self) -> None:
        name = "mcp__" + "x" * 70
        request = Request("m", (), tools=(Tool(name), Tool("run", namespace="shell")))
        result = write_request(request)
        first, second = (tool["function"]["name"] for tool in is_openai_request(result.body)["tools"])
        assert len(first) == 64
        assert second == "shell__run"
        assert result.renamed == {first: request.tools[0], second: request.tools[1]}

    def test_a_choice_among_no_tools_is_left_out(self) -> None:
        result = write_request(Request("m", (), tool_choice=ToolChoice("any", parallel=False)))
        assert result.body == b'{"model":"m","messages":[]}'
        assert result.dropped == ("tool_choice", "tool_choice.parallel")

    def test_unsigned_thoughts_go_back_and_signed_ones_do_not(self) -> None:
        thoughts = (Thinking("own"), Thinking("claude's", "sig", format="anthropic"))
        result = write_request(Request("m", (Message("assistant", (*thoughts, Text("a"))),)))
        assert is_openai_request(result.body)["messages"][0]["reasoning_content"] == "own"
        assert result.dropped == ("thinking",)

    def test_openrouter_takes_signed_thoughts_and_cache_marks(self) -> None:
        thoughts = (Thinking("claude's", "sig", format="anthropic"), Text("a", Raw(b'{"type":"ephemeral"}')))
        result = write_request(Request("m", (Message("assistant", thoughts),)), OPENROUTER)
        assert result.dropped == ()
        assert read_request(result.body).messages == (Message("assistant", thoughts),)

    def test_imitations_take_one_string_and_the_older_limit(self) -> None:
        turns = (Message("user", (Text("a"), Text("b"))),)
        result = write_request(Request("m", turns, max_tokens=5), COMPATIBLE)
        assert result.body == b'{"model":"m","messages":[{"role":"user","content":"a\\n\\nb"}],"max_tokens":5}'
        assert result.dropped == ("blocks.merged",)

    def test_imitations_are_asked_for_free_text_as_one_string(self) -> None:
        tools = (Tool("p", custom=Raw(b'{"type":"text"}')),)
        turns = (Message("assistant", (ToolCall("c1", "p", "free", custom=True),)),)
        request = Request("m", turns, tools=tools, tool_choice=ToolChoice("named", "p"))
        result = write_request(request, COMPATIBLE)
        found = is_openai_request(result.body)
        assert found["messages"][0]["tool_calls"][0]["function"] == {"name": "p", "arguments": '{"input":"free"}'}
        assert found["tools"][0]["function"]["parameters"]["properties"] == {"input": {"type": "string"}}
        assert found["tool_choice"] == {"type": "function", "function": {"name": "p"}}
        assert result.dropped == ("tool_call.custom", "tool.custom")
        assert read_request(write_request(request).body).tools == tools

    def test_tiers_and_media_that_do_not_exist_are_left_out(self) -> None:
        turns = (Message("user", (Media("video", "video/mp4", "AAAA"), Foreign("openai", Raw(b'{"type":"x"}')))),)
        result = write_request(Request("m", turns, service_tier="batch"))
        assert result.body == b'{"model":"m","messages":[{"role":"user","content":[{"type":"x"}]}]}'
        assert result.dropped == ("video", "service_tier")

    def test_gemini_takes_back_its_signatures(self) -> None:
        turns = (Message("assistant", (ToolCall("c1", "f", "{}", signature="sig"),)),)
        result = write_request(Request("m", turns), GEMINI_COMPATIBLE)
        assert read_request(result.body).messages == turns

    def test_a_long_user_id_is_hashed(self) -> None:
        assert len(written(user="u" * 65)["user"]) == 64
        assert written(user="u" * 64)["user"] == "u" * 64

    def test_what_the_caller_said_in_vain_is_named_first(self) -> None:
        request = Request("m", (), unread=("context_management", "odd\r\nname"), sampling=read(top_k=3).sampling)
        assert write_request(request).dropped == ("context_management", "odd__name", "top_k")

    @settings(max_examples=100, deadline=None)
    @given(requests())
    def test_nothing_is_lost_that_is_not_named(self, request: Request) -> None:
        result = write_request(request)
        is_openai_request(result.body)
        again = read_request(result.body)
        lost = gone(comparable_facts(request), comparable_facts(with_names(again, result.renamed))) - UNREPORTED
        assert {name for name in lost if not excused(name, result.dropped)} == set()
        assert set(result.dropped) <= CANNOT.keys()
