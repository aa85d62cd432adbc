"""The administration as JSON, below `/admin`: sessions, agents, servers (Starlette).

Every route is behind `Guard`, and described in `openapi.py`. Each act of an administrator is one line of the log:
who, what, on what. Above: the gateway's cold side, which mounts it. Below: the rest of this part.
"""

import logging
import re
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from ..core.errors import GatewayError, NotFound
from ..sessions.table import SessionTable
from ..telemetry.live import Live
from ..telemetry.stories import Stories
from .agents import Roster
from .filters import Wanted, wanted
from .guard import Guard, administrator, answer, missed, refused
from .openapi import document
from .paging import Book
from .ports import Admit, Agents, Reload, Servers
from .rows import Standing
from .watching import Watching
from .why import Why, read

log = logging.getLogger("fedgate.admin")


class Parts(msgspec.Struct, frozen=True):
    """What is administered, and by whom. `plain_ids`: ids of contexts and tasks are shown."""

    admit: Admit
    sessions: SessionTable
    agents: Agents
    servers: Servers
    version: str
    plain_ids: bool = False
    why: Why | None = None
    live: Live | None = None
    stories: Stories | None = None
    reload: Reload | None = None


class Admin:
    """The handlers; `routes` is to be mounted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._book = Book(parts.sessions, plain=parts.plain_ids)
        self._roster = Roster(parts.agents, parts.sessions)
        self._watching = watching = Watching(parts.live, parts.stories, parts.reload)
        if parts.live is not None:
            parts.live.sessions = self._newest
        self.paths: list[BaseRoute] = [
            Route("/sessions", self._sessions),
            Route("/sessions/{mark}", self._end, methods=["DELETE"]),
            Route("/agents", self._agents),
            Route("/agents/{agent}/instances/{instance}/drain", self._drain, methods=["POST"]),
            Route("/agents/{agent}/instances/{instance}/undrain", self._undrain, methods=["POST"]),
            Route("/servers", self._servers),
            Route("/why", self._why, methods=["POST"]),
            Route("/live", watching.stream),
            Route("/requests/{id}", watching.story),
            Route("/reload", watching.manifest),
            Route("/reload", self._reload, methods=["POST"]),
            Route("/openapi.json", self._openapi),
        ]
        inner = Starlette(routes=self.paths, exception_handlers={404: missed, 405: missed, GatewayError: refused})
        guarded = Guard(parts.admit, inner)
        # The bare path too, or Starlette would send visitors on before anybody asked who they are.
        below = Mount("/admin", app=guarded)
        # Starlette's pattern ends at a line break: what came behind one would not be asked who it is.
        below.path_regex = re.compile(below.path_regex.pattern, re.DOTALL)
        self.routes: list[BaseRoute] = [Route("/admin", guarded), below]

    async def _sessions(self, request: Request) -> Response:
        return answer(await self._book.page(wanted(request.query_params.multi_items()), self._standing()))

    async def _end(self, request: Request) -> Response:
        row, tasks = await self._book.end(request.path_params["mark"], self._standing())
        _note(request, f"ended {row.protocol} {row.kind} {row.mark} of {row.owner}")
        return answer({"session": row, "tasks": tasks})

    async def _newest(self) -> Any:
        """For the live view: the first page of the list."""
        return await self._book.page(Wanted(), self._standing())

    async def _reload(self, request: Request) -> Response:
        reply = await self._watching.again(request)
        _note(request, f"asked for the manifest to be read again: HTTP {reply.status_code}")
        return reply

    def _standing(self) -> Standing:
        return Standing(self._parts.agents.views())

    async def _agents(self, _request: Request) -> Response:
        return answer({"agents": await self._roster.rows()})

    async def _drain(self, request: Request) -> Response:
        return await self._drained(request, on=True)

    async def _undrain(self, request: Request) -> Response:
        return await self._drained(request, on=False)

    async def _drained(self, request: Request, *, on: bool) -> Response:
        agent, instance = request.path_params["agent"], request.path_params["instance"]
        row = await self._roster.drained(agent, instance, on)
        _note(request, f"{'drained' if on else 'undrained'} instance {instance} of agent {agent}")
        return answer(row)

    async def _servers(self, _request: Request) -> Response:
        return answer({"servers": self._parts.servers()})

    async def _why(self, request: Request) -> Response:
        question = await read(request)
        if self._parts.why is None:
            raise NotFound("this gateway explains nothing")
        return answer(await self._parts.why(question))

    async def _openapi(self, _request: Request) -> Response:
        return answer(document(self._parts.version))


def _note(request: Request, what: str) -> None:
    source = request.client.host if request.client is not None else "-"
    log.info("%s at %s %s", administrator(request).owner, source, what)
