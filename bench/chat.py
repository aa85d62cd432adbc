"""The bodies of the plain JSON hop: a chat request of 1.9 kB and its reply of 1.2 kB.

Pure values, the same on every run. Above: the fake upstream and the wrk script.
"""

import json
from collections.abc import Callable

Builder = Callable[[str], object]
PATH = "/v1/chat/completions"
SENTENCE = "The quick brown fox jumps over the lazy dog while the gateway counts every byte. "


def request_body(size: int = 1900) -> bytes:
    """A chat completion request of exactly `size` bytes."""
    return _padded(
        lambda text: {
            "model": "bench",
            "temperature": 0.2,
            "messages": [
                {"role": "system", "content": "You answer in one sentence."},
                {"role": "user", "content": text},
            ],
        },
        size,
    )


def reply_body(size: int = 1200) -> bytes:
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
    )


def _padded(build: Builder, size: int) -> bytes:
    missing = size - len(json.dumps(build("")))
    text = (SENTENCE * (missing // len(SENTENCE) + 1))[:missing]
    return json.dumps(build(text)).encode()
