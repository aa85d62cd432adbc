"""`fedgate models`: the model names that a manifest offers, and where each leads; or those of a running gateway.

Of a manifest nothing is reached: a provider shows that it is there when it is asked, which costs money.
"""

import json
import sys
from argparse import Namespace
from typing import Any

from ..manifest.model import Manifest
from .bounds import bounded, logged
from .screen import one_line, table, wants_colour, width
from .source import no_manifest, read
from .stop import NOTHING_LISTED, OK, Stop

HEAD = ("MODEL", "STRATEGY", "TARGETS", "PATH", "ALIASES")
TRY = "fedgate check"


def run(arguments: Namespace) -> int:
    """List; returns `NOTHING_LISTED` if there is none."""
    with logged(arguments):
        if arguments.url is not None:
            no_manifest(arguments)
            return bounded(arguments, lambda: _there(arguments))
        return _show(rows(read(arguments.manifests)), arguments)


def rows(manifest: Manifest) -> list[dict[str, Any]]:
    """One per route, in the manifest's order."""
    return [
        {
            "model": name,
            "strategy": "rules" if route.rules else route.strategy,
            "targets": _targets(manifest, name),
            "path": route.path or "",
            "aliases": list(route.aliases),
        }
        for name, route in manifest.models.routes.items()
    ]


def _targets(manifest: Manifest, name: str) -> list[str]:
    route = manifest.models.routes[name]
    if route.rules:
        return [rule.route for rule in route.rules]
    return [f"{target.provider}/{target.model}" if target.model else target.provider for target in route.targets]


async def _there(arguments: Namespace) -> int:
    """As any client sees them: the names alone."""
    import httpx2

    headers = {"authorization": f"Bearer {arguments.key}"} if arguments.key else {}
    try:
        async with httpx2.AsyncClient(timeout=arguments.timeout) as client:
            reply = await client.get(f"{arguments.url.rstrip('/')}/v1/models", headers=headers)
    except httpx2.HTTPError as error:
        raise Stop(f"{arguments.url} cannot be reached: {error}", NOTHING_LISTED, "fedgate serve") from error
    if reply.status_code != 200:
        raise Stop(f"{arguments.url} answered {reply.status_code}: {one_line(reply.text)}", NOTHING_LISTED, TRY)
    found = [{"model": str(each["id"])} for each in reply.json()["data"]]
    return _show(found, arguments)


def _show(found: list[dict[str, Any]], arguments: Namespace) -> int:
    if arguments.json:
        print(json.dumps({"models": found}))
    elif not found:
        print("no models: add some under models.routes")
    elif "targets" not in found[0]:
        print("\n".join(one_line(each["model"]) for each in found))
    else:
        print(model_table(found, limit=width(sys.stdout), colour=wants_colour(sys.stdout)))
    return OK if found else NOTHING_LISTED


def model_table(found: list[dict[str, Any]], *, limit: int | None = None, colour: bool = False) -> str:
    """One row per route."""
    shown = [
        (each["model"], each["strategy"], " ".join(each["targets"]), each["path"], " ".join(each["aliases"]))
        for each in found
    ]
    return table(HEAD, shown, limit=limit, colour=colour)
