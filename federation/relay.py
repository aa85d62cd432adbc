"""Carries one request to its server and everything that belongs to it back.

The four combinations of eras are two mechanisms: a legacy server asks its client in the
middle of a call (`Ask`), a modern server ends the call with `input_required` and is
called again with the answers. The exchange knows how its client is asked; so both work
towards either kind of client.
"""

import logging
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from ..core import jsonrpc
from ..core.clock import Clock
from ..core.errors import GatewayError, RpcError, UpstreamBroken, UpstreamError, UpstreamInvalid, UpstreamTimeout
from ..core.ports import Meter
from ..core.rawjson import encode, fields, raw, text
from ..core.tasks import Tasks
from ..core.trail import NO_HOP, Hop
from . import tracing
from .arguments import picked
from .catalog import Catalog, Route
from .eras import LOG_LEVELS, NAME_FIELD
from .exchange import Exchange, reply_to
from .headers import render_params
from .hub import Hub
from .inbound import Inbound
from .messages import Answer, Ask, Client, Connection, Notice, Outbound
from .results import for_error, for_method
from .rounds import answers_to, needs_input
from .server import Server
from .spent import Spent
from .uris import map_result

log = logging.getLogger("fedgate.relay")

MAX_ROUNDS = 10
"""How often a server may ask for more input in one call of a legacy client."""

CANCELLED = Answer(error=jsonrpc.error_object(jsonrpc.REQUEST_CANCELLED, "Request cancelled"))
"""What a request gets whose work was ended before it had an answer."""


class Ends(NamedTuple):
    """What an answer goes through on its way to the client: the view's spelling, then `finished`."""

    catalog: Catalog
    finished: Callable[[Answer], Answer] | None = None


class Relay:
    """Runs calls. One for the whole gateway."""

    def __init__(self, hub: Hub, clock: Clock, meter: Meter) -> None:
        self._hub = hub
        self._clock = clock
        self._meter = meter

    async def run(self, inbound: Inbound, exchange: Exchange, ends: Ends, spent: Spent) -> None:
        """Work until the exchange has its answer. Never raises but for cancellation."""
        route = inbound.route
        assert route is not None
        server = self._hub.servers[route.server]
        try:
            try:
                answer = await self._answer(server, inbound, exchange, spent)
                answer = _fitted(answer, inbound, exchange, ends.catalog)
                exchange.finish(answer if ends.finished is None else ends.finished(answer))
            except ValueError as error:
                raise UpstreamInvalid("its answer is not readable JSON") from error
        except GatewayError as error:
            if isinstance(error, UpstreamError):
                server.suspect()
            exchange.finish(failure(server.name, error))
        except BaseException:
            exchange.finish(CANCELLED)
            raise

    async def _answer(self, server: Server, inbound: Inbound, exchange: Exchange, spent: Spent) -> Answer:
        client = server.known_as(exchange.client, exchange.caller)
        spent.begin()
        try:
            connection = await server.connection(client)
            spent.endpoint = connection.endpoint
            outbound = outbound_for(inbound, client, connection, server.settings.timeout)
            for _ in range(MAX_ROUNDS):
                answer = await self._asked(server, connection, outbound, exchange, spent)
                if exchange.era == "modern" or not needs_input(answer):
                    return answer
                spent.end()
                outbound = await answers_to(answer, outbound, exchange)
                spent.begin()
        finally:
            spent.end()
        raise RpcError(jsonrpc.INTERNAL_ERROR, f"{server.name} asked for more input {MAX_ROUNDS} times; given up")

    async def _asked(
        self, server: Server, connection: Connection, outbound: Outbound, exchange: Exchange, spent: Spent
    ) -> Answer:
        """One round. An agent of this gateway is no upstream of its own: its requests are counted where they go out."""
        if server.name in self._hub.agents:
            answer = await self._call(connection, msgspec.structs.replace(outbound, spent=spent), exchange)
            tracing.answered(answer, outbound, NO_HOP, spent.trail)
            return answer
        began = self._clock.monotonic()
        with tracing.hop_to(server.name, connection, outbound, spent) as hop:
            answer = await self._call(connection, traced(outbound, hop), exchange)
            tracing.answered(answer, outbound, hop, spent.trail)
        self._meter.upstream("mcp", server.name, self._clock.monotonic() - began)
        return answer

    async def _call(self, connection: Connection, outbound: Outbound, exchange: Exchange) -> Answer:
        asks: Tasks | None = None
        events = connection.call(outbound)
        try:
            async for event in events:
                if isinstance(event, Answer):
                    return event
                if isinstance(event, Ask):
                    asks = asks or Tasks("questions", grace=1.0)
                    asks.start(_ask(event, exchange), event.method)
                elif _wanted(event, exchange):
                    await exchange.notify(event)
        finally:
            try:
                await events.aclose()
            finally:
                if asks is not None:
                    await asks.aclose()
        raise UpstreamBroken("its answer ended before it was complete")


