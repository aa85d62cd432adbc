"""`fedgate tools`: what tools there are, which server each comes from, and what they cost.

Of a manifest, the catalog itself is asked, which knows more of a tool than its list tells;
of a gateway that runs, what it lists. Servers that could not be asked are said beside it.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.rawjson import Raw, encode, fields, raw, text
from ..manifest.model import Manifest
from . import changes
from .bounds import logged
from .client import Client, Refused
from .reach import READY, Place, bounded, opened, running, session, states
from .screen import counted, one_line, table, width
from .source import no_manifest, read
from .stop import NOTHING_LISTED, OK, UNREACHABLE, Stop

if TYPE_CHECKING:
    from ..gateway.app import Gateway

SEARCHED = frozenset({"search_tools", "call_tool"})
"""What a gateway lists instead of a catalog that is too large."""


class Tool(NamedTuple):
    """One tool as listed. `raw` is all that its server says of it."""

    name: str
    description: str
    raw: Raw


class Row(NamedTuple):
    """A tool and what the gateway knows of it. `tokens`: its estimated cost to a model, if that is known."""

    tool: Tool
    server: str
    tokens: int | None = None
    changed: tuple[str, ...] = ()
    invisible: tuple[str, ...] = ()
    withheld: bool = False

    @property
    def note(self) -> str:
        said = [
            f"changed: {', '.join(self.changed)}" if self.changed else "",
            f"invisible: {', '.join(self.invisible)}" if self.invisible else "",
            "withheld" if self.withheld else "",
        ]
        return "; ".join(filter(None, said))


class Listing(NamedTuple):
    """`servers`: the state of each. `tokens`: of the whole list, if known. `instead`: what clients get if not that."""

    rows: Sequence[Row]
    servers: Mapping[str, Mapping[str, Any]]
    tokens: int | None
    instead: str = ""


def run(arguments: Namespace) -> int:
    """List, and return `NOTHING_LISTED` if there are servers but none that answers."""
    with logged(arguments):
        if arguments.changed or arguments.accept is not None:
            return changes.run(arguments)
        if arguments.url is not None:
            where = place(arguments)
            return bounded(arguments, lambda: _list_there(where, as_json=arguments.json))
        manifest = read(arguments.manifests)
        return bounded(arguments, lambda: _list(manifest, arguments.timeout, as_json=arguments.json))


def place(arguments: Namespace) -> AbstractAsyncContextManager[Place]:
    """Where `--url` says. Raises `Stop`."""
    no_manifest(arguments)
    return running(arguments.url, arguments.key, arguments.timeout)


async def _list(manifest: Manifest, timeout: float, *, as_json: bool) -> int:
    async with opened(manifest, timeout) as gateway:
        return _show(_known(gateway), as_json=as_json)


async def _list_there(where: AbstractAsyncContextManager[Place], *, as_json: bool) -> int:
    async with where as there:
        return _show(await _told(there), as_json=as_json)


# What there is.


def _known(gateway: "Gateway") -> Listing:
    """Everything, from the catalog of all servers."""
    catalog = gateway.hub.catalog("")
    assert catalog is not None
    rows = [
        Row(
            _tool(each.name, Raw(catalog.tools[each.name].raw)),
            each.server,
            each.tokens,
            each.changed,
            each.invisible,
            each.withheld,
        )
        for each in gateway.hub.tools("")
    ]
    instead = f"clients get search_tools and call_tool instead ({catalog.tokens} tokens)" if catalog.searching else ""
    return Listing(rows, states(gateway), catalog.tokens_unsearched, instead)


async def _told(there: Place) -> Listing:
    """What a running gateway lists; where it has a search instead, what each server at its own address lists."""
    found = await listed(there.client)
    tokens = [state.get("tokens") for state in there.servers.values()]
    known = [each for each in tokens if isinstance(each, int)]
    whole = sum(known) if known and (not there.view or there.view in there.servers) else None
    if there.view or not there.servers or not searched(found):
        return Listing([Row(tool, there.owner(tool.name)) for tool in found], there.servers, whole)
    rows: list[Row] = []
    for name, state in there.servers.items():
        if state.get("state") == READY:
            async with session(there.client.beside(f"{there.client.url.rstrip('/')}/{name}")) as client:
                rows += [Row(tool, name) for tool in await listed(client)]
    return Listing(rows, there.servers, whole, "clients get search_tools and call_tool instead")


def searched(tools: Sequence[Tool]) -> bool:
    """Whether these stand for others, which a search finds."""
    return {tool.name for tool in tools} == SEARCHED


async def listed(client: Client) -> list[Tool]:
    """What is listed there; tools without a name, which nobody can call, are left out. Raises `Stop`."""
    try:
        return named(await client.tools())
    except Refused as error:
        raise Stop(f"{client.url} does not list its tools: {one_line(str(error))}", UNREACHABLE) from error


def named(items: Sequence[Raw]) -> list[Tool]:
    """Those of the tools that have a name."""
    return [_tool(name, item) for item in items if (name := text(fields(item).get("name")))]


def _tool(name: str, item: Raw) -> Tool:
    members = fields(item)
    return Tool(name, text(members.get("description")) or text(members.get("title")) or "", item)


# What is shown.


def _show(found: Listing, *, as_json: bool) -> int:
    if as_json:
        print(_json(found))
    else:
        _print(found)
    ready = [state for state in found.servers.values() if state.get("state") == READY]
    return OK if ready or found.rows else NOTHING_LISTED


def _json(found: Listing) -> str:
    servers = [
        {"name": name} | {key: state.get(key) for key in ("state", "reason", "tokens")}
        for name, state in found.servers.items()
    ]
    return encode({"tools": [_json_row(row) for row in found.rows], "servers": raw(servers)}).decode()


def _json_row(row: Row) -> object:
    """The tool as its server spells it; what the gateway knows of it comes after that."""
    if row.tokens is None:
        return row.tool.raw
    known = {"tokens": row.tokens, "changed": row.changed, "invisible": row.invisible, "withheld": row.withheld}
    return fields(row.tool.raw) | {key: raw(each) for key, each in known.items()}


def _print(found: Listing) -> None:
    if found.rows:
        print(f"{_table(found.rows)}\n\n{_sum(found)}")
    else:
        print("no tools" if found.servers else "no tools: the manifest names no servers", file=sys.stderr)
    changes.unreached(found.servers)


def _table(rows: Sequence[Row]) -> str:
    """Columns that nothing is known for are left out."""
    columns = {
        "TOOL": [one_line(row.tool.name) for row in rows],
        "SERVER": [row.server for row in rows],
        "TOKENS": ["" if row.tokens is None else str(row.tokens) for row in rows],
        "DESCRIPTION": [one_line(row.tool.description) for row in rows],
        "NOTE": [row.note for row in rows],
    }
    shown = {head: cells for head, cells in columns.items() if head not in ("TOKENS", "NOTE") or any(cells)}
    return table([*shown], [*zip(*shown.values(), strict=True)], limit=width(sys.stdout))


def _sum(found: Listing) -> str:
    cost = "" if found.tokens is None else f", about {counted(found.tokens, 'token')}"
    instead = f"; {found.instead}" if found.instead else ""
    return f"{counted(len(found.rows), 'tool')}{cost}{instead}"
