"""Which headers pass between callers and providers: short lists, everything else stays out. Pure.

Neither cookies nor credentials nor hop-by-hop headers are on them. Above: `call`, `endpoint`.
"""

import re
from collections.abc import Iterable

from ..core.call import Header, Principal

TO_PROVIDER = (b"anthropic-version", b"anthropic-beta", b"openai-beta", b"user-agent", b"idempotency-key")
"""Of a caller that speaks the provider's own format. `user-agent` lets a provider tell its own clients apart."""
TO_ANY_PROVIDER = (b"user-agent",)

_TO_CALLER = frozenset(
    {b"request-id", b"x-request-id", b"retry-after", b"openai-processing-ms", b"openai-model", b"x-should-retry"}
)
_TO_CALLER_BEGINNINGS = (b"anthropic-ratelimit-", b"x-ratelimit-")
_FIRST = frozenset({b"a", b"x"})
_UNFIT = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CREDENTIALS = (b"x-api-key", b"api-key", b"x-goog-api-key")
OWN_KEY = b"x-fedgate-provider-key"
"""Where a caller puts its key for the provider if it needs the usual places for its key to the gateway."""
LONGEST = 8192
"""Bytes of a header that is passed on, or of a key."""


def to_provider(headers: dict[bytes, bytes], *, same_format: bool) -> tuple[Header, ...]:
    names = TO_PROVIDER if same_format else TO_ANY_PROVIDER
    return tuple([(name, headers[name]) for name in names if name in headers and _is_fit(headers[name])])


def _is_fit(value: bytes) -> bool:
    return len(value) <= LONGEST and _UNFIT.search(value) is None


def to_caller(headers: Iterable[Header]) -> tuple[Header, ...]:
    """Without the content's own headers, which the reply's body decides."""
    return tuple(
        [
            (name, value)
            for name, value in headers
            if name in _TO_CALLER or (name[:1] in _FIRST and name.startswith(_TO_CALLER_BEGINNINGS))
        ]
    )


def callers_key(headers: dict[bytes, bytes], principal: Principal) -> str:
    """The caller's own key for the provider; empty if there is none.

    A key that the gateway itself knows opens the gateway: no provider may see it.
    """
    if (own := headers.get(OWN_KEY)) is not None:
        return _text(own)
    if principal.kind != "anonymous":
        return ""
    for name in _CREDENTIALS:
        if name in headers:
            return _text(headers[name])
    scheme, _, token = headers.get(b"authorization", b"").strip().partition(b" ")
    return _text(token) if scheme.lower() == b"bearer" else ""


def _text(value: bytes) -> str:
    text = value.strip().decode("latin-1")
    return text if len(text) <= LONGEST and text.isascii() and text.isprintable() and " " not in text else ""
