import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings

from fedgate.core.errors import BadRequest
from fedgate.core.rawjson import Raw
from fedgate.llm.anthropic_ids import PREFIX
from fedgate.llm.anthropic_request import CANNOT, DEFAULT_MAX_TOKENS, read_request, write_request
from fedgate.llm.carried import Carried, pack
from fedgate.llm.neutral import (
    Foreign,
    Format,
    Media,
    Message,
    Reasoning,
    Refusal,
    Request,
    Sampling,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from fedgate.llm.openai_request import read_request as read_openai
from tests.llm.fuzzing import damaged
from tests.llm.neutral_values import comparable_facts, excused, gone, requests, with_names
from tests.llm.oracles import is_anthropic_request

PLAIN = {"type": "text", "media_type": "text/plain", "data": "hallo"}
HI = Message("user", (Text("hi"),))
EPHEMERAL = Raw(b'{"type":"ephemeral"}')


SAMPLE: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 5,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
    "messages": [
        {"role": "user", "content": "hi"},
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "ZW5j"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"x": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "r"}]},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "d"}]}},
                {"type": "search_result", "source": "s", "title": "t", "content": []},
            ],
        },
    ],
    "tools": [{"name": "f", "input_schema": {"type": "object"}}, {"type": "web_search_20250305", "name": "w"}],
    "tool_choice": {"type": "tool", "name": "f"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "metadata": {"user_id": "u"},
}


def read(**members: Any) -> Request:
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]} | members
    return read_request(json.dumps(body, separators=(",", ":")).encode())


def contents(*blocks: Any, role: str = "user") -> tuple[Any, ...]:
    return read(messages=[{"role": role, "content": list(blocks)}]).messages[0].content


def written(*turns: Message, model: str = "claude-sonnet-4-5", **members: Any) -> dict[str, Any]:
    return is_anthropic_request(write_request(Request(model, turns, **members)).body)


def dropped(*turns: Message, model: str = "claude-sonnet-4-5", **members: Any) -> tuple[str, ...]:
    return write_request(Request(model, turns or (HI,), **members)).dropped


