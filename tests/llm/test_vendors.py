"""The vendors' own clients against the gateway: what it passes on, translates and refuses is what they expect."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest
from google import genai
from google.genai import errors as genai_errors
from google.genai import types as genai_types

from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target
from tests.core.http_peer import until
from tests.llm import providers as scripted
from tests.llm.kit import manifest
from tests.llm.providers import (
    ANTHROPIC_OVERLOADED,
    ANTHROPIC_START,
    ANTHROPIC_TEXT,
    ANTHROPIC_THINKING,
    PAUSE,
    SHAPES,
    Provider,
    frames,
    provider,
    sse,
)
from tests.llm.serving import KEY, Served, served

pytestmark = pytest.mark.anyio

HELLO = "Hello there!"
PROVIDERS = pytest.mark.parametrize("out", ["openai", "anthropic", "gemini"])
MESSAGES: Any = [{"role": "user", "content": "Hi"}]


@asynccontextmanager
async def gateway(*answers: scripted.Answer, out: str = "openai") -> AsyncIterator[tuple[Served, Provider]]:
    shape = SHAPES[out]
    async with provider(*answers) as up:
        models = manifest(up.base + shape.base, shape.type, retry={"attempts": 0})
        if out == "openai":
            models["providers"]["up"]["formats"] = ["openai"]
        async with served(models) as front, asyncio.timeout(15):
            yield front, up


def both(out: str) -> tuple[scripted.Answer, scripted.Answer]:
    return scripted.json(SHAPES[out].whole), sse(*SHAPES[out].stream)


@PROVIDERS
async def test_openais_client_chats_and_streams(out: str) -> None:
    async with (
        gateway(*both(out), out=out) as (front, _),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY, max_retries=0) as client,
    ):
        whole = await client.chat.completions.create(model="m", messages=MESSAGES)
        assert whole.choices[0].message.content == HELLO
        assert whole.choices[0].finish_reason == "stop"
        assert whole.usage is not None
        stream = await client.chat.completions.create(
            model="m", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == HELLO
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == SHAPES[out].usage[1]
    (first, second) = front.lines.ended
    assert (first.record.principal.id, first.operation, first.status) == ("alice", "chat", 200)
    assert second.record.fields["gen_ai.usage.output_tokens"] == SHAPES[out].usage[1]


@PROVIDERS
async def test_openais_client_gets_responses(out: str) -> None:
    async with (
        gateway(*both(out), out=out) as (front, _),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY, max_retries=0) as client,
    ):
        whole = await client.responses.create(model="m", input="Hi")
        assert (whole.output_text, whole.status) == (HELLO, "completed")
        async with client.responses.stream(model="m", input="Hi") as stream:
            deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
            final = await stream.get_final_response()
        assert "".join(deltas) == HELLO
        assert final.output_text == HELLO


@PROVIDERS
async def test_anthropics_client_gets_messages(out: str) -> None:
    async with (
        gateway(*both(out), out=out) as (front, _),
        anthropic.AsyncAnthropic(base_url=front.url, api_key=KEY, max_retries=0) as client,
    ):
        whole = await client.messages.create(model="m", max_tokens=100, messages=MESSAGES)
        assert "".join(block.text for block in whole.content if block.type == "text") == HELLO
        assert whole.stop_reason == "end_turn"
        async with client.messages.stream(model="m", max_tokens=100, messages=MESSAGES) as stream:
            text = "".join([piece async for piece in stream.text_stream])
            final = await stream.get_final_message()
        assert text == HELLO
        assert final.usage.output_tokens == SHAPES[out].usage[1]


@PROVIDERS
async def test_googles_client_generates_content(out: str) -> None:
    async with gateway(*both(out), out=out) as (front, _):
        client = genai.Client(api_key=KEY, http_options=genai_types.HttpOptions(base_url=front.url))
        try:
            whole = await client.aio.models.generate_content(model="m", contents="Hi")
            assert whole.text == HELLO
            stream = await client.aio.models.generate_content_stream(model="m", contents="Hi")
            assert "".join([chunk.text or "" async for chunk in stream]) == HELLO
        finally:
            await client.aio.aclose()


async def test_the_clients_list_the_models() -> None:
    async with (
        gateway(scripted.json({})) as (front, _),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY) as one,
        anthropic.AsyncAnthropic(base_url=front.url, auth_token=KEY) as two,
    ):
        assert [model.id async for model in one.models.list()] == ["m"]
        assert [model.id async for model in two.models.list()] == ["claude-m"]
        assert (await two.models.retrieve("claude-m")).display_name == "claude-m"
        client = genai.Client(api_key=KEY, http_options=genai_types.HttpOptions(base_url=front.url))
        try:
            assert [model.name async for model in await client.aio.models.list()] == ["models/m"]
        finally:
            await client.aio.aclose()


async def test_the_clients_count_tokens() -> None:
    async with (
        gateway(scripted.json({"input_tokens": 7}), out="anthropic") as (front, _),
        anthropic.AsyncAnthropic(base_url=front.url, api_key=KEY) as client,
    ):
        assert (await client.messages.count_tokens(model="m", messages=MESSAGES)).input_tokens == 7


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (scripted.json({"error": {"message": "no", "type": "x"}}, 400), openai.BadRequestError),
        (scripted.json({}, 401), openai.InternalServerError),
        (scripted.json({"error": {"message": "no such model"}}, 404), openai.NotFoundError),
        (scripted.json({}, 429), openai.RateLimitError),
        (scripted.page(500), openai.InternalServerError),
        (scripted.json({}, 529), openai.InternalServerError),
    ],
)
async def test_openais_client_raises_what_it_would_raise_at_home(
    answer: scripted.Answer, error: type[openai.APIStatusError]
) -> None:
    async with (
        gateway(answer) as (front, _),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY, max_retries=0) as client,
    ):
        with pytest.raises(error):
            await client.chat.completions.create(model="m", messages=MESSAGES)


async def test_a_wrong_key_and_an_unknown_model_are_told_apart_by_each_client() -> None:
    async with (
        gateway(scripted.json({})) as (front, _),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key="wrong-0123", max_retries=0) as one,
        anthropic.AsyncAnthropic(base_url=front.url, api_key="wrong-0123", max_retries=0) as two,
    ):
        with pytest.raises(openai.AuthenticationError, match="not known to this gateway"):
            await one.chat.completions.create(model="m", messages=MESSAGES)
        with pytest.raises(anthropic.AuthenticationError, match="not known to this gateway"):
            await two.messages.create(model="m", max_tokens=1, messages=MESSAGES)
        with pytest.raises(openai.NotFoundError, match="did you mean m"):
            await one.with_options(api_key=KEY).chat.completions.create(model="mm", messages=MESSAGES)
        with pytest.raises(anthropic.NotFoundError, match="did you mean m"):
            await two.with_options(api_key=KEY).messages.create(model="mm", max_tokens=1, messages=MESSAGES)
        client = genai.Client(api_key=KEY, http_options=genai_types.HttpOptions(base_url=front.url))
        try:
            with pytest.raises(genai_errors.ClientError, match="did you mean m") as caught:
                await client.aio.models.generate_content(model="mm", contents="Hi")
            assert (caught.value.code, caught.value.status) == (404, "NOT_FOUND")
        finally:
            await client.aio.aclose()


async def read(stream: Any, up: Provider) -> None:
    """Read a stream to its end; the provider goes on when something has come."""
    async for _ in stream:
        up.resume.set()


_BEGUN = frames(ANTHROPIC_START, *ANTHROPIC_THINKING, *ANTHROPIC_TEXT[:2], named=True)
BROKEN = sse(*_BEGUN, PAUSE, *frames(ANTHROPIC_OVERLOADED, named=True))


async def test_a_stream_that_fails_raises_in_each_client() -> None:
    async with (
        gateway(BROKEN, out="anthropic") as (front, up),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY, max_retries=0) as one,
        anthropic.AsyncAnthropic(base_url=front.url, api_key=KEY, max_retries=0) as two,
    ):
        stream = await one.chat.completions.create(model="m", messages=MESSAGES, stream=True)
        with pytest.raises(openai.APIError, match="Overloaded"):
            await read(stream, up)
        up.resume.clear()
        async with two.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as events:
            with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
                await read(events.text_stream, up)
    assert [each.record.error for each in front.lines.ended] == ["529: Overloaded"] * 2


async def test_a_tool_call_passes_through_translation() -> None:
    tool_use = {"type": "tool_use", "id": "toolu_01", "name": "add", "input": {"a": 1}}
    whole = {**SHAPES["anthropic"].whole, "content": [tool_use], "stop_reason": "tool_use"}
    tools: Any = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}]
    async with (
        gateway(scripted.json(whole), out="anthropic") as (front, up),
        openai.AsyncOpenAI(base_url=front.url + "/v1", api_key=KEY, max_retries=0) as client,
    ):
        answer = await client.chat.completions.create(model="m", messages=MESSAGES, tools=tools, tool_choice="required")
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (call.id, call.function.name, call.function.arguments) == ("toolu_01", "add", '{"a":1}')
    assert up.bodies[0]["tools"][0]["name"] == "add"
    assert up.bodies[0]["tool_choice"]["type"] == "any"


async def test_a_client_that_leaves_in_the_middle_of_a_stream_ends_the_providers() -> None:
    begun = frames(ANTHROPIC_START, *ANTHROPIC_THINKING, *ANTHROPIC_TEXT[:2], named=True)
    async with (
        gateway(sse(*begun, end="stall"), out="anthropic") as (front, up),
        anthropic.AsyncAnthropic(base_url=front.url, api_key=KEY, max_retries=0) as client,
    ):
        async with client.messages.stream(model="m", max_tokens=9, messages=MESSAGES) as events:
            async for _ in events.text_stream:
                break
        await until(lambda: up.left == 1)
        await until(lambda: len(front.lines.ended) == 1)
    assert front.lines.ended[0].record.error == "client_disconnected"


async def test_a_body_beyond_the_limit_is_refused_in_the_clients_words() -> None:
    async with (
        gateway(scripted.json({}), out="anthropic") as (front, _),
        anthropic.AsyncAnthropic(base_url=front.url, api_key=KEY, max_retries=0) as client,
    ):
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "x" * 2_000_000}]
            )
    assert caught.value.status_code == 413
    assert isinstance(caught.value.body, dict)
    assert caught.value.body["error"]["type"] == "request_too_large"


async def test_claude_codes_greeting_is_answered() -> None:
    async with gateway(scripted.json({})) as (front, _):
        client = HttpClient()
        response = await client.request("HEAD", Target.parse(front.url))
        assert response.status == 200
        await response.aclose()
        await client.aclose()
