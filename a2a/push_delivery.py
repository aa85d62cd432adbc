"""Notifications on their way to clients: kept in order, tried again for a while, and never without a limit.

Each relay has a lane: a short queue and a task that sends one notification after the other. A
client that is slow or gone holds up its own lane alone: an owner's lanes share a few turns, all
owners share the connections. What does not fit is dropped and counted; the oldest goes first,
because the newest says how things stand. Above: the endpoint. Below: the HTTP client and the SSRF
guard, which is asked before every single request.
"""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Literal
from weakref import WeakValueDictionary

import msgspec

from ..core.call import Header
from ..core.clock import Clock
from ..core.errors import BadRequest, Overloaded, UpstreamError
from ..core.http_client import HttpClient
from ..core.http_values import Timeouts
from ..core.ssrf import Guard
from ..core.tasks import Tasks
from .push_table import Relay

Outcome = Literal["delivered", "duplicate", "overflow", "refused", "failed", "closed"]
"""`overflow`: dropped at a limit; `refused`: the client answered with another status than 2xx; `failed`: not
reached until the deadline; `closed`: the gateway ended."""
Count = Callable[[str, Outcome], None]
"""Told the agent's name and what became of one notification."""

MAX_ANSWER = 64 * 1024
"""Bytes of a client's answer that are read so that its connection can be used again."""
_RETRIED = frozenset({408, 425, 429})
_JSON = "application/json"


class Patience(msgspec.Struct, frozen=True):
    """Counts, bytes and seconds."""

    lanes: int = 2000
    """Relays with something to send."""
    waiting: int = 64
    """Notifications of one relay."""
    owner_bytes: int = 16 * 1024 * 1024
    """Held for one owner."""
    total_bytes: int = 128 * 1024 * 1024
    """Held for all."""
    owner_turns: int = 4
    """Requests of one owner at a time."""
    turns: int = 64
    """Requests at a time."""
    remembered: int = 20_000
    """Relays whose last notification is remembered, to see a double."""
    first_wait: float = 1.0
    longest_wait: float = 60.0
    deadline: float = 600.0
    """From the callback to the end of trying."""


_PATIENCE = Patience()
_TIMEOUTS = Timeouts(connect=5.0, first_byte=10.0, idle=10.0, total=15.0)


class _Account:
    """What an owner's lanes share."""

    def __init__(self, turns: int) -> None:
        self.turns = asyncio.Semaphore(turns)
        self.held = 0


class _Item(msgspec.Struct, frozen=True):
    body: bytes
    kind: str
    digest: bytes
    until: float


class _Lane:
    def __init__(self, relay: Relay, account: _Account) -> None:
        self.relay = relay
        self.account = account
        self.waiting: deque[_Item] = deque()


def _nobody(agent: str, outcome: Outcome) -> None:
    pass


