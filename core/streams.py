"""Closing of asynchronous iterators, whether or not they are generators, and whether or not they were begun."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable
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


class Followed:
    """A stream that tells once that it is over, however it ends, and how it was: `follow` it.

    One for all who follow: each layer would cost every chunk a coroutine. Closing it unread closes what is in it.
    """

    __slots__ = ("_begun", "_open", "_source", "_told", "error", "sent", "whole")

    def __init__(self, source: AsyncIterator[bytes]) -> None:
        self.sent = 0
        """Bytes so far."""
        self.whole = False
        """It reached its end."""
        self.error: BaseException | None = None
        """Why it did not; none if it was closed before."""
        self._source = source
        self._told: list[Callable[[Followed], None]] = []
        self._begun = False
        self._open = True

    def __aiter__(self) -> "Followed":
        return self

    async def __anext__(self) -> bytes:
        self._begun = True
        try:
            chunk = await self._source.__anext__()
        except StopAsyncIteration:
            self.whole = self._open
            self._over()
            raise
        except BaseException as error:
            self.error = error if self._open else None
            self._over()
            raise
        self.sent += len(chunk)
        return chunk

    async def aclose(self) -> None:
        try:
            if self._begun:
                async with closing(self._source):
                    pass
            else:
                self._begun = True
                await discard(self._source)
        finally:
            self._over()

    def tell(self, told: "Callable[[Followed], None]") -> None:
        self._told.append(told)

    def _over(self) -> None:
        self._open = False
        told, self._told = self._told, []
        for each in told:
            each(self)


def follow(body: AsyncIterator[bytes], told: Callable[[Followed], None]) -> Followed:
    """The same stream; `told` hears when it is over, after those who followed it before."""
    followed = body if isinstance(body, Followed) else Followed(body)
    followed.tell(told)
    return followed


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
