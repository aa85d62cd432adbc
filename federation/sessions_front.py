"""What a legacy client does with its session: open, stream, subscribe, set a level, end; and come back to it.

A session that was stored is found again after a restart of the gateway by the id that its
client knows. It lives again at once; what servers must be told (subscriptions, level)
follows in the background, as they are reached.
"""

import logging
import secrets
from collections.abc import Coroutine
from typing import Any

from ..core import jsonrpc
from ..core.call import SSE, Call, Reply
from ..core.errors import BadRequest, Conflict, GatewayError, NotFound, RpcError, UpstreamError
from ..core.rawjson import Fields, raw, text
from ..core.tasks import Tasks
from ..sessions.record import Session
from ..sessions.table import SessionTable
from . import local
from .client import MAX_SUBSCRIPTIONS, MAX_URI, ClientSession, Watched, remembered
from .eras import CHANGED, UPDATED
from .hub import Hub, uri_of
from .inbound import Inbound
from .messages import Ask, Notice
from .wire import refuse

log = logging.getLogger("fedgate.mcp")

STREAM_HEADERS = (SSE, (b"cache-control", b"no-cache, no-transform"), (b"x-accel-buffering", b"no"))
AGAIN = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until subscriptions that could not be restored are tried again, and again."""


class SessionFront:
    """Sessions of legacy clients, between the table and the hub."""

    def __init__(self, hub: Hub, sessions: SessionTable, tasks: Tasks) -> None:
        self._hub = hub
        self._sessions = sessions
        self._tasks = tasks
        self._live: dict[str, ClientSession] = {}
        sessions.revive["mcp"] = self._revive
        hub.on_ask = self.asked

    def open(self, owner: str, view: str, params: Fields) -> ClientSession:
        """A new session, heard of all news of its view. Raises `RpcError`, `Overloaded`."""
        record = self._sessions.open("mcp", owner, view, local.initialize_data(params))
        return self._hearing(ClientSession(record, self._ended))

    async def asked(self, key: str, ask: Ask) -> None:
        """A server that serves one client alone asks it something outside of any call."""
        session = self._live.get(key)
        gone = refuse(ask.method, "its client has no session")
        await ask.reply(await session.ask_aside(ask.method, ask.params) if session is not None else gone)

    def _hearing(self, session: ClientSession) -> ClientSession:
        session.record.attachment = session
        self._live[session.client.key] = session
        view = session.record.view
        session.unsubscribe = self._hub.listen(view, lambda kinds, notice: _tell(session, kinds, notice))
        return session

    def end(self, session: ClientSession) -> None:
        self._sessions.end(session.record)

    def _ended(self, session: ClientSession) -> None:
        self._live.pop(session.client.key, None)
        self._hub.forget(session.client)
        for server, uri in session.subscriptions:
            self._hub.unsubscribe(server, uri)

    # After a restart.

    def _revive(self, record: Session) -> ClientSession | None:
        """The live half of a stored session; `None` if it has no place here any more."""
        try:
            record.data = remembered(record.data)
        except ValueError as error:
            log.warning("a stored session cannot be used: %s", error)
            return None
        if self._hub.catalog(record.view) is None or self._tasks.closed:
            return None
        session = self._hearing(ClientSession(record, self._ended, life=secrets.token_hex(3)))
        self._tasks.start(self._restore(session), "restore session")
        return session

    async def _restore(self, session: ClientSession) -> None:
        """What happened meanwhile was not announced: let the client look again, and the servers know what it wants."""
        await self._hub.settled.wait()
        catalog = self._hub.catalog(session.record.view)
        if catalog is not None:
            _tell(session, tuple(kind for kind in CHANGED if kind in catalog.capabilities), None)
        level = session.client.log_level
        if level:
            await self._hub.set_level(session.client, level)
        attempt = 0
        while await self._resubscribe(session):
            await self._sessions.clock.sleep(AGAIN[min(attempt, len(AGAIN) - 1)])
            attempt += 1

    async def _resubscribe(self, session: ClientSession) -> bool:
        """Whether something is left to be tried again."""
        left = False
        for exposed, key in list(session.wishes.items()):
            if session.over:
                return False
            if key in session.subscriptions or exposed not in session.wishes:
                continue
            try:
                await self._subscribe(session, key)
            except UpstreamError:
                left = True
            except GatewayError as error:
                log.info("a subscription was not restored: %s", error)
                session.wishes.pop(exposed, None)
                self._sessions.changed(session.record)
            else:
                self._resubscribed(session, exposed, key)
        return left and not session.over

    def _resubscribed(self, session: ClientSession, exposed: str, key: Watched) -> None:
        if exposed in session.wishes:
            _tell(session, (), Notice(UPDATED, bytes(raw({"uri": exposed}))))
        else:
            self._unsubscribe(session, key)  # no longer wished for by the time it was granted

    def open_stream(self, call: Call, session: ClientSession) -> Reply:
        """GET: the session's own stream, or the rest of a stream that broke (2025-11-25, resumability)."""
        last = call.request.header(b"last-event-id")
        found = (session.stream, None) if last is None else session.find_stream(last)
        if found is None:
            # Not 404: that would say that the session is gone, and the client would have to open a new one.
            raise BadRequest("there is no stream with this Last-Event-ID any more")
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
        await self._remember(session)
        await self._hub.set_level(session.client, level)

    async def subscription(self, session: ClientSession, inbound: Inbound) -> bytes:
        """`resources/subscribe` and `resources/unsubscribe`. Raises what the server answers."""
        route = inbound.route
        assert route is not None
        exposed = text(inbound.params.get("uri")) or ""
        key = (route.server, route.name)
        if inbound.message.method == "resources/subscribe":
            _check_room(session, exposed)
            await self._subscribe(session, key)
            session.wishes[exposed] = key
        elif session.wishes.pop(exposed, None) is not None:
            self._unsubscribe(session, key)
        await self._remember(session)
        return local.EMPTY_RESULT

    async def _subscribe(self, session: ClientSession, key: Watched) -> None:
        """Let the hub count it, once. Raises `GatewayError`."""
        if key in session.subscriptions:
            return
        if key[0] not in self._hub.servers:
            raise NotFound(f"there is no server {key[0]} any more")
        await self._hub.subscribe(*key)
        if session.over or key in session.subscriptions:
            self._hub.unsubscribe(*key)  # the session ended meanwhile, or somebody was faster
        else:
            session.subscriptions.add(key)

    def _unsubscribe(self, session: ClientSession, key: Watched) -> None:
        if key in session.subscriptions and key not in session.wishes.values():
            session.subscriptions.discard(key)
            self._hub.unsubscribe(*key)

    async def _remember(self, session: ClientSession) -> None:
        """What was agreed to survives a crash from here on; while the store fails, it lasts as long as the process."""
        self._sessions.changed(session.record)
        await self._sessions.kept(session.record)


def _check_room(session: ClientSession, exposed: str) -> None:
    if exposed not in session.wishes and len(session.wishes) >= MAX_SUBSCRIPTIONS:
        raise RpcError(jsonrpc.INVALID_PARAMS, f"a session may subscribe to {MAX_SUBSCRIPTIONS} resources at most")
    if len(exposed) > MAX_URI:
        raise RpcError(jsonrpc.INVALID_PARAMS, f"a URI of more than {MAX_URI} characters cannot be subscribed to")


def _tell(session: ClientSession, kinds: tuple[str, ...], notice: Notice | None) -> None:
    """News onto the session's own stream; resource updates only where they were asked for."""
    for kind in kinds:
        session.stream.put_nowait(jsonrpc.notification(CHANGED[kind]))
    if notice is not None and uri_of(notice) in session.wishes:
        session.stream.put_nowait(jsonrpc.notification(notice.method, notice.params))


async def _quietly(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except GatewayError as error:
        log.debug("a client's notification was not passed on: %s", error)
