"""The experiment: does every conversation find its memory, when its agent has replicas?

Starts replicas of the sample agent, puts a round robin proxy in front of them and then fedgate,
and has many conversations with each: both protocol versions, both HTTP bindings, streamed and
not, half of them with ids minted by the client and first turns in parallel. Every answer is
compared with what that conversation really said. Exit code 0: fedgate had neither a wrong answer
nor an error; 1: it had; 2: something did not start. Above: `a2a_experiment.py`.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.a2a_client import Agent
from bench.a2a_conversation import Conversation, Tally
from bench.a2a_speech import SPEECHES
from bench.processes import BenchError, Child, free_port, running, wait_until_answers
from bench.report import aligned
from fedgate.core.http_client import HttpClient

ROUND_ROBIN, FEDGATE = "round robin", "fedgate"
CARD = "/.well-known/agent-card.json"
START_SECONDS = 60.0
HEAD = [
    "target",
    "replicas",
    "conversations",
    "turns",
    "wrong memories (turns)",
    "errors (turns)",
    "moved (conversations)",
    "time (s)",
]


def main(argv: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(argv)
    rows, failed = [], []
    for target in [options.only] if options.only else [ROUND_ROBIN, FEDGATE]:
        try:
            rows.append(_row(target, options))
        except BenchError as error:
            failed.append(f"{target} FAILED: {error}")
    print(json.dumps(rows, indent=2) if options.json else table(rows))
    sys.stderr.write("".join(f"{line}\n" for line in failed))
    if failed:
        return 2
    return 1 if any(row["target"] == FEDGATE and (row["wrong"] or row["errors"]) for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Conversations with a replicated agent, through two kinds of proxy.")
    parser.add_argument("--conversations", type=int, default=200, help="per target (default 200)")
    parser.add_argument("--turns", type=int, default=10, help="of each conversation (default 10)")
    parser.add_argument("--replicas", type=int, default=3, help="processes of the agent (default 3)")
    parser.add_argument("--concurrency", type=int, default=16, help="conversations at a time (default 16)")
    parser.add_argument("--only", choices=[ROUND_ROBIN, FEDGATE], help="one target alone")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    return parser


def _row(target: str, options: argparse.Namespace) -> dict[str, Any]:
    """One target with replicas of its own, so that none remembers what another target's users said."""
    with tempfile.TemporaryDirectory(prefix="fedgate-a2a-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        urls = [stack.enter_context(_replica(number, folder)) for number in range(1, options.replicas + 1)]
        url = stack.enter_context(_proxy(target, urls, folder))
        started = time.perf_counter()
        tally = asyncio.run(_converse(url, options))
        seconds = time.perf_counter() - started
    return {
        "target": target,
        "replicas": options.replicas,
        "conversations": options.conversations,
        "turns": tally.turns,
        "wrong": tally.wrong,
        "errors": tally.errors,
        "moved": tally.moved,
        "seconds": round(seconds, 2),
        "by_speech": dict(tally.by_speech),
        "examples": tally.examples,
    }


@contextlib.contextmanager
def _replica(number: int, folder: Path) -> Iterator[str]:
    port = free_port()
    words = ["--port", str(port), "--name", f"replica-{number}"]
    with running(f"replica-{number}", [sys.executable, "-m", "fedgate.samples.memory_agent", *words], folder) as child:
        wait_until_answers(child, port, CARD, START_SECONDS)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def _proxy(target: str, urls: list[str], folder: Path) -> Iterator[str]:
    port = free_port()
    if target == ROUND_ROBIN:
        command = [sys.executable, "-m", "bench.a2a_roundrobin", "--port", str(port), *urls]
        with _started(target, command, folder, port, CARD):
            yield f"http://127.0.0.1:{port}"
        return
    manifest = folder / "fedgate.json"
    agents = {"memory": {"instances": urls}}
    manifest.write_text(json.dumps({"gateway": {"listen": f"127.0.0.1:{port}"}, "agents": agents}))
    with _started(target, [sys.executable, "-m", "fedgate", "serve", str(manifest)], folder, port, "/readyz") as child:
        wait_until_answers(child, port, f"/a2a/memory{CARD}", START_SECONDS)
        yield f"http://127.0.0.1:{port}/a2a/memory"


@contextlib.contextmanager
def _started(name: str, command: list[str], folder: Path, port: int, ready: str) -> Iterator[Child]:
    with running(name.replace(" ", "-"), command, folder) as child:
        wait_until_answers(child, port, ready, START_SECONDS)
        yield child


async def _converse(url: str, options: argparse.Namespace) -> Tally:
    http, tally, room = HttpClient(), Tally(), asyncio.Semaphore(options.concurrency)
    agent = Agent(http, url)

    async def one(number: int) -> None:
        # Every combination of speech, streaming and who mints the id comes as often as any other.
        which, rest = number % len(SPEECHES), number // len(SPEECHES)
        stream, minted = bool(rest % 2), bool(rest // 2 % 2)
        conversation = Conversation(agent, SPEECHES[which], number, tally, stream=stream, minted=minted)
        async with room:
            await conversation.run(options.turns)

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(options.conversations):
                group.create_task(one(number))
    finally:
        await http.aclose()
    return tally


def table(rows: list[dict[str, Any]]) -> str:
    keys = ["target", "replicas", "conversations", "turns", "wrong", "errors", "moved", "seconds"]
    lines = aligned([HEAD, *([str(row[key]) for key in keys] for row in rows)])
    examples = [f"  {row['target']}: {example}" for row in rows for example in row["examples"][:2]]
    return "\n".join([*lines, *(["", "for example:", *examples] if examples else [])])
