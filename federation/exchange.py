"""One request of a client while it is under way: its answer, what is sent before it, and what is asked back.

The relay works in a task of its own and writes here; the HTTP response reads here. So
a caller that goes away, or comes back, does not disturb the work unless its era says
that it should.
"""

import asyncio
from collections.abc import Awaitable, Callable

from ..core import jsonrpc
from ..core.call import Caller
from ..core.jsonrpc import Id
from ..core.rawjson import Raw
from .eras import Era
from .messages import Answer, Ask, Client, Notice
from .spent import Spent
from .stream import EventStream

Asker = Callable[["Exchange", str, bytes], Awaitable[Answer]]
"""`await ask(exchange, method, params)`: put a server's question to the client and wait for its answer."""


class Exchange:
    """`id` is the client's request id as it wrote it; a modern client's next round has another one."""

    def __init__(self, id_: Raw, era: Era, client: Client, new_stream: Callable[[], EventStream], asker: Asker) -> None:
        self.id = id_
        self.era = era
        self.client = client
        self.caller: Caller | None = None
        """In whose name servers that know their callers are asked."""
        self.spent: Spent | None = None
        """What upstreams take of it, once its work has begun."""
        self.key: Id | None = None
        """What a legacy session knows it by."""
        self.answer: Answer | None = None
        self.task: asyncio.Task[None] | None = None
        self.streaming = False
        """Whether a message went out before the answer, so that the answer must follow on the stream."""
        self.parked = False
        """Whether the HTTP response has ended with a question while the work goes on (modern clients)."""
        self.interim = b""
        """The response that ended the round, if nothing was streamed in it."""
        self._asker = asker
        self._new_stream = new_stream
        self._stream: EventStream | None = None
        self._later: EventStream | None = None
        self._moved = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def stream(self) -> EventStream:
        """What goes out before the answer. Most have nothing before it."""
        if self._stream is None:
            self._stream = self._new_stream()
        return self._stream

    async def first(self, patience: float) -> bool:
        """Wait for the answer or the first message. `True`: there is an answer and nothing went before it.

        After `patience` seconds the response becomes a stream all the same, so that it can show signs of life.
        """
        if not self._moved:
            loop = asyncio.get_running_loop()
            self._waiter = loop.create_future()
            timer = loop.call_later(patience, self._patience_over)
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
        return not self.streaming

    def _patience_over(self) -> None:
        self.streaming = True
        self._move()

    def _move(self) -> None:
        self._moved = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def notify(self, notice: Notice) -> None:
        """Pass on a notification of the server, on the stream of this request."""
        await self.send(jsonrpc.notification(notice.method, notice.params))

    async def send(self, message: bytes) -> None:
        """A message before the answer. What comes between two rounds is kept for the next."""
        if self.parked:
            if self._later is None:
                self._later = EventStream()
            self._later.put_nowait(message)
            return
        self.streaming = True
        self._move()
        await self.stream.put(message)

    async def ask(self, method: str, params: bytes) -> Answer:
        """Put a question of the server to the client."""
        return await self._asker(self, method, params)

    def park(self, result: bytes) -> None:
        """End this round with a result that asks the client; the work goes on."""
        body = jsonrpc.result(self.id, result)
        self.parked = True
        if self.streaming:
            self.stream.end(body)
        else:
            self.interim = body
        self._move()

    def resume(self, id_: Raw) -> None:
        """The next round: a new request of the client with a new id."""
        self.id = id_
        self.streaming = self._later is not None
        self._stream, self._later = self._later, None
        self.interim = b""
        self.parked = False
        self._moved = False
        if self.answer is not None:
            self._deliver()
        elif self.streaming:
            self._move()

    def finish(self, answer: Answer) -> None:
        """The end. Later calls do nothing."""
        if self.answer is not None:
            return
        self.answer = answer
        if not self.parked:
            self._deliver()

    def _deliver(self) -> None:
        if self.streaming:
            self.stream.end(self.body)
        self._move()

    @property
    def body(self) -> bytes:
        """The response as the client gets it."""
        assert self.answer is not None
        if self.answer.error:
            return jsonrpc.error(self.id, self.answer.error)
        return jsonrpc.result(self.id, self.answer.result or b"{}")

    def cancel(self) -> None:
        """End the work; the relay tells the server."""
        if self.task is not None:
            self.task.cancel()


async def reply_to(ask: Ask, exchange: Exchange) -> None:
    """Bring the client's answer to the server that asked."""
    await ask.reply(await exchange.ask(ask.method, ask.params))
