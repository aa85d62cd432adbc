"""llm/responses_request.py and what is below it: requests of OpenAI's Responses API, both ways."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest
from fedgate.core.rawjson import Raw
from fedgate.llm.carried import Carried, pack, pack_thinking
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
from fedgate.llm.responses_request import CANNOT, read_request, write_request
from tests.llm.judges import foreign, plain, responses_request

SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')


def body(**members: Any) -> bytes:
    return json.dumps({"model": "gpt-5", **members}).encode()


CODEX: dict[str, Any] = {
    "model": "gpt-5-codex",
    "instructions": "You are Codex.",
    "input": [
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "<permissions/>"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "add a note"}]},
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "First"}, {"type": "summary_text", "text": "Second"}],
            "content": None,
            "encrypted_content": "gAAAA",
        },
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I will."}]},
        {
            "type": "function_call",
            "name": "add",
            "namespace": "mcp__notes",
            "arguments": '{"text": "x"}',
            "call_id": "call_1",
        },
        {"type": "custom_tool_call", "name": "apply_patch", "input": "*** Begin", "call_id": "call_2"},
        {"type": "function_call_output", "call_id": "call_1", "output": "added"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": "done"},
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "thanks"}]},
    ],
    "tools": [
        {
            "type": "function",
            "name": "shell",
            "description": "Runs.",
            "strict": False,
            "parameters": {"type": "object"},
        },
        {"type": "custom", "name": "apply_patch", "format": {"type": "grammar", "syntax": "lark", "definition": "x"}},
        {
            "type": "namespace",
            "name": "mcp__notes",
            "description": "Notes.",
            "tools": [{"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": False}],
        },
        {"type": "web_search", "external_web_access": False},
    ],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "reasoning": {"effort": "high", "summary": "auto"},
    "store": False,
    "stream": True,
    "include": ["reasoning.encrypted_content"],
    "prompt_cache_key": "conv-1",
    "text": {"verbosity": "low"},
}


def test_a_request_of_codex_is_read_whole() -> None:
    request = read_request(json.dumps(CODEX).encode())
    assert request.unread == ()
    assert request.system == (Text("You are Codex."), Text("<permissions/>"))
    assert [message.role for message in request.messages] == ["user", "assistant", "user"]
    assert request.messages[1].content == (
        Thinking("First\n\nSecond", sealed="gAAAA", id="rs_1", format="responses"),
        Text("I will."),
        ToolCall("call_1", "add", '{"text": "x"}', namespace="mcp__notes"),
        ToolCall("call_2", "apply_patch", "*** Begin", custom=True),
    )
    assert request.messages[2].content == (
        ToolResult("call_1", (Text("added"),)),
        ToolResult("call_2", (Text("done"),), custom=True),
        Text("thanks"),
    )
    shell, patch, add, search = request.tools
    assert (shell.name, shell.strict, plain(shell.parameters)) == ("shell", False, {"type": "object"})
    assert plain(patch.custom) == {"type": "grammar", "syntax": "lark", "definition": "x"}
    assert (add.name, add.namespace, add.namespace_description) == ("add", "mcp__notes", "Notes.")
    assert search.foreign == Foreign("responses", Raw(b'{"type": "web_search", "external_web_access": false}'))
    assert request.tool_choice == ToolChoice("auto", parallel=True)
    assert request.reasoning == Reasoning("on", effort="high", show=True)
    assert (request.cache_key, request.verbosity, request.store, request.stream) == ("conv-1", "low", False, True)


def test_what_codex_sent_is_written_again_so_that_the_sdk_could_have_sent_it() -> None:
    written = write_request(read_request(json.dumps(CODEX).encode()))
    told = responses_request(written.body)
    assert written.dropped == ()
    assert told["tools"] == CODEX["tools"]
    assert told["include"] == ["reasoning.encrypted_content"]
    assert told["input"][0] == {
        "type": "message",
        "role": "system",
        "content": [{"type": "input_text", "text": "You are Codex."}, {"type": "input_text", "text": "<permissions/>"}],
    }
    assert [item["type"] for item in told["input"]] == [
        "message",
        "message",
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
        "message",
    ]


def test_input_may_be_a_string() -> None:
    assert read_request(body(input="hello")).messages == (Message("user", (Text("hello"),)),)


def test_messages_need_no_type_and_their_content_may_be_a_string() -> None:
    request = read_request(body(input=[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]))
    assert request.messages == (Message("user", (Text("a"),)), Message("assistant", (Text("b"),)))


def test_media_are_read_from_addresses_data_and_ids() -> None:
    content = [
        {"type": "input_image", "image_url": "https://e.org/a.png", "detail": "high"},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        {"type": "input_file", "filename": "a.md", "file_data": "aGk="},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="},
        {"type": "input_file", "file_url": "https://e.org/a.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "mp3"}},
    ]
    [message] = read_request(body(input=[{"role": "user", "content": content}])).messages
    assert message.content == (
        Media("image", url="https://e.org/a.png", detail="high"),
        Media("image", media_type="image/png", data="iVBORw0KGgo="),
        Media("image", id="file-1"),
        Media("file", media_type="text/markdown", data="aGk=", name="a.md"),
        Media("file", media_type="application/pdf", data="JVBERi0=", name="a.pdf"),
        Media("file", url="https://e.org/a.pdf"),
        Media("file", id="file-2"),
        Media("audio", media_type="audio/mpeg", data="AAAA"),
    )


def test_results_of_tools_may_hold_images() -> None:
    output = [{"type": "input_text", "text": "see"}, {"type": "input_image", "image_url": "https://e.org/a.png"}]
    [message] = read_request(body(input=[{"type": "function_call_output", "call_id": "c", "output": output}])).messages
    assert message.content == (ToolResult("c", (Text("see"), Media("image", url="https://e.org/a.png"))),)


def test_a_breakpoint_of_the_cache_is_a_cache_mark() -> None:
    part = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit"}}
    [message] = read_request(body(input=[{"role": "user", "content": [part]}])).messages
    assert message.content == (Text("a", cache=Raw(b'{"type":"ephemeral"}')),)


def test_what_only_the_provider_knows_is_named_as_unread() -> None:
    request = read_request(
        body(
            input=[{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "go"}],
            previous_response_id="resp_1",
            prompt={"id": "pmpt_1"},
            conversation="conv_1",
            truncation="auto",
            background=True,
            include=["web_search_call.results"],
            max_tool_calls=3,
            moderation=None,
        )
    )
    assert request.previous == "resp_1"
    assert request.unread == (
        "prompt",
        "conversation",
        "max_tool_calls",
        "item_reference",
        "truncation",
        "background",
        "include",
    )


def test_items_of_server_tools_stay_as_they_are() -> None:
    call = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    output = {"type": "shell_call_output", "call_id": "c", "output": []}
    request = read_request(body(input=[call, output]))
    assert [message.role for message in request.messages] == ["assistant", "user"]
    written = write_request(request)
    assert json.loads(written.body)["input"] == [call, output]


def test_tools_that_an_item_brings_are_tools_of_the_request() -> None:
    tools = [{"type": "function", "name": "late", "parameters": {}, "strict": True}]
    request = read_request(body(input=[{"type": "additional_tools", "role": "developer", "tools": tools}]))
    assert [tool.name for tool in request.tools] == ["late"]


@pytest.mark.parametrize(
    ("choice", "wanted"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("any")),
        ({"type": "function", "name": "a"}, ToolChoice("named", "a")),
        ({"type": "custom", "name": "b"}, ToolChoice("named", "b")),
    ],
)
def test_the_choice_of_a_tool(choice: Any, wanted: ToolChoice) -> None:
    tools = [
        {"type": "function", "name": "a", "parameters": {"type": "object"}, "strict": False},
        {"type": "custom", "name": "b", "format": {"type": "text"}},
    ]
    request = read_request(body(input="x", tools=tools, tool_choice=choice))
    assert request.tool_choice == wanted
    assert responses_request(write_request(request).body)["tool_choice"] == choice


def test_tools_that_are_not_allowed_are_not_shown() -> None:
    tools = [{"type": "function", "name": name, "parameters": {}, "strict": False} for name in "abc"]
    choice = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "b"}]}
    request = read_request(body(input="x", tools=tools, tool_choice=choice))
    assert ([tool.name for tool in request.tools], request.tool_choice) == (["b"], ToolChoice("any"))


def test_the_choice_of_a_server_tool_is_unread() -> None:
    request = read_request(body(input="x", tool_choice={"type": "file_search"}))
    assert (request.tool_choice, request.unread) == (None, ("tool_choice",))


def test_a_form_of_the_answer_is_read() -> None:
    form = {"type": "json_schema", "name": "weather", "schema": json.loads(bytes(SCHEMA)), "strict": True}
    request = read_request(body(input="x", text={"format": form}))
    assert request.format is not None
    assert plain(request.format) == plain(Format(SCHEMA, "weather", strict=True))
    assert read_request(body(input="x", text={"format": {"type": "json_object"}})).format == Format()
    assert read_request(body(input="x", text={"format": {"type": "text"}})).format is None


def test_thoughts_of_another_provider_come_back_as_they_went() -> None:
    theirs = Thinking("hm", signature="sig", format="anthropic")
    call = {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"}
    request = read_request(
        body(
            input=[
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}],
                 "encrypted_content": pack_thinking(theirs)},
                {"type": "reasoning", "summary": [], "encrypted_content": pack(Carried(signature="S", call="c1"))},
                call,
            ]
        )
    )  # fmt: skip
    [message] = request.messages
    assert message.content == (theirs, ToolCall("c1", "f", "{}", signature="S"))


def test_thoughts_of_another_provider_are_not_sent_here() -> None:
    thoughts = (Thinking("a", signature="s", format="anthropic"), Thinking("b", sealed="x", format="gemini"))
    written = write_request(Request("m", (Message("assistant", (*thoughts, Thinking("c"), Text("d"))),)))
    assert set(written.dropped) == {"thinking.signature", "thinking.sealed", "thinking"}
    assert [item["type"] for item in json.loads(written.body)["input"]] == ["message"]


def test_what_the_format_cannot_say_is_named() -> None:
    request = Request(
        "m",
        (
            Message(
                "user", (ToolResult("c" * 70, (Text("no"),), is_error=True), Media("video", url="https://e.org/v"))
            ),
            Message("assistant", (Media("image", data="aGk="),)),
        ),
        system=(Text("a", cache=Raw(b"{}")), Media("image", data="aGk=")),
        tools=(Tool("g", foreign=Foreign("gemini", Raw(b'{"googleSearch":{}}'))),),
        sampling=Sampling(top_k=3, stop=("x",), seed=1, frequency_penalty=0.1, presence_penalty=0.1, n=2),
        reasoning=Reasoning("on", budget=9000),
        unread=("safetySettings",),
    )
    written = write_request(request)
    assert set(written.dropped) == {
        "safetySettings",
        "cache_control",
        "system.media",
        "tool_result.is_error",
        "tool_call.id",
        "video",
        "assistant.media",
        "tool.foreign",
        "top_k",
        "stop",
        "seed",
        "frequency_penalty",
        "presence_penalty",
        "n",
        "reasoning.budget",
    }
    told = responses_request(written.body)
    assert told["reasoning"] == {"effort": "medium"}
    assert len(told["input"][0]["call_id"]) <= 64


def test_more_that_the_format_cannot_say_is_named() -> None:
    mark = Raw(b'{"type":"ephemeral"}')
    theirs = Foreign("anthropic", Raw(b"{}"))
    request = Request(
        "m",
        (
            Message("user", (Text("a", cache=mark), Media("image", data="aGk=", name="n"),
                             Media("file", id="f", name="n"),
                             Media("file", media_type="text/plain", data="aGk=", detail="low"), theirs), name="bob"),
            Message("assistant", (Refusal("r"), Text("b", cache=mark, citations=mark), theirs,
                                  ToolCall("1", "f", cache=mark, signature="S"),
                                  Thinking("t", "s", "x", "rs_1", "responses"))),
            Message("user", (ToolResult("1", cache=mark, name="f"),)),
        ),
        tool_choice=ToolChoice("any", parallel=False),
        service_tier="standard_only",
        reasoning=Reasoning("off"),
    )  # fmt: skip
    written = write_request(request)
    told = responses_request(written.body)
    assert set(written.dropped) == {
        "cache_control", "image.name", "file.name", "foreign", "message.name", "citations", "tool_call.signature",
        "thinking.signature", "tool_result.name", "tool_choice", "tool_choice.parallel", "service_tier",
        "reasoning.off",
    }  # fmt: skip
    assert set(written.dropped) <= CANNOT.keys()
    assert told["input"][0]["content"][3] == {
        "type": "input_file",
        "filename": "document.txt",
        "detail": "low",
        "file_data": "data:text/plain;base64,aGk=",
    }


def test_nothing_is_stored_unless_the_caller_says_so() -> None:
    assert json.loads(write_request(Request("m", ())).body)["store"] is False
    assert json.loads(write_request(Request("m", (), store=True)).body)["store"] is True


def test_a_long_id_of_a_user_is_sent_as_its_digest() -> None:
    told = json.loads(write_request(Request("m", (), user="u" * 100)).body)
    assert len(told["safety_identifier"]) == 64


def test_an_answer_may_not_be_shorter_than_openai_allows() -> None:
    assert json.loads(write_request(Request("m", (), max_tokens=1)).body)["max_output_tokens"] == 16


def test_reasons_are_given_for_known_features_only() -> None:
    assert CANNOT.keys() <= FEATURES.keys()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"[]", "the request cannot be read: not a JSON object"),
        (b'{"input":"x"}', "the request cannot be read: the body: Object missing required field `model`"),
        (b'{"model":1}', "the request cannot be read: model: Expected `str`, got `int`"),
        (body(input=7), "the request cannot be read: input: Expected `str | array | null`, got `int`"),
        (
            body(input=[{"role": "bot", "content": "x"}]),
            "the request cannot be read: input[0].role: must be user, assistant, system or developer",
        ),
        (
            body(input=[{"role": "user", "content": [{"type": "input_text", "text": 1}]}]),
            "the request cannot be read: input[0].content[0].text: Expected `str`, got `int`",
        ),
        (
            body(input=[{"role": "user", "content": [{"type": "input_image"}]}]),
            "the request cannot be read: input[0].content[0]: an input_image needs image_url or file_id",
        ),
        (
            body(input="x", tools=[{"type": "function"}]),
            "the request cannot be read: tools[0].name: a tool of type function needs a name",
        ),
        (
            body(input=[{"role": "user", "content": [{"type": "input_file"}]}]),
            "the request cannot be read: input[0].content[0]: an input_file needs file_data, file_url or file_id",
        ),
        (
            body(input="x", tools=[{"type": "namespace", "name": "a", "tools": [{"type": "namespace", "name": "b"}]}]),
            "the request cannot be read: tools[0].tools[0].type: a namespace cannot stand in a namespace",
        ),
        (
            body(input="x", tools=[{"type": "web_search"}] * 4097),
            "the request cannot be read: tools: send at most 4096 tools",
        ),
        (body(input="x", tools=[{}]), "the request cannot be read: tools[0].type: say what kind of tool it is"),
        (
            body(input="x", tool_choice="some"),
            'the request cannot be read: tool_choice: must be "auto", "none", "required" or an object',
        ),
        (
            body(input="x", text={"format": {"type": "xml"}}),
            "the request cannot be read: text.format: must be text, json_object, or json_schema with a schema",
        ),
    ],
)  # fmt: skip
def test_bad_requests_are_told_what_is_wrong(sent: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_request(sent)
    assert str(caught.value).startswith(sentence)


def test_half_an_emoji_is_mended() -> None:
    assert read_request(b'{"model":"m","input":"a\\ud83d"}').messages == (Message("user", (Text("a\ufffd"),)),)


# Round trips.

WORD = st.text(min_size=1, max_size=8)
IDS = st.from_regex(r"[a-z]{1,6}_[a-z0-9]{1,8}", fullmatch=True)
MEDIA = st.one_of(
    st.builds(Media, st.just("image"), url=st.just("https://e.org/a"), detail=st.sampled_from(["", "low", "high"])),
    st.builds(Media, st.just("image"), media_type=st.just("image/gif"), data=st.just("R0lGOD")),
    st.builds(Media, st.just("file"), id=IDS),
    st.builds(Media, st.just("file"), media_type=st.just("text/csv"), data=st.just("YSxi"), name=st.just("a.csv")),
)
TEXT = st.builds(Text, WORD)
RESULT = st.builds(
    ToolResult,
    IDS,
    st.one_of(st.just(()), st.tuples(TEXT), st.tuples(TEXT, MEDIA)),
    custom=st.booleans(),
)
USER = st.builds(
    lambda results, rest: Message("user", (*results, *rest)),
    st.lists(RESULT, max_size=2),
    st.lists(st.one_of(TEXT, MEDIA), min_size=1, max_size=3),
)
ASSISTANT = st.builds(
    lambda blocks: Message("assistant", tuple(blocks)),
    st.lists(
        st.one_of(
            TEXT,
            st.builds(Refusal, WORD),
            st.builds(ToolCall, IDS, WORD, st.just('{"a":1}'), namespace=st.sampled_from(["", "ns"])),
            st.builds(ToolCall, IDS, WORD, WORD, custom=st.just(True)),
            st.builds(Thinking, st.one_of(st.just(""), WORD), sealed=WORD, id=IDS, format=st.just("responses")),
            st.just(foreign("responses")),
        ),
        min_size=1,
        max_size=4,
    ),
)
TOOLS = st.lists(
    st.one_of(
        st.builds(Tool, WORD, WORD, st.just(SCHEMA), st.booleans()),
        st.builds(Tool, WORD, WORD, custom=st.just(Raw(b'{"type":"text"}'))),
    ),
    min_size=1,
    max_size=3,
)
REQUESTS = st.builds(
    Request,
    model=WORD,
    messages=st.lists(st.tuples(USER, ASSISTANT), max_size=2).map(lambda pairs: sum(pairs, ())),
    system=st.one_of(st.just(()), st.lists(TEXT, min_size=1, max_size=2).map(tuple)),
    tools=TOOLS.map(tuple),
    tool_choice=st.one_of(
        st.none(),
        st.builds(ToolChoice, st.sampled_from(["auto", "none", "any"]), parallel=st.sampled_from([None, True, False])),
    ),
    max_tokens=st.one_of(st.none(), st.integers(16, 10**6)),
    sampling=st.builds(
        Sampling,
        temperature=st.one_of(st.none(), st.floats(0, 2)),
        top_p=st.one_of(st.none(), st.floats(0, 1)),
        logprobs=st.sampled_from([None, True]),
        top_logprobs=st.one_of(st.none(), st.integers(0, 20)),
    ),
    reasoning=st.one_of(
        st.none(),
        st.just(Reasoning("off", "none")),
        st.builds(Reasoning, st.just("on"), st.sampled_from(["low", "max"]), show=st.sampled_from([None, True])),
    ),
    format=st.one_of(st.none(), st.just(Format()), st.builds(Format, st.just(SCHEMA), WORD, WORD, st.booleans())),
    verbosity=st.sampled_from(["", "low"]),
    stream=st.booleans(),
    user=st.one_of(st.just(""), WORD),
    cache_key=st.one_of(st.just(""), WORD),
    service_tier=st.sampled_from(["", "flex"]),
    metadata=st.sampled_from([Raw(b""), Raw(b'{"a":"b"}')]),
    previous=st.sampled_from(["", "resp_1"]),
    store=st.booleans(),
)  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(REQUESTS)
def test_what_the_format_can_say_survives_the_way_there_and_back(request: Request) -> None:
    written = write_request(request)
    responses_request(written.body)
    assert written.dropped == ()
    assert plain(read_request(written.body)) == plain(request)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["message", "function_call", "user", "x"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["type", "role", "content", "text", "name", "call_id", "output", "summary", "tools",
                             "image_url", "format", "encrypted_content", "arguments"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(["input", "tools", "tool_choice", "text", "reasoning", "include"]), JSON))
def test_whatever_is_asked_is_read_or_refused(members: dict[str, Any]) -> None:
    try:
        request = read_request(json.dumps({"model": "m", **members}).encode())
    except BadRequest:
        return
    json.loads(write_request(request).body)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda junk: b'{"model":"m","input":"' + junk)))
def test_junk_is_refused(sent: bytes) -> None:
    try:
        read_request(sent)
    except BadRequest:
        return
