"""Tasks that nobody wants any more."""

import asyncio
import logging

import pytest

from fedgate.a2a.endings import MAX_ENDINGS, Endings
from fedgate.core.errors import UpstreamRefused

pytestmark = pytest.mark.anyio


async def test_they_are_cancelled_in_the_background_and_shutdown_waits_for_them() -> None:
    ended: list[str] = []
    go = asyncio.Event()

    async def cancel() -> str:
        await go.wait()
        ended.append("t1")
        return "canceled"

    endings = Endings()
    endings.start(cancel, "support t1")
    assert ended == []
    asyncio.get_running_loop().call_soon(go.set)
    await endings.aclose()
    assert ended == ["t1"]


async def test_an_agent_that_refuses_is_noted_and_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    async def cancel() -> str:
        raise UpstreamRefused("nobody listens")

    endings = Endings()
    with caplog.at_level(logging.INFO, "fedgate.a2a"):
        endings.start(cancel, "support t1")
        await endings.aclose()
    assert caplog.messages == ["the abandoned task support t1 could not be cancelled: nobody listens"]


async def test_there_are_never_too_many_and_none_after_the_end(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []
    go = asyncio.Event()

    async def cancel() -> str:
        begun.append(1)
        await go.wait()
        return "canceled"

    endings = Endings()
    for number in range(MAX_ENDINGS + 1):
        endings.start(cancel, f"support t{number}")
    await asyncio.sleep(0)
    assert len(begun) == MAX_ENDINGS
    go.set()
    await endings.aclose()
    endings.start(cancel, "support late")
    assert len(begun) == MAX_ENDINGS
    assert [message.split()[3] + " " + message.split()[4] for message in caplog.messages] == [
        f"support t{MAX_ENDINGS}", "support late",
    ]  # fmt: skip
