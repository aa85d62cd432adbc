"""What the vendors' own SDKs make of bytes that the formats wrote: the judges of the translation tests."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
import pydantic
from anthropic.lib.streaming import MessageStream
from anthropic.types import Message
from anthropic.types.message_create_params import MessageCreateParams
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParams

from fedgate.core.sse import Event as SseEvent
from fedgate.core.sse import Reader


def frames(data: bytes) -> list[SseEvent]:
    """The server-sent events of a stream."""
    return Reader().feed(data)


@cache
def _adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def _exhaust(value: Any) -> None:
    """Iterables are validated as they are read: reads them all."""
    if isinstance(value, dict):
        for each in value.values():
            _exhaust(each)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for each in value:
            _exhaust(each)


def is_openai_request(body: bytes) -> dict[str, Any]:
    """Raises unless the official SDK could have sent it."""
    _exhaust(_adapter(CompletionCreateParams).validate_python(json.loads(body)))
    return dict(json.loads(body))


def is_anthropic_request(body: bytes) -> dict[str, Any]:
    """Raises unless the official SDK could have sent it."""
    _exhaust(_adapter(MessageCreateParams).validate_python(json.loads(body)))
    return dict(json.loads(body))


def openai_answer(body: bytes) -> ChatCompletion:
    """The answer as the SDK gives it to its caller, strictly validated too."""
    ChatCompletion.model_validate_json(body)
    with _openai(body, "application/json") as client:
        return client.chat.completions.create(model="m", messages=[])


def openai_stream(body: bytes) -> ChatCompletion:
    """A stream, accumulated by the SDK's own helper."""
    with _openai(body, "text/event-stream") as client, client.chat.completions.stream(model="m", messages=[]) as stream:
        for _ in stream:
            pass
        return stream.get_final_completion()


def openai_chunks(body: bytes) -> list[dict[str, Any]]:
    """The chunks, each validated strictly."""
    adapter = _adapter(openai.types.chat.ChatCompletionChunk)
    found = [event.data for event in frames(body) if event.data != b"[DONE]"]
    for data in found:
        adapter.validate_json(data)
    return [json.loads(data) for data in found]


def _openai(body: bytes, content_type: str) -> openai.OpenAI:
    transport = httpx2.MockTransport(lambda request: _answer(body, content_type))
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def _answer(body: bytes, content_type: str) -> httpx2.Response:
    return httpx2.Response(200, headers={"content-type": content_type}, content=body)


def anthropic_answer(body: bytes) -> Message:
    """The answer as the SDK gives it to its caller, strictly validated too."""
    Message.model_validate_json(body)
    with _anthropic(body, "application/json") as client:
        return client.messages.create(model="m", max_tokens=1, messages=[])


def anthropic_stream(body: bytes) -> Message:
    """A stream, accumulated by the SDK's own helper; every event is validated strictly."""
    adapter = _adapter(anthropic.types.RawMessageStreamEvent)
    for event in frames(body):
        assert json.loads(event.data)["type"].encode() == event.event
        if event.event != b"error":
            adapter.validate_json(event.data)
    with (
        _anthropic(body, "text/event-stream") as client,
        client.messages.stream(model="m", max_tokens=1, messages=[]) as stream,
    ):
        assert isinstance(stream, MessageStream)
        for _ in stream:
            pass
        return stream.get_final_message()


def _anthropic(body: bytes, content_type: str) -> anthropic.Anthropic:
    transport = httpx2.MockTransport(lambda request: _answer(body, content_type))
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))
