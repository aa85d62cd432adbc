"""Where the parts meet: what the data path asks of a protocol, and what a protocol asks of the rest.

`federation` (later `a2a` and `llm`) implement `Endpoint`; `telemetry` implements
`Meter`. They never import one another; `gateway/app.py` joins them.
"""

from typing import Protocol

from .call import Call, Record, Reply
from .errors import GatewayError


class Endpoint(Protocol):
    """One protocol behind the data path."""

    protocol: str
    """The value of `Call.protocol`: `mcp`, `a2a` or `llm`."""
    operations: frozenset[str]
    """Every operation name that may become a metric label; others are counted as `other`."""

    async def bind(self, call: Call) -> Call:
        """Parse the body and find the session that the caller owns. Raises `ClientError`."""
        ...

    async def dispatch(self, call: Call) -> Reply:
        """Do it: answer locally or relay."""
        ...

    def render(self, record: Record, error: GatewayError) -> Reply:
        """The error in this protocol's own form."""
        ...


class Meter(Protocol):
    """What the parts may measure without knowing who counts."""

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        """One exchange with an upstream of `kind` (`mcp`, `a2a`, `llm`) took `seconds` until its answer."""
        ...

    def reconnected(self, name: str) -> None:
        """The connection to the upstream `name` was made anew."""
        ...

    def pinned(self, result: str) -> None:
        """A conversation was bound (`made`), found bound (`hit`), bound to what is gone (`lost`, `repinned`), or
        belongs to somebody else, or to nobody (`refused`)."""
        ...


class NoMeter:
    """Counts nothing."""

    def upstream(self, kind: str, name: str, seconds: float) -> None:
        pass

    def reconnected(self, name: str) -> None:
        pass

    def pinned(self, result: str) -> None:
        pass
