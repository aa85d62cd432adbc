"""`fedgate tools --changed` and `--accept`: definitions of tools that are not what was accepted.

Both start the servers of a manifest and compare what they offer with the file that the
manifest names. Above: `tools.py`. Below: `reach.py`.
"""

import shlex
import sys
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

import msgspec

from ..core.rawjson import encode
from ..gateway.app import Gateway
from ..manifest.model import Manifest
from .reach import READY, bounded, opened, states
from .screen import one_line, table, width
from .source import read
from .stop import BAD_MANIFEST, NOTHING_LISTED, OK, UNREACHABLE, USAGE, Stop, did_you_mean

NOT_KEPT = "nothing is remembered across runs: set mcp.fingerprints"


def run(arguments: Namespace) -> int:
    """Show or accept. Raises `Stop`."""
    if arguments.url is not None:
        option = "--changed" if arguments.changed else "--accept"
        raise Stop(f"{option} is about the servers of a manifest: give that instead of --url", USAGE)
    named: list[str] = arguments.accept or []
    if len(named) > 2:
        raise Stop("--accept takes at most a server and one of its tools", USAGE, "fedgate tools --help")
    if named and not arguments.manifests and not {".", "/"}.isdisjoint(named[0]):
        again = shlex.join(["fedgate", "tools", named[0], "--accept", *named[1:]])
        raise Stop(f'--accept takes "{named[0]}" for a server: a manifest stands before it', USAGE, again)
    manifest = read(arguments.manifests)
    if arguments.changed:
        return bounded(arguments, lambda: _changed(manifest, arguments))
    server, tool, *_ = (*named, "", "")
    if manifest.mcp.fingerprints is None:
        raise Stop("nothing to accept into: set mcp.fingerprints", BAD_MANIFEST)
    _check_server(server, manifest, arguments)
    return bounded(arguments, lambda: _accept(manifest, arguments, server, tool))


async def accept(gateway: Gateway, arguments: Namespace, server: str, tool: str) -> int:
    """Take what its servers offer now for good, save it, and print what that was. Raises `Stop`."""
    servers = states(gateway)
    _check_asked(gateway, servers, server, tool)
    file = gateway.manifest.mcp.fingerprints
    try:
        taken = await gateway.hub.accept(server, tool)
    except OSError as error:
        raise Stop(f"{file} cannot be written: {error.strerror}", BAD_MANIFEST) from error
    except ValueError as error:
        raise Stop(f"{file} {error}", BAD_MANIFEST) from error
    if arguments.json:
        print(encode({"accepted": [msgspec.to_builtins(each) for each in taken]}).decode())
    elif taken:
        rows = [(each.server, one_line(each.tool), ", ".join(each.changed)) for each in taken]
        print(table(("SERVER", "TOOL", "ACCEPTED"), rows, limit=width(sys.stdout)))
    else:
        print("nothing to accept: no tool has changed")
    unreached({server: servers[server]} if server else servers)
    return _code(servers)


def unreached(servers: Mapping[str, Mapping[str, Any]]) -> None:
    """Say which servers could not be asked, and why."""
    for name, state in servers.items():
        if state.get("state") != READY:
            print(_why(name, state), file=sys.stderr)


def _why(name: str, state: Mapping[str, Any]) -> str:
    return f"server {name} is {state.get('state')}: {one_line(str(state.get('reason') or 'no reason given'))}"


def _code(servers: Mapping[str, Mapping[str, Any]]) -> int:
    """Where no server could be asked, that nothing has changed means nothing."""
    ready = any(state.get("state") == READY for state in servers.values())
    return OK if ready or not servers else NOTHING_LISTED


async def _changed(manifest: Manifest, arguments: Namespace) -> int:
    async with opened(manifest, arguments.timeout) as gateway:
        found, servers = gateway.hub.changes, states(gateway)
        if arguments.json:
            print(encode({"changes": [msgspec.to_builtins(each) for each in found]}).decode())
        elif found:
            rows = [
                (each.server, one_line(each.tool), str(each), "withheld" if each.withheld else "offered")
                for each in found
            ]
            print(table(("SERVER", "TOOL", "WHAT", "STATE"), rows, limit=width(sys.stdout)))
        else:
            print("no tool has changed")
        if manifest.mcp.fingerprints is None:
            print(NOT_KEPT, file=sys.stderr)
        unreached(servers)
        return _code(servers)


def _check_server(server: str, manifest: Manifest, arguments: Namespace) -> None:
    """There must be a server of that name, or none be named."""
    servers = manifest.mcp.servers
    if server and server not in servers:
        again = shlex.join(["fedgate", "tools", *(arguments.manifests or ["MANIFEST"]), "--accept"])
        raise Stop(f'there is no server "{server}"{did_you_mean(server, servers)}', USAGE, again)


async def _accept(manifest: Manifest, arguments: Namespace, server: str, tool: str) -> int:
    async with opened(manifest, arguments.timeout) as gateway:
        return await accept(gateway, arguments, server, tool)


def _check_asked(gateway: Gateway, servers: Mapping[str, Mapping[str, Any]], server: str, tool: str) -> None:
    """The server that is named must have answered, and have the tool."""
    if not server:
        return
    state = servers.get(server, {"state": "disabled", "reason": "the manifest says so"})
    if state.get("state") != READY:
        raise Stop(_why(server, state), UNREACHABLE)
    own = [each.tool for each in gateway.hub.tools(server)]
    if tool and tool not in own:
        raise Stop(f'server {server} has no tool "{tool}"{did_you_mean(tool, own)}', USAGE)
