"""Calls, limits and what protocols would tell of calls, for the tests of limits."""

from collections.abc import Mapping
from typing import Any

from fedgate.core.call import Call, Principal, Record, Request
from fedgate.core.clock import ManualClock
from fedgate.core.spending import Expected
from fedgate.core.values import MANIFEST
from fedgate.governance.limits import Asking, Limits
from fedgate.governance.rated import Held
from fedgate.governance.settings import LimitSettings

ALICE = Principal("alice", "key", ("engineering",), {"team": "core"})
BOB = Principal("bob", "key")
TOOL = {"mcp": {"method": "tools/call", "server": "crm", "tool": {"name": "export", "full": "crm__export"}}}


async def _no_body() -> bytes:
    return b""


def call(principal: Principal = ALICE, *, protocol: str = "mcp", operation: str = "tools/call", **headers: str) -> Call:
    sent = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    request = Request("1", "POST", "/mcp", b"", sent, "192.0.2.7:4711", "gw", "HTTP/1.1", _no_body)
    record = Record(request, protocol, 0.0, operation=operation, principal=principal)
    return Call(protocol, request, record, operation=operation, principal=principal)


def limit(**settings: Any) -> LimitSettings:
    return LimitSettings.model_validate({"name": "a", **settings}, context=MANIFEST)


class Desk:
    """Limits at work, and who was refused."""

    def __init__(self, *settings: LimitSettings, start: float = 600.0) -> None:
        self.clock = ManualClock(start)
        self.refused: list[str] = []
        self.limits = Limits(settings, self.clock, self.refused.append)
        self.asked = 0

    async def take(
        self,
        principal: Principal = ALICE,
        *,
        protocol: str = "mcp",
        own: Mapping[str, Any] = TOOL,
        expected: Expected | None = None,
        occupies: bool = True,
        **headers: str,
    ) -> Held:
        def expect() -> Expected | None:
            self.asked += 1
            return expected

        made = call(principal, protocol=protocol, **headers)
        return await self.limits.take(made, lambda: own, Asking(expect, occupies=occupies))

    async def left(self, principal: Principal = ALICE, *, own: Mapping[str, Any] = TOOL, protocol: str = "mcp") -> Any:
        """What is left of each number, by limit and kind."""
        found = await self.limits.standings(call(principal, protocol=protocol), lambda: own)
        return {f"{each.limit} {each.kind}": each.left for each in found}
