"""What the gateway says to an agent on behalf of a caller of another protocol, and how it reads what comes back.

In its own speech, 1.0 by JSON-RPC: the relay bridges to what the agent speaks. Above: `door.py`. Below:
`core.jsonrpc`, `core.sse`.
"""

import secrets
from collections.abc import AsyncGenerator, AsyncIterator

from ..core import jsonrpc, sse
from ..core.call import Call, Caller, Record, Request
from ..core.conversation import Asking
from ..core.errors import RpcError, UpstreamInvalid
from ..core.rawjson import Raw, fields, join, text, value
from ..core.streams import closing
from ..core.trail import Trail
from .values import Asked

MAX_SENTENCE = 2000
"""Characters of an agent's error that are passed on."""


def message(asking: Asking) -> bytes:
    """The parameters that say it, as 1.0 has them."""
    said: dict[str, object] = {
        "messageId": secrets.token_hex(16),
        "role": "ROLE_USER",
        "parts": [{"text": asking.message}],
    }
    ids = {"contextId": asking.context, "taskId": asking.task}
    said |= {key: id_ for key, id_ in ids.items() if id_}
    if asking.skill:
        said["metadata"] = {"skillId": asking.skill}
    return join({"message": said, "configuration": {}})


def call(asked: Asked, caller: Caller, trail: Trail | None = None) -> Call:
    """The request of an A2A client that would say the same, as a part of the operation that `trail` belongs to.

    Its record is nobody's: what it takes is counted where the caller's own operation waits for it.
    """

    async def read() -> bytes:
        return asked.body

    request = Request("", "POST", f"/a2a/{asked.agent}", b"", dict(caller.headers), "", "", "HTTP/1.1", read)
    return Call(
        "a2a",
        request,
        Record(request, "a2a", 0.0, principal=caller.principal, trail=trail),
        operation=asked.operation,
        principal=caller.principal,
        body=asked.body,
        token=caller.token,
    )


async def events(body: AsyncIterator[bytes], limit: int) -> AsyncGenerator[bytes, None]:
    """The data of each event that has some."""
    reader = sse.Reader(limit)
    async with closing(body) as chunks:
        async for chunk in chunks:
            for event in reader.feed(chunk):
                if event.data:
                    yield event.data


def result(body: bytes) -> Raw:
    """The result in an envelope. `RpcError` with the agent's own sentence for the error that it is instead."""
    try:
        envelope = jsonrpc.parse_one(body)
        if bytes(envelope.error) in (b"", b"null"):
            return envelope.result
        error = fields(envelope.error)
        code = value(error["code"]) if "code" in error else jsonrpc.INTERNAL_ERROR
        sentence = text(error.get("message")) or "no reason given"
    except (RpcError, ValueError) as error:
        raise UpstreamInvalid("the agent's answer is no JSON-RPC answer") from error
    raise RpcError(code if isinstance(code, int) else jsonrpc.INTERNAL_ERROR, sentence[:MAX_SENTENCE])
