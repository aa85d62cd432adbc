"""llm/endpoint.py, llm/listing.py, llm/counting.py: what is answered without, or only perhaps by, a model."""

import json
from typing import Any

import pytest

from fedgate.core.errors import Forbidden, Internal, Misdirected, Overloaded, TooLarge, Unauthorized
from fedgate.llm.values import OPERATIONS
from tests.llm import providers as scripted
from tests.llm.kit import front, manifest
from tests.llm.providers import SHAPES, Shape, provider

pytestmark = pytest.mark.anyio

VERSION = {"anthropic-version": "2023-06-01"}
EVERY = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)


def routes() -> dict[str, Any]:
    models = manifest("http://127.0.0.1:1/v1")
    target = models["routes"]["m"]["targets"]
    models["routes"] = {"smart": {"targets": target}, "claude-big": {"targets": target, "path": "/big"}}
    return models


async def test_models_are_the_routes_in_openais_form() -> None:
    async with front(routes()) as gate:
        got = await gate.send("/v1/models", method="GET")
        one = await gate.send("/v1/models/smart", method="GET")
        none = await gate.send("/v1/models/smrt", method="GET")
    smart = {"id": "smart", "object": "model", "created": 1735689600, "owned_by": "fedgate"}
    assert got.json == {"object": "list", "data": [{**smart, "id": "claude-big"}, smart]}
    assert one.json == smart
    assert none.status == 404
    assert none.json["error"]["message"] == "there is no model 'smrt' here; did you mean smart?"


async def test_models_in_anthropics_form_have_names_that_claude_codes_picker_shows() -> None:
    async with front(routes()) as gate:
        got = await gate.send("/v1/models?limit=1000", method="GET", headers=VERSION)
        one = await gate.send("/v1/models/claude-smart", method="GET", headers=VERSION)
        none = await gate.send("/v1/models/x", method="GET", headers=VERSION)
    assert [each["id"] for each in got.json["data"]] == ["claude-big", "claude-smart"]
    assert got.json["first_id"] == "claude-big"
    assert got.json["has_more"] is False
    assert one.json == {
        "type": "model",
        "id": "claude-smart",
        "display_name": "claude-smart",
        "created_at": "2025-01-01T00:00:00Z",
        "lifecycle": "active",
    }
    assert (none.status, none.json["type"], none.json["error"]["type"]) == (404, "error", "not_found_error")


async def test_models_in_geminis_form() -> None:
    async with front(routes()) as gate:
        got = await gate.send("/v1beta/models", method="GET")
        one = await gate.send("/v1beta/models/smart", method="GET")
        none = await gate.send("/v1beta/models/x", method="GET")
    assert [each["name"] for each in got.json["models"]] == ["models/claude-big", "models/smart"]
    assert one.json["supportedGenerationMethods"] == ["generateContent", "streamGenerateContent", "countTokens"]
    assert (none.status, none.json["error"]["status"]) == (404, "NOT_FOUND")


async def test_below_a_routes_path_there_is_but_one_model() -> None:
    async with front(routes()) as gate:
        got = await gate.send("/big/v1/models", method="GET")
        other = await gate.send("/big/v1/models/smart", method="GET")
    assert [each["id"] for each in got.json["data"]] == ["claude-big"]
    assert other.status == 404


async def test_without_routes_the_list_is_empty() -> None:
    async with front({}) as gate:
        got = await gate.send("/v1/models", method="GET", headers=VERSION)
        unknown = await gate.send("/v1/chat/completions", SHAPES["openai"].body())
    assert got.json == {"data": [], "has_more": False, "first_id": None, "last_id": None}
    assert unknown.json["error"]["message"] == (
        "there is no model 'm' here; there are none: the manifest has no models.routes"
    )


@EVERY
async def test_a_wrong_method_is_told_the_right_one(shape: Shape) -> None:
    async with front(routes()) as gate:
        got = await gate.send(shape.path, method="GET")
    assert (got.status, got.headers[b"allow"]) == (405, b"POST")
    assert got.json["error"]["message"] == "use POST here, not GET"


async def test_an_unknown_path_is_told_the_known_ones() -> None:
    async with front(routes()) as gate:
        got = await gate.send("/v1/completions", b"{}")
    assert got.status == 404
    assert got.json["error"]["message"].startswith("there is nothing at /v1/completions: models are served at ")


async def test_tokens_are_counted_by_a_provider_that_can() -> None:
    shape = SHAPES["anthropic"]
    async with provider(scripted.json({"input_tokens": 2095})) as up, front(manifest(up.base, "anthropic")) as gate:
        got = await gate.send("/v1/messages/count_tokens?beta=true", shape.body(), headers=VERSION)
    assert up.asked[0].target == b"/v1/messages/count_tokens?beta=true"
    assert up.bodies[0]["model"] == "gpt"
    assert got.json == {"input_tokens": 2095}
    assert b"x-fedgate-estimated" not in got.headers
    assert got.record.operation == "count_tokens"
    assert gate.meter.of("tokens") == []


async def test_tokens_are_counted_by_gemini_for_its_clients() -> None:
    async with provider(scripted.json({"totalTokens": 31})) as up, front(manifest(up.base, "gemini")) as gate:
        got = await gate.send("/v1beta/models/m:countTokens", json.dumps(SHAPES["gemini"].request).encode())
    assert up.asked[0].target == b"/v1beta/models/gpt:countTokens"
    assert got.json == {"totalTokens": 31}


