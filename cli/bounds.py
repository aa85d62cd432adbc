"""A command's work in an event loop of its own: ended by SIGTERM, and by its time-out, with a sentence."""

import asyncio
import signal
from argparse import Namespace
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from ..telemetry.logs import setup_logging
from .stop import UNREACHABLE, Stop

TERMINATED = 143


@contextmanager
def logged(arguments: Namespace) -> Iterator[None]:
    """What is logged meanwhile goes to standard error, from `--log-level` on."""
    undo = setup_logging(arguments.log_level)
    try:
        yield
    finally:
        undo()


def bounded(arguments: Namespace, work: Callable[[], Awaitable[int]]) -> int:
    """Run `work` to its end or until SIGTERM, after which it cleans up too. Its `TimeoutError` becomes a `Stop`."""

    async def main() -> int:
        task = asyncio.current_task()
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        try:
            return await work()
        except TimeoutError:
            raise Stop(
                f"no answer within {arguments.timeout:g} s", UNREACHABLE, f"--timeout {arguments.timeout * 3:g}"
            ) from None

    try:
        return asyncio.run(main())
    except asyncio.CancelledError:
        return TERMINATED
