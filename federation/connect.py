"""Open a connection to a configured server in the era and over the transport it really speaks.

`auto` asks: `server/discover` first, and anything that is no positive evidence of the
modern era means `initialize`; a URL that knows neither is tried as the old HTTP+SSE
transport (2026-07-28 versioning; 2025-11-25 transports, backwards compatibility).
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from ..core.call import Header, replace
from ..core.clock import Clock
from ..core.errors import UpstreamError, UpstreamInvalid, UpstreamTimeout
from ..core.http_client import HttpClient
from ..core.http_values import Target
from ..core.ports import NO_CREDENTIALING, AgentDoor, Credentialing, Meter
from ..core.rawjson import Raw, raw
from ..core.tasks import Tasks
from .agent_settings import AgentServer
from .duplex import Duplex
from .handshake import NotModern
from .http_legacy import LegacyHttp
from .http_modern import ModernHttp
from .http_wire import HttpWire
from .link import Link, LinkClosed
from .messages import NO_CAPABILITIES, Client, Inbox
from .openapi_settings import OpenApiServer
from .process import ProcessTable
from .process_command import StdioCommand
from .settings import HttpServer, StdioServer

if TYPE_CHECKING:
    from .agent_connection import AgentOpener, AgentTools
    from .openapi_connection import OpenApi

log = logging.getLogger("fedgate.server")

ServerSettings = StdioServer | HttpServer | OpenApiServer | AgentServer
Opened: TypeAlias = "LegacyHttp | ModernHttp | Duplex | OpenApi | AgentTools"
"""What only some kinds of servers need is imported with the first of them."""

OPEN_TIMEOUT = 30.0
"""Seconds for each step of opening, if the server's own timeout is longer."""
_SHARED = raw({"sampling": {}, "elicitation": {"form": {}, "url": {}}})
"""What a process that several clients share may ask them; roots are asked outside of calls, so they are not here."""


@dataclass(frozen=True)
class Deps:
    """What connections are made of."""

    http: HttpClient
    clock: Clock
    processes: ProcessTable
    meter: Meter
    version: str
    agents: AgentDoor | None = None
    """For servers that are agents of this gateway."""
    credentialing: Credentialing = NO_CREDENTIALING


class Opener(Protocol):
    """Opens connections to one server. `per_caller`: it is asked in its callers' names, which calls bring along."""

    @property
    def per_caller(self) -> bool: ...

    async def open(self, tasks: Tasks, inbox: Inbox, client: Client | None = None) -> Opened: ...


