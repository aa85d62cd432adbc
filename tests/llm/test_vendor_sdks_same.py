"""Every vendor's SDK before a provider of its own format: what it sends and is answered passes byte for byte.

Also what is no chat: lists of models, counts of tokens, embeddings.
"""

import json
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google.genai import types as genai_types

from tests.llm.vendor_clients import ADD, CLIENTS, Clients, Wants
from tests.llm.vendor_wire import FORMATS, STREAMS, WHOLE, Calls, Says
from tests.llm.vendor_world import KEY, MODELS, World

pytestmark = pytest.mark.slow

EVERY_CLIENT = pytest.mark.parametrize("client", CLIENTS)
CALL = Calls("call_1", "add", {"a": 1, "b": 2})
PATHS = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "gemini": "/v1beta/models/{}:generateContent",
}


@EVERY_CLIENT
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_whole_conversation_with_signed_thoughts_is_passed_on_byte_for_byte(
    stage: World, sdks: Clients, client: str, stream: bool
) -> None:
    stage.providers.say(Says("I will add.", (CALL,), thought="Adding is easy."), Says("3."))
    talker = sdks.talker(client, f"{client}:model" if client != "gemini" else "own-gemini")
    talker.say("What is 1 + 2?", image=True)
    sdks.sent.clear()
    wants = Wants(tools=True, thoughts=True, system="Be brief.")
    heard = talker.hear(wants, stream=stream)
    talker.give([(call, "3") for call in heard.calls])
    assert talker.hear(wants, stream=stream).text == "3."
    assert len(sdks.sent) == 2
    assert [asked.raw for asked in stage.providers.asked] == sdks.sent


@EVERY_CLIENT
def test_of_a_request_nothing_but_the_name_of_the_model_is_changed(stage: World, sdks: Clients, client: str) -> None:
    stage.providers.say(Says("Hello."))
    talker = sdks.talker(client, client)
    talker.say("Hi")
    talker.hear()
    sent = sdks.sent[-1]
    if client != "gemini":
        sent = sent.replace(json.dumps(client).encode(), json.dumps(MODELS[client]).encode(), 1)
    assert stage.providers.last.raw == sent
    assert (client == "gemini") == (MODELS["gemini"] in stage.providers.last.path)


@EVERY_CLIENT
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_an_answer_is_passed_on_byte_for_byte(stage: World, client: str, stream: bool) -> None:
    says = Says("Hello there.", (CALL,), thought="Well, well.")
    stage.providers.say(says)
    path = PATHS[client].format("gemini")
    body: dict[str, Any] = {"model": client, "messages": [], "input": "Hi", "max_tokens": 9, "contents": []}
    if stream and client == "gemini":
        path = path.replace(":generate", ":streamGenerate") + "?alt=sse"
    elif stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    headers = {"authorization": f"Bearer {KEY}"}
    got = httpx2.post(stage.url + path, json=body, headers=headers, trust_env=False, timeout=20)
    wanted = b"".join(STREAMS[client](says)) if stream else json.dumps(WHOLE[client](says)).encode()
    assert (got.status_code, got.content) == (200, wanted)


def test_the_beta_headers_and_the_query_of_anthropics_client_pass(stage: World, sdks: Clients) -> None:
    stage.providers.say(Says("Hello."))
    sdks.anthropic.beta.messages.create(
        model="anthropic",
        max_tokens=9,
        messages=[{"role": "user", "content": "Hi"}],
        betas=["context-1m-2025-08-07"],
        extra_query={"beta": "true"},
    )
    asked = stage.providers.last
    assert asked.path == "/anthropic/v1/messages?beta=true"
    assert asked.headers["anthropic-beta"] == "context-1m-2025-08-07"
    assert asked.headers["anthropic-version"] == sdks.anthropic.default_headers["anthropic-version"]
    assert asked.headers["x-api-key"] == "sk-up"
    assert KEY not in str(asked.headers)


def test_every_client_lists_the_models(stage: World, sdks: Clients) -> None:
    names = sorted([*FORMATS, *(f"own-{name}" for name in FORMATS)])
    assert [model.id for model in sdks.openai.models.list()] == names
    assert [model.name for model in sdks.gemini.models.list()] == [f"models/{name}" for name in names]
    listed = [model.id for model in sdks.anthropic.models.list()]
    assert listed == [name if name.startswith("anthropic") else f"claude-{name}" for name in names]
    assert sdks.anthropic.models.retrieve("claude-openai").id == "claude-openai"
    assert sdks.openai.models.retrieve("openai").id == "openai"
    assert sdks.gemini.models.get(model="gemini").name == "models/gemini"


def test_a_name_of_the_picker_leads_to_its_route(stage: World, sdks: Clients) -> None:
    stage.providers.say(Says("Hello."))
    talker = sdks.talker("anthropic", "claude-gemini")
    talker.say("Hi")
    assert talker.hear().text == "Hello."
    assert stage.providers.last.format == "gemini"


def test_tokens_are_counted_by_the_provider(stage: World, sdks: Clients) -> None:
    stage.providers.say(b'{"input_tokens":17}')
    messages: Any = [{"role": "user", "content": "Hi"}]
    assert sdks.anthropic.messages.count_tokens(model="anthropic", messages=messages).input_tokens == 17
    assert stage.providers.last.path == "/anthropic/v1/messages/count_tokens"
    stage.providers.say(b'{"totalTokens":18}')
    assert sdks.gemini.models.count_tokens(model="gemini", contents="Hi").total_tokens == 18
    assert stage.providers.last.path == f"/gemini/v1beta/models/{MODELS['gemini']}:countTokens"


