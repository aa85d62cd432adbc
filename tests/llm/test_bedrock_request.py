"""llm/bedrock_request.py and llm/bedrock_blocks.py: requests for Bedrock's Converse.

The expected bodies were held against botocore's model of the API when they were written.
"""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.rawjson import Raw
from fedgate.llm.bedrock_request import CANNOT, write_request
from fedgate.llm.features import FEATURES
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

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
OPUS = "us.anthropic.claude-opus-4-8-v1"
LLAMA = "meta.llama3-1-70b-instruct-v1:0"
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"integer"}}}')
MARK = Raw(b'{"type":"ephemeral","ttl":"1h"}')
USER = Message("user", (Text("hi"),))


def told(request: Request) -> dict[str, Any]:
    return dict(json.loads(write_request(request).body))


WHOLE = Request(
    CLAUDE,
    (
        Message("user", (Text("look"), Media("image", media_type="image/png", data="iVBORw0KGgo="),
                         Media("file", media_type="application/pdf", data="JVBERi0=", name="my_file.pdf"),
                         Media("video", media_type="video/mp4", url="s3://bucket/v.mp4", cache=MARK))),
        Message("assistant", (Thinking("hm", signature="sig", format="anthropic"),
                              Thinking(sealed="YmxvYg==", format="bedrock"), Text("I call."),
                              ToolCall("tooluse_1", "add", '{"a": 1.50}'))),
        Message("user", (ToolResult("tooluse_1", (Text("2"), Media("image", media_type="image/jpeg", data="/9j/")),
                                    is_error=True),)),
    ),
    system=(Text("Be kind.", cache=Raw(b'{"type":"ephemeral"}')),),
    tools=(Tool("add", "Adds.", SCHEMA, True, cache=MARK),),
    tool_choice=ToolChoice("auto"),
    max_tokens=9000,
    sampling=Sampling(stop=("x",)),
    reasoning=Reasoning("on", budget=2000),
    format=Format(SCHEMA, "sum", "A sum."),
    service_tier="flex",
)  # fmt: skip


def test_a_request_is_written_whole() -> None:
    written = write_request(WHOLE)
    assert set(written.dropped) == {"file.name"}
    assert b'"input":{"a": 1.50}' in written.body
    assert json.loads(written.body) == {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"text": "look"},
                    {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
                    {"document": {"format": "pdf", "name": "my file pdf", "source": {"bytes": "JVBERi0="}}},
                    {"video": {"format": "mp4", "source": {"s3Location": {"uri": "s3://bucket/v.mp4"}}}},
                    {"cachePoint": {"type": "default", "ttl": "1h"}},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}},
                    {"reasoningContent": {"redactedContent": "YmxvYg=="}},
                    {"text": "I call."},
                    {"toolUse": {"toolUseId": "tooluse_1", "name": "add", "input": {"a": 1.5}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "tooluse_1",
                            "content": [{"text": "2"}, {"image": {"format": "jpeg", "source": {"bytes": "/9j/"}}}],
                            "status": "error",
                        }
                    }
                ],
            },
        ],
        "system": [{"text": "Be kind."}, {"cachePoint": {"type": "default"}}],
        "toolConfig": {
            "tools": [
                {
                    "toolSpec": {
                        "name": "add",
                        "description": "Adds.",
                        "inputSchema": {"json": {"type": "object", "properties": {"a": {"type": "integer"}}}},
                        "strict": True,
                    }
                },
                {"cachePoint": {"type": "default", "ttl": "1h"}},
            ],
            "toolChoice": {"auto": {}},
        },
        "additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        "inferenceConfig": {"maxTokens": 9000, "stopSequences": ["x"]},
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": bytes(SCHEMA).decode(), "name": "sum", "description": "A sum."}},
            }
        },
        "serviceTier": {"type": "flex"},
    }


