"""Fake providers of models: what they answer to one request, as OpenAI and as Anthropic do. No socket.

Every answer repeats the word of the request's wish. Above: `upstream.py`. Below: `chat.py`,
`streams.py`, `wire.py`.
"""

import json

from bench import chat
from bench.streams import Flow, Wish, mark, wish_in
from bench.wire import STREAM_END, STREAM_HEAD, chunk, response

ANTHROPIC_PATH = "/v1/messages"
EVENT_SIZE = 262
_STREAMS = b'"stream":true'
_PLACE = "PLACE"
_EVENT = json.dumps(
    {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1790000000,
        "model": "bench",
        "choices": [{"index": 0, "delta": {"content": _PLACE}, "finish_reason": None}],
    }
)
_FINISH = _EVENT.replace(f'{{"content": "{_PLACE}"}}', "{}").replace("null", '"stop"')
_USAGE = {"prompt_tokens": 420, "completion_tokens": 230, "total_tokens": 650}
_REPLY = chat.reply_body(start=_PLACE + ": ")
_MESSAGE = json.dumps(
    {
        "id": "msg_bench",
        "type": "message",
        "role": "assistant",
        "model": "bench",
        "content": [{"type": "text", "text": f"{_PLACE}: {(chat.SENTENCE * 12)[:920]}"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 420, "output_tokens": 230},
    }
).encode()
_LAST = _EVENT.partition('"choices"')[0] + f'"choices": [], "usage": {json.dumps(_USAGE)}}}'


def openai(body: bytes) -> bytes | Flow:
    """A chat completion, as JSON or as a stream; with usage at its end, as `include_usage` asks for."""
    wish = wish_in(body)
    if _STREAMS in body.replace(b'": ', b'":'):
        return _stream(wish)
    return response(200, _REPLY.replace(_PLACE.encode(), wish.word.encode()))


def anthropic(body: bytes) -> bytes:
    """A message of the Anthropic API."""
    return response(200, _MESSAGE.replace(_PLACE.encode(), wish_in(body).word.encode()))


def _stream(wish: Wish) -> Flow:
    padding = (chat.SENTENCE * 3)[: EVENT_SIZE - len(_EVENT) - 35]

    def piece(number: int) -> bytes:
        text = f"{mark(wish.word, number)} {padding}"
        return chunk(b"data: %s\n\n" % _EVENT.replace(_PLACE, text).encode())

    tail = b"".join(chunk(b"data: %s\n\n" % each) for each in (_FINISH.encode(), _LAST.encode(), b"[DONE]"))
    return Flow(STREAM_HEAD, piece, wish.events, wish.gap / 1000, tail + STREAM_END)
