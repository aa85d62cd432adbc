"""The headers by which clients know how they stand to a rate, whether they were refused or not. Pure.

    ratelimit, ratelimit-policy              draft-ietf-httpapi-ratelimit-headers-10: items of structured fields
    ratelimit-limit, -remaining, -reset      the same draft up to 07: numbers, and seconds
    x-ratelimit-{limit,remaining,reset}-K    as OpenAI writes them; K is requests or tokens, reset such as 12s

Names of limits are the operator's and may be shown, keys are not. Above: `refusal.py`, `limits.py`.
"""

from functools import lru_cache
from typing import NamedTuple

from ..core.call import Header
from .settings import Rate

_UNITS = {"requests": b"", "tokens": b';qu="tokens"', "concurrency": b';qu="concurrent-requests"'}
"""As parameters of a policy; requests are what is meant without."""


class _Fixed(NamedTuple):
    """What is the same in every answer about one number of one limit."""

    policy: Header
    most: Header
    name: bytes
    named_most: Header
    named_left: bytes
    named_reset: bytes


@lru_cache(256)
def _fixed(limit: str, kind: str, most: int, seconds: int) -> _Fixed:
    name, named, quota = limit.encode(), kind.encode(), b"%d" % most
    window = b";w=%d" % seconds if seconds else b""
    return _Fixed(
        (b"ratelimit-policy", b'"%b";q=%b%b%b' % (name, quota, window, _UNITS[kind])),
        (b"ratelimit-limit", quota),
        name,
        (b"x-ratelimit-limit-" + named, quota),
        b"x-ratelimit-remaining-" + named,
        b"x-ratelimit-reset-" + named,
    )


def of_rate(limit: str, kind: str, rate: Rate, left: int, reset: int) -> tuple[Header, ...]:
    """As the drafts have them. `kind`: `requests` or `tokens`; `reset`: seconds."""
    return _drafts(_fixed(limit, kind, rate.amount, rate.seconds), left, reset)


def of_places(limit: str, most: int, reset: int) -> tuple[Header, ...]:
    """The same where all places are taken."""
    return _drafts(_fixed(limit, "concurrency", most, 0), 0, reset)


def _drafts(fixed: _Fixed, left: int, reset: int) -> tuple[Header, ...]:
    rest, wait = b"%d" % left, b"%d" % reset
    return (
        (b"ratelimit", b'"%b";r=%b;t=%b' % (fixed.name, rest, wait)),
        fixed.policy,
        fixed.most,
        (b"ratelimit-remaining", rest),
        (b"ratelimit-reset", wait),
    )


def by_kind(limit: str, kind: str, rate: Rate, left: int, reset: int) -> tuple[Header, ...]:
    """As OpenAI has them."""
    fixed = _fixed(limit, kind, rate.amount, rate.seconds)
    return (fixed.named_most, (fixed.named_left, b"%d" % left), (fixed.named_reset, b"%ds" % reset))
