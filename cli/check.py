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
    mcp = manifest.mcp
    servers = [
        {
            "name": name,
            "kind": _kind(server),
            "endpoint": server.endpoint,
            "timeout": server.timeout,
            "pin": server.pin,
            "disabled": server.disabled,
        }
        for name, server in mcp.servers.items()
    ]
    proxies = manifest.access.trusted_proxies
    return {
        "listen": str(manifest.gateway.listen),
        "anonymous": manifest.anonymous,
        "keys": [key.id for key in manifest.access.keys],
        "issuers": [issuer.issuer for issuer in manifest.access.jwt],
        "proxies": [str(network) for network in proxies.networks] if proxies else [],
        "naming": mcp.naming,
        "servers": servers,
        "profiles": [
            {"name": name, "servers": list(profile.servers), "search": profile.search or mcp.search}
            for name, profile in mcp.profiles.items()
        ],
        "search": mcp.search,
        "search_over": mcp.search_over,
        "fingerprints": None if mcp.fingerprints is None else str(mcp.fingerprints),
    }


def _kind(server: BaseModel) -> str:
    """By the key that a server of each kind must have."""
    keys = type(server).model_fields
    if "command" in keys:
        return "stdio"
    if "openapi" in keys:
        return "openapi"
    if "agent" in keys:
        return "agent"
    return "sse" if getattr(server, "transport", "") == "sse" else "http"


def _summary(files: list[Path], manifest: Manifest) -> str:
    facts = _facts(manifest)
    head = ("SERVER", "KIND", "ENDPOINT", "TIMEOUT", "PIN", "NOTE")
    rows = [
        (
            each["name"],
            each["kind"],
            each["endpoint"],
            f"{each['timeout']:g}s",
            each["pin"],
            "disabled" * each["disabled"],
        )
        for each in facts["servers"]
    ]
    servers = table(head, rows) if rows else "no servers: add some under mcp.servers"
    callers = [f"holders of {len(facts['keys'])} key(s): {', '.join(facts['keys'])}"] if facts["keys"] else []
    if facts["issuers"]:
        callers.append(f"bearers of tokens of {', '.join(facts['issuers'])}")
    if facts["proxies"]:
        callers.append(f"whom the proxies at {', '.join(facts['proxies'])} vouch for")
    if facts["anonymous"]:
        callers.append("everybody on this machine")
    return (
        f"{' '.join(map(str, files))}: fine\n\n{servers}\n\n"
        f"listens on  {facts['listen']}\n"
        f"serves      {' and '.join(callers) or 'nobody: access.anonymous is false and there are no keys or issuers'}\n"
        f"{_catalog(facts)}"
    )


def _catalog(facts: dict[str, Any]) -> str:
    """How the catalog is shown and what is remembered of it."""
    lines = [
        f"profile     /mcp/{each['name']}: {', '.join(each['servers']) or 'all servers'}; "
        f"{_search(each['search'], facts)}"
        for each in facts["profiles"]
    ]
    kept = facts["fingerprints"]
    pins = f"kept in {kept}" if kept else "not kept across restarts: mcp.fingerprints is not set"
    return "\n".join([*lines, f"search      {_search(facts['search'], facts)}", f"pins        {pins}"])


def _search(mode: str, facts: dict[str, Any]) -> str:
    return {
        "on": "tools are searched",
        "off": "tools are listed",
        "auto": f"tools are listed up to about {facts['search_over']} tokens, then searched",
    }[mode]
