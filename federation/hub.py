"""All servers together: their catalogs per view, and the news that views and subscribers hear.

The hub rebuilds a view when a server in it changed, and tells listeners which lists are
others now; nobody who asks for a list ever waits for a server.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ..core.errors import UpstreamError
from ..core.rawjson import fields, text
from ..core.tasks import Tasks
from .catalog import Catalog, View, build
from .connect import Deps, ServerOpener, ServerSettings
from .eras import CHANGED, UPDATED
from .messages import Client, Notice
from .names import Naming
from .server import Server, Status
from .uris import map_params

log = logging.getLogger("fedgate.hub")

Listener = Callable[[tuple[str, ...], Notice | None], None]
"""Told of changed kinds (`tools`, `prompts`, `resources`), or of a notice with the URI as its view exposes it."""


class Hub:
    """Made from the `mcp` section; runs from `start` to `aclose`."""

    def __init__(self, servers: Mapping[str, ServerSettings], naming: Naming, deps: Deps) -> None:
        self.servers = {
            name: Server(name, settings, ServerOpener(name, settings, deps), deps)
            for name, settings in servers.items()
            if not settings.disabled
        }
        self.settled = asyncio.Event()
        """Set once every server has been reached, or has failed to be, for the first time."""
        self._info: dict[str, Any] = {"name": "fedgate", "title": "fedgate", "version": deps.version}
        self._views = {"": View(naming, "", self._info)}
        self._views |= {name: View("never", name, self._info) for name in self.servers}
        self._catalogs = {view: self._build(view) for view in self._views}
        self._listeners: dict[str, dict[object, Listener]] = {view: {} for view in self._views}
        self._watched: dict[tuple[str, str], int] = {}
        self._reported: frozenset[str] = frozenset()
        self._tasks = Tasks("hub")
        for server in self.servers.values():
            server.on_change = self._changed
            server.news.on_notice = partial(self._heard, server.name)

    def start(self) -> None:
        for server in self.servers.values():
            server.start()
        self._settle()

    async def aclose(self) -> None:
        """End all servers at once, each bounded in time."""
        closing = Tasks("closing servers", grace=10.0)
        waits = [closing.start(server.aclose(), f"close {name}") for name, server in self.servers.items()]
        for wait in waits:
            await wait
        await closing.aclose()
        await self._tasks.aclose()

    # Catalogs.

    def catalog(self, view: str) -> Catalog | None:
        """What a view offers now; `None` if there is no such view."""
        return self._catalogs.get(view)

    @property
    def status(self) -> list[Status]:
        return [server.status for server in self.servers.values()]

    def _build(self, name: str) -> Catalog:
        view = self._views[name]
        names = [view.single] if view.single else list(self.servers)
        return build({each: self.servers[each].listing for each in names}, view)

    def _changed(self, server: str, announced: frozenset[str]) -> None:
        for view in ("", server):
            old, new = self._catalogs[view], self._build(view)
            self._catalogs[view] = new
            kinds = set(new.changed_since(old))
            if view:
                kinds |= announced  # a pass-through view says what its server says
            if kinds:
                self._tell(view, tuple(kind for kind in CHANGED if kind in kinds), None)
        self._report_collisions()
        self._settle()

    def _settle(self) -> None:
        if all(server.state != "starting" for server in self.servers.values()):
            self.settled.set()

    def _report_collisions(self) -> None:
        collisions = frozenset(self._catalogs[""].collisions)
        for sentence in sorted(collisions - self._reported):
            log.warning("catalog: %s", sentence)
        self._reported = collisions

    # News.

    def listen(self, view: str, listener: Listener) -> Callable[[], None]:
        """Hear the news of a view. The returned function ends it."""
        key = object()
        self._listeners[view][key] = listener
        return lambda: self._listeners[view].pop(key, None) and None

    def _tell(self, view: str, kinds: tuple[str, ...], notice: Notice | None) -> None:
        for listener in list(self._listeners[view].values()):
            listener(kinds, notice)

    def _heard(self, server: str, notice: Notice) -> None:
        if notice.method != UPDATED:
            return
        for view in ("", server):
            exposer = self._catalogs[view].exposer(server)
            try:
                self._tell(view, (), Notice(notice.method, map_params(notice.params, exposer)))
            except ValueError:
                log.warning("server %s announced an update without a URI", server)
                return

    # Subscriptions to resources, counted over all clients.

    async def subscribe(self, server: str, uri: str) -> None:
        """One more client wants to hear of `uri`; the server is asked for the first. Raises `UpstreamError`."""
        key = (server, uri)
        self._watched[key] = self._watched.get(key, 0) + 1
        if self._watched[key] == 1:
            try:
                await self.servers[server].news.watch(uri)
            except UpstreamError:
                self._release(key)
                raise

    def unsubscribe(self, server: str, uri: str) -> None:
        """One client less; the server is told of the last, in the background."""
        if self._release((server, uri)) and not self._tasks.closed:
            self._tasks.start(self.servers[server].news.unwatch(uri), f"unsubscribe at {server}")

    def _release(self, key: tuple[str, str]) -> bool:
        left = self._watched.get(key, 0) - 1
        if left > 0:
            self._watched[key] = left
        else:
            self._watched.pop(key, None)
        return left == 0

    async def set_level(self, client: Client, level: str) -> None:
        """Tell the servers that log for this client. On a shared connection the most verbose wish wins."""
        for server in self.servers.values():
            await server.news.set_level(server.pool.private(client.key), level)

    def forget(self, client: Client) -> None:
        """The client's session has ended: its private sessions with servers end too."""
        for server in self.servers.values():
            server.pool.forget(client.key)


def uri_of(notice: Notice) -> str:
    """The URI that a notice speaks of."""
    try:
        return text(fields(notice.params).get("uri")) or ""
    except ValueError:
        return ""
