"""All servers together: their catalogs per view, and the news that views and subscribers hear.

The hub rebuilds a view when a server in it changed, and tells listeners which lists are
others now; nobody who asks for a list ever waits for a server.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial

from ..core.call import replace
from ..core.rawjson import Fields, fields, text
from ..core.tasks import Tasks
from . import search
from .catalog import Catalog
from .catalogs import Catalogs, Kinds, ToolStatus
from .connect import Deps, ServerOpener
from .eras import CHANGED, UPDATED
from .messages import Client, Notice
from .pin_file import load
from .pin_keeper import PinKeeper
from .pins import Finding, Pins
from .profiles import views
from .remarks import Remarks
from .searcher import Searcher
from .server import Server, Status
from .settings import McpSettings
from .uris import map_params

log = logging.getLogger("fedgate.hub")

Listener = Callable[[Kinds, Notice | None], None]
"""Told of changed kinds (`tools`, `prompts`, `resources`), or of a notice with the URI as its view exposes it.

Without either: something behind the lists changed, such as what can be called."""


class Hub:
    """Made from the `mcp` section; runs from `start` to `aclose`. Raises `BadPinFile`."""

    def __init__(self, settings: McpSettings, deps: Deps) -> None:
        enabled = {name: server for name, server in settings.servers.items() if not server.disabled}
        self.servers = {
            name: Server(name, server, ServerOpener(name, server, deps), deps) for name, server in enabled.items()
        }
        self.settled = asyncio.Event()
        """Set once every server has been reached, or has failed to be, for the first time."""
        self.on_drift: Callable[[str], None] = lambda _server: None
        """Told the server's name for every definition of a tool that changed."""
        self._tasks = Tasks("hub")
        made = views(settings, {"name": "fedgate", "title": "fedgate", "version": deps.version})
        path = settings.fingerprints
        pins = Pins({name: server.pin for name, server in enabled.items()}, load(path) if path else None)
        self._catalogs = Catalogs(made, self.servers, pins, Remarks(settings.warn_tokens))
        self._searchers = {name: Searcher(self._tasks) for name, view in made.items() if view.search != "off"}
        self._keeper = PinKeeper(path, pins, self._rebuild) if path else None
        self._listeners: dict[str, dict[object, Listener]] = {view: {} for view in made}
        self._watched: dict[tuple[str, str], int] = {}
        self._agreed: set[tuple[str, str]] = set()
        for server in self.servers.values():
            server.on_change = self._changed
            server.news.on_notice = partial(self._heard, server.name)

    def start(self) -> None:
        for server in self.servers.values():
            server.start()
        if self._keeper is not None:
            self._tasks.start(self._keeper.run(), "fingerprints")
        self._settle()

    async def aclose(self) -> None:
        """End all servers at once, each bounded in time."""
        closing = Tasks("closing servers", grace=10.0)
        waits = [closing.start(server.aclose(), f"close {name}") for name, server in self.servers.items()]
        for wait in waits:
            await wait
        await closing.aclose()
        await self._tasks.aclose()
        for searcher in self._searchers.values():
            searcher.close()
        if self._keeper is not None:
            await self._keeper.sync()

    # Catalogs.

    def catalog(self, view: str) -> Catalog | None:
        """What a view offers now; `None` if there is no such view."""
        return self._catalogs.get(view)

    @property
    def views(self) -> tuple[str, ...]:
        """The views beside the aggregate: servers, then profiles."""
        return self._catalogs.names

    @property
    def status(self) -> list[Status]:
        changed = Counter(each.server for each in self.changes if each.changed)
        return [
            replace(server.status, tokens=self.tokens(name), changed=changed[name])
            for name, server in self.servers.items()
        ]

    def tokens(self, server: str) -> int:
        """What the tools of a server cost a model, in tokens, as far as can be estimated."""
        return self._catalogs[server].tokens

    def tools(self, view: str = "") -> list[ToolStatus]:
        """Every tool of a view, also where clients are given a search instead, with its cost and what is odd."""
        return self._catalogs.tools(view)

    def _changed(self, server: str, announced: frozenset[str]) -> None:
        listing = self.servers[server].listing
        for finding in self._catalogs.look(server, listing):
            self._found(finding)
        changed = self._catalogs.update(server, listing)
        if announced:  # a pass-through view says what its server says
            kinds = announced.union(changed.get(server, ()))
            changed[server] = tuple(kind for kind in CHANGED if kind in kinds)
        self._publish(changed)
        self._settle()
        self._catalogs.remark(settled=self.settled.is_set())
        if self._keeper is not None:
            self._keeper.wake()

    def _rebuild(self) -> None:
        """What is withheld is other now."""
        self._publish(self._catalogs.rebuild(("", *self.views)))

    def _publish(self, changed: dict[str, Kinds]) -> None:
        for view, searcher in self._searchers.items():
            if view in changed and self._catalogs[view].searching:
                searcher.offer(self._catalogs[view].tools)
        for view, kinds in changed.items():
            self._tell(view, kinds, None)

    def _settle(self) -> None:
        if not self.settled.is_set() and all(server.state != "starting" for server in self.servers.values()):
            self.settled.set()
            for view in self._listeners:
                self._tell(view, (), None)

    async def search(self, view: str, params: Fields) -> bytes:
        """The result of a call of `search_tools` in a view that has it."""
        try:
            query = search.read_query(params, sorted(self._catalogs[view].servers))
        except ValueError as error:
            return search.mistake(str(error))
        found = await self._searchers[view].find(query)
        tools = self._catalogs[view].tools
        offers = [(name, offer) for name in found.names if (offer := tools.get(name)) and not offer.refusal]
        return search.answer(offers, found.total)

    # Definitions of tools.

    @property
    def changes(self) -> list[Finding]:
        """Tools whose definition is another than the accepted one, or has something in it that cannot be seen."""
        return self._catalogs.pins.findings

    async def accept(self, server: str = "", tool: str = "") -> list[Finding]:
        """Take the definitions that servers give now for good: of one tool, one server, or all.

        What was accepted. Raises `OSError` or `BadPinFile` where it cannot be saved; then nothing is.
        """
        if self._keeper is not None:
            taken = await self._keeper.accept(server, tool)
        else:
            taken = self._catalogs.pins.accept(server, tool)
        if taken:
            self._rebuild()
        return taken

    def _found(self, finding: Finding) -> None:
        then = "; it is withheld until it is accepted" if finding.withheld else ""
        log.warning(
            "server %s, tool %s: %s%s; see fedgate tools --changed", finding.server, finding.tool, finding, then
        )
        if finding.changed:
            self.on_drift(finding.server)

    # News.

    def listen(self, view: str, listener: Listener) -> Callable[[], None]:
        """Hear the news of a view. The returned function ends it."""
        key = object()
        self._listeners[view][key] = listener
        return lambda: self._listeners[view].pop(key, None) and None

    def _tell(self, view: str, kinds: Kinds, notice: Notice | None) -> None:
        for listener in list(self._listeners[view].values()):
            listener(kinds, notice)

    def _heard(self, server: str, notice: Notice) -> None:
        if notice.method != UPDATED:
            return
        for view in self._catalogs.views_with(server):
            exposer = self._catalogs[view].exposer(server)
            try:
                self._tell(view, (), Notice(notice.method, map_params(notice.params, exposer)))
            except ValueError:
                log.warning("server %s announced an update without a URI", server)
                return

    # Subscriptions to resources, counted over all clients.

    async def subscribe(self, server: str, uri: str) -> None:
        """One more client wants to hear of `uri`; the server is asked until it agreed once. Raises what it answers."""
        key = (server, uri)
        self._watched[key] = self._watched.get(key, 0) + 1
        if key in self._agreed:
            return
        try:
            await self.servers[server].news.watch(uri)
        except BaseException:  # refused, or the client has gone: either way it does not wait for news
            self._release(key)
            raise
        self._agreed.add(key)

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
            self._agreed.discard(key)
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
