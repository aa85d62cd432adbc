"""The error tree. Every failure the gateway can answer with is one of these.

    GatewayError
    ├── ClientError            the caller's doing: repeating it unchanged will not help
    │   ├── BadRequest 400 · Unauthorized 401 · Forbidden 403 · NotFound 404 · MethodNotAllowed 405
    │   ├── NotAcceptable 406 · RequestTimeout 408 · Conflict 409 · TooLarge 413 · UnsupportedMediaType 415
    │   ├── Misdirected 421 · RateLimited 429
    │   └── RpcError           a JSON-RPC error with its own code (and HTTP status)
    ├── UpstreamError          the server, agent or provider behind us
    │   ├── UpstreamRefused    no connection was made: nothing was sent
    │   ├── UpstreamTimeout    it did not answer in time
    │   ├── UpstreamBroken     the connection ended in the middle
    │   ├── UpstreamInvalid    it answered something that its protocol does not allow
    │   └── UpstreamDenied     it does not let the gateway in, or nobody gives the gateway what it would show there
    └── OwnError               ours
        ├── Overloaded 503     a limit of the gateway is reached
        └── Internal 500       a bug; logged with its cause, reported blandly

Each knows its side, whether repeating the same request may help (`retryable`) and a
sentence that is safe to show. Causes (`raise ... from`) stay in the log. Foreign
exceptions are translated where they are raised.
"""

from typing import ClassVar, Literal

Side = Literal["client", "upstream", "gateway"]


class GatewayError(Exception):
    """Base of all. `str(error)` is the public sentence; never put a secret in it."""

    side: ClassVar[Side] = "gateway"
    status: int = 500
    retryable: ClassVar[bool] = False
    reason: str = "internal_error"

    def __init__(self, message: str, *, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.headers = headers


class ClientError(GatewayError):
    side = "client"
    status = 400
    reason = "bad_request"


class BadRequest(ClientError):
    pass


class Unauthorized(ClientError):
    """`headers` carries the `WWW-Authenticate` challenge."""

    status = 401
    reason = "unauthorized"


class Forbidden(ClientError):
    status = 403
    reason = "forbidden"


class NotFound(ClientError):
    status = 404
    reason = "not_found"


class MethodNotAllowed(ClientError):
    """`headers` carries `Allow`."""

    status = 405
    reason = "method_not_allowed"


class NotAcceptable(ClientError):
    status = 406
    reason = "not_acceptable"


class RequestTimeout(ClientError):
    """The request did not arrive in time."""

    status = 408
    reason = "request_timeout"


class Conflict(ClientError):
    status = 409
    reason = "conflict"


class TooLarge(ClientError):
    status = 413
    reason = "too_large"


class UnsupportedMediaType(ClientError):
    status = 415
    reason = "unsupported_media_type"


class Misdirected(ClientError):
    """The Host header names somebody else (DNS rebinding)."""

    status = 421
    reason = "misdirected"


class RateLimited(ClientError):
    """A limit of the manifest is reached. `retry_after`: seconds until the same request may pass."""

    status = 429
    retryable = True
    reason = "rate_limited"

    def __init__(
        self, message: str, *, headers: tuple[tuple[bytes, bytes], ...] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(message, headers=headers)
        self.retry_after = retry_after


class RpcError(ClientError):
    """A JSON-RPC error object: `code`, message, optional raw JSON `data`.

    `status` is the HTTP status it travels with where the transport ties one to the code.
    """

    reason = "rpc_error"

    def __init__(self, code: int, message: str, *, data: bytes | None = None, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.data = data
        self.status = status


class UpstreamError(GatewayError):
    side = "upstream"
    status = 502
    reason = "upstream_error"


class UpstreamRefused(UpstreamError):
    retryable = True
    reason = "upstream_refused"


class UpstreamTimeout(UpstreamError):
    status = 504
    reason = "upstream_timeout"


class UpstreamBroken(UpstreamError):
    reason = "upstream_broken"


class UpstreamInvalid(UpstreamError):
    reason = "upstream_invalid"


class UpstreamDenied(UpstreamError):
    reason = "upstream_denied"


class OwnError(GatewayError):
    pass


class Overloaded(OwnError):
    status = 503
    retryable = True
    reason = "overloaded"


class Internal(OwnError):
    """What an unknown exception becomes. The cause is in the log under the request id."""
