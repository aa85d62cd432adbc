"""A web hook on loopback that keeps what it is sent, for tests of push notifications."""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WAIT = 10.0
MAX_BODY = 1024 * 1024


@dataclass(frozen=True)
class Received:
    """One callback."""

    path: str
    token: str | None
    authorization: str | None
    body: dict[str, Any]


@contextmanager
def received(path: str = "/hook") -> Iterator[tuple[str, Iterator[Received]]]:
    """The hook's URL, and what comes, waited for one by one; `queue.Empty` if nothing comes in time."""
    arrived: queue.SimpleQueue[Received] = queue.SimpleQueue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(min(int(self.headers.get("content-length", "0")), MAX_BODY))
            token, authorization = self.headers.get("x-a2a-notification-token"), self.headers.get("authorization")
            arrived.put(Received(self.path, token, authorization, json.loads(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{path}", iter(lambda: arrived.get(timeout=WAIT), None)
        finally:
            server.shutdown()
            serving.join(WAIT)
