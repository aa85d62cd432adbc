"""The fake upstreams, as one process: hand-written protocols on uvloop, 20 to 50 µs a request.

Cheap on purpose: whatever it spends is not the gateway's, but it shares the machine. Paths:

- `/s0/mcp` ... `/s9/mcp`: legacy MCP servers with sessions, 20 tools each;
- `/n0/mcp` ...: legacy without session ids; `/m0/mcp` ...: modern (2026-07-28);
- `/all/mcp`: one server in both eras with the 200 tools that a gateway in front of ten would
  list, so that a plain proxy can be given the same work; `/all-m/mcp` the same with `m0__` names;
- `/r0` ... `/r2`: replicas of one A2A agent, each with its own memory, and `/a2a/bench`, one agent alone,
  so that a plain proxy can be given the same work;
- `POST /v1/chat/completions`: 1.2 kB of JSON, or a stream; `POST /v1/messages`: the same from Anthropic;
- `POST /v1/traces`: a collector that takes every trace and keeps none;
- `POST /control/silence/{name}`: that server accepts and never answers again.

Usage: `python -m bench.upstream --port PORT`. Above: `targets.py`. Below: `upstream_mcp.py`,
`a2a_fake.py`, `llm_fake.py`.
"""

import argparse
import asyncio
import signal
from typing import cast

import httptools
import uvloop

from bench import catalog, chat, llm_fake
from bench.a2a_fake import Replica
from bench.streams import Flow
from bench.upstream_mcp import FakeServer, Headers
from bench.wire import response

REPLICAS = ("r0", "r1", "r2")
ALONE = "/a2a/bench"
BARE = (b"/healthz", b"/v1/traces")
"""Answered 200, and nothing else."""


def fake_servers() -> dict[bytes, FakeServer]:
    """Every MCP path with the server behind it."""
    servers: dict[bytes, FakeServer] = {}
    for number in range(10):
        for letter, era, sessions in (("s", "legacy", True), ("n", "legacy", False), ("m", "modern", False)):
            name = f"{letter}{number}"
            servers[f"/{name}/mcp".encode()] = FakeServer(name, catalog.server_tools(), eras={era}, sessions=sessions)
    for name, era in (("all", "legacy"), ("all-m", "modern")):
        tools = catalog.merged_tools(catalog.server_names(era))
        servers[f"/{name}/mcp".encode()] = FakeServer(name, tools, eras={"legacy", "modern"})
    return servers


class Upstream:
    """All the paths of the process."""

    def __init__(self, origin: str) -> None:
        self._servers = fake_servers()
        self._silent: set[bytes] = set()
        bases = [f"/{name}" for name in REPLICAS] + [ALONE]
        self._agents = {base.encode(): Replica(base.rpartition("/")[2], origin + base) for base in bases}

    def answer(self, verb: bytes, path: bytes, headers: Headers, body: bytes) -> bytes | Flow | None:
        """The response to one request; None means that nothing is ever sent."""
        if (server := self._servers.get(path)) is not None:
            return None if path in self._silent else server.answer(verb, headers, body)
        for base, agent in self._agents.items():
            if path.startswith(base):
                return agent.answer(path[len(base) :], body)
        if path == chat.PATH.encode():
            return llm_fake.openai(body)
        if path == llm_fake.ANTHROPIC_PATH.encode():
            return llm_fake.anthropic(body)
        if path.startswith(b"/control/silence/"):
            self._silent.add(b"/" + path.rpartition(b"/")[2] + b"/mcp")
            return response(200)
        return response(200) if path in BARE else response(404)


class Connection(asyncio.Protocol):
    """One client connection; requests are answered in the order they come."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._parser = httptools.HttpRequestParser(self)
        self._path = b""
        self._headers: Headers = {}
        self._body = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_message_begin(self) -> None:
        self._path, self._headers, self._body = b"", {}, b""

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        verb = self._parser.get_method()
        answer = self._upstream.answer(verb, self._path, self._headers, self._body)
        if isinstance(answer, Flow):
            self._transport.write(answer.head)
            self._flow(answer, 0, asyncio.get_running_loop().time())
        elif answer is not None:
            self._transport.write(answer)
            if not self._parser.should_keep_alive():
                self._transport.close()

    def _flow(self, flow: Flow, number: int, start: float) -> None:
        """Send piece `number`, and the others when their time has come."""
        while number < flow.pieces and not self._transport.is_closing():
            self._transport.write(flow.piece(number))
            number += 1
            if flow.gap and number < flow.pieces:
                at = start + number * flow.gap
                asyncio.get_running_loop().call_at(at, self._flow, flow, number, start)
                return
        self._transport.write(flow.tail)


async def serve(port: int) -> None:
    """Listen on loopback until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    upstream = Upstream(f"http://127.0.0.1:{port}")
    server = await loop.create_server(lambda: Connection(upstream), "127.0.0.1", port)
    await stopped.wait()
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="fake upstreams for the benchmark")
    parser.add_argument("--port", type=int, required=True)
    uvloop.run(serve(parser.parse_args().port))


if __name__ == "__main__":
    main()
