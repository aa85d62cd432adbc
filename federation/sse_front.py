"""The old HTTP+SSE transport (2024-11-05) towards clients that know no other: `/sse` and `/messages`.

A GET opens the event stream and names the URL to post to; every message is posted there,
is accepted with 202, and is answered on the stream. Behind it stands the same session as
behind streamable HTTP: each posted message goes through the same stages as one there,
and ends with the stream. Sessions of this transport live as long as their stream.
"""

import asyncio
import secrets
from collections.abc import AsyncGenerator
from urllib.parse import parse_qs

from ..core import sse
from ..core.call import Call, Handler, ReadBody, Record, Reply, replace
from ..core.clock import Clock
from ..core.errors import GatewayError, MethodNotAllowed, NotFound, Overloaded, TooLarge
from ..core.tasks import Tasks
from ..sessions.table import SessionTable
from .bind import owner_of
from .client import ClientSession
from .eras import H_SESSION
from .rendering import render_error
from .sessions_front import STREAM_HEADERS
from .stream import EventStream, pour

MAX_CHANNELS = 2000
PER_CHANNEL = 256
"""Messages of one client under way at a time."""
ID = "session_id"


class Channel:
    """One client's event stream, and the session behind it once it is initialized."""

    def __init__(self, owner: str, view: str) -> None:
        self.id = secrets.token_urlsafe(32)
        self.owner = owner
        self.view = view
        self.stream = EventStream()
        self.session_id = b""
        self.tasks = Tasks("event stream client", grace=2.0)


class SseEndpoint:
    """The `Endpoint` port for the old transport. `each` is the path of one message; the assembly sets it."""

    protocol = "mcp"
    operations = frozenset({"stream", "message"})

    def __init__(self, sessions: SessionTable, clock: Clock) -> None:
        self.each: Handler = _unset
        self._sessions = sessions
        self._clock = clock
        self._channels: dict[str, Channel] = {}

    def __len__(self) -> int:
        return len(self._channels)

    async def bind(self, call: Call) -> Call:
        posting = call.request.path.startswith("/messages")
        if call.request.method != ("POST" if posting else "GET"):
            allow = b"POST" if posting else b"GET"
            raise MethodNotAllowed(
                "open the stream with GET /sse, post messages to /messages", headers=((b"allow", allow),)
            )
        call.record.operation = operation = "message" if posting else "stream"
        if not posting:
            return replace(call, operation=operation)
        channel = self._find(call)
        if len(channel.tasks) >= PER_CHANNEL:
            raise TooLarge(f"{PER_CHANNEL} messages of this client are under way; wait for answers")
        return replace(call, operation=operation, session=channel, body=await call.request.read())

    def _find(self, call: Call) -> Channel:
        id_ = parse_qs(call.request.query.decode("latin-1")).get(ID, [""])[-1]
        channel = self._channels.get(id_)
        if channel is None or channel.owner != owner_of(call):
            raise NotFound("Session not found; open a new stream with GET /sse")
        return channel

    def render(self, record: Record, error: GatewayError) -> Reply:
        return render_error(record, error)

    async def dispatch(self, call: Call) -> Reply:
        if call.operation == "stream":
            return Reply(200, STREAM_HEADERS, self._stream(self._open(call)))
        channel: Channel = call.session
        channel.tasks.start(self._message(call, channel), "message")
        return Reply(202)

    # One client's stream.

    def _open(self, call: Call) -> Channel:
        if len(self._channels) >= MAX_CHANNELS:
            raise Overloaded(f"{MAX_CHANNELS} event streams are open")
        channel = Channel(owner_of(call), call.view)
        self._channels[channel.id] = channel
        return channel

    async def _stream(self, channel: Channel) -> AsyncGenerator[bytes, None]:
        frames = channel.stream.frames()
        try:
            yield sse.event(f"/messages?{ID}={channel.id}".encode(), name=b"endpoint")
            async for frame in frames:
                yield frame
        finally:
            self._channels.pop(channel.id, None)
            await frames.aclose()
            if (session := self._session(channel)) is not None:
                self._sessions.end(session.record)
            await asyncio.shield(channel.tasks.aclose())

    def _session(self, channel: Channel) -> ClientSession | None:
        record = self._sessions.find("mcp", channel.session_id.decode(), channel.owner) if channel.session_id else None
        attached = record.attachment if record is not None else None
        return attached if isinstance(attached, ClientSession) else None

    # One message.

    async def _message(self, call: Call, channel: Channel) -> None:
        """Carry the message through the stages as if it had come to `/mcp`, and its answer to the stream."""
        request = call.request
        headers = {
            **request.headers,
            b"content-type": b"application/json",
            b"accept": b"application/json, text/event-stream",
        }
        headers.pop(b"mcp-protocol-version", None)
        if channel.session_id:
            headers[H_SESSION] = channel.session_id
        request = replace(request, headers=headers, read=_given(call.body))
        record = Record(request, self.protocol, self._clock.monotonic(), route=request.path, principal=call.principal)
        reply = await self.each(replace(call, request=request, record=record, view=channel.view, session=None))
        await self._deliver(reply, channel)

    async def _deliver(self, reply: Reply, channel: Channel) -> None:
        if isinstance(reply.body, bytes):
            if reply.body:
                await channel.stream.put(reply.body)
            if (opened := dict(reply.headers).get(H_SESSION)) is not None:
                channel.session_id = opened
                channel.tasks.start(self._news(channel), "news")
            return
        await pour(reply.body, channel.stream)

    async def _news(self, channel: Channel) -> None:
        """What the session says outside of calls goes onto the same stream."""
        session = self._session(channel)
        if session is None:
            return
        await pour(session.stream.frames(), channel.stream)

    async def aclose(self) -> None:
        """End all streams; their sessions end with them."""
        for channel in list(self._channels.values()):
            channel.stream.end()


def _given(body: bytes) -> ReadBody:
    async def read() -> bytes:
        return body

    return read


async def _unset(_call: Call) -> Reply:
    raise NotFound("the old transport is not assembled")
