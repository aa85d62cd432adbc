"""Walks over many records in slices, so that requests go on meanwhile: a table may hold a hundred thousand.

What is walked over is a copy; records that end meanwhile are seen once more. Above: whatever shows or counts
records. Below: the session table.
"""

from collections.abc import AsyncIterator, Sequence

from ..core.clock import Clock
from ..sessions.record import Session

SLICE = 2000
"""Records between two pauses: about a millisecond."""


async def slices(records: Sequence[Session], clock: Clock) -> AsyncIterator[Sequence[Session]]:
    """The records, so many at a time, with a pause for others after each."""
    for start in range(0, len(records), SLICE):
        yield records[start : start + SLICE]
        await clock.sleep(0)
