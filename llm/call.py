"""One request to one provider: sent, its head awaited, a refusal read and classified.

Knows neither retries nor other targets. Above: `relay`. Below: the HTTP client and the provider's kind.
"""

from collections.abc import Awaitable, Sequence
from typing import Protocol

from ..core.clock import Clock
from ..core.errors import GatewayError
from ..core.http_values import Target as Address
from ..core.http_values import Timeouts
from ..core.rawjson import Fields, fields, text
from .encoding import Answer, decoded
from .errors import KINDS, OF_THE_GATEWAY, of_error, of_status
from .exchange import Exchange, Unable
from .headers import to_caller
from .provider_wire import Order, Outgoing
from .providers import Provider
from .retry import parse_retry_after
from .usage import error_of
from .values import Failure

MAX_ERROR = 64 * 1024
"""Bytes of a refusal that are read; a longer one says nothing."""
_KINDS = frozenset(KINDS.values()) | {"api_error"}


class Http(Protocol):
    """What is asked of the HTTP client."""

    def request(
        self,
        method: str,
        target: Address,
        *,
        path: str | None = None,
        headers: Sequence[tuple[bytes, bytes]] = (),
        body: bytes = b"",
        timeouts: Timeouts = ...,
    ) -> Awaitable[Answer]: ...


async def ask(
    http: Http, clock: Clock, provider: Provider, exchange: Exchange, order: Order, timeouts: Timeouts
) -> Answer:
    """The provider's answer with its head, of status 200. Raises `Unable` for everything else."""
    outgoing: Outgoing = provider.kind.outgoing(order, clock.now())
    try:
        raw = await http.request(
            "POST",
            provider.address,
            path=outgoing.path,
            headers=outgoing.headers,
            body=outgoing.body,
            timeouts=timeouts,
        )
    except GatewayError as error:
        raise Unable(of_error(provider.name, error)) from error
    try:
        answer = decoded(raw)
        if answer.status == 200:
            return answer
        raise Unable(await _refusal(answer, provider, exchange, clock.now(), callers_key=bool(order.key)))
    except BaseException as error:
        await raw.aclose()
        if isinstance(error, GatewayError):
            raise Unable(of_error(provider.name, error)) from error
        raise


async def _refusal(answer: Answer, provider: Provider, exchange: Exchange, now: float, *, callers_key: bool) -> Failure:
    body = await _read(answer)
    is_json, kind, message = _said(body)
    failure = of_status(provider.name, answer.status, kind, message, callers_key=callers_key)
    retry_after = answer.header(b"retry-after")
    hidden = answer.status in OF_THE_GATEWAY and not callers_key
    return Failure(
        failure.sort,
        failure.kind,
        failure.status,
        failure.message,
        answer.status,
        None if retry_after is None else parse_retry_after(retry_after.decode("latin-1"), now),
        to_caller(answer.headers),
        exchange.error_body(body) if is_json and not hidden and failure.status == answer.status else b"",
    )


async def _read(answer: Answer) -> bytes:
    try:
        return await answer.read(MAX_ERROR)
    except GatewayError:
        return b""  # the status has been told; that the rest is missing changes nothing


def _said(body: bytes) -> tuple[bool, str, str]:
    """Whether it is JSON, its kind as Anthropic names it, its message."""
    try:
        members: Fields = fields(body)
    except ValueError:
        return False, "", ""
    kind, message = error_of(members["error"]) or ("", "") if "error" in members else ("", "")
    for name in ("message", "Message", "detail"):  # Bedrock, and servers made with common frameworks
        message = message or text(members.get(name)) or ""
    return True, kind if kind in _KINDS else "", message
