"""Where the parts meet: what the data path asks of a protocol, and what a protocol asks of the rest.

`federation`, `a2a` and `llm` implement `Endpoint`; `telemetry` implements `Meter`, `access`
implements `Credentials`, `a2a` implements `AgentDoor`, through which `federation` offers agents as tools.
They never import one another; `gateway/app.py` joins them.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any, Protocol

from .auth_settings import UpstreamAuth
from .call import Call, Caller, Header, Principal, Record, Reply
from .conversation import Asking, Said, Shown
from .errors import GatewayError
from .trail import Trail


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


class Credentials(Protocol):
    """What one upstream is shown beside the headers that the manifest gives it."""

    per_caller: bool
    """Whether each caller is somebody else to the upstream: then nothing that is got with them may be shared."""
    owned: frozenset[bytes]
    """Headers that come from nowhere else: the manifest's of these names are for the gateway's own requests alone, so
    that a caller who brings nothing is not taken for the gateway."""

    async def headers(self, caller: Caller | None) -> tuple[Header, ...]:
        """For one request of this caller, or (`None`) of the gateway itself.

        Raises `Forbidden` for a caller in whose name nothing can be asked, else `UpstreamError`.
        """
        ...

    def refused(self, sent: tuple[Header, ...]) -> bool:
        """The upstream did not accept these: forget them. Whether it is worth asking once more with others."""
        ...


async def shown(
    fixed: tuple[Header, ...], credentials: Credentials | None, caller: Caller | None
) -> tuple[Header, ...]:
    """All headers by which the gateway shows itself: the manifest's, and what its credentials put in their place."""
    if credentials is None:
        return fixed
    got = await credentials.headers(caller)
    replaced = {name for name, _ in got}
    if caller is not None:
        replaced |= credentials.owned
    return (*[header for header in fixed if header[0] not in replaced], *got)


class Credentialing(Protocol):
    """Makes credentials from a manifest's `auth`."""

    def of(self, upstream: str, auth: UpstreamAuth) -> Credentials:
        """`upstream`: what errors call it, such as `mcp.servers.notes`."""
        ...


class NoCredentialing:
    """Makes none: a gateway without it must not be asked for any."""

    def of(self, upstream: str, auth: UpstreamAuth) -> Credentials:
        raise ValueError(f"nothing here can make credentials for {upstream} ({auth.type})")


NO_CREDENTIALING = NoCredentialing()


class AgentDoor(Protocol):
    """The agents of the gateway, for callers that speak another protocol: same pins, owners and measures."""

    def shown(self, agent: str) -> Shown:
        """What the agent offers now."""
        ...

    def watch(self, agent: str, changed: Callable[[], None]) -> Callable[[], None]:
        """Be told of every change of what is `shown`, in the middle of things. The returned function ends it."""
        ...

    def converse(self, asking: Asking) -> AsyncGenerator[Said, None]:
        """Say something to the agent: any number of `Heard`, then one `Outcome`.

        Raises `ClientError` for what this caller may not or cannot say, `UpstreamError`, `Overloaded`.
        Closing it early closes the stream and leaves the task alone.
        """
        ...

    def context_of(self, asking: Asking) -> str:
        """The conversation that the message would go on with, whatever names it; empty: a new one, or nobody's."""
        ...

    async def cancel(self, agent: str, caller: Caller, task: str, trail: Trail | None = None) -> str:
        """Cancel the caller's task; its state then. Bounded in time. Raises as `converse` does.

        `trail`: as `Asking.trail`.
        """
        ...

    def abandon(self, agent: str, caller: Caller, task: str) -> None:
        """The same in the background: nobody waits for the outcome."""
        ...

    def forget(self, thread: str) -> None:
        """What was kept under `Asking.thread` is of no use any more."""
        ...


class OneOf(tuple[str, ...]):
    """A fact that is not decided yet: it will be one of these."""

    __slots__ = ()


class Telling(Protocol):
    """A protocol that tells rules, limits and logs what a bound call is about."""

    def variables(self, call: Call) -> dict[str, Any]:
        """The members of the variable of its own name, such as `{"mcp": {"method": ..., "tool": {"name": ...}}}`.

        What costs something is a `Raw`, which is JSON that is read only if it is wanted, or a function that is called
        then (`None`: there is none). What there is not is left out. Empty: there is nothing to be decided any more.
        """
        ...


class Seen(Protocol):
    """What one caller may know of. Callers of the same `key` see the same."""

    key: bytes

    def sees(self, facts: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bool:
        """Whether there is, for this caller, what `facts` (as `Telling.variables`) are about.

        `unknown`: what a call would say besides, such as `mcp.tool.arguments`; it is seen if a call might be allowed.
        """
        ...


class Sight(Protocol):
    """Who may know of what. `None`: everybody sees everything."""

    def of(self, call: Call) -> Seen | None:
        """As the caller of a call sees things."""
        ...

    def by(self, protocol: str, principal: Principal) -> Seen | None:
        """As somebody does of whom no more is known than this: not from where, nor by which request."""
        ...


class FullSight:
    """Everybody sees everything."""

    def of(self, call: Call) -> Seen | None:  # noqa: ARG002 - whoever it is
        return None

    def by(self, protocol: str, principal: Principal) -> Seen | None:  # noqa: ARG002
        return None


FULL_SIGHT = FullSight()
