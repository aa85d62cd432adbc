"""The A2A side of the gateway, put together: agents, pins, relay, cards, push, endpoint.

Above: `app.py`. Below: the parts.
"""

from pathlib import Path

from starlette.routing import BaseRoute

from ..a2a.agent import Deps as AgentDeps
from ..a2a.agents import Agents
from ..a2a.card_out import OPEN, Security
from ..a2a.cards import Cards
from ..a2a.door import Door, Ways
from ..a2a.drains import Drains
from ..a2a.endpoint import A2aEndpoint, Parts
from ..a2a.instance import Instance
from ..a2a.pins import Pins, contexts
from ..a2a.placing import Placing
from ..a2a.push_delivery import PushDelivery
from ..a2a.push_table import PushTable
from ..a2a.pushes import Pushes, Way
from ..a2a.relay import Deps, Relay
from ..a2a.settings import Agent as AgentSettings
from ..a2a.signing import CardSigner
from ..a2a.signing_key import BadKey, SigningKey
from ..a2a.task_lists import TaskLists
from ..a2a.threads import Threads
from ..core.clock import Clock
from ..core.http_client import HttpClient
from ..core.ports import FULL_SIGHT, NO_CREDENTIALING, Credentialing, Sight
from ..core.ssrf import Guard
from ..core.tasks import Tasks
from ..manifest.model import Manifest
from ..sessions.table import Rule, SessionTable
from ..telemetry.metrics import Metrics
from .visitors import Visitors
from .well_known import WellKnown

EPOCHS = "a2a.instance"
"""The shelf of the epochs of instances, which outlive the gateway where sessions do."""
_EPOCH_RULE = Rule(idle=30 * 86_400.0, limit=10_000)
JWKS_PATH = "/.well-known/jwks.json"


class AgentSide:
    """`endpoint` is what the data path ends in. Made → `begin` → `aclose`.

    `reachable`: the gateway's URL for agents, which call back with push notifications.
    """

    def __init__(
        self,
        manifest: Manifest,
        reachable: str,
        http: HttpClient,
        clock: Clock,
        metrics: Metrics,
        sessions: SessionTable,
        credentialing: Credentialing = NO_CREDENTIALING,
        sight: Sight = FULL_SIGHT,
    ) -> None:
        self._sight = sight
        self._by = http, clock
        self._sessions = sessions
        self._metrics = metrics
        self._epochs: dict[str, str] = {}
        deps = AgentDeps(http, clock, self._epochs, credentialing=credentialing, drains=Drains(sessions))
        self.agents = Agents(manifest.agents, deps)
        self.agents.on_epoch = self._keep_epoch
        self._pins = pins = Pins(sessions, metrics)
        self._threads = threads = Threads(sessions)
        sessions.shelve(EPOCHS, _EPOCH_RULE)
        self._shelve(manifest)
        self.key = signing_key(manifest.gateway.signing_key)
        self._url = url = manifest.gateway.public_url or ""
        signer = CardSigner(self.key, f"{url}{JWKS_PATH}" if url else "")
        self.cards = Cards(self.agents, signer, _security(manifest))
        placing = Placing(pins, metrics)
        relay = Relay(Deps(http, clock, metrics, pins, placing))
        self._sending = Tasks("push notifications")
        self._ways = ways = {name: self._way(agent, http, clock) for name, agent in manifest.agents.items()}
        self.pushes = pushes = Pushes(relay, pins, PushTable(reachable, clock), ways)
        lists = TaskLists(relay, pins)
        self.endpoint = A2aEndpoint(Parts(self.agents, placing, relay, lists, self.cards, pushes, url, sight))
        self.door = Door(self.agents, Ways(relay, placing, pins, threads, clock))
        self.agents.on_card = self.agents.on_change = self.door.changed

    def _way(self, agent: AgentSettings, http: HttpClient, clock: Clock) -> Way:
        guard = Guard(agent.push.allow)
        return Way(guard, PushDelivery(http, guard, self._sending, clock, count=self._metrics.notified))

    def _shelve(self, manifest: Manifest) -> None:
        for name, agent in manifest.agents.items():
            self._pins.shelve(name, agent.pins, loose=agent.state != "instance")
            self._threads.shelve(name, agent.pins)

    def apply(self, manifest: Manifest) -> None:
        """Have the agents of another manifest. What agents hold is found that are in both."""
        self._shelve(manifest)
        for name, agent in manifest.agents.items():
            known = self.agents.find(name)
            if known is None or known.settings.push != agent.push:
                self._ways[name] = self._way(agent, *self._by)
        self.cards.secure(_security(manifest))
        self.agents.apply(manifest.agents)

    def published(self, visitors: Visitors) -> list[BaseRoute]:
        """The routes of what anybody may know."""
        return WellKnown(self.agents, self.cards, self.key, visitors, self._url, self._sight).routes

    def _restore(self) -> None:
        """The table has its stored records again: instances are the processes they were, until they show otherwise."""
        for record in self._sessions.all(EPOCHS):
            self._epochs[record.view] = str(record.data.get("epoch", ""))

    def begin(self) -> None:
        """The session table has what it had. Needs a running loop; returns at once."""
        self._restore()
        self.agents.start()

    async def aclose(self) -> None:
        await self.door.aclose()
        await self._sending.aclose()
        await self.agents.aclose()

    def conversations(self, agent: str) -> int:
        """Contexts that are pinned."""
        return self._sessions.count(contexts(agent))

    def _keep_epoch(self, instance: Instance) -> None:
        record, _ = self._sessions.claim(EPOCHS, instance.key, "gateway:", instance.key)
        record.data = {"epoch": instance.epoch}
        self._sessions.changed(record)


def _security(manifest: Manifest) -> Security:
    return OPEN if manifest.anonymous else Security()


class CannotSign(ValueError):
    """The signing key cannot be used; `str(error)` says why and what to try."""


def signing_key(path: Path | None) -> SigningKey:
    """The key of the manifest, or a new one. Raises `CannotSign`."""
    try:
        return SigningKey(None if path is None else path.read_bytes())
    except (OSError, BadKey) as error:
        why = error.strerror if isinstance(error, OSError) else error
        raise CannotSign(
            f"gateway.signing_key: {path} cannot be used: {why}; make one with: "
            "openssl ecparam -genkey -name prime256v1 -noout"
        ) from error
