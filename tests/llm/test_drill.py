"""Fault drill with processes: the primary goes down under load, every way there is, and comes back.

Vendors' SDKs ask without retries of their own, whole and streamed, as many at a time as there are workers. None of
them may see an error, for a healthy provider stands behind; the breaker opens, lets one request try at a time, and
closes, as drawn in docs/resilience.md. Times are short by settings; which phase follows is told by what is seen.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from tests.e2e.gateway import manifest_of, shared_process
from tests.llm.vendor_wire import Says
from tests.llm.vendor_world import KEY, Breaks, Drops, Hangs, Providers, Refuses, Scripted, providers

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

HELLO = Says("Hello there, it is a sunny day.")
WORKERS = 6
FAILURES = 5
MOST = 600
"""Requests of one phase: what has not been seen by then does not come."""
OUTAGES: dict[str, Scripted] = {
    "503": Refuses(503, "No room."),
    "529": Refuses(529, "Overloaded."),
    "429": Refuses(429, "Slow down."),
    "401": Refuses(401, "No such key."),
    "hangs": Hangs(),
    "drops": Drops(),
    "cut": Breaks(HELLO, after=1),
    "html": b"<html>Bad Gateway</html>",
}


@dataclass
class Seen:
    """Where answers came from, and the reasons that were given for it."""

    targets: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, headers: Any) -> None:
        self.targets.append(headers["x-fedgate-target"].partition("/")[0])
        self.reasons.append(headers["x-fedgate-reason"])


@dataclass
class Drill:
    url: str
    primary: Providers
    fallback: Providers


@contextmanager
def drill(folder: Path) -> Iterator[Drill]:
    with providers() as (first, primary), providers() as (second, fallback):
        primary.say(HELLO)
        fallback.say(HELLO)
        short = {"first_byte_timeout": "250ms", "idle_timeout": "250ms"}
        entries = {
            "primary": {**short, "type": "anthropic", "api_key": "sk-up", "base_url": f"{first}/anthropic"},
            "spare": {"type": "openai", "api_key": "sk-up", "formats": ["openai"], "base_url": f"{second}/openai/v1"},
        }
        targets = [{"provider": "primary", "model": "claude-sonnet-4-5"}, {"provider": "spare", "model": "gpt-5.2"}]
        models = {
            "retry": {"attempts": 1, "initial": "10ms", "max": "20ms"},
            "breaker": {"failures": FAILURES, "reset": "200ms"},
            "providers": entries,
            "routes": {"m": {"targets": targets, "affinity": "none"}},
        }
        access = {"keys": [{"id": "alice", "key": KEY}]}
        with shared_process(manifest_of({}, models=models, access=access), folder) as url:
            yield Drill(url, primary, fallback)


Ask = Callable[[Seen], Any]


@asynccontextmanager
async def askers(url: str) -> AsyncIterator[list[Ask]]:
    """Both vendors' clients, whole and streamed. Each raises what its caller would see."""
    async with httpx2.AsyncClient(trust_env=False, timeout=20) as http:
        more: Any = {"api_key": KEY, "max_retries": 0, "http_client": http, "_strict_response_validation": True}
        one = openai.AsyncOpenAI(base_url=f"{url}/v1", **more)
        two = anthropic.AsyncAnthropic(base_url=url, **more)
        asked: Any = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}

        async def openai_whole(seen: Seen) -> None:
            raw = await one.chat.completions.with_raw_response.create(**asked)
            assert raw.parse().choices[0].message.content == HELLO.text
            seen.add(raw.headers)

        async def openai_stream(seen: Seen) -> None:
            raw = await one.chat.completions.with_raw_response.create(**asked, stream=True)
            pieces = [chunk.choices[0].delta.content or "" async for chunk in raw.parse() if chunk.choices]
            assert "".join(pieces) == HELLO.text
            seen.add(raw.headers)

        async def anthropic_whole(seen: Seen) -> None:
            raw = await two.messages.with_raw_response.create(**asked, max_tokens=99)
            (block,) = (await raw.parse()).content
            assert block.text == HELLO.text
            seen.add(raw.headers)

        async def anthropic_stream(seen: Seen) -> None:
            async with two.messages.stream(**asked, max_tokens=99) as events:
                assert await events.get_final_text() == HELLO.text
                seen.add(events.response.headers)

        yield [openai_whole, openai_stream, anthropic_whole, anthropic_stream]


async def load(asks: list[Ask], over: Callable[[Seen], bool]) -> Seen:
    """Ask, all workers at once, until it is over; then let those under way end."""
    seen = Seen()
    begun = 0

    async def work() -> None:
        nonlocal begun
        while not over(seen) and begun < MOST:
            begun += 1
            await asks[begun % len(asks)](seen)

    async with asyncio.timeout(30):
        await asyncio.gather(*[work() for _ in range(WORKERS)])
    assert over(seen), seen.reasons[-20:]
    return seen


@pytest.fixture(scope="module")
def stage_of_drill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Drill]:
    with drill(tmp_path_factory.mktemp("drill")) as found:
        yield found


@pytest.mark.parametrize("outage", OUTAGES)
async def test_an_outage_under_load_is_seen_by_no_client(stage_of_drill: Drill, outage: str) -> None:
    at = stage_of_drill
    at.primary.say(HELLO)
    async with askers(at.url) as asks:
        # What an earlier outage has left behind may still have to heal.
        await load(asks, lambda seen: seen.targets[-12:] == ["primary"] * 12)

        at.primary.say(OUTAGES[outage])
        skipped = "skipped primary/claude-sonnet-4-5 (breaker open)"
        down = await load(asks, lambda seen: sum(skipped in reason for reason in seen.reasons) >= 30)
        assert set(down.targets[WORKERS:]) == {"spare"}
        tried = len(at.primary.asked)
        assert FAILURES <= tried < len(down.targets)

        at.primary.say(HELLO)
        await load(asks, lambda seen: seen.targets[-12:] == ["primary"] * 12)


@pytest.mark.parametrize("outage", ["503", "hangs"])
async def test_where_nobody_is_well_each_client_is_told_so_in_its_own_words(stage_of_drill: Drill, outage: str) -> None:
    at = stage_of_drill
    at.primary.say(OUTAGES[outage])
    at.fallback.say(Refuses(503, "No room here either."))
    try:
        async with askers(at.url) as asks:
            for ask in asks:
                with pytest.raises((openai.InternalServerError, anthropic.InternalServerError)) as caught:
                    await ask(Seen())
                error: Any = caught.value
                assert error.status_code in (503, 504)
    finally:
        at.fallback.say(HELLO)
