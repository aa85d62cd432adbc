"""Subscriptions to resources, counted over all clients: a server is asked once, however many of them want to hear.

Above: `hub.py`. Below: servers.
"""

from collections.abc import Mapping

from ..core.tasks import Tasks
from .server import Server


class Subscriptions:
    """`servers`: those that are configured now; who is told of the last client runs in `tasks`."""

    def __init__(self, servers: Mapping[str, Server], tasks: Tasks) -> None:
        self._servers = servers
        self._tasks = tasks
        self._watched: dict[tuple[str, str], int] = {}
        self._agreed: set[tuple[str, str]] = set()

    async def add(self, server: str, uri: str) -> None:
        """One more client wants to hear of `uri`; the server is asked until it agreed once. Raises what it answers."""
        key = (server, uri)
        self._watched[key] = self._watched.get(key, 0) + 1
        if key in self._agreed:
            return
        try:
            await self._servers[server].news.watch(uri)
        except BaseException:  # refused, or the client has gone: either way it does not wait for news
            self._release(key)
            raise
        self._agreed.add(key)

    def drop(self, server: str, uri: str) -> None:
        """One client less; the server is told of the last, in the background."""
        there = self._servers.get(server)
        if self._release((server, uri)) and there is not None and not self._tasks.closed:
            self._tasks.start(there.news.unwatch(uri), f"unsubscribe at {server}")

    def _release(self, key: tuple[str, str]) -> bool:
        left = self._watched.get(key, 0) - 1
        if left > 0:
            self._watched[key] = left
        else:
            self._watched.pop(key, None)
            self._agreed.discard(key)
        return left == 0
