"""Run a gateway on its address until it is told to stop (SIGINT, SIGTERM).

The listener is bound before anything starts, so that an address in use is a sentence and
not a traceback. On the way out streams are ended first: otherwise open listeners would
hold the server up for as long as their clients like.
"""

import asyncio
import atexit
import contextlib
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvicorn

from ..core.garbage import made_to_stay, set_aside
from ..core.tasks import Tasks
from ..manifest.model import Manifest
from .app import Gateway
from .http_protocol import BoundedProtocol
from .reload import Load
from .settings import Listen

KEEP_ALIVE = 75
"""Seconds that an idle client connection is kept (nginx's default, longer than common client pools)."""
DRAIN = 10
"""Seconds that calls under way may take to end at shutdown."""

SETTLING = 3.0
"""Seconds to wait with the announcement for servers and agents that are still being reached."""

Announce = Callable[[Gateway, Listen], object]


class Origin(NamedTuple):
    """Where the manifest came from, to be read again: how, and which files to watch."""

    load: Load
    paths: Callable[[], list[Path]]


class CannotListen(OSError):
    """The address cannot be bound; `str(error)` says why and what to try."""


def bind(listen: Listen) -> socket.socket:
    """A bound socket. Raises `CannotListen`."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((listen.host, listen.port))
        sock.listen(2048)
    except OSError as error:
        sock.close()
        hint = "is another gateway running? set gateway.listen to another port" if error.errno == 98 else "check it"
        raise CannotListen(f"cannot listen on {listen}: {error.strerror}; {hint}") from error
    sock.setblocking(False)
    return sock


def address_of(sock: socket.socket) -> Listen:
    """Where a bound socket listens."""
    host, port = sock.getsockname()[:2]
    return Listen(host, port)


class _Server(uvicorn.Server):
    """uvicorn's server, which first lets the gateway end its streams."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._gateway.drain()
        await super().shutdown(sockets)
        # uvicorn would raise them again now, in the middle of our own clean-up.
        self._captured_signals.clear()


async def serve(gateway: Gateway, sock: socket.socket, announce: Announce, origin: Origin | None = None) -> None:
    """Serve on a bound socket until a signal comes. `announce` is called in the background once it listens.

    With an `origin` the manifest is read again when its files change, and on SIGHUP.
    """
    config = uvicorn.Config(
        gateway.asgi,
        http=BoundedProtocol,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        proxy_headers=False,  # whoever is near may write them: the peer is who connects
        timeout_graceful_shutdown=DRAIN,
    )
    server = _Server(config, gateway)
    helpers = Tasks("announcement")
    atexit.register(gateway.processes.kill_all_nowait)
    gateway.start()
    if origin is not None:
        gateway.reloader.watch(origin.paths)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, gateway.reloader.ask, "SIGHUP")
    helpers.start(_settled(gateway, address_of(sock), announce), "announce")
    try:
        await server.serve(sockets=[sock])
    finally:
        await helpers.aclose()
        await gateway.aclose()
        atexit.unregister(gateway.processes.kill_all_nowait)


async def _settled(gateway: Gateway, listen: Listen, announce: Announce) -> None:
    """Announce when every server and agent has been reached or failed, or has taken too long."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLING):
            await gateway.settled()
    announce(gateway, listen)
    set_aside()


def run(manifest: Manifest, announce: Announce, origin: Origin | None = None) -> None:
    """Bind, serve, clean up. Raises `CannotListen`."""
    import uvloop

    sock = bind(manifest.gateway.listen)

    async def main() -> None:
        with made_to_stay():
            gateway = Gateway(manifest, bound=address_of(sock), source=None if origin is None else origin.load)
        try:
            await serve(gateway, sock, announce, origin)
        finally:
            gateway.telling.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
