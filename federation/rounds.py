"""Multi-round requests of modern servers (2026-07-28, MRTR), driven for a legacy client. Pure but for asking.

A modern server that needs something of its client ends the call with `input_required`;
the call is made again with `inputResponses` and the `requestState` as it was given.
"""

from ..core import jsonrpc
from ..core.clock import Clock, SystemClock
from ..core.errors import RpcError, UpstreamInvalid
from ..core.rawjson import Fields, Raw, fields, raw, sub, text
from .exchange import Exchange
from .messages import Answer, Outbound

MAX_QUESTIONS = 16
"""Questions in one round."""
LATER = 1.0
"""Seconds before a call is repeated whose server only said "later"."""


def needs_input(answer: Answer) -> bool:
    """Whether the answer is an `input_required` result."""
    if b'"input_required"' not in answer.result:
        return False
    return text(fields(answer.result).get("resultType")) == "input_required"


async def answers_to(answer: Answer, outbound: Outbound, exchange: Exchange, clock: Clock | None = None) -> Outbound:
    """Ask the client everything that the answer wants, one after the other: the first refusal ends the call.

    Gives the request to repeat. Raises `RpcError` and `UpstreamInvalid`.
    """
    result = fields(answer.result)
    wanted = sub(result, "inputRequests")
    if not wanted and "requestState" not in result:
        raise UpstreamInvalid("it wants input but does not say which")
    if len(wanted) > MAX_QUESTIONS:
        raise UpstreamInvalid(f"it wants more than {MAX_QUESTIONS} inputs at once")
    params: Fields = {k: v for k, v in outbound.params.items() if k not in ("inputResponses", "requestState")}
    if wanted:
        params["inputResponses"] = raw({key: await _answer(exchange, request) for key, request in wanted.items()})
    else:
        await (clock or SystemClock()).sleep(LATER)  # load shedding by the server: "again, later"
    if "requestState" in result:
        params["requestState"] = result["requestState"]
    return Outbound(
        method=outbound.method,
        params=params,
        meta=outbound.meta,
        client=outbound.client,
        name=outbound.name,
        param_headers=outbound.param_headers,
        timeout=outbound.timeout,
    )


async def _answer(exchange: Exchange, request: Raw) -> Raw:
    try:
        members = fields(request)
    except ValueError as error:
        raise UpstreamInvalid("it wants input in a form that is none") from error
    method = text(members.get("method")) or ""
    answer = await exchange.ask(method, bytes(members.get("params", Raw(b"{}"))))
    if answer.error:
        # The call cannot go on without it; the client's own words are the best explanation.
        raise RpcError(jsonrpc.INTERNAL_ERROR, f"{method} was not answered", data=answer.error)
    return Raw(answer.result)
