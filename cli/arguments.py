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
HERE = "http://127.0.0.1:8080"
"""The gateway that operators mean if they say nothing else."""
DEFAULTS = ("fedgate.yaml", "fedgate.yml", "fedgate.json")
"""Manifests that are meant if none is named."""
MAX_SHOWN = 100_000
"""Sessions in one table."""

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


def _sessions(parser: Parser) -> None:
    parser.add_argument("--protocol", choices=("mcp", "a2a", "llm"), help="only of this protocol")
    parser.add_argument("--kind", choices=("session", "context", "task", "conversation"), help="only of this kind")
    parser.add_argument("--owner", metavar="ID", help="only of this caller")
    parser.add_argument("--agent", metavar="NAME", help="only contexts and tasks of this agent")
    parser.add_argument("--instance", metavar="NAME", help="only what this instance holds")
    parser.add_argument("--state", help="only in this state, such as active, ready, lost, working, input-required")
    parser.add_argument(
        "--limit", type=_shown, default=100, metavar="N", help="show so many, the newest first (default 100)"
    )
    odd = parser.add_mutually_exclusive_group()
    odd.add_argument(
        "--end", metavar="MARK", help="end this one: its streams close, and its id is unknown from then on"
    )
    odd.add_argument("--watch", action="store_true", help="show them again and again")
    _operated(parser, f"the gateway (default {HERE})", HERE)


def _top(parser: Parser) -> None:
    odd = parser.add_mutually_exclusive_group()
    odd.add_argument("--once", action="store_true", help="show this moment and end")
    odd.add_argument("--end", metavar="MARK", help="end this session, named as SESSION shows it")
    _operated(parser, f"the gateway (default {HERE})", HERE)


def _agents(parser: Parser) -> None:
    parser.add_argument(
        "manifests",
        nargs="*",
        default=[],
        metavar="MANIFEST",
        help="a manifest, whose agents are reached; default: that of this folder, else the gateway that runs. "
        "Or: drain AGENT INSTANCE (give it no new conversations), undrain AGENT INSTANCE",
    )
    _operated(parser, f"ask the gateway that runs there (default for drain and undrain: {HERE})", None)


def _models(parser: Parser) -> None:
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)
    _target(parser, timeout=20.0)


def _why(parser: Parser) -> None:
    parser.add_argument("manifests", nargs="*", default=[], metavar="MANIFEST", help=_MANIFESTS)
    parser.add_argument(
        "--as",
        dest="who",
        default="anonymous",
        metavar="KEY_OR_CLAIMS",
        help="who: a key, its id, a token, anonymous, or an object of claims, groups...; @FILE: what is in that file",
    )
    parser.add_argument("--tool", metavar="NAME", help="may this tool be called, by its name in the catalog")
    parser.add_argument("--agent", metavar="NAME", help="may this agent be sent a message")
    parser.add_argument("--model", metavar="NAME", help="may this model be asked")
    parser.add_argument("--view", default="", metavar="NAME", help="with --tool: in this server's or profile's catalog")
    parser.add_argument(
        "--arg",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="one argument of the tool; of a message contextId, taskId or skillId; of a model max_tokens, stream, ...",
    )
    parser.add_argument("--json-args", metavar="OBJECT", help="arguments as one JSON object; --arg adds to them")
    _operated(parser, "ask the gateway that runs there (its administration) instead of a manifest", None)


def _operated(parser: Parser, about: str, default: str | None) -> None:
    parser.add_argument("--url", default=default, help=about)
    _key(parser)
    _timeout(parser, 20.0)
    _log_level(parser, "error")


def _keys(parser: Parser) -> None:
    parser.add_argument(
        "action", nargs="?", choices=("new",), default="new", help="new: make a key and print it, with its entry"
    )
    parser.add_argument("--id", default="alice", metavar="NAME", help="what its holder is called (default alice)")
    parser.add_argument("--groups", default="", metavar="A,B", help="the groups that the holder belongs to")


def _schema(_parser: Parser) -> None:
    pass


def _target(parser: Parser, timeout: float) -> None:
    parser.add_argument("--url", help="ask the gateway (or MCP server) that runs there instead of a manifest's servers")
    _key(parser)
    _timeout(parser, timeout)
    _log_level(parser, "error")


def _key(parser: Parser) -> None:
    parser.add_argument(
        "--key",
        default=os.environ.get(KEY_VARIABLE),
        help=f"API key for --url; best given as the environment variable {KEY_VARIABLE}",
    )


def _timeout(parser: Parser, timeout: float) -> None:
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=timeout,
        metavar="SECONDS",
        help=f"give up after that long (default {timeout:g})",
    )


def _log_level(parser: Parser, default: str) -> None:
    parser.add_argument(
        "--log-level", choices=LEVELS, default=default, help=f"how much to log to standard error (default {default})"
    )


def _port(text: str) -> int:
    if text.isdigit() and int(text) <= 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f'"{text}" is not a port: write a number from 0 to 65535')


def _shown(text: str) -> int:
    if text.isdigit() and 1 <= int(text[:9]) <= MAX_SHOWN:
        return int(text[:9])
    raise argparse.ArgumentTypeError(f'"{text}" is not a number from 1 to {MAX_SHOWN}')


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
    "agents": Command("list A2A agents and their instances, or drain one", _agents),
    "models": Command("list the model names of a manifest, or of a running gateway", _models),
    "sessions": Command("show, watch or end the sessions of a running gateway", _sessions),
    "top": Command("watch what a running gateway does at this moment", _top),
    "keys": Command("make an API key and the manifest entry for it", _keys),
    "why": Command("explain whether somebody may use a tool, agent or model, without using it", _why),
    "schema": Command("print the JSON Schema of the manifest, for editors", _schema),
}

HELP = f"""usage: fedgate COMMAND [options]

One gateway for everything an agent talks to.

commands:
{"".join(f"  {name:10}{command.summary}" + chr(10) for name, command in COMMANDS.items())}
options:
  -h, --help     show this; "fedgate COMMAND --help" says more
  -V, --version  show the version

exit codes: 1 the manifest cannot be used, 2 wrong usage, 3 nothing could be listed,
            4 no answer, 5 the tool reported an error
"""
