"""The load generator for models: chat completions over kept connections, a process of its own (`load.py`).

Usage: `python -m bench.llm_load URL --mode json --sessions 16 --seconds 4 --key KEY`.
Modes: `json`, `stream` (streams of `--count` events `--gap` ms apart, one after the other in each
session), `hold` (one stream per session, all open at the same time). Above: `driver.py`. Below: `llm_caller.py`.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.http_client import Connection, Wrong
from bench.llm_caller import complete, framer, listen
from bench.load import LEAST_SECONDS, Operation, Phase, Tally, repeat, run
from bench.streams import Wish


@dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    url: str
    mode: str
    sessions: int
    seconds: float
    key: str
    model: str
    count: int
    gap: int


class LlmLoad:
    """The connections of one run and what is done with them."""

    def __init__(self, plan: Plan) -> None:
        parts = urlsplit(plan.url)
        self._plan = plan
        self._framed = framer(parts.netloc, plan.key, plan.model, stream=plan.mode != "json")
        self._connections = [Connection(parts.hostname or "", parts.port or 80) for _ in range(plan.sessions)]

    async def open(self) -> None:
        """One completion, to see that somebody answers."""
        if self._plan.mode == "json":
            await self._operation(0)(0)
        else:
            await self._stream(0, Wish("hello", "stream", 1, 0))

    def phases(self) -> list[Phase]:
        return [self._drive]

    async def close(self) -> None:
        for connection in self._connections:
            connection.close()

    async def _drive(self, tally: Tally) -> None:
        work = {"json": self._repeat, "stream": self._streams, "hold": self._hold}[self._plan.mode]
        await asyncio.gather(*(work(number, tally) for number in range(self._plan.sessions)))

    async def _repeat(self, number: int, tally: Tally) -> None:
        await repeat(self._operation(number), tally)

    def _operation(self, number: int) -> Operation:
        connection = self._connections[number]

        async def ask(turn: int) -> None:
            wish = Wish(f"{number}.{turn}")
            await complete(connection, self._framed(wish), wish.word)

        return ask

    async def _stream(self, number: int, wish: Wish) -> list[float]:
        return await listen(self._connections[number], self._framed(wish), wish)

    async def _streams(self, number: int, tally: Tally) -> None:
        """Streams one after the other; those of all sessions are spread over the pause between two events."""
        await self._hold(number, tally)
        turn = 0
        while not tally.enough(time.perf_counter()):
            turn += 1
            await self._one(number, turn, tally)

    async def _hold(self, number: int, tally: Tally) -> None:
        plan = self._plan
        await asyncio.sleep(number / plan.sessions * plan.gap / 1000)
        await self._one(number, 0, tally)

    async def _one(self, number: int, turn: int, tally: Tally) -> None:
        wish = Wish(f"{number}.{turn}", "stream", self._plan.count, self._plan.gap)
        try:
            tally.latencies += await self._stream(number, wish)
        except Wrong as error:
            tally.failures.append(str(error))


def parse(arguments: list[str]) -> Plan:
    parser = argparse.ArgumentParser(description="load generator for models")
    parser.add_argument("url")
    parser.add_argument("--mode", choices=("json", "stream", "hold"), default="json")
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=LEAST_SECONDS)
    parser.add_argument("--key", default="")
    parser.add_argument("--model", default="bench")
    parser.add_argument("--count", type=int, default=50, help="events of one stream")
    parser.add_argument("--gap", type=int, default=20, help="milliseconds between two of them")
    return Plan(**vars(parser.parse_args(arguments)))


def main() -> int:
    plan = parse(sys.argv[1:])
    return run(lambda: LlmLoad(plan), plan.seconds)


if __name__ == "__main__":
    sys.exit(main())
