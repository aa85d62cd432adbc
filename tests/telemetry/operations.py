"""Operations that have happened, for tests of what is told of them."""

from collections.abc import Mapping
from typing import Any

from fedgate.core.call import Principal, Record, Request
from fedgate.core.clock import ManualClock
from fedgate.core.trail import Trail
from fedgate.telemetry.lines import Ended


async def no_body() -> bytes:
    return b""


def record(
    clock: ManualClock, ident: str = "boot-1", protocol: str = "mcp", headers: dict[bytes, bytes] | None = None
) -> Record:
    """One that has just begun."""
    request = Request(ident, "POST", "/mcp", b"", headers or {}, "127.0.0.1:5000", "gw:8080", "HTTP/1.1", no_body)
    made = Record(request, protocol, clock.monotonic(), route="/mcp", principal=Principal("alice", "key"))
    made.trail = Trail(clock)
    return made


def over(
    clock: ManualClock,
    what: Record,
    status: int = 200,
    operation: str = "tools/call",
    fields: Mapping[str, Any] | None = None,
) -> Ended:
    """The same at its end, which is now."""
    what.fields.update(fields or {})
    return Ended(what, operation, status, clock.monotonic() - what.started, 0.001, clock.now())
