"""The SDKs of OpenAI (Responses) and Google as judges of what we write, and what translation tests share."""

import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import httpx2
import msgspec
import openai
import pydantic
from google.genai import Client
from google.genai import types as genai
from openai.types.responses import Response as SdkResponse
from openai.types.responses import ResponseCreateParams, ResponseStreamEvent

from fedgate.core.sse import Event as SseEvent
from fedgate.core.sse import Reader
from fedgate.llm.neutral import (
    Block,
    BlockEnded,
    BlockStarted,
    Event,
    Foreign,
    Refusal,
    Response,
    Signed,
    Started,
    Text,
    TextDelta,
    Thinking,
    ToolCall,
)


def frames(data: bytes) -> list[SseEvent]:
    return Reader().feed(data)


@cache
def adapter(kind: Any) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(kind)


def _exhaust(value: Any) -> None:
    """Iterables are validated as they are read: reads them all."""
    if isinstance(value, dict):
        for each in value.values():
            _exhaust(each)
    elif isinstance(value, Iterable) and not isinstance(value, str | bytes):
        for each in value:
            _exhaust(each)


def responses_request(body: bytes) -> dict[str, Any]:
    """Raises unless the official SDK could have sent it."""
    told: dict[str, Any] = json.loads(body)
    checked = json.loads(body)
    for number, item in enumerate(checked["input"]):
        if item.get("role") == "assistant":
            # The SDK's type asks for what the API gives its answers and does not need to see again.
            item |= {"id": f"msg_{number}", "status": "completed"}
        if item["type"] == "reasoning":
            item.setdefault("id", f"rs_{number}")
    _exhaust(adapter(ResponseCreateParams).validate_python(checked))
    return told


def _openai(body: bytes, kind: str) -> openai.OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": kind}, content=body)

    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return openai.OpenAI(api_key="k", max_retries=0, http_client=client)


def responses_answer(body: bytes) -> SdkResponse:
    """The answer as the SDK gives it to its caller, strictly validated too."""
    SdkResponse.model_validate_json(body)
    with _openai(body, "application/json") as client:
        return client.responses.create(model="m", input="")


def responses_events(body: bytes) -> list[dict[str, Any]]:
    """The events, each validated strictly, consistent with one another."""
    found = frames(body)
    told = [json.loads(event.data) for event in found]
    for number, (event, data) in enumerate(zip(found, told, strict=True)):
        adapter(ResponseStreamEvent).validate_python(data)
        assert event.event.decode() == data["type"]
        assert data["sequence_number"] == number
    return told


def responses_stream(body: bytes) -> SdkResponse:
    """A stream, accumulated by the SDK's own helper."""
    with _openai(body, "text/event-stream") as client, client.responses.stream(model="m", input="") as stream:
        for _ in stream:
            pass
        return stream.get_final_response()


def gemini_answer(body: bytes) -> genai.GenerateContentResponse:
    """Strictly validated: unknown members are errors."""
    return genai.GenerateContentResponse.model_validate_json(body)


def gemini_stream(body: bytes) -> list[genai.GenerateContentResponse]:
    """The chunks of a stream, as the SDK gives them to its caller."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=body)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as client:
        sdk = Client(api_key="k", http_options=genai.HttpOptions(httpx_client=client))
        return list(sdk.models.generate_content_stream(model="m", contents="hi"))


def gemini_request(body: bytes) -> dict[str, Any]:
    """Raises unless every member is one of the API, as the SDK knows it."""
    told: dict[str, Any] = json.loads(body)
    for content in told["contents"]:
        genai.Content.model_validate(content)
    for tool in told.get("tools", ()):
        genai.Tool.model_validate(tool)
    if "systemInstruction" in told:
        genai.Content.model_validate(told["systemInstruction"])
    if "toolConfig" in told:
        genai.ToolConfig.model_validate(told["toolConfig"])
    if "generationConfig" in told:
        genai.GenerationConfig.model_validate(told["generationConfig"])
    known = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier"}
    assert told.keys() <= known
    return told


# What a stream tells, put together.


def blocks_of(events: Iterable[Event]) -> tuple[Block, ...]:
    """The blocks of a stream; each must have been begun, filled and ended in order."""
    blocks: list[Block] = []
    open_: set[int] = set()
    for event in events:
        match event:
            case BlockStarted(index=index, block=block):
                assert index == len(blocks)
                blocks.append(block)
                open_.add(index)
            case TextDelta(index=index, text=text):
                assert index in open_
                blocks[index] = _more(blocks[index], text)
            case Signed(index=index, signature=signature, sealed=sealed):
                assert index in open_
                blocks[index] = _signed(blocks[index], signature, sealed)
            case BlockEnded(index=index):
                open_.remove(index)
            case _:
                pass
    assert not open_
    return tuple(blocks)


def _more(block: Block, text: str) -> Block:
    if isinstance(block, ToolCall):
        return msgspec.structs.replace(block, arguments=block.arguments + text)
    assert isinstance(block, Text | Refusal | Thinking)
    return msgspec.structs.replace(block, text=block.text + text)


def _signed(block: Block, signature: str, sealed: str) -> Block:
    if isinstance(block, ToolCall):
        return msgspec.structs.replace(block, signature=signature)
    assert isinstance(block, Thinking)
    return msgspec.structs.replace(block, signature=signature or block.signature, sealed=sealed or block.sealed)


def events_of(response: Response, size: int = 7) -> list[Event]:
    """The response as a stream would tell it, in pieces of `size` characters, without its end."""
    events: list[Event] = [Started(response.id, response.model, response.created)]
    for index, block in enumerate(response.content):
        text = ""
        first = block
        if isinstance(block, ToolCall):
            text, first = block.arguments, msgspec.structs.replace(block, arguments="")
        elif isinstance(block, Text | Refusal):
            text, first = block.text, type(block)("")
        elif isinstance(block, Thinking):
            text, first = block.text, Thinking(id=block.id, format=block.format)
        events.append(BlockStarted(index, first))
        events += [TextDelta(index, text[at : at + size]) for at in range(0, len(text), size)]
        if isinstance(block, Thinking) and (block.signature or block.sealed):
            events.append(Signed(index, block.signature, block.sealed))
        events.append(BlockEnded(index))
    return events


def plain(value: Any) -> Any:
    """A neutral value as plain data, raw JSON decoded: two values are the same if these are equal."""
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value)) if bytes(value) else None
    if isinstance(value, msgspec.Struct):
        return (type(value).__name__, *(plain(getattr(value, name)) for name in value.__struct_fields__))
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    return value


def foreign(format_: str) -> Foreign:
    return Foreign(
        format_, msgspec.Raw(b'{"type":"image_generation_call","id":"ig_1","result":null,"status":"completed"}')
    )
