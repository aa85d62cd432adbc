"""A whole gateway for a test: in the test's own loop, or as a real process of the command line.

Both are made from a manifest's text, are ready when they are handed over (`/readyz`, or
the announcement), collect their access lines and end everything they started. The
address in the manifest is put in here: a free loopback port.
"""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import uvicorn

from fedgate.core.clock import SystemClock
from fedgate.gateway.app import Gateway
from fedgate.gateway.http_protocol import BoundedProtocol
from fedgate.gateway.serve import bind
from fedgate.gateway.settings import Listen
from fedgate.manifest.load import load
from tests.e2e.caller import Caller, Legacy, Modern

ROOT = Path(__file__).parents[2]
LIMIT = 20.0
PAUSE = 0.02
CLOCK = SystemClock()


async def until(predicate: Callable[[], bool], limit: float = LIMIT) -> None:
    """Look again and again, for a bounded time: for what has no event (files, processes, the kernel)."""
    async with asyncio.timeout(limit):
        while not predicate():
            await CLOCK.sleep(PAUSE)


class Lines:
    """Lines of a pipe as they come."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self.lines: list[str] = []
        self._reader = reader
        self._news = asyncio.Condition()
        self._ended = False
        self._task = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while line := await self._reader.readline():
            async with self._news:
                self.lines.append(line.decode().rstrip("\n"))
                self._news.notify_all()
        async with self._news:
            self._ended = True
            self._news.notify_all()

    def all(self, part: str) -> list[str]:
        """The lines with `part` in them so far."""
        return [line for line in self.lines if part in line]

    async def saw(self, part: str, count: int = 1) -> str:
        """The `count`-th line with `part`, waited for; `AssertionError` with all lines if the pipe ends without it."""
        async with asyncio.timeout(LIMIT), self._news:
            await self._news.wait_for(lambda: len(self.all(part)) >= count or self._ended)
        assert len(self.all(part)) >= count, "\n".join(self.lines)
        return self.all(part)[count - 1]

    async def aclose(self) -> None:
        async with asyncio.timeout(LIMIT):
            await self._task


class Running:
    """A gateway that serves."""

    def __init__(self, port: int, access: Lines) -> None:
        self.port = port
        self.access = access
        self.caller = Caller(port)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"

    def at(self, view: str) -> Caller:
        """A caller of one server's own address."""
        return Caller(self.port, f"/mcp/{view}")

    def by(self, key: str, view: str = "") -> Caller:
        """A caller with an API key."""
        return Caller(self.port, f"/mcp/{view}".rstrip("/"), {"authorization": f"Bearer {key}"})

    async def legacy(self, version: str = "2025-11-25", capabilities: dict[str, Any] | None = None) -> Legacy:
        return await Legacy.open(self.caller, version, capabilities)

    def modern(self, capabilities: dict[str, Any] | None = None) -> Modern:
        return Modern(self.caller, capabilities)

    async def ready(self, key: str = "") -> dict[str, Any]:
        """The body of `/readyz`. `key`: an administrator's, where there are any."""
        caller = self.by(key) if key else self.caller
        found: dict[str, Any] = json.loads((await caller.get("/readyz")).body)
        return found

    async def server(self, name: str, wanted: Callable[[dict[str, Any]], bool], key: str = "") -> dict[str, Any]:
        """Wait until a server's entry in `/readyz` is as wanted. `key`: as of `ready`."""
        async with asyncio.timeout(LIMIT):
            while not wanted(entry := (await self.ready(key))["servers"][name]):
                await CLOCK.sleep(PAUSE)
        assert isinstance(entry, dict)
        return entry

    async def line(self, request_id: str) -> dict[str, Any]:
        """The access line of a request."""
        line: dict[str, Any] = json.loads(await self.access.saw(request_id))
        return line

    async def metric(self, sample: str) -> float:
        """The value of one sample of `/metrics`, given as it is printed; 0 if it is not there."""
        body = (await self.caller.get("/metrics")).body.decode()
        for line in body.splitlines():
            if line.startswith(sample + " "):
                return float(line.rpartition(" ")[2])
        return 0.0


class InProcess(Running):
    """A gateway in the test's loop; `gateway` shows its inside."""

    def __init__(self, port: int, access: Lines, gateway: Gateway) -> None:
        super().__init__(port, access)
        self.gateway = gateway


