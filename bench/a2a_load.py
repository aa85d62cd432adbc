"""The A2A load generator: conversations over kept connections, a process of its own (`load.py`).

Usage: `python -m bench.a2a_load URL --mode send --sessions 16 --seconds 4 --key KEY`.
Modes: `send`, `task` (the answer is a task), `rest`, `legacy` (0.3), `stream` (`--count` events
`--gap` ms apart), `pins` (first phase: `--pins` conversations begin; later ones: further turns of them).
Above: `driver.py`. Below: `a2a_caller.py`.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.a2a_caller import Conversation, Framing
from bench.http_client import Connection, Wrong
from bench.load import LEAST_SECONDS, Operation, Phase, Tally, repeat, run
from bench.streams import Wish

SPEECHES = {"rest": "rest", "legacy": "legacy"}
OPENERS = 32
"""Connections over which many conversations begin."""
LEAST_TURNS = 12_000
"""Turns before few and many pins are compared: more than the gateway remembers messages."""
STRIDE = 7919
"""A prime: conversations are taken up in no order that a cache would like."""


@dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    url: str
    mode: str
    sessions: int
    seconds: float
    key: str
    count: int
    gap: int
    pins: int


class A2aLoad:
    """The conversations of one run and what is done with them."""

    def __init__(self, plan: Plan) -> None:
        parts = urlsplit(plan.url)
        self._plan = plan
        self._framing = Framing(parts.netloc, plan.key, SPEECHES.get(plan.mode, "jsonrpc"))
        self._connections = [Connection(parts.hostname or "", parts.port or 80) for _ in range(plan.sessions)]
        self._openers = [Connection(parts.hostname or "", parts.port or 80) for _ in range(OPENERS)]
        self._conversations = [Conversation(self._framing) for _ in range(max(plan.sessions, plan.pins))]

    async def open(self) -> None:
        """Begin the conversations that there are at first; with pins that is a phase of its own."""
        if self._plan.mode != "pins":
            pairs = enumerate(zip(self._conversations, self._connections, strict=True))
            stamp = f"{time.monotonic():.3f}"
            # Each in a message of its own: the same message again would go where the first one went.
            hellos = (each.send(connection, f"hello{number}.{stamp}") for number, (each, connection) in pairs)
            await asyncio.gather(*hellos)

    def phases(self) -> list[Phase]:
        return [self._begin, self._drive] if self._plan.mode == "pins" else [self._drive]

    async def close(self) -> None:
        for connection in (*self._connections, *self._openers):
            connection.close()

    async def _begin(self, tally: Tally) -> None:
        """A first turn of every conversation, which the gateway pins, and further ones if they are few."""
        turns = max(len(self._conversations), LEAST_TURNS)

        async def some(lane: int, lanes: int) -> None:
            for turn in range(lane, turns, lanes):
                start = time.perf_counter()
                conversation = self._conversations[turn % len(self._conversations)]
                try:
                    await conversation.send(self._openers[lane], f"b{turn}")
                except Wrong as error:
                    tally.failures.append(str(error))
                    return
                tally.latencies.append(time.perf_counter() - start)

        # No two turns of one conversation at the same time.
        lanes = min(OPENERS, len(self._conversations))
        lanes = next(each for each in range(lanes, 0, -1) if len(self._conversations) % each == 0)
        await asyncio.gather(*(some(lane, lanes) for lane in range(lanes)))

    async def _drive(self, tally: Tally) -> None:
        plan = self._plan
        if plan.mode == "stream":
            await asyncio.gather(*(self._streams(number, tally) for number in range(plan.sessions)))
        else:
            await asyncio.gather(*(repeat(self._operation(number), tally) for number in range(plan.sessions)))

    def _operation(self, number: int) -> Operation:
        connection, sessions = self._connections[number], self._plan.sessions
        mine = self._conversations[number::sessions]
        kind = "task" if self._plan.mode == "task" else "plain"
        stamp = f"{time.monotonic():.3f}"

        async def send(turn: int) -> None:
            await mine[turn * STRIDE % len(mine)].send(connection, f"{number}.{turn}.{stamp}", kind)

        return send

    async def _streams(self, number: int, tally: Tally) -> None:
        """Streams one after the other; those of all sessions are spread over the pause between two events."""
        plan = self._plan
        conversation, connection = self._conversations[number], self._connections[number]
        await asyncio.sleep(number / plan.sessions * plan.gap / 1000)
        turn = 0
        while not tally.enough(time.perf_counter()):
            turn += 1
            wish = Wish(f"{number}.{turn}.{time.monotonic():.3f}", "stream", plan.count, plan.gap)
            try:
                lags = await conversation.stream(connection, wish)
            except Wrong as error:
                tally.failures.append(str(error))
                return
            tally.latencies += lags


def parse(arguments: list[str]) -> Plan:
    parser = argparse.ArgumentParser(description="A2A load generator")
    parser.add_argument("url")
    parser.add_argument("--mode", choices=("send", "task", "rest", "legacy", "stream", "pins"), default="send")
    parser.add_argument("--sessions", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=LEAST_SECONDS)
    parser.add_argument("--key", default="")
    parser.add_argument("--count", type=int, default=50, help="events of one stream")
    parser.add_argument("--gap", type=int, default=20, help="milliseconds between two of them")
    parser.add_argument("--pins", type=int, default=0, help="conversations, if more than sessions")
    return Plan(**vars(parser.parse_args(arguments)))


def main() -> int:
    plan = parse(sys.argv[1:])
    return run(lambda: A2aLoad(plan), plan.seconds)


if __name__ == "__main__":
    sys.exit(main())
