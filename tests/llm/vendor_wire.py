"""What providers of each format say, whole and as streams, made by the book: nothing of ours has written it.

A `Says` is one answer, `WHOLE` and `STREAMS` tell it in the words of a format. Usage is always the same:
19 tokens in, 4 of them from a cache, 10 out. Above: `vendor_world`, which serves it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.llm.event_stream import event as aws_event

Json = dict[str, Any]
FORMATS = ("openai", "responses", "anthropic", "gemini", "bedrock")
IN, CACHED, OUT = 19, 4, 10
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl1pkiMOYds+/A"
PIECE = 7
"""Characters of one delta."""


@dataclass(frozen=True)
class Calls:
    """The model calls a tool. Gemini gives calls no id."""

    id: str
    name: str
    arguments: Json

    @property
    def text(self) -> str:
        return json.dumps(self.arguments, separators=(",", ":"))


@dataclass(frozen=True)
class Says:
    """One answer: a thought, a text, calls, in this order."""

    text: str = ""
    calls: tuple[Calls, ...] = ()
    thought: str = ""


def _cut(text: str) -> list[str]:
    return [text[at : at + PIECE] for at in range(0, len(text), PIECE)]


def _sse(told: Json, *, named: bool = False) -> bytes:
    head = f"event: {told['type']}\n" if named else ""
    return f"{head}data: {json.dumps(told, separators=(',', ':'))}\n\n".encode()


# OpenAI chat completions; thoughts as DeepSeek, vLLM and others tell them.

_OPENAI_USAGE = {
    "prompt_tokens": IN,
    "completion_tokens": OUT,
    "total_tokens": IN + OUT,
    "prompt_tokens_details": {"cached_tokens": CACHED},
    "completion_tokens_details": {"reasoning_tokens": 2},
}


def _openai(says: Says) -> Json:
    message: Json = {"role": "assistant", "content": says.text or None, "refusal": None}
    if says.thought:
        message["reasoning_content"] = says.thought
    if says.calls:
        functions = [{"name": call.name, "arguments": call.text} for call in says.calls]
        ids = [call.id for call in says.calls]
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": each} for id_, each in zip(ids, functions, strict=True)
        ]
    finish = "tool_calls" if says.calls else "stop"
    head = {"id": "chatcmpl-B9MBs8", "object": "chat.completion", "created": 1741569952, "model": "gpt-5.2-2026-01-01"}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    return {**head, "choices": [choice], "usage": _OPENAI_USAGE}


def _openai_stream(says: Says) -> Iterator[bytes]:
    head = {"id": "chatcmpl-B9MBs8", "object": "chat.completion.chunk", "created": 1741569952, "model": "gpt-5.2"}

    def chunk(delta: Json, finish: str | None = None) -> bytes:
        return _sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    yield chunk({"role": "assistant", "content": ""})
    for piece in _cut(says.thought):
        yield chunk({"reasoning_content": piece})
    for piece in _cut(says.text):
        yield chunk({"content": piece})
    for index, call in enumerate(says.calls):
        begun = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        yield chunk({"tool_calls": [begun]})
        for piece in _cut(call.text):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, "tool_calls" if says.calls else "stop")
    yield _sse({**head, "choices": [], "usage": _OPENAI_USAGE})
    yield b"data: [DONE]\n\n"


# OpenAI Responses.


def _items(says: Says) -> list[Json]:
    items: list[Json] = []
    if says.thought:
        summary = [{"type": "summary_text", "text": says.thought}]
        items.append({"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": SIGNATURE})
    if says.text:
        part = {"type": "output_text", "text": says.text, "annotations": []}
        message = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}
        items.append(message)
    for number, call in enumerate(says.calls):
        named = {"call_id": call.id, "name": call.name, "arguments": call.text, "status": "completed"}
        items.append({"type": "function_call", "id": f"fc_{number}", **named})
    return items


def _responses(says: Says) -> Json:
    cached = {"cached_tokens": CACHED, "cache_write_tokens": 0}
    details = {"input_tokens_details": cached, "output_tokens_details": {"reasoning_tokens": 2}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1741476542,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-5.2-2026-01-01",
        "output": _items(says),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {"input_tokens": IN, "output_tokens": OUT, "total_tokens": IN + OUT, **details},
    }


def _responses_stream(says: Says) -> Iterator[bytes]:
    whole = _responses(says)
    told: list[Json] = [
        {"type": "response.created", "response": {**whole, "status": "in_progress", "output": [], "usage": None}}
    ]
    for index, item in enumerate(whole["output"]):
        told += _item_events(index, item)
    told.append({"type": "response.completed", "response": whole})
    for number, each in enumerate(told):
        yield _sse({**each, "sequence_number": number}, named=True)


def _item_events(index: int, item: Json) -> Iterator[Json]:
    at = {"output_index": index, "item_id": item["id"]}
    if item["type"] == "function_call":
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "arguments": ""}}
        for piece in _cut(item["arguments"]):
            yield {"type": "response.function_call_arguments.delta", **at, "delta": piece}
        yield {"type": "response.function_call_arguments.done", **at, "arguments": item["arguments"]}
    elif item["type"] == "message":
        (part,) = item["content"]
        in_part = {**at, "content_index": 0}
        yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "content": []}}
        yield {"type": "response.content_part.added", **in_part, "part": {**part, "text": ""}}
        for piece in _cut(part["text"]):
            yield {"type": "response.output_text.delta", **in_part, "delta": piece, "logprobs": []}
        yield {"type": "response.output_text.done", **in_part, "text": part["text"], "logprobs": []}
        yield {"type": "response.content_part.done", **in_part, "part": part}
    else:
        (part,) = item["summary"]
        in_part = {**at, "summary_index": 0}
        begun = {**item, "summary": [], "encrypted_content": ""}
        yield {"type": "response.output_item.added", "output_index": index, "item": begun}
        yield {"type": "response.reasoning_summary_part.added", **in_part, "part": {**part, "text": ""}}
        for piece in _cut(part["text"]):
            yield {"type": "response.reasoning_summary_text.delta", **in_part, "delta": piece}
        yield {"type": "response.reasoning_summary_text.done", **in_part, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **in_part, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


# Anthropic Messages.

_ANTHROPIC_USAGE = {
    "input_tokens": IN - CACHED,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": CACHED,
    "output_tokens": OUT,
}


def _anthropic(says: Says) -> Json:
    content: list[Json] = []
    if says.thought:
        content.append({"type": "thinking", "thinking": says.thought, "signature": SIGNATURE})
    if says.text:
        content.append({"type": "text", "text": says.text})
    content += [{"type": "tool_use", "id": each.id, "name": each.name, "input": each.arguments} for each in says.calls]
    ends = {"stop_reason": "tool_use" if says.calls else "end_turn", "stop_sequence": None}
    head = {"id": "msg_01XFDU", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929"}
    return {**head, "content": content, **ends, "usage": _ANTHROPIC_USAGE}


def _anthropic_stream(says: Says) -> Iterator[bytes]:
    whole = _anthropic(says)
    begun = {**whole, "content": [], "stop_reason": None, "usage": {**_ANTHROPIC_USAGE, "output_tokens": 1}}
    yield _sse({"type": "message_start", "message": begun}, named=True)
    yield _sse({"type": "ping"}, named=True)
    for index, block in enumerate(whole["content"]):
        empty, deltas = _anthropic_block(block)
        yield _sse({"type": "content_block_start", "index": index, "content_block": empty}, named=True)
        for delta in deltas:
            yield _sse({"type": "content_block_delta", "index": index, "delta": delta}, named=True)
        yield _sse({"type": "content_block_stop", "index": index}, named=True)
    ends = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield _sse({"type": "message_delta", "delta": ends, "usage": {"output_tokens": OUT}}, named=True)
    yield _sse({"type": "message_stop"}, named=True)


def _anthropic_block(block: Json) -> tuple[Json, list[Json]]:
    """The block as it begins, and its deltas."""
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _cut(block["thinking"])]
        signed = {"type": "signature_delta", "signature": block["signature"]}
        return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
    if block["type"] == "text":
        return {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _cut(block["text"])]
    pieces = _cut(json.dumps(block["input"]))
    return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": piece} for piece in pieces]


# Gemini.


def _gemini(says: Says) -> Json:
    parts: list[Json] = [{"text": says.thought, "thought": True}] if says.thought else []
    if says.text:
        parts.append({"text": says.text})
    parts += [{"functionCall": {"name": call.name, "args": call.arguments}} for call in says.calls]
    if says.thought:
        parts[1]["thoughtSignature"] = SIGNATURE
    return _gemini_answer(parts, finish="STOP")


def _gemini_answer(parts: list[Json], finish: str | None = None) -> Json:
    candidate: Json = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    counts = {"promptTokenCount": IN, "candidatesTokenCount": OUT - 2, "thoughtsTokenCount": 2}
    usage = {**counts, "cachedContentTokenCount": CACHED, "totalTokenCount": IN + OUT}
    return {
        "candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash", "responseId": "abc"
    }  # fmt: skip


def _gemini_stream(says: Says) -> Iterator[bytes]:
    parts = _gemini(says)["candidates"][0]["content"]["parts"]
    for number, part in enumerate(parts):
        finish = "STOP" if number + 1 == len(parts) else None
        if "text" not in part or "thoughtSignature" in part:
            told = [part]
        else:
            told = [{**part, "text": piece} for piece in _cut(part["text"])]
        for place, each in enumerate(told):
            yield _sse(_gemini_answer([each], finish if place + 1 == len(told) else None)).replace(b"\n", b"\r\n")


# Bedrock Converse.

_BEDROCK_USAGE = {
    "inputTokens": IN - CACHED,
    "outputTokens": OUT,
    "totalTokens": IN + OUT,
    "cacheReadInputTokens": CACHED,
    "cacheWriteInputTokens": 0,
}


def _bedrock(says: Says) -> Json:
    content: list[Json] = []
    if says.thought:
        content.append({"reasoningContent": {"reasoningText": {"text": says.thought, "signature": SIGNATURE}}})
    if says.text:
        content.append({"text": says.text})
    uses = [{"toolUseId": call.id, "name": call.name, "input": call.arguments} for call in says.calls]
    content += [{"toolUse": each} for each in uses]
    message = {"role": "assistant", "content": content}
    reason = "tool_use" if says.calls else "end_turn"
    return {
        "output": {"message": message}, "stopReason": reason, "usage": _BEDROCK_USAGE, "metrics": {"latencyMs": 1}
    }  # fmt: skip


def _bedrock_stream(says: Says) -> Iterator[bytes]:
    whole = _bedrock(says)
    yield aws_event("messageStart", {"role": "assistant"})
    for index, block in enumerate(whole["output"]["message"]["content"]):
        at = {"contentBlockIndex": index}
        if "text" in block:
            deltas: list[Json] = [{"text": piece} for piece in _cut(block["text"])]
        elif "toolUse" in block:
            use = block["toolUse"]
            begun = {"toolUse": {"toolUseId": use["toolUseId"], "name": use["name"]}}
            yield aws_event("contentBlockStart", {"start": begun, **at})
            deltas = [{"toolUse": {"input": piece}} for piece in _cut(json.dumps(use["input"]))]
        else:
            thought = block["reasoningContent"]["reasoningText"]
            deltas = [{"reasoningContent": {"text": piece}} for piece in _cut(thought["text"])]
            deltas.append({"reasoningContent": {"signature": thought["signature"]}})
        for delta in deltas:
            yield aws_event("contentBlockDelta", {"delta": delta, **at})
        yield aws_event("contentBlockStop", at)
    yield aws_event("messageStop", {"stopReason": whole["stopReason"]})
    yield aws_event("metadata", {"usage": _BEDROCK_USAGE, "metrics": {"latencyMs": 1}})


WHOLE: dict[str, Callable[[Says], Json]] = {
    "openai": _openai, "responses": _responses, "anthropic": _anthropic, "gemini": _gemini, "bedrock": _bedrock
}  # fmt: skip
STREAMS: dict[str, Callable[[Says], Iterator[bytes]]] = {
    "openai": _openai_stream,
    "responses": _responses_stream,
    "anthropic": _anthropic_stream,
    "gemini": _gemini_stream,
    "bedrock": _bedrock_stream,
}
