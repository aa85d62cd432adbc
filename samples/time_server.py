"""A sample MCP server over stdio: what time it is, there and elsewhere.

    python -m fedgate.samples.time_server

Made with the official SDK. It keeps no state, writes nothing but protocol to standard
output, and ends when its input ends.
"""

import difflib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

MAX_FOUND = 50

READS_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)
Zone = Annotated[str, Field(description="IANA name such as Europe/Paris or UTC")]

server = MCPServer(
    "time",
    title="Time",
    version="1.0.0",
    instructions="Time zones are IANA names (Europe/Paris). find_timezones helps when one is not known.",
    log_level="WARNING",
)


@dataclass(frozen=True)
class Moment:
    """A point in time as it reads in one zone."""

    timezone: str
    datetime: str  # ISO 8601 with offset, to the second
    weekday: str
    utc_offset: str  # +HH:MM
    is_dst: bool


@dataclass(frozen=True)
class Conversion:
    """The same point in time in two zones."""

    source: Moment
    target: Moment
    difference: str  # how far the target's clock is ahead, +HH:MM or -HH:MM


@dataclass(frozen=True)
class Span:
    """What lies between two points in time; negative when the second comes first."""

    seconds: float
    days: int
    text: str


@server.tool(annotations=READS_ONLY)
def current_time(timezone: Zone = "UTC") -> Moment:
    """Tell the current date and time in a time zone."""
    return _moment(datetime.now(_zone(timezone)), timezone)


@server.tool(annotations=READS_ONLY)
def convert_time(
    time: Annotated[str, Field(description="HH:MM (today) or an ISO 8601 date and time")],
    source: Zone,
    target: Zone,
) -> Conversion:
    """Convert a time from one time zone to another."""
    here = _parse(time, _zone(source))
    there = here.astimezone(_zone(target))
    ahead = (there.utcoffset() or _NOTHING) - (here.utcoffset() or _NOTHING)
    return Conversion(_moment(here, source), _moment(there, target), _signed(ahead.total_seconds()))


@server.tool(annotations=READS_ONLY)
def time_between(
    start: Annotated[str, Field(description="ISO 8601 date or date and time")],
    end: Annotated[str, Field(description="ISO 8601 date or date and time")],
    timezone: Zone = "UTC",
) -> Span:
    """Measure the time between two dates; those without an offset are read in `timezone`."""
    zone = _zone(timezone)
    seconds = (_parse(end, zone) - _parse(start, zone)).total_seconds()
    whole = int(abs(seconds))
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    text = f"{'-' if seconds < 0 else ''}{days} d {hours} h {minutes} min {whole % 60} s"
    return Span(seconds, -days if seconds < 0 else days, text)


@server.tool(annotations=READS_ONLY)
def find_timezones(query: Annotated[str, Field(description="Part of a name, such as york")]) -> list[str]:
    """List the time zones whose name contains the query."""
    wanted = query.strip().lower().replace(" ", "_")
    return sorted(name for name in available_timezones() if wanted in name.lower())[:MAX_FOUND]


_NOTHING = timedelta()


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ToolError(_unknown_zone(name)) from None


def _unknown_zone(name: str) -> str:
    known = available_timezones()
    if not known:
        return "This machine has no time zone database: install its tzdata package, or `pip install tzdata`."
    by_city = {zone.rsplit("/", 1)[-1].lower(): zone for zone in known}
    city = name.rsplit("/", 1)[-1].strip().lower().replace(" ", "_")
    close = [by_city[found] for found in difflib.get_close_matches(city, by_city, n=3, cutoff=0.7)]
    near = f"Did you mean {' or '.join(close)}?" if close else "find_timezones lists the known ones."
    return f"There is no time zone {name!r}. {near}"


def _parse(text: str, zone: ZoneInfo) -> datetime:
    """Read HH:MM as today, anything else as ISO 8601; the zone holds where no offset is given."""
    text = text.strip()
    try:
        if "-" not in text and ":" in text:
            return datetime.combine(datetime.now(zone).date(), time.fromisoformat(text), zone)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ToolError(
            f"{text!r} is not a time. Use HH:MM, or ISO 8601 such as 2026-03-01T14:30 or 2026-03-01."
        ) from None
    return moment.replace(tzinfo=zone) if moment.tzinfo is None else moment


def _moment(moment: datetime, zone: str) -> Moment:
    offset = (moment.utcoffset() or _NOTHING).total_seconds()
    read = moment.isoformat(timespec="seconds")
    return Moment(zone, read, moment.strftime("%A"), _signed(offset), bool(moment.dst()))


def _signed(seconds: float) -> str:
    minutes = int(abs(seconds)) // 60
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}"


if __name__ == "__main__":
    server.run("stdio")