def test_turns_alternate_and_begin_with_the_user() -> None:
    messages = (
        Message("assistant", (Text("a"),)),
        Message("user", (Text("b"),)),
        Message("system", (Text("c"),)),
        Message("assistant", (Text(" "),)),
        Message("user", (Text("d"), ToolResult("1"))),
    )
    written = write_request(Request(CLAUDE, messages))
    assert json.loads(written.body)["messages"] == [
        {"role": "user", "content": [{"text": "(continue)"}]},
        {"role": "assistant", "content": [{"text": "a"}]},
        {
            "role": "user",
            "content": [
                {"text": "b"},
                {"text": "c"},
                {"toolResult": {"toolUseId": "1", "content": [{"text": "(no output)"}]}},
                {"text": "d"},
            ],
        },
    ]
    assert set(written.dropped) == {"message.first", "system.inline", "message.empty", "blocks.order"}


def test_names_of_documents_differ() -> None:
    files = [Media("file", media_type="text/plain", data="aGk=", name=name) for name in ("a.txt", "a.txt", "")]
    [message] = told(Request(CLAUDE, (Message("user", tuple(files)),)))["messages"]
    assert [each["document"]["name"] for each in message["content"]] == ["a txt", "a txt 2", "document 3"]


def test_ids_that_are_refused_are_replaced_in_call_and_result_alike() -> None:
    bad = "call|" + "x" * 80
    written = write_request(
        Request(CLAUDE, (USER, Message("assistant", (ToolCall(bad, "f"),)), Message("user", (ToolResult(bad),))))
    )
    _, called, answered = json.loads(written.body)["messages"]
    assert called["content"][0]["toolUse"]["toolUseId"] == answered["content"][0]["toolResult"]["toolUseId"]
    assert "tool_call.id" in written.dropped


def test_a_conversation_with_calls_declares_their_tools() -> None:
    request = Request(CLAUDE, (USER, Message("assistant", (ToolCall("1", "add", namespace="n"),))))
    assert told(request)["toolConfig"] == {
        "tools": [{"toolSpec": {"name": "n__add", "inputSchema": {"json": {"type": "object", "properties": {}}}}}]
    }


@pytest.mark.parametrize(
    ("choice", "wanted", "dropped"),
    [
        (ToolChoice("any"), {"any": {}}, ()),
        (ToolChoice("named", "add"), {"tool": {"name": "n__add"}}, ()),
        (ToolChoice("none"), None, ("tool_choice",)),
        (ToolChoice("auto", parallel=False), {"auto": {}}, ("tool_choice.parallel",)),
    ],
)
def test_the_choice_of_a_tool(choice: ToolChoice, wanted: Any, dropped: tuple[str, ...]) -> None:
    written = write_request(Request(CLAUDE, (USER,), tools=(Tool("add", namespace="n"),), tool_choice=choice))
    assert (json.loads(written.body)["toolConfig"].get("toolChoice"), written.dropped) == (wanted, dropped)
    assert list(written.renamed) == ["n__add"]


def test_names_that_are_refused_are_replaced_and_restored() -> None:
    tool = Tool("files.read")
    written = write_request(Request(CLAUDE, (USER,), tools=(tool,)))
    [spec] = json.loads(written.body)["toolConfig"]["tools"]
    assert spec["toolSpec"]["name"].startswith("files_read_")
    assert written.renamed == {spec["toolSpec"]["name"]: tool}


def test_a_temperature_is_at_most_one_and_for_claude_alone() -> None:
    sampling = Sampling(temperature=1.5, top_p=0.5)
    written = write_request(Request(CLAUDE, (USER,), sampling=sampling))
    assert (json.loads(written.body)["inferenceConfig"], written.dropped) == (
        {"temperature": 1.0},
        ("temperature", "top_p"),
    )
    assert told(Request(LLAMA, (USER,), sampling=sampling))["inferenceConfig"] == {"temperature": 1.0, "topP": 0.5}


