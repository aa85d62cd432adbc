"""The `bind` stage for MCP: from an HTTP request to one routed message of a session that the caller owns."""

import asyncio
import contextlib

from ..core import jsonrpc
from ..core.call import Call, replace
from ..core.errors import NotFound, Overloaded, RpcError
from ..core.rawjson import Fields, Raw, text
from ..sessions.table import SessionTable
from . import local, task_ids, tracing
from .arguments import picked
from .catalog import Catalog, Route
from .client import ClientSession
from .eras import BATCH_VERSIONS, H_SESSION, HEADER_MISMATCH, LEGACY_NOT_FOUND, REMOVED_IN_MODERN, Era
from .headers import mismatch
from .hub import Hub
from .inbound import (
    Inbound,
    Wire,
    check_http,
    era_of,
    id_of,
    read_legacy,
    read_message,
    read_modern,
    require_session_id,
    says_modern,
)
from .routing import resolved, route
from .task_ids import TaskIds
from .visible import VisibleCatalogs

_HERE: dict[Era, frozenset[str]] = {
    "legacy": local.LOCAL["legacy"] | {"initialize"},
    "modern": local.LOCAL["modern"] | {"subscriptions/listen"},
}
"""Methods that no server is asked for."""
STARTING = 5.0
"""Seconds that a call waits for what it names while servers are still being reached for the first time."""
LOOK = 0.05


