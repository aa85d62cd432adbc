"""What people read on a terminal: tables, colour where it is wanted, and no surprises from others' text.

Pure but for the questions whether a stream is a terminal and how wide it is.
"""

import os
import re
import shutil
from collections.abc import Sequence
from typing import TextIO

_COLOURS = {
    "ready": 32,
    "active": 32,
    "starting": 33,
    "degraded": 33,
    "draining": 33,
    "down": 31,
    "unreachable": 31,
    "lost": 31,
}
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_MIN_CUT = 20


def printable(text: str) -> str:
    """Text of a server without what steers terminals or hides itself; line breaks and tabs stay."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """The first line that says something, without what steers terminals."""
    lines = (line.strip() for line in printable(text).splitlines())
    return next((line for line in lines if line), "").replace("\t", " ")


def counted(number: int, what: str) -> str:
    """Such as "1 tool", "2 tools"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def ago(seconds: object) -> str:
    """How long it is, in the largest unit that fits; nothing for what is no number."""
    if not isinstance(seconds, int | float):
        return ""
    for length, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(int(seconds), 0)}s"


def clear(stream: TextIO) -> str:
    """What empties a terminal; where there is none, an empty line between two tables."""
    return "\x1b[H\x1b[2J" if stream.isatty() else "\n"


def wants_colour(stream: TextIO) -> bool:
    """Colour only on a terminal, and not if NO_COLOR is set (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def width(stream: TextIO) -> int | None:
    """Columns of the terminal; None where nobody looks and nothing is to be cut."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, limit: int | None = None, colour: bool = False) -> str:
    """Columns as wide as what is in them, two spaces apart; the widest is cut so that a line has `limit` characters.

    Columns whose cells are all numbers stand to the right. With `colour`, cells that name a state are painted.
    """
    columns = [*zip(head, *rows, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    right = [bool(rows) and all(cell.isdigit() or not cell for cell in column[1:]) for column in columns]
    if limit is not None:
        widest = max(range(len(widths)), key=lambda column: (widths[column], column))
        room = limit - sum(widths) + widths[widest] - 2 * (len(widths) - 1)
        widths[widest] = min(widths[widest], max(_MIN_CUT, room))
    lines = []
    for row in (head, *rows):
        cells = [_cell(*each) for each in zip(row, widths, right, strict=True)]
        shown = [_painted(cell) for cell in cells] if colour and row is not head else cells
        lines.append("  ".join(shown).rstrip())
    return "\n".join(lines)


def _cell(text: str, room: int, right: bool) -> str:
    cut = text if len(text) <= room else text[: room - 1] + "…"
    return cut.rjust(room) if right else cut.ljust(room)


def _painted(cell: str) -> str:
    colour = _COLOURS.get(cell.rstrip())
    return f"\x1b[{colour}m{cell}\x1b[0m" if colour else cell