async def test_a_request_within_geminis_count_names_the_providers_model() -> None:
    inner = b'{ "generateContentRequest": {"model":"models/m", "contents": []} }'
    async with provider(scripted.json({"totalTokens": 31})) as up, front(manifest(up.base, "gemini")) as gate:
        await gate.send("/v1beta/models/m:countTokens", inner)
    assert up.asked[0].body == inner.replace(b"models/m", b"models/gpt")


@pytest.mark.parametrize(
    ("path", "caller", "speaks", "answer", "told"),
    [
        ("/v1/messages/count_tokens", "anthropic", "gemini", {"totalTokens": 31}, {"input_tokens": 31}),
        ("/v1beta/models/m:countTokens", "gemini", "anthropic", {"input_tokens": 31}, {"totalTokens": 31}),
    ],
)
async def test_a_provider_of_the_other_format_counts_what_it_would_be_sent(
    path: str, caller: str, speaks: str, answer: Any, told: Any
) -> None:
    async with provider(scripted.json(answer)) as up, front(manifest(up.base, speaks)) as gate:
        got = await gate.send(path, json.dumps(SHAPES[caller].request).encode())
    where = {"anthropic": b"/v1/messages/count_tokens", "gemini": b"/v1beta/models/gpt:countTokens"}
    assert [each.target for each in up.asked] == [where[speaks]]
    assert (got.status, got.json) == (200, told)
    assert b"x-fedgate-estimated" not in got.headers
    assert gate.meter.of("tokens") == []


@pytest.mark.parametrize("status", [404, 500])
async def test_a_provider_that_cannot_count_after_all_is_no_error(status: int) -> None:
    async with provider(scripted.json({}, status)) as up, front(manifest(up.base, "gemini")) as gate:
        got = await gate.send("/v1/messages/count_tokens", SHAPES["anthropic"].body())
    assert got.headers[b"x-fedgate-estimated"] == b"true"
    assert 5 <= got.json["input_tokens"] <= 20


@pytest.mark.parametrize(
    ("path", "body", "key"),
    [
        ("/v1/messages/count_tokens", SHAPES["anthropic"].body(), "input_tokens"),
        ("/v1beta/models/m:countTokens", json.dumps(SHAPES["gemini"].request).encode(), "totalTokens"),
    ],
)
async def test_otherwise_they_are_estimated_and_the_answer_says_so(path: str, body: bytes, key: str) -> None:
    async with front(manifest("http://127.0.0.1:1/v1")) as gate:
        got = await gate.send(path, body)
    assert got.status == 200
    assert got.headers[b"x-fedgate-estimated"] == b"true"
    assert 5 <= got.json[key] <= 20
    assert got.record.error == ""
    assert gate.breakers.of("up", "gpt").last is None


async def test_an_image_is_estimated_by_what_it_costs_not_by_its_size() -> None:
    image = {"type": "base64", "media_type": "image/png", "data": "iVBO" * 100_000}
    content = [{"type": "image", "source": image}, {"type": "text", "text": "What is this?"}]
    body = SHAPES["anthropic"].body(messages=[{"role": "user", "content": content}])
    async with front(manifest("http://127.0.0.1:1/v1")) as gate:
        got = await gate.send("/v1/messages/count_tokens", body)
    assert 1500 <= got.json["input_tokens"] <= 1600


async def test_a_count_that_the_provider_refuses_is_refused() -> None:
    refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "messages: no"}}
    async with provider(scripted.json(refusal, 400)) as up, front(manifest(up.base, "anthropic")) as gate:
        got = await gate.send("/v1/messages/count_tokens", SHAPES["anthropic"].body())
    assert (got.status, got.json) == (400, refusal)


@EVERY
@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unauthorized("Who?", headers=((b"www-authenticate", b"Bearer"),)), 401),
        (Forbidden("Not you."), 403),
        (TooLarge("Too big."), 413),
        (Misdirected("Not here."), 421),
        (Overloaded("Later.", headers=((b"retry-after", b"1"),)), 503),
        (Internal("Sorry."), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
async def test_the_gateways_own_errors_have_the_callers_form(shape: Shape, error: Any, status: int) -> None:
    async with front(routes()) as gate:
        record = (await gate.send(shape.path, method="GET")).record
        record.wire = None  # refused before anything was read
        reply = gate.endpoint.render(record, error)
    assert isinstance(reply.body, bytes)
    assert reply.status == status
    assert all(pair in reply.headers for pair in error.headers)
    body = json.loads(reply.body)
    assert body["error"]["message"] == error.message
    kinds = {401: "authentication_error", 403: "permission_error", 413: "request_too_large", 503: "overloaded_error"}
    if shape.format == "anthropic" and status in kinds:
        assert body["error"]["type"] == kinds[status]


async def test_a_caller_without_a_key_whose_address_has_one_is_told_where_it_belongs() -> None:
    async with front(routes()) as gate:
        record = (await gate.send("/v1beta/models/m:generateContent?key=AIza", method="GET")).record
        reply = gate.endpoint.render(record, Unauthorized("This gateway needs an API key."))
    assert isinstance(reply.body, bytes)
    assert "must not carry a key" in json.loads(reply.body)["error"]["message"]


def test_every_operation_is_known_to_the_metrics() -> None:
    assert {"chat", "generate_content", "embeddings", "count_tokens", "models"} == OPERATIONS
