"""The A2A load generator: conversations over kept connections, a process of its own (`load.py`).

Usage: `python -m bench.a2a_load URL --mode send --sessions 16 --seconds 4 --key KEY`.
Modes: `send`, `task` (the answer is a task), `rest`, `legacy` (0.3), `stream` (`--count` events
`--gap` ms apart), `pins` (first phase: `--pins` conversations begin; later ones: further turns of them).
Above: `driver.py`. Below: `a2a_caller.py`, `talk_load.py`.
"""

import asyncio
import sys
import time
from dataclasses import dataclass

from bench.a2a_caller import Conversation, Framing
from bench.http_client import Wrong
from bench.load import Operation, Phase, Tally, run
from bench.streams import Wish
from bench.talk_load import TalkLoad, TalkPlan, parser

SPEECHES = {"rest": "rest", "legacy": "legacy"}
OPENERS = 32
"""Connections over which many conversations begin."""
LEAST_TURNS = 12_000
"""Turns before few and many pins are compared: more than the gateway remembers messages."""
STRIDE = 7919
"""A prime: conversations are taken up in no order that a cache would like."""


@dataclass(frozen=True)
class A2aPlan(TalkPlan):
    """What the command line asks for."""

    pins: int


class A2aLoad(TalkLoad):
    """The conversations of one run and what is done with them."""

    def __init__(self, plan: A2aPlan) -> None:
        super().__init__(plan)
        self._plan = plan
        self._framing = Framing(plan.host, plan.key, SPEECHES.get(plan.mode, "jsonrpc"))
        self._openers = [plan.connection() for _ in range(OPENERS)]
        self._conversations = [Conversation(self._framing) for _ in range(max(plan.sessions, plan.pins))]
        self._stamp = ""

    def _word(self, number: int, turn: int) -> str:
        """The same message again would go where the first one went: each phase has words of its own."""
        return f"{super()._word(number, turn)}.{self._stamp}"

    async def open(self) -> None:
        """Begin the conversations that there are at first; with pins that is a phase of its own."""
        self._stamp = f"hello.{time.monotonic():.3f}"
        if self._plan.mode != "pins":
            pairs = enumerate(zip(self._conversations, self._connections, strict=True))
            hellos = (each.send(connection, self._word(number, 0)) for number, (each, connection) in pairs)
            await asyncio.gather(*hellos)

    def phases(self) -> list[Phase]:
        return [self._begin, self._drive] if self._plan.mode == "pins" else [self._drive]

    async def close(self) -> None:
        await super().close()
        for connection in self._openers:
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
        self._stamp = f"{time.monotonic():.3f}"
        await super()._drive(tally)

    def _operation(self, number: int) -> Operation:
        connection = self._connections[number]
        mine = self._conversations[number :: self._plan.sessions]
        kind = "task" if self._plan.mode == "task" else "plain"

        async def send(turn: int) -> None:
            await mine[turn * STRIDE % len(mine)].send(connection, self._word(number, turn), kind)

        return send

    async def _stream(self, number: int, wish: Wish) -> list[float]:
        return await self._conversations[number].stream(self._connections[number], wish)


def parse(arguments: list[str]) -> A2aPlan:
    words = parser("A2A load generator", ("send", "task", "rest", "legacy", "stream", "pins"))
    words.add_argument("--pins", type=int, default=0, help="conversations, if more than sessions")
    return A2aPlan(**vars(words.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(run(A2aLoad, parse(sys.argv[1:])))
