"""How many tokens a request has, where no provider says so: an estimate, and marked as one. Pure.

About four bytes of text make a token; media sent along cost what they cost, not their size. Above:
`endpoint`, and whoever chooses targets by the length of a request. Below: `values`.
"""

import re

from ..core.call import JSON, Reply
from ..core.rawjson import encode
from .values import Asked

BYTES_PER_TOKEN = 3.8
"""Of English prose and code in JSON."""
TOKENS_PER_MEDIUM = 1500
"""Of an image of usual size."""
ESTIMATED = (b"x-fedgate-estimated", b"true")
_COUNTED = ("system", "messages", "tools", "input", "instructions", "contents", "systemInstruction", "functions")
_BASE64 = re.compile(rb'"[^"\\]{0,64}[A-Za-z0-9+/=_-]{2048,}"')


def estimate(asked: Asked) -> int:
    """Tokens of what the model would read."""
    size = 0
    media = 0
    for key in _COUNTED:
        member = asked.members.get(key)
        if member is None:
            continue
        text, found = _BASE64.subn(b"", bytes(member))
        media += found
        size += len(text)
    return max(1, round(size / BYTES_PER_TOKEN)) + media * TOKENS_PER_MEDIUM


def estimated(asked: Asked) -> Reply:
    """The answer to a request for a count, in the caller's form."""
    key = "totalTokens" if asked.format == "gemini" else "input_tokens"
    return Reply(200, (JSON, ESTIMATED), encode({key: estimate(asked)}))
