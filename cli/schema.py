"""`fedgate schema`: the JSON Schema of the manifest, made from the models that check it."""

import json
from argparse import Namespace

from ..manifest.schema import schema
from .stop import OK


def run(_arguments: Namespace) -> int:
    """Print it; with and without `--json` alike."""
    print(json.dumps(schema(), indent=2, ensure_ascii=False))
    return OK