class Binder:
    """Finds the session and the server of each call. Raises `ClientError` in the order of the specification."""

    def __init__(
        self, hub: Hub, sessions: SessionTable, tasks: TaskIds, catalogs: VisibleCatalogs | None = None
    ) -> None:
        self._hub = hub
        self.catalogs = VisibleCatalogs(hub) if catalogs is None else catalogs
        self._sessions = sessions
        self._tasks = tasks

    def catalog(self, call: Call) -> Catalog:
        """What the caller may know of. Raises `NotFound`."""
        return self.catalogs.get(call)

    async def bind(self, call: Call) -> Call:
        catalog = await self.catalogs.look(call)
        request = call.request
        era = era_of(request)
        wire = call.record.wire = Wire(era)
        kind = check_http(request, era)
        if kind is not None:
            call.record.operation = kind
            return replace(call, operation=kind, session=self._session(call), message=Inbound("legacy", kind))
        body = await request.read()
        try:
            inbound = read_modern(body, request) if era == "modern" else read_legacy(body)
        except RpcError:
            wire.id = id_of(body)
            raise
        call = self._modern(call, inbound) if era == "modern" else self._legacy(call, inbound)
        try:
            return self.route(call, catalog)
        except RpcError as error:
            if self._hub.settled.is_set() or error.code not in (jsonrpc.INVALID_PARAMS, LEGACY_NOT_FOUND):
                raise
        await self._appears(call)
        return self.route(call, self.catalog(call))

    def _modern(self, call: Call, inbound: Inbound) -> Call:
        method = inbound.message.method or ""
        self._note(call, inbound, accepted=False)
        if inbound.kind == "request" and method in REMOVED_IN_MODERN:
            raise RpcError(jsonrpc.METHOD_NOT_FOUND, f"Method not found: {method}", status=404)
        return replace(call, operation=method, message=inbound)

    def _legacy(self, call: Call, inbound: Inbound) -> Call:
        wire = call.record.wire
        if inbound.meta and says_modern(inbound):
            wire.era, wire.id = "modern", bytes(inbound.message.id)
            raise RpcError(HEADER_MISMATCH, "the header MCP-Protocol-Version is missing", status=400)
        self._note(call, inbound, accepted=False)
        if inbound.kind == "request" and inbound.message.method == "initialize":
            return replace(call, operation="initialize", message=inbound)
        session = self._session(call)
        if inbound.kind == "batch":
            if session.version not in BATCH_VERSIONS:
                raise RpcError(
                    jsonrpc.INVALID_REQUEST, f"MCP {session.version} has no batches; send one message", status=400
                )
            return replace(call, operation="batch", session=session, message=inbound)
        wire.accepted = True
        return replace(call, operation=inbound.message.method or "response", session=session, message=inbound)

    async def _appears(self, call: Call) -> None:
        """What a client knows from before a restart may not be there yet: that is waited for.

        Return when the call can be routed, every server has been reached or failed, or the time is up.
        """
        for _ in range(round(STARTING / LOOK)):
            if self._is_known(call):
                return
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._hub.settled.wait()
                return

    def _is_known(self, call: Call) -> bool:
        try:
            self.route(call, self.catalog(call))
        except RpcError:
            return False
        return True

    def supposed(self, call: Call, method: str, params: Fields) -> Call:
        """What a legacy request for this would be bound to, as far as its caller may know. Raises as `bind` does."""
        message = jsonrpc.Message("2.0", Raw(b"0"), method)
        inbound = Inbound("legacy", "request", message, params)
        return self.route(replace(call, operation=method, message=inbound), self.catalog(call))

    def of_batch(self, call: Call) -> Call:
        """One message of a batch as a call of its own."""
        call.record.wire = Wire("legacy", bytes(call.message.id) if call.message.key is not None else b"")
        call.record.session = call.session.record.id
        inbound = read_message(call.message)
        self._note(call, inbound, accepted=True)
        operation = inbound.message.method or "response"
        return self.route(replace(call, operation=operation, message=inbound), self.catalog(call))

    def _session(self, call: Call) -> ClientSession:
        id_ = require_session_id(call.request.header(H_SESSION))
        record = self._sessions.find("mcp", id_, call.principal.owner)
        session = record.attachment if record is not None and record.view == call.view else None
        if record is None or not isinstance(session, ClientSession):
            if self._sessions.resting:
                raise Overloaded("the gateway is stopping; try again in a moment")  # 404 would end the session
            raise NotFound("Session not found; send initialize to open a new one")
        record.turns += 1
        call.record.session = id_
        return session

    def _note(self, call: Call, inbound: Inbound, *, accepted: bool) -> None:
        record = call.record
        method = inbound.message.method
        record.operation = method or inbound.kind
        record.wire.id, record.wire.accepted = bytes(inbound.message.id), accepted
        if method is not None:
            record.fields["mcp.method.name"] = method
        tracing.adopt(record, inbound)

    def route(self, call: Call, catalog: Catalog) -> Call:
        """Find the server that a request is for, if it is for one."""
        inbound: Inbound = call.message
        if inbound.kind != "request":
            return call
        method = inbound.message.method or ""
        if method in _HERE[inbound.era]:
            return replace(call, message=replace(inbound, catalog=catalog))
        if inbound.era == "modern" and method in task_ids.METHODS:
            return self._task(call, inbound, catalog)
        params = resolved(catalog, method, inbound.params) if catalog.searching else inbound.params
        found = route(catalog, method, params, inbound.era)
        if method == "tools/call":
            call.record.fields["gen_ai.tool.name"] = found.name
        if not found.server:
            return replace(call, message=replace(inbound, params=params, catalog=catalog))
        call.record.target = found.server
        call.record.fields["mcp.server"] = found.server
        if params is not inbound.params:  # its arguments were inside of others: no header repeats them
            inbound = replace(inbound, params=params)
        elif inbound.era == "modern" and found.params:
            arguments = picked(params.get("arguments", Raw(b"{}")), found.params)
            why = mismatch(found.params, arguments, call.request.headers)
            if why is not None:
                raise RpcError(HEADER_MISMATCH, why, status=400)
        return replace(call, target=found.server, message=replace(inbound, route=found, catalog=catalog))

    def _task(self, call: Call, inbound: Inbound, catalog: Catalog) -> Call:
        """A task is where it was started; another caller's task is unknown."""
        exposed = text(inbound.params.get("taskId"))
        found = self._tasks.unwrap(owner_of(call), exposed) if exposed is not None else None
        if found is None or found[0] not in catalog.servers:
            raise RpcError(jsonrpc.INVALID_PARAMS, "Unknown task: params.taskId names none of yours", status=400)
        server, task = found
        call.record.target = server
        call.record.fields["mcp.server"] = server
        return replace(call, target=server, message=replace(inbound, route=Route(server, task), catalog=catalog))


def owner_of(call: Call) -> str:
    """The stable name of the caller: kind and id, never a credential."""
    return call.principal.owner