class TestReading:
    def test_a_request_of_claude_code_is_read_whole(self) -> None:
        request = read(
            model="claude-opus-4-6",
            system=[
                {"type": "text", "text": "You are Claude Code."},
                {"type": "text", "text": "Rules", "cache_control": {"type": "ephemeral"}},
            ],
            messages=[
                {"role": "user", "content": [{"type": "text", "text": "list"}]},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "toolu_1", "name": "Bash", "input": {"command": "ls"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "toolu_1", "content": "a.txt", "is_error": False},
                        {"type": "text", "text": "and?", "cache_control": {"type": "ephemeral"}},
                    ],
                },
            ],
            tools=[{"name": "Bash", "description": "Runs", "input_schema": {"type": "object"}}],
            thinking={"type": "adaptive"},
            output_config={"effort": "high"},
            context_management={"edits": []},
            metadata={"user_id": "user_1"},
            stream=True,
        )
        assert request == Request(
            "claude-opus-4-6",
            (
                Message("user", (Text("list"),)),
                Message(
                    "assistant",
                    (
                        Thinking("hm", "c2ln", format="anthropic"),
                        Text("I look."),
                        ToolCall("toolu_1", "Bash", '{"command":"ls"}'),
                    ),
                ),
                Message("user", (ToolResult("toolu_1", (Text("a.txt"),)), Text("and?", EPHEMERAL))),
            ),
            (Text("You are Claude Code."), Text("Rules", EPHEMERAL)),
            (Tool("Bash", "Runs", Raw(b'{"type":"object"}')),),
            max_tokens=9,
            reasoning=Reasoning("adaptive", "high"),
            stream=True,
            user="user_1",
            unread=("context_management",),
        )

    def test_images_and_documents_are_media(self) -> None:
        assert contents(
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}},
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            {"type": "image", "source": {"type": "file", "file_id": "file_1"}},
            {"type": "document", "title": "T", "source": {"type": "text", "media_type": "text/plain", "data": "hallo"}},
            {"type": "document", "source": {"type": "url", "url": "https://example.com/a.pdf"}},
            {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "hallo"}]}},
        ) == (
            Media("image", "image/png", "iVBORw0KGgo="),
            Media("image", url="https://example.com/a.png"),
            Media("image", id="file_1"),
            Media("file", "text/plain", "aGFsbG8=", name="T"),
            Media("file", url="https://example.com/a.pdf"),
            Media("file", "text/plain", "aGFsbG8="),
        )

    def test_blocks_of_server_tools_are_kept_as_they_were(self) -> None:
        block = {"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"type": "error", "n": 1.5}}
        kept = Foreign("anthropic", Raw(json.dumps(block, separators=(",", ":")).encode()))
        assert contents(block, {"type": "text", "text": "x"}, role="assistant") == (kept, Text("x"))
        assert read(system=[{"type": "odd"}]).system == (Foreign("anthropic", Raw(b'{"type":"odd"}')),)

    def test_results_of_tools_hold_images_and_failures(self) -> None:
        source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
        content = [{"type": "text", "text": "shot"}, {"type": "image", "source": source}]
        (result,) = contents({"type": "tool_result", "tool_use_id": "t", "is_error": True, "content": content})
        assert result == ToolResult("t", (Text("shot"), Media("image", "image/png", "iVBORw0KGgo=")), True)

    def test_redacted_thoughts_stay_sealed(self) -> None:
        assert contents({"type": "redacted_thinking", "data": "ZW5j"}, role="assistant") == (
            Thinking(sealed="ZW5j", format="anthropic"),
        )

    def test_what_rode_in_a_signature_is_unpacked(self) -> None:
        packed = pack(Carried("responses", sealed="ZW5j", id="rs_1"))
        signed = pack(Carried(signature="Z2VtaW5p", call="t1"))
        assert contents(
            {"type": "thinking", "thinking": "hm", "signature": packed},
            {"type": "thinking", "thinking": "", "signature": signed},
            {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
            role="assistant",
        ) == (
            Thinking("hm", sealed="ZW5j", id="rs_1", format="responses"),
            ToolCall("t1", "f", "{}", signature="Z2VtaW5p"),
        )

    @pytest.mark.parametrize(
        ("said", "read_as"),
        [
            ({"type": "auto"}, ToolChoice("auto")),
            ({"type": "any", "disable_parallel_tool_use": True}, ToolChoice("any", parallel=False)),
            ({"type": "tool", "name": "f"}, ToolChoice("named", "f")),
            ({"type": "none"}, ToolChoice("none")),
        ],
    )
    def test_tool_choice_is_read_in_every_form(self, said: Any, read_as: ToolChoice) -> None:
        assert read(tool_choice=said).tool_choice == read_as

    @pytest.mark.parametrize(
        ("said", "read_as"),
        [
            ({"thinking": {"type": "enabled", "budget_tokens": 2000}}, Reasoning("on", budget=2000)),
            ({"thinking": {"type": "disabled"}}, Reasoning("off")),
            ({"thinking": {"type": "adaptive", "display": "omitted"}}, Reasoning("adaptive", show=False)),
            ({"output_config": {"effort": "low"}}, Reasoning("adaptive", "low")),
            ({}, None),
        ],
    )
    def test_reasoning_is_read_in_every_form(self, said: Any, read_as: Reasoning | None) -> None:
        assert read(**said).reasoning == read_as

    def test_the_schema_of_the_answer_is_read_in_both_places(self) -> None:
        wanted = {"type": "json_schema", "schema": {"type": "object"}}
        assert read(output_config={"format": wanted}).format == Format(Raw(b'{"type":"object"}'))
        assert read(output_format=wanted).format == Format(Raw(b'{"type":"object"}'))

    def test_server_tools_are_foreign_and_odd_members_of_tools_are_named(self) -> None:
        request = read(
            tools=[
                {"type": "web_search_20250305", "name": "web_search"},
                {"type": "custom", "name": "f", "input_schema": {}, "defer_loading": True, "input_examples": []},
            ]
        )
        raw = Raw(b'{"type":"web_search_20250305","name":"web_search"}')
        assert request.tools[0] == Tool("web_search", foreign=Foreign("anthropic", raw))
        assert request.tools[1] == Tool("f", parameters=Raw(b"{}"))
        assert request.unread == ("tools.defer_loading", "tools.input_examples")

    def test_a_request_to_count_tokens_has_no_limit(self) -> None:
        assert read_request(b'{"model":"m","messages":[]}').max_tokens is None


class TestBadRequests:
    @pytest.mark.parametrize(
        ("members", "named"),
        [
            ({"model": None}, "model"),
            ({"messages": "hi"}, "messages"),
            ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
            ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0]"),
            ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
            ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
            (
                {"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "ftp"}}]}]},
                "messages[0].content[0].source.type",
            ),
            (
                {
                    "messages": [
                        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": 5}]}
                    ]
                },
                "messages[0].content[0].input",
            ),
            (
                {"messages": [{"role": "user", "content": [{"type": "tool_result", "content": "x"}]}]},
                "messages[0].content[0].tool_use_id",
            ),
            ({"system": 5}, "system"),
            ({"tools": [{"input_schema": {}}]}, "tools[0].name"),
            ({"tools": [{"name": "f", "input_schema": []}]}, "tools[0].input_schema"),
            ({"tool_choice": {"type": "maybe"}}, "tool_choice.type"),
            ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
            ({"thinking": {"type": "loud"}}, "thinking.type"),
            ({"output_config": {"format": {"type": "xml"}}}, "output_config.format"),
            ({"max_tokens": 1.5}, "max_tokens"),
        ],
    )
    def test_the_member_that_is_wrong_is_named(self, members: Any, named: str) -> None:
        with pytest.raises(BadRequest, match=named.replace("[", r"\[").replace("]", r"\]")):
            read(**members)

    @settings(max_examples=300, deadline=None)
    @given(damaged(SAMPLE))
    def test_nothing_but_bad_request_is_raised(self, body: bytes) -> None:
        try:
            request = read_request(body)
        except BadRequest:
            return
        write_request(request)


class TestOrder:
    def test_neighbours_are_merged_and_results_come_first(self) -> None:
        turns = written(
            Message("user", (Text("a"),)),
            Message("user", (Text("b"),)),
            Message("assistant", (Text("I look."),)),
            Message("assistant", (ToolCall("t1", "f"), ToolCall("t2", "f"))),
            Message("user", (ToolResult("t1", (Text("r1"),)),)),
            Message("user", (Text("c"), ToolResult("t2"))),
        )["messages"]
        assert turns == [
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "I look."},
                    {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
                    {"type": "tool_use", "id": "t2", "name": "f", "input": {}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": "t1", "content": "r1"},
                    {"type": "tool_result", "tool_use_id": "t2"},
                    {"type": "text", "text": "c"},
                ],
            },
        ]

    def test_the_user_begins(self) -> None:
        turns = (Message("assistant", (Text("Welcome."),)), HI)
        assert written(*turns)["messages"][0] == {"role": "user", "content": "."}
        assert dropped(*turns) == ("message.first",)
        assert written()["messages"] == [{"role": "user", "content": "."}]

    def test_empty_texts_and_turns_are_left_out(self) -> None:
        assert written(HI, Message("assistant", (Text(""),)), Message("user", (Text(" \n"),)))["messages"] == [
            {"role": "user", "content": "hi"}
        ]

    def test_a_system_prompt_in_mid_conversation_is_the_users_text_for_older_models(self) -> None:
        turns = (HI, Message("assistant", (Text("a"),)), Message("system", (Text("In German."),)), HI)
        result = write_request(Request("claude-sonnet-4-5", turns))
        assert is_anthropic_request(result.body)["messages"][-1] == {
            "role": "user",
            "content": [{"type": "text", "text": "In German."}, {"type": "text", "text": "hi"}],
        }
        assert result.dropped == ("system.inline",)

    def test_it_keeps_its_role_for_newer_ones_where_it_may_stand(self) -> None:
        behind = (HI, Message("system", (Text("In German."),)), Message("assistant", (Text("a"),)), HI)
        before = (HI, Message("assistant", (Text("a"),)), Message("system", (Text("In German."),)), HI)
        assert written(*behind, model="claude-opus-5")["messages"][1] == {"role": "system", "content": "In German."}
        assert dropped(*behind, model="claude-opus-5") == ()
        assert dropped(*before, model="claude-opus-5") == ("system.inline",)

    def test_ids_that_the_api_refuses_are_packed_and_come_back(self) -> None:
        turns = (
            HI,
            Message("assistant", (ToolCall("functions.f:0", "f"),)),
            Message("user", (ToolResult("functions.f:0"),)),
        )
        body = write_request(Request("m", turns)).body
        call, result = (turn["content"][0] for turn in is_anthropic_request(body)["messages"][1:])
        assert call["id"] == result["tool_use_id"]
        assert call["id"].startswith(PREFIX)
        assert read_request(body).messages[1:] == (
            Message("assistant", (ToolCall("functions.f:0", "f", "{}"),)),
            turns[2],
        )


class TestTools:
    def test_a_schema_without_a_type_gets_one_and_keeps_the_rest(self) -> None:
        tools = (Tool("f", parameters=Raw(b'{"properties":{"x":{"maximum":1.50}}}')), Tool("g"))
        body = write_request(Request("m", (HI,), tools=tools)).body
        assert b'{"type":"object","properties":{"x":{"maximum":1.50}}}' in body
        assert read_request(body).tools[1] == Tool("g", parameters=Raw(b'{"type":"object"}'))

    def test_a_conversation_with_calls_declares_them_though_none_may_be_called(self) -> None:
        found = written(HI, Message("assistant", (ToolCall("t1", "f"),)), Message("user", (ToolResult("t1"),)))
        assert found["tools"] == [{"name": "f", "input_schema": {"type": "object"}}]
        assert found["tool_choice"] == {"type": "none"}

    def test_arguments_that_are_no_object_stand_inside_of_one(self) -> None:
        turn = Message("assistant", (ToolCall("t1", "f", "{broken"), ToolCall("t2", "p", "free", custom=True)))
        broken, custom = written(HI, turn)["messages"][1]["content"]
        assert broken["input"] == {"arguments": "{broken"}
        assert custom["input"] == {"input": "free"}
        assert dropped(HI, turn) == ("tool_call.arguments", "tool_call.custom")

    def test_free_text_is_asked_for_as_one_string(self) -> None:
        tools = (Tool("p", custom=Raw(b'{"type":"text"}')),)
        (tool,) = written(HI, tools=tools)["tools"]
        assert tool["input_schema"]["properties"] == {"input": {"type": "string"}}
        assert dropped(tools=tools) == ("tool.custom",)

    def test_tools_of_other_kinds_are_left_out_and_not_chosen(self) -> None:
        tools = (Tool("s", foreign=Foreign("gemini", Raw(b"{}"))), Tool("f"))
        found = written(HI, tools=tools, tool_choice=ToolChoice("named", "s"))
        assert [tool["name"] for tool in found["tools"]] == ["f"]
        assert "tool_choice" not in found
        assert dropped(tools=tools, tool_choice=ToolChoice("named", "s")) == ("tool.foreign", "tool_choice")

    def test_cache_marks_go_where_they_stood(self) -> None:
        found = written(
            Message("user", (Text("a", EPHEMERAL),)),
            tools=(Tool("f", cache=EPHEMERAL),),
            system=(Text("s", EPHEMERAL),),
        )
        marked = {"cache_control": {"type": "ephemeral"}}
        assert found["system"] == [{"type": "text", "text": "s"} | marked]
        assert found["tools"] == [{"name": "f", "input_schema": {"type": "object"}} | marked]
        assert found["messages"] == [{"role": "user", "content": [{"type": "text", "text": "a"} | marked]}]

    def test_what_has_no_place_among_blocks_is_named(self) -> None:
        request = read(
            thinking={"type": "between_tools"},
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "document", "context": "c", "citations": {"enabled": True}, "source": PLAIN},
                        {"type": "document", "source": {"type": "content", "content": "all"}},
                        {"type": "document", "source": {"type": "content", "content": [{"type": "image"}]}},
                        {"type": "document", "source": {"type": "file", "file_id": "f"}},
                        {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "tool_reference"}]},
                    ],
                }
            ],
        )
        assert request.reasoning == Reasoning("adaptive")
        assert request.unread == (
            "thinking.between_tools",
            "document.context",
            "document.citations",
            "tool_result.content",
        )
        assert [type(block) for block in request.messages[0].content] == [Media, Media, Foreign, Media, ToolResult]

    def test_markdown_is_sent_as_plain_text(self) -> None:
        turn = Message("user", (Media("file", "text/markdown", "IyBI"),))
        (block,) = written(turn)["messages"][0]["content"]
        assert block["source"] == {"type": "text", "media_type": "text/plain", "data": "# H"}
        assert dropped(turn) == ("file.media_type",)

    def test_what_is_no_text_goes_as_it_is_for_the_api_to_refuse(self) -> None:
        turn = Message("user", (Media("file", "text/plain", "/w=="),))
        source = json.loads(write_request(Request("m", (turn,))).body)["messages"][0]["content"][0]["source"]
        assert source == {"type": "base64", "media_type": "text/plain", "data": "/w=="}

    def test_media_outside_of_a_users_turn_is_left_out(self) -> None:
        image = Media("image", url="u")
        turns = (HI, Message("system", (image,)), Message("assistant", (image, Text("a"))))
        assert dropped(*turns, model="claude-opus-5", system=(image,)) == ("system.media", "assistant.media")


