"""The answer to a request for a count of tokens that no provider would count: an estimate, and marked as one. Pure.

Above: `endpoint`. Below: `estimate`.
"""

from ..core.call import JSON, Reply
from ..core.rawjson import encode
from .estimate import measure, tokens
from .values import Asked

ESTIMATED = (b"x-fedgate-estimated", b"true")


def estimate(asked: Asked) -> int:
    """Tokens of what a model would read."""
    return tokens(measure(asked), asked.model)


def estimated(asked: Asked) -> Reply:
    """In the caller's form."""
    key = "totalTokens" if asked.format == "gemini" else "input_tokens"
    return Reply(200, (JSON, ESTIMATED), encode({key: estimate(asked)}))
