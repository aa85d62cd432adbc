"""The stage for A2A clients: replicas of the sample agent, and a gateway in front of them.

Knows processes and the manifest's `agents` section; nothing of clients.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from tests.a2a_conformance.stage import START_SECONDS, gateway_before
from tests.conformance.processes import started, wait_until
from tests.e2e.gateway import environment

LISTENING = re.compile(r"listening on (http://\S+)\n")


@contextmanager
def replica(folder: Path, name: str) -> Iterator[str]:
    """One replica of the sample agent; gives its URL."""
    words = ["--port", "0", "--name", name, "--pace", "0.05"]
    command = [sys.executable, "-m", "fedgate.samples.memory_agent", *words]
    with started(command, folder / f"{name}.log", environment()) as child:
        wait_until("the agent does not listen", child, START_SECONDS, lambda: bool(LISTENING.search(child.output())))
        found = LISTENING.search(child.output())
        assert found is not None
        yield found[1]


@contextmanager
def gateway(folder: Path, replicas: int = 2, **sections: Any) -> Iterator[str]:
    """A gateway before so many replicas; gives the address that it serves the agent at."""
    with ExitStack() as stack:
        urls = [stack.enter_context(replica(folder, f"replica-{number}")) for number in range(1, replicas + 1)]
        yield stack.enter_context(gateway_before("memory", urls, folder, **sections))
