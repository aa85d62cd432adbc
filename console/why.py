"""What an administrator asks of the rules: may this one do that, and why. Reads the question; the assembly answers.

Nothing is sent anywhere, and the answer holds no credential. Above: `admin.py`, which mounts the route. Below: the
port.
"""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from starlette.requests import Request

from ..core.errors import BadRequest, TooLarge

MAX_QUESTION = 64 * 1024
"""Bytes of a question."""


class Question(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"who": "as"}):
    """Exactly one of `tool`, `agent` and `model` is what it is about."""

    who: str | dict[str, Any] = "anonymous"
    """A key, a token, the id of a key, `anonymous`; or the claims of a token, or groups and other facts."""
    tool: str = ""
    agent: str = ""
    model: str = ""
    arguments: dict[str, Any] = {}
    """Of the tool, or of the message or request: what rules may look at."""
    view: str = ""
    """Which catalog the tool is called in; empty: that of all servers."""

    def __repr__(self) -> str:
        return "<Question>"  # `who` may be a credential


Why = Callable[[Question], Awaitable[dict[str, Any]]]
"""The answer as JSON. Raises `ClientError`."""

_decoder = msgspec.json.Decoder(Question)


def parse(body: bytes) -> Question:
    """Raises `BadRequest`."""
    try:
        question = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest(f"this is no question: {_said(error)}") from None
    if sum(map(bool, (question.tool, question.agent, question.model))) != 1:
        raise BadRequest('ask about one of "tool", "agent" and "model"')
    return question


def _said(error: Exception) -> str:
    """What is wrong with it: names of members and types, never a value."""
    return str(error)[:200] if isinstance(error, msgspec.ValidationError) else "send a JSON object"


async def read(request: Request) -> Question:
    """Raises `BadRequest`, `TooLarge`."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_QUESTION:
            raise TooLarge(f"a question has at most {MAX_QUESTION} bytes")
    return parse(bytes(body))