class TestThinking:
    @pytest.mark.parametrize(
        ("model", "reasoning", "thinking", "config"),
        [
            ("claude-sonnet-4-5", Reasoning("on", "low"), {"type": "enabled", "budget_tokens": 2048}, None),
            ("claude-sonnet-4-5", Reasoning("on", budget=9000), {"type": "enabled", "budget_tokens": 9000}, None),
            ("claude-sonnet-4-5", Reasoning("adaptive"), {"type": "enabled", "budget_tokens": 8192}, None),
            ("claude-opus-4-6", Reasoning("on", "low"), {"type": "adaptive"}, {"effort": "low"}),
            ("claude-opus-4-6", Reasoning("on", budget=9000), {"type": "enabled", "budget_tokens": 9000}, None),
            ("claude-opus-5", Reasoning("on", budget=9000), {"type": "adaptive"}, {"effort": "high"}),
            ("claude-opus-5", Reasoning("adaptive", "minimal"), {"type": "adaptive"}, {"effort": "low"}),
            ("claude-opus-5", Reasoning("off"), {"type": "disabled"}, None),
            ("claude-fable-5", Reasoning("off"), None, None),
            ("deepseek-chat", Reasoning("on", "high"), {"type": "enabled", "budget_tokens": 16_384}, None),
        ],
    )
    def test_it_is_said_as_the_generation_takes_it(
        self, model: str, reasoning: Reasoning, thinking: Any, config: Any
    ) -> None:
        found = written(HI, model=model, reasoning=reasoning)
        assert found.get("thinking") == thinking
        assert found.get("output_config") == config

    def test_a_budget_leaves_room_for_the_answer(self) -> None:
        found = written(HI, reasoning=Reasoning("on", budget=9000), max_tokens=4000)
        assert found["thinking"]["budget_tokens"] == 2000
        found = written(HI, reasoning=Reasoning("on", budget=9000), max_tokens=1000)
        assert "thinking" not in found

    def test_without_a_limit_the_budget_is_added_to_the_default(self) -> None:
        assert written(HI)["max_tokens"] == DEFAULT_MAX_TOKENS
        assert written(HI, reasoning=Reasoning("on", budget=5000))["max_tokens"] == DEFAULT_MAX_TOKENS + 5000

    def test_it_gives_way_to_a_forced_tool(self) -> None:
        members: Any = {"tools": (Tool("f"),), "tool_choice": ToolChoice("any"), "reasoning": Reasoning("on", "high")}
        assert "thinking" not in written(HI, **members)
        assert dropped(**members) == ("reasoning",)

    def test_a_turn_that_another_model_began_goes_on_without(self) -> None:
        turns = (HI, Message("assistant", (Thinking("own"), ToolCall("t", "f"))), Message("user", (ToolResult("t"),)))
        assert dropped(*turns, reasoning=Reasoning("on", budget=2000)) == ("reasoning", "thinking")
        signed = Thinking("own", "sig", format="anthropic")
        turns = (HI, Message("assistant", (signed, ToolCall("t", "f"))), Message("user", (ToolResult("t"),)))
        assert "thinking" in written(*turns, reasoning=Reasoning("on", budget=2000))

    def test_only_thoughts_signed_by_claude_go_back(self) -> None:
        thoughts = (
            Thinking("a", "sig", format="anthropic"),
            Thinking(sealed="ZW5j", format="bedrock"),
            Thinking("b"),
            Thinking("c", "sig", format="gemini"),
        )
        assert written(HI, Message("assistant", thoughts))["messages"][1]["content"] == [
            {"type": "thinking", "thinking": "a", "signature": "sig"},
            {"type": "redacted_thinking", "data": "ZW5j"},
        ]

    def test_sampling_that_the_model_refuses_is_left_out(self) -> None:
        sampling = Sampling(temperature=1.5, top_p=0.9, top_k=5, stop=("\n", "END"))
        found = written(HI, sampling=sampling)
        assert (found["temperature"], found["top_k"], found["stop_sequences"]) == (1.0, 5, ["END"])
        assert dropped(sampling=sampling) == ("stop", "temperature", "top_p")
        assert dropped(sampling=sampling, model="claude-opus-5") == ("stop", "temperature", "top_k", "top_p")
        assert dropped(sampling=Sampling(temperature=0.5, top_k=5), reasoning=Reasoning("on", "low")) == (
            "reasoning.effort",
            "temperature",
            "top_k",
        )


