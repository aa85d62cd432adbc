"""llm/gemini_request.py and what is below it: requests of Gemini's generateContent, both ways."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedgate.core.errors import BadRequest
from fedgate.core.rawjson import Raw
from fedgate.llm.carried import Carried, pack, pack_thinking
from fedgate.llm.features import FEATURES
from fedgate.llm.gemini_request import CANNOT, read_request, write_request
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
from tests.llm.judges import gemini_request, plain

SCHEMA = Raw(b'{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}')
USER = {"role": "user", "parts": [{"text": "hi"}]}


def body(**members: Any) -> bytes:
    return json.dumps({"contents": [USER], **members}).encode()


CLI: dict[str, Any] = {
    "systemInstruction": {"role": "user", "parts": [{"text": "You are Gemini CLI."}]},
    "contents": [
        {
            "role": "user",
            "parts": [{"text": "weather?"}, {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}],
        },
        {
            "role": "model",
            "parts": [
                {"text": "Thinking.", "thought": True},
                {"text": "One moment.", "thoughtSignature": "c2ln"},
                {"functionCall": {"name": "weather", "args": {"city": "Paris"}}, "thoughtSignature": "Y2FsbA=="},
                {"functionCall": {"id": "given", "name": "weather", "args": {}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "weather", "response": {"output": "sunny"}}},
                {"functionResponse": {"id": "given", "name": "weather", "response": {"error": "no city"}}},
            ],
        },
    ],
    "tools": [
        {
            "functionDeclarations": [
                {
                    "name": "weather",
                    "description": "Tells.",
                    "parameters": {
                        "type": "OBJECT",
                        "properties": {"city": {"type": "STRING", "nullable": True}, "type": {"type": "ARRAY",
                                       "items": {"type": "INTEGER"}, "minItems": "1"}},
                        "propertyOrdering": ["city"],
                    },
                },
                {"name": "add", "parametersJsonSchema": {"type": "object"}},
            ]
        },
        {"googleSearch": {}},
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["weather"]}},
    "generationConfig": {
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxOutputTokens": 100,
        "stopSequences": ["x"],
        "seed": 7,
        "candidateCount": 1,
        "presencePenalty": 0.1,
        "frequencyPenalty": 0.2,
        "responseLogprobs": True,
        "logprobs": 3,
        "responseMimeType": "application/json",
        "responseSchema": {"type": "STRING", "enum": ["a"], "nullable": True},
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 8192},
        "mediaResolution": "MEDIA_RESOLUTION_LOW",
    },
    "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}],
    "cachedContent": "cachedContents/1",
}  # fmt: skip


def test_a_request_is_read_whole() -> None:
    request = read_request(json.dumps(CLI).encode(), "gemini-2.5-pro", stream=True)
    assert (request.model, request.stream, request.max_tokens) == ("gemini-2.5-pro", True, 100)
    assert request.system == (Text("You are Gemini CLI."),)
    asked, called, answered = request.messages
    assert asked.content == (Text("weather?"), Media("image", media_type="image/png", data="iVBORw0KGgo="))
    thought, text, signed, first, second = called.content
    assert thought == Thinking("Thinking.", format="gemini")
    assert (text, signed) == (Text("One moment."), Thinking("", signature="c2ln", format="gemini"))
    assert isinstance(first, ToolCall)
    assert (first.name, json.loads(first.arguments), first.signature) == ("weather", {"city": "Paris"}, "Y2FsbA==")
    assert second == ToolCall("given", "weather", "{}")
    assert answered.content == (
        ToolResult(first.id, (Text("sunny"),), name="weather"),
        ToolResult("given", (Text("no city"),), is_error=True, name="weather"),
    )
    weather, add, search = request.tools
    assert plain(weather.parameters) == {
        "type": "object",
        "properties": {
            "city": {"type": ["string", "null"]},
            "type": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
        },
    }
    assert plain(add.parameters) == {"type": "object"}
    assert search.foreign == Foreign("gemini", Raw(b'{"googleSearch":{}}'))
    assert request.tool_choice == ToolChoice("named", "weather")
    assert request.sampling == Sampling(1.0, 0.95, 64, ("x",), 7, 0.2, 0.1, True, 3, 1)
    assert request.reasoning == Reasoning("on", budget=8192, show=True)
    assert request.format is not None
    assert plain(request.format.schema) == {"type": ["string", "null"], "enum": ["a", None]}
    assert request.unread == ("safetySettings", "cachedContent", "generationConfig.mediaResolution")


def snake(value: Any) -> Any:
    """As the documentation's examples for the shell are spelt; the caller's own objects are not."""
    if isinstance(value, list):
        return [snake(each) for each in value]
    if not isinstance(value, dict):
        return value
    own = {"args", "response", "properties", "parametersJsonSchema"}
    spelt = {"".join("_" + c.lower() if c.isupper() else c for c in name): name for name in value}
    return {new: value[old] if old in own else snake(value[old]) for new, old in spelt.items()}


def test_snake_case_means_the_same() -> None:
    assert "function_call" in json.dumps(snake(CLI))
    [one, other] = [read_request(json.dumps(each).encode(), "m") for each in (CLI, snake(CLI))]
    assert plain(one) == plain(other)


def test_what_was_read_is_written_so_that_the_sdk_knows_every_member() -> None:
    written = write_request(read_request(json.dumps(CLI).encode(), "gemini-2.5-pro"))
    told = gemini_request(written.body)
    assert set(written.dropped) == {"safetySettings", "cachedContent", "generationConfig.mediaResolution"}
    assert told["contents"][1]["parts"][:2] == CLI["contents"][1]["parts"][:2]
    assert told["contents"][1]["parts"][2]["thoughtSignature"] == "Y2FsbA=="
    ids = [part["functionCall"]["id"] for part in told["contents"][1]["parts"][2:]]
    assert [part["functionResponse"]["id"] for part in told["contents"][2]["parts"]] == ids
    assert told["contents"][2]["parts"][1]["functionResponse"]["response"] == {"error": "no city"}
    assert told["tools"][1] == {"googleSearch": {}}
    assert told["toolConfig"] == CLI["toolConfig"]
    for name in ("temperature", "topP", "topK", "stopSequences", "logprobs", "thinkingConfig", "candidateCount"):
        assert told["generationConfig"][name] == CLI["generationConfig"][name]


def test_calls_without_ids_get_the_same_ones_whenever_they_are_read() -> None:
    call = {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}, {"functionCall": {"name": "f"}}]}
    result = {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}] * 2}
    first, second = (read_request(body(contents=[USER, call, result]), "m") for _ in range(2))
    assert first == second
    calls = [block.id for block in first.messages[1].content if isinstance(block, ToolCall)]
    assert len(set(calls)) == 2
    assert first.messages[2].content == tuple(ToolResult(id_, (), name="f") for id_ in calls)


def test_other_results_are_the_text_of_their_json() -> None:
    result = {"role": "user", "parts": [{"functionResponse": {"id": "1", "name": "f", "response": {"a": 1, "b": 2}}}]}
    [message] = read_request(body(contents=[result]), "m").messages
    assert message.content == (ToolResult("1", (Text('{"a": 1, "b": 2}'),), name="f"),)


def test_what_a_caller_was_given_to_keep_goes_back_to_its_provider() -> None:
    def sealed(text: str) -> str:
        return base64.urlsafe_b64encode(text.encode()).decode()  # callers hold bytes, and write them like this

    theirs = Thinking("hm", signature="sig+/=", format="anthropic")
    parts = [
        {"text": "hm", "thought": True, "thoughtSignature": sealed(pack_thinking(theirs))},
        {"functionCall": {"id": "c", "name": "f"}, "thoughtSignature": sealed(pack(Carried(signature="S", call="c")))},
    ]
    [message] = read_request(body(contents=[{"role": "model", "parts": parts}]), "m").messages
    assert message.content == (theirs, ToolCall("c", "f", signature="S"))


def test_thinking_is_read_in_levels_and_budgets() -> None:
    def reasoning(**config: Any) -> Reasoning | None:
        return read_request(body(generationConfig={"thinkingConfig": config}), "m").reasoning

    assert reasoning(thinkingLevel="HIGH") == Reasoning("on", "high")
    assert reasoning(thinkingBudget=0) == Reasoning("off", "none")
    assert reasoning(thinkingBudget=-1) == Reasoning("adaptive")
    assert reasoning(includeThoughts=True) == Reasoning("adaptive", show=True)
    assert reasoning() is None


@pytest.mark.parametrize(
    ("model", "asked", "told", "dropped"),
    [
        ("gemini-2.5-flash", Reasoning("on", "low"), {"thinkingBudget": 2048}, ("reasoning.effort",)),
        (
            "gemini-2.5-flash",
            Reasoning("on", budget=99, show=True),
            {"includeThoughts": True, "thinkingBudget": 99},
            (),
        ),
        ("gemini-2.5-flash", Reasoning("adaptive"), {"thinkingBudget": -1}, ()),
        ("gemini-2.5-flash", Reasoning("off", "none"), {"thinkingBudget": 0}, ()),
        ("gemini-2.5-flash", Reasoning("off"), None, ("reasoning.off",)),
        ("gemini-3-pro-preview", Reasoning("on", "low"), {"thinkingLevel": "LOW"}, ()),
        ("gemini-3-pro-preview", Reasoning("on", "max"), {"thinkingLevel": "HIGH"}, ("reasoning.effort",)),
        ("gemini-3.1-pro", Reasoning("on", budget=99), {"thinkingBudget": 99}, ()),
        ("gemini-3.1-pro", Reasoning("off", "none"), {"thinkingLevel": "MINIMAL"}, ("reasoning.off",)),
        ("gemini-3.1-pro", Reasoning("adaptive"), None, ("reasoning.adaptive",)),
    ],
)
def test_thinking_is_written_as_the_model_knows_it(
    model: str, asked: Reasoning, told: Any, dropped: tuple[str, ...]
) -> None:
    written = write_request(Request(model, (Message("user", (Text("x"),)),), reasoning=asked))
    assert gemini_request(written.body).get("generationConfig", {}).get("thinkingConfig") == told
    assert written.dropped == dropped


HISTORY = (
    Message("user", (Text("a"),)),
    Message("assistant", (ToolCall("1", "f"),)),
    Message("user", (ToolResult("1"),)),
    Message("assistant", (Text("b"),)),
    Message("user", (Text("c"),)),
    Message("assistant", (ToolCall("2", "f"), ToolCall("3", "f"))),
    Message("user", (ToolResult("2"), ToolResult("3"))),
)


def test_calls_of_other_models_are_signed_for_gemini_3_since_the_user_last_spoke() -> None:
    told = gemini_request(write_request(Request("gemini-3-pro-preview", HISTORY)).body)
    signs = [
        part.get("thoughtSignature") for turn in told["contents"] for part in turn["parts"] if "functionCall" in part
    ]
    assert signs == [None, "skip_thought_signature_validator", None]
    assert "thoughtSignature" not in write_request(Request("gemini-2.5-pro", HISTORY)).body.decode()


def test_media_in_the_alphabet_for_addresses_as_googles_clients_write_it_is_read_into_the_usual_one() -> None:
    data = base64.urlsafe_b64encode(b"\xfb\xef\xff" * 3).decode()
    assert data == "--__--__--__"
    turn = {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": data}}]}
    (message,) = read_request(body(contents=[turn]), "m").messages
    assert message.content == (Media("image", media_type="image/png", data="++//++//++//"),)


def test_images_of_tools_stand_where_the_model_can_see_them() -> None:
    image = Media("image", media_type="image/png", data="iVBORw0KGgo=")
    messages = (*HISTORY[:2], Message("user", (ToolResult("1", (Text("see"), image)), Text("well?"))))
    part = {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}}
    old = write_request(Request("gemini-2.5-pro", messages))
    assert [turn["parts"] for turn in gemini_request(old.body)["contents"][2:]] == [
        [{"functionResponse": {"id": "1", "name": "f", "response": {"output": "see"}}}],
        [part, {"text": "well?"}],
    ]
    assert old.dropped == ("tool_result.media",)
    new = write_request(Request("gemini-3-pro", messages))
    assert gemini_request(new.body)["contents"][2]["parts"][0]["functionResponse"]["parts"] == [part]
    assert new.dropped == ()


def test_custom_tools_become_functions_of_one_string() -> None:
    request = Request(
        "m",
        (
            Message("assistant", (ToolCall("1", "patch", "*** Begin", custom=True),)),
            Message("user", (ToolResult("1", (Text("ok"),), custom=True),)),
        ),
        tools=(Tool("patch", custom=Raw(b'{"type":"text"}')),),
    )
    written = write_request(request)
    told = gemini_request(written.body)
    assert told["contents"][0]["parts"][0]["functionCall"]["args"] == {"input": "*** Begin"}
    assert told["tools"][0]["functionDeclarations"][0]["parametersJsonSchema"]["required"] == ["input"]
    assert written.dropped == ("tool_call.custom", "tool.custom")


def test_tools_of_a_namespace_get_one_name_and_are_renamed() -> None:
    tool = Tool("add", namespace="mcp__notes", parameters=SCHEMA)
    written = write_request(
        Request("m", (Message("assistant", (ToolCall("1", "add", namespace="mcp__notes"),)),), tools=(tool,),
                tool_choice=ToolChoice("named", "add"))
    )  # fmt: skip
    told = gemini_request(written.body)
    assert told["tools"][0]["functionDeclarations"][0]["name"] == "mcp__notes__add"
    assert told["contents"][0]["parts"][0]["functionCall"]["name"] == "mcp__notes__add"
    assert told["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == ["mcp__notes__add"]
    assert written.renamed == {"mcp__notes__add": tool}


def test_what_the_format_cannot_say_is_named() -> None:
    mark = Raw(b'{"type":"ephemeral"}')
    request = Request(
        "gemini-2.5-pro",
        (
            Message("user", (Text("a", cache=mark), Media("image", id="f"), Media("file", data="aGk=", name="n"))),
            Message("system", (Text("be kind"),)),
            Message("user", (Text(""), ToolResult("9", (Text("a"), Text("b"))))),
            Message("assistant", (Thinking("t", signature="s", format="anthropic"), Refusal("r"),
                                  Text("c", citations=mark), ToolCall("1", "f", "no json"),
                                  Foreign("anthropic", Raw(b"{}"))), name="bot"),
        ),
        system=(Media("image", data="aGk="),),
        tools=(Tool("f", strict=True), Tool("w", foreign=Foreign("anthropic", Raw(b"{}")))),
        tool_choice=ToolChoice(parallel=False),
        format=Format(SCHEMA, "n", "d", strict=True),
        verbosity="low",
        user="u",
        cache_key="k",
        service_tier="scale",
        metadata=Raw(b'{"a":"b"}'),
        previous="resp",
        store=True,
        unread=("truncation",),
    )  # fmt: skip
    written = write_request(request)
    gemini_request(written.body)
    assert set(written.dropped) == {
        "truncation", "cache_control", "image.id", "file.name", "system.inline", "message.empty", "blocks.order",
        "blocks.merged", "thinking.signature", "refusal", "citations", "tool_call.arguments", "foreign", "message.name",
        "system.media", "tool.strict", "tool.foreign", "tool_choice.parallel", "format.name", "format.description",
        "format.strict", "verbosity", "user", "cache_key", "service_tier", "metadata", "previous", "store",
    }  # fmt: skip


def test_reasons_are_given_for_known_features_only() -> None:
    assert CANNOT.keys() <= FEATURES.keys()


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        (b"[]", "not a JSON object"),
        (b"{}", "contents: is missing"),
        (body(contents="hi"), "contents: must be a list of turns"),
        (body(contents=["hi"]), "contents[0]: must be an object"),
        (body(contents=[{"role": "assistant", "parts": []}]), "contents[0].role: must be user or model"),
        (body(contents=[{"parts": [{"text": 1}]}]), "contents[0].parts[0].text: Expected `str | null`, got `int`"),
        (
            body(contents=[{"parts": [{"functionCall": {"args": {}}}]}]),
            "contents[0].parts[0].functionCall.name: is missing",
        ),
        (
            body(contents=[{"parts": [{"functionResponse": {"name": "f", "response": "x"}}]}]),
            "contents[0].parts[0].functionResponse.response: must be an object",
        ),
        (body(tools={}), "tools: must be a list"),
        (
            body(tools=[{"functionDeclarations": [{}]}]),
            "tools[0].functionDeclarations[0]: Object missing required field",
        ),
        (
            body(toolConfig={"functionCallingConfig": {"mode": "SOME"}}),
            "toolConfig.functionCallingConfig.mode: must be AUTO, ANY, NONE or VALIDATED",
        ),
        (
            body(generationConfig={"maxOutputTokens": "many"}),
            "generationConfig.maxOutputTokens: Expected `int | null`, got `str`",
        ),
        (
            body(generationConfig={"responseMimeType": "application/json", "responseSchema": 3}),
            "generationConfig.responseSchema: must be a schema",
        ),
    ],
)
def test_bad_requests_are_told_what_is_wrong(sent: bytes, sentence: str) -> None:
    with pytest.raises(BadRequest) as caught:
        read_request(sent, "m")
    assert str(caught.value).startswith(f"the request cannot be read: {sentence}")


def test_a_schema_that_is_nested_too_deep_is_refused() -> None:
    schema: Any = {"type": "STRING"}
    for _ in range(70):
        schema = {"type": "ARRAY", "items": schema}
    with pytest.raises(BadRequest, match="is nested more than 64 deep"):
        read_request(body(tools=[{"functionDeclarations": [{"name": "f", "parameters": schema}]}]), "m")


# Round trips.

WORD = st.text(min_size=1, max_size=8).filter(lambda word: word.strip() != "")
MEDIA = st.one_of(
    st.builds(Media, st.just("image"), media_type=st.just("image/gif"), data=st.just("R0lGODlh")),
    st.builds(Media, st.just("file"), media_type=st.just("application/pdf"), url=st.just("https://e.org/a")),
    st.builds(Media, st.just("audio"), media_type=st.just("audio/wav"), data=st.just("AAAA")),
    st.builds(Media, st.just("video"), media_type=st.just("video/mp4"), url=st.just("https://e.org/v")),
)
TEXT = st.builds(Text, WORD)
ASSISTANT = st.lists(
    st.one_of(
        TEXT,
        MEDIA,
        st.builds(Thinking, WORD, st.sampled_from(["", "c2ln"]), format=st.just("gemini")),
        st.just(Foreign("gemini", Raw(b'{"executableCode":{"code":"1","language":"PYTHON"}}'))),
    ),
    min_size=1,
    max_size=3,
).map(tuple)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[Message, ...]:
    messages: list[Message] = []
    for number in range(draw(st.integers(1, 3))):
        messages.append(Message("user", tuple(draw(st.lists(st.one_of(TEXT, MEDIA), min_size=1, max_size=2)))))
        calls = tuple(
            ToolCall(
                f"c{number}_{at}",
                draw(st.sampled_from(["f", "g"])),
                '{"a":1}',
                signature=draw(st.sampled_from(["", "cw=="])),
            )
            for at in range(draw(st.integers(0, 2)))
        )
        messages.append(Message("assistant", draw(ASSISTANT) + calls))
        if calls:
            results = tuple(
                ToolResult(call.id, (draw(TEXT), *draw(st.lists(MEDIA, max_size=1))), draw(st.booleans()), call.name)
                for call in calls
            )
            messages += [Message("user", results), Message("assistant", (Text("ok"),))]
    return tuple(messages)


REQUESTS = st.builds(
    Request,
    model=st.just("gemini-3-pro"),
    messages=conversations(),
    system=st.one_of(st.just(()), st.lists(TEXT, min_size=1, max_size=2).map(tuple)),
    tools=st.lists(
        st.one_of(
            st.builds(Tool, st.sampled_from(["f", "g"]), WORD, st.sampled_from([SCHEMA, Raw(b"")])),
            st.just(Tool("googleSearch", foreign=Foreign("gemini", Raw(b'{"googleSearch":{}}')))),
        ),
        min_size=1,
        max_size=2,
    ).map(lambda tools: tuple(sorted(tools, key=lambda tool: tool.foreign is not None))),
    tool_choice=st.sampled_from([None, ToolChoice(), ToolChoice("none"), ToolChoice("any")]),
    max_tokens=st.one_of(st.none(), st.integers(0, 10**6)),
    sampling=st.builds(
        Sampling,
        temperature=st.one_of(st.none(), st.floats(0, 2)),
        top_p=st.one_of(st.none(), st.floats(0, 1)),
        top_k=st.one_of(st.none(), st.integers(0, 99)),
        stop=st.lists(WORD, max_size=2).map(tuple),
        seed=st.one_of(st.none(), st.integers(-9, 9)),
        frequency_penalty=st.one_of(st.none(), st.floats(-2, 2)),
        presence_penalty=st.one_of(st.none(), st.floats(-2, 2)),
        logprobs=st.sampled_from([None, True]),
        top_logprobs=st.one_of(st.none(), st.integers(0, 20)),
        n=st.sampled_from([None, 1, 2]),
    ),
    reasoning=st.sampled_from([None, Reasoning("on", "low"), Reasoning("on", budget=7, show=True)]),
    format=st.sampled_from([None, Format(), Format(SCHEMA)]),
    service_tier=st.sampled_from(["", "flex", "default"]),
)


def unsigned(request: Request) -> Any:
    """The request without the signature that stands for none."""
    return json.loads(json.dumps(plain(request)).replace("skip_thought_signature_validator", ""))


@settings(max_examples=80, deadline=None)
@given(REQUESTS)
def test_what_the_format_can_say_survives_the_way_there_and_back(request: Request) -> None:
    written = write_request(request)
    gemini_request(written.body)
    assert written.dropped == ()
    assert unsigned(read_request(written.body, "gemini-3-pro")) == json.loads(json.dumps(plain(request)))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["user", "AUTO", "f", "application/json"])),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(["role", "parts", "text", "functionCall", "function_response", "inlineData", "name", "args",
                             "functionDeclarations", "parameters", "responseSchema", "response_mime_type", "type",
                             "thinkingConfig", "functionCallingConfig", "mode", "thoughtSignature", "properties"]),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["contents", "tools", "toolConfig", "generation_config", "systemInstruction"]), JSON
    )
)
def test_whatever_is_asked_is_read_or_refused(members: dict[str, Any]) -> None:
    try:
        request = read_request(json.dumps({"contents": [], **members}).encode(), "gemini-3-pro")
    except BadRequest:
        return
    json.loads(write_request(request).body)


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.binary(max_size=60), st.binary(max_size=20).map(lambda junk: b'{"contents":[{"parts":[{' + junk)))
def test_junk_is_refused(sent: bytes) -> None:
    try:
        read_request(sent, "m")
    except BadRequest:
        return
