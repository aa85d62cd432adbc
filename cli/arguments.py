"""What can be typed: the commands and their options, on one page.

Standard library only, so that `--help`, `--version` and a mistyped option cost nothing;
what a command does stands in the module of its name, imported when it is run.
"""

import argparse
import os
from collections.abc import Callable, Sequence
from typing import NamedTuple, NoReturn

from .stop import USAGE, Stop

LEVELS = ("debug", "info", "warning", "error")
KEY_VARIABLE = "FEDGATE_KEY"

_MANIFESTS = "a manifest (YAML or JSON), or a folder of them; default: fedgate.yaml, .yml or .json in this folder"


class Parser(argparse.ArgumentParser):
    """The standard library's parser, whose mistakes are a `Stop` like any other."""

    def error(self, message: str) -> NoReturn:
        raise Stop(message, USAGE, f"{self.prog} --help")


class Command(NamedTuple):
    """`summary` completes "fedgate NAME: ..."."""

    summary: str
    configure: Callable[[Parser], None]


def parse(name: str, rest: Sequence[str]) -> argparse.Namespace:
    """The arguments of the command `name`. Raises `Stop`; `--help` prints and exits."""
    command = COMMANDS[name]
    parser = Parser(prog=f"fedgate {name}", description=f"{command.summary}.", allow_abbrev=False)
    command.configure(parser)
    parser.add_argument("--json", action="store_true", help="machine-readable output")
    # Intermixed: manifests may stand before, between and after the options.
    return parser.parse_intermixed_args(rest)


def _serve(parser: Parser) -> None:
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)
    parser.add_argument("--listen", metavar="HOST:PORT", help="listen here instead of gateway.listen")
    _log_level(parser, "info")


def _demo(parser: Parser) -> None:
    parser.add_argument("--port", type=_port, help="listen on this port; default: 8080 or the next free one")
    _log_level(parser, "warning")


def _check(parser: Parser) -> None:
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)


def _tools(parser: Parser) -> None:
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)
    odd = parser.add_mutually_exclusive_group()
    odd.add_argument(
        "--changed",
        action="store_true",
        help="only tools whose definition changed since it was accepted, or has invisible characters",
    )
    odd.add_argument(
        "--accept",
        nargs="*",
        metavar=("SERVER", "TOOL"),
        help="accept the definitions that are given now: of all servers, of one, or of one tool (in its server's "
        "spelling); a manifest stands before it",
    )
    _target(parser, timeout=20.0)


def _call(parser: Parser) -> None:
    parser.add_argument("tool", metavar="TOOL", help="its name in the catalog, such as time__get_current_time")
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one argument; read as text, number, boolean or JSON, as the tool's schema says",
    )
    parser.add_argument("--json-args", metavar="OBJECT", help="arguments as one JSON object; --arg adds to them")
    _target(parser, timeout=60.0)


def _schema(_parser: Parser) -> None:
    pass


def _target(parser: Parser, timeout: float) -> None:
    parser.add_argument("--url", help="ask the gateway (or MCP server) that runs there instead of a manifest's servers")
    parser.add_argument(
        "--key",
        default=os.environ.get(KEY_VARIABLE),
        help=f"API key for --url; best given as the environment variable {KEY_VARIABLE}",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=timeout,
        metavar="SECONDS",
        help=f"give up after that long (default {timeout:g})",
    )
    _log_level(parser, "error")


def _log_level(parser: Parser, default: str) -> None:
    parser.add_argument(
        "--log-level", choices=LEVELS, default=default, help=f"how much to log to standard error (default {default})"
    )


def _port(text: str) -> int:
    if text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f'"{text}" is not a port: write a number from 0 to 65535')


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if 0 < number <= 86_400:
        return number
    raise argparse.ArgumentTypeError(f'"{text}" is not a number of seconds: write for example 30')


COMMANDS = {
    "serve": Command("run the gateway that a manifest describes", _serve),
    "demo": Command("run a gateway over sample servers: offline, no key, nothing to set up", _demo),
    "check": Command("check a manifest and say everything that is wrong with it", _check),
    "tools": Command("list the tools of a manifest's servers, or of a running gateway", _tools),
    "call": Command("call one tool", _call),
    "schema": Command("print the JSON Schema of the manifest, for editors", _schema),
}

HELP = f"""usage: fedgate COMMAND [options]

One gateway for everything an agent talks to.

commands:
{"".join(f"  {name:8}{command.summary}" + chr(10) for name, command in COMMANDS.items())}
options:
  -h, --help     show this; "fedgate COMMAND --help" says more
  -V, --version  show the version

exit codes: 1 the manifest cannot be used, 2 wrong usage, 3 nothing could be listed,
            4 no answer, 5 the tool reported an error
"""
