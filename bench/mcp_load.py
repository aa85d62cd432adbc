"""The MCP load generator, a process of its own.

It opens its sessions and uses them; when input ends it ends them and leaves.

Usage: `python -m bench.mcp_load URL --mode call --sessions 16 --seconds 4 --key KEY`.
Modes: `call` (round robin over the listed tools), `list`, `open` (initialize, initialized,
DELETE; modern: `server/discover`), `hold` (first phase: open the sessions and keep them;
second: open `--streams` GET streams). Above: `driver.py`. Below: `load.py`, `mcp_client.py`.
"""

import asyncio
import sys
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.http_client import Connection, Wrong
from bench.load import Operation, Phase, Plan, Tally, parser, repeat, run
from bench.mcp_client import Framing, Session

CATALOG_WAIT = 15.0
HELD_CONNECTIONS = 16
TEXT = "Summarise what changed since the last release, in one sentence."


@dataclass(frozen=True)
class McpPlan(Plan):
    """What the command line asks for."""

    era: str
    tools: int
    skip: str
    streams: int
    least: int


class Load:
    """The sessions of one run and what is done with them."""

    def __init__(self, plan: McpPlan) -> None:
        self._plan = plan
        self._connections: list[Connection] = []
        self._names: list[str] = []
        self.sessions = [self._session() for _ in range(1 if plan.mode == "hold" else plan.sessions)]

    def phases(self) -> list[Phase]:
        return [self._hold, self._listen] if self._plan.mode == "hold" else [self._drive]

    async def open(self) -> None:
        """Open all sessions and wait (15 s at most) until the catalog has the tools it should have."""
        await asyncio.gather(*(each.open() for each in self.sessions))
        deadline = time.perf_counter() + CATALOG_WAIT
        while True:
            names = await self.sessions[0].tools()
            if len(names) >= self._plan.tools:
                break
            if time.perf_counter() > deadline:
                raise Wrong(f"{len(names)} tools listed after {CATALOG_WAIT:.0f} s, not {self._plan.tools}")
            await asyncio.sleep(0.05)
        self._names = [name for name in names if not (self._plan.skip and name.startswith(self._plan.skip))]
        for name in self._names[:20]:
            await self.sessions[0].call(name, TEXT)

    async def close(self) -> None:
        for session in self.sessions:
            try:
                await session.end()
            except Wrong:
                break  # the gateway is gone or going; nothing is measured any more
        for connection in self._connections:
            connection.close()

    def _session(self, connection: Connection | None = None) -> Session:
        plan = self._plan
        if connection is None:
            connection = plan.connection()
            self._connections.append(connection)
        return Session(connection, Framing(plan.host, urlsplit(plan.url).path, plan.key, plan.era))

    async def _drive(self, tally: Tally) -> None:
        sessions = enumerate(self.sessions)
        # Sessions start at different tools.
        await asyncio.gather(*(repeat(self._operation(*each), tally, each[0] * 7) for each in sessions))

    def _operation(self, number: int, session: Session) -> Operation:
        async def call(turn: int) -> None:
            await session.call(self._names[turn % len(self._names)], f"{number}.{turn} {TEXT}")

        async def listed(_: int) -> None:
            if (count := len(await session.tools())) < self._plan.least:
                raise Wrong(f"{count} tools listed, not {self._plan.least}")

        async def opened(_: int) -> None:
            await session.open()
            await session.end()

        return {"call": call, "list": listed, "open": opened}[self._plan.mode]

    async def _hold(self, tally: Tally) -> None:
        """Open `sessions` more sessions over few connections and keep them."""
        lines = [self._session() for _ in range(HELD_CONNECTIONS)]

        async def fill(first: int) -> None:
            for number in range(first, self._plan.sessions, HELD_CONNECTIONS):
                session = lines[first] if number == first else self._session(lines[first].connection)
                await self._count(session.open(), tally)
                self.sessions.append(session)

        await asyncio.gather(*(fill(first) for first in range(HELD_CONNECTIONS)))

    async def _listen(self, tally: Tally) -> None:
        """Open a GET stream on as many of the held sessions as `streams` says, each on its own connection."""
        for held in self.sessions[1 : 1 + self._plan.streams]:
            stream = self._session()
            stream.framing = held.framing
            await self._count(stream.listen(), tally)
            if tally.failures:
                break

    async def _count(self, work: Awaitable[None], tally: Tally) -> None:
        start = time.perf_counter()
        try:
            await work
        except Wrong as error:
            tally.failures.append(str(error))
        else:
            tally.latencies.append(time.perf_counter() - start)


def parse(arguments: list[str]) -> McpPlan:
    words = parser("MCP load generator", ("call", "list", "open", "hold"))
    words.add_argument("--era", choices=("legacy", "modern"), default="legacy")
    words.add_argument("--tools", type=int, default=1, help="how many tools the catalog must have at first")
    words.add_argument("--least", type=int, default=1, help="how many tools each listing must have")
    words.add_argument("--skip", default="", help="do not call tools whose name starts so")
    words.add_argument("--streams", type=int, default=0)
    return McpPlan(**vars(words.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(run(Load, parse(sys.argv[1:])))
