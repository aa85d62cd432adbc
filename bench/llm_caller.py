"""A client of chat completions: frames requests, whole and streamed, and checks every answer.

Only an answer that is right counts: it must be of the kind that was asked for and repeat the request's
word. Above: `llm_load.py`. Below: `http_client.py`, `streams.py`.
"""

from collections.abc import Callable

import msgspec

from bench import chat
from bench.http_client import Connection, Wrong
from bench.streams import Listener, Wish

_WISH = "THE-WISH-OF-ONE-REQUEST"
_DONE = b"[DONE]"


class Said(msgspec.Struct):
    content: str = ""


class Choice(msgspec.Struct):
    message: Said = msgspec.field(default_factory=Said)
    delta: Said = msgspec.field(default_factory=Said)
    finish_reason: str | None = None


class Usage(msgspec.Struct):
    completion_tokens: int = 0


class Completion(msgspec.Struct):
    """A completion, or one event of its stream."""

    object: str
    choices: list[Choice] = []
    usage: Usage | None = None


read_completion = msgspec.json.Decoder(Completion).decode


def framer(host: str, key: str, model: str, *, stream: bool) -> Callable[[Wish], bytes]:
    """Makes framed requests of about 1.9 kB that say a wish."""
    more = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    template = chat.request_body(start=f"{_WISH} ", model=model, more=more)

    def framed(wish: Wish) -> bytes:
        body = template.replace(_WISH.encode(), str(wish).encode())
        head = (
            f"POST {chat.PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    return framed


async def complete(connection: Connection, request: bytes, word: str) -> None:
    """One whole completion; raises `Wrong`."""
    reply = await connection.send(request)
    if reply.status != 200:
        raise Wrong(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
    try:
        answer = read_completion(reply.body)
    except msgspec.MsgspecError as error:
        raise Wrong(f"not a completion: {error}") from error
    right = answer.object == "chat.completion" and answer.usage is not None and answer.usage.completion_tokens == 230
    if not right or len(answer.choices) != 1 or not answer.choices[0].message.content.startswith(f"{word}: "):
        raise Wrong(f"{word} was answered with {reply.body[:300]!r}")


async def listen(connection: Connection, request: bytes, wish: Wish) -> list[float]:
    """One streamed completion; gives the lag of every event. Raises `Wrong`."""
    seen: list[Completion] = []

    def read(data: bytes) -> str:
        if data == _DONE:
            return ""
        event = read_completion(data)
        if event.choices and event.choices[0].delta.content:
            return event.choices[0].delta.content
        seen.append(event)
        return ""

    listener = Listener(wish.word, wish.events, read)
    reply = await connection.send(request, sink=listener.take)
    if reply.status != 200:
        raise Wrong(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
    listener.check()
    finished = any(choice.finish_reason == "stop" for event in seen for choice in event.choices)
    if listener.last != _DONE or not finished or not any(event.usage for event in seen):
        raise Wrong(f"a stream without its finish reason, its usage or its end: {listener.last[:100]!r}")
    return listener.lags
