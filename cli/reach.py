"""Where tools are looked up and called: the servers of a manifest, or a gateway that runs already.

A manifest's servers and agents are started and reached inside this process, without a listener and without
asking who calls: whoever can read the manifest can start them by hand. Above: `tools`, `call` and
`agents`. Below: `client.py`, and the gateway itself.
"""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx2
import msgspec

from ..manifest.model import Manifest
from .bounds import bounded
from .client import Client
from .screen import counted
from .stop import BAD_MANIFEST, USAGE, Stop

if TYPE_CHECKING:
    from ..gateway.app import Gateway

__all__ = ["READY", "Place", "bounded", "opened", "running", "session", "started", "states"]

LOCAL = "http://127.0.0.1/mcp"
"""What the gateway in this process is called; nothing listens there."""
STATE_TIMEOUT = 2.0
"""Seconds for `/readyz`, and for asking the servers that were reached when the time for reaching them is over."""
READY = "ready"


@dataclass(frozen=True)
class Place:
    """An open session. `servers`: the state of each, as `/readyz` gives it; empty if the place does not tell.

    `view`: the path segment after `/mcp`; empty for all servers together.
    """

    client: Client
    servers: Mapping[str, Mapping[str, Any]]
    view: str = ""

    def owner(self, tool: str) -> str:
        """The server that a tool comes from, or `-` where that cannot be told."""
        if len(self.servers) == 1:
            return next(iter(self.servers))
        prefix = tool.partition("__")[0]
        return prefix if prefix in self.servers else "-"


@contextlib.asynccontextmanager
async def running(url: str, key: str | None, timeout: float) -> AsyncIterator[Place]:
    """A session with the gateway (or any MCP server) at `url`; without a path, `/mcp` is meant.

    Raises `TimeoutError`.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Stop(f'--url "{url}" is no URL: write for example http://127.0.0.1:8080', USAGE)
    address = url if parts.path.strip("/") else f"{parts.scheme}://{parts.netloc}/mcp"
    http = httpx2.AsyncClient(timeout=timeout)
    async with http, asyncio.timeout(timeout), session(Client(http, address, key)) as client:
        known = await _asked(http, f"{parts.scheme}://{parts.netloc}/readyz", key)
        view = parts.path.strip("/").removeprefix("mcp").strip("/")
        yield Place(client, {view: known[view]} if view in known else known, view)


async def _asked(http: httpx2.AsyncClient, url: str, key: str | None) -> Mapping[str, Mapping[str, Any]]:
    """What a gateway of ours tells administrators of its servers; nothing, if it is none of ours, or to others."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    try:
        answer = (await http.get(url, headers=headers, timeout=STATE_TIMEOUT)).json()
    except (httpx2.HTTPError, ValueError):
        return {}
    servers = answer.get("servers") if isinstance(answer, dict) else None
    if not isinstance(servers, dict):
        return {}
    return {name: state for name, state in servers.items() if isinstance(state, dict)}


@contextlib.asynccontextmanager
async def started(manifest: Manifest, timeout: float) -> AsyncIterator[Place]:
    """A session with the servers of `manifest`, as by `opened`. Raises `TimeoutError`.

    The servers alone, all tools listed: views, searching and what is kept in files are for those who serve.
    """
    late = asyncio.get_running_loop().time() + timeout + STATE_TIMEOUT
    plain = manifest.mcp.model_copy(update={"profiles": {}, "search": "off", "fingerprints": None})
    async with opened(Manifest(mcp=plain, agents=manifest.agents), timeout) as gateway:
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app=gateway.asgi), timeout=timeout)
        async with http, asyncio.timeout_at(late), session(Client(http, LOCAL)) as client:
            yield Place(client, states(gateway))


@contextlib.asynccontextmanager
async def opened(manifest: Manifest, timeout: float) -> AsyncIterator["Gateway"]:
    """The servers and agents of `manifest`, once each is reached or has failed, or `timeout` seconds are over.

    Accepted definitions are kept where the manifest says. Ending the servers is not counted
    in `timeout`. Raises `Stop`.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        gateway = _made(manifest, nowhere)
        try:
            gateway.start()
            await _settled(gateway, timeout)
            yield gateway
        finally:
            await gateway.aclose()
            gateway.access_log.close()
    finally:
        os.close(nowhere)


def _made(manifest: Manifest, log_fd: int) -> "Gateway":
    from ..gateway.app import Gateway

    try:
        return Gateway(Manifest(mcp=manifest.mcp, agents=manifest.agents), log_fd=log_fd)
    except ValueError as error:  # the file of fingerprints became unusable since the manifest was read
        raise Stop(f"mcp.fingerprints: {manifest.mcp.fingerprints} {error}", BAD_MANIFEST) from error


@contextlib.asynccontextmanager
async def session(client: Client) -> AsyncIterator[Client]:
    """The client between its handshake and its goodbye."""
    await client.open()
    try:
        yield client
    finally:
        await client.aclose()


async def _settled(gateway: "Gateway", timeout: float) -> None:
    counts = {"server": len(gateway.hub.servers), "agent": len(gateway.manifest.agents)}
    reached = " and ".join(counted(count, what) for what, count in counts.items() if count)
    seen = sys.stderr.isatty() and reached
    if seen:
        print(f"reaching {reached} ...", end="", file=sys.stderr, flush=True)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(timeout):
            await gateway.settled()
    if seen:
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def states(gateway: "Gateway") -> dict[str, dict[str, Any]]:
    """As `/readyz` gives them."""
    return {each.name: msgspec.to_builtins(each) for each in gateway.hub.status}
