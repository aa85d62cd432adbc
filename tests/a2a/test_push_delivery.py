"""Notifications reach clients in order and with their own credentials, are tried again, and never pile up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from fedgate.a2a.push_config import PushConfig
from fedgate.a2a.push_delivery import Outcome, Patience, PushDelivery, headers
from fedgate.a2a.push_table import Relay
from fedgate.core.clock import ManualClock
from fedgate.core.http_client import HttpClient
from fedgate.core.ssrf import Guard
from fedgate.core.tasks import Tasks
from tests.core.http_peer import Peer, Received, Wire, peer, until

pytestmark = pytest.mark.anyio

ANSWER = b"HTTP/1.1 %d X\r\ncontent-length: 0\r\n\r\n"


class Bench:
    """A delivery over real connections, with a clock moved by hand."""

    def __init__(self, patience: Patience) -> None:
        self.clock = ManualClock()
        self.tasks = Tasks("test")
        self.counted: Counter[str] = Counter()
        self.client = HttpClient()
        self.delivery = PushDelivery(
            self.client,
            Guard(["127.0.0.0/8"]),
            self.tasks,
            self.clock,
            count=self.count,
            patience=patience,
        )

    def count(self, agent: str, outcome: Outcome) -> None:
        assert agent == "weather"
        self.counted[outcome] += 1

    async def idle(self) -> None:
        await until(lambda: repr(self.delivery) == "<PushDelivery lanes=0 bytes=0>")

    async def tried(self) -> None:
        """Until somebody waits to try again."""
        await until(lambda: self.clock.sleeping > 0)

    async def again(self, seconds: float) -> None:
        await self.tried()
        self.clock.advance(seconds)


@asynccontextmanager
async def bench(**patience: float) -> AsyncIterator[Bench]:
    state = Bench(msgspec.convert(patience, Patience))
    try:
        async with asyncio.timeout(10):
            yield state
    finally:
        await state.tasks.aclose()
        await state.client.aclose()


def relay(url: str, id_: str = "r", owner: str = "alice", **more: str) -> Relay:
    return Relay(id_, owner, "weather", "issued", PushConfig(url, **more), 0.0, 0.0, "t-1", "c")  # type: ignore[arg-type]


def hook(server: Peer) -> str:
    return f"http://127.0.0.1:{server.target.port}/in?x=1"


class Client:
    """A client's server: answers with these statuses in turn, the last one for ever."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.seen: list[Received] = []

    async def __call__(self, wire: Wire) -> None:
        while True:
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            self.seen.append(await wire.answer(ANSWER % status))

    @property
    def bodies(self) -> list[bytes]:
        return [each.body for each in self.seen]


async def test_the_client_gets_the_body_as_it_came_with_its_own_credentials() -> None:
    client = Client(200)
    async with peer(client) as server, bench() as state:
        target = relay(hook(server), token="mine", authorization="Basic abc")
        assert state.delivery.accept(target, b'{"task" : 1.0}', "application/a2a+json")
        await state.idle()
    (received,) = client.seen
    assert (received.method, received.target, received.body) == (b"POST", b"/in?x=1", b'{"task" : 1.0}')
    assert received.headers == [
        (b"host", b"127.0.0.1:%d" % server.target.port),
        (b"content-type", b"application/a2a+json"),
        (b"x-a2a-notification-token", b"mine"),
        (b"authorization", b"Basic abc"),
        (b"content-length", b"14"),
    ]
    assert state.counted == {"delivered": 1}


async def test_notifications_of_a_relay_arrive_one_after_the_other_in_order() -> None:
    client = Client(204)
    async with peer(client) as server, bench() as state:
        target = relay(hook(server))
        bodies = [b"%d" % number for number in range(20)]
        assert all(state.delivery.accept(target, body) for body in bodies)
        await state.idle()
        assert len(server.wires) == 1
    assert client.bodies == bodies


async def test_the_same_notification_twice_in_a_row_is_sent_once() -> None:
    client = Client(200)
    async with peer(client) as server, bench() as state:
        target = relay(hook(server))
        for body in (b"a", b"a", b"b", b"a"):
            assert state.delivery.accept(target, body)
        await state.idle()
        assert state.delivery.accept(target, b"a")
        assert state.delivery.accept(relay(hook(server), "other"), b"a")
        await state.idle()
    assert client.bodies == [b"a", b"b", b"a", b"a"]
    assert state.counted == {"delivered": 4, "duplicate": 2}


@pytest.mark.parametrize("status", [500, 503, 408, 425, 429])
async def test_a_client_that_cannot_just_now_is_tried_again_with_longer_and_longer_waits(status: int) -> None:
    client = Client(status, status, status, 200)
    async with peer(client) as server, bench(first_wait=1.0, longest_wait=3.0) as state:
        state.delivery.accept(relay(hook(server)), b"a")
        state.delivery.accept(relay(hook(server)), b"b")
        for tries, wait in ((1, 1.0), (2, 2.0), (3, 3.0)):
            await state.tried()
            assert client.bodies == [b"a"] * tries
            state.clock.advance(wait - 0.5)
            assert state.clock.sleeping == 1
            state.clock.advance(0.5)
        await state.idle()
    assert client.bodies == [b"a", b"a", b"a", b"a", b"b"]
    assert state.counted == {"delivered": 2}


