"""What a legacy client does with its session: open, stream, subscribe, set a level, end."""

import logging
from collections.abc import Coroutine
from typing import Any

from ..core import jsonrpc
from ..core.call import SSE, Call, Reply
from ..core.errors import Conflict, GatewayError, NotFound
from ..core.rawjson import Fields, text
from ..core.tasks import Tasks
from ..sessions.table import SessionTable
from . import local
from .client import ClientSession
from .eras import CHANGED
from .hub import Hub, uri_of
from .inbound import Inbound
from .messages import Notice

log = logging.getLogger("fedgate.mcp")

STREAM_HEADERS = (SSE, (b"cache-control", b"no-cache, no-transform"), (b"x-accel-buffering", b"no"))


class SessionFront:
    """Sessions of legacy clients, between the table and the hub."""

    def __init__(self, hub: Hub, sessions: SessionTable, tasks: Tasks) -> None:
        self._hub = hub
        self._sessions = sessions
        self._tasks = tasks

    def open(self, owner: str, view: str, params: Fields) -> ClientSession:
        """A new session, heard of all news of its view. Raises `RpcError`."""
        record = self._sessions.open("mcp", owner, view, local.initialize_data(params))
        session = ClientSession(record, self._ended)
        record.attachment = session
        session.unsubscribe = self._hub.listen(view, lambda kinds, notice: _tell(session, kinds, notice))
        return session

    def end(self, session: ClientSession) -> None:
        self._sessions.end(session.record)

    def _ended(self, session: ClientSession) -> None:
        self._hub.forget(session.client)
        for server, uri in session.subscriptions:
            self._hub.unsubscribe(server, uri)

    def open_stream(self, call: Call, session: ClientSession) -> Reply:
        """GET: the session's own stream, or the rest of a stream that broke (2025-11-25, resumability)."""
        last = call.request.header(b"last-event-id")
        found = (session.stream, None) if last is None else session.find_stream(last)
        if found is None:
            raise NotFound("there is no stream with this Last-Event-ID any more")
        stream, after = found
        if stream.reading:
            raise Conflict("this stream is being read by another connection")
        return Reply(200, STREAM_HEADERS, stream.frames(after))

    def notified(self, session: ClientSession, inbound: Inbound) -> None:
        """A notification of the client."""
        method = inbound.message.method or ""
        if method == "notifications/cancelled":
            session.cancel(bytes(inbound.message.params))
        elif method != "notifications/initialized":
            self._pass_on(session, Notice(method, bytes(inbound.message.params)))

    def _pass_on(self, session: ClientSession, notice: Notice) -> None:
        """To the servers that keep a session for this very client: others could not tell whose it is."""
        for server in self._hub.servers.values():
            private = server.pool.private(session.client.key)
            if private is not None and not self._tasks.closed:
                self._tasks.start(_quietly(private.notify(notice.method, notice.params)), "pass on")

    async def set_level(self, session: ClientSession, level: str) -> None:
        """`logging/setLevel`: remembered for the session, and told to the servers that serve it."""
        session.set_level(level)
        await self._hub.set_level(session.client, level)

    async def subscription(self, session: ClientSession, inbound: Inbound) -> bytes:
        """`resources/subscribe` and `resources/unsubscribe`. Raises what the server answers."""
        route = inbound.route
        assert route is not None
        exposed = text(inbound.params.get("uri")) or ""
        key = (route.server, route.name)
        if inbound.message.method == "resources/subscribe":
            if key not in session.subscriptions:
                await self._hub.subscribe(*key)
                session.subscriptions.add(key)
                session.watched.add(exposed)
        elif key in session.subscriptions:
            session.subscriptions.discard(key)
            session.watched.discard(exposed)
            self._hub.unsubscribe(*key)
        return local.EMPTY_RESULT


def _tell(session: ClientSession, kinds: tuple[str, ...], notice: Notice | None) -> None:
    """News onto the session's own stream; resource updates only where they were asked for."""
    for kind in kinds:
        session.stream.put_nowait(jsonrpc.notification(CHANGED[kind]))
    if notice is not None and uri_of(notice) in session.watched:
        session.stream.put_nowait(jsonrpc.notification(notice.method, notice.params))


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except GatewayError as error:
        log.debug("a client's notification was not passed on: %s", error)