def _fitted(answer: Answer, inbound: Inbound, exchange: Exchange, catalog: Catalog) -> Answer:
    """The answer in the client's era and in the view's spelling."""
    method = inbound.message.method or ""
    if answer.error:
        return for_error(answer.error, exchange.era)
    result = for_method(method, answer.result, exchange.era)
    if catalog.prefixed and inbound.route is not None:
        result = map_result(method, result, catalog.exposer(inbound.route.server))
    return answer if result is answer.result else Answer(result)


async def _ask(ask: Ask, exchange: Exchange) -> None:
    try:
        await reply_to(ask, exchange)
    except UpstreamError as error:
        log.debug("the answer to %s did not reach its server: %s", ask.method, error)


def _wanted(notice: Notice, exchange: Exchange) -> bool:
    """Log messages below the level that this client asked for are not for it: the server may serve others too.

    A modern client that names no level wants none (2026-07-28, logging); a legacy one leaves it to the server.
    """
    wanted = exchange.client.log_level
    if notice.method != "notifications/message":
        return True
    if wanted not in LOG_LEVELS:
        return exchange.era == "legacy"
    try:
        level = text(fields(notice.params).get("level")) or ""
    except ValueError:
        return True
    return level not in LOG_LEVELS or LOG_LEVELS.index(level) >= LOG_LEVELS.index(wanted)


def traced(outbound: Outbound, hop: Hop) -> Outbound:
    """The request with its place in the trace: in `_meta` (SEP-414), and in the headers of one that goes by HTTP."""
    headers = hop.headers
    if not headers:
        return outbound
    said = {name.decode(): raw(text_.decode()) for name, text_ in headers}
    return msgspec.structs.replace(outbound, meta={**outbound.meta, **said}, trace=headers)


def outbound_for(inbound: Inbound, client: Client, connection: Connection, timeout: float) -> Outbound:
    """The client's request in the server's own spelling."""
    route = inbound.route
    assert route is not None
    method = inbound.message.method or ""
    params = inbound.params
    if method == "completion/complete":
        reference = fields(params["ref"])
        key = "name" if "name" in reference else "uri"
        params = {**params, "ref": raw({**reference, key: raw(route.name)})}
    elif method in NAME_FIELD and route.name:
        params = {**params, NAME_FIELD[method]: raw(route.name)}
    return Outbound(
        method=method,
        params=params,
        meta=inbound.meta,
        client=client,
        name=route.name or text(params.get(NAME_FIELD.get(method, ""))) or "",
        param_headers=_param_headers(route, inbound) if connection.era == "modern" else (),
        timeout=timeout,
    )


def _param_headers(route: Route, inbound: Inbound) -> tuple[tuple[bytes, bytes], ...]:
    if not route.params or "arguments" not in inbound.params:
        return ()
    return render_params(route.params, picked(inbound.params["arguments"], route.params))


def failure(server: str, error: GatewayError) -> Answer:
    """What the client is told when its server could not answer: a JSON-RPC error that names the server."""
    if isinstance(error, RpcError):
        return Answer(error=jsonrpc.error_object(error.code, error.message, error.data))
    code = jsonrpc.REQUEST_TIMEOUT if isinstance(error, UpstreamTimeout) else jsonrpc.SERVER_ERROR
    data = encode({"server": server, "reason": error.reason, "retryable": error.retryable})
    return Answer(error=jsonrpc.error_object(code, f"server {server}: {error.message}", data))
