"""An administration for the command line to ask: scripted answers on a loopback port, and what was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

Reply = tuple[int, Any]

ROW: dict[str, Any] = {
    "id": "a" * 24,
    "mark": "a" * 24,
    "log_id": "b" * 12,
    "protocol": "mcp",
    "kind": "session",
    "owner": "key:alice",
    "target": "",
    "instance": None,
    "epoch": None,
    "state": "idle",
    "created": 1.0,
    "last_seen": 2.0,
    "age_seconds": 90.5,
    "idle_seconds": 5.0,
    "turns": 0,
    "input_tokens": None,
    "output_tokens": None,
    "cost_usd": None,
}
INSTANCE: dict[str, Any] = {
    "name": "s1",
    "url": "127.0.0.1:9101",
    "state": "ready",
    "epoch": "aaaa",
    "draining": False,
    "inflight": 0,
    "conversations": 3,
    "tasks": 1,
    "last_used": None,
    "speaks": ["1.0/jsonrpc", "0.3/rest"],
    "since": 1.0,
    "reason": "",
}
LOST: dict[str, Any] = {**INSTANCE, "name": "s2", "state": "lost", "speaks": [], "reason": "it is gone"}
AGENT: dict[str, Any] = {"name": "support", "state": "ready", "version": "1.0.0", "instances": [INSTANCE, LOST]}


class Desk:
    """`answers`: method and path → status and what is answered as JSON (bytes: as they are), one after the other."""

    def __init__(self) -> None:
        self.url = ""
        self.answers: dict[str, list[Reply]] = {}
        self.asked: list[tuple[str, dict[str, str], str | None]] = []

    def answer(self, what: str, body: Any, status: int = 200) -> None:
        self.answers.setdefault(what, []).append((status, body))

    def reply(self, method: str, target: str, key: str | None) -> Reply:
        parts = urlsplit(target)
        self.asked.append((f"{method} {parts.path}", dict(parse_qsl(parts.query)), key))
        waiting = self.answers.get(f"{method} {parts.path}", [])
        if not waiting:
            return 404, b"nothing here"
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]


@contextmanager
def desk() -> Iterator[Desk]:
    """It listens for the time of the block."""
    made = Desk()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status, body = made.reply(self.command, self.path, self.headers["authorization"])
            sent = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = answer  # noqa: N815 - the standard library's names
        do_POST = answer  # noqa: N815
        do_DELETE = answer  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        made.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield made
        finally:
            server.shutdown()
            thread.join(10)
