"""The engine of CEL expressions without the command line that its package imports along with it.

`import cel` brings a terminal interface (typer, rich, prompt_toolkit) that takes ten times as long as the engine, and
twenty megabytes for as long as the gateway runs. The engine is one extension module in that package; it is loaded as
such, under its own name, so that who imports the package finds the same one. Above: `cel.py`. Below: nothing.
"""

import sys
import threading
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any

PACKAGE, ENGINE = "cel", "cel.cel"
_ONCE = threading.Lock()
"""A manifest is read again in a thread of its own, and an extension cannot be loaded twice."""


@cache
def engine() -> Any:
    """`compile`, `evaluate`, `Context`. Where the package is built in some other way, all of it is imported."""
    with _ONCE:
        return sys.modules.get(ENGINE) or _loaded()


def _loaded() -> Any:
    if PACKAGE in sys.modules:
        return import_module(PACKAGE)
    package = find_spec(PACKAGE)
    places = None if package is None else package.submodule_search_locations
    spec = PathFinder.find_spec(ENGINE, places) if places is not None else None
    if spec is None or spec.loader is None:
        return import_module(PACKAGE)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules[ENGINE] = module
    return module
