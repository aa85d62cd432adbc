"""The table of runs: which revision in front, which upstream behind, at which path; and the other way round.

Values only. `run.py` carries them out.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
EVERYTHING = HERE / "everything_server.py"
SECOND = HERE / "second_server.py"

LEGACY = "2025-11-25"
MODERN = "2026-07-28"


@dataclass(frozen=True)
class Run:
    """One pass of the suite. `era` is what the upstream process speaks, whatever stands in front."""

    name: str
    front: str  # the revision the suite speaks: in front, or behind where it plays the servers
    era: str = "both"  # both | legacy | modern
    transport: str = "http"  # http | stdio | sse
    path: str = "/mcp/everything"
    second: bool = False  # a second, disjoint server beside it
    direct: bool = False  # no gateway: the suite talks to the upstream
    peer: str = ""  # single | config | mounted: a FastMCP proxy of this kind in the gateway's place
    client: str = ""  # legacy | modern: the suite's servers are upstream, a client of this era is in front
    issuer: bool = False  # an issuer is behind: the suite logs in at the gateway, which stands before it

    @property
    def what(self) -> str:
        """The run in words, for the table."""
        if self.client:
            return f"{self.client} client -> {self.path} -> suite {self.front}"
        if self.issuer:
            return f"{self.front} login -> {self.path} -> issuer"
        behind = f"{self.era} {self.transport}{' + second' if self.second else ''}"
        if self.direct:
            return f"{self.front} | {behind}"
        return f"{self.front} -> {f'FastMCP {self.peer}' if self.peer else self.path} -> {behind}"


THROUGH_GATEWAY = (
    Run("A", LEGACY, "legacy"),
    Run("B", MODERN, "modern"),
    Run("C", LEGACY, "modern"),
    Run("D", MODERN, "legacy"),
    Run("E1", LEGACY, "legacy", "stdio"),
    Run("E2", MODERN, "modern", "stdio"),
    Run("E3", LEGACY, "legacy", "sse"),
    Run("E4", MODERN, "legacy", "sse"),
    Run("F1", LEGACY, path="/mcp", second=True),
    Run("F2", MODERN, path="/mcp", second=True),
)

CLIENT_LEG = (
    Run("G1", LEGACY, path="/mcp", client="legacy"),
    Run("G2", MODERN, path="/mcp", client="modern"),
    Run("G3", MODERN, path="/mcp", client="legacy"),
    Run("G4", LEGACY, path="/mcp", client="modern"),
)

AUTHORIZATION = (Run("H", MODERN, path="/oauth", issuer=True),)

PEER = (
    Run("P1", LEGACY, peer="single"),
    Run("P2", MODERN, peer="single"),
    Run("P3", LEGACY, peer="config", second=True),
    Run("P4", MODERN, peer="config", second=True),
    Run("P5", LEGACY, peer="mounted", second=True),
    Run("P6", MODERN, peer="mounted", second=True),
)

DIRECT = (
    Run("direct-2025", LEGACY, direct=True),
    Run("direct-2026", MODERN, direct=True),
    Run("direct-legacy", LEGACY, "legacy", direct=True),
    Run("direct-modern", MODERN, "modern", direct=True),
)


def server_command(script: Path, transport: str, era: str = "both") -> list[str]:
    """The command that starts one of the fixture servers."""
    return [sys.executable, str(script), "--transport", transport, "--era", era]


def server_entry(run: Run, url: str) -> dict[str, Any]:
    """How the manifest names the upstream of this run (`url` is "" on stdio)."""
    if run.transport == "stdio":
        command, *args = server_command(EVERYTHING, "stdio", run.era)
        return {"command": command, "args": args}
    return {"url": url, "transport": "sse"} if run.transport == "sse" else {"url": url}


def manifest(listen: str, servers: Mapping[str, Mapping[str, Any]], sections: Mapping[str, Any]) -> str:
    """A manifest without prefixes in names, as JSON: the suite calls its fixtures by name."""
    tree = {"gateway": {"listen": listen}, "mcp": {"naming": "never", "servers": servers}, **sections}
    return json.dumps(tree, indent=2)
