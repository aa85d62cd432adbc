"""The relays of push notifications: which client stands behind a callback URL of the gateway.

A relay begins when a client's configuration goes out to an agent, is bound when the agent's
answer (or its first callback) names the task, and ends when it is deleted, replaced, or not used
for long. Callback ids and issued tokens are 256 random bits. Everything is in memory; records can
be written as JSON and read again, and hold secrets: whoever stores them, seals them. No I/O.
Above: the endpoint. Below: `push_config`, the clock.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator

import msgspec

from ..core.clock import Clock
from ..core.errors import Conflict, Overloaded
from .push_config import PushConfig

PATH = "/push/"
"""What callback URLs have between the agent's base and the id."""


class Limits(msgspec.Struct, frozen=True):
    """Counts, and seconds."""

    total: int = 20_000
    per_owner: int = 500
    per_task: int = 16
    life: float = 7 * 86_400.0
    """From the last callback, or from the beginning, to the end."""
    unbound_life: float = 3600.0
    """As `life`, while no task is known: the request that began it may have failed."""


class Relay(msgspec.Struct, frozen=True):
    """One callback URL. Its `repr` shows no secret, and the id is one."""

    id: str
    owner: str
    agent: str
    token: str
    """What the agent was given, to be shown with each callback."""
    client: PushConfig
    """What the client asked for."""
    began: float
    """Seconds since the epoch."""
    seen: float
    task: str = ""
    """Empty until it is known."""
    config: str = ""
    """The configuration's id at the agent."""

    def __repr__(self) -> str:
        return f"<Relay {self.agent} task={self.task!r} config={self.config!r}>"


_LIMITS = Limits()


class PushTable:
    """All relays. `public`: the gateway's public URL, without a slash at its end; `make`: where ids come from."""

    def __init__(
        self,
        public: str,
        clock: Clock,
        limits: Limits = _LIMITS,
        make: Callable[[], str] = lambda: secrets.token_urlsafe(32),
    ) -> None:
        self._prefix = f"{public}/a2a/"
        self._clock = clock
        self._limits = limits
        self._make = make
        self._relays: dict[str, Relay] = {}
        self._owned: dict[str, int] = {}
        self._by_task: dict[tuple[str, str], dict[str, None]] = {}

    def __repr__(self) -> str:
        return f"<PushTable relays={len(self._relays)} owners={len(self._owned)}>"

    def __len__(self) -> int:
        return len(self._relays)

    def begin(self, owner: str, agent: str, client: PushConfig) -> Relay:
        """A new relay, for the agent to be told of. If the agent refuses, `end` it; else `bind` it.

        Raises `Conflict` at a limit of the owner or the task, `Overloaded` at that of the gateway.
        """
        limits = self._limits
        if len(self._relays) >= limits.total or self._owned.get(owner, 0) >= limits.per_owner:
            self.sweep()
        if self._owned.get(owner, 0) >= limits.per_owner:
            raise Conflict(f"you have {limits.per_owner} push configurations, which is the limit: delete some")
        if len(self._relays) >= limits.total:
            raise Overloaded("the gateway relays too many push notifications already")
        if client.task and len(self._by_task.get((agent, client.task), ())) >= limits.per_task:
            raise Conflict(f"the task has {limits.per_task} push configurations, which is the limit: delete some")
        now = self._clock.now()
        relay = Relay(self._make(), owner, agent, self._make(), client, now, now, client.task, client.id)
        self._put(relay)
        return relay

    def url(self, relay: Relay) -> str:
        """Where the agent is to call back."""
        return f"{self._prefix}{relay.agent}{PATH}{relay.id}"

    def find(self, agent: str, id_: str) -> Relay | None:
        """The relay of a callback, unless it is over."""
        relay = self._relays.get(id_)
        if relay is None or relay.agent != agent:
            return None
        if self._is_over(relay, self._clock.now()):
            self.end(id_)
            return None
        return relay

    def behind(self, owner: str, url: str) -> PushConfig | None:
        """What `owner` asked for, by the URL that the agent has instead (`push_answers.shown` asks so)."""
        agent, path, id_ = url.removeprefix(self._prefix).partition(PATH)
        if not path or not url.startswith(self._prefix):
            return None
        relay = self.find(agent, id_)
        return relay.client if relay is not None and relay.owner == owner else None

    def bind(self, id_: str, task: str, config: str = "") -> Relay | None:
        """The task (and the agent's id of the configuration) is known now: the first one that is told counts.

        What the agent has replaced by it, the same configuration of the same task, ends.
        """
        relay = self._relays.get(id_)
        if relay is None:
            return None
        bound = msgspec.structs.replace(relay, task=relay.task or task, config=config or relay.config)
        self.end(id_)
        for other in list(self.of_task(bound.agent, bound.task)) if bound.config else ():
            if other.config == bound.config:
                self.end(other.id)
        self._put(bound)
        return bound

    def touch(self, id_: str) -> None:
        """There was a callback: it is in use."""
        relay = self._relays.get(id_)
        if relay is not None:
            self._relays[id_] = msgspec.structs.replace(relay, seen=self._clock.now())

    def of_task(self, agent: str, task: str) -> Iterator[Relay]:
        """All relays of a task."""
        return (self._relays[id_] for id_ in self._by_task.get((agent, task), ()))

    def delete(self, agent: str, task: str, config: str) -> int:
        """The client has deleted this configuration of its task; how many relays ended by it."""
        ended = [relay.id for relay in self.of_task(agent, task) if relay.config == config]
        for id_ in ended:
            self.end(id_)
        return len(ended)

    def end(self, id_: str) -> None:
        """Forget a relay, if it is there."""
        relay = self._relays.pop(id_, None)
        if relay is None:
            return
        self._owned[relay.owner] -= 1
        if not self._owned[relay.owner]:
            del self._owned[relay.owner]
        ids = self._by_task.get((relay.agent, relay.task), {})
        ids.pop(id_, None)
        if not ids:
            self._by_task.pop((relay.agent, relay.task), None)

    def sweep(self) -> int:
        """Forget what is over; how many that were."""
        now = self._clock.now()
        over = [relay.id for relay in self._relays.values() if self._is_over(relay, now)]
        for id_ in over:
            self.end(id_)
        return len(over)

    # For a store.

    def records(self) -> Iterator[bytes]:
        """Every relay as JSON, secrets included."""
        return map(msgspec.json.encode, list(self._relays.values()))

    def load(self, records: Iterable[bytes]) -> None:
        """Take relays up again, as far as they are not over and fit in. `ValueError` for what `records` never wrote."""
        now = self._clock.now()
        for record in records:
            relay = msgspec.json.decode(record, type=Relay)
            if len(self._relays) < self._limits.total and not self._is_over(relay, now):
                self.end(relay.id)
                self._put(relay)

    def _put(self, relay: Relay) -> None:
        self._relays[relay.id] = relay
        self._owned[relay.owner] = self._owned.get(relay.owner, 0) + 1
        if relay.task:
            self._by_task.setdefault((relay.agent, relay.task), {})[relay.id] = None

    def _is_over(self, relay: Relay, now: float) -> bool:
        return now - relay.seen > (self._limits.life if relay.task else self._limits.unbound_life)
