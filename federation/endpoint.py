"""MCP behind the data path: what `bind`, `dispatch` and `render` mean for `/mcp`.

Local methods are answered from the catalog; everything else is relayed in a task that
the exchange owns, while the HTTP response waits for its first message and then chooses
JSON or an event stream.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Coroutine
from functools import partial
from typing import Any

from ..core import jsonrpc
from ..core.call import JSON, Call, Handler, Record, Reply, replace
from ..core.clock import Clock
from ..core.errors import GatewayError
from ..core.ports import FULL_SIGHT, Meter, Sight
from ..core.rawjson import Fields, fields, value
from ..core.tasks import Tasks
from ..sessions.table import SessionTable
from . import local, tracing
from .bind import Binder, owner_of
from .catalog import Route
from .client import ClientSession
from .eras import H_SESSION, LISTS, METHODS, MODERN_STATUS, Era
from .exchange import Exchange
from .hub import Hub
from .inbound import Inbound
from .listen import Listeners
from .modern import ModernCalls
from .relay import CANCELLED, Ends, Relay
from .rendering import render_error
from .results import for_method
from .sealing import Seal
from .sessions_front import STREAM_HEADERS, SessionFront
from .spent import Spent
from .stream import KEEP_ALIVE, EventStream, pour
from .task_ids import TaskIds
from .visible import VisibleCatalogs

ACCEPTED = Reply(202)
_JSON = (JSON,)


class McpEndpoint:
    """The `Endpoint` port. `each` is set by the assembly: the stages that every message of a batch goes through."""

    protocol = "mcp"
    operations = METHODS

    def __init__(self, hub: Hub, sessions: SessionTable, clock: Clock, meter: Meter, sight: Sight = FULL_SIGHT) -> None:
        self.each: Handler = self.dispatch
        self._clock = clock
        self.hub = hub
        self.listeners = Listeners(hub)
        self.task_ids = TaskIds(secrets.token_bytes(32))
        self._catalogs = VisibleCatalogs(hub, sight)
        self._binder = Binder(hub, sessions, self.task_ids, self._catalogs)
        self._relay = Relay(hub, clock, meter)
        self._modern = ModernCalls(Seal(clock), self.task_ids)
        self._tasks = Tasks("mcp calls", grace=5.0)
        self._front = SessionFront(hub, sessions, self._tasks)

    async def aclose(self) -> None:
        """End streams and calls. Sessions and servers are ended by their owners."""
        self.listeners.close()
        await self._tasks.aclose()

    async def bind(self, call: Call) -> Call:
        bound = await self._binder.bind(call)
        tracing.bound(bound)
        return bound

    def bind_one(self, call: Call) -> Call:
        """One message of a batch (`call.message`), in the batch's session."""
        bound = self._binder.of_batch(call)
        tracing.bound(bound)
        return bound

    def supposed(self, call: Call, method: str, params: Fields) -> Call:
        """What a request for this would be bound to. Raises `ClientError`."""
        return self._binder.supposed(call, method, params)

    def shows(self, call: Call, route: Route) -> bool:
        """Whether the caller may know of a tool that nobody has listed yet."""
        return self._catalogs.get(call).shows("tools/list", route.server, route.name)

    def variables(self, call: Call) -> dict[str, Any]:
        """The `Telling` port."""
        return self._catalogs.facts.of_call(call)

    def render(self, record: Record, error: GatewayError) -> Reply:
        tracing.failed(record, error)
        return render_error(record, error)

    async def dispatch(self, call: Call) -> Reply:
        inbound: Inbound = call.message
        if inbound.kind == "request":
            return await self._request(call, inbound)
        session: ClientSession | None = call.session
        if session is None:
            return ACCEPTED  # a modern notification: none has a meaning to the gateway
        if inbound.kind == "batch":
            return self._batch(call, inbound)
        if inbound.kind == "stream":
            return self._front.open_stream(call, session)
        if inbound.kind == "end":
            self._front.end(session)
            return Reply(204)
        if inbound.kind == "response":
            session.answered(inbound.message)
        else:
            self._front.notified(session, inbound)
        return ACCEPTED

    def _request(self, call: Call, inbound: Inbound) -> Coroutine[Any, Any, Reply]:
        method = inbound.message.method or ""
        if inbound.route is None:
            return self._local(call, inbound, method)
        if call.session is not None and method in ("resources/subscribe", "resources/unsubscribe"):
            return self._subscription(call.session, inbound)
        return self._relayed(call, inbound)

    async def _subscription(self, session: ClientSession, inbound: Inbound) -> Reply:
        return _json(inbound, await self._front.subscription(session, inbound))

    async def _local(self, call: Call, inbound: Inbound, method: str) -> Reply:
        catalog = inbound.catalog
        assert catalog is not None
        if method in LISTS:
            self.hub.check_admitted(call.view)
            return _json(inbound, local.list_result(catalog, method, inbound.params, inbound.era))
        if method == "tools/call":  # of the gateway's own tools
            found = await self.hub.search(call.view, inbound.params, catalog)
            return _json(inbound, for_method(method, found, inbound.era))
        if method == "initialize":
            session = self._front.open(owner_of(call), call.view, inbound.params)
            call.record.session = session.record.id
            tracing.bound(replace(call, session=session))
            header = (H_SESSION, session.record.id.encode())
            return _json(inbound, local.initialize_result(catalog, session.version), header)
        if method == "server/discover":
            return _json(inbound, local.discover_result(catalog))
        if method == "subscriptions/listen":
            frames = await self.listeners.open(call.view, catalog, inbound.message.id, inbound.params)
            return Reply(200, STREAM_HEADERS, frames)
        if method == "logging/setLevel":
            await self._front.set_level(call.session, local.level_of(inbound.params))
        return _json(inbound, local.EMPTY_RESULT)

    # Relayed requests.

    async def _relayed(self, call: Call, inbound: Inbound) -> Reply:
        session: ClientSession | None = call.session
        outgoing: Inbound | None = inbound
        if session is not None:
            exchange = session.begin(inbound.message.id)
        else:
            exchange, outgoing = self._modern.begin(call, inbound)
        exchange.caller = call.caller
        spent = exchange.spent
        if spent is not None:
            spent.goes_on(call.record.trail)
        else:
            spent = exchange.spent = Spent(self._clock, call.record.trail)
        if outgoing is not None:
            work = self._relay.run(outgoing, exchange, self._ends(call, outgoing), spent)
            exchange.task = self._tasks.start(work, "call", awaited=True)
            # Not at the work's own end: a task that is cancelled before it began never gets there.
            exchange.task.add_done_callback(lambda _: self._over(call, exchange))
        try:
            quiet = await exchange.first(KEEP_ALIVE)
        except asyncio.CancelledError:
            if session is None:
                _leave(exchange)
            raise
        finally:
            call.record.upstream_seconds, call.record.endpoint = spent.seconds, spent.endpoint
        if quiet:
            return _answered(exchange, call.record)
        return Reply(200, STREAM_HEADERS, self._streamed(exchange, call.record, spent))

    def _ends(self, call: Call, inbound: Inbound) -> Ends:
        assert inbound.catalog is not None
        if call.session is not None:
            return Ends(inbound.catalog)
        return Ends(inbound.catalog, partial(self._modern.finished, call=call, inbound=inbound))

    def _over(self, call: Call, exchange: Exchange) -> None:
        if exchange.answer is None:
            exchange.finish(CANCELLED)
        if call.session is not None:
            call.session.done(exchange)
        else:
            self._modern.parking.done(exchange)

    async def _streamed(self, exchange: Exchange, record: Record, spent: Spent) -> AsyncGenerator[bytes, None]:
        frames = exchange.stream.frames()
        try:
            async for frame in frames:
                yield frame
        finally:
            await frames.aclose()
            record.upstream_seconds = spent.seconds
            _note_error(exchange, record)
            if exchange.era == "modern":
                _leave(exchange)

    # Batches (2025-03-26).

    def _batch(self, call: Call, inbound: Inbound) -> Reply:
        if not any(message.is_request for message in inbound.batch):
            for message in inbound.batch:
                self._tasks.start(self._one_of(call, message, None), "batched")
            return ACCEPTED
        return Reply(200, STREAM_HEADERS, self._answers(call, inbound))

    async def _answers(self, call: Call, inbound: Inbound) -> AsyncGenerator[bytes, None]:
        """The answers of a batch as they come, on one stream (2025-03-26, transports)."""
        stream = EventStream()
        work = [self._tasks.start(self._one_of(call, message, stream), "batched") for message in inbound.batch]
        closing = self._tasks.start(_end_after(work, stream), "batch")
        frames = stream.frames()
        try:
            async for frame in frames:
                yield frame
        finally:
            await frames.aclose()
            closing.cancel()

    async def _one_of(self, call: Call, message: jsonrpc.Message, stream: EventStream | None) -> None:
        outer = call.record
        record = Record(outer.request, self.protocol, outer.started, route=outer.route, principal=outer.principal)
        reply = await self.each(replace(call, record=record, message=message))
        if stream is None:
            return
        if isinstance(reply.body, bytes):
            if reply.body:
                await stream.put(reply.body)
            return
        await pour(reply.body, stream)


