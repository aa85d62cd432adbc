"""What a gateway says once it listens: its servers and agents, its address, and the lines to paste.

Pure: facts in, text out; `serve.py` and `demo.py` print it to standard error.
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from .. import __version__
from ..gateway.app import Gateway
from ..gateway.settings import Listen
from .agent_table import agent_table
from .models import model_table, rows
from .screen import one_line, table

HEAD = ("SERVER", "STATE", "ERA", "VERSION", "TOOLS", "TOKENS", "PROMPTS", "RESOURCES", "REASON")


def base_url(gateway: Gateway, listen: Listen) -> str:
    """Where clients of this machine reach it: the public URL, else the address that is listened on."""
    public = gateway.manifest.gateway.public_url
    return public or f"http://{listen.reachable}"


def server_table(gateway: Gateway, *, limit: int | None = None, colour: bool = False) -> str:
    """One row per server, with the reason of those that are not ready and the number of tools that changed."""
    rows = [
        (
            status.name,
            status.state,
            status.era or "-",
            status.version or "-",
            str(status.tools),
            str(status.tokens),
            str(status.prompts),
            str(status.resources),
            "; ".join(filter(None, (one_line(status.reason), f"{status.changed} changed" * bool(status.changed)))),
        )
        for status in gateway.hub.status
    ]
    if not rows:
        return "no servers: add some under mcp.servers"
    return table(HEAD, rows, limit=limit, colour=colour)


def connect_lines(url: str, key_ids: Iterable[str]) -> list[str]:
    """The commands that connect clients to the gateway at `url`, ready to paste but for the key itself."""
    first = next(iter(key_ids), None)
    header = f' --header "Authorization: Bearer <key of {first}>"' if first else ""
    codex = " --bearer-token-env-var FEDGATE_KEY" if first else ""
    return [
        f"Claude Code  claude mcp add --transport http fedgate {url}/mcp{header}",
        f"Codex        codex mcp add fedgate --url {url}/mcp{codex}",
        f"Metrics      {url}/metrics",
    ]


def profile_urls(gateway: Gateway, url: str) -> list[str]:
    """Where each profile of the gateway at `url` is served."""
    return [f"{url}/mcp/{name}" for name in gateway.manifest.mcp.profiles]


def agent_urls(gateway: Gateway, url: str) -> list[str]:
    """Where each agent of the gateway at `url` is served."""
    return [f"{url}/a2a/{name}" for name in gateway.manifest.agents]


def _agents(gateway: Gateway) -> list[dict[str, Any]]:
    return [msgspec.to_builtins(each) for each in gateway.agents.views()]


def model_lines(gateway: Gateway, url: str, key_ids: Iterable[str]) -> list[str]:
    """What clients of models are told; nothing where there are none."""
    if not gateway.manifest.models.routes:
        return []
    first = next(iter(key_ids), None)
    key = f"<key of {first}>" if first else "any"
    return [
        f"Models       export ANTHROPIC_BASE_URL={url} ANTHROPIC_AUTH_TOKEN={key}",
        f"             export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY={key}",
    ]


def _tables(gateway: Gateway, *, limit: int | None, colour: bool) -> str:
    """Servers, agents and models; no servers are worth a word only where there is nothing else."""
    agents, models = _agents(gateway), rows(gateway.manifest)
    shown = [agent_table(agents, limit=limit, colour=colour)] if agents else []
    shown += [model_table(models, limit=limit, colour=colour)] if models else []
    if gateway.hub.status or not shown:
        shown.insert(0, server_table(gateway, limit=limit, colour=colour))
    return "\n\n".join(shown)


def announcement(gateway: Gateway, listen: Listen, *, limit: int | None = None, colour: bool = False) -> str:
    """For people."""
    url = base_url(gateway, listen)
    keys = [key.id for key in gateway.manifest.access.keys]
    return "\n".join(
        [
            f"fedgate {__version__}",
            "",
            _tables(gateway, limit=limit, colour=colour),
            "",
            f"Listening on {listen}",
            "",
            *(f"  {line}" for line in connect_lines(url, keys)),
            *(f"  Profile      {each}" for each in profile_urls(gateway, url)),
            *(f"  Agent        {each}" for each in agent_urls(gateway, url)),
            *(f"  {line}" for line in model_lines(gateway, url, keys)),
            "",
            gateway.restart,
            "",
        ]
    )


def as_json(gateway: Gateway, listen: Listen) -> str:
    """For programs: one line."""
    url = base_url(gateway, listen)
    return json.dumps(
        {
            "version": __version__,
            "listen": str(listen),
            "url": url,
            "mcp": f"{url}/mcp",
            "profiles": profile_urls(gateway, url),
            "servers": [msgspec.to_builtins(status) for status in gateway.hub.status],
            "agents": _agents(gateway),
            "a2a": agent_urls(gateway, url),
            "models": rows(gateway.manifest),
        }
    )
