import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from anyio.lowlevel import checkpoint

from fedgate.core.tasks import Tasks
from fedgate.federation.listing import Item
from fedgate.federation.pin_file import BadPinFile, load, save
from fedgate.federation.pin_keeper import PinKeeper
from fedgate.federation.pins import Pins
from tests.federation.fakes import item

pytestmark = pytest.mark.anyio


def tool(description: str = "Adds.") -> Item:
    return item("tools/list", "add", description=description)


def made(path: Path) -> tuple[Pins, PinKeeper, list[int]]:
    """As the hub makes them; the list grows by what is merged."""
    pins = Pins({"notes": "strict"}, load(path))
    merged: list[int] = []
    return pins, PinKeeper(path, pins, lambda: merged.append(1)), merged


async def bounded(predicate: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not predicate():
            await asyncio.to_thread(predicate)


async def test_tools_seen_for_the_first_time_are_written(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, _ = made(path)
    tasks = Tasks("t")
    tasks.start(keeper.run(), "keep")
    pins.look("notes", [tool()])
    keeper.wake()
    await bounded(path.exists)
    await tasks.aclose()
    await keeper.sync()
    assert load(path) == pins.accepted
    assert not pins.unsaved


async def test_nothing_new_is_not_written(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    _, keeper, _ = made(path)
    await keeper.sync()
    assert not path.exists()


async def test_what_another_process_accepted_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, merged = made(path)
    pins.look("notes", [tool()])
    await keeper.sync()
    pins.look("notes", [tool("b")])
    other, its_keeper, _ = made(path)
    other.look("notes", [tool("b")])
    assert [each.tool for each in await its_keeper.accept("", "")] == ["add"]
    assert pins.refused() != {}
    await keeper.sync()
    assert (pins.refused(), merged) == ({}, [1])


async def test_what_two_processes_saw_ends_up_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, merged = made(path)
    save(path, {"time": {"now": {}}})
    pins.look("notes", [tool()])
    await keeper.sync()
    assert set(load(path)) == {"notes", "time"}
    assert merged == []


async def test_accepting_writes_at_once(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, _ = made(path)
    pins.look("notes", [tool()])
    pins.look("notes", [tool("b")])
    assert len(await keeper.accept("notes", "add")) == 1
    fresh, _, _ = made(path)
    assert fresh.look("notes", [tool("b")]) == []


async def test_what_cannot_be_saved_is_not_accepted(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, _ = made(path)
    pins.look("notes", [tool()])
    pins.look("notes", [tool("b")])
    tmp_path.joinpath("pins.json").mkdir()
    with pytest.raises(BadPinFile):
        await keeper.accept("", "")
    path.rmdir()
    pins_gone, keeper_gone, _ = made(tmp_path / "none" / "pins.json")
    pins_gone.look("notes", [tool()])
    pins_gone.look("notes", [tool("b")])
    with pytest.raises(FileNotFoundError):
        await keeper_gone.accept("", "")
    assert [len(each.findings) for each in (pins, pins_gone)] == [1, 1]


async def test_trouble_with_the_disk_is_logged_once_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "later"
    pins, keeper, _ = made(folder / "pins.json")
    pins.look("notes", [tool()])
    with caplog.at_level(logging.ERROR, "fedgate.hub"):
        await keeper.sync()
        await keeper.sync()
    assert len(caplog.records) == 1
    folder.mkdir()
    await keeper.sync()
    assert load(folder / "pins.json") == pins.accepted


async def test_a_file_that_was_broken_meanwhile_is_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, _ = made(path)
    path.write_text("{")
    pins.look("notes", [tool()])
    with caplog.at_level(logging.ERROR, "fedgate.hub"):
        await keeper.sync()
    assert "is no file of tool fingerprints" in caplog.text
    assert path.read_text() == "{"


async def test_a_save_that_is_cancelled_before_it_began_is_made_up_for(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    pins, keeper, _ = made(path)
    pins.look("notes", [tool()])
    free = threading.Event()
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1) as only:
        loop.set_default_executor(only)
        busy = loop.run_in_executor(None, free.wait, 10)
        writing = asyncio.ensure_future(keeper._write())
        await checkpoint()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        free.set()
        await busy
        assert not path.exists()
        await keeper.sync()
    assert load(path) == pins.accepted
