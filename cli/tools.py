"""`fedgate tools`: what tools there are, which server each comes from, and which servers could not be asked."""

import shlex
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple

from ..core.rawjson import Raw, encode, fields, raw, text
from ..telemetry.logs import setup_logging
from .client import Refused
from .reach import READY, Place, bounded, running, started
from .screen import one_line, table, width
from .source import read
from .stop import NOTHING_LISTED, OK, UNREACHABLE, USAGE, Stop


class Tool(NamedTuple):
    """One tool as listed. `raw` is all that its server says of it."""

    name: str
    description: str
    raw: Raw


def run(arguments: Namespace) -> int:
    """List, and return `NOTHING_LISTED` if there are servers but none that answers."""
    undo = setup_logging(arguments.log_level)
    try:
        where = place(arguments)
        return bounded(arguments, lambda: _list(where, as_json=arguments.json))
    finally:
        undo()


def place(arguments: Namespace) -> AbstractAsyncContextManager[Place]:
    """Where `--url`, or else the manifest, says. Raises `Stop`."""
    if arguments.url is None:
        return started(read(arguments.manifests), arguments.timeout)
    if arguments.manifests:
        manifests = shlex.join(arguments.manifests)
        raise Stop(f"give either --url or a manifest ({manifests}), not both", USAGE)
    return running(arguments.url, arguments.key, arguments.timeout)


async def _list(where: AbstractAsyncContextManager[Place], *, as_json: bool) -> int:
    async with where as there:
        found = await listed(there)
        if as_json:
            print(_json(found, there))
        else:
            _show(found, there)
        ready = [state for state in there.servers.values() if state.get("state") == READY]
        return OK if ready or found else NOTHING_LISTED


async def listed(there: Place) -> list[Tool]:
    """The tools of the place; those without a name, which nobody can call, are left out. Raises `Stop`."""
    try:
        items = await there.client.tools()
    except Refused as error:
        raise Stop(f"{there.client.url} does not list its tools: {one_line(str(error))}", UNREACHABLE) from error
    tools = []
    for item in items:
        members = fields(item)
        if name := text(members.get("name")):
            tools.append(Tool(name, text(members.get("description")) or text(members.get("title")) or "", item))
    return tools


def _json(found: Sequence[Tool], there: Place) -> str:
    servers = [
        {"name": name, "state": state.get("state"), "reason": state.get("reason")}
        for name, state in there.servers.items()
    ]
    return encode({"tools": [tool.raw for tool in found], "servers": raw(servers)}).decode()


def _show(found: Sequence[Tool], there: Place) -> None:
    if found:
        rows = [(one_line(tool.name), there.owner(tool.name), one_line(tool.description)) for tool in found]
        print(table(("TOOL", "SERVER", "DESCRIPTION"), rows, limit=width(sys.stdout)))
    else:
        print("no tools" if there.servers else "no tools: the manifest names no servers", file=sys.stderr)
    for name, state in there.servers.items():
        if state.get("state") != READY:
            reason = one_line(str(state.get("reason") or "no reason given"))
            print(f"server {name} is {state.get('state')}: {reason}", file=sys.stderr)