async def _end_after(work: list[asyncio.Task[None]], stream: EventStream) -> None:
    await asyncio.wait(work)
    stream.end()


def _leave(exchange: Exchange) -> None:
    """2026-07-28: closing the response is cancellation (before, it was not); a parked call waits for its client."""
    if not exchange.parked:
        exchange.cancel()


def _json(inbound: Inbound, result: bytes, *headers: tuple[bytes, bytes]) -> Reply:
    return Reply(200, (JSON, *headers), jsonrpc.result(inbound.message.id, result))


def _answered(exchange: Exchange, record: Record) -> Reply:
    if exchange.parked:
        return Reply(200, _JSON, exchange.interim)
    if exchange.answer is None or not exchange.answer.error:
        return Reply(200, _JSON, exchange.body)
    _note_error(exchange, record)
    return Reply(_status(exchange, exchange.era), _JSON, exchange.body)


def _status(exchange: Exchange, era: Era) -> int:
    answer = exchange.answer
    if era == "legacy" or answer is None or not answer.error:
        return 200
    code = value(fields(answer.error)["code"])
    return MODERN_STATUS.get(code, 200) if isinstance(code, int) else 200


def _note_error(exchange: Exchange, record: Record) -> None:
    if exchange.answer is not None and exchange.answer.error:
        code = fields(exchange.answer.error).get("code")
        record.error = f"jsonrpc {bytes(code).decode()}" if code is not None else "jsonrpc"
