"""Health and readiness, for whoever watches the process: two answers that need nothing else of the gateway.

They answer any Host, because probes come by address; therefore names and reasons are for those alone who may
administer, and others are told states and how many are in each. Plain ASGI, so that the first probe does not wait for
the pages' libraries. Above: `app.py`, which puts it before the pages. Below: what servers and agents say of
themselves, `visitors.py`.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from ..console.ports import AgentView
from ..core.clock import Clock
from ..federation.server import Status
from .asgi_exchange import Application, Receive, Scope, Send
from .visitors import Head, Visitors

SETTLING = 2.0
"""Seconds after the start in which servers and agents that are still being reached make the gateway "not ready"."""
READ = frozenset({"GET", "HEAD"})


@dataclass(frozen=True)
class States:
    """Of the servers and of the agents, as they are when somebody asks."""

    servers: Callable[[], list[Status]]
    agents: Callable[[], list[AgentView]]


class Probes:
    """`stopping` turns readiness off before the listener closes. `paths`: what is answered here. `visitors`: who may
    administer, by the manifest of the moment; until it is set, nobody."""

    paths = frozenset({"/healthz", "/readyz"})

    def __init__(self, states: States, clock: Clock) -> None:
        self.stopping = False
        self.visitors: Visitors | None = None
        self._states = states
        self._clock = clock
        self._started = clock.monotonic()

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        status, body = (200, {"status": "ok"}) if scope["path"] == "/healthz" else self._readiness(scope)
        said = msgspec.json.encode(body)
        headers = [(b"content-length", b"%d" % len(said)), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": said if scope["method"] != "HEAD" else b""})

    def before(self, pages: Application) -> Application:
        """`pages`, but for what is answered here."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            own = scope["path"] in self.paths and scope["method"] in READ
            await (self if own else pages)(scope, receive, send)

        return answer

    def _readiness(self, scope: Scope) -> tuple[int, dict[str, Any]]:
        servers, agents = self._states.servers(), self._states.agents()
        states = [*(each.state for each in servers), *(each.state for each in agents)]
        settled = self._clock.monotonic() - self._started > SETTLING
        ready = not self.stopping and (settled or "starting" not in states)
        said: dict[str, Any] = {
            "status": "ready" if ready else "stopping" if self.stopping else "starting",
            "counts": {
                "servers": Counter(each.state for each in servers),
                "agents": Counter(each.state for each in agents),
            },
        }
        if self.visitors is not None and self.visitors.may_administer(Head(scope)):
            said["servers"] = {each.name: each for each in servers}
            said["agents"] = {each.name: each for each in agents}
        return 200 if ready else 503, said
