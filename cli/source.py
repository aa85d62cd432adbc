"""From paths on the command line to a manifest, or to a `Stop` that says what to write."""

import os
import shlex
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from ..manifest.load import load
from ..manifest.model import Manifest
from ..manifest.problems import ManifestError
from .arguments import DEFAULTS
from .stop import BAD_MANIFEST, USAGE, Stop

EXAMPLE = """\
no manifest is named, and this folder has no fedgate.yaml, fedgate.yml or fedgate.json
write one into fedgate.yaml, for example:

  mcp:
    servers:
      time: {command: uvx, args: [mcp-server-time]}
      notes: {url: http://127.0.0.1:9001/mcp}
"""


def paths(named: Sequence[str]) -> list[Path]:
    """What was named, else the default manifest of this folder. Raises `Stop`."""
    if named:
        return [Path(each) for each in named]
    found = [Path(each) for each in DEFAULTS if Path(each).is_file()]
    if not found:
        raise Stop(EXAMPLE, USAGE, "fedgate demo")
    if len(found) > 1:
        names = " and ".join(map(str, found))
        raise Stop(f"this folder has {names}: name the one that you mean", USAGE, f"fedgate check {found[0]}")
    return found


def no_manifest(arguments: Namespace) -> None:
    """With `--url`, no manifest may be named. Raises `Stop`."""
    if arguments.manifests:
        manifests = shlex.join(arguments.manifests)
        raise Stop(f"give either --url or a manifest ({manifests}), not both", USAGE)


def read(named: Sequence[str]) -> Manifest:
    """The manifest of `paths(named)`. Raises `Stop` with every problem, one a line."""
    files = paths(named)
    try:
        return load(files, os.environ)
    except ManifestError as error:
        count = len(error.problems) + error.omitted
        what = "1 problem" if count == 1 else f"{count} problems"
        again = shlex.join(["fedgate", "check", *map(str, files)])
        raise Stop(f"the manifest has {what}\n{error}", BAD_MANIFEST, again) from None
