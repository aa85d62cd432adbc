"""A gateway in the foreground: logging, signals, the announcement, and the end.

uvicorn takes SIGINT and SIGTERM while it serves and raises them again once it has shut
down; asyncio's own answer to that SIGINT would cancel the rest of the shutdown, and the
system's answer to SIGTERM would end the process in the middle of it. So both become one
`KeyboardInterrupt`, which lets every `finally` below finish.
"""

import sys
from collections.abc import Callable

from ..gateway.app import Gateway
from ..gateway.serve import Origin, run
from ..gateway.settings import Listen
from ..manifest.model import Manifest
from ..telemetry.logs import setup_logging
from .announce import announcement, as_json
from .screen import wants_colour, width
from .signals import ended_by_signals

__all__ = ["ended_by_signals", "foreground"]

Extra = Callable[[Gateway, Listen], str]
"""More to say after the announcement."""


def _nothing(_gateway: Gateway, _listen: Listen) -> str:
    return ""


def foreground(
    manifest: Manifest, *, log_level: str, json: bool, extra: Extra = _nothing, origin: Origin | None = None
) -> None:
    """Serve until SIGINT or SIGTERM. `origin`: where the manifest is read again. Raises `CannotListen`."""

    def announce(gateway: Gateway, listen: Listen) -> None:
        if json:
            sys.stderr.write(as_json(gateway, listen) + "\n")  # one write: a log line may come between two
            sys.stderr.flush()
            return
        text = announcement(gateway, listen, limit=width(sys.stderr), colour=wants_colour(sys.stderr))
        print(f"\n{text}{extra(gateway, listen)}", file=sys.stderr, flush=True)

    undo = setup_logging(log_level, manifest.telemetry.log.format)
    try:
        with ended_by_signals():
            run(manifest, announce, origin)
    finally:
        undo()
