"""What one part of a call costs, measured apart from any gateway: a process of its own that does nothing else.

The metrics and the access line cannot be switched off, so no comparison of two gateways shows their cost. Here the
gateway's own outermost stage (`gateway/observe.py`) ends calls that an inner stage answers at once: with the part and
without it by turns, in slices. The cost is the difference in CPU time, threads included, which is where the line is
written (to /dev/null). In a gateway caches are colder: it is a floor, not a share of the table's other figures.

Usage: `python -m bench.micro PART --protocol mcp --calls 100000`; it says one line of JSON.
Above: `measure_policies.py`. Below: `micro_calls.py` (what the calls are), the package.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from statistics import median
from typing import get_args

import uvloop

from bench.issuer import issue
from bench.micro_calls import OPERATIONS, Protocol, call_of, count, facts_of, fill
from bench.policies import MICROS, RULES, issuer
from fedgate.access.judge import Judge, Members
from fedgate.access.jwt_settings import JwtIssuer
from fedgate.access.rule_settings import RuleSettings
from fedgate.access.rules import Rules
from fedgate.access.tokens import Tokens
from fedgate.core.call import Call, Handler, Reply
from fedgate.core.clock import SystemClock
from fedgate.core.http_client import HttpClient
from fedgate.core.values import MANIFEST
from fedgate.gateway.observe import Lines, Observe, Watcher
from fedgate.telemetry.access_log import AccessLog
from fedgate.telemetry.lines import Ended
from fedgate.telemetry.live import Live
from fedgate.telemetry.metrics import Metrics
from fedgate.telemetry.stories import Stories
from fedgate.telemetry.writer import Format

SLICE = 5_000
"""Calls of one turn: fewer than lines may wait, so that none is dropped."""
KEPT = 1_000
"""Stories that are kept: the manifest's default."""

LINES: Mapping[str, Format] = {"json": "json", "logfmt": "logfmt"}
"""Parts that write lines, and in which form."""

Turn = Callable[[int], Awaitable[None]]
"""One call, by its number."""
Work = Callable[[], AbstractContextManager[Turn]]
"""Begins a slice; when it is left, all is done that its calls caused."""


class Nobody:
    """Neither counts nor writes."""

    def request(self, ended: Ended) -> None:
        pass

    def write(self, ended: Ended) -> None:
        pass


def answering(protocol: Protocol, metrics: Metrics | None) -> Handler:
    """What stands below `observe`: notes what stages note, counts what they count, answers at once."""
    reply = Reply(200, (), b"{}")

    async def handler(call: Call) -> Reply:
        fill(call.record, protocol)
        if metrics is not None:
            count(metrics, protocol)
        return reply

    return handler


def observing(part: str, protocol: Protocol) -> Work:
    """The stage with one part at work; `nothing`: with none."""
    clock = SystemClock()
    metrics = Metrics("bench") if part == "metrics" else None
    watchers: Sequence[Watcher] = (Live(clock), Stories(KEPT)) if part == "views" else ()
    inner = answering(protocol, metrics)

    @contextlib.contextmanager
    def begun() -> Iterator[Turn]:
        with _lines(part) as lines:
            observe = Observe(metrics or Nobody(), lines, clock, frozenset(OPERATIONS.values()), watchers)

            async def turn(number: int) -> None:
                await observe(call_of(protocol, number, clock.monotonic()), inner)

            yield turn

    return begun


@contextlib.contextmanager
def _lines(part: str) -> Iterator[Lines]:
    """Where lines go; until all are written, if any are."""
    if part not in LINES:
        yield Nobody()
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        with AccessLog(sink, LINES[part]) as log:
            yield log
        if log.dropped:
            raise RuntimeError(f"{log.dropped} lines were dropped: the figure would be of less work")
    finally:
        os.close(sink)


def judging(protocol: Protocol) -> Work:
    """The five rules, on values that they have not seen before."""
    judge = Judge(Rules.of(RuleSettings(deny=rule) for rule in RULES), Members())
    call = call_of(protocol, 0, 0.0)

    async def turn(number: int) -> None:
        if not judge.verdict(call, facts_of(protocol, number)).allowed:
            raise RuntimeError("a rule of the benchmark denies: the figure would be of less work")

    return lambda: contextlib.nullcontext(turn)


def verifying(_protocol: Protocol) -> Work:
    """A token that was never seen: its form, its signature, its claims. The digest is what makes it another one."""
    issued, clock = issue(), SystemClock()
    entry = JwtIssuer.model_validate(issuer(issued.keys), context=MANIFEST)
    tokens, token = Tokens([entry], HttpClient(clock=clock), clock), issued.token.encode()

    async def turn(number: int) -> None:
        await tokens.verify(token, b"%d" % number)

    return lambda: contextlib.nullcontext(turn)


def building(protocol: Protocol) -> Work:
    """What `judging` does beside judging."""

    async def turn(number: int) -> None:
        facts_of(protocol, number)

    return lambda: contextlib.nullcontext(turn)


def idling(_protocol: Protocol) -> Work:
    """Turns in which nothing happens."""

    async def turn(_number: int) -> None:
        pass

    return lambda: contextlib.nullcontext(turn)


def works(part: str, protocol: Protocol) -> tuple[Work, Work]:
    """With the part and without it."""
    if part == "rules":
        return judging(protocol), building(protocol)
    if part == "token":
        return verifying(protocol), idling(protocol)
    return observing(part, protocol), observing("nothing", protocol)


async def seconds(work: Work, first: int, calls: int) -> float:
    """CPU time of so many calls, with what other threads do of them."""
    began = time.process_time()
    with work() as turn:
        for number in range(first, first + calls):
            await turn(number)
    return time.process_time() - began


async def measure(part: str, protocol: Protocol, calls: int) -> float:
    """CPU µs of the part in one call: the median over slices of about `SLICE` calls."""
    full, bare = works(part, protocol)
    slices = max(1, round(calls / SLICE))
    size = max(1, calls // slices)
    costs = []
    for first in range(0, (slices + 1) * size, size):
        without = await seconds(bare, first, size)
        costs.append((await seconds(full, first, size) - without) / size * 1e6)
    return median(costs[1:])  # the first one fills caches


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="what one part of a call costs")
    parser.add_argument("part", choices=list(MICROS.values()))
    parser.add_argument("--protocol", choices=get_args(Protocol), default="mcp")
    parser.add_argument("--calls", type=int, default=100_000)
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    given = parse(arguments)
    gc.collect()
    gc.freeze()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        cost = runner.run(measure(given.part, given.protocol, given.calls))
    sys.stdout.write(json.dumps({"us": cost, "calls": given.calls}) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
