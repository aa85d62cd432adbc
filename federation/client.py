"""A legacy client's session while the process lives: calls under way, questions open, streams to replay.

The record in the session table is what must be found again; this hangs on it. It knows
nothing of servers: the relay and the hub write to it.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, TypedDict

import msgspec

from ..core import jsonrpc
from ..core.errors import RpcError
from ..core.jsonrpc import Id, Message
from ..core.rawjson import EMPTY, Raw, detach, fields, value
from ..sessions.record import Session
from .eras import LOG_LEVELS, RESUME_VERSIONS
from .exchange import Exchange
from .messages import NO_CAPABILITIES, Answer, Client
from .questions import answerable
from .stream import EventStream
from .wire import answer_of, refuse

MAX_CALLS = 256
"""Calls of one session at a time."""
MAX_ASKS = 64
KEPT_STREAMS = 8
"""Finished streams of one session that can still be resumed."""
ASK_TIMEOUT = 600.0
"""Seconds a person may take to answer."""

MAX_SUBSCRIPTIONS = 1000
MAX_URI = 4096
"""Characters of a URI that is subscribed to: it is kept as long as the session."""

Watched = tuple[str, str]
"""A server, and a URI in its own spelling."""


class Remembered(TypedDict, total=False):
    """What of a session must be found again: the `data` of its record."""

    version: str
    capabilities: bytes
    info: bytes
    level: str
    subscriptions: dict[str, Watched]
    """What the client subscribed to, as it spells the URI → where that is."""


def remembered(data: dict[str, Any]) -> dict[str, Any]:
    """Data that was stored, as it was before. Raises `ValueError` if it is not what a session remembers."""
    try:
        found = msgspec.convert(data, Remembered)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from error
    if "version" not in found:
        raise ValueError("the version that was agreed upon is missing")
    return dict(found)


class ClientSession:
    """An `Attachment`. `on_end(session)` is told when it is over.

    `life` tells the event ids of a session that was restored from those of the gateway's earlier life.
    """

    def __init__(self, record: Session, on_end: Callable[["ClientSession"], None], life: str = "") -> None:
        self.record = record
        self.inflight: dict[Id, Exchange] = {}
        self.subscriptions: set[Watched] = set()
        """What the hub counts for this session: of `wishes`, those that their servers have granted."""
        self.unsubscribe: Callable[[], None] = lambda: None
        self.over = False
        self._life = f"{life}-" if life else ""
        self.stream = self._new_stream(0)
        """What is said outside of any call: the GET stream."""
        self._on_end = on_end
        self._asks: dict[str, asyncio.Future[Answer]] = {}
        self._streams: OrderedDict[str, EventStream] = OrderedDict()
        self._numbers = itertools.count(1)
        self._client: Client | None = None

    # What the client is.

    @property
    def version(self) -> str:
        return str(self.record.data["version"])

    @property
    def client(self) -> Client:
        if self._client is None:
            data = self.record.data
            self._client = Client(
                key=self.record.id,
                capabilities=Raw(data.get("capabilities") or bytes(NO_CAPABILITIES)),
                info=Raw(data.get("info") or bytes(EMPTY)),
                log_level=data.get("level", ""),
            )
        return self._client

    def set_level(self, level: str) -> None:
        if level not in LOG_LEVELS:
            raise RpcError(jsonrpc.INVALID_PARAMS, f"params.level must be one of {', '.join(LOG_LEVELS)}")
        self.record.data["level"] = level
        self._client = None

    def wants(self, level: str) -> bool:
        """Whether a log message of this level is for it."""
        wanted = self.record.data.get("level", "")
        if level not in LOG_LEVELS or wanted not in LOG_LEVELS:
            return True
        return LOG_LEVELS.index(level) >= LOG_LEVELS.index(wanted)

    @property
    def wishes(self) -> dict[str, Watched]:
        """The subscriptions: the URI as this client spells it → where that is."""
        wishes: dict[str, Watched] = self.record.data.setdefault("subscriptions", {})
        return wishes

    def _new_stream(self, number: int) -> EventStream:
        return EventStream(f"{self._life}{number}", replay=True, primed=self.version in RESUME_VERSIONS)

    def _stream_of_call(self) -> EventStream:
        return self._new_stream(next(self._numbers))

    # Calls.

    def begin(self, id_: Raw) -> Exchange:
        """Register a request. `RpcError` if its id is in use or there are too many."""
        key = jsonrpc.id_key(id_)
        assert key is not None
        if key in self.inflight:
            raise RpcError(jsonrpc.INVALID_REQUEST, "a request with this id is still under way in this session")
        if len(self.inflight) >= MAX_CALLS:
            raise RpcError(jsonrpc.SERVER_ERROR, f"this session has {MAX_CALLS} requests under way; wait for some")
        exchange = self.inflight[key] = Exchange(detach(id_), "legacy", self.client, self._stream_of_call, self._ask)
        exchange.key = key
        return exchange

    def done(self, exchange: Exchange) -> None:
        """The request has its answer. If it was streamed, the stream stays for a while, for a client that lost it."""
        key = exchange.key
        if key is not None and self.inflight.get(key) is exchange:
            del self.inflight[key]
        if exchange.streaming:
            self._streams[exchange.stream.name] = exchange.stream
            while len(self._streams) > KEPT_STREAMS:
                self._streams.popitem(last=False)

    def cancel(self, params: bytes) -> None:
        """`notifications/cancelled`: unknown and finished requests are none of anybody's concern."""
        try:
            key = jsonrpc.id_key(fields(params).get("requestId", EMPTY))
        except ValueError:
            return
        exchange = self.inflight.get(key) if key is not None else None
        if exchange is not None:
            exchange.cancel()

    def find_stream(self, event_id: str) -> tuple[EventStream, int | None] | None:
        """The stream that an event id belongs to, and its number there.

        Of the session's own stream in an earlier life of the gateway only the name is left (no number).
        """
        name, _, number = event_id.partition(".")
        if not number.isdigit() or len(number) > 12:
            return None
        if name == self.stream.name:
            return self.stream, int(number)
        if name.rpartition("-")[2] == "0":
            return self.stream, None
        stream = self._streams.get(name)
        if stream is None:
            streaming = (each.stream for each in self.inflight.values() if each.streaming)
            stream = next((each for each in streaming if each.name == name), None)
        return (stream, int(number)) if stream is not None else None

    # Questions.

    async def _ask(self, exchange: Exchange, method: str, params: bytes) -> Answer:
        """A server's question, on the stream of the call it belongs to."""
        if not answerable(method, self.client.capabilities):
            return refuse(method, "the client did not declare it")
        return await self._question(exchange.send, method, params)

    async def ask_aside(self, method: str, params: bytes) -> Answer:
        """A question outside of any call, on the session's own stream (GET), if the client reads it."""
        if not answerable(method, self.client.capabilities):
            return refuse(method, "the client did not declare it")
        if not self.stream.reading:
            return refuse(method, "the client has no stream open")
        return await self._question(self.stream.put, method, params)

    async def _question(self, send: Callable[[bytes], Awaitable[None]], method: str, params: bytes) -> Answer:
        if len(self._asks) >= MAX_ASKS:
            return refuse(method, "too many questions are open")
        ident = f"fedgate-{self._life}{next(self._numbers)}"
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._asks[ident] = answer
        try:
            await send(jsonrpc.request(b'"%b"' % ident.encode(), method, params))
            async with asyncio.timeout(ASK_TIMEOUT):
                return await answer
        except TimeoutError:
            return refuse(method, f"nobody answered within {ASK_TIMEOUT:g} s")
        finally:
            del self._asks[ident]

    def answered(self, message: Message) -> None:
        """The client answers a question. Answers to what was never asked are dropped."""
        key = value(message.id) if message.has_id else None
        waiting = self._asks.get(key) if isinstance(key, str) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(answer_of(message))

    # Life.

    @property
    def busy(self) -> bool:
        return bool(self.inflight) or self.stream.reading

    def ended(self) -> None:
        self.over = True
        self.unsubscribe()
        self.stream.end()
        for exchange in list(self.inflight.values()):
            exchange.cancel()
        self._on_end(self)
