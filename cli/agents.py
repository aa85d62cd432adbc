"""`fedgate agents`: the agents of a manifest, or of a running gateway; and `agents drain|undrain AGENT INSTANCE`.

Of a manifest, each instance is reached first; a running gateway tells how much each holds, too.
"""

import sys
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from ..core.rawjson import encode
from .administration import administration
from .agent_table import Told, agent_table, state_of
from .arguments import DEFAULTS, HERE
from .bounds import bounded, logged
from .screen import counted, one_line, wants_colour, width
from .stop import NOTHING_LISTED, OK, USAGE, Stop

ACTS = ("drain", "undrain")
READY = "ready"


def run(arguments: Namespace) -> int:
    """List, or drain; returns `NOTHING_LISTED` if there are agents but none that is ready."""
    with logged(arguments):
        act, *names = arguments.manifests or [""]
        if act in ACTS:
            return _act(arguments, act, names)
        if arguments.manifests or (arguments.url is None and any(Path(each).is_file() for each in DEFAULTS)):
            return _of_manifest(arguments)
        arguments.url = arguments.url or HERE
        return bounded(arguments, lambda: _list_there(arguments))


def _act(arguments: Namespace, act: str, names: Sequence[str]) -> int:
    if len(names) != 2:
        wanted = f"fedgate agents {act} AGENT INSTANCE"
        raise Stop(f"{act} takes the name of an agent and of one of its instances: {wanted}", USAGE, "fedgate agents")
    arguments.url = arguments.url or HERE
    agent, instance = names
    return bounded(arguments, lambda: _drain(arguments, act, agent, instance))


async def _drain(arguments: Namespace, act: str, agent: str, instance: str) -> int:
    path = f"/agents/{quote(agent, safe='')}/instances/{quote(instance, safe='')}/{act}"
    async with administration(arguments, "agents") as there:
        found = await there.ask("POST", path)
    print(encode(found).decode() if arguments.json else _said(agent, found))
    return OK


def _said(agent: str, instance: Told) -> str:
    """What an operator waits for: that nothing is left."""
    counts = [counted(_number(instance, each), each[:-1]) for each in ("conversations", "tasks")]
    held = f"holds {counts[0]} and {counts[1]}, {counted(_number(instance, 'inflight'), 'request')} under way"
    return f"{agent}/{one_line(str(instance.get('name', '')))} is {state_of(instance)}; it {held}"


def _number(told: Told, name: str) -> int:
    found = told.get(name)
    return found if isinstance(found, int) else 0


def _of_manifest(arguments: Namespace) -> int:
    # Who asks a gateway that runs need not wait for one to be imported.
    from ..manifest.model import Manifest
    from .reach import opened
    from .source import no_manifest, read

    if arguments.url is not None:
        no_manifest(arguments)
    manifest = Manifest(agents=read(arguments.manifests).agents)

    async def listed() -> int:
        async with opened(manifest, arguments.timeout) as gateway:
            agents = [msgspec.to_builtins(each) for each in gateway.agents.views()]
        return _show(agents, arguments, counts=False)

    return bounded(arguments, listed)


async def _list_there(arguments: Namespace) -> int:
    async with administration(arguments, "agents") as there:
        found = (await there.ask("GET", "/agents")).get("agents")
    agents = [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
    return _show(agents, arguments, counts=True)


def _show(agents: Sequence[Told], arguments: Namespace, *, counts: bool) -> int:
    if arguments.json:
        print(encode({"agents": agents}).decode())
    elif agents:
        print(agent_table(agents, counts=counts, limit=width(sys.stdout), colour=wants_colour(sys.stdout)))
    else:
        print("no agents: add some under agents", file=sys.stderr)
    return OK if not agents or any(each.get("state") == READY for each in agents) else NOTHING_LISTED
