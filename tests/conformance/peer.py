"""A FastMCP proxy in the gateway's place: what the same suite says of it is what ours is compared with.

It runs in an environment of its own, whose interpreter is named: FastMCP is no dependency
of anything here. Its settings are those that come with it.
"""

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.gateway import HOST, START_SECONDS, free_port
from tests.conformance.processes import started, wait_until

PROXY = """
import sys
from fastmcp import FastMCP
from fastmcp.server import create_proxy

port, kind, *urls = sys.argv[1:]
if kind == "single":
    proxy = create_proxy(urls[0])
elif kind == "config":  # names and URIs get prefixes
    names = ("everything", "second")
    proxy = create_proxy({"mcpServers": {name: {"url": url} for name, url in zip(names, urls)}})
else:  # mounted without a namespace: they stay as they are
    proxy = FastMCP("proxy")
    for url in urls:
        proxy.mount(create_proxy(url))
proxy.run(transport="http", host="127.0.0.1", port=int(port), path="/mcp", show_banner=False)
"""


@contextmanager
def running_proxy(python: str, kind: str, urls: Sequence[str], folder: Path) -> Iterator[str]:
    """Serve a proxy: of a `single` URL, or of several by `config` or `mounted`. Its URL. Raises `RunnerError`."""
    port = free_port()
    with started([python, "-c", PROXY, str(port), kind, *urls], folder / "proxy.log") as proxy:
        wait_until("the FastMCP proxy does not listen", proxy, START_SECONDS, lambda: _listens(port))
        yield f"http://{HOST}:{port}/mcp"


def _listens(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True
