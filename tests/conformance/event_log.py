"""A bounded event log, so that a closed SSE stream can be taken up again (Last-Event-ID)."""

from collections import deque

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCMessage

MAX_EVENTS = 2048


class EventLog(EventStore):
    """Events of all streams in order; the oldest fall out first. Ids count up from 1."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, str, JSONRPCMessage | None]] = deque(maxlen=MAX_EVENTS)
        self._last = 0

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        self._last += 1
        self._events.append((self._last, stream_id, message))
        return str(self._last)

    async def replay_events_after(self, last_event_id: str, send_callback: EventCallback) -> str | None:
        """Send what its stream got after that event; None when the id is no longer known."""
        known = {str(number): (number, stream) for number, stream, _ in self._events}
        if last_event_id not in known:
            return None
        after, wanted = known[last_event_id]
        for number, stream, message in list(self._events):
            if stream == wanted and number > after and message is not None:
                await send_callback(EventMessage(message, str(number)))
        return wanted