def test_custom_tools_become_functions_of_one_string() -> None:
    messages = (USER, Message("assistant", (ToolCall("1", "patch", "*** Begin", custom=True),)))
    written = write_request(Request(CLAUDE, messages, tools=(Tool("patch", custom=Raw(b'{"type":"text"}')),)))
    body = json.loads(written.body)
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"input": "*** Begin"}
    assert body["toolConfig"]["tools"][0]["toolSpec"]["inputSchema"]["json"]["required"] == ["input"]


@pytest.mark.parametrize(
    ("request_", "fields", "dropped"),
    [
        (Request(CLAUDE, (USER,), reasoning=Reasoning("on", "low")),
         {"thinking": {"type": "enabled", "budget_tokens": 2048}}, ("reasoning.effort",)),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("adaptive", "high")),
         {"thinking": {"type": "enabled", "budget_tokens": 16_384}}, ("reasoning.adaptive", "reasoning.effort")),
        (Request(OPUS, (USER,), reasoning=Reasoning("adaptive", "high")), {"thinking": {"type": "adaptive"}}, ()),
        (Request(OPUS, (USER,), reasoning=Reasoning("on", budget=2000), sampling=Sampling(0.5)),
         {"thinking": {"type": "adaptive"}}, ("reasoning.budget", "temperature")),
        (Request(OPUS, (USER,), sampling=Sampling(0.5, 0.9, 5)), None, ("temperature", "top_p", "top_k")),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("on", budget=5000), max_tokens=3000),
         {"thinking": {"type": "enabled", "budget_tokens": 1500}}, ("reasoning.budget",)),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("on", budget=5000), max_tokens=1000), None,
         ("reasoning.budget", "reasoning")),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("on"), tools=(Tool("f"),), tool_choice=ToolChoice("any")),
         None, ("reasoning",)),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("on", budget=2000), sampling=Sampling(0.5, 0.9, 5)),
         {"thinking": {"type": "enabled", "budget_tokens": 2000}}, ("temperature", "top_p", "top_k")),
        (Request(CLAUDE, (USER,), reasoning=Reasoning("off")), None, ()),
        (Request(CLAUDE, (USER,), sampling=Sampling(top_k=5)), {"top_k": 5}, ()),
        (Request("amazon.nova-2-lite-v1:0", (USER,), reasoning=Reasoning("on", "high"), sampling=Sampling(top_k=5)),
         {"reasoningConfig": {"type": "enabled", "maxReasoningEffort": "high"}, "inferenceConfig": {"topK": 5}}, ()),
        (Request("openai.gpt-oss-120b-1:0", (USER,), reasoning=Reasoning("on", "max")),
         {"reasoning_effort": "high"}, ("reasoning.effort",)),
        (Request(LLAMA, (USER,), reasoning=Reasoning("on", "high"), sampling=Sampling(top_k=5)),
         None, ("reasoning", "top_k")),
        (Request(LLAMA, (USER,), reasoning=Reasoning("off")), None, ("reasoning.off",)),
    ],
)  # fmt: skip
def test_what_one_family_knows_is_said_in_its_words(request_: Request, fields: Any, dropped: tuple[str, ...]) -> None:
    written = write_request(request_)
    assert (json.loads(written.body).get("additionalModelRequestFields"), written.dropped) == (fields, dropped)


def test_thinking_leaves_room_for_the_answer() -> None:
    body = told(Request(CLAUDE, (USER,), reasoning=Reasoning("on", budget=2000)))
    assert body["inferenceConfig"] == {"maxTokens": 6096}


def test_cache_points_are_for_models_that_know_them() -> None:
    request = Request(LLAMA, (Message("user", (Text("a", cache=MARK),)),))
    written = write_request(request)
    assert json.loads(written.body)["messages"] == [{"role": "user", "content": [{"text": "a"}]}]
    assert written.dropped == ("cache_control",)