class PushDelivery:
    """Sends notifications to clients. `tasks` owns the lanes: closing it ends them. One per process."""

    def __init__(
        self,
        client: HttpClient,
        guard: Guard,
        tasks: Tasks,
        clock: Clock,
        *,
        count: Count = _nobody,
        patience: Patience = _PATIENCE,
    ) -> None:
        self._client = client
        self._guard = guard
        self._tasks = tasks
        self._clock = clock
        self._count = count
        self._patience = patience
        self._lanes: dict[str, _Lane] = {}
        self._accounts: WeakValueDictionary[str, _Account] = WeakValueDictionary()
        self._turns = asyncio.Semaphore(patience.turns)
        self._last: dict[str, bytes] = {}
        self._held = 0

    def __repr__(self) -> str:
        return f"<PushDelivery lanes={len(self._lanes)} bytes={self._held}>"

    def accept(self, relay: Relay, body: bytes, content_type: str = _JSON) -> bool:
        """Take a notification over. `False`: it was dropped, and the agent may be told to come again (503)."""
        digest = hashlib.sha256(body).digest()
        if self._last.get(relay.id) == digest:
            self._count(relay.agent, "duplicate")
            return True
        if self._tasks.closed:
            self._count(relay.agent, "closed")
            return False
        lane = self._lane(relay, len(body))
        if lane is None:
            self._count(relay.agent, "overflow")
            return False
        if len(lane.waiting) >= self._patience.waiting:
            self._drop(lane, lane.waiting.popleft(), "overflow")
        until = self._clock.monotonic() + self._patience.deadline
        lane.relay = relay
        lane.waiting.append(_Item(body, content_type, digest, until))
        self._hold(lane, len(body))
        self._remember(relay.id, digest)
        if relay.id not in self._lanes:
            self._lanes[relay.id] = lane
            self._tasks.start(self._drive(lane), f"push.{relay.agent}")
        return True

    def forget(self, relay_id: str) -> None:
        """The client has deleted it: what waits is dropped."""
        self._last.pop(relay_id, None)
        lane = self._lanes.get(relay_id)
        while lane is not None and lane.waiting:
            self._drop(lane, lane.waiting.popleft(), "closed")

    def _lane(self, relay: Relay, size: int) -> _Lane | None:
        """The relay's lane, with room for so many bytes; a new one is not in the table yet."""
        lane = self._lanes.get(relay.id)
        if lane is None and len(self._lanes) >= self._patience.lanes:
            return None
        if lane is None:
            account = self._accounts.setdefault(relay.owner, _Account(self._patience.owner_turns))
            lane = _Lane(relay, account)
        if lane.account.held + size > self._patience.owner_bytes or self._held + size > self._patience.total_bytes:
            return None
        return lane

    def _hold(self, lane: _Lane, size: int) -> None:
        lane.account.held += size
        self._held += size

    def _drop(self, lane: _Lane, item: _Item, outcome: Outcome) -> None:
        """The end of a notification, whichever it is."""
        self._hold(lane, -len(item.body))
        self._count(lane.relay.agent, outcome)
        if outcome != "delivered" and self._last.get(lane.relay.id) == item.digest:
            del self._last[lane.relay.id]  # the same once more would be no double

    def _remember(self, relay_id: str, digest: bytes) -> None:
        self._last.pop(relay_id, None)
        while len(self._last) >= self._patience.remembered:
            del self._last[next(iter(self._last))]
        self._last[relay_id] = digest

    async def _drive(self, lane: _Lane) -> None:
        try:
            while lane.waiting:
                item = lane.waiting.popleft()
                outcome: Outcome = "closed"
                try:
                    outcome = await self._deliver(lane, item)
                finally:
                    self._drop(lane, item, outcome)
        finally:
            while lane.waiting:
                self._drop(lane, lane.waiting.popleft(), "closed")
            del self._lanes[lane.relay.id]

    async def _deliver(self, lane: _Lane, item: _Item) -> Outcome:
        wait = self._patience.first_wait
        while True:
            async with lane.account.turns, self._turns:
                status = await self._send(lane.relay, item)
            if 200 <= status < 300:
                return "delivered"
            if 0 < status < 500 and status not in _RETRIED:
                return "refused"
            if self._clock.monotonic() + wait > item.until:
                return "failed"
            await self._clock.sleep(wait)
            wait = min(2 * wait, self._patience.longest_wait)

    async def _send(self, relay: Relay, item: _Item) -> int:
        """The status of the client's answer; 0 if there is none (yet)."""
        try:
            # Names move: each request is checked, and goes to the addresses that were.
            target = await self._guard.pin(relay.client.url)
            response = await self._client.request(
                "POST", target, headers=headers(relay, item.kind), body=item.body, timeouts=_TIMEOUTS
            )
        except (BadRequest, UpstreamError, Overloaded):
            return 0
        with suppress(UpstreamError):  # the status says it all
            await response.read(MAX_ANSWER)
        return response.status


def headers(relay: Relay, content_type: str) -> list[Header]:
    """What the client gets with a notification: its own token and credentials, and nothing of the agent's but the
    type of the body."""
    plain = content_type.isascii() and content_type.isprintable() and 0 < len(content_type) <= 200
    found: list[Header] = [(b"content-type", (content_type if plain else _JSON).encode())]
    if relay.client.token:
        found.append((b"x-a2a-notification-token", relay.client.token.encode()))
    if relay.client.authorization:
        found.append((b"authorization", relay.client.authorization.encode()))
    return found