class TestWriting:
    def test_a_chat_request_becomes_the_one_that_a_user_would_write(self) -> None:
        body = {
            "model": "claude-sonnet-4-5",
            "messages": [
                {"role": "system", "content": "Be brief."},
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
                    ],
                },
            ],
            "tools": [
                {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}, "strict": True}}
            ],
            "tool_choice": "required",
            "parallel_tool_calls": False,
            "max_completion_tokens": 100,
            "stop": "END",
            "user": "u",
            "seed": 1,
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}},
        }
        result = write_request(read_openai(json.dumps(body).encode()))
        assert is_anthropic_request(result.body) == {
            "model": "claude-sonnet-4-5",
            "max_tokens": 100,
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is it?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="},
                        },
                    ],
                }
            ],
            "system": "Be brief.",
            "tools": [{"name": "f", "input_schema": {"type": "object"}, "strict": True}],
            "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
            "stop_sequences": ["END"],
            "output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}},
            "metadata": {"user_id": "u"},
        }
        assert result.dropped == ("seed", "format.name")

    def test_a_refusal_of_an_earlier_turn_is_text(self) -> None:
        assert written(HI, Message("assistant", (Refusal("No."),)))["messages"][1]["content"] == "No."

    @settings(max_examples=100, deadline=None)
    @given(requests(("claude-sonnet-4-5", "claude-opus-4-6", "claude-opus-5", "kimi")))
    def test_nothing_is_lost_that_is_not_named(self, request_: Request) -> None:
        result = write_request(request_)
        is_anthropic_request(result.body)
        again = read_request(result.body)
        lost = gone(comparable_facts(request_), comparable_facts(with_names(again, result.renamed)))
        # On and adaptive are one where there is no budget; schemas are always enforced.
        lost -= {"reasoning"} if request_.model in ("claude-opus-4-6", "claude-opus-5") else set()
        lost -= {"format.strict"}
        assert {name for name in lost if not excused(name, result.dropped)} == set()
        assert set(result.dropped) <= CANNOT.keys()
        roles = [message["role"] for message in json.loads(result.body)["messages"]]
        assert roles[0] == "user"
        assert all(before != after for before, after in pairwise(roles))
