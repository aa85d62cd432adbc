"""Answers of agents that no client should take for one, and answers that say nothing of ids. Pure.

Above: `relay.py`. Below: `learn.py`.
"""

from typing import NoReturn

from ..core.errors import UpstreamInvalid
from . import learn
from .values import Seen, Speech


def check(agent: str, speech: Speech, status: int, kind: bytes, body: bytes) -> None:
    """Raises `UpstreamInvalid` for what is no answer of the protocol. `kind`: its content type."""
    if status in (401, 403):
        _refuse(agent, f"refuses the gateway's credentials (HTTP {status}); set agents.{agent}.headers")
    if body and b"json" not in kind:
        _refuse(agent, f"answered HTTP {status} with something that is not JSON")
    if speech.binding == "jsonrpc" and status >= 300 and not learn.failed(speech, body):
        _refuse(agent, f"answered HTTP {status} without a JSON-RPC error")


def _refuse(agent: str, what: str) -> NoReturn:
    raise UpstreamInvalid(f"agent {agent} {what}")


def note(fields: dict[str, str | int | float | bool | None], seen: Seen) -> None:
    """The access line knows the conversation also where the answer is the first to name it."""
    if seen.context:
        fields.setdefault("a2a.context.id", seen.context)
    if seen.task:
        fields.setdefault("a2a.task.id", seen.task)


def nothing(speech: Speech, body: bytes) -> list[Seen]:
    """What an answer without ids says: it is an answer all the same. An error is none."""
    return [] if learn.failed(speech, body) else [Seen()]
