"""`fedgate keys new`: make an API key, show it once, and the manifest entry that knows it by its digest alone.

Nothing is written anywhere. The entry is checked by the manifest's own rules.
"""

import hashlib
import json
import secrets
from argparse import Namespace
from typing import Any

from pydantic import ValidationError

from ..manifest.model import Manifest
from .stop import OK, USAGE, Stop

PREFIX = "fg_"
"""So that scanners for leaked secrets can find them."""
BYTES = 32


def run(arguments: Namespace) -> int:
    key = PREFIX + secrets.token_urlsafe(BYTES)
    entry = _entry(key, arguments)
    if arguments.json:
        print(json.dumps({"key": key, "entry": entry}))
        return OK
    print(
        f"{key}\n\n"
        "Give it to its holder now: it is not kept, and cannot be shown again.\n"
        "The manifest knows it by its digest:\n\n"
        f"access:\n  keys:\n    - {json.dumps(entry)}"
    )
    return OK


def _entry(key: str, arguments: Namespace) -> dict[str, Any]:
    """Raises `Stop` for an id or a group that the manifest would not have."""
    digest = hashlib.sha256(key.encode()).hexdigest()
    groups = [group.strip() for group in arguments.groups.split(",")] if arguments.groups else []
    entry: dict[str, Any] = {"id": arguments.id, "key_sha256": digest, **({"groups": groups} if groups else {})}
    try:
        Manifest.model_validate({"access": {"keys": [entry]}})
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in found["loc"][3:])
        raise Stop(f"{place} {found['msg']}", USAGE, "fedgate keys new --id alice --groups engineering") from error
    return entry
