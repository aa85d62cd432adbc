"""a2a/addresses.py: instances by DNS. The resolver is a fake at its port; the system's own is asked for loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.addresses import LOOKUP, Addresses, Change, Roll, system_lookup
from fedgate.a2a.settings import MAX_INSTANCES
from fedgate.core.clock import ManualClock
from fedgate.core.http_values import Target
from fedgate.core.tasks import Tasks
from tests.core.http_peer import LIMIT, until

A, B, C = "10.0.0.1", "10.0.0.2", "10.0.0.3"


# The roll.


def test_the_first_addresses_are_new_in_order() -> None:
    assert Roll(20.0).call([B, A, B], 0.0) == Change(new=(A, B))


def test_the_same_addresses_change_nothing() -> None:
    roll = Roll(20.0)
    roll.call([A, B], 0.0)
    assert roll.call([B, A], 5.0) == Change()


def test_an_address_that_is_gone_is_missing_then_lost() -> None:
    roll = Roll(20.0)
    roll.call([A, B], 0.0)
    assert roll.call([B], 5.0) == Change(missing=(A,))
    assert roll.call([B], 24.9) == Change()
    assert roll.call([B], 25.0) == Change(lost=(A,))
    assert roll.call([B], 30.0) == Change()


def test_an_address_that_returns_in_time_is_back() -> None:
    roll = Roll(20.0)
    roll.call([A, B], 0.0)
    roll.call([B], 5.0)
    assert roll.call([A, B], 24.9) == Change(back=(A,))
    assert roll.call([B], 30.0) == Change(missing=(A,))


def test_an_address_that_returns_later_is_new() -> None:
    roll = Roll(20.0)
    roll.call([A, B], 0.0)
    roll.call([B], 5.0)
    roll.call([B], 25.0)
    assert roll.call([A, B], 30.0) == Change(new=(A,))


def test_a_failed_look_up_says_nothing_but_time_goes_on() -> None:
    roll = Roll(20.0)
    roll.call([A, B], 0.0)
    assert roll.call(None, 5.0) == Change()
    roll.call([B], 10.0)
    assert roll.call(None, 30.0) == Change(lost=(A,))


def test_addresses_of_one_link_are_left_out() -> None:
    assert Roll(20.0).call(["fe80::1%eth0", "fd00::1"], 0.0) == Change(new=("fd00::1",))


def test_only_so_many_addresses_are_taken() -> None:
    many = [f"10.1.{number // 250}.{number % 250}" for number in range(300)]
    roll = Roll(20.0)
    assert len(roll.call(many, 0.0).new) == MAX_INSTANCES
    assert roll.call(many, 1.0) == Change()


@given(st.lists(st.none() | st.sets(st.sampled_from([A, B, C])), max_size=20), st.integers(1, 40))
def test_new_and_lost_always_alternate(rounds: list[set[str] | None], step: int) -> None:
    roll, known, missing = Roll(20.0), set[str](), set[str]()
    for number, found in enumerate(rounds):
        change = roll.call(found, float(number * step))
        assert not known & set(change.new)
        assert set(change.missing) <= known - missing
        assert set(change.back) <= missing
        missing = (missing | set(change.missing)) - set(change.back)
        assert set(change.lost) <= missing
        known = (known | set(change.new)) - set(change.lost)
        missing -= set(change.lost)
        if found is not None:
            assert found <= known | set(change.lost)


# Looking up.


class Resolver:
    """Answers what it is told to, one thing after the other, and the last one again."""

    def __init__(self, *answers: Sequence[str] | OSError | None) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int]] = []
        self.released = asyncio.Event()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            await self.released.wait()
            return [A]
        if isinstance(answer, OSError):
            raise answer
        return answer


class Heard:
    def __init__(self, addresses: Addresses, clock: ManualClock) -> None:
        self.addresses = addresses
        self.clock = clock
        self.changes: list[Change] = []

    async def times(self, number: int) -> None:
        await until(lambda: len(self.changes) >= number and self.clock.sleeping == 1)


@asynccontextmanager
async def looking(resolver: Resolver, patience: float = LOOKUP) -> AsyncIterator[Heard]:
    clock, tasks = ManualClock(), Tasks("test")
    name = Target("http", "agents.internal", 9000)
    heard = Heard(Addresses(name, Roll(20.0), clock, resolver, tasks, patience=patience), clock)
    try:
        async with asyncio.timeout(LIMIT):
            tasks.start(heard.addresses.run(5.0, heard.changes.append), "run")
            yield heard
    finally:
        await tasks.aclose()


@pytest.mark.anyio
async def test_the_name_is_looked_up_again_and_again() -> None:
    resolver = Resolver([A], [A, B])
    async with looking(resolver) as heard:
        await heard.times(1)
        heard.clock.advance(5.0)
        await heard.times(2)
        assert heard.changes == [Change(new=(A,)), Change(new=(B,))]
        assert resolver.asked == [("agents.internal", 9000)] * 2


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "its name agents.internal cannot be resolved"),
        ([], "its name agents.internal has no address that can be used"),
        (["fe80::1%lo"], "its name agents.internal has no address that can be used"),
    ],
)
async def test_a_failed_look_up_keeps_who_is_known_and_is_told(answer: OSError | list[str], problem: str) -> None:
    async with looking(Resolver([A], answer, [A])) as heard:
        await heard.times(1)
        heard.clock.advance(5.0)
        await heard.times(2)
        assert (heard.changes[1], heard.addresses.problem) == (Change(), problem)
        heard.clock.advance(5.0)
        await heard.times(3)
        assert (heard.changes[2], heard.addresses.problem) == (Change(), "")


@pytest.mark.anyio
async def test_a_slow_look_up_is_waited_for_again_and_not_repeated() -> None:
    resolver = Resolver(None)
    async with looking(resolver, patience=0.001) as heard:
        await heard.times(1)
        heard.clock.advance(5.0)
        await heard.times(2)
        assert heard.addresses.problem == "its name agents.internal is not answered by the resolver"
        resolver.released.set()
        heard.clock.advance(5.0)
        await heard.times(3)
        assert heard.changes == [Change(), Change(), Change(new=(A,))]
        assert len(resolver.asked) == 1


@pytest.mark.anyio
async def test_the_system_resolver_knows_loopback() -> None:
    assert set(await system_lookup("localhost", 80)) <= {"127.0.0.1", "::1"}
    assert await system_lookup("127.0.0.1", 80) == ["127.0.0.1"]
