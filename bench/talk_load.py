"""What the load generators of agents and of models share: kept connections, requests again and again, streams.

Above: `a2a_load.py`, `llm_load.py`, which know the protocols. Below: `load.py`, `streams.py`.
"""

import argparse
import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bench import load
from bench.http_client import Wrong
from bench.load import Operation, Phase, Plan, Tally, repeat
from bench.streams import Wish

Work = Callable[[int, Tally], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class TalkPlan(Plan):
    """What the command line asks for. `gap` in milliseconds."""

    count: int
    gap: int


class TalkLoad(ABC):
    """Connections, one for each session, and what is done on them."""

    def __init__(self, plan: TalkPlan) -> None:
        self._talk = plan
        self._connections = [plan.connection() for _ in range(plan.sessions)]

    @abstractmethod
    async def open(self) -> None:
        """Raises `Wrong`."""

    @abstractmethod
    def _operation(self, number: int) -> Operation:
        """What session `number` repeats."""

    @abstractmethod
    async def _stream(self, number: int, wish: Wish) -> list[float]:
        """One stream of session `number`: the lag of every event. Raises `Wrong`."""

    def _word(self, number: int, turn: int) -> str:
        """Of one request, unlike any other's."""
        return f"{number}.{turn}"

    def phases(self) -> list[Phase]:
        return [self._drive]

    async def close(self) -> None:
        for connection in self._connections:
            connection.close()

    def _work(self) -> Work:
        return self._streams if self._talk.mode == "stream" else self._repeat

    async def _drive(self, tally: Tally) -> None:
        work = self._work()
        await asyncio.gather(*(work(number, tally) for number in range(self._talk.sessions)))

    async def _repeat(self, number: int, tally: Tally) -> None:
        await repeat(self._operation(number), tally)

    async def _streams(self, number: int, tally: Tally) -> None:
        """Streams one after the other; those of all sessions are spread over the pause between two events."""
        await self._hold(number, tally)
        turn = 0
        while not tally.enough(time.perf_counter()):
            turn += 1
            await self._one(number, turn, tally)

    async def _hold(self, number: int, tally: Tally) -> None:
        plan = self._talk
        await asyncio.sleep(number / plan.sessions * plan.gap / 1000)
        await self._one(number, 0, tally)

    async def _one(self, number: int, turn: int, tally: Tally) -> None:
        wish = Wish(self._word(number, turn), "stream", self._talk.count, self._talk.gap)
        try:
            tally.latencies += await self._stream(number, wish)
        except Wrong as error:
            tally.failures.append(str(error))


def parser(about: str, modes: Sequence[str]) -> argparse.ArgumentParser:
    """For what a `TalkPlan` asks; the first mode is the default."""
    made = load.parser(about, modes)
    made.add_argument("--count", type=int, default=50, help="events of one stream")
    made.add_argument("--gap", type=int, default=20, help="milliseconds between two of them")
    return made
