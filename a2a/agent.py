"""One agent as it is now: its instances, watched; its card; and where conversations go.

Runs from `start` to `aclose`; nobody outside ever waits for an agent. Above: `agents.py`. Below:
`instance.py` and those who feed it: `health.py`, `card_keeper.py`, `addresses.py`.
"""

import logging
import random
from collections.abc import Callable
from functools import partial

import msgspec

from ..core.clock import Clock
from ..core.header_settings import header_lines
from ..core.http_client import HttpClient
from ..core.http_values import Target
from ..core.ports import NO_CREDENTIALING, Credentialing
from ..core.tasks import Tasks
from .addresses import Addresses, Change, Lookup, Roll, system_lookup
from .agent_settings import Instance as InstanceSettings
from .balance import choose
from .card_in import Card
from .card_keeper import CardKeeper, CardSource, Demands
from .drains import Drains
from .health import Watch, Watching
from .instance import Instance, Setup, State, mint_epoch
from .interfaces import Place, place, with_query
from .settings import Agent as AgentSettings

log = logging.getLogger("fedgate.a2a.agent")

_BEST_FIRST: tuple[State, ...] = ("ready", "starting", "unreachable", "lost")


class Deps(msgspec.Struct, frozen=True):
    """What every agent needs. `epochs`: those of the last run, by `Instance.key`, there when the agents start."""

    http: HttpClient
    clock: Clock
    epochs: dict[str, str] = {}
    mint: Callable[[], str] = mint_epoch
    random: Callable[[], float] = random.random
    credentialing: Credentialing = NO_CREDENTIALING
    lookup: Lookup = system_lookup
    drains: Drains | None = None
    """Remembers which instances are drained, if anything does."""


class InstanceStatus(msgspec.Struct, frozen=True):
    """What people are shown of an instance. `since` on the wall clock."""

    name: str
    url: str
    """`host:port` alone: a path or query may hold a credential."""
    state: State
    epoch: str
    draining: bool
    inflight: int
    since: float
    reason: str = ""


class AgentStatus(msgspec.Struct, frozen=True):
    """What people are shown of an agent. `state` is that of its best instance."""

    name: str
    state: State
    version: str
    instances: tuple[InstanceStatus, ...]
    reason: str = ""


