"""What the gateway publishes about itself under `/.well-known/`: cards, catalogs, keys (Starlette).

Read without a key, so only what anybody may know: agents whose card is not public are not in it.
Above: `cold.py`, which mounts the routes. Below: `agents.py`.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from ..a2a import listing
from ..a2a.agent import Agent
from ..a2a.agents import Agents
from ..a2a.cards import Cards, is_seen
from ..a2a.signing import reply, tagged
from ..a2a.signing_key import SigningKey
from ..core.call import ANONYMOUS, Header, Reply
from ..core.errors import GatewayError, NotFound, Unauthorized
from ..core.ports import FULL_SIGHT, Sight
from .visitors import Visitors

_NOBODY = "no agent stands for this gateway: set default on one; GET /a2a lists them"
_JWKS: Header = (b"content-type", b"application/jwk-set+json")


class WellKnown:
    """`public_url`: the gateway's own; empty: what the client's Host header says."""

    def __init__(
        self,
        agents: Agents,
        cards: Cards,
        key: SigningKey,
        visitors: Visitors,
        public_url: str,
        sight: Sight = FULL_SIGHT,
    ) -> None:
        self._agents = agents
        self._cards = cards
        self._key = key
        self._visitors = visitors
        self._public_url = public_url
        self._sight = sight
        self.routes: list[BaseRoute] = [
            Route("/.well-known/agent-card.json", self._card),
            Route("/.well-known/agent.json", self._card),
            Route("/.well-known/ai-catalog.json", self._ai_catalog),
            Route("/.well-known/api-catalog", self._api_catalog),
            Route("/.well-known/jwks.json", self._jwks),
        ]

    def _base(self, request: Request) -> str:
        """The gateway's URL for this visitor, who must mean this gateway."""
        self._visitors.check_host(request)
        return self._public_url or f"http://{request.headers.get('host', '')}"

    async def _card(self, request: Request) -> Response:
        base, agent = self._base(request), self._own_agent()
        if not is_seen(agent, self._sight.by("a2a", self._visitors.principal(request) or ANONYMOUS)):
            raise NotFound(_NOBODY)
        if not agent.settings.card.public and self._visitors.principal(request) is None:
            raise Unauthorized("this card needs a key", headers=((b"www-authenticate", b'Bearer realm="fedgate"'),))
        try:
            return _response(await self._cards.public(agent, base, request.headers.get("if-none-match")))
        except GatewayError as error:
            raise NotFound(f"agent {agent.name} has shown no card yet: {error.message}") from error

    def _own_agent(self) -> Agent:
        """The agent that stands for the gateway: the one that says so, or the only one."""
        found = self._agents.default
        if found is None and len(everybody := self._agents.all()) == 1:
            found = everybody[0]
        if found is None:
            raise NotFound(_NOBODY)
        return found

    def _shown(self) -> list[listing.Listed]:
        return self._cards.shown(self._sight.by("a2a", ANONYMOUS))

    async def _ai_catalog(self, request: Request) -> Response:
        body = listing.ai_catalog(self._shown(), self._base(request))
        return _document(body, request, listing.AI_CATALOG)

    async def _api_catalog(self, request: Request) -> Response:
        body = listing.api_catalog(self._shown(), self._base(request))
        return _document(body, request, listing.API_CATALOG)

    async def _jwks(self, request: Request) -> Response:
        self._visitors.check_host(request)
        return _document(self._key.jwks(), request, _JWKS)


def _document(body: bytes, request: Request, kind: Header) -> Response:
    return _response(reply(tagged(body), request.headers.get("if-none-match"), content_type=kind))


def _response(found: Reply) -> Response:
    assert isinstance(found.body, bytes)
    return Response(found.body, found.status, {name.decode(): value.decode("latin-1") for name, value in found.headers})
