"""What a request is expected to cost in tokens, for limits that are taken before it is sent. Pure.

Nobody knows how long an answer will be. What is reserved for it is bounded: clients ask for the most that a model can
write, and would shut one another out for as long as they wait. Above: `gateway/limit.py`. Below: `counting`.
"""

from ..core.call import Call
from ..core.rawjson import Raw, sub, value
from ..core.spending import Expected
from .counting import estimate
from .values import Asked

USUAL = 1024
"""Tokens of an answer whose length the caller leaves open."""
MOST = 4096
"""Tokens that are reserved for an answer at most."""
_WRITES = frozenset({"chat", "generate_content"})
_READS = frozenset({"embeddings"})


def expected(call: Call) -> Expected | None:
    """Of a bound call; `None` for what is not asked of a model."""
    asked = getattr(call.message, "asked", None)
    if not isinstance(asked, Asked):
        return None
    if asked.operation in _READS:
        return Expected(estimate(asked), 0, 0)
    if asked.operation not in _WRITES:
        return None
    most = _most(asked)
    return Expected(estimate(asked), min(USUAL if most is None else most, MOST), most)


def _most(asked: Asked) -> int | None:
    if asked.format != "gemini":
        return asked.max_tokens
    raw: Raw | None = sub(asked.members, "generationConfig").get("maxOutputTokens")
    digits = b"" if raw is None else bytes(raw)
    return int(value(digits)) if digits.isdigit() and len(digits) <= 15 else None
