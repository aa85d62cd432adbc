"""Closing of asynchronous iterators, whether or not they are generators."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def closing(body: AsyncIterator[bytes]) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Iterate inside; on leaving, `aclose()` is awaited if the iterator has one."""
    try:
        yield body
    finally:
        aclose = getattr(body, "aclose", None)
        if aclose is not None:
            await aclose()
