"""llm/providers.py and the provider_ modules: where each kind is asked, with which key and headers."""

import json
from typing import Any

import pytest

from fedgate.llm.presets import PRESETS
from fedgate.llm.provider_settings import ProviderSettings, Type
from fedgate.llm.provider_wire import Order, Outgoing
from fedgate.llm.providers import Provider
from fedgate.llm.values import Failure, Target

NOW = 1735787045.0


def provider(**settings: Any) -> Provider:
    return Provider("up", ProviderSettings.model_validate(settings))


def sent(up: Provider, format_: str = "openai", **order: Any) -> tuple[str, dict[bytes, bytes], Outgoing]:
    given = {"format": format_, "operation": "chat", "model": "m", "body": b"{}", **order}
    outgoing = up.kind.outgoing(Order(**given), NOW)
    return f"{up.address}{outgoing.path}", dict(outgoing.headers), outgoing


PLAIN = {b"content-type": b"application/json", b"accept": b"application/json", b"accept-encoding": b"identity"}


@pytest.mark.parametrize(
    ("settings", "format_", "order", "url", "key"),
    [
        ({"type": "openai"}, "openai", {}, "https://api.openai.com/v1/chat/completions", b"authorization"),
        ({"type": "openai"}, "responses", {}, "https://api.openai.com/v1/responses", b"authorization"),
        (
            {"type": "openai"},
            "openai",
            {"operation": "embeddings"},
            "https://api.openai.com/v1/embeddings",
            b"authorization",
        ),
        (
            {"type": "openai", "base_url": "http://h:1/v1/", "formats": ["openai", "anthropic"]},
            "anthropic",
            {},
            "http://h:1/v1/messages",
            b"authorization",
        ),
        (
            {"type": "azure", "base_url": "https://n.openai.azure.com/openai/v1"},
            "openai",
            {},
            "https://n.openai.azure.com/openai/v1/chat/completions",
            b"api-key",
        ),
        (
            {"type": "azure", "base_url": "https://n.openai.azure.com", "api_version": "2024-10-21"},
            "openai",
            {"model": "my gpt"},
            "https://n.openai.azure.com/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21",
            b"api-key",
        ),
        (
            {"type": "azure", "base_url": "https://n.openai.azure.com/openai", "api_version": "2025-03-01-preview"},
            "responses",
            {},
            "https://n.openai.azure.com/openai/responses?api-version=2025-03-01-preview",
            b"api-key",
        ),
        ({"type": "groq"}, "openai", {}, "https://api.groq.com/openai/v1/chat/completions", b"authorization"),
        ({"type": "anthropic"}, "anthropic", {}, "https://api.anthropic.com/v1/messages", b"x-api-key"),
        (
            {"type": "anthropic"},
            "anthropic",
            {"operation": "count_tokens", "query": "beta=true"},
            "https://api.anthropic.com/v1/messages/count_tokens?beta=true",
            b"x-api-key",
        ),
        (
            {"type": "gemini"},
            "gemini",
            {"model": "models/gemini-2.5-flash"},
            "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent",
            b"x-goog-api-key",
        ),
        (
            {"type": "gemini"},
            "gemini",
            {"stream": True},
            "https://generativelanguage.googleapis.com/v1beta/models/m:streamGenerateContent?alt=sse",
            b"x-goog-api-key",
        ),
        (
            {"type": "gemini"},
            "gemini",
            {"operation": "count_tokens"},
            "https://generativelanguage.googleapis.com/v1beta/models/m:countTokens",
            b"x-goog-api-key",
        ),
        (
            {"type": "vertex", "project": "p", "location": "europe-west4"},
            "gemini",
            {},
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4"
            "/publishers/google/models/m:generateContent",
            b"authorization",
        ),
        (
            {"type": "vertex", "project": "p", "location": "europe-west4"},
            "anthropic",
            {"operation": "count_tokens", "model": "claude-sonnet-4-5"},
            "https://europe-west4-aiplatform.googleapis.com/v1/projects/p/locations/europe-west4"
            "/publishers/anthropic/models/count-tokens:rawPredict",
            b"authorization",
        ),
        (
            {"type": "bedrock", "region": "eu-central-1"},
            "bedrock",
            {"model": "us.anthropic.claude-v1:0"},
            "https://bedrock-runtime.eu-central-1.amazonaws.com/model/us.anthropic.claude-v1%3A0/converse",
            b"authorization",
        ),
    ],
)
def test_each_kind_is_asked_at_its_place_with_its_key(
    settings: dict[str, Any], format_: str, order: dict[str, Any], url: str, key: bytes
) -> None:
    where, headers, _ = sent(provider(api_key="sk", **settings), format_, **order)
    assert where == url
    expected = {b"authorization": b"Bearer sk"}.get(key, b"sk")
    rest = {name: value for name, value in headers.items() if name not in PLAIN and name != b"anthropic-version"}
    assert rest == {key: expected}


