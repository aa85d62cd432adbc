"""Where tools are looked up: what a place tells of its servers."""

import asyncio
import json
import signal
import threading
from argparse import Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from fedgate.cli.client import Client
from fedgate.cli.reach import Place, bounded, opened, running
from fedgate.cli.stop import Stop
from fedgate.manifest.model import Manifest

READY = {"state": "ready", "reason": ""}


def place(servers: dict[str, dict[str, str]]) -> Place:
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(lambda _: httpx2.Response(500)))
    return Place(Client(http, "http://127.0.0.1/mcp"), servers)


def test_the_owner_of_a_tool_stands_before_the_name() -> None:
    there = place({"time": READY, "notes": READY})
    assert there.owner("time__now") == "time"
    assert there.owner("else__now") == "-"
    assert there.owner("now") == "-"


def test_a_single_server_owns_everything() -> None:
    assert place({"time": READY}).owner("now") == "time"


def test_work_that_takes_too_long_names_the_option_that_gives_it_longer() -> None:
    async def late() -> int:
        async with asyncio.timeout(0):
            await asyncio.get_running_loop().create_future()
        return 0

    with pytest.raises(Stop) as stopped:
        bounded(Namespace(timeout=5.0), late)
    assert (str(stopped.value), stopped.value.code) == ("no answer within 5 s", 4)
    assert stopped.value.hint == "--timeout 15"


def test_a_terminated_run_cleans_up() -> None:
    ended = []

    async def forever() -> int:
        try:
            signal.raise_signal(signal.SIGTERM)
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)
        return 0

    assert bounded(Namespace(timeout=5.0), forever) == 143
    assert ended == [True]


@pytest.mark.anyio
@pytest.mark.parametrize("url", ["gateway", "ftp://127.0.0.1", "http://", "127.0.0.1:8080"])
async def test_a_url_must_be_one(url: str) -> None:
    with pytest.raises(Stop) as stopped:
        async with running(url, None, 1.0):
            pass
    assert str(stopped.value) == f'--url "{url}" is no URL: write for example http://127.0.0.1:8080'
    assert stopped.value.code == 2


class Elsewhere(BaseHTTPRequestHandler):
    """An MCP server that is no gateway of ours: without sessions, without states."""

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        results = {"initialize": {"protocolVersion": "2025-06-18"}, "tools/list": {"tools": [{"name": "now"}]}}
        reply = {"jsonrpc": "2.0", "id": message.get("id"), "result": results.get(message["method"])}
        self._answer(200 if "id" in message else 202, json.dumps(reply).encode() if "id" in message else b"")

    def do_GET(self) -> None:
        self._answer(200, b'["no", "states"]')

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/anything"
        server.shutdown()
        thread.join(10)


@pytest.mark.anyio
async def test_a_server_that_is_no_gateway_can_be_asked_too(elsewhere: str) -> None:
    async with asyncio.timeout(10), running(elsewhere, None, 5.0) as there:
        assert there.client.url == elsewhere
        assert there.servers == {}
        assert [bytes(tool) for tool in await there.client.tools()] == [b'{"name": "now"}']
        assert there.owner("now") == "-"


@pytest.mark.anyio
async def test_a_file_of_fingerprints_that_became_unusable_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "pins.json"
    manifest = Manifest.model_validate({"mcp": {"fingerprints": str(path)}})
    path.write_text("[]")
    with pytest.raises(Stop) as stopped:
        async with opened(manifest, 5.0):
            pass
    assert (str(stopped.value), stopped.value.code) == (
        f"mcp.fingerprints: {path} is no file of tool fingerprints",
        1,
    )
