"""Slices hold everything once, in order."""

import pytest

from fedgate.console.walk import SLICE, slices
from fedgate.core.clock import ManualClock
from fedgate.sessions.record import Session

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("count", [0, 1, SLICE, SLICE + 1, 2 * SLICE])
async def test_everything_is_there_once_and_in_order(count: int) -> None:
    records = [Session("mcp", str(number), "o", "", 0.0, 0.0) for number in range(count)]
    found = [some async for some in slices(records, ManualClock())]
    assert [each for some in found for each in some] == records
    assert all(0 < len(some) <= SLICE for some in found)
