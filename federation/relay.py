"""Carries one request to its server and everything that belongs to it back.

The four combinations of eras are two mechanisms: a legacy server asks its client in the
middle of a call (`Ask`), a modern server ends the call with `input_required` and is
called again with the answers. The exchange knows how its client is asked; so both work
towards either kind of client.
"""

import logging
from collections.abc import Callable
from contextlib import aclosing
from typing import NamedTuple

import msgspec

from ..core import jsonrpc
from ..core.clock import Clock
from ..core.errors import GatewayError, RpcError, UpstreamBroken, UpstreamError, UpstreamInvalid, UpstreamTimeout
from ..core.ports import Meter
from ..core.rawjson import NULL, encode, fields, raw, text
from ..core.tasks import Tasks
from ..core.trail import Hop, Trail, opened
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
from .uris import map_result

log = logging.getLogger("fedgate.relay")

MAX_ROUNDS = 10
"""How often a server may ask for more input in one call of a legacy client."""


NAMED = frozenset({"tools/call", "prompts/get"})
"""Methods whose requests are called by the tool's or prompt's name too; URIs may hold anything."""

CANCELLED = Answer(error=jsonrpc.error_object(jsonrpc.REQUEST_CANCELLED, "Request cancelled"))
"""What a request gets whose work was ended before it had an answer."""


class Spent:
    """Seconds that the upstream took so far, and who it was. `trail`: what the call goes through."""

    def __init__(self, trail: Trail | None = None) -> None:
        self.seconds = 0.0
        self.endpoint = ""
        self.trail = trail


class Ends(NamedTuple):
    """What an answer goes through on its way to the client: the view's spelling, then `finished`."""

    catalog: Catalog
    finished: Callable[[Answer], Answer]


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
                exchange.finish(ends.finished(_fitted(answer, inbound, exchange, ends.catalog)))
            except ValueError as error:
                raise UpstreamInvalid("its answer is not readable JSON") from error
        except GatewayError as error:
            if isinstance(error, UpstreamError):
                server.suspect()
            exchange.finish(failure(server.name, error))
        finally:
            exchange.finish(CANCELLED)  # does nothing if there is an answer

    async def _answer(self, server: Server, inbound: Inbound, exchange: Exchange, spent: Spent) -> Answer:
        began = self._clock.monotonic()
        client = server.known_as(exchange.client, exchange.caller)
        connection = await server.connection(client)
        spent.endpoint = connection.endpoint
        outbound = outbound_for(inbound, client, connection, server.settings.timeout)
        for _ in range(MAX_ROUNDS):
            name = f"{outbound.method} {outbound.name}" if outbound.method in NAMED else outbound.method
            with opened(spent.trail, "mcp", server.name, name) as hop:
                answer = await self._call(connection, traced(outbound, hop), exchange)
                if answer.error:
                    hop.end(f"jsonrpc {_code(answer.error)}")
            took = self._clock.monotonic() - began
            spent.seconds += took
            self._meter.upstream("mcp", server.name, took)
            if exchange.era == "modern" or not needs_input(answer):
                return answer
            outbound = await answers_to(answer, outbound, exchange)
            began = self._clock.monotonic()
        raise RpcError(jsonrpc.INTERNAL_ERROR, f"{server.name} asked for more input {MAX_ROUNDS} times; given up")

    async def _call(self, connection: Connection, outbound: Outbound, exchange: Exchange) -> Answer:
        asks = Tasks("questions", grace=1.0)
        try:
            async with aclosing(connection.call(outbound)) as events:
                async for event in events:
                    if isinstance(event, Answer):
                        return event
                    if isinstance(event, Ask):
                        asks.start(_ask(event, exchange), event.method)
                    elif _wanted(event, exchange):
                        await exchange.notify(event)
        finally:
            if len(asks):
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
    return Answer(result=result)


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
    if not hop.headers:
        return outbound
    said = {name.decode(): raw(text_.decode()) for name, text_ in hop.headers}
    return msgspec.structs.replace(outbound, meta={**outbound.meta, **said}, trace=hop.headers)


def _code(error: bytes) -> str:
    return bytes(fields(error).get("code", NULL)).decode()


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
