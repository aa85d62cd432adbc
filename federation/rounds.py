"""Multi-round requests of modern servers (2026-07-28, MRTR), driven for a legacy client. Pure but for asking.

A modern server that needs something of its client ends the call with `input_required`;
the call is made again with `inputResponses` and the `requestState` as it was given.
"""

import asyncio

from ..core import jsonrpc
from ..core.errors import RpcError, UpstreamInvalid
from ..core.rawjson import Fields, Raw, fields, is_object, raw, sub, text
from .exchange import Exchange
from .messages import Answer, Outbound

LATER = 1.0
"""Seconds before a call is repeated whose server only said "later"."""


def needs_input(answer: Answer) -> bool:
    """Whether the answer is an `input_required` result."""
    if b'"input_required"' not in answer.result:
        return False
    return text(fields(answer.result).get("resultType")) == "input_required"


async def answers_to(answer: Answer, outbound: Outbound, exchange: Exchange) -> Outbound:
    """Ask the client everything that the answer wants, and give the request to repeat. Raises `RpcError`."""
    result = fields(answer.result)
    wanted = sub(result, "inputRequests")
    if not wanted and "requestState" not in result:
        raise UpstreamInvalid("it wants input but does not say which")
    given = await asyncio.gather(*(_answer(exchange, request) for request in wanted.values()))
    params: Fields = {k: v for k, v in outbound.params.items() if k not in ("inputResponses", "requestState")}
    if wanted:
        params["inputResponses"] = raw(dict(zip(wanted, given, strict=True)))
    else:
        await asyncio.sleep(LATER)  # noqa: TID251 - load shedding by the server: "again, later"
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
    if not is_object(request):
        raise UpstreamInvalid("it wants input in a form that is none")
    members = fields(request)
    method = text(members.get("method")) or ""
    answer = await exchange.ask(method, bytes(members.get("params", Raw(b"{}"))))
    if answer.error:
        # The call cannot go on without it; the client's own words are the best explanation.
        raise RpcError(jsonrpc.INTERNAL_ERROR, f"{method} was not answered", data=answer.error)
    return Raw(answer.result)
