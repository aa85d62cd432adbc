"""The bodies of the plain JSON hop: a chat request of 1.9 kB and its reply of 1.2 kB.

Pure values, the same on every run. Above: the fake upstreams, the wrk script and the load generators.
"""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

Builder = Callable[[str], object]
PATH = "/v1/chat/completions"
SENTENCE = "The quick brown fox jumps over the lazy dog while the gateway counts every byte. "


def request_body(
    size: int = 1900, *, start: str = "", model: str = "bench", more: Mapping[str, object] = MappingProxyType({})
) -> bytes:
    """A chat completion request of exactly `size` bytes; `start`: what the user says first; `more`: further members."""
    return _padded(
        lambda text: {
            "model": model,
            **more,
            "temperature": 0.2,
            "messages": [
                {"role": "system", "content": "You answer in one sentence."},
                {"role": "user", "content": text},
            ],
        },
        size,
        start,
    )


def reply_body(size: int = 1200, *, start: str = "") -> bytes:
    """A chat completion reply of exactly `size` bytes, with usage."""
    return _padded(
        lambda text: {
            "id": "chatcmpl-bench",
            "object": "chat.completion",
            "created": 1790000000,
            "model": "bench",
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 420, "completion_tokens": 230, "total_tokens": 650},
        },
        size,
        start,
    )


def _padded(build: Builder, size: int, start: str) -> bytes:
    missing = max(0, size - len(json.dumps(build(start))))
    text = start + (SENTENCE * (missing // len(SENTENCE) + 1))[:missing]
    return json.dumps(build(text)).encode()
