"""llm/relay.py and llm/same.py end to end: bytes pass untouched, for each client format, whole and streamed."""

import json
from typing import Any

import pytest

from fedgate.core.call import Caller, Header, Principal
from fedgate.core.errors import Forbidden, UpstreamTimeout
from fedgate.llm.neutral import Usage
from tests.llm import providers as scripted
from tests.llm.kit import front, manifest
from tests.llm.providers import SHAPES, Shape, provider

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_a_whole_answer_passes_byte_for_byte(shape: Shape) -> None:
    raw = json.dumps(shape.whole, indent=1).encode() + b"\n"
    async with (
        provider(scripted.json(raw, request_id="req_1", set_cookie="a=b", x_ratelimit_remaining_requests="9")) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert (got.status, got.body) == (200, raw)
    assert got.headers == {
        b"content-type": b"application/json",
        b"request-id": b"req_1",
        b"x-ratelimit-remaining-requests": b"9",
        b"x-fedgate-route": b"m",
        b"x-fedgate-target": b"up/gpt",
        b"x-fedgate-reason": b"only",
    }
    fields = got.record.fields
    assert (fields["gen_ai.usage.input_tokens"], fields["gen_ai.usage.output_tokens"]) == shape.usage
    assert fields["cost_usd"] is None


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
async def test_a_stream_passes_byte_for_byte(shape: Shape) -> None:
    path = shape.stream_path() + ("?alt=sse" if shape.format == "gemini" else "")
    body = shape.body(stream=True, stream_options={"include_usage": True}) if shape.format == "openai" else None
    async with (
        provider(scripted.sse(*shape.stream)) as up,
        front(manifest(up.base + shape.base, shape.type)) as gate,
    ):
        got = await gate.send(path, body or shape.stream_body())
    assert (got.status, got.body) == (200, b"".join(shape.stream))
    assert got.headers[b"content-type"] == b"text/event-stream"
    fields = got.record.fields
    assert (fields["gen_ai.usage.input_tokens"], fields["gen_ai.usage.output_tokens"]) == shape.usage
    assert gate.meter.of("request") == [("gpt", "up", 200)]
    assert gate.meter.of("first_token") == [("gpt", "up")]
    assert got.record.error == ""


async def test_only_the_models_name_changes_in_what_is_sent() -> None:
    body = b'{ "temperature": 1.0, "model" :"m","messages":[ {"role":"user","content":"\xc3\xa9 \\u00e9"} ],"x": 1e2 }'
    async with provider(scripted.json(scripted.OPENAI)) as up, front(manifest(up.base + "/v1")) as gate:
        await gate.send("/v1/chat/completions", body)
    assert up.asked[0].body == body.replace(b'"m"', b'"gpt"')


async def test_a_name_that_the_provider_knows_leaves_the_body_as_it_is() -> None:
    body = b'{"model":"gpt","messages":[{"role":"user","content":"half \\ud83d"}]}'
    models = manifest("http://127.0.0.1:1/v1")
    async with provider(scripted.json(scripted.OPENAI)) as up:
        models["providers"]["up"]["base_url"] = up.base + "/v1"
        models["routes"] = {"gpt": {"targets": [{"provider": "up"}]}}
        async with front(models) as gate:
            got = await gate.send("/v1/chat/completions", body)
    assert got.status == 200
    assert up.bodies == [json.loads(body.replace(b"\\ud83d", b"\\ufffd"))]


async def test_headers_pass_by_name_and_credentials_do_not() -> None:
    shape = SHAPES["anthropic"]
    sent = {
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "a,b",
        "user-agent": "claude-cli/2.1",
        "authorization": "Bearer mine",
        "x-api-key": "mine",
        "cookie": "a=b",
        "x-forwarded-for": "1.2.3.4",
        "connection": "keep-alive",
        "accept-encoding": "gzip",
    }
    async with (
        provider(scripted.json(shape.whole)) as up,
        front(manifest(up.base, "anthropic")) as gate,
    ):
        await gate.send(shape.path + "?beta=true", shape.body(), headers=sent)
    (asked,) = up.asked
    assert asked.target == b"/v1/messages?beta=true"
    assert dict(asked.headers) == {
        b"host": up.base.removeprefix("http://").encode(),
        b"content-type": b"application/json",
        b"accept": b"application/json",
        b"accept-encoding": b"identity",
        b"anthropic-version": b"2023-06-01",
        b"anthropic-beta": b"a,b",
        b"user-agent": b"claude-cli/2.1",
        b"x-api-key": b"sk-up",
        b"content-length": str(len(asked.body)).encode(),
    }


async def test_usage_is_asked_for_and_kept_from_a_client_that_did_not_want_it() -> None:
    shape = SHAPES["openai"]
    async with provider(scripted.sse(*shape.stream)) as up, front(manifest(up.base + "/v1")) as gate:
        got = await gate.send(shape.path, shape.body(stream=True, stream_options={"include_obfuscation": False}))
    assert up.bodies[0]["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert got.body == b"".join(frame for frame in shape.stream if b'"choices":[]' not in frame)
    assert gate.meter.of("tokens") == [("gpt", "up", "chat", Usage(19, 10))]


async def test_gemini_without_alt_sse_is_an_array() -> None:
    shape = SHAPES["gemini"]
    async with provider(scripted.sse(*shape.stream)) as up, front(manifest(up.base, "gemini")) as gate:
        got = await gate.send(shape.stream_path(), shape.body())
    assert up.asked[0].target == b"/v1beta/models/gpt:streamGenerateContent?alt=sse"
    assert got.headers[b"content-type"] == b"application/json"
    data = [frame[6:].strip() for frame in shape.stream]
    assert got.body == b"[" + b",\r\n".join(data) + b"]"


async def test_a_gzip_body_is_unpacked() -> None:
    shape = SHAPES["openai"]
    whole, stream = scripted.gzipped(scripted.json(shape.whole)), scripted.gzipped(scripted.sse(*shape.stream))
    async with provider(whole, stream) as up, front(manifest(up.base + "/v1")) as gate:
        got = await gate.send(shape.path, shape.body())
        streamed = await gate.send(shape.path, shape.body(stream=True, stream_options={"include_usage": True}))
    assert got.json == shape.whole
    assert streamed.body == b"".join(shape.stream)


async def test_an_answer_without_usage_has_unknown_cost_and_no_tokens() -> None:
    shape = SHAPES["openai"]
    whole = {key: value for key, value in shape.whole.items() if key != "usage"}
    async with provider(scripted.json(whole)) as up, front(manifest(up.base + "/v1")) as gate:
        got = await gate.send(shape.path, shape.body())
    assert got.json == whole
    assert "gen_ai.usage.input_tokens" not in got.record.fields
    assert got.record.fields["cost_usd"] is None
    assert gate.meter.of("cost") == [("gpt", "up", None)]


async def test_cost_is_what_the_price_says() -> None:
    shape = SHAPES["anthropic"]

    def price(provider_: str, model: str, usage: Usage) -> float | None:
        assert (provider_, model) == ("up", "gpt")
        assert usage == Usage(19, 10, 2, 5)
        return 0.5

    async with (
        provider(scripted.json(shape.whole)) as up,
        front(manifest(up.base, "anthropic"), price=price) as gate,
    ):
        got = await gate.send(shape.path, shape.body())
    assert got.record.fields == {
        "gen_ai.request.model": "m",
        "gen_ai.provider.name": "anthropic",
        "reason": "only",
        "gen_ai.response.model": "claude-sonnet-4-5-20250929",
        "gen_ai.usage.input_tokens": 19,
        "gen_ai.usage.output_tokens": 10,
        "gen_ai.usage.cache_read.input_tokens": 2,
        "gen_ai.usage.cache_creation.input_tokens": 5,
        "cost_usd": 0.5,
    }
    assert got.record.target == "up/gpt"
    assert got.record.operation == "chat"


async def test_embeddings_pass() -> None:
    answer = {"object": "list", "data": [], "model": "e", "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    async with provider(scripted.json(answer)) as up, front(manifest(up.base + "/v1")) as gate:
        got = await gate.send("/v1/embeddings", b'{"model":"m","input":"x"}')
    assert up.asked[0].target == b"/v1/embeddings"
    assert got.json == answer
    assert gate.meter.of("tokens") == [("gpt", "up", "embeddings", Usage(8))]


async def test_embeddings_of_a_provider_that_has_none_are_refused() -> None:
    async with front(manifest("http://127.0.0.1:1", "gemini")) as gate:
        got = await gate.send("/v1/embeddings", b'{"model":"m","input":"x"}')
    assert got.status == 400
    assert got.json["error"]["message"] == "The provider up has no embeddings for clients of this format."


@pytest.mark.parametrize("rest", ["", "/", "/chat/completions", "/v1/chat/completions"])
async def test_a_route_is_reachable_below_its_path_whatever_the_model_is_called(rest: str) -> None:
    models = manifest("")
    async with provider(scripted.json(scripted.OPENAI)) as up:
        models["providers"]["up"]["base_url"] = up.base + "/v1"
        models["routes"]["m"]["path"] = "/anthropic"
        async with front(models) as gate:
            named = await gate.send("/anthropic" + rest, b'{"model":"claude-3-5-haiku-latest","messages":[]}')
            unnamed = await gate.send("/anthropic" + rest, b'{"messages":[]}')
            assert gate.endpoint.routes.prefixes == {"anthropic"}
    assert (named.status, unnamed.status) == (200, 200)
    assert [body["model"] for body in up.bodies] == ["gpt", "gpt"]


async def test_messages_below_a_routes_path_are_anthropics() -> None:
    shape = SHAPES["anthropic"]
    models = manifest("", "anthropic")
    async with provider(scripted.json(shape.whole)) as up:
        models["providers"]["up"]["base_url"] = up.base
        models["routes"]["m"]["path"] = "/anthropic"
        async with front(models) as gate:
            got = await gate.send("/anthropic/v1/messages", shape.body(model="whatever"))
    assert got.json == shape.whole


async def test_a_provider_without_a_models_name_gets_the_callers() -> None:
    async with provider(scripted.json(scripted.OPENAI)) as up:
        models = manifest(up.base + "/v1")
        models["routes"] = {"any": {"targets": [{"provider": "up"}], "aliases": ["gpt-*"]}}
        async with front(models) as gate:
            got = await gate.send("/v1/chat/completions", b'{"model":"gpt-5","messages":[]}')
    assert got.headers[b"x-fedgate-target"] == b"up/gpt-5"
    assert gate.meter.of("request") == [("other", "up", 200)]


@pytest.mark.parametrize(
    ("headers", "principal", "key"),
    [
        ({"authorization": "Bearer own"}, Principal("anonymous"), b"Bearer own"),
        ({"x-api-key": "own"}, Principal("anonymous"), b"Bearer own"),
        ({"x-fedgate-provider-key": "own", "x-api-key": "gate"}, Principal("alice", "key"), b"Bearer own"),
        ({"x-api-key": "gate"}, Principal("alice", "key"), None),
        ({}, Principal("anonymous"), None),
    ],
)
async def test_with_the_callers_credentials_the_provider_gets_the_callers_key_and_never_the_gateways(
    headers: dict[str, str], principal: Principal, key: bytes | None
) -> None:
    async with provider(scripted.json(scripted.OPENAI)) as up:
        models: dict[str, Any] = manifest(up.base + "/v1")
        models["routes"]["m"]["credentials"] = "caller"
        async with front(models) as gate:
            got = await gate.send("/v1/chat/completions", SHAPES["openai"].body(), headers=headers, principal=principal)
    if key is None:
        assert (got.status, up.asked) == (401, [])
    else:
        assert up.asked[0].header(b"authorization") == key


class Tokens:
    """Credentials that are made for each caller; a refused one is not used again."""

    per_caller = True
    owned = frozenset({b"x-api-key"})

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.forgotten: list[Any] = []
        self.given = 0

    def of(self, upstream: str, auth: Any) -> "Tokens":
        assert (upstream, auth.type) == ("models.providers.up", "client_credentials")
        return self

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        if self.error is not None:
            raise self.error
        assert caller is not None
        self.given += 1
        return ((b"authorization", f"Bearer {caller.principal.id}-{self.given}".encode()),)

    def refused(self, sent: tuple[Header, ...]) -> bool:
        self.forgotten.append(sent)
        return True


def with_auth(base: str) -> dict[str, Any]:
    models = manifest(base + "/v1", retry={"attempts": 0})
    auth = {"type": "client_credentials", "token_url": "http://127.0.0.1:1/t", "client_id": "a", "client_secret": "b"}
    models["providers"]["up"]["auth"] = auth
    return models


async def test_credentials_that_are_got_for_a_request_win_over_the_key_and_are_changed_once_if_refused() -> None:
    tokens, alice = Tokens(), Principal("alice", "key")
    answers = scripted.json({}, 401), scripted.json(scripted.OPENAI), scripted.json({}, 401)
    async with provider(*answers) as up, front(with_auth(up.base), credentialing=tokens) as gate:
        good = await gate.send("/v1/chat/completions", SHAPES["openai"].body(), principal=alice)
        bad = await gate.send("/v1/chat/completions", SHAPES["openai"].body(), principal=alice)
    assert (good.status, bad.status) == (200, 502)
    shown = [each.header(b"authorization") for each in up.asked]
    assert shown == [b"Bearer alice-1", b"Bearer alice-2", b"Bearer alice-3", b"Bearer alice-4"]
    assert [dict(sent)[b"authorization"] for sent in tokens.forgotten] == [shown[0], shown[2], shown[3]]


@pytest.mark.parametrize(
    ("error", "status"), [(Forbidden("alice has no token to exchange"), 403), (UpstreamTimeout("x"), 504)]
)
async def test_credentials_that_cannot_be_got_fail_the_attempt(error: Exception, status: int) -> None:
    async with front(with_auth("http://127.0.0.1:1"), credentialing=Tokens(error)) as gate:
        got = await gate.send("/v1/chat/completions", SHAPES["openai"].body())
    assert got.status == status