class ServerOpener:
    """Remembers what it learned of the server, so that a reconnection does not ask again."""

    def __init__(self, name: str, settings: ServerSettings, deps: Deps) -> None:
        self._name = name
        self._settings = settings
        self._deps = deps
        self._timeout = min(settings.timeout, OPEN_TIMEOUT)
        self._era = "modern" if isinstance(settings, OpenApiServer | AgentServer) else settings.era
        self._not_modern = self._era == "legacy"
        self._agent = _agent_opener(settings, deps)
        auth = settings.auth if isinstance(settings, HttpServer | OpenApiServer) else None
        self._credentials = None if auth is None else deps.credentialing.of(f"mcp.servers.{name}", auth)

    @property
    def per_caller(self) -> bool:
        return self._agent is not None or (self._credentials is not None and self._credentials.per_caller)

    def _client(self, capabilities: Raw = NO_CAPABILITIES) -> Client:
        return Client(capabilities=capabilities, info=raw({"name": "fedgate", "version": self._deps.version}))

    def _introduced(self, client: Client) -> Client:
        """A modern client need not say who it is; `initialize` must name somebody."""
        return client if bytes(client.info) else replace(client, info=self._client().info)

    async def open(self, tasks: Tasks, inbox: Inbox, client: Client | None = None) -> Opened:
        """A connection for all clients, or for the one named. Raises `UpstreamError`."""
        if self._agent is not None:
            return self._agent.private() if client is not None else await self._agent.open(inbox)
        assert not isinstance(self._settings, AgentServer)
        if isinstance(self._settings, OpenApiServer):
            return await self._open_api(self._settings, inbox)
        if isinstance(self._settings, StdioServer):
            return await self._open_link(self._start, tasks, inbox, client)
        if self._settings.transport == "sse":
            return await self._open_link(self._stream, tasks, inbox, client)
        return await self._open_http(self._settings, tasks, inbox, client)

    # HTTP.

    async def _open_api(self, settings: OpenApiServer, inbox: Inbox) -> "OpenApi":
        from .openapi_connection import OpenApi
        from .openapi_shown import Showing
        from .openapi_source import Source

        credentials = self._credentials
        owned = frozenset[bytes]() if credentials is None else credentials.owned
        source = Source(self._name, settings, self._deps.http, owned)
        showing = Showing(_header_fields(settings.headers), credentials)
        api = OpenApi(source, self._deps.http, inbox, agent=f"fedgate/{self._deps.version}", showing=showing)
        await api.open()
        return api

    def _wire(self, settings: HttpServer, client: Client | None) -> HttpWire:
        return HttpWire(
            self._name,
            self._deps.http,
            Target.parse(settings.url),
            _header_fields(settings.headers),
            credentials=self._credentials,
            caller=None if client is None else client.caller,
        )

    async def _open_http(self, settings: HttpServer, tasks: Tasks, inbox: Inbox, client: Client | None) -> Opened:
        wire = self._wire(settings, client)
        if not self._not_modern:
            modern = ModernHttp(wire, inbox, client=self._client())
            try:
                await modern.open(self._timeout)
            except NotModern as error:
                self._must_be_modern(error)
            else:
                return modern
        told = self._client() if client is None else self._introduced(client)
        legacy = LegacyHttp(wire, tasks, self._deps.clock, inbox, client=told, shared=client is None)
        try:
            await legacy.open(self._timeout)
        except UpstreamInvalid as error:
            if settings.transport != "auto":
                raise
            return await self._fall_back_to_sse(tasks, inbox, client, error)
        self._not_modern = True
        return legacy

    async def _fall_back_to_sse(
        self, tasks: Tasks, inbox: Inbox, client: Client | None, first: UpstreamInvalid
    ) -> Opened:
        try:
            return await self._open_link(self._stream, tasks, inbox, client)
        except UpstreamError as error:
            log.debug("%s has no old event stream either: %s", self._name, error)
            raise first from error

    def _must_be_modern(self, error: NotModern) -> None:
        if self._era == "modern":
            raise UpstreamInvalid(f"era: modern is set for it, but {error.message}") from error

    # Channels.

    async def _start(self, _client: Client | None) -> Link:
        from .stdio import open_stdio

        assert isinstance(self._settings, StdioServer)
        settings = self._settings
        cwd = str(settings.cwd) if settings.cwd else None
        command = StdioCommand(self._name, settings.command, settings.args, dict(settings.env), cwd)
        return await open_stdio(command, self._deps.processes)

    async def _stream(self, client: Client | None) -> Link:
        from .sse_link import open_sse

        assert isinstance(self._settings, HttpServer)
        return await open_sse(self._wire(self._settings, client), self._timeout)

    async def _open_link(self, make: "_Make", tasks: Tasks, inbox: Inbox, client: Client | None) -> Duplex:
        def duplex_over(link: Link) -> Duplex:
            told = self._client(_SHARED) if client is None else self._introduced(client)
            one_session = make == self._stream
            return Duplex(link, tasks, inbox, client=told, shared=client is None, stateful=one_session)

        if not self._not_modern:
            try:
                return await self._open_duplex(make, client, duplex_over, modern=True)
            except (NotModern, UpstreamTimeout, LinkClosed) as error:
                # An old server may end itself over a request before `initialize`: it is started anew.
                log.debug("%s is of the legacy era: %s", self._name, error)
                if self._era == "modern":
                    raise
        duplex = await self._open_duplex(make, client, duplex_over, modern=False)
        self._not_modern = True
        return duplex

    async def _open_duplex(
        self, make: "_Make", client: Client | None, over: Callable[[Link], Duplex], *, modern: bool
    ) -> Duplex:
        duplex = over(await make(client))
        try:
            if modern:
                await self._discover(duplex)
            else:
                await duplex.initialize(self._timeout)
        except (UpstreamError, asyncio.CancelledError):
            await duplex.aclose()
            raise
        return duplex

    async def _discover(self, duplex: Duplex) -> None:
        try:
            await duplex.discover(self._timeout)
        except NotModern:
            # The process answered in good order: it can be initialized as it is.
            if self._era == "modern":
                raise
            await duplex.initialize(self._timeout)
            self._not_modern = True


def _agent_opener(settings: ServerSettings, deps: Deps) -> "AgentOpener | None":
    if not isinstance(settings, AgentServer):
        return None
    if deps.agents is None:
        raise ValueError(f"nothing here can reach the agent {settings.agent}")
    from .agent_connection import AgentOpener

    return AgentOpener(settings, deps.agents)


def _header_fields(headers: Mapping[str, str]) -> tuple[Header, ...]:
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())


class _Make(Protocol):
    async def __call__(self, client: Client | None, /) -> Link: ...
