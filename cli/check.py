"""`fedgate check`: everything that is wrong with a manifest, or what it configures."""

import json
import os
from argparse import Namespace
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ..manifest.load import load
from ..manifest.model import Manifest
from ..manifest.problems import ManifestError
from .screen import table
from .source import paths
from .stop import BAD_MANIFEST, OK, Stop


def run(arguments: Namespace) -> int:
    """Problems and summary are the product, so they go to standard output."""
    files = paths(arguments.manifests)
    try:
        manifest = load(files, os.environ)
    except ManifestError as error:
        return _refuse(error, as_json=arguments.json)
    if arguments.json:
        print(json.dumps({"ok": True, "problems": [], **_facts(manifest)}, indent=2))
    else:
        print(_summary(files, manifest))
    return OK


def _refuse(error: ManifestError, *, as_json: bool) -> int:
    if as_json:
        problems = [problem.json() for problem in error.problems]
        print(json.dumps({"ok": False, "problems": problems, "omitted": error.omitted}, indent=2))
        return BAD_MANIFEST
    print(error)
    count = len(error.problems) + error.omitted
    raise Stop("1 problem" if count == 1 else f"{count} problems", BAD_MANIFEST, "fedgate schema  (every valid key)")


def _facts(manifest: Manifest) -> dict[str, Any]:
    """What is configured, without anything that may be a secret."""
    servers = [
        {
            "name": name,
            "kind": _kind(server),
            "endpoint": server.endpoint,
            "timeout": server.timeout,
            "disabled": server.disabled,
        }
        for name, server in manifest.mcp.servers.items()
    ]
    return {
        "listen": str(manifest.gateway.listen),
        "anonymous": manifest.anonymous,
        "keys": [key.id for key in manifest.access.keys],
        "naming": manifest.mcp.naming,
        "servers": servers,
    }


def _kind(server: BaseModel) -> str:
    """By the key that a server of each kind must have."""
    keys = type(server).model_fields
    if "command" in keys:
        return "stdio"
    if "openapi" in keys:
        return "openapi"
    return "sse" if getattr(server, "transport", "") == "sse" else "http"


def _summary(files: list[Path], manifest: Manifest) -> str:
    facts = _facts(manifest)
    head = ("SERVER", "KIND", "ENDPOINT", "TIMEOUT", "NOTE")
    rows = [
        (each["name"], each["kind"], each["endpoint"], f"{each['timeout']:g}s", "disabled" if each["disabled"] else "")
        for each in facts["servers"]
    ]
    servers = table(head, rows) if rows else "no servers: add some under mcp.servers"
    callers = [f"holders of {len(facts['keys'])} key(s): {', '.join(facts['keys'])}"] if facts["keys"] else []
    if facts["anonymous"]:
        callers.append("everybody on this machine")
    return (
        f"{' '.join(map(str, files))}: fine\n\n{servers}\n\n"
        f"listens on  {facts['listen']}\n"
        f"serves      {' and '.join(callers) or 'nobody: access.anonymous is false and there are no keys'}"
    )
