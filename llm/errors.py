"""How a provider's failures become errors for the caller. Pure.

A provider's status is kept where it means something to the caller; where it speaks of the gateway's own
credential it does not: a caller that is told 401 would look at its own key. Kinds are named as Anthropic
names them; each format has its own words for them. Above: `call`, `attempts`, `rendering`.
"""

from typing import Literal

from ..core.call import Header
from ..core.errors import (
    BadRequest,
    GatewayError,
    MethodNotAllowed,
    NotFound,
    Overloaded,
    TooLarge,
    UpstreamBroken,
    UpstreamError,
    UpstreamRefused,
    UpstreamTimeout,
)
from .values import Failure

INVALID, AUTHENTICATION, PERMISSION = "invalid_request_error", "authentication_error", "permission_error"
NOT_FOUND, TOO_LARGE, RATE, TIMEOUT = "not_found_error", "request_too_large", "rate_limit_error", "timeout_error"
OVERLOADED, API = "overloaded_error", "api_error"

KINDS = {
    400: INVALID,
    401: AUTHENTICATION,
    402: "billing_error",
    403: PERMISSION,
    404: NOT_FOUND,
    408: TIMEOUT,
    413: TOO_LARGE,
    429: RATE,
    503: OVERLOADED,
    504: TIMEOUT,
    529: OVERLOADED,
}
STATUSES = {INVALID: 400, NOT_FOUND: 404, TOO_LARGE: 413, RATE: 429, OVERLOADED: 529, TIMEOUT: 504, API: 500}
"""Of an error that a stream brings after its 200."""

OF_THE_GATEWAY = frozenset({401, 402, 403, 407})
"""Statuses that speak of the credential that was sent, or of the account behind it."""
ELSEWHERE = frozenset({404, 408, 409, 425, 429}) | OF_THE_GATEWAY
"""Statuses below 500 after which another provider may help."""
OPEN = "breaker open"
LONGEST = 1000
"""Characters of a provider's own message that are passed on."""


class ModelError(GatewayError):
    """The error of a model call, in the terms that every client format has: status, kind, sentence.

    `body`: the provider's own words in the caller's own format, to be passed on as they are.
    """

    reason = "model_error"
    side = "upstream"

    def __init__(
        self, status: int, kind: str, message: str, *, headers: tuple[Header, ...] = (), body: bytes = b""
    ) -> None:
        super().__init__(message, headers=headers)
        self.status = status
        self.kind = kind
        self.body = body
        self.failure: Failure | None = None
        """What it was made of."""


def kind_of(status: int) -> str:
    return KINDS.get(status) or (INVALID if 400 <= status < 500 else API)


def kind_of_error(error: GatewayError) -> str:
    """For errors of the gateway itself and of the HTTP client."""
    if isinstance(error, ModelError):
        return error.kind
    if isinstance(error, TooLarge):
        return TOO_LARGE
    if isinstance(error, Overloaded):
        return OVERLOADED
    if isinstance(error, MethodNotAllowed | BadRequest):
        return INVALID
    return NOT_FOUND if isinstance(error, NotFound) else kind_of(error.status)


def of_status(provider: str, status: int, kind: str, message: str, *, callers_key: bool = False) -> Failure:
    """The provider `provider` answered an error. `kind` and `message` are what its body says; empty if nothing."""
    said = message[:LONGEST].strip()
    if status in OF_THE_GATEWAY and not callers_key:
        return Failure("status", API, 502, _ours(provider, status), status)
    if not 400 <= status <= 599:
        text = f"The provider {provider} answered with HTTP {status}, which is no answer to a model call."
        return Failure("invalid", API, 502, text, status)
    sentence = said or f"The provider {provider} answered with HTTP {status}."
    sort: Literal["status", "client"] = "status" if status >= 500 or status in ELSEWHERE else "client"
    return Failure(sort, kind or kind_of(status), status, sentence, status)


def _ours(provider: str, status: int) -> str:
    if status == 402:
        return f"The provider {provider} wants to be paid (HTTP 402): see to the account behind its key."
    word = "refused the gateway's credential" if status != 403 else "does not allow this to the gateway's credential"
    return f"The provider {provider} {word} (HTTP {status}): check the key of models.providers.{provider}."


def of_error(provider: str, error: GatewayError) -> Failure:
    """No answer came, or none that can be used."""
    if isinstance(error, UpstreamTimeout):
        return Failure("timeout", TIMEOUT, 504, f"The provider {provider} did not answer in time.")
    if isinstance(error, UpstreamRefused):
        return Failure("refused", API, 502, f"No connection to the provider {provider} could be made.")
    if isinstance(error, UpstreamBroken):
        return Failure("refused", API, 502, f"The provider {provider} broke the connection off before it had answered.")
    if isinstance(error, UpstreamError):
        text = f"The provider {provider} sent an answer that cannot be used: {error.message}."
        return Failure("invalid", API, 502, text)
    return Failure("busy", OVERLOADED, 503, f"Too many requests wait for the provider {provider}.", retry_after=1.0)


def in_stream(provider: str, kind: str, message: str) -> Failure:
    """The provider ended its stream with an error event."""
    status = STATUSES.get(kind, 500)
    said = message[:LONGEST].strip()
    return Failure("status", kind, status, said or f"The provider {provider} broke its stream off.", status)


def cut(provider: str) -> Failure:
    """A stream that stopped without its last event."""
    text = f"The provider {provider} ended its stream before it was complete."
    return Failure("invalid", API, 502, text)


def busy(provider: str, limit: int) -> Failure:
    """The gateway's own limit for a provider is reached."""
    text = f"{limit} requests to the provider {provider} are under way (max_concurrent): try again soon."
    return Failure("busy", OVERLOADED, 503, text, retry_after=1.0, skipped="full")


def left_alone(provider: str, last: Failure | None, seconds: float) -> Failure:
    """Its breaker is open: as if it had failed once more in the way it did last."""
    text = f"The provider {provider} has failed too often and is left alone for {max(1, round(seconds))} s."
    if last is None or last.sort in ("client", "busy"):
        return Failure("refused", OVERLOADED, 503, text, retry_after=seconds, skipped=OPEN)
    said = f"{text} {last.message}"
    return Failure(last.sort, OVERLOADED, 503, said, last.provider_status, seconds, skipped=OPEN)


def to_error(failure: Failure) -> ModelError:
    headers = failure.headers
    if failure.retry_after is not None and not any(name == b"retry-after" for name, _ in headers):
        headers = (*headers, (b"retry-after", str(max(1, round(failure.retry_after))).encode()))
    error = ModelError(failure.status, failure.kind, failure.message, headers=headers, body=failure.body)
    error.failure = failure
    return error
