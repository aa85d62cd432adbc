"""Runs every check against a base URL and says what passed, what failed, and what did not apply.

python tests/a2a_conformance/run.py URL [--speech 1.0/jsonrpc] [--only SEND] [--json]
"""

import asyncio
import itertools
import queue
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal
from uuid import uuid4

from bench.a2a_client import Agent
from bench.a2a_speech import SPEECHES, name
from fedgate.a2a.values import Speech
from fedgate.core.errors import GatewayError
from fedgate.core.http_client import HttpClient
from tests.a2a_conformance import (
    checks_card,
    checks_protocol,
    checks_push,
    checks_send,
    checks_stream,
    checks_tasks,
)
from tests.a2a_conformance.kit import CHECKS, Check, Failed, Peer, Skipped

AT_ONCE = 6
CHECK_SECONDS = 60.0
MODULES = (checks_card, checks_send, checks_stream, checks_tasks, checks_push, checks_protocol)
"""Imported so that their checks are in the table."""

Verdict = Literal["pass", "fail", "skip"]


@dataclass(frozen=True)
class Outcome:
    """What one check said in one speech."""

    verdict: Verdict
    detail: str = ""


Results = dict[str, Outcome]
"""By `ID speech`."""


async def run(url: str, speeches: Collection[Speech] = SPEECHES, only: Sequence[str] = ()) -> Results:
    """Every check in every speech it is meant for; `only`: those whose id begins so."""
    http, room, marks = HttpClient(), asyncio.Semaphore(AT_ONCE), itertools.count(1)
    agent, run_id = Agent(http, url), uuid4().hex[:8]
    wanted = [
        (each, speech)
        for each in CHECKS
        for speech in each.speeches
        if speech in speeches and (not only or each.id.startswith(tuple(only)))
    ]

    async def one(each: Check, speech: Speech) -> Outcome:
        async with room:
            return await _outcome(each, Peer(agent, speech, f"{run_id}-{next(marks)}"))

    try:
        outcomes = await asyncio.gather(*(one(each, speech) for each, speech in wanted))
    finally:
        await http.aclose()
    return {key(each, speech): outcome for (each, speech), outcome in zip(wanted, outcomes, strict=True)}


def key(each: Check, speech: Speech) -> str:
    return f"{each.id} {name(speech)}"


async def _outcome(each: Check, peer: Peer) -> Outcome:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await each.run(peer)
    except Skipped as why:
        return Outcome("skip", str(why))
    except Failed as why:
        return Outcome("fail", str(why))
    except queue.Empty:
        return Outcome("fail", "nobody called back in time")
    except TimeoutError:
        return Outcome("fail", f"not within {CHECK_SECONDS:g} s")
    except (GatewayError, LookupError, AttributeError, TypeError, ValueError, StopAsyncIteration) as error:
        # What an answer of another shape makes of a check that reads it.
        return Outcome("fail", f"{type(error).__name__}: {error}"[:400])
    return Outcome("pass")


def better() -> set[str]:
    """Keys of checks that a gateway must pass, whatever the SDK's own server does."""
    return {key(each, speech) for each in CHECKS if each.better for speech in each.speeches}


def counted(results: Results) -> dict[Verdict, int]:
    verdicts = [outcome.verdict for outcome in results.values()]
    return {"pass": verdicts.count("pass"), "fail": verdicts.count("fail"), "skip": verdicts.count("skip")}


def as_json(results: Results) -> dict[str, Any]:
    return {each: asdict(outcome) for each, outcome in results.items()}