def test_tokens_are_counted_by_a_provider_of_another_format(stage: World, sdks: Clients) -> None:
    stage.providers.say(b'{"totalTokens":23,"promptTokensDetails":[{"modality":"TEXT","tokenCount":23}]}')
    tools: Any = [{"name": "add", "description": "Add two numbers.", "input_schema": ADD}]
    messages: Any = [{"role": "user", "content": "Hi"}]
    counted = sdks.anthropic.messages.with_raw_response.count_tokens(
        model="gemini", messages=messages, system="Be brief.", tools=tools
    )
    assert counted.parse().input_tokens == 23
    assert "x-fedgate-estimated" not in counted.headers
    asked = stage.providers.last
    assert asked.path == f"/gemini/v1beta/models/{MODELS['gemini']}:countTokens"
    inner = asked.body["generateContentRequest"]
    assert inner.pop("model") == f"models/{MODELS['gemini']}"
    genai_types.GenerateContentConfig.model_validate({"tools": inner["tools"]})
    assert [genai_types.Content.model_validate(each).role for each in inner["contents"]] == ["user"]
    assert inner["systemInstruction"]["parts"] == [{"text": "Be brief."}]

    stage.providers.say(b'{"input_tokens":24}')
    assert sdks.gemini.models.count_tokens(model="anthropic", contents="Hi").total_tokens == 24
    asked = stage.providers.last
    assert asked.path == "/anthropic/v1/messages/count_tokens"
    assert asked.body.keys() <= anthropic.types.MessageCountTokensParams.__annotations__.keys()
    assert asked.headers["anthropic-version"]


@pytest.mark.parametrize("provider", ["openai", "responses", "bedrock"])
def test_tokens_are_estimated_where_no_provider_counts_them(stage: World, sdks: Clients, provider: str) -> None:
    stage.providers.say(Says("never asked"))
    messages: Any = [{"role": "user", "content": "word " * 400}]
    counted = sdks.anthropic.messages.with_raw_response.count_tokens(model=provider, messages=messages)
    assert counted.headers["x-fedgate-estimated"] == "true"
    assert 200 <= counted.parse().input_tokens <= 1000
    total = sdks.gemini.models.count_tokens(model=provider, contents="word " * 400).total_tokens
    assert total is not None
    assert 200 <= total <= 1000
    assert stage.providers.asked == []


def test_embeddings_pass(stage: World, sdks: Clients) -> None:
    vectors = [{"object": "embedding", "index": index, "embedding": [0.25, -1.5]} for index in range(2)]
    usage = {"prompt_tokens": 4, "total_tokens": 4}
    stage.providers.say(json.dumps({"object": "list", "data": vectors, "model": "e", "usage": usage}).encode())
    got = sdks.openai.embeddings.create(model="openai", input=["one", "two"], encoding_format="float")
    assert [each.embedding for each in got.data] == [[0.25, -1.5], [0.25, -1.5]]
    assert got.usage.total_tokens == 4
    assert stage.providers.last.path == "/openai/v1/embeddings"
    assert stage.providers.last.raw == sdks.sent[-1].replace(b'"openai"', b'"gpt-5.2"', 1)


@pytest.mark.parametrize("provider", ["anthropic", "gemini", "bedrock"])
def test_embeddings_of_a_provider_without_them_are_refused(stage: World, sdks: Clients, provider: str) -> None:
    stage.providers.say(Says("never asked"))
    with pytest.raises(openai.BadRequestError, match=f"provider {provider} has no embeddings"):
        sdks.openai.embeddings.create(model=provider, input="one")
    assert stage.providers.asked == []


def test_a_key_in_the_address_is_refused_in_words(stage: World) -> None:
    got = httpx2.post(
        f"{stage.url}/v1beta/models/gemini:generateContent?key={KEY}", json={"contents": []}, trust_env=False
    )
    assert got.status_code in (400, 401)
    assert "the address must not carry a key" in got.json()["error"]["message"]
    assert KEY not in got.text


def test_what_could_not_be_carried_is_named_in_a_header(stage: World, sdks: Clients) -> None:
    stage.providers.say(Says("Hello."))
    messages: Any = [{"role": "user", "content": "Hi", "name": "ada"}]
    raw = sdks.openai.chat.completions.with_raw_response.create(
        model="anthropic", messages=messages, seed=7, presence_penalty=0.5, logprobs=True
    )
    dropped = raw.headers["x-fedgate-dropped"].replace(" ", "").split(",")
    assert set(dropped) == {"seed", "presence_penalty", "logprobs", "message.name"}
    assert raw.headers["x-fedgate-target"] == "anthropic/claude-sonnet-4-5"
    assert raw.headers["x-fedgate-route"] == "anthropic"


def test_bearer_tokens_of_anthropics_client_open_the_gateway(stage: World) -> None:
    stage.providers.say(Says("Hello."))
    with (
        httpx2.Client(trust_env=False) as http,
        anthropic.Anthropic(base_url=stage.url, auth_token=KEY, http_client=http, max_retries=0) as client,
    ):
        messages: Any = [{"role": "user", "content": "Hi"}]
        assert client.messages.create(model="anthropic", max_tokens=9, messages=messages).stop_reason == "end_turn"
