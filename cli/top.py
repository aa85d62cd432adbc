"""`fedgate top`: what a running gateway does at this moment: operations under way, who and where they go, and sessions.

On a terminal the table is drawn again and again; `--json` writes one event a line; `--once` shows one moment. With
`--end` a session is ended. Above: nothing. Below: the administration, its stream of events.
"""

import sys
from argparse import Namespace
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..core import sse
from ..core.rawjson import encode, value
from .administration import Administration, administration
from .bounds import bounded, logged
from .screen import ago, clear, counted, one_line, table, wants_colour, width
from .stop import OK, UNREACHABLE, Stop

MAX_EVENT = 16 * 1024 * 1024
SILENCE = 30.0
"""Seconds without a word until the gateway counts as gone: it says something twice a second."""
KEPT = 20
"""Operations that have ended and are still shown."""

Row = Mapping[str, Any]


class Board:
    """What is shown: kept at what the events say. Pure."""

    def __init__(self) -> None:
        self.when = 0.0
        self.total = 0
        self.running: dict[int, Row] = {}
        self.over: list[Row] = []
        self.sessions: Sequence[Row] = ()
        self.session_total = 0

    def take(self, name: str, data: Mapping[str, Any]) -> None:
        """One event, or a whole moment (`once`)."""
        if name == "sessions":
            self._sessions(data)
            return
        self.when, self.total = float(data.get("when") or 0.0), int(data.get("total") or 0)
        if name != "delta":
            self.running.clear()
        for row in _rows(data, "operations"):
            self.running[int(row.get("number") or 0)] = row
        ended = _rows(data, "ended")
        for row in ended:
            self.running.pop(int(row.get("number") or 0), None)
        self.over = [*ended[::-1], *self.over][:KEPT]
        if isinstance(data.get("sessions"), dict):
            self._sessions(data["sessions"])

    def _sessions(self, data: Mapping[str, Any]) -> None:
        self.sessions, self.session_total = _rows(data, "sessions"), int(data.get("total") or 0)

    def text(self, *, limit: int | None, colour: bool) -> str:
        """The tables."""
        head = f"{counted(self.total, 'operation')} under way, {counted(self.session_total, 'session')}"
        rows = [*self.running.values(), *self.over]
        parts = [head]
        if rows:
            parts.append(table(OPERATIONS, [self._cells(row) for row in rows], limit=limit, colour=colour))
        if self.sessions:
            shown = [_session(row) for row in self.sessions]
            parts.append(table(SESSIONS, shown, limit=limit, colour=colour))
        return "\n\n".join(parts)

    def _cells(self, row: Row) -> tuple[str, ...]:
        seconds = row.get("seconds")
        took = self.when - float(row.get("since") or self.when) if seconds is None else float(seconds)
        return (
            _text(row, "state"),
            _text(row, "user"),
            _text(row, "protocol"),
            _text(row, "operation"),
            _text(row, "source"),
            _text(row, "destination") or _text(row, "target") or "-",
            f"{took:.2f}s" if took < 60 else ago(took),
            _text(row, "bytes_in"),
            _text(row, "bytes_out"),
            _tokens(row),
            _cost(row),
            _text(row, "session"),
        )


OPERATIONS = (
    *("STATE", "WHO", "PROTOCOL", "OPERATION", "SOURCE", "DESTINATION", "TIME", "IN", "OUT", "TOKENS", "USD"),
    "SESSION",
)
SESSIONS = ("SESSION", "PROTOCOL", "KIND", "OWNER", "TARGET", "INSTANCE", "STATE", "IDLE", "TURNS", "TOKENS", "USD")


def run(arguments: Namespace) -> int:
    """Watch, show once, or end."""
    with logged(arguments):
        return bounded(arguments, lambda: _run(arguments))


async def _run(arguments: Namespace) -> int:
    async with administration(arguments, "top") as there:
        if arguments.end is not None:
            found = await there.ask("DELETE", f"/sessions/{quote(arguments.end, safe='')}")
            row = found.get("session")
            print(
                encode(found).decode()
                if arguments.json
                else f"ended {_text(row if isinstance(row, dict) else {}, 'mark')}"
            )
        elif arguments.once:
            moment = await there.ask("GET", "/live", {"once": ""})
            _show("snapshot", moment, Board(), arguments)
        else:
            await _watch(there, arguments)
    return OK


async def _watch(there: Administration, arguments: Namespace) -> None:
    """Until somebody ends the program, or the gateway ends."""
    board = Board()
    async for name, data in events(there):
        _show(name, data, board, arguments)
    raise Stop("the gateway has ended", UNREACHABLE)


async def events(there: Administration) -> AsyncIterator[tuple[str, Mapping[str, Any]]]:
    """The events of `/admin/live`. Raises `Stop`."""
    reader = sse.Reader(MAX_EVENT)
    async for chunk in there.stream("/live", SILENCE):
        for event in reader.feed(chunk):
            said = value(event.data) if event.data else None
            if isinstance(said, dict):
                yield event.event.decode("ascii", "replace"), said


def _show(name: str, data: Mapping[str, Any], board: Board, arguments: Namespace) -> None:
    if arguments.json:
        print(encode({"event": name, **data} if not arguments.once else data).decode(), flush=True)
        return
    board.take(name, data)
    if not arguments.once:
        print(clear(sys.stdout), end="")
    print(board.text(limit=width(sys.stdout), colour=wants_colour(sys.stdout)), flush=True)


def _rows(data: Mapping[str, Any], name: str) -> list[Row]:
    found = data.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _session(row: Row) -> tuple[str, ...]:
    names = ("mark", "protocol", "kind", "owner", "target", "instance", "state")
    return (
        *(_text(row, name) for name in names),
        ago(row.get("idle_seconds")),
        _text(row, "turns"),
        _tokens(row),
        _cost(row),
    )


def _text(row: Row, name: str) -> str:
    found = row.get(name)
    return "" if found is None else one_line(str(found))


def _tokens(row: Row) -> str:
    known = [each for each in (row.get("input_tokens"), row.get("output_tokens")) if isinstance(each, int)]
    return str(sum(known)) if known else ""


def _cost(row: Row) -> str:
    cost = row.get("cost_usd")
    return f"{cost:.4f}" if isinstance(cost, int | float) else ""
