"""`fedgate demo`: a gateway over three sample MCP servers, and over two replicas of an agent that remembers.

Needs no network, no key and no file. The samples are ordinary servers and agents in
processes of their own, which start while this process is still importing the gateway
(`demo_gateway.py`): so nothing heavy is imported here.
"""

from argparse import Namespace
from contextlib import ExitStack

from .sample_child import SAMPLES, started
from .signals import ended_by_signals
from .stop import OK

REPLICAS = ("s1", "s2")


def run(arguments: Namespace) -> int:
    """Serve until a signal comes."""
    # SIGTERM while the samples start must end them too.
    with ended_by_signals(), ExitStack() as stack:
        # All at a time, or the demo would take as long as all of them together.
        notes = stack.enter_context(started(f"{SAMPLES}.notes_server"))
        agents = [stack.enter_context(started(f"{SAMPLES}.memory_agent", "--name", each)) for each in REPLICAS]
        from .demo_gateway import serve

        serve(arguments, notes(), {name: url() for name, url in zip(REPLICAS, agents, strict=True)})
    return OK
