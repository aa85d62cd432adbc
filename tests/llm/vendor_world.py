"""The stage of the vendors' SDKs: a `fedgate serve` process before providers of every format, which a test scripts.

The providers are one server on loopback; the path tells the format. What it was asked is kept as it came.
Above: the `test_vendor_sdks_` modules. Below: `vendor_wire` and processes.
"""

import json
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from tests.e2e.gateway import manifest_of, shared_process
from tests.llm.vendor_wire import FORMATS, STREAMS, WHOLE, Json, Says

KEY = "key-of-alice-0001"
MODELS = {
    "openai": "gpt-5.2",
    "responses": "gpt-5.2",
    "anthropic": "claude-sonnet-4-5",
    "gemini": "gemini-2.5-flash",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
}
"""What the provider of each format calls its model; clients ask for it by the name of the format."""


@dataclass(frozen=True)
class Refuses:
    """An error, in the words of the format."""

    status: int
    message: str
    headers: tuple[tuple[str, str], ...] = ()
    kind: str = "some_error"

    def body(self, format_: str) -> Json:
        if format_ == "anthropic":
            return {"type": "error", "error": {"type": self.kind, "message": self.message}}
        if format_ == "gemini":
            return {"error": {"code": self.status, "message": self.message, "status": self.kind}}
        if format_ == "bedrock":
            return {"message": self.message}
        return {"error": {"message": self.message, "type": self.kind, "param": None, "code": None}}


@dataclass(frozen=True)
class Breaks:
    """A stream that says something and then stops in the middle."""

    says: Says
    after: int
    """Frames that are sent."""


@dataclass(frozen=True)
class Asked:
    """A request as the provider got it."""

    format: str
    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


class Hangs:
    """Takes the request and never answers; ends when the client gives up."""


class Drops:
    """Takes the request and breaks the connection off."""


Scripted = Says | Refuses | Breaks | Hangs | Drops | bytes | Callable[[Asked], Says]
"""A function decides by what is asked."""


@dataclass
class Providers:
    """What they say next, and what they were asked. The last answer is repeated."""

    script: deque[Scripted] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)

    def say(self, *script: Scripted) -> None:
        """From now on; what was asked before is forgotten."""
        self.script = deque(script)
        self.asked = []

    def next(self) -> Scripted:
        return self.script.popleft() if len(self.script) > 1 else self.script[0]

    @property
    def last(self) -> Asked:
        return self.asked[-1]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    providers: ClassVar[Providers]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        format_ = self.path.split("/")[1]
        headers = {name.lower(): value for name, value in self.headers.items()}
        asked = Asked(format_, self.path, headers, body)
        self.providers.asked.append(asked)
        said = self.providers.next()
        if callable(said):
            said = said(asked)
        if isinstance(said, Hangs | Drops):
            self.close_connection = True
            if isinstance(said, Hangs):
                self.rfile.read(1)
        elif isinstance(said, bytes):
            self._whole(200, said)
        elif isinstance(said, Refuses):
            self._whole(said.status, json.dumps(said.body(format_)).encode(), said.headers)
        elif isinstance(said, Breaks):
            self._stream(format_, list(STREAMS[format_](said.says))[: said.after], whole=False)
        elif self._is_streamed(body):
            self._stream(format_, list(STREAMS[format_](said)))
        else:
            self._whole(200, json.dumps(WHOLE[format_](said)).encode())

    def _is_streamed(self, body: bytes) -> bool:
        if "converse-stream" in self.path or ":streamGenerateContent" in self.path:
            return True
        return bool(json.loads(body).get("stream"))

    def _whole(self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        for name, value in (*headers, ("content-type", "application/json"), ("content-length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, format_: str, frames: list[bytes], *, whole: bool = True) -> None:
        kind = "application/vnd.amazon.eventstream" if format_ == "bedrock" else "text/event-stream"
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for frame in frames:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(frame), frame))
        if whole:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = self.close_connection or not whole

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway that gives a request up is no error of the provider's."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def providers() -> Iterator[tuple[str, Providers]]:
    """Providers of every format, and the address below which they are."""
    state = Providers()
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"providers": state}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="providers")
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", state
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def sections(base: str) -> dict[str, Any]:
    """The manifest: a provider and a route for each format, both named as the format is."""
    openai = {"type": "openai", "api_key": "sk-up"}
    entries: dict[str, Any] = {
        "openai": {**openai, "base_url": f"{base}/openai/v1", "formats": ["openai"]},
        "responses": {**openai, "base_url": f"{base}/responses/v1", "formats": ["responses"]},
        "anthropic": {"type": "anthropic", "api_key": "sk-up", "base_url": f"{base}/anthropic"},
        "gemini": {"type": "gemini", "api_key": "sk-up", "base_url": f"{base}/gemini"},
        "bedrock": {"type": "bedrock", "api_key": "sk-up", "region": "eu-west-1", "base_url": f"{base}/bedrock"},
    }
    routes: dict[str, Any] = {
        name: {"targets": [{"provider": name, "model": MODELS[name]}], "affinity": "none"} for name in FORMATS
    }
    for name in FORMATS:
        # Under the provider's own name of its model nothing at all is to be changed.
        routes[f"own-{name}"] = {"targets": [{"provider": name}], "aliases": [f"{name}:*"]}
    models = {"retry": {"attempts": 0}, "breaker": {"failures": 1000}, "providers": entries, "routes": routes}
    return {"access": {"keys": [{"id": "alice", "key": KEY}]}, "models": models}


@dataclass(frozen=True)
class World:
    url: str
    providers: Providers


@contextmanager
def world(folder: Path) -> Iterator[World]:
    with providers() as (base, state), shared_process(manifest_of({}, **sections(base)), folder) as url:
        yield World(url, state)
