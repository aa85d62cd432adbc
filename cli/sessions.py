"""`fedgate sessions`: the session table of a running gateway: who talks to what, where it is held, and for how long.

With `--end` one of them is ended, with `--watch` the table is shown again and again.
"""

import sys
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..core.clock import SystemClock
from ..core.rawjson import encode
from .administration import Administration, administration
from .bounds import bounded, logged
from .screen import ago, clear, counted, one_line, table, wants_colour, width
from .stop import OK

EVERY = 2.0
"""Seconds between two looks with `--watch`."""
PAGE = 1000
FILTERS = ("protocol", "owner", "agent", "instance", "kind", "state")

Row = Mapping[str, Any]


def run(arguments: Namespace) -> int:
    """Show, watch or end."""
    with logged(arguments):
        return bounded(arguments, lambda: _run(arguments))


async def _run(arguments: Namespace) -> int:
    async with administration(arguments, "sessions") as there:
        if arguments.end is not None:
            return await _end(there, arguments)
        if arguments.watch:
            await _watch(there, arguments)
        _show(*await _listed(there, arguments), arguments)
    return OK


async def _watch(there: Administration, arguments: Namespace) -> None:
    """Until somebody ends the program."""
    clock = SystemClock()
    while True:
        rows, total = await _listed(there, arguments)
        if not arguments.json:
            print(clear(sys.stdout), end="")
        _show(rows, total, arguments)
        sys.stdout.flush()
        await clock.sleep(EVERY)


async def _listed(there: Administration, arguments: Namespace) -> tuple[list[Row], int]:
    """As many as are wanted, page by page, and how many there are."""
    wanted = {name: getattr(arguments, name) for name in FILTERS if getattr(arguments, name)}
    rows: list[Row] = []
    cursor = ""
    while True:
        page = {
            **wanted,
            "limit": str(min(arguments.limit - len(rows), PAGE)),
            **({"cursor": cursor} if cursor else {}),
        }
        found = await there.ask("GET", "/sessions", page)
        given = found.get("sessions")
        rows += [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
        cursor = str(found.get("next") or "")
        if not cursor or not given or len(rows) >= arguments.limit:
            return rows, int(found.get("total") or 0)


async def _end(there: Administration, arguments: Namespace) -> int:
    found = await there.ask("DELETE", f"/sessions/{quote(arguments.end, safe='')}")
    if arguments.json:
        print(encode(found).decode())
        return OK
    row = found.get("session")
    known = row if isinstance(row, dict) else {}
    tasks = int(found.get("tasks") or 0)
    more = f" and its {counted(tasks, 'task')}" if tasks else ""
    print(f"ended {_text(known, 'protocol')} {_text(known, 'kind')} {_text(known, 'mark')}{more}")
    return OK


# What is shown.


def _show(rows: Sequence[Row], total: int, arguments: Namespace) -> None:
    if arguments.json:
        print(encode({"sessions": rows, "total": total}).decode())
    elif rows:
        print(f"{_table(rows)}\n\n{_sum(len(rows), total)}")
    else:
        print("no sessions" + (" that fit" if any(getattr(arguments, each) for each in FILTERS) else ""))


def _table(rows: Sequence[Row]) -> str:
    """Columns that nothing is known for are left out."""
    columns = {
        "SESSION": [_text(row, "mark") for row in rows],
        "ID": ["" if row.get("id") == row.get("mark") else _text(row, "id") for row in rows],
        "PROTOCOL": [_text(row, "protocol") for row in rows],
        "KIND": [_text(row, "kind") for row in rows],
        "OWNER": [_text(row, "owner") for row in rows],
        "TARGET": [_text(row, "target") or "-" for row in rows],
        "INSTANCE": [_text(row, "instance") for row in rows],
        "STATE": [_text(row, "state") for row in rows],
        "AGE": [ago(row.get("age_seconds")) for row in rows],
        "IDLE": [ago(row.get("idle_seconds")) for row in rows],
        "TURNS": [_text(row, "turns") for row in rows],
        "TOKENS": [_tokens(row) for row in rows],
        "USD": [_cost(row) for row in rows],
    }
    optional = ("ID", "INSTANCE", "TOKENS", "USD")
    shown = {head: cells for head, cells in columns.items() if head not in optional or any(cells)}
    rows_ = [*zip(*shown.values(), strict=True)]
    return table([*shown], rows_, limit=width(sys.stdout), colour=wants_colour(sys.stdout))


def _text(row: Row, name: str) -> str:
    found = row.get(name)
    return "" if found is None else one_line(str(found))


def _tokens(row: Row) -> str:
    given = [row.get("input_tokens"), row.get("output_tokens")]
    known = [each for each in given if isinstance(each, int)]
    return str(sum(known)) if known else ""


def _cost(row: Row) -> str:
    cost = row.get("cost_usd")
    return f"{cost:.4f}" if isinstance(cost, int | float) else ""


def _sum(shown: int, total: int) -> str:
    return (
        counted(total, "session") if shown >= total else f"{shown} of {counted(total, 'session')}; --limit shows more"
    )
