"""What callers are told when a limit is reached: a sentence, and the headers that their clients look at. Pure.

    retry-after                              every client
    ratelimit-limit, -remaining, -reset      draft-ietf-httpapi-ratelimit-headers: numbers, and seconds
    x-ratelimit-{limit,remaining,reset}-K    as OpenAI writes them; K is requests or tokens, reset such as 12s
    anthropic-ratelimit-K-...                as Anthropic writes them; reset is a date

Names of limits are the operator's and may be shown, keys are not. Above: `limits.py`.
"""

from datetime import UTC, datetime

from ..core.call import Header
from ..core.errors import RateLimited, TooLarge
from .settings import Rate
from .sliding import whole_seconds

AGAIN = 1
"""Seconds after which it is worth another try where calls have to end first."""


def too_often(limit: str, kind: str, rate: Rate, *, left: int, seconds: float, now: float) -> RateLimited:
    """`kind`: `requests` or `tokens`. `seconds`: until it fits again. `now`: since the epoch."""
    wait = whole_seconds(seconds)
    what = kind if rate.amount > 1 else kind.removesuffix("s")
    message = f'the limit "{limit}" is reached: {rate.amount} {what} per {rate.unit}; try again in {wait} s'
    return RateLimited(message, headers=_headers(kind, rate.amount, left, wait, now), retry_after=wait)


def too_many(limit: str, most: int) -> RateLimited:
    """Too many calls are under way."""
    calls = "call" if most == 1 else "calls"
    message = f'the limit "{limit}" is reached: {most} {calls} at a time; try again when one has ended'
    return RateLimited(message, headers=_common(most, 0, AGAIN), retry_after=AGAIN)


def too_large(limit: str, rate: Rate, tokens: int) -> TooLarge:
    """It would not fit if nobody else asked for anything: to wait does not help."""
    return TooLarge(
        f'this takes about {tokens} tokens, and the limit "{limit}" allows {rate.amount} per {rate.unit} in all: '
        "send less"
    )


def _headers(kind: str, most: int, left: int, wait: int, now: float) -> tuple[Header, ...]:
    when = datetime.fromtimestamp(now + wait, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = kind.encode()
    return (
        *_common(most, left, wait),
        (b"x-ratelimit-limit-" + named, b"%d" % most),
        (b"x-ratelimit-remaining-" + named, b"%d" % left),
        (b"x-ratelimit-reset-" + named, b"%ds" % wait),
        (b"anthropic-ratelimit-%b-limit" % named, b"%d" % most),
        (b"anthropic-ratelimit-%b-remaining" % named, b"%d" % left),
        (b"anthropic-ratelimit-%b-reset" % named, when.encode()),
    )


def _common(most: int, left: int, wait: int) -> tuple[Header, ...]:
    return (
        (b"retry-after", b"%d" % wait),
        (b"ratelimit-limit", b"%d" % most),
        (b"ratelimit-remaining", b"%d" % left),
        (b"ratelimit-reset", b"%d" % wait),
    )
