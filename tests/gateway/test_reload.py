"""One manifest after another: taken whole or not at all, one at a time, and what became of it is told."""

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from fedgate.core.clock import ManualClock, SystemClock
from fedgate.core.errors import Conflict
from fedgate.core.values import MANIFEST
from fedgate.gateway.reload import Reloader
from fedgate.manifest.load import load
from fedgate.manifest.model import Manifest
from tests.e2e.gateway import until

pytestmark = pytest.mark.anyio

LIMIT = 10.0


def manifest(*servers: str, **sections: Any) -> Manifest:
    named = {name: {"url": f"http://127.0.0.1:1/{name}"} for name in servers}
    return Manifest.model_validate({"mcp": {"servers": named}, **sections}, context=MANIFEST)


class Counted:
    def __init__(self) -> None:
        self.results: list[str] = []

    def reloaded(self, result: str) -> None:
        self.results.append(result)


class Gateway:
    """The port. `next`: what is read."""

    def __init__(self, *servers: str) -> None:
        self.manifest = manifest(*servers)
        self.metrics = Counted()
        self.next = self.manifest
        self.applied = asyncio.Event()

    def apply(self, new: Manifest) -> None:
        self.manifest = new
        self.applied.set()

    def load(self) -> Manifest:
        return self.next


async def test_another_manifest_is_served_and_told_of() -> None:
    gateway, clock = Gateway("one"), ManualClock(50.0)
    reloader = Reloader(gateway, gateway.load, clock)
    assert (reloader.standing.generation, reloader.standing.last) == (1, None)
    gateway.next = manifest("one", "two")
    clock.advance(5.0)
    outcome = await reloader.reload("key:root")
    assert (outcome.result, outcome.by, outcome.when, str(outcome.changes)) == (
        *("applied", "key:root", 55.0),
        "mcp.servers +two",
    )
    assert list(gateway.manifest.mcp.servers) == ["one", "two"]
    assert (reloader.standing.generation, reloader.standing.since, reloader.standing.last) == (2, 55.0, outcome)
    assert (await reloader.reload("file")).result == "unchanged"
    assert gateway.metrics.results == ["applied", "unchanged"]
    assert reloader.standing.since == 55.0


async def test_what_cannot_be_used_changes_nothing_and_says_where_and_why(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("mcp:\n  servers:\n    one: {url: nowhere}\n")
    gateway = Gateway("one")
    reloader = Reloader(gateway, lambda: load([path], {}), ManualClock())
    before = gateway.manifest
    outcome = await reloader.reload("SIGHUP")
    assert outcome.result == "refused"
    assert outcome.reason.startswith(f"{path}:3:16: mcp.servers.one.url must be an http or https URL")
    assert gateway.manifest is before
    assert (reloader.standing.generation, reloader.standing.last) == (1, outcome)
    await asyncio.to_thread(path.unlink)
    assert "cannot be read" in (await reloader.reload("SIGHUP")).reason
    assert gateway.metrics.results == ["refused", "refused"]


async def test_a_part_that_refuses_is_a_refusal_of_the_whole() -> None:
    class Stubborn(Gateway):
        def apply(self, new: Manifest) -> None:
            raise ValueError("nothing here can make credentials for it")

    gateway = Stubborn("one")
    gateway.next = manifest("two")
    outcome = await Reloader(gateway, gateway.load, ManualClock()).reload("file")
    assert (outcome.result, outcome.reason) == ("refused", "nothing here can make credentials for it")


async def test_only_what_needs_a_restart_is_other_and_nothing_is_applied() -> None:
    gateway = Gateway("one")
    gateway.next = manifest("one", gateway={"listen": "127.0.0.1:9"})
    outcome = await Reloader(gateway, gateway.load, ManualClock()).reload("file")
    assert (outcome.result, outcome.changes.restart) == ("unchanged", ("gateway.listen",))
    assert not gateway.applied.is_set()


async def test_without_a_file_there_is_nothing_to_be_read() -> None:
    reloader = Reloader(Gateway(), None, ManualClock())
    assert reloader.standing.possible is False
    reloader.ask("SIGHUP")
    with pytest.raises(Conflict, match="not started from a manifest file"):
        await reloader.reload("key:root")


async def test_whoever_asks_at_the_same_time_waits_for_the_one_before() -> None:
    gateway, release = Gateway(), threading.Event()
    reading: list[int] = []

    def slow() -> Manifest:
        reading.append(len(reading))
        assert release.wait(LIMIT)
        return manifest("one") if len(reading) == 1 else manifest("two")

    reloader = Reloader(gateway, slow, ManualClock())
    first, second = (asyncio.ensure_future(reloader.reload(str(number))) for number in range(2))
    async with asyncio.timeout(LIMIT):
        await until(lambda: bool(reading))
        assert reading == [0]
        release.set()
        assert [(await each).result for each in (first, second)] == ["applied", "applied"]
    assert list(gateway.manifest.mcp.servers) == ["two"]


async def test_a_file_that_is_put_in_anothers_place_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m.yaml"
    path.write_text("mcp: {}\n")
    (tmp_path / "other.yaml").write_text("a: b\n")
    gateway = Gateway()
    reloader = Reloader(gateway, lambda: load([path], {}), SystemClock())
    reloader.watch(lambda: [path])
    try:
        async with asyncio.timeout(LIMIT):
            number = 0
            while not gateway.applied.is_set():  # until the watcher is there, nothing is noticed
                number += 1
                fresh = tmp_path / "fresh.tmp"
                fresh.write_text(f"mcp: {{servers: {{s{number}: {{url: 'http://127.0.0.1:1'}}}}}}\n")
                fresh.replace(path)
                await SystemClock().sleep(0.1)
        assert next(iter(gateway.manifest.mcp.servers)).startswith("s")
    finally:
        await reloader.aclose()
