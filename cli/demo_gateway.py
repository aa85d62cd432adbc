"""The demo's gateway, once its samples listen; the manifest is one that anybody could have written.

Above: `demo.py`.
"""

import json
import os
import shlex
import shutil
import sys
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..gateway.app import Gateway
from ..gateway.serve import CannotListen
from ..gateway.settings import Listen
from ..manifest.model import Manifest
from .announce import base_url
from .running import foreground
from .sample_child import SAMPLES
from .stop import BAD_MANIFEST, Stop

FIRST_PORT, PORTS = 8080, 20
AGENT = "support"
SAID = ("remember tea is green", "what is tea?")
"""To one conversation with the agent, one after the other."""
EXAMPLE = ("time__convert_time", "time=09:00", "source=Europe/Paris", "target=Asia/Tokyo")


def serve(arguments: Namespace, notes: str, replicas: Mapping[str, str]) -> None:
    """Serve on the first port that is free. `notes`, `replicas` (by name): the URLs of what runs already."""
    ports = [arguments.port] if arguments.port is not None else [*range(FIRST_PORT, FIRST_PORT + PORTS), 0]
    for port in ports:
        made = manifest(port, notes, replicas)
        try:
            foreground(made, log_level=arguments.log_level, json=arguments.json, extra=_try)
        except CannotListen as error:
            if port == ports[-1]:
                raise Stop(str(error), BAD_MANIFEST, f"{program()} demo") from error
            print(f"port {port} is taken, trying the next one", file=sys.stderr)
        else:
            return


def manifest(port: int, notes: str, replicas: Mapping[str, str]) -> Manifest:
    """What the demo serves."""
    servers = {
        "time": _stdio("time_server"),
        "knowledge": _stdio("knowledge_server"),
        "notes": {"url": notes},
    }
    instances = [{"name": name, "url": url} for name, url in replicas.items()]
    return Manifest.model_validate(
        {
            "gateway": {"listen": f"127.0.0.1:{port}"},
            "mcp": {"servers": servers},
            "agents": {AGENT: {"instances": instances}},
        }
    )


def _stdio(module: str) -> dict[str, Any]:
    # A server sees little of our environment; without this it would not find the package in a source tree.
    env = {"PYTHONPATH": os.environ["PYTHONPATH"]} if "PYTHONPATH" in os.environ else {}
    return {"command": sys.executable, "args": ["-m", f"{SAMPLES}.{module}"], "env": env}


def _try(gateway: Gateway, listen: Listen) -> str:
    tool, *pairs = EXAMPLE
    words = [word for pair in pairs for word in ("--arg", pair)]
    url = base_url(gateway, listen)
    turns = "".join(f"  {curl(url, text)}\n" for text in SAID)
    return (
        f"\nTry it from another terminal:\n\n  {program()} {shlex.join(['call', tool, *words, '--url', url])}\n\n"
        f"Two turns of a conversation, which stays with the replica that remembers it:\n\n{turns}"
        f"  {program()} {shlex.join(['sessions', '--url', url])}\n"
    )


def curl(url: str, text: str) -> str:
    """One turn, as a line to paste."""
    message = {"messageId": text.replace(" ", "-"), "contextId": "tea-talk", "role": "ROLE_USER"}
    request = {"message": {**message, "parts": [{"text": text}]}}
    kind = "content-type: application/json"
    return shlex.join(["curl", "-s", f"{url}/a2a/{AGENT}/message:send", "-H", kind, "-d", json.dumps(request)])


def program() -> str:
    """How this command line can be run again: by its name if the shell finds it, else as it was run."""
    typed = Path(sys.argv[0])
    if typed.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m {SAMPLES.partition('.')[0]}"
    found = shutil.which("fedgate")
    if found and typed.exists() and Path(found).samefile(typed):
        return "fedgate"
    return shlex.quote(str(typed))
