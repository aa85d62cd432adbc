"""What one operation goes through: the stages it passes, the upstreams it asks, what was decided, and its trace.

Made by the outermost stage, hung on the `Record`; the parts that ask upstreams open a `Hop` for each. Without a
trail (nobody looks) a hop does nothing. It knows no protocol and sends nothing. Above: everybody on the data path;
telemetry reads it when the operation is over. Below: `trace_context.py`.
"""

import secrets
from types import TracebackType
from typing import Self

import msgspec

from .clock_port import Clock
from .errors import GatewayError
from .trace_context import TRACEPARENT, TRACESTATE, Context, parse, render

MAX_HOPS = 64
"""Of one operation; further ones happen, but are not told."""
MAX_NOTES = 80
"""As many limits as a manifest may have, and some more."""
MAX_NOTE = 200
"""Characters."""

replace = msgspec.structs.replace
Headers = tuple[tuple[bytes, bytes], ...]
Attribute = str | int | float | bool


class Hop:
    """One request to one upstream: a context manager for those that end where they begin, else until `end`.

    A hop that nobody ends is over with its operation: an answer that streams.
    """

    __slots__ = (
        *("_clock", "_of", "attributes", "ended", "endpoint", "error"),
        *("kind", "name", "span_id", "started", "upstream"),
    )

    def __init__(self, clock: Clock | None, of: Context | None, kind: str, upstream: str, name: str) -> None:
        """`of`: the operation's own span. Without a clock it is nobody's."""
        self.kind = kind
        """`mcp`, `a2a` or `llm`."""
        self.upstream = upstream
        """Its name in the manifest; of an agent with its instance (`support/s1`), of a provider with the model."""
        self.name = name
        """What is asked, such as `tools/call add`."""
        self.endpoint = ""
        """`host:port` (or command) of who was asked."""
        self.started = 0.0 if clock is None else clock.monotonic()
        self.ended: float | None = None
        self.error = ""
        self.attributes: dict[str, Attribute] = {}
        self.span_id = "" if of is None else secrets.token_hex(8)
        self._clock = clock
        self._of = of

    @property
    def context(self) -> Context | None:
        """As whom the upstream is asked in the operation's trace, if it has one."""
        return None if self._of is None else replace(self._of, span_id=self.span_id)

    @property
    def headers(self) -> Headers:
        """What tells an upstream by HTTP to which trace the request belongs; empty without a trace."""
        context = self.context
        if context is None:
            return ()
        parent = (TRACEPARENT, render(context).encode())
        return (parent, (TRACESTATE, context.state.encode())) if context.state else (parent,)

    @property
    def sampled(self) -> bool:
        """Whether its span is sent: what costs something need not be looked for otherwise."""
        return self._of is not None and self._of.sampled

    def at(self, endpoint: str) -> None:
        """`host:port` (or command) of who is asked."""
        if self._clock is not None:
            self.endpoint = endpoint

    def tell(self, name: str, value: Attribute) -> None:
        """What is learnt on the way, under a name of the conventions. For its span alone."""
        if self.sampled:
            self.attributes[name] = value

    def end(self, error: str = "") -> None:
        """It is over; what comes later changes nothing. `error`: one word, or `jsonrpc CODE`."""
        if self._clock is not None and self.ended is None:
            self.ended, self.error = self._clock.monotonic(), error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end("" if error is None else reason_of(error))


NO_HOP = Hop(None, None, "", "", "")
"""Of operations that nobody follows."""


class Trail:
    """Of one operation. `context`: its own span, once telemetry has given it one."""

    __slots__ = ("attributes", "clock", "context", "hops", "notes", "parent", "steps")

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.steps: list[tuple[str, float]] = []
        """Stages and when they were entered, on the monotonic clock."""
        self.hops: list[Hop] = []
        self.notes: list[object] = []
        """What was decided and why, for operators: rules that matched, limits, ... Each is a text, or becomes one when
        somebody looks (`told`)."""
        self.attributes: dict[str, Attribute] = {}
        """What its span says besides the record, under names of the conventions."""
        self.context: Context | None = None
        self.parent = ""
        """The caller's span, which this one is part of."""

    def step(self, name: str) -> None:
        """A stage is entered. There are as many as the data path has: no more need be counted."""
        self.steps.append((name, self.clock.monotonic()))

    @property
    def sampled(self) -> bool:
        """Whether its spans are sent."""
        return self.context is not None and self.context.sampled

    def tell(self, name: str, value: Attribute) -> None:
        """As `Hop.tell`, of the operation itself."""
        if self.sampled:
            self.attributes[name] = value

    def note(self, what: object) -> None:
        """`what`: small, and never another text than now."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(what[:MAX_NOTE] if isinstance(what, str) else what)

    @property
    def told(self) -> list[str]:
        """The notes, as people read them."""
        return [str(each)[:MAX_NOTE] for each in self.notes]

    def adopt(self, traceparent: str | None, tracestate: str | None = None) -> str:
        """A message names the span that it is part of, which is nearer than the one of its HTTP request.

        The id of its trace; empty if it names none that can be read.
        """
        caller = parse(traceparent, tracestate)
        if caller is None:
            return ""
        if self.context is not None:
            self.parent = caller.span_id
            self.context = replace(caller, span_id=self.context.span_id)
        return caller.trace_id


def opened(trail: Trail | None, kind: str, upstream: str, name: str) -> Hop:
    """A request to an upstream begins."""
    if trail is None:
        return NO_HOP
    hop = Hop(trail.clock, trail.context, kind, upstream, name)
    if len(trail.hops) < MAX_HOPS:
        trail.hops.append(hop)
    return hop


def reason_of(error: BaseException) -> str:
    """One word, fit for a label."""
    if isinstance(error, GatewayError):
        return error.reason
    return "internal_error" if isinstance(error, Exception) else "cancelled"
