"""All servers together: their catalogs per view, and the news that views and subscribers hear.

The hub rebuilds a view when a server in it changed, and tells listeners which lists are
others now; nobody who asks for a list ever waits for a server.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from ..core.call import replace
from ..core.errors import UpstreamDenied
from ..core.rawjson import Fields, fields, text
from ..core.tasks import Tasks
from .agent_settings import AgentServer
from .catalog import Catalog, Visible
from .catalogs import Catalogs, Kinds, ToolStatus
from .connect import Deps, ServerOpener, ServerSettings
from .eras import CHANGED, UPDATED
from .messages import Ask, Client, Notice
from .pin_file import load
from .pin_keeper import PinKeeper
from .pins import Finding, Mode, Pins
from .pool import AskClient, refuse_ask
from .profiles import views
from .remarks import Remarks
from .searcher import Searcher, answered, arrange
from .server import Server, Status
from .settings import McpSettings
from .subscriptions import Subscriptions
from .uris import map_params

log = logging.getLogger("fedgate.hub")

PATIENCE = 30.0
"""Seconds that calls under way at a server which is no longer configured may take."""

Listener = Callable[[Kinds, Notice | None], None]
"""Told of changed kinds (`tools`, `prompts`, `resources`), or of a notice with the URI as its view exposes it.

Without either: something behind the lists changed, such as what can be called."""


class Hub:
    """Made from the `mcp` section; runs from `start` to `aclose`. Raises `BadPinFile`."""

    def __init__(self, settings: McpSettings, deps: Deps) -> None:
        enabled = {name: server for name, server in settings.servers.items() if not server.disabled}
        self._deps = deps
        self.servers = {name: self._made(name, server) for name, server in enabled.items()}
        self.agents = {name: each.agent for name, each in enabled.items() if isinstance(each, AgentServer)}
        """Servers that are agents of this gateway, and which."""
        self.settled = asyncio.Event()
        """Set once every server has been reached, or has failed to be, for the first time."""
        self.on_drift: Callable[[str], None] = lambda _server: None
        """Told the server's name for every definition of a tool that changed."""
        self.on_ask: AskClient = refuse_ask
        """Who is asked what a server wants to know outside of any call, by the client's key."""
        self._tasks = Tasks("hub")
        self.door = deps.agents
        made = views(settings, {"name": "fedgate", "title": "fedgate", "version": deps.version})
        path = settings.fingerprints
        pins = Pins(_modes(enabled), load(path) if path else None)
        self._catalogs = Catalogs(made, self.servers, pins, Remarks(settings.warn_tokens))
        self._searchers = {name: Searcher(self._tasks) for name, view in made.items() if view.search != "off"}
        self._keeper = PinKeeper(path, pins, self._rebuild) if path else None
        self._listeners: dict[str, dict[object, Listener]] = {view: {} for view in made}
        self._subscriptions = Subscriptions(self.servers, self._tasks)

    def _made(self, name: str, settings: ServerSettings) -> Server:
        server = Server(name, settings, ServerOpener(name, settings, self._deps), self._deps)
        server.on_change = self._changed
        server.news.on_notice = partial(self._heard, name)
        server.pool.on_ask = self._asked
        return server

    def _asked(self, client: str, ask: Ask) -> Coroutine[Any, Any, None]:
        return self.on_ask(client, ask)  # looked up when it is called: it may be set after this was made

    def start(self) -> None:
        for server in self.servers.values():
            server.start()
        if self._keeper is not None:
            self._tasks.start(self._keeper.run(), "fingerprints")
        self._settle()

    def apply(self, settings: McpSettings) -> None:
        """Serve what these settings say from now on. Servers whose settings are the same stay as they are; clients
        hear which lists are others. `fingerprints` cannot be another."""
        enabled = {name: server for name, server in settings.servers.items() if not server.disabled}
        before = dict(self.servers)
        kept = {name for name, each in enabled.items() if name in before and before[name].settings == each}
        made = {name: self._made(name, each) for name, each in enabled.items() if name not in kept}
        for name in made.keys() & before.keys():
            made[name].succeed(before[name])
        self.servers.clear()
        self.servers.update({name: made.get(name) or before[name] for name in enabled})
        self.agents.clear()
        self.agents.update({name: each.agent for name, each in enabled.items() if isinstance(each, AgentServer)})
        self._show(settings, enabled)
        for name, server in before.items():
            if self.servers.get(name) is not server:
                self._tasks.start(server.retire(PATIENCE), f"retire {name}")
        for server in made.values():
            server.start()

    def _show(self, settings: McpSettings, enabled: Mapping[str, ServerSettings]) -> None:
        """The catalogs of other views and servers."""
        old = self._catalogs
        old.pins.rule(_modes(enabled))
        for name, server in self.servers.items():  # in other modes, other definitions may be withheld
            for finding in old.look(name, server.listing):
                self._found(finding)
        made = views(settings, {"name": "fedgate", "title": "fedgate", "version": self._deps.version})
        self._catalogs = Catalogs(made, self.servers, old.pins, Remarks(settings.warn_tokens))
        arrange(self._searchers, {name for name, view in made.items() if view.search != "off"}, self._tasks)
        self._listeners |= {name: {} for name in made if name not in self._listeners}
        changed = self._catalogs.succeed(old)
        for name, searcher in self._searchers.items():
            if name not in changed and self._catalogs[name].searching:
                searcher.offer(self._catalogs[name].tools)
        self._publish(changed)

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

    def catalog_of(self, view: str, visible: Visible) -> Catalog:
        """What of a view one kind of caller may know of. Built anew: whoever asks keeps it."""
        return self._catalogs.of(view, visible)

    def check_admitted(self, view: str) -> None:
        """Raise if the one server of a view does not let the gateway in: that it lists nothing would be a lie."""
        server = self.servers.get(view)
        if server is not None and server.denied and server.listing is None:
            raise UpstreamDenied(f"server {view} cannot be listed: {server.reason}")

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

    async def search(self, view: str, params: Fields, catalog: Catalog) -> bytes:
        """The result of a call of `search_tools` in a view that has it, as the caller's catalog shows it."""
        return await answered(self._searchers[view], params, catalog, len(self._catalogs[view].tools))

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

    def announce(self) -> None:
        """What callers may know of is other now: let them look again."""
        for view in self._listeners:
            self._tell(view, tuple(CHANGED), None)

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

    # What clients want of servers.

    async def subscribe(self, server: str, uri: str) -> None:
        """Raises what the server answers."""
        await self._subscriptions.add(server, uri)

    def unsubscribe(self, server: str, uri: str) -> None:
        self._subscriptions.drop(server, uri)

    async def set_level(self, client: Client, level: str) -> None:
        """Tell the servers that log for this client. On a shared connection the most verbose wish wins."""
        for server in self.servers.values():
            await server.news.set_level(server.pool.private(client.key), level)

    def forget(self, client: Client) -> None:
        """The client's session has ended: its private sessions with servers end too."""
        for server in self.servers.values():
            server.pool.forget(client.key)
        if self.door is not None:
            self.door.forget(client.key)


def _modes(servers: Mapping[str, ServerSettings]) -> dict[str, Mode]:
    return {name: server.pin for name, server in servers.items()}


def uri_of(notice: Notice) -> str:
    """The URI that a notice speaks of."""
    try:
        return text(fields(notice.params).get("uri")) or ""
    except ValueError:
        return ""
