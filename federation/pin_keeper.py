"""Keeps the accepted definitions of a running gateway and their file the same.

The file is written when a tool is seen for the first time, here and by `fedgate tools`,
and when a definition is accepted; so what it says wins over what this process remembers,
until this process accepts something itself. Disk work is done in threads. Above: `hub.py`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from pathlib import Path

from .pin_file import BadPinFile, load, save, stamp
from .pins import Finding, Pins

log = logging.getLogger("fedgate.hub")

WATCH = 30.0
"""Seconds between looks at the file, for what others wrote."""


class PinKeeper:
    """Keeps `pins` and the file the same. `on_merge` is called when the file changed what is found."""

    def __init__(self, path: Path, pins: Pins, on_merge: Callable[[], None]) -> None:
        self._path = path
        self._pins = pins
        self._on_merge = on_merge
        self._stamp = stamp(path)
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._failed = ""

    def wake(self) -> None:
        """There may be something to save."""
        self._wake.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WATCH):
                    await self._wake.wait()
            self._wake.clear()
            await self.sync()

    async def sync(self) -> None:
        """Take over what others wrote, then write what is missing. Trouble with the disk is logged, once."""
        try:
            async with self._turn:
                await self._merge()
                if self._pins.unsaved:
                    await self._write()
            self._failed = ""
        except (OSError, BadPinFile) as error:
            why = str(error.strerror) if isinstance(error, OSError) else str(error)
            if why != self._failed:
                log.error("mcp.fingerprints: %s: %s", self._path, why)
            self._failed = why

    async def accept(self, server: str, tool: str) -> list[Finding]:
        """As `Pins.accept`, in the file too. Raises `OSError` or `BadPinFile`; then nothing is accepted."""
        async with self._turn:
            await self._merge()
            before = {name: dict(tools) for name, tools in self._pins.accepted.items()}
            taken = self._pins.accept(server, tool)
            try:
                await self._write()
            except OSError:
                self._pins.merge(before)
                raise
            return taken

    async def _merge(self) -> None:
        now = await asyncio.to_thread(stamp, self._path)
        if now == self._stamp:
            return
        saved = await asyncio.to_thread(load, self._path)
        self._stamp = now
        changed = self._pins.merge(saved)
        self._pins.unsaved = self._pins.unsaved or self._pins.accepted != saved
        if changed:
            self._on_merge()

    async def _write(self) -> None:
        copy = {server: dict(tools) for server, tools in self._pins.accepted.items()}
        self._pins.unsaved = False
        try:
            await asyncio.to_thread(save, self._path, copy)
        except (OSError, asyncio.CancelledError):
            self._pins.unsaved = True  # cancelled, the thread may not even have begun
            raise
        self._stamp = await asyncio.to_thread(stamp, self._path)
