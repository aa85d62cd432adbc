"""Cards as clients see them: the agent's, with the gateway's addresses, security and signature.

Nothing waits for an agent: while no instance has shown a card there is none. Above: `endpoint.py`, the
well-known documents. Below: `card_out.py`, `signing.py`, `agents.py`.
"""

from collections import OrderedDict

from ..core.call import Principal, Reply
from ..core.errors import UpstreamInvalid
from ..core.ports import Seen
from . import errors, facts, listing
from .agent import Agent
from .agents import Agents
from .card_out import Security, Terms, modern, rewrite
from .placing import AGAIN
from .signing import CardSigner, Served, reply
from .values import Version

REWRITTEN = 256
"""Cards kept in the form they are served in, before they are signed: one per agent and address."""


class Cards:
    """For all agents. `security`: how clients show the gateway who they are."""

    def __init__(self, agents: Agents, signer: CardSigner, security: Security) -> None:
        self._agents = agents
        self._signer = signer
        self.security = security
        self._made: OrderedDict[tuple[str, str], tuple[bytes, bytes]] = OrderedDict()

    def secure(self, security: Security) -> None:
        """From now on clients show who they are in this way."""
        if security != self.security:
            self.security = security
            self._made.clear()

    async def public(self, agent: Agent, base: str, if_none_match: str | None) -> Reply:
        """The card, or 304. `base`: the gateway's own URL, as the client should use it. Raises `A2aError`."""
        if agent.card is None:
            raise errors.instance_unavailable(AGAIN)
        served = await self._served(agent, base, agent.card.raw)
        return reply(served, if_none_match, public=agent.settings.card.public)

    async def extended(self, agent: Agent, base: str, card: bytes, version: Version) -> bytes:
        """The extended card of an agent, which it has just answered with, for a caller of this version."""
        return (await self._served(agent, base, card, only_modern=version == "1.0")).body

    async def _served(self, agent: Agent, base: str, card: bytes, *, only_modern: bool = False) -> Served:
        signed = agent.settings.card.signature == "resign"
        try:
            made = self._rewritten(agent, base, card)
            return await self._signer.served(modern(made) if only_modern else made, signed=signed)
        except ValueError as error:
            raise UpstreamInvalid(f"the card of agent {agent.name} is not a JSON object") from error

    def _rewritten(self, agent: Agent, base: str, card: bytes) -> bytes:
        key = (agent.name, base)
        known = self._made.get(key)
        if known is not None and known[0] == card:
            return known[1]
        made = rewrite(card, Terms(agent.name, f"{base}/a2a/{agent.name}", self.security, push=True))
        self._made[key] = (card, made)
        while len(self._made) > REWRITTEN:
            self._made.popitem(last=False)
        return made

    def listed(self, principal: Principal, seen: Seen | None = None) -> list[listing.Listed]:
        """The agents that this caller may use. `seen`: what it may know of; `None`: everything."""
        return [_listed(each) for each in self._agents.all() if may_use(each, principal) and is_seen(each, seen)]

    def shown(self, seen: Seen | None = None) -> list[listing.Listed]:
        """The agents whose cards anybody may read. `seen`: what anybody may know of."""
        return [_listed(each) for each in self._agents.all() if each.settings.card.public and is_seen(each, seen)]


def may_use(agent: Agent, principal: Principal) -> bool:
    """Whether the manifest lets this caller use the agent."""
    groups = agent.settings.groups
    return not groups or not set(groups).isdisjoint(principal.groups)


def is_seen(agent: Agent, seen: Seen | None) -> bool:
    """Whether rules let somebody know of the agent."""
    return seen is None or seen.sees(facts.of_agent(agent.name), facts.UNKNOWN)


def _listed(agent: Agent) -> listing.Listed:
    card = agent.card
    return listing.listed(agent.name, agent.status.state, card.raw if card else None, agent.settings.description)
