"""Scripted providers: loopback servers that answer each wire format in recorded shapes, or fail as told.

An answer is a value (`json`, `sse`, `page`, ...); a provider gives out its answers in order and repeats the
last one. What it was asked is kept. Requests are judged by h11 (`tests.core.http_peer`).
"""

import asyncio
import gzip
import json as jsonlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.core.http_peer import Received, Wire, peer

End = Literal["whole", "cut", "stall", "never"]
REASONS = {200: "OK"}
PAUSE = b"(pause)"
"""Among the chunks of an answer: what follows is sent when the client has read what came before."""


@dataclass
class Answer:
    """One HTTP answer. `end`: whole; cut in the middle; standing still until the client leaves; no answer at all."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    chunks: Sequence[bytes] = ()
    end: End = "whole"

    def but(self, **changes: Any) -> "Answer":
        return Answer(**{**self.__dict__, **changes})


def json(body: Any, status: int = 200, **headers: str) -> Answer:
    raw = body if isinstance(body, bytes) else jsonlib.dumps(body, separators=(",", ":")).encode()
    return Answer(status, {"content-type": "application/json", **_named(headers)}, [raw])


def sse(*frames: bytes, end: End = "whole", **headers: str) -> Answer:
    return Answer(200, {"content-type": "text/event-stream", **_named(headers)}, frames, end)


def page(status: int = 502) -> Answer:
    html = b"<html><head><title>Bad Gateway</title></head><body>nginx</body></html>"
    return Answer(status, {"content-type": "text/html"}, [html])


def gzipped(answer: Answer) -> Answer:
    body = gzip.compress(b"".join(answer.chunks))
    return answer.but(headers={**answer.headers, "content-encoding": "gzip"}, chunks=[body])


def nothing() -> Answer:
    """Takes the request and never answers."""
    return Answer(end="never")


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Provider:
    """A provider that is running."""

    answers: list[Answer]
    base: str = ""
    asked: list[Received] = field(default_factory=list)
    resume: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever has read what came before a `PAUSE`."""
    left: int = 0
    """Requests whose client went away before the answer was whole."""

    def next(self) -> Answer:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    @property
    def bodies(self) -> list[Any]:
        return [jsonlib.loads(each.body) for each in self.asked]

    async def serve(self, wire: Wire) -> None:
        while True:
            self.asked.append(await wire.request())
            answer = self.next()
            if answer.end != "never":
                await self._send(wire, answer)
            if answer.end == "cut":
                wire.abort()
                return
            if answer.end in ("stall", "never"):
                await wire.gone()
                self.left += 1
                return

    async def _send(self, wire: Wire, answer: Answer) -> None:
        wire.send(_head(answer))
        for chunk in answer.chunks:
            if chunk == PAUSE:
                await wire.writer.drain()
                await self.resume.wait()
            else:
                wire.send(b"%x\r\n%b\r\n" % (len(chunk), chunk))
        if answer.end == "whole":
            wire.send(b"0\r\n\r\n")
        await wire.writer.drain()


def _head(answer: Answer) -> bytes:
    lines = [f"HTTP/1.1 {answer.status} {REASONS.get(answer.status, 'Whatever')}"]
    lines += [f"{name}: {value}" for name, value in answer.headers.items()]
    return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode()


@asynccontextmanager
async def provider(*answers: Answer) -> AsyncIterator[Provider]:
    state = Provider(list(answers))
    async with peer(state.serve) as server:
        state.base = f"http://127.0.0.1:{server.target.port}"
        yield state


def frames(*events: Any, named: bool = False, done: bool = False) -> list[bytes]:
    """Events as frames; `named`: with an `event:` line, as Anthropic and Responses write them."""
    written = []
    for event in events:
        data = event if isinstance(event, bytes) else jsonlib.dumps(event, separators=(",", ":")).encode()
        head = f"event: {event['type']}\n".encode() if named else b""
        written.append(head + b"data: " + data + b"\n\n")
    return [*written, b"data: [DONE]\n\n"] if done else written


# Recorded shapes: a greeting in each format, whole and streamed.

OPENAI = {
    "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    "object": "chat.completion",
    "created": 1741569952,
    "model": "gpt-4.1-2025-04-14",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello there!", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {
        "prompt_tokens": 19,
        "completion_tokens": 10,
        "total_tokens": 29,
        "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 3, "audio_tokens": 0},
    },
    "service_tier": "default",
}


def openai_chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1741570283, "model": "gpt-4.1-2025-04-14"}
    return {**head, "choices": [choice], **more}


OPENAI_USAGE = {
    **openai_chunk({}),
    "choices": [],
    "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
}
OPENAI_STREAM = frames(
    openai_chunk({"role": "assistant", "content": ""}),
    openai_chunk({"content": "Hello"}),
    openai_chunk({"content": " there!"}),
    openai_chunk({}, "stop"),
    OPENAI_USAGE,
    done=True,
)