def test_every_type_of_the_manifest_has_a_preset() -> None:
    assert set(Type.__args__) == set(PRESETS)  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", [name for name, each in PRESETS.items() if each.base_url])
def test_every_preset_with_an_address_works_without_more(name: str) -> None:
    up = provider(type=name, api_key="k")
    assert up.genai_name
    assert up.endpoint.rpartition(":")[2].isdigit()


def test_a_server_of_ones_own_gets_no_key_if_there_is_none() -> None:
    _, headers, _ = sent(provider(type="ollama"))
    assert headers == PLAIN


def test_the_manifests_headers_stand_over_all_others() -> None:
    up = provider(type="openai", api_key="sk", headers={"Authorization": "Basic x", "X-Team": "core"})
    _, headers, _ = sent(up, headers=((b"user-agent", b"cli"), (b"x-team", b"theirs")))
    assert headers == {**PLAIN, b"authorization": b"Basic x", b"x-team": b"core", b"user-agent": b"cli"}


def test_the_callers_key_takes_the_place_of_the_manifests() -> None:
    _, headers, _ = sent(provider(type="anthropic", api_key="sk"), "anthropic", key="own")
    assert headers[b"x-api-key"] == b"own"


def test_a_stream_is_asked_for_by_its_type() -> None:
    _, headers, _ = sent(provider(type="openai", api_key="sk"), stream=True)
    assert headers[b"accept"] == b"text/event-stream"
    bedrock = provider(type="bedrock", region="us-east-1", api_key="sk")
    where, headers, _ = sent(bedrock, "bedrock", stream=True)
    assert where.endswith("/model/m/converse-stream")
    assert headers[b"accept"] == b"application/vnd.amazon.eventstream"


def test_anthropics_version_is_the_callers_or_a_known_one() -> None:
    up = provider(type="anthropic", api_key="sk")
    assert sent(up, "anthropic")[1][b"anthropic-version"] == b"2023-06-01"
    told = ((b"anthropic-version", b"2099-01-01"),)
    assert sent(up, "anthropic", headers=told)[1][b"anthropic-version"] == b"2099-01-01"


def test_a_subscriptions_token_goes_to_anthropic_as_a_bearer() -> None:
    _, headers, _ = sent(provider(type="anthropic", api_key="sk-ant-oat01-x"), "anthropic")
    assert headers[b"authorization"] == b"Bearer sk-ant-oat01-x"
    assert b"x-api-key" not in headers


def test_vertex_speaks_anthropic_to_claude_without_the_model_in_the_body() -> None:
    up = provider(type="vertex", project="p", api_key="token")
    assert up.format_for("openai", "chat", "claude-sonnet-4-5@20250929") == "anthropic"
    assert up.format_for("openai", "chat", "gemini-2.5-pro") == "gemini"
    body = b'{"model":"claude-x", "max_tokens": 1}'
    where, _, outgoing = sent(up, "anthropic", model="claude-x", body=body, stream=True)
    assert where == (
        "https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic/models"
        "/claude-x:streamRawPredict"
    )
    assert outgoing.body == b'{ "max_tokens": 1,"anthropic_version":"vertex-2023-10-16"}'


def test_vertex_takes_api_keys_where_it_wants_them() -> None:
    _, headers, _ = sent(provider(type="vertex", project="p", api_key="AIzaX"), "gemini")
    assert headers[b"x-goog-api-key"] == b"AIzaX"
    assert b"authorization" not in headers


def test_bedrock_is_signed_with_aws_keys() -> None:
    up = provider(type="bedrock", region="us-east-1", access_key_id="AKID", secret_access_key="s", session_token="t")
    _, headers, _ = sent(up, "bedrock")
    assert headers[b"x-amz-security-token"] == b"t"
    assert headers[b"authorization"].startswith(b"AWS4-HMAC-SHA256 Credential=AKID/20250102/us-east-1/bedrock/")


