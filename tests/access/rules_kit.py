"""Calls and rules for the tests of rules: what an endpoint would have bound, without one."""

from collections.abc import Mapping
from typing import Any

from fedgate.access.judge import Judge, Members
from fedgate.access.rule_settings import RuleSettings
from fedgate.access.rules import Rules
from fedgate.core.call import ANONYMOUS, Call, Principal, Record, Request
from fedgate.core.rawjson import raw

ALICE = Principal("alice", "key", ("engineering",), {"team": "core"})
BOB = Principal(
    "https://idp.example.com#bob",
    "jwt",
    ("sales",),
    issuer="https://idp.example.com",
    scopes=("mcp",),
    claims={"sub": "bob", "roles": ["user", "admin"], "user": {"role": "admin"}, "groups": "admin"},
)


async def nothing() -> bytes:
    return b""


def a_call(
    protocol: str = "mcp",
    principal: Principal = ANONYMOUS,
    *,
    headers: Mapping[str, str] | None = None,
    source: str = "10.1.2.3:5000",
    path: str = "/mcp",
    session: str = "",
) -> Call:
    sent = {name.encode(): value.encode("latin-1") for name, value in (headers or {}).items()}
    request = Request("r-1", "POST", path, b"", sent, source, "localhost", "HTTP/1.1", nothing)
    record = Record(request, protocol, 0.0, principal=principal, session=session)
    return Call(protocol, request, record, principal=principal)


def tool(name: str = "echo", server: str = "everything", arguments: Any = None) -> dict[str, Any]:
    """What MCP tells of a call of a tool."""
    told: dict[str, Any] = {"name": name, "server": server, "target": server, "full": f"{server}__{name}"}
    if arguments is not None:
        told["arguments"] = raw(arguments)
    return {"mcp": {"method": "tools/call", "server": server, "tool": told}}


def rules(*given: str | dict[str, str]) -> Rules:
    made = [{"allow": each} if isinstance(each, str) else each for each in given]
    return Rules.of([RuleSettings.model_validate(each) for each in made])


def judge(*given: str | dict[str, str], groups: Mapping[tuple[str, str, str], tuple[str, ...]] | None = None) -> Judge:
    return Judge(rules(*given), Members(groups))
