"""A gateway as a process on a listening socket that its parent holds.

Clients that come while one gateway has ended and the next has not begun wait in the
socket's queue, as they would behind a service manager: a restart is no race for a test.

Usage: `python gateway_child.py MANIFEST FD`. Prints `ready` once its servers are reached.
"""

import asyncio
import os
import socket
import sys
from pathlib import Path

import uvloop

from fedgate.cli.running import ended_by_signals
from fedgate.gateway.app import Gateway
from fedgate.gateway.serve import serve
from fedgate.gateway.settings import Listen
from fedgate.manifest.load import load


def ready(_gateway: Gateway, _listen: Listen) -> None:
    sys.stderr.write("ready\n")
    sys.stderr.flush()


async def main(manifest: Path, sock: socket.socket) -> None:
    gateway = Gateway(load([manifest], os.environ))
    try:
        await serve(gateway, sock, ready)
    finally:
        gateway.access_log.close()


if __name__ == "__main__":
    with ended_by_signals(), asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(Path(sys.argv[1]), socket.socket(fileno=int(sys.argv[2]))))
