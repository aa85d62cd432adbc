"""The command line: find the command, run it, and turn every way to fail into a sentence and a code.

Imports nothing but the list of commands until one is chosen: `--help` and `--version`
answer at once.
"""

import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from .. import __version__
from ..core.garbage import made_to_stay
from .arguments import COMMANDS, HELP, parse
from .stop import OK, USAGE, Stop, did_you_mean

INTERRUPTED = 130
PIPE_CLOSED = 141
"""As shells report a command that SIGINT or SIGPIPE ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    if argv is None:
        # Looking for plugins of pydantic means reading the metadata of every package that is installed.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    try:
        code = _run(sys.argv[1:] if argv is None else list(argv))
        sys.stdout.flush()
    except Stop as stop:
        _explain(stop)
        return stop.code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader (`| head`) has what it wanted; keep the interpreter from trying once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    return code


def _run(argv: Sequence[str]) -> int:
    name, rest = (argv[0], argv[1:]) if argv else ("", [])
    if name in ("-h", "--help", ""):
        print(HELP, end="")
        return OK if name else USAGE
    if name in ("-V", "--version"):
        print(f"fedgate {__version__}")
        return OK
    if name not in COMMANDS:
        kind = "option" if name.startswith("-") else "command"
        raise Stop(f'there is no {kind} "{name}"{did_you_mean(name, COMMANDS)}', USAGE, "fedgate --help")
    arguments = parse(name, rest)
    return _command(name)(arguments)


def _command(name: str) -> Callable[..., int]:
    module = sys.modules.get(f"{__package__}.{name}")
    if module is None:
        with made_to_stay():
            module = import_module(f".{name}", __package__)
    run: Callable[..., int] = module.run
    return run


def _explain(stop: Stop) -> None:
    print(f"fedgate: {stop}", file=sys.stderr)
    if stop.hint:
        print(f"try: {stop.hint}", file=sys.stderr)
