"""Keeps the search index of one view at its catalog, off the path of requests.

Indexes are built in a thread when the tools change, which imports SQLite the first time; a search
that comes in the meantime waits for the newest one, which takes milliseconds. Above: `hub.py`. Below: the index.
"""

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..core.call import replace
from ..core.rawjson import Fields
from ..core.tasks import Tasks
from . import search
from .catalog import Catalog
from .offers import Offer, Offers
from .search import Query

if TYPE_CHECKING:
    from .search_index import Found, Index


class Searcher:
    """Runs in the owner's `tasks`, from the first `offer` to `close`."""

    def __init__(self, tasks: Tasks) -> None:
        self._tasks = tasks
        self._tools: Offers = {}
        self._index: Index | None = None
        self._stale = False
        self._building: asyncio.Task[None] | None = None

    def offer(self, tools: Offers) -> None:
        """These are the tools now. Returns at once."""
        self._tools, self._stale = tools, True
        if (self._building is None or self._building.done()) and not self._tasks.closed:
            self._building = self._tasks.start(self._build(), "index tools", awaited=True)

    async def find(self, query: Query) -> "Found":
        """Search what was offered last."""
        from .search_index import Found

        while self._building is not None and not self._building.done():
            await asyncio.shield(self._building)
        return self._index.find(query) if self._index is not None else Found([], 0)

    async def _build(self) -> None:
        while self._stale:
            self._stale = False
            work = asyncio.get_running_loop().run_in_executor(None, _index, self._tools.items())
            try:
                fresh = await asyncio.shield(work)
            except asyncio.CancelledError:
                work.add_done_callback(_discard)
                raise
            self.close()
            self._index = fresh

    def close(self) -> None:
        """Let go of the index."""
        old, self._index = self._index, None
        if old is not None:
            old.close()


def arrange(searchers: dict[str, Searcher], wanted: set[str], tasks: Tasks) -> None:
    """Have one for each wanted view, and none for others."""
    for name in searchers.keys() - wanted:
        searchers.pop(name).close()
    for name in wanted - searchers.keys():
        searchers[name] = Searcher(tasks)


async def answered(searcher: Searcher, params: Fields, catalog: Catalog, many: int) -> bytes:
    """The result of a call of `search_tools`, as the caller's catalog shows it. `many`: tools that are searched."""
    try:
        query = search.read_query(params, sorted(catalog.servers))
    except ValueError as error:
        return search.mistake(str(error))
    # What a caller may not know of is neither shown nor counted: then all that matches is looked through.
    whole = catalog.visible is None
    found = await searcher.find(query if whole else replace(query, limit=many))
    tools = catalog.tools
    offers = [(name, offer) for name in found.names if (offer := tools.get(name)) and not offer.refusal]
    return search.answer(offers[: query.limit], found.total if whole else len(offers))


def _index(tools: Iterable[tuple[str, Offer]]) -> "Index":
    from .search_index import Index

    return Index(tools)


def _discard(work: "asyncio.Future[Index]") -> None:
    if not work.cancelled() and work.exception() is None:
        work.result().close()
