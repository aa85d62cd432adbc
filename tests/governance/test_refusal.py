"""governance/refusal.py: a sentence and the headers, letter by letter."""

from fedgate.governance import refusal
from fedgate.governance.settings import Rate


def test_a_rate_that_is_used_up_is_told_in_all_spellings() -> None:
    error = refusal.too_often("per-caller", "requests", Rate(600, "minute"), left=0, seconds=11.2, now=1_800_000_000.0)
    assert str(error) == 'the limit "per-caller" is reached: 600 requests per minute; try again in 12 s'
    assert (error.status, error.retryable, error.retry_after, error.reason) == (429, True, 12, "rate_limited")
    assert error.headers == (
        (b"retry-after", b"12"),
        (b"ratelimit", b'"per-caller";r=0;t=12'),
        (b"ratelimit-policy", b'"per-caller";q=600;w=60'),
        (b"ratelimit-limit", b"600"),
        (b"ratelimit-remaining", b"0"),
        (b"ratelimit-reset", b"12"),
        (b"x-ratelimit-limit-requests", b"600"),
        (b"x-ratelimit-remaining-requests", b"0"),
        (b"x-ratelimit-reset-requests", b"12s"),
        (b"anthropic-ratelimit-requests-limit", b"600"),
        (b"anthropic-ratelimit-requests-remaining", b"0"),
        (b"anthropic-ratelimit-requests-reset", b"2027-01-15T08:00:12Z"),
    )


def test_tokens_tell_what_is_left_of_them() -> None:
    error = refusal.too_often("day", "tokens", Rate(200_000, "day"), left=31, seconds=0.1, now=0.0)
    headers = dict(error.headers)
    assert headers[b"retry-after"] == headers[b"ratelimit-reset"] == b"1"
    assert headers[b"ratelimit-remaining"] == headers[b"x-ratelimit-remaining-tokens"] == b"31"
    assert headers[b"anthropic-ratelimit-tokens-reset"] == b"1970-01-01T00:00:01Z"


def test_one_is_not_many() -> None:
    error = refusal.too_often("slow", "requests", Rate(1, "hour"), left=0, seconds=5.0, now=0.0)
    assert str(error) == 'the limit "slow" is reached: 1 request per hour; try again in 5 s'


def test_concurrency_has_no_window() -> None:
    error = refusal.too_many("export", 2)
    assert str(error) == 'the limit "export" is reached: 2 calls at a time; try again when one has ended'
    assert dict(error.headers) == {
        b"retry-after": b"1",
        b"ratelimit": b'"export";r=0;t=1',
        b"ratelimit-policy": b'"export";q=2;qu="concurrent-requests"',
        b"ratelimit-limit": b"2",
        b"ratelimit-remaining": b"0",
        b"ratelimit-reset": b"1",
    }
    assert "1 call at a time" in str(refusal.too_many("export", 1))


def test_what_can_never_fit_is_not_worth_a_retry() -> None:
    error = refusal.too_large("day", Rate(1000, "day"), 4711)
    assert (error.status, error.retryable, error.headers) == (413, False, ())
    assert str(error) == 'this takes about 4711 tokens, and the limit "day" allows 1000 per day in all: send less'
