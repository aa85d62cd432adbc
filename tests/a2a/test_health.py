"""a2a/health.py: probes over real connections, under a clock that is moved by hand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from fedgate.a2a.agent_settings import Health, Identity
from fedgate.a2a.card_keeper import CardSource, Demands
from fedgate.a2a.fetch import Fetched
from fedgate.a2a.health import GAP, Watch, Watching
from fedgate.a2a.identity import epoch_of
from fedgate.a2a.instance import Instance, Setup
from fedgate.a2a.interfaces import place
from fedgate.core.clock import ManualClock
from fedgate.core.errors import GatewayError, Overloaded, UpstreamBroken, UpstreamRefused, UpstreamTimeout
from fedgate.core.tasks import Tasks
from tests.a2a.agent_kit import CARD_PATH, Etagged, Process, http, running, sdk_card, served
from tests.core.http_peer import LIMIT, opened, until

pytestmark = pytest.mark.anyio

CARD = served(sdk_card())


class Watched:
    """A watched instance."""

    def __init__(self, instance: Instance, watch: Watch, clock: ManualClock, process: Process) -> None:
        self.instance = instance
        self.watch = watch
        self.clock = clock
        self.process = process
        self.epochs: list[str] = []
        instance.on_epoch = lambda each: self.epochs.append(each.epoch)

    async def rest(self) -> None:
        """Until the probe that runs is over, and the pause after it has begun."""
        await until(lambda: self.clock.sleeping == 1)

    async def after(self, seconds: float) -> None:
        """Let so much time pass at a time when nothing runs, and what is due then run."""
        await self.rest()
        self.clock.advance(seconds)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await self.rest()

    async def round(self, interval: float = 5.0) -> None:
        """The gap, the rest of the pause, and the next probe."""
        await self.after(GAP)
        await self.after(interval - GAP)


@asynccontextmanager
async def watched(
    process: Process, *, epoch: str = "kept", identity: Identity | None = None, **health: Any
) -> AsyncIterator[Watched]:
    clock, tasks = ManualClock(), Tasks("test")
    async with running(process), opened() as client:
        where = place(process.url)
        instance = Instance(Setup("scout", "1", where, 20.0, epoch=epoch), clock, lambda: "minted")
        source = CardSource(instance, where, Demands(), client, clock, tasks)
        settings = Watching(Health(**health), identity, 300.0, clock, lambda: 0.0)
        it = Watched(instance, Watch(instance, source, settings, tasks, client), clock, process)
        try:
            it.watch.start()
            yield it
        finally:
            await tasks.aclose()


async def test_the_first_probe_comes_at_once() -> None:
    async with watched(Process(CARD)) as it:
        await it.rest()
        assert (it.instance.state, it.instance.label, it.process.paths) == ("ready", "1#kept", [CARD_PATH])


async def test_one_probe_follows_another_after_the_interval() -> None:
    async with watched(Etagged(CARD), interval=4.0) as it:
        await it.rest()
        await it.after(GAP)
        await it.after(3.5)
        assert len(it.process.asked) == 1
        await it.after(0.25)
        assert len(it.process.asked) == 2


async def test_jitter_only_shortens_the_pause() -> None:
    clock, tasks = ManualClock(), Tasks("test")
    process = Process(CARD)
    async with running(process), opened() as client:
        where = place(process.url)
        instance = Instance(Setup("scout", "1", where, 20.0), clock)
        source = CardSource(instance, where, Demands(), client, clock, tasks)
        settings = Watching(Health(interval=5.0), None, 300.0, clock, lambda: 1.0)
        it = Watched(instance, Watch(instance, source, settings, tasks, client), clock, process)
        it.watch.start()
        await it.round(4.0)
        assert len(process.asked) == 2
        await tasks.aclose()


async def test_a_dead_instance_is_unreachable_then_lost_and_asked_less_and_less_often() -> None:
    async with watched(Process(CARD)) as it:
        await it.rest()
        await it.process.stop()
        await it.round()
        assert (it.instance.state, it.instance.reason) == (
            "unreachable",
            f"{it.process.url} refused the connection",
        )
        began = it.clock.monotonic()
        probes = 0
        while it.instance.state != "lost":
            await it.after(GAP)
            probes += 1
        assert 20.0 <= it.clock.monotonic() - began <= 25.0


async def test_an_instance_that_was_dead_returns_in_a_new_epoch() -> None:
    async with watched(Process(CARD)) as it:
        await it.rest()
        await it.process.stop()
        await it.round()
        await it.process.start()
        await it.after(GAP)
        await it.after(GAP)
        assert (it.instance.state, it.instance.label, it.epochs) == ("ready", "1#minted", ["minted"])


async def test_an_instance_that_answers_errors_for_a_while_returns_in_its_epoch() -> None:
    async with watched(Process(CARD)) as it:
        await it.rest()
        it.process.answers[CARD_PATH] = http(503)
        await it.round()
        assert (it.instance.state, it.instance.reason) == ("unreachable", "asked for its card, it answers HTTP 503")
        it.process.answers[CARD_PATH] = http(200, CARD)
        await it.after(GAP)
        await it.after(GAP)
        assert (it.instance.state, it.instance.label, it.epochs) == ("ready", "1#kept", [])


async def test_an_instance_without_a_card_is_not_ready() -> None:
    async with watched(Process()) as it:
        await it.rest()
        assert it.instance.state == "unreachable"
        assert it.instance.reason.startswith("asked for its card, it answers HTTP 404; give the URL of its card")


async def test_an_etag_saves_the_body_not_the_probe() -> None:
    async with watched(Etagged(CARD)) as it:
        await it.rest()
        await it.round()
        assert (len(it.process.asked), it.instance.state) == (2, "ready")


# Doubt.


async def test_a_refused_request_is_followed_by_a_probe_before_the_interval_is_over() -> None:
    async with watched(Process(CARD)) as it:
        await it.after(GAP)
        await it.process.stop()
        it.instance.failed(UpstreamRefused("refused"))
        await it.process.start()
        await until(lambda: len(it.process.asked) == 2)
        await it.rest()
        assert (it.instance.state, it.instance.label) == ("ready", "1#minted")


async def test_a_cut_request_is_followed_by_a_probe_that_finds_everything_as_it_was() -> None:
    async with watched(Process(CARD)) as it:
        await it.after(GAP)
        it.instance.failed(UpstreamBroken("cut"))
        await until(lambda: len(it.process.asked) == 2)
        await it.rest()
        assert (it.instance.state, it.instance.label) == ("ready", "1#kept")


async def test_a_storm_of_doubt_is_one_probe_per_gap() -> None:
    async with watched(Process(CARD)) as it:
        await it.rest()
        for _ in range(100):
            it.instance.failed(UpstreamBroken("cut"))
        await it.after(GAP)
        assert len(it.process.asked) == 2
        await it.after(GAP)
        await it.after(GAP)
        assert len(it.process.asked) == 2


async def test_an_answer_of_the_old_process_after_a_refusal_settles_nothing() -> None:
    process = Process(CARD)
    async with watched(process) as it:
        await it.after(GAP)
        process.held.add(CARD_PATH)
        it.clock.advance(5.0 - GAP)
        await until(lambda: len(process.asked) == 2)
        it.instance.failed(UpstreamRefused("refused"))
        process.released.set()
        await it.rest()
        assert (it.instance.state, it.instance.label) == ("unreachable", "1#kept")
        await it.after(GAP)
        assert (it.instance.state, it.instance.label, len(process.asked)) == ("ready", "1#minted", 3)


class Slow(CardSource):
    """A source whose instance lets probes wait for too long, or whose gateway has no room for them."""

    error: GatewayError = UpstreamTimeout("it did not answer in time")

    async def refresh(self) -> Fetched:
        raise self.error


@asynccontextmanager
async def slow(error: GatewayError, *, inflight: int) -> AsyncIterator[Instance]:
    clock, tasks = ManualClock(), Tasks("test")
    async with opened() as client:
        where = place("http://127.0.0.1:1")
        instance = Instance(Setup("scout", "1", where, 20.0), clock)
        instance.reached(instance.asked())
        instance.inflight = inflight
        source = Slow(instance, where, Demands(), client, clock, tasks)
        source.error = error
        Watch(instance, source, Watching(Health(), None, 300.0, clock, lambda: 0.0), tasks, client).start()
        try:
            async with asyncio.timeout(LIMIT):
                await until(lambda: clock.sleeping == 1)
                yield instance
        finally:
            await tasks.aclose()


async def test_an_instance_that_is_slow_because_it_works_stays_ready() -> None:
    async with slow(UpstreamTimeout("slow"), inflight=1) as instance:
        assert instance.state == "ready"


async def test_an_idle_instance_that_does_not_answer_in_time_is_unreachable() -> None:
    async with slow(UpstreamTimeout("slow"), inflight=0) as instance:
        assert (instance.state, instance.reason) == ("unreachable", "slow")


async def test_a_limit_of_the_gateway_says_nothing_of_the_instance() -> None:
    async with slow(Overloaded("full"), inflight=0) as instance:
        assert instance.state == "ready"


async def test_a_stopped_watch_asks_no_more() -> None:
    async with watched(Process(CARD)) as it:
        await it.after(GAP)
        it.watch.stop()
        it.instance.failed(UpstreamBroken("cut"))
        await until(lambda: it.clock.sleeping == 0)
        it.clock.advance(60.0)
        assert len(it.process.asked) == 1


# health.path.


async def test_a_health_path_is_asked_and_the_card_once() -> None:
    process = Process(CARD)
    process.answers["/healthz"] = http(204)
    async with watched(process, path="/healthz") as it:
        await it.rest()
        await it.round()
        assert (it.instance.state, process.paths) == ("ready", ["/healthz", CARD_PATH, "/healthz"])


async def test_the_card_is_asked_for_again_when_it_is_old() -> None:
    process = Process(CARD)
    process.answers["/healthz"] = http(200)
    async with watched(process, path="/healthz") as it:
        await it.after(GAP)
        await it.after(300.0)
        assert process.paths == ["/healthz", CARD_PATH, "/healthz", CARD_PATH]


async def test_an_unhealthy_answer_makes_it_unreachable_whatever_its_card() -> None:
    process = Process(CARD)
    process.answers["/healthz"] = http(500)
    async with watched(process, path="/healthz") as it:
        await it.rest()
        assert it.instance.reason == "asked for /healthz, it answers HTTP 500"


async def test_a_healthy_instance_outlives_an_error_of_its_card() -> None:
    process = Process(CARD)
    process.answers["/healthz"] = http(200)
    async with watched(process, path="/healthz") as it:
        await it.after(GAP)
        process.answers[CARD_PATH] = http(500)
        await it.after(300.0)
        assert (it.instance.state, process.paths[-1]) == ("ready", CARD_PATH)


async def test_a_healthy_instance_whose_card_never_came_is_not_ready() -> None:
    process = Process()
    process.answers |= {"/healthz": http(200), CARD_PATH: http(500)}
    async with watched(process, path="/healthz") as it:
        await it.rest()
        assert it.instance.reason == "asked for its card, it answers HTTP 500"


# Identity.


async def test_another_identity_in_the_probes_answer_is_a_new_epoch() -> None:
    process = Process()
    process.answers[CARD_PATH] = http(200, CARD, "x-pod: one")
    async with watched(process, epoch="", identity=Identity(header="X-Pod")) as it:
        await it.rest()
        process.answers[CARD_PATH] = http(200, CARD, "x-pod: two")
        await it.round()
        assert (it.instance.state, it.epochs) == ("ready", [epoch_of("one"), epoch_of("two")])


async def test_an_identity_in_the_health_answer_counts() -> None:
    process = Process(CARD)
    process.answers["/healthz"] = http(200, b'{"boot":{"id":"b1"}}')
    async with watched(process, identity=Identity(field="boot.id"), path="/healthz") as it:
        await it.rest()
        assert it.instance.epoch == epoch_of("b1")


async def test_an_instance_that_hides_its_identity_is_not_ready() -> None:
    async with watched(Process(CARD), identity=Identity(header="X-Pod")) as it:
        await it.rest()
        assert it.instance.reason.endswith("it has no header X-Pod")
        assert it.instance.state == "unreachable"


async def test_an_identity_in_the_card_is_known_from_a_304_too() -> None:
    process = Etagged(CARD)
    async with watched(process, identity=Identity(field="version")) as it:
        await it.rest()
        await it.round()
        assert (it.instance.state, it.instance.epoch) == ("ready", epoch_of("1.2.3"))
