"""The values between the relay and a connection to a server.

A call on a connection is an asynchronous iterator of events: any number of notices and
asks, then one `Answer`. Closing the iterator early cancels the call at the server.
"""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from ..core.call import Caller
from ..core.errors import UpstreamBroken
from ..core.rawjson import EMPTY, Fields, Raw
from .eras import Era
from .listing import Greeting
from .spent import Spent


class Answer(msgspec.Struct, frozen=True):
    """The end of a call: one of `result` and `error` (raw JSON objects) is not empty."""

    result: bytes = b""
    error: bytes = b""


class Notice(msgspec.Struct, frozen=True):
    """A notification from the server."""

    method: str
    params: bytes = b""


class Ask(msgspec.Struct, frozen=True):
    """A request from the server to the client; `reply` brings it the answer."""

    method: str
    params: bytes
    reply: Callable[[Answer], Coroutine[Any, Any, None]]


Event = Answer | Notice | Ask


class Events(Protocol):
    """One call: what comes back, in order. Whoever does not take it to its end closes it."""

    def __aiter__(self) -> AsyncIterator[Event]: ...

    def __anext__(self) -> Coroutine[Any, Any, Event]: ...

    def aclose(self) -> Coroutine[Any, Any, None]: ...


NO_CAPABILITIES = Raw(b"{}")


class Client(msgspec.Struct, frozen=True):
    """What is known of the client on whose behalf a call is made. `key` tells clients apart."""

    key: str = ""
    capabilities: Raw = NO_CAPABILITIES
    info: Raw = EMPTY
    log_level: str = ""
    caller: Caller | None = None
    """In whose name the server is asked, where it knows its callers (`auth` in the manifest)."""

    @property
    def bridges(self) -> bool:
        """Whether servers may ask it something (sampling, elicitation, roots)."""
        view = bytes(self.capabilities)
        return b'"sampling"' in view or b'"elicitation"' in view or b'"roots"' in view


GATEWAY = Client()
"""The gateway itself, for listing and health."""


class Outbound(msgspec.Struct, frozen=True):
    """One request towards a server, in no era yet: `meta` is `params._meta` without the modern envelope."""

    method: str
    params: Fields
    meta: Fields
    client: Client = GATEWAY
    name: str = ""
    """The tool, prompt or URI, in the server's own spelling."""
    param_headers: tuple[tuple[bytes, bytes], ...] = ()
    timeout: float = 60.0
    """Seconds the server may stay silent: every message from it starts the wait anew."""
    trace: tuple[tuple[bytes, bytes], ...] = ()
    """Headers that say to which trace it belongs; `meta` says so too."""
    spent: Spent | None = None
    """Of a server that lives here: what the client's request goes through, to be told of what it asks in turn."""


class Connection(Protocol):
    """One way to one server: a session, a stateless endpoint or a process. Many calls at a time."""

    era: Era
    greeting: Greeting
    shared: bool
    """Whether calls of several clients travel on it."""
    endpoint: str
    ended: str
    """Why it is of no use any more; empty while it is."""

    @property
    def stateful(self) -> bool:
        """Whether the server keeps state of a session on it, so that each client must have its own."""
        ...

    @property
    def busy(self) -> bool:
        """Whether a call is under way on it."""
        ...

    def call(self, outbound: Outbound) -> Events:
        """Send it and give what comes back. Raises `UpstreamError`."""
        ...

    async def notify(self, method: str, params: bytes) -> None: ...

    async def aclose(self) -> None: ...


Inbox = Callable[[Notice], None]
"""Takes what a server says outside of any call: list changes, resource updates. Must not block."""


def members_of(anything: dict[str, Any]) -> Fields:
    """Small dictionaries of ours in the form that travels."""
    return {key: Raw(msgspec.json.encode(part)) for key, part in anything.items()}


async def answer_of_call(events: Events) -> Answer:
    """The end of a call of which nothing else matters. Raises `UpstreamBroken` if it has none."""
    async with aclosing(events):
        async for event in events:
            if isinstance(event, Answer):
                return event
    raise UpstreamBroken("its answer ended before it was complete")
