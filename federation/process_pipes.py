"""The gateway's ends of a child's pipes: non-blocking reads and writes on the event loop.

Plain pipes and `add_reader`/`add_writer` instead of the loop's subprocess transports:
uvloop gives a child socket pairs, on which `/dev/stderr` cannot be opened (every shell
script that logs there fails), and its pipe transports close a descriptor twice. Knows
neither lines nor processes. Above: `process`.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import IO

CHUNK = 65_536
"""Bytes per read: what a Linux pipe holds."""
BACKLOG = 262_144
"""Bytes accepted but not yet taken by the child beyond which senders wait."""


class Reader:
    """Calls `on_data` with what arrives, and `on_end` once after the last; both must not raise."""

    def __init__(self, file: IO[bytes], on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self.ended = asyncio.Event()
        self._file = file
        self._on_data = on_data
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._watching = False
        self._draining = False
        os.set_blocking(file.fileno(), False)
        self.resume()

    def resume(self) -> None:
        """Read on."""
        if not self._watching and not self.ended.is_set():
            self._loop.add_reader(self._file.fileno(), self._readable)
            self._watching = True

    def pause(self) -> None:
        """Read no more for now: the pipe fills and the writer waits."""
        if self._watching and not self._draining:
            self._loop.remove_reader(self._file.fileno())
            self._watching = False

    def drain(self) -> None:
        """Read on to the end, whatever `pause` says: a writer that waits for us cannot exit."""
        self._draining = True
        self.resume()

    def _readable(self) -> None:
        try:
            data = os.read(self._file.fileno(), CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._on_data(data)
        else:
            self.close()

    def close(self) -> None:
        """Read no more at all. Idempotent."""
        if self.ended.is_set():
            return
        self._draining = False
        self.pause()
        self._file.close()
        self.ended.set()
        self._on_end()


class Writer:
    """Takes whole buffers; keeps what the pipe does not take at once, up to `BACKLOG` and one buffer more."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._loop = asyncio.get_running_loop()
        self._backlog: deque[memoryview] = deque()
        self._size = 0
        self._room = asyncio.Event()
        self._watching = False
        self._closed = False
        os.set_blocking(file.fileno(), False)

    async def send(self, data: bytes) -> None:
        """Accept all of `data`, after waiting for room. Raises `BrokenPipeError` when nobody reads any more."""
        while self._size > BACKLOG and not self._closed:
            self._room.clear()
            await self._room.wait()
        if not self._closed:
            self._backlog.append(memoryview(data))
            self._size += len(data)
            if not self._watching:
                self._flush()
        if self._closed:
            raise BrokenPipeError

    def _flush(self) -> None:
        try:
            self._write()
        except BlockingIOError:
            pass
        except OSError:
            self.close()
            return
        if self._size <= BACKLOG:
            self._room.set()
        if bool(self._backlog) is not self._watching:
            self._toggle()

    def _write(self) -> None:
        while self._backlog:
            view = self._backlog[0]
            written = os.write(self._file.fileno(), view)
            self._size -= written
            if written < len(view):
                self._backlog[0] = view[written:]
                return
            self._backlog.popleft()

    def _toggle(self) -> None:
        if self._watching:
            self._loop.remove_writer(self._file.fileno())
        else:
            self._loop.add_writer(self._file.fileno(), self._flush)
        self._watching = not self._watching

    def close(self) -> None:
        """The child sees the end of its input; what it has not taken is dropped. Idempotent."""
        if self._closed:
            return
        if self._watching:
            self._toggle()
        self._backlog.clear()
        self._size = 0
        self._closed = True
        self._file.close()
        self._room.set()