class Agent:
    """`on_epoch(instance)`, `on_card(agent)`, `on_change(agent)` are called in the middle of things."""

    def __init__(self, name: str, settings: AgentSettings, deps: Deps) -> None:
        self.name = name
        self.settings = settings
        self.instances: dict[str, Instance] = {}
        """By name, in order. With `resolve: dns` they come and go."""
        self.on_epoch: Callable[[Instance], None] = lambda _instance: None
        self.on_card: Callable[[Agent], None] = lambda _agent: None
        self.on_change: Callable[[Agent], None] = lambda _agent: None
        self._deps = deps
        auth = settings.auth
        self.credentials = None if auth is None else deps.credentialing.of(f"agents.{name}", auth)
        """What is got for each request, beside the headers of the manifest."""
        self._tasks = Tasks(f"agent {name}")
        self._sources: dict[str, CardSource] = {}
        self._watches: dict[str, Watch] = {}
        self._keeper = CardKeeper()
        self._keeper.on_card = lambda: self.on_card(self)
        self._watching = Watching(settings.health, settings.identity, settings.card.refresh, deps.clock, deps.random)
        self._addresses: Addresses | None = None
        self._looked_up = settings.resolve == "none"
        self._turn = 0
        self._unknown: Instance | None = None
        """Stands for every instance until the name was looked up for the first time."""
        for each, instance in settings.named.items():
            if self._looked_up:
                self._add(each, place(instance.url), instance)
            else:
                self._unknown = Instance(self._setup(each, place(instance.url), instance), deps.clock, deps.mint)

    def start(self) -> None:
        """Begin to reach the instances. Needs a running loop; returns at once."""
        for instance in self.instances.values():
            instance.resume(self._deps.epochs.pop(instance.key, ""))
            self._take_up(instance)
        for watch in self._watches.values():
            watch.start()
        if not self._looked_up:
            self._tasks.start(self._follow_dns(), "addresses")

    async def aclose(self) -> None:
        await self._tasks.aclose()

    # Asked by the relay.

    @property
    def card(self) -> Card | None:
        """The card that stands for the agent; `None` until an instance has shown one."""
        return self._keeper.card

    def choose(self, without: frozenset[str] = frozenset()) -> Instance | None:
        """The instance for a new conversation, none of those named `without`; `None` if none can take one."""
        self._turn += 1
        return choose((each for name, each in self.instances.items() if name not in without), self._turn - 1)

    def instance(self, name: str) -> Instance | None:
        return self.instances.get(name)

    @property
    def keys(self) -> frozenset[str]:
        """What the epochs of its instances are kept under."""
        return frozenset(each.key for each in self.instances.values())

    def labelled(self, label: str) -> Instance | None:
        """The instance that a pin names by its `label`; `None` if that process is gone, and what it held with it.

        It may be lost, too. Until it was reached for the first time nobody knows which process it is: it is
        shown, and is not usable yet.
        """
        name, _, epoch = label.rpartition("#")
        instance = self.instances.get(name)
        if instance is None:
            return self._unknown
        return instance if instance.epoch == epoch or not instance.known else None

    # Asked by people.

    @property
    def settled(self) -> bool:
        """Whether every instance was reached, or was not, for the first time."""
        return self._looked_up and all(instance.state != "starting" for instance in self.instances.values())

    @property
    def status(self) -> AgentStatus:
        shown = tuple(_shown(instance) for instance in self.instances.values())
        states = {each.state for each in shown}
        nobody: State = "unreachable" if self._looked_up else "starting"
        state = next((each for each in _BEST_FIRST if each in states), nobody)
        reason = "" if state == "ready" else next((each.reason for each in shown if each.state == state), self._problem)
        return AgentStatus(self.name, state, self.card.version if self.card else "", shown, reason)

    @property
    def _problem(self) -> str:
        return self._addresses.problem if self._addresses else "not reached yet"

    def drain(self, name: str, on: bool) -> bool:
        """Give the instance no new conversations, or do again. False: there is no such instance."""
        instance = self.instances.get(name)
        if instance is None:
            return False
        self.remember(instance.key, on)
        if instance.draining is not on:
            instance.draining = on
            log.info("agent %s, instance %s %s", self.name, name, "is draining" if on else "takes conversations again")
            self._changed(instance)
        return True

    def remember(self, key: str, on: bool) -> None:
        """That an instance is drained, or is not (any more)."""
        if self._deps.drains is not None:
            self._deps.drains.put(key, on)

    def _take_up(self, instance: Instance) -> None:
        """It is drained if it was."""
        drains = self._deps.drains
        if drains is not None and instance.key in drains:
            instance.draining = True
            log.info("agent %s, instance %s is draining, as it was before", self.name, instance.name)

    def probe(self) -> None:
        """Look at every instance now."""
        for watch in self._watches.values():
            watch.doubt()

    # Instances.

    def _setup(self, name: str, where: Place, settings: InstanceSettings) -> Setup:
        agent = self.settings
        return Setup(
            agent=self.name,
            name=name,
            place=where,
            lost_after=agent.health.lost_after,
            headers=header_lines(agent.headers, settings.headers),
            credentials=self.credentials,
            weight=settings.weight,
        )

    def _add(self, name: str, where: Place, settings: InstanceSettings) -> Watch:
        agent, deps = self.settings, self._deps
        setup = self._setup(name, where, settings)
        kept = deps.epochs.pop(setup.key, "")
        instance = Instance(msgspec.structs.replace(setup, epoch=kept), deps.clock, deps.mint)
        instance.on_epoch = self._renewed
        instance.on_change = self._changed
        in_headers = agent.identity is not None and agent.identity.header is not None and agent.health.path is None
        demands = Demands(agent.speeches, agent.card.verify, conditional=not in_headers)
        source = CardSource(instance, where, demands, deps.http, deps.clock, self._tasks)
        self.instances[name], self._sources[name] = instance, source
        self._watches[name] = watch = Watch(instance, source, self._watching, self._tasks, deps.http)
        return watch

    def _renewed(self, instance: Instance) -> None:
        log.info("agent %s, instance %s: its epoch is now %s", self.name, instance.name, instance.epoch)
        self.on_epoch(instance)

    def _changed(self, instance: Instance) -> None:
        log.info(
            "agent %s, instance %s is %s%s",
            self.name,
            instance.name,
            instance.state,
            f": {instance.reason}" if instance.reason else "",
        )
        self._keeper.update((each, self._sources[name].card) for name, each in self.instances.items())
        self.on_change(self)

    async def _follow_dns(self) -> None:
        (entry,) = self.settings.instances
        where = place(entry.url)
        roll = Roll(self.settings.health.lost_after)
        self._addresses = Addresses(where.target, roll, self._deps.clock, self._deps.lookup, self._tasks)
        await self._addresses.run(self.settings.health.interval, partial(self._moved, entry, where))

    def _moved(self, entry: InstanceSettings, where: Place, change: Change) -> None:
        """The name has other addresses."""
        for address in change.new:
            target = Target(where.target.scheme, address, where.target.port, with_query(where.base, where.query))
            self._add(address, msgspec.structs.replace(where, target=target), entry).start()
            self._take_up(self.instances[address])
        for address in (*change.missing, *change.back):
            self.instances[address].withdrawn = address in change.missing
        for address in change.lost:
            self._watches.pop(address).stop()
            self.remember(self.instances[address].key, False)
            del self.instances[address], self._sources[address]
        first, self._looked_up, self._unknown = not self._looked_up, True, None
        if first or change != Change():
            log.info("agent %s has the addresses %s", self.name, ", ".join(self.instances) or "none")
            self.on_change(self)


def _shown(instance: Instance) -> InstanceStatus:
    return InstanceStatus(
        name=instance.name,
        url=instance.target.host_and_port,
        state=instance.state,
        epoch=instance.epoch,
        draining=instance.draining,
        inflight=instance.inflight,
        since=instance.since,
        reason=instance.reason,
    )
