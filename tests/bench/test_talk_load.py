"""bench/talk_load.py, through both generators that are made of it, and what they read from a command line."""

from collections.abc import Callable

import pytest

from bench import a2a_load, llm_load, mcp_load
from bench.http_client import Wrong
from bench.load import LEAST_OPERATIONS, Plan, Tally
from bench.processes import free_port
from bench.talk_load import TalkLoad
from tests.bench.served import served

pytestmark = pytest.mark.anyio

STREAMS = ["--sessions", "3", "--count", "4", "--gap", "1", "--seconds", "0"]
Make = Callable[[int, str], TalkLoad]


def agents(port: int, mode: str) -> TalkLoad:
    words = [f"http://127.0.0.1:{port}/a2a/bench", "--mode", mode, *STREAMS]
    return a2a_load.A2aLoad(a2a_load.parse(words))


def models(port: int, mode: str) -> TalkLoad:
    return llm_load.LlmLoad(llm_load.parse([f"http://127.0.0.1:{port}", "--mode", mode, *STREAMS]))


def over() -> Tally:
    """A phase that has lasted long enough when it begins."""
    return Tally(seconds=0.0, started=-3600.0)


def nearly_over(more: int) -> Tally:
    """A phase that ends after so many operations."""
    return Tally(seconds=0.0, latencies=[0.0] * (LEAST_OPERATIONS - more))


async def one_phase(load: TalkLoad, tally: Tally) -> None:
    await load.open()
    await load.phases()[0](tally)
    await load.close()


@pytest.mark.parametrize(("make", "mode"), [(agents, "stream"), (models, "stream"), (models, "hold")])
async def test_every_session_has_a_stream_and_every_event_counts(make: Make, mode: str) -> None:
    tally = over()
    async with served() as port:
        await one_phase(make(port, mode), tally)
    assert (tally.failures, len(tally.latencies)) == ([], 3 * 4)


@pytest.mark.parametrize(("make", "mode"), [(agents, "send"), (agents, "task"), (agents, "rest"), (models, "json")])
async def test_requests_are_repeated_until_the_phase_is_over(make: Make, mode: str) -> None:
    tally = nearly_over(6)
    async with served() as port:
        await one_phase(make(port, mode), tally)
    # Whoever is at it when the phase ends finishes what it has begun.
    assert tally.failures == []
    assert LEAST_OPERATIONS <= len(tally.latencies) < LEAST_OPERATIONS + 3


@pytest.mark.parametrize(("make", "mode"), [(agents, "stream"), (models, "stream")])
async def test_who_is_not_there_is_told_before_the_first_phase(make: Make, mode: str) -> None:
    load = make(free_port(), mode)
    with pytest.raises(Wrong, match="connection failed"):
        await load.open()
    await load.close()


async def test_streams_that_do_not_begin_are_failures_each_and_end_nothing() -> None:
    tally = over()
    async with served() as port:
        load = models(port, "stream")
        await load.open()
        await load.close()
    await load.phases()[0](tally)
    assert (len(tally.failures), tally.latencies) == (3, [])


async def test_a_phase_of_agents_has_words_of_its_own() -> None:
    async with served() as port:
        load = agents(port, "send")
        await load.open()
        await load.phases()[0](nearly_over(3))
        await load.phases()[0](nearly_over(3))  # the same message again would be answered as the first time: wrong
        await load.close()


def test_command_lines_of_all_generators_share_what_a_plan_asks() -> None:
    words = ["http://127.0.0.1:81/x", "--key", "k", "--seconds", "2.5"]
    plans: list[Plan] = [mcp_load.parse(words), a2a_load.parse(words), llm_load.parse(words)]
    assert [each.mode for each in plans] == ["call", "send", "json"]
    assert {(each.host, each.sessions, each.seconds, each.key) for each in plans} == {("127.0.0.1:81", 16, 2.5, "k")}
    assert (plans[2], llm_load.parse([*words, "--model", "other"]).model) == (llm_load.parse(words), "other")
