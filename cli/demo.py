"""`fedgate demo`: a gateway over three sample servers, two of them over stdio and one over HTTP.

Needs no network, no key and no file. The sample servers are ordinary MCP servers in
processes of their own; the manifest is one that anybody could have written.
"""

import os
import shlex
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from ..gateway.app import Gateway
from ..gateway.serve import CannotListen
from ..gateway.settings import Listen
from ..manifest.model import Manifest
from .announce import base_url
from .running import ended_by_signals, foreground
from .sample_child import listening
from .stop import BAD_MANIFEST, OK, Stop

SAMPLES = f"{(__package__ or '').partition('.')[0]}.samples"
FIRST_PORT, PORTS = 8080, 20
EXAMPLE = ("time__convert_time", "time=09:00", "source=Europe/Paris", "target=Asia/Tokyo")


def run(arguments: Namespace) -> int:
    """Serve until a signal comes."""
    # SIGTERM while the sample starts must end it too.
    with ended_by_signals(), listening(f"{SAMPLES}.notes_server") as notes:
        wanted = [arguments.port] if arguments.port is not None else [*range(FIRST_PORT, FIRST_PORT + PORTS), 0]
        _serve(arguments, notes, wanted)
    return OK


def _serve(arguments: Namespace, notes: str, ports: list[int]) -> None:
    """Serve on the first port that is free."""
    for port in ports:
        try:
            foreground(manifest(port, notes), log_level=arguments.log_level, json=arguments.json, extra=_try)
        except CannotListen as error:
            if port == ports[-1]:
                raise Stop(str(error), BAD_MANIFEST, f"{program()} demo") from error
            print(f"port {port} is taken, trying the next one", file=sys.stderr)
        else:
            return


def manifest(port: int, notes: str) -> Manifest:
    """What the demo serves; `notes` is the URL of the server that runs already."""
    servers = {
        "time": _stdio("time_server"),
        "knowledge": _stdio("knowledge_server"),
        "notes": {"url": notes},
    }
    return Manifest.model_validate({"gateway": {"listen": f"127.0.0.1:{port}"}, "mcp": {"servers": servers}})


def _stdio(module: str) -> dict[str, Any]:
    # A server sees little of our environment; without this it would not find the package in a source tree.
    env = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    return {"command": sys.executable, "args": ["-m", f"{SAMPLES}.{module}"], "env": env}


def _try(gateway: Gateway, listen: Listen) -> str:
    tool, *pairs = EXAMPLE
    words = [word for pair in pairs for word in ("--arg", pair)]
    url = base_url(gateway, listen)
    return f"\nTry it from another terminal:\n\n  {program()} {shlex.join(['call', tool, *words, '--url', url])}\n"


def program() -> str:
    """How this command line can be run again: by its name if the shell finds it, else as it was run."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m {SAMPLES.partition('.')[0]}"
    found = shutil.which("fedgate")
    if found and typed.exists() and Path(found).samefile(typed):
        return "fedgate"
    return shlex.quote(str(typed))
