"""The load generator for models: chat completions over kept connections, a process of its own (`load.py`).

Usage: `python -m bench.llm_load URL --mode json --sessions 16 --seconds 4 --key KEY`.
Modes: `json`, `stream` (streams of `--count` events `--gap` ms apart, one after the other in each
session), `hold` (one stream per session, all open at the same time). Above: `driver.py`. Below: `llm_caller.py`,
`talk_load.py`.
"""

import sys
from dataclasses import dataclass

from bench.llm_caller import complete, framer, listen
from bench.load import Operation, run
from bench.streams import Wish
from bench.talk_load import TalkLoad, TalkPlan, Work, parser


@dataclass(frozen=True)
class LlmPlan(TalkPlan):
    """What the command line asks for."""

    model: str


class LlmLoad(TalkLoad):
    """The connections of one run and what is done with them."""

    def __init__(self, plan: LlmPlan) -> None:
        super().__init__(plan)
        self._plan = plan
        self._framed = framer(plan.host, plan.key, plan.model, stream=plan.mode != "json")

    async def open(self) -> None:
        """One completion, to see that somebody answers."""
        if self._plan.mode == "json":
            await self._operation(0)(0)
        else:
            await self._stream(0, Wish("hello", "stream", 1, 0))

    def _work(self) -> Work:
        return self._hold if self._plan.mode == "hold" else super()._work()

    def _operation(self, number: int) -> Operation:
        connection = self._connections[number]

        async def ask(turn: int) -> None:
            wish = Wish(self._word(number, turn))
            await complete(connection, self._framed(wish), wish.word)

        return ask

    async def _stream(self, number: int, wish: Wish) -> list[float]:
        return await listen(self._connections[number], self._framed(wish), wish)


def parse(arguments: list[str]) -> LlmPlan:
    words = parser("load generator for models", ("json", "stream", "hold"))
    words.add_argument("--model", default="bench")
    return LlmPlan(**vars(words.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(run(LlmLoad, parse(sys.argv[1:])))