class AsProcess(Running):
    """A gateway of its own."""

    def __init__(self, port: int, access: Lines, errors: Lines, process: asyncio.subprocess.Process) -> None:
        super().__init__(port, access)
        self.errors = errors
        self.process = process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def command(self, *words: str, key: str) -> tuple[int, str]:
        """One command line about this gateway, by the holder of a key; its code and what it printed."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "fedgate", *words, "--url", f"http://127.0.0.1:{self.port}"),
            env=environment(FEDGATE_KEY=key),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        async with asyncio.timeout(LIMIT):
            said, _ = await process.communicate()
        assert process.returncode is not None
        return process.returncode, said.decode()


def manifest_of(servers: dict[str, Any], **sections: Any) -> str:
    """A manifest as JSON text, which is YAML too."""
    return json.dumps({"mcp": {"servers": servers}, "telemetry": {"log": {"format": "json"}}, **sections})


def _listening(text: str, folder: Path, port: int) -> Path:
    tree = json.loads(text)
    tree.setdefault("gateway", {})["listen"] = f"127.0.0.1:{port}"
    path = folder / "manifest.json"
    path.write_text(json.dumps(tree))
    return path


class _Server(uvicorn.Server):
    """Leaves the signals to the test runner, and ends when it is told to instead of at the next tenth of a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.over.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def in_process(text: str, folder: Path, *, settled: bool = True) -> AsyncIterator[InProcess]:
    """Serve a manifest from the test's own loop. `settled`: wait until every server was reached or has failed."""
    sock = bind(Listen("127.0.0.1", 0))
    port = sock.getsockname()[1]
    manifest = load([_listening(text, folder, port)], os.environ)
    async with _pipe() as (fd, lines):
        gateway = Gateway(manifest, log_fd=fd)
        server = _Server(_config(gateway))
        gateway.start()
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            async with asyncio.timeout(LIMIT):
                if settled:
                    await gateway.hub.settled.wait()
                await until(lambda: server.started)
            yield InProcess(port, lines, gateway)
        finally:
            await gateway.drain()
            server.over.set()
            await serving
            await gateway.aclose()
            await asyncio.to_thread(gateway.access_log.close)


def _config(gateway: Gateway) -> uvicorn.Config:
    """As `gateway/serve.py` has it."""
    return uvicorn.Config(
        gateway.asgi,
        http=BoundedProtocol,
        loop="none",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )


@asynccontextmanager
async def _pipe() -> AsyncIterator[tuple[int, Lines]]:
    """The writing end of a pipe, and the lines that come out of it."""
    reading, writing = os.pipe()
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(reading, "rb", 0)
    )
    lines = Lines(reader)
    try:
        yield writing, lines
    finally:
        os.close(writing)
        await lines.aclose()
        transport.close()


def environment(**more: str) -> dict[str, str]:
    """For processes of the package: it is importable, and nothing of the terminal shines through."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**kept, "PYTHONPATH": path, **more}


@asynccontextmanager
async def as_process(text: str, folder: Path) -> AsyncIterator[AsProcess]:
    """Serve a manifest by `fedgate serve`; it has announced itself when it is handed over."""
    path = _listening(text, folder, 0)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "fedgate", "serve", str(path), "--json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(),
        cwd=folder,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    access, errors = Lines(process.stdout), Lines(process.stderr)
    try:
        announced = json.loads(await errors.saw('{"version"'))
        yield AsProcess(int(announced["listen"].rpartition(":")[2]), access, errors, process)
    finally:
        await ended(process)
        await access.aclose()
        await errors.aclose()


async def ended(process: asyncio.subprocess.Process) -> int:
    """Ask it to end, and see to it."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(LIMIT):
            return await process.wait()
    except TimeoutError:
        process.kill()
        return await process.wait()


def rss(pid: int) -> int:
    """Resident memory of a process in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextmanager
def shared_process(text: str, folder: Path) -> Iterator[str]:
    """As `as_process`, for a fixture that several tests share, whatever loops they have: gives the base URL."""
    path = _listening(text, folder, 0)
    with subprocess.Popen(
        [sys.executable, "-m", "fedgate", "serve", str(path), "--json"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=environment(),
        cwd=folder,
        text=True,
    ) as process:
        assert process.stderr is not None
        draining = threading.Thread(target=process.stderr.read)
        try:
            said: list[str] = []
            for line in process.stderr:
                said.append(line)
                if line.startswith('{"version"'):
                    break
            assert said, "it ended and said nothing"
            assert said[-1].startswith('{"version"'), "".join(said)
            announced = said[-1]
            draining.start()
            yield str(json.loads(announced)["url"])
        finally:
            process.terminate()
            process.wait(LIMIT)
            if draining.ident is not None:
                draining.join(LIMIT)
