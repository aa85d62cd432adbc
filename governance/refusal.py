"""What callers are told when a limit is reached: a sentence, and the headers that their clients look at. Pure.

    retry-after                   every client
    ratelimit..., x-ratelimit-... as whoever passes is told (`headers.py`)
    anthropic-ratelimit-K-...     as Anthropic writes them; K is requests or tokens, reset is a date

Names of limits are the operator's and may be shown, keys are not. Above: `limits.py`. Below: `headers.py`.
"""

from datetime import UTC, datetime

from ..core.call import Header
from ..core.errors import RateLimited, TooLarge
from .headers import by_kind, of_places, of_rate
from .settings import Rate
from .sliding import whole_seconds

AGAIN = 1
"""Seconds after which it is worth another try where calls have to end first."""


def too_often(limit: str, kind: str, rate: Rate, *, left: int, seconds: float, now: float) -> RateLimited:
    """`kind`: `requests` or `tokens`. `seconds`: until it fits again. `now`: since the epoch."""
    wait = whole_seconds(seconds)
    what = kind if rate.amount > 1 else kind.removesuffix("s")
    message = f'the limit "{limit}" is reached: {rate.amount} {what} per {rate.unit}; try again in {wait} s'
    headers = (
        (b"retry-after", b"%d" % wait),
        *of_rate(limit, kind, rate, left, wait),
        *by_kind(limit, kind, rate, left, wait),
        *_anthropic(kind, rate.amount, left, now + wait),
    )
    return RateLimited(message, headers=headers, retry_after=wait)


def too_many(limit: str, most: int) -> RateLimited:
    """Too many calls are under way."""
    calls = "call" if most == 1 else "calls"
    message = f'the limit "{limit}" is reached: {most} {calls} at a time; try again when one has ended'
    headers = ((b"retry-after", b"%d" % AGAIN), *of_places(limit, most, AGAIN))
    return RateLimited(message, headers=headers, retry_after=AGAIN)


def too_large(limit: str, rate: Rate, tokens: int) -> TooLarge:
    """It would not fit if nobody else asked for anything: to wait does not help."""
    return TooLarge(
        f'this takes about {tokens} tokens, and the limit "{limit}" allows {rate.amount} per {rate.unit} in all: '
        "send less"
    )


def _anthropic(kind: str, most: int, left: int, reset: float) -> tuple[Header, ...]:
    """`reset`: since the epoch."""
    when = datetime.fromtimestamp(reset, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    named = kind.encode()
    return (
        (b"anthropic-ratelimit-%b-limit" % named, b"%d" % most),
        (b"anthropic-ratelimit-%b-remaining" % named, b"%d" % left),
        (b"anthropic-ratelimit-%b-reset" % named, when.encode()),
    )
