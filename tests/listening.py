"""A small HTTP server in a thread of its own, for tests whose client blocks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Quiet(BaseHTTPRequestHandler):
    """A handler that logs nothing."""

    server: ThreadingHTTPServer

    def log_message(self, *_: object) -> None:
        """What comes is looked at by nobody."""


@contextmanager
def listening(handler: type[Quiet]) -> Iterator[str]:
    """Its address, on loopback."""
    there = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    serving = threading.Thread(target=there.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    try:
        yield f"http://127.0.0.1:{there.server_port}"
    finally:
        there.shutdown()
        serving.join(10)
        there.server_close()
