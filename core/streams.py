"""Closing of asynchronous iterators, whether or not they are generators, and whether or not they were begun."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")


@asynccontextmanager
async def closing(body: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Iterate inside; on leaving, `aclose()` is awaited if the iterator has one."""
    try:
        yield body
    finally:
        aclose = getattr(body, "aclose", None)
        if aclose is not None:
            await aclose()


async def discard(body: AsyncIterator[bytes]) -> None:
    """Close what nobody has read from.

    `aclose()` of a generator that was never begun runs none of it, its `finally` included;
    so it is begun first and taken back where it waits for the first time.
    """
    async with closing(body):
        if isinstance(body, AsyncGenerator):
            try:
                async with asyncio.timeout(0):
                    await anext(body, None)
            except TimeoutError:
                return


class Ready(Generic[Item]):
    """Items that need no waiting, in the form of those that do: without a generator's cost."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._items = iter(items)

    def __aiter__(self) -> "Ready[Item]":
        return self

    async def __anext__(self) -> Item:
        for item in self._items:
            return item
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Nothing is open."""
