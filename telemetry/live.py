"""What happens at this moment, for people who watch: operations under way, and news of them as they change.

Every watcher gets a snapshot first, then deltas: operations that are new or other than they were told, and those that
ended. Nobody who watches slows anybody down: news is gathered while somebody watches, sent at most so often, and who
does not keep up loses deltas and gets a snapshot instead. Above: the administration. `gateway/observe.py` tells of
operations that begin and end. Below: `Record`.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import msgspec

from ..core.call import Record
from ..core.clock import Clock
from ..core.errors import Overloaded
from ..core.rawjson import encode
from ..core.sse import event
from .lines import Ended, session_mark
from .spelling import bound

MAX_WATCHERS = 16
"""Who watches at a time."""
MAX_SHOWN = 1000
"""Operations in one snapshot, the oldest first; how many there are in all is told too."""
QUEUE = 16
"""Deltas that wait for one watcher before it loses them."""
EVERY = 0.5
"""Seconds between two deltas."""
SESSIONS_EVERY = 4
"""Deltas between two looks at the sessions."""
MAX_ENDED = 200
"""Operations that ended, in one delta; of more only the number is told."""

Look = Callable[[], Awaitable[Any]]
"""The sessions, as the administration lists them."""


class Operation(msgspec.Struct, frozen=True):
    """One operation, under way or just over."""

    number: int
    """Of this operation: a batch has several of one request."""
    id: str
    protocol: str
    operation: str
    user: str
    source: str
    target: str
    destination: str
    """The server, instance or model that is asked."""
    endpoint: str
    session: str
    state: str
    """`running`, `streaming`, `done` or `failed`."""
    status: int | None
    since: float
    """When it began, in seconds since the epoch."""
    seconds: float | None
    """How long it took; of what is under way `null`."""
    bytes_in: int | None
    bytes_out: int
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    error: str


class Live:
    """A watcher of `observe`. `sessions` is set by who lists them; until then nobody is told of any."""

    def __init__(self, clock: Clock) -> None:
        self.sessions: Look | None = None
        self._clock = clock
        self._wall = clock.now() - clock.monotonic()
        self._running: OrderedDict[int, tuple[int, Record]] = OrderedDict()
        self._numbers = itertools.count(1)
        self._told: dict[int, Operation] = {}
        self._ended: list[Operation] = []
        self._missed = 0
        self._queues: set[asyncio.Queue[bytes | None]] = set()
        self._turn = 0
        self._closed = False

    def __len__(self) -> int:
        """Operations under way."""
        return len(self._running)

    @property
    def watchers(self) -> int:
        return len(self._queues)

    def began(self, record: Record) -> None:
        self._running[id(record)] = next(self._numbers), record

    def ended(self, ended: Ended) -> None:
        number, record = self._running.pop(id(ended.record), (0, ended.record))
        if not self._queues:
            return
        self._told.pop(number, None)
        if len(self._ended) < MAX_ENDED:
            self._ended.append(self._operation(number, record, ended))
        else:
            self._missed += 1

    def _operation(self, number: int, record: Record, ended: Ended | None = None) -> Operation:
        fields, request = record.fields, record.request
        return Operation(
            number=number,
            id=request.id,
            protocol=record.protocol,
            operation=record.operation if ended is None else ended.operation,
            user=bound(record.principal.id),
            source=request.source,
            target=bound(record.target),
            destination=_destination(record),
            endpoint=bound(record.endpoint),
            session=session_mark(record.session),
            state=_state(record, ended),
            status=None if ended is None else ended.status,
            since=round(self._wall + record.started, 3),
            seconds=None if ended is None else round(ended.seconds, 4),
            bytes_in=_length(request.header(b"content-length")),
            bytes_out=record.sent_so_far,
            input_tokens=_number(fields.get("gen_ai.usage.input_tokens")),
            output_tokens=_number(fields.get("gen_ai.usage.output_tokens")),
            cost_usd=_cost(fields.get("cost_usd")),
            error=bound(record.error),
        )

    def operations(self) -> list[Operation]:
        """Those under way, the oldest first, at most `MAX_SHOWN`."""
        oldest = itertools.islice(self._running.values(), MAX_SHOWN)
        return [self._operation(number, record) for number, record in oldest]

    def snapshot(self) -> dict[str, Any]:
        """All there is now."""
        return {**self._head(), "operations": self.operations()}

    def _head(self) -> dict[str, Any]:
        return {"when": round(self._clock.now(), 3), "total": len(self._running)}

    # Watching.

    async def run(self) -> None:
        """Send what is new to those who watch, again and again. For the owner's tasks."""
        while True:
            await self._clock.sleep(EVERY)
            if self._queues:
                await self._news()

    async def _news(self) -> None:
        now = {each.number: each for each in self.operations()}
        changed = [each for number, each in now.items() if self._told.get(number) != each]
        delta = {**self._head(), "operations": changed, "ended": self._ended, "ended_more": self._missed}
        self._told, self._ended, self._missed = now, [], 0
        self._tell(event(encode(delta), name=b"delta"))
        self._turn += 1
        if self.sessions is not None and self._turn % SESSIONS_EVERY == 1:
            self._tell(event(encode(await self.sessions()), name=b"sessions"))

    def _tell(self, frame: bytes) -> None:
        for queue in self._queues:
            lost = queue.full()
            while lost and not queue.empty():
                queue.get_nowait()
            # In its turn it gets all there is then, instead of what it has lost.
            queue.put_nowait(b"" if lost else frame)

    def watch(self) -> AsyncGenerator[bytes, None]:
        """The frames of one watcher, a snapshot first. Raises `Overloaded`."""
        if self._closed or len(self._queues) >= MAX_WATCHERS:
            raise Overloaded("the gateway is stopping" if self._closed else f"{MAX_WATCHERS} are watching; end one")
        return self._frames(asyncio.Queue(QUEUE))

    async def _frames(self, queue: "asyncio.Queue[bytes | None]") -> AsyncGenerator[bytes, None]:
        self._queues.add(queue)
        try:
            frame: bytes | None = b""
            while frame is not None and not self._closed:
                yield frame or event(encode(self.snapshot()), name=b"snapshot")
                frame = await queue.get()
        finally:
            self._queues.discard(queue)
            if not self._queues:
                self._told, self._ended, self._missed, self._turn = {}, [], 0, 0

    def close(self) -> None:
        """The gateway stops: nobody watches any more."""
        self._closed = True
        for queue in self._queues:
            while not queue.empty():
                queue.get_nowait()
            queue.put_nowait(None)


def _destination(record: Record) -> str:
    fields = record.fields
    for key in ("mcp.server", "a2a.instance"):
        if found := fields.get(key):
            return bound(f"{record.target}/{found}" if key == "a2a.instance" else str(found))
    return bound(record.target if record.protocol == "llm" else "")


def _state(record: Record, ended: Ended | None) -> str:
    if ended is None:
        return "streaming" if record.sent_so_far else "running"
    return "failed" if ended.status >= 400 or record.error else "done"


def _length(header: str | None) -> int | None:
    return int(header) if header and header.isascii() and header.isdigit() and len(header) < 16 else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _cost(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