ANTHROPIC = {
    "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-4-5-20250929",
    "content": [
        {"type": "thinking", "thinking": "Short.", "signature": "EqQBCgIYAhIM1gbcDa9GJwZA2b3hGgxBdjrkzLoky3dl"},
        {"type": "text", "text": "Hello there!"},
    ],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 12,
        "cache_creation_input_tokens": 5,
        "cache_read_input_tokens": 2,
        "output_tokens": 10,
        "service_tier": "standard",
    },
}
_START = {**ANTHROPIC, "content": [], "stop_reason": None, "usage": {**ANTHROPIC["usage"], "output_tokens": 1}}  # type: ignore[dict-item]
ANTHROPIC_START = {"type": "message_start", "message": _START}
ANTHROPIC_PING = {"type": "ping"}
ANTHROPIC_THINKING = [
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Short."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "EqQBCgIYAhIM"}},
    {"type": "content_block_stop", "index": 0},
]
ANTHROPIC_TEXT = [
    {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Hello"}},
    {"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": " there!"}},
    {"type": "content_block_stop", "index": 1},
]
ANTHROPIC_END = [
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 10},
    },
    {"type": "message_stop"},
]
ANTHROPIC_STREAM = frames(
    ANTHROPIC_START, ANTHROPIC_PING, *ANTHROPIC_THINKING, *ANTHROPIC_TEXT, *ANTHROPIC_END, named=True
)
ANTHROPIC_OVERLOADED = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}

_OUTPUT = [
    {
        "type": "message",
        "id": "msg_67ccd2bf17f0819081ff3bb2cf6508e6",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hello there!", "annotations": []}],
    }
]
RESPONSES = {
    "id": "resp_67ccd2bed1ec8190b14f964abc0542670bb6a6b452d3795b",
    "object": "response",
    "created_at": 1741476542,
    "status": "completed",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "model": "gpt-4.1-2025-04-14",
    "output": _OUTPUT,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": {
        "input_tokens": 36,
        "input_tokens_details": {"cached_tokens": 6},
        "output_tokens": 87,
        "output_tokens_details": {"reasoning_tokens": 7},
        "total_tokens": 123,
    },
    "user": None,
    "metadata": {},
}
_OPEN = {**RESPONSES, "status": "in_progress", "output": [], "usage": None}
_ITEM = _OUTPUT[0]["id"]
RESPONSES_STREAM = frames(
    {"type": "response.created", "sequence_number": 0, "response": _OPEN},
    {"type": "response.in_progress", "sequence_number": 1, "response": _OPEN},
    {
        "type": "response.output_item.added",
        "sequence_number": 2,
        "output_index": 0,
        "item": {**_OUTPUT[0], "status": "in_progress", "content": []},
    },
    {
        "type": "response.content_part.added",
        "sequence_number": 3,
        "item_id": _ITEM,
        "output_index": 0,
        "content_index": 0,
        "part": {"type": "output_text", "text": "", "annotations": []},
    },
    {
        "type": "response.output_text.delta",
        "sequence_number": 4,
        "item_id": _ITEM,
        "output_index": 0,
        "content_index": 0,
        "delta": "Hello there!",
    },
    {"type": "response.output_item.done", "sequence_number": 5, "output_index": 0, "item": _OUTPUT[0]},
    {"type": "response.completed", "sequence_number": 6, "response": RESPONSES},
    named=True,
)

GEMINI: dict[str, Any] = {
    "candidates": [
        {"content": {"parts": [{"text": "Hello there!"}], "role": "model"}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {
        "promptTokenCount": 8,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 21,
        "cachedContentTokenCount": 3,
        "totalTokenCount": 39,
    },
    "modelVersion": "gemini-2.5-flash",
    "responseId": "abc",
}


def gemini_chunk(text: str, finish: str | None = None, *, thought: bool = False) -> dict[str, Any]:
    part = {"text": text, **({"thought": True} if thought else {})}
    candidate = {"content": {"parts": [part], "role": "model"}, "index": 0}
    ends = {"finishReason": finish} if finish else {}
    usage = GEMINI["usageMetadata"] if finish else {"promptTokenCount": 8, "totalTokenCount": 8}
    return {"candidates": [{**candidate, **ends}], "usageMetadata": usage, "modelVersion": "gemini-2.5-flash"}


GEMINI_STREAM = [
    frame.replace(b"\n\n", b"\r\n\r\n") for frame in frames(gemini_chunk("Hello"), gemini_chunk(" there!", "STOP"))
]

Make = Callable[[], Answer]


@dataclass(frozen=True)
class Shape:
    """A client format: where it is posted, its smallest request, and what a provider of that format answers."""

    format: str
    path: str
    request: dict[str, Any]
    type: str
    base: str
    """What stands behind the server's address in `base_url`."""
    whole: Any
    stream: Sequence[bytes]
    usage: tuple[int, int]

    def body(self, **more: Any) -> bytes:
        return jsonlib.dumps({**self.request, **more}).encode()

    def stream_path(self) -> str:
        return self.path.replace(":generateContent", ":streamGenerateContent")

    def stream_body(self) -> bytes:
        return self.body() if self.format == "gemini" else self.body(stream=True)


_HI = [{"role": "user", "content": "Hi"}]
SHAPES = {
    "openai": Shape(
        "openai",
        "/v1/chat/completions",
        {"model": "m", "messages": _HI},
        "openai",
        "/v1",
        OPENAI,
        OPENAI_STREAM,
        (19, 10),
    ),
    "responses": Shape(
        "responses",
        "/v1/responses",
        {"model": "m", "input": "Hi"},
        "openai",
        "/v1",
        RESPONSES,
        RESPONSES_STREAM,
        (36, 87),
    ),
    "anthropic": Shape(
        "anthropic",
        "/v1/messages",
        {"model": "m", "max_tokens": 100, "messages": _HI},
        "anthropic",
        "",
        ANTHROPIC,
        ANTHROPIC_STREAM,
        (19, 10),
    ),
    "gemini": Shape(
        "gemini",
        "/v1beta/models/m:generateContent",
        {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]},
        "gemini",
        "",
        GEMINI,
        GEMINI_STREAM,
        (8, 31),
    ),
}
