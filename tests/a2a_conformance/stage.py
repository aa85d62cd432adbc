"""The stage for A2A tests with processes: the conformance agent, and a gateway in front of any agents.

Above: the conformance tests and those of clients. Below: processes, and the manifest's `agents` section.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from tests.conformance.processes import announced_url, started
from tests.e2e.gateway import environment, manifest_of, shared_process

AGENT = Path(__file__).with_name("sut_agent.py")
CARD = "/.well-known/agent-card.json"
START_SECONDS = 60.0
PAUSE = 0.05
PACE = 0.6
"""Seconds of the slow task: long enough to be met while it works."""
LOOPBACK = {"allow": ["127.0.0.0/8"]}
"""Hooks of tests are on loopback, which a gateway calls back only if it is told so."""


@contextmanager
def agent(folder: Path, number: int = 1, *words: str) -> Iterator[str]:
    """One agent; gives its URL."""
    command = [sys.executable, str(AGENT), "--pace", str(PACE), *words]
    with started(command, folder / f"agent-{number}.log", environment()) as process:
        yield announced_url(process, START_SECONDS)


@contextmanager
def gateway(folder: Path, replicas: int = 2, *words: str) -> Iterator[str]:
    """A gateway before so many replicas of the conformance agent; gives the address that it serves them at."""
    with ExitStack() as stack:
        urls = [stack.enter_context(agent(folder, number, *words)) for number in range(1, replicas + 1)]
        yield stack.enter_context(gateway_before("conformance", urls, folder))


@contextmanager
def gateway_before(name: str, urls: list[str], folder: Path, **sections: Any) -> Iterator[str]:
    """A gateway before these instances of one agent, which has found them."""
    agents = {name: {"instances": urls, "push": LOOPBACK}}
    with shared_process(manifest_of({}, agents=agents, **sections), folder) as base:
        url = f"{base}/a2a/{name}"
        _wait_for(url + CARD)
        yield url


def _wait_for(url: str) -> None:
    """Until it is there; cards can be read without a key."""
    opener = build_opener(ProxyHandler({}))
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with opener.open(url, timeout=5):
                return
        except (URLError, ConnectionError, TimeoutError):
            if time.monotonic() > end:
                raise
        time.sleep(PAUSE)