def test_cache_points_stand_behind_results_and_not_in_them() -> None:
    result = ToolResult("1", (Text("a", cache=MARK), Media("audio", media_type="audio/wav", data="aGk=")))
    written = write_request(Request(CLAUDE, (Message("user", (result,)),)))
    assert json.loads(written.body)["messages"][0]["content"] == [
        {"toolResult": {"toolUseId": "1", "content": [{"text": "a"}]}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]
    assert written.dropped == ("audio",)


def test_what_the_format_cannot_say_is_named() -> None:
    blocks = (
        Media("image", url="https://e.org/a.png"), Media("file", id="f"),
        Media("audio", media_type="audio/x", data="aGk="),
        Media("image", media_type="image/png", data="aGk=", name="n", detail="low"), Refusal("r"),
        Text("c", citations=MARK),
        Thinking("t", signature="s", format="gemini"), Thinking("u"), Thinking(sealed="v", format="responses", id="rs"),
        ToolCall("1", "f", "no json", signature="S"), Foreign("anthropic", Raw(b"{}")), ToolResult("1", name="f"),
    )  # fmt: skip
    request = Request(
        LLAMA,
        (USER, Message("assistant", blocks, name="bot")),
        system=(Media("image", data="aGk="),),
        tools=(Tool("w", foreign=Foreign("anthropic", Raw(b"{}"))),),
        tool_choice=ToolChoice("any"),
        sampling=Sampling(seed=1, frequency_penalty=0.1, presence_penalty=0.1, logprobs=True, top_logprobs=1, n=2),
        format=Format(),
        verbosity="low",
        user="u",
        cache_key="k",
        service_tier="scale",
        metadata=Raw(b'{"a":"b"}'),
        previous="resp",
        store=True,
        unread=("truncation",),
    )
    assert set(write_request(request).dropped) == {
        "truncation", "image.url", "file.id", "audio", "image.name", "image.detail", "refusal", "citations",
        "thinking.signature", "thinking", "thinking.sealed", "thinking.id", "tool_call.arguments",
        "tool_call.signature",
        "foreign", "tool_result.name", "message.name", "system.media", "tool.foreign", "tool_choice", "seed",
        "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs", "n", "format.json_object", "verbosity",
        "user", "cache_key", "service_tier", "metadata", "previous", "store",
    }  # fmt: skip


def test_reasons_are_given_for_known_features_only() -> None:
    assert CANNOT.keys() <= FEATURES.keys()


WORD = st.text(max_size=6)
BLOCKS = st.one_of(
    st.builds(Text, WORD, st.sampled_from([Raw(b""), MARK, Raw(b"7"), Raw(b'{"ttl":3}')])),
    st.builds(Media, st.sampled_from(["image", "file", "audio", "video"]), st.sampled_from(["", "image/png", "x"]),
              st.sampled_from(["", "aGk="]), st.sampled_from(["", "s3://b/a", "https://e.org"]), name=WORD),
    st.builds(Thinking, WORD, WORD, WORD, format=st.sampled_from(["", "anthropic", "gemini"])),
    st.builds(ToolCall, WORD, WORD, st.sampled_from(["", "{}", "[]", "{", "x"]), custom=st.booleans()),
    st.builds(ToolResult, WORD, st.lists(st.builds(Text, WORD), max_size=2).map(tuple), st.booleans()),
    st.builds(Refusal, WORD),
)  # fmt: skip
MESSAGES = st.builds(Message, st.sampled_from(["user", "assistant", "system"]), st.lists(BLOCKS, max_size=3).map(tuple))


@settings(max_examples=150, deadline=None)
@given(st.lists(MESSAGES, max_size=4), st.sampled_from([CLAUDE, LLAMA]), st.lists(st.builds(Text, WORD), max_size=2))
def test_whatever_is_asked_becomes_what_the_api_takes(messages: list[Message], model: str, system: list[Text]) -> None:
    body = told(Request(model, tuple(messages), tuple(system)))
    roles = [message["role"] for message in body["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    for block in [each for message in body["messages"] for each in message["content"]] + body.get("system", []):
        assert len(block) == 1
        assert "text" not in block or block["text"].strip()