@pytest.mark.parametrize("status", [301, 307, 400, 401, 404, 410])
async def test_a_client_that_does_not_want_it_is_asked_once_and_no_redirect_is_followed(status: int) -> None:
    client = Client(status, 200)
    async with peer(client) as server, bench() as state:
        state.delivery.accept(relay(hook(server)), b"a")
        await state.idle()
        assert state.counted == {"refused": 1}
        state.delivery.accept(relay(hook(server)), b"a")  # no double: it did not arrive
        await state.idle()
    assert state.counted == {"refused": 1, "delivered": 1}


async def test_a_client_that_cannot_be_reached_is_given_up_at_the_deadline_and_the_next_one_has_its_own() -> None:
    async with bench(first_wait=1.0, deadline=3.5) as state:
        state.delivery.accept(relay("http://127.0.0.1:1/"), b"a")
        await state.again(1.0)
        await state.again(2.0)
        await state.idle()
        assert state.counted == {"failed": 1}


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "https://169.254.169.254/", "http://[::1]/", "nonsense"])
async def test_a_url_that_may_not_be_called_is_not_called(url: str) -> None:
    async with bench(first_wait=1.0, deadline=0.5) as state:
        state.delivery.accept(relay(url), b"a")
        await state.idle()
        assert state.counted == {"failed": 1}
        assert state.client.statistics() == {}


async def test_an_answer_that_breaks_off_counts_by_its_status() -> None:
    async def script(wire: Wire) -> None:
        await wire.answer(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
        wire.finish()

    async with peer(script) as server, bench() as state:
        state.delivery.accept(relay(hook(server)), b"a")
        await state.idle()
        assert state.counted == {"delivered": 1}


def stuck(release: asyncio.Event) -> Callable[[Wire], Awaitable[None]]:
    async def script(wire: Wire) -> None:
        while True:
            await wire.request()
            await release.wait()
            wire.send(ANSWER % 200)

    return script


async def test_the_oldest_that_waits_is_dropped_when_there_are_too_many() -> None:
    client = Client(500, 200)
    async with peer(client) as server, bench(waiting=2) as state:
        target = relay(hook(server))
        state.delivery.accept(target, b"1")
        await state.tried()
        for body in (b"2", b"3", b"4"):
            assert state.delivery.accept(target, body)
        state.clock.advance(1)
        await state.idle()
    assert client.bodies == [b"1", b"1", b"3", b"4"]
    assert state.counted == {"delivered": 3, "overflow": 1}


@pytest.mark.parametrize(
    ("limits", "other", "fine"),
    [
        ({"lanes": 1}, ("r", "alice"), True),
        ({"lanes": 1}, ("other", "alice"), False),
        ({"owner_bytes": 5}, ("other", "alice"), False),
        ({"owner_bytes": 5}, ("other", "bob"), True),
        ({"total_bytes": 5}, ("other", "bob"), False),
    ],
)
async def test_what_does_not_fit_is_refused_at_once(
    limits: dict[str, float], other: tuple[str, str], fine: bool
) -> None:
    async with bench(**limits) as state:
        assert state.delivery.accept(relay("http://127.0.0.1:1/"), b"1234")
        assert state.delivery.accept(relay("http://127.0.0.1:1/", *other), b"5" if other[0] == "r" else b"56") is fine
        assert state.counted == ({} if fine else {"overflow": 1})


async def test_an_owner_whose_clients_hang_holds_up_nobody_else() -> None:
    release = asyncio.Event()
    client = Client(200)
    async with peer(stuck(release)) as slow, peer(client) as quick, bench(owner_turns=2, turns=3) as state:
        for number in range(5):
            state.delivery.accept(relay(hook(slow), f"r{number}", "mallory"), b"a")
        await until(lambda: len(slow.wires) == 2)
        state.delivery.accept(relay(hook(quick), "q", "bob"), b"b")
        await until(lambda: state.counted["delivered"] == 1)
        assert len(slow.wires) == 2
        release.set()
        await state.idle()
    assert state.counted == {"delivered": 6}


async def test_what_waits_for_a_deleted_relay_is_dropped() -> None:
    client = Client(500, 200)
    async with peer(client) as server, bench() as state:
        target = relay(hook(server))
        state.delivery.accept(target, b"1")
        await state.tried()
        state.delivery.accept(target, b"2")
        state.delivery.forget("r")
        state.delivery.forget("unknown")
        state.clock.advance(1)
        await state.idle()
    assert client.bodies == [b"1", b"1"]
    assert state.counted == {"delivered": 1, "closed": 1}


async def test_the_end_of_the_gateway_ends_all_lanes_and_counts_what_is_lost() -> None:
    async with bench() as state:
        target = relay("http://127.0.0.1:1/")
        for body in (b"1", b"2"):
            state.delivery.accept(target, body)
        await state.tried()
        await state.tasks.aclose()
        assert not state.delivery.accept(target, b"3")
        assert state.counted == {"closed": 3}
        assert repr(state.delivery) == "<PushDelivery lanes=0 bytes=0>"


async def test_no_more_last_notifications_are_remembered_than_the_limit() -> None:
    client = Client(200)
    async with peer(client) as server, bench(remembered=1) as state:
        for id_ in ("a", "b", "a"):
            state.delivery.accept(relay(hook(server), id_), b"x")
        await state.idle()
    assert state.counted == {"delivered": 3}


@pytest.mark.parametrize("kind", ["", "a\r\nb", "ä", "x" * 201])
def test_a_type_that_fits_no_header_is_json(kind: str) -> None:
    assert headers(relay("https://h/"), kind) == [(b"content-type", b"application/json")]
