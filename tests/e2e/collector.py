"""A collector of traces as a process of its own (`tests/telemetry/otlp_receiver.py`), and its spans as trees.

Above: the tests of traces.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.gateway import ROOT, Lines, ended, environment

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
PARENT = f"00-{TRACE}-{SPAN}-01"
"""What a caller says who has a trace."""
SERVER, CLIENT = 2, 3
"""OTLP's span kinds."""
UNSET, ERROR = 0, 2
"""OTLP's span statuses."""


class Collector:
    """A receiver that runs."""

    def __init__(self, port: int, lines: Lines) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.lines = lines

    async def trace(self, trace: str, count: int) -> list[dict[str, Any]]:
        """The spans of one trace, waited for, in the order in which they were sent: a call, then its hops."""
        await self.lines.saw(f'"trace": "{trace}"', count)
        return [json.loads(each) for each in self.lines.all(f'"trace": "{trace}"')]

    async def spans(self, count: int) -> list[dict[str, Any]]:
        """The first so many, waited for."""
        await self.lines.saw('"span"', count)
        return [json.loads(each) for each in self.lines.all('"span"')]


@asynccontextmanager
async def collector(mode: str = "well") -> AsyncIterator[Collector]:
    script = str(ROOT / "tests" / "telemetry" / "otlp_receiver.py")
    process = await asyncio.create_subprocess_exec(
        sys.executable, script, mode, stdout=asyncio.subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    lines = Lines(process.stdout)
    try:
        yield Collector(int((await lines.saw("listening")).split()[1]), lines)
    finally:
        await ended(process)
        await lines.aclose()


def parent_of(traceparent: str) -> tuple[str, str]:
    """Trace and span of a header that an upstream got, which says that it is sampled."""
    version, trace, span, flags = traceparent.split("-")
    assert (version, flags) == ("00", "01")
    return trace, span


def place(span: dict[str, Any]) -> tuple[str, int]:
    """Where a request went, as its span says it."""
    said = span["attributes"]
    return said["server.address"], int(said["server.port"])
