"""The pages of one manifest: what this is, metrics, administration, and what is published (Starlette).

Made with the first request for one of them, so that a gateway that nobody looks at does without their libraries.
Above: `app.py`. Below: `cold.py`, the administration, the routes of each part.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from starlette.routing import Route, Router

from .. import __version__
from ..access.hosts import HostPolicy
from ..console.admin import Admin
from ..console.admin import Parts as AdminParts
from ..console.ports import Reload
from ..console.why import Question
from ..federation.hub import Hub
from ..manifest.model import Manifest
from ..sessions.table import SessionTable
from .access import AccessSide
from .agent_views import AgentViews
from .asgi_exchange import Application
from .cold import Cold, Facts
from .later import LaterPages
from .probes import Probes
from .telling import Telling
from .visitors import Visitors

if TYPE_CHECKING:
    from .agents import AgentSide

OF_AGENTS = tuple(
    f"/.well-known/{name}" for name in ("agent-card.json", "agent.json", "ai-catalog.json", "api-catalog", "jwks.json")
)
"""Paths that are answered even where there are no agents."""


class Shown(Protocol):
    """The gateway, as this module sees it."""

    manifest: Manifest
    url: str
    access: AccessSide
    hosts: HostPolicy
    hub: Hub
    sessions: SessionTable
    agents: AgentViews
    telling: Telling
    probes: Probes

    @property
    def reloader(self) -> Reload: ...

    @property
    def a2a(self) -> "AgentSide": ...

    async def explain(self, question: Question) -> dict[str, Any]: ...


def pages(shown: Shown, prefixes: frozenset[str], load_agents: Callable[[], object]) -> Application:
    """The application. `prefixes`: first segments of the data paths. `load_agents`: imports what `a2a` needs."""
    visitors = shown.access.visitors(shown.hosts)
    facts = Facts(__version__, shown.url, lambda: shown.hub.status, shown.telling.metrics, shown.agents.views)
    of_agents = LaterPages(load_agents, lambda: Router(shown.a2a.published(visitors)))
    more = [
        *(Route(path, shown.probes, methods=["GET"]) for path in sorted(shown.probes.paths)),
        *(Route(path, of_agents) for path in OF_AGENTS),
        *shown.access.published(visitors, prefixes),
        *_admin(shown, visitors).routes,
    ]
    return shown.access.before(Cold(facts, visitors, more).app)


def _admin(shown: Shown, visitors: Visitors) -> Admin:
    return Admin(
        AdminParts(
            admit=visitors.admin,
            sessions=shown.sessions,
            agents=shown.agents,
            servers=lambda: [msgspec.to_builtins(each) for each in shown.hub.status],
            version=__version__,
            plain_ids=shown.manifest.telemetry.log.ids == "plain",
            why=shown.explain,
            live=shown.telling.live,
            stories=shown.telling.stories,
            reload=shown.reloader,
        )
    )
