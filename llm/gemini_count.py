"""Gemini countTokens: its request and answer, both ways. Pure; the relay stands above, `gemini_request` below."""

import msgspec

from ..core.rawjson import encode, fields
from .gemini_members import absent, camel, read
from .gemini_request import read_request
from .neutral import Request
from .reading import answered, asked
from .wire import Tokens, members, tokens


class _Count(msgspec.Struct, rename="camel"):
    total_tokens: Tokens | None = None


_count = msgspec.json.Decoder(_Count)


def read_count_request(body: bytes, model: str) -> Request:
    """The request whose tokens are to be counted: the body, or what stands in it as `generateContentRequest`."""
    return read_request(asked(_inner, body), model)


def _inner(body: bytes) -> bytes:
    inner = camel(members(body)).get("generateContentRequest")
    if inner is None or absent(inner):
        return body
    try:
        fields(inner)
    except ValueError as error:
        raise ValueError("generateContentRequest: must be an object") from error
    return bytes(inner)


def write_count_request(body: bytes, model: str) -> bytes:
    """To count what `body`, a request for an answer, would read: all of it counts only inside this member."""
    return encode({"generateContentRequest": {"model": f"models/{model}", **fields(body)}})


def read_count(body: bytes) -> int:
    """`UpstreamInvalid` if no count is told."""
    return answered(_read, body)


def _read(body: bytes) -> int:
    members(body)
    count = tokens(read(_count, body, "the answer").total_tokens)
    if count is None:
        raise ValueError("totalTokens: is missing")
    return count


def write_count(count: int) -> bytes:
    return encode({"totalTokens": count})