@pytest.mark.parametrize(
    ("settings", "asked", "operation", "format_"),
    [
        ({"type": "openai"}, "responses", "chat", "responses"),
        ({"type": "openai"}, "anthropic", "chat", "openai"),
        ({"type": "groq"}, "responses", "chat", "openai"),
        ({"type": "openai"}, "openai", "embeddings", "openai"),
        ({"type": "anthropic"}, "openai", "embeddings", None),
        ({"type": "anthropic"}, "anthropic", "count_tokens", "anthropic"),
        ({"type": "openai"}, "anthropic", "count_tokens", None),
        ({"type": "gemini"}, "gemini", "count_tokens", "gemini"),
        ({"type": "gemini"}, "anthropic", "count_tokens", "gemini"),
        ({"type": "anthropic"}, "gemini", "count_tokens", "anthropic"),
        ({"type": "vertex", "project": "p", "location": "l"}, "anthropic", "count_tokens", "gemini"),
        ({"type": "openai", "formats": ["openai", "anthropic"]}, "gemini", "count_tokens", "anthropic"),
        ({"type": "bedrock", "region": "x"}, "anthropic", "count_tokens", None),
        ({"type": "gemini"}, "openai", "chat", "gemini"),
        ({"type": "bedrock", "region": "x"}, "anthropic", "chat", "bedrock"),
    ],
)
def test_a_provider_is_asked_in_the_callers_format_if_it_speaks_that(
    settings: dict[str, Any], asked: Any, operation: Any, format_: str | None
) -> None:
    assert provider(**settings).format_for(asked, operation, "m") == format_


def test_only_a_compatible_server_at_an_address_of_its_own_may_not_know_responses() -> None:
    unknown = Failure("status", "not_found_error", 404, "404 page not found", 404)
    local = provider(type="openai", base_url="http://h:1/v1")
    assert local.instead_of("responses", unknown) == "openai"
    no_model = Failure("status", "not_found_error", 404, "The model m does not exist", 404)
    assert local.instead_of("responses", no_model) is None
    assert local.instead_of("openai", unknown) is None
    assert provider(type="openai").instead_of("responses", unknown) is None
    said = provider(type="openai", base_url="http://h:1/v1", formats=["responses", "openai"])
    assert said.instead_of("responses", unknown) is None
    local.lacks("responses")
    assert local.format_for("responses", "chat", "m") == "openai"


def test_dialects_follow_the_address() -> None:
    assert provider(type="openai").dialect == "openai"
    assert provider(type="openai", base_url="http://h:1/v1").dialect == "compatible"
    assert provider(type="vllm", base_url="http://h:1/v1").dialect == "vllm"


def test_a_stream_has_the_first_byte_timeout_and_a_whole_answer_all_the_time() -> None:
    up = provider(type="openai", timeout=100.0, idle_timeout=7.0)
    stream = up.timeouts(Target("up"), stream=True, left=1000.0)
    assert (stream.first_byte, stream.idle, stream.total) == (60.0, 7.0, 100.0)
    assert up.timeouts(Target("up"), stream=False, left=1000.0).first_byte == 100.0
    assert up.timeouts(Target("up", first_byte_timeout=5.0), stream=False, left=1000.0).first_byte == 5.0
    said = provider(type="openai", first_byte_timeout=9.0)
    assert said.timeouts(Target("up"), stream=False, left=1000.0).first_byte == 9.0


def test_no_time_is_longer_than_what_the_request_has_left() -> None:
    times = provider(type="openai").timeouts(Target("up"), stream=True, left=2.0)
    assert (times.connect, times.first_byte, times.total) == (2.0, 2.0, 2.0)
    assert provider(type="openai").timeouts(Target("up"), stream=True, left=-1.0).total == 0.001


def test_nothing_of_it_shows_a_key() -> None:
    up = provider(type="openai", api_key="sk-hush", headers={"x": "sk-hush"})
    assert "hush" not in repr(up) + repr(up.kind) + repr(up.kind.__dict__)


@pytest.mark.parametrize(
    ("model", "format_", "body", "sent_"),
    [
        (
            "gemini-2.5-pro",
            "gemini",
            {"generateContentRequest": {"model": "m", "contents": [1], "toolConfig": {}, "systemInstruction": {}}},
            {"contents": [1], "systemInstruction": {}},
        ),
        ("gemini-2.5-pro", "gemini", {"contents": [1]}, {"contents": [1]}),
        (
            "claude-sonnet-4-5",
            "anthropic",
            {"model": "claude-sonnet-4-5", "messages": []},
            {"model": "claude-sonnet-4-5", "messages": [], "anthropic_version": "vertex-2023-10-16"},
        ),
    ],
)
def test_vertex_counts_in_a_form_of_its_own(model: str, format_: Any, body: Any, sent_: Any) -> None:
    up = provider(type="vertex", project="p", location="l", api_key="ya29")
    order = Order(format_, "count_tokens", model, json.dumps(body).encode())
    assert json.loads(up.kind.outgoing(order, 0.0).body) == sent_
