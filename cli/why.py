"""`fedgate why`: may this one do that, and why. Asked of a manifest, or of a running gateway; nothing is sent.

Of a manifest, no server is started: what its servers would list is not known then, and is said so. Above: `main`.
Below: the gateway's own explanation.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..core.errors import ClientError
from ..core.rawjson import encode, fields, value
from ..manifest.model import Manifest
from .administration import administration
from .bounds import bounded, logged
from .screen import one_line, table, width
from .source import no_manifest, read
from .stop import OK, USAGE, Stop
from .typed import BadArgument
from .typed import arguments as typed

ABOUT = ("tool", "agent", "model")
MAX_CLAIMS = 64 * 1024
"""Characters of a file of claims."""
Told = Mapping[str, Any]


def run(arguments: Namespace) -> int:
    """Explain; whatever the verdict is, the question was answered."""
    with logged(arguments):
        question = _question(arguments)
        if arguments.url is not None:
            no_manifest(arguments)
            return bounded(arguments, lambda: _ask_there(arguments, question))
        manifest = read(arguments.manifests)
        return bounded(arguments, lambda: _ask_here(manifest, arguments, question))


def _question(arguments: Namespace) -> bytes:
    about = {kind: name for kind in ABOUT if (name := getattr(arguments, kind)) is not None}
    if len(about) != 1:
        raise Stop("say what it is about: one of --tool, --agent and --model", USAGE, "fedgate why --help")
    try:
        given = typed(arguments.arg, arguments.json_args, {})
    except BadArgument as error:
        raise Stop(str(error), USAGE, "fedgate why --help") from None
    return encode({"as": _who(arguments.who), **about, "arguments": given, "view": arguments.view})


def _who(said: str) -> Any:
    """A key, a token or an id as it is; claims as an object; `@FILE` stands for what is in it."""
    if said.startswith("@"):
        try:
            with Path(said[1:]).open(encoding="utf-8") as file:
                said = file.read(MAX_CLAIMS).strip()
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else "it is no text"
            raise Stop(f"--as: the file cannot be read: {why}", USAGE) from None
    if not said.startswith("{"):
        return said
    try:
        fields(said.encode())
        return value(said.encode())
    except ValueError:
        raise Stop("--as begins like claims, and is no JSON object", USAGE, '--as \'{"groups": ["staff"]}\'') from None


async def _ask_there(arguments: Namespace, question: bytes) -> int:
    async with administration(arguments, "servers") as there:
        answer = await there.ask("POST", "/why", body=question)
    return _show(answer, arguments)


async def _ask_here(manifest: Manifest, arguments: Namespace, question: bytes) -> int:
    from ..gateway.app import Gateway

    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        gateway = Gateway(manifest, log_fd=nowhere)
        try:
            answer = await gateway.why.answer(question)
        except ClientError as error:
            raise Stop(error.message, USAGE, "fedgate why --help") from None
        finally:
            await gateway.aclose()
            gateway.access_log.close()
    finally:
        os.close(nowhere)
    return _show(answer, arguments)


def _show(answer: Told, arguments: Namespace) -> int:
    if arguments.json:
        print(encode(answer).decode())
    else:
        print("\n".join(_lines(answer, width(sys.stdout))))
    return OK


def _lines(answer: Told, limit: int | None) -> Iterator[str]:
    identity, asked = _part(answer, "identity"), _part(answer, "asked")
    groups = ", ".join(map(str, identity.get("groups") or ())) or "none"
    yield f"{_text(identity, 'id')} ({_text(identity, 'kind')}; groups: {groups}){_because(identity)}"
    yield f"{_text(asked, 'operation')} {_text(asked, 'name')}: {_route(_part(answer, 'route'))}"
    if rules := _list(answer, "rules"):
        head = ("RULE", "KIND", "HOLDS", "EXPRESSION")
        yield table(head, [_rule(each) for each in rules], limit=limit)
    if limits := _list(answer, "limits"):
        head = ("LIMIT", "OF", "LEFT", "MOST")
        yield table(head, [_limit(each) for each in limits], limit=limit)
    yield ("allowed" if answer.get("allowed") else "denied") + _because(answer)
    if told := _text(answer, "told"):
        yield f'the caller is told: "{told}"'


def _route(route: Told) -> str:
    if not route.get("found"):
        return _text(route, "why") or "leads nowhere"
    if "server" in route:
        found = f"server {_text(route, 'server')}, its tool {_text(route, 'tool')}; {_text(route, 'state')}"
        return found + _because(route)
    if "agent" in route:
        held = ", ".join(f"{_text(each, 'name')} {_text(each, 'state')}" for each in _list(route, "instances"))
        return f"agent {_text(route, 'agent')}: {held or 'no instance'}"
    targets = ", ".join(map(str, route.get("targets") or ())) or "by its rules"
    return f"route {_text(route, 'route')}: {one_line(targets)}"


def _rule(rule: Told) -> tuple[str, ...]:
    why = _text(rule, "why")
    return (
        _text(rule, "rule"),
        _text(rule, "kind"),
        _text(rule, "held") + (f" ({why})" if why else ""),
        _text(rule, "expression"),
    )


def _limit(limit: Told) -> tuple[str, ...]:
    per = _text(limit, "per")
    most = f"{_text(limit, 'most')}/{per}" if per else _text(limit, "most")
    return _text(limit, "limit"), _text(limit, "kind"), _text(limit, "left"), most


def _because(told: Told) -> str:
    why = _text(told, "why")
    return f": {why}" if why and why != "allowed" else ""


def _part(told: Told, name: str) -> Told:
    found = told.get(name)
    return found if isinstance(found, Mapping) else {}


def _list(told: Told, name: str) -> list[Told]:
    found = told.get(name)
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list | tuple) else []


def _text(told: Told, name: str) -> str:
    found = told.get(name)
    return "" if found is None else one_line(str(found))
