"""What rules, limits and logs are told of A2A: of a request that is bound, and of an agent that could be asked. Pure.

Above: `endpoint.py`, `cards.py`. Below: values.
"""

from collections.abc import Callable
from typing import Any

from ..core.rawjson import Fields, Raw, fields, sub, text
from .placing import Place
from .values import Asked

UNKNOWN = ("a2a.method", "a2a.context_id", "a2a.task_id", "a2a.skill")
"""What a request would say besides the agent."""
MAX_LOOKED_AT = 1024 * 1024
"""Bytes of a request in which the skill is looked for."""
_SKILL = ("skillId", "skill_id", "skill")


def of_call(agent: str, asked: Asked, place: Place | None) -> dict[str, Any]:
    """The context is the one that the request belongs to, whether it names it or a task of it."""
    a2a: dict[str, Any] = {"agent": agent, "method": asked.operation, "skill": _skill_of(asked)}
    context = place.context.id if place is not None and place.context is not None else asked.ids.context
    if context:
        a2a["context_id"] = context
    if asked.ids.task:
        a2a["task_id"] = asked.ids.task
    return {"a2a": a2a}


def of_agent(agent: str) -> dict[str, Any]:
    return {"a2a": {"agent": agent}}


def _skill_of(asked: Asked) -> Callable[[], str | Raw | None]:
    """The skill that the caller has in mind, where clients put it: in the metadata of the message, or beside it.
    Of a request that is too large to be searched, all of it, which nobody can be shown: that is not "none"."""

    def skill() -> str | Raw | None:
        if len(asked.params) > MAX_LOOKED_AT:
            return asked.params
        try:
            params = fields(asked.params)
        except ValueError:
            return None
        return _named(sub(sub(params, "message"), "metadata")) or _named(sub(params, "metadata"))

    return skill


def _named(metadata: Fields) -> str | None:
    return next((name for key in _SKILL if (name := text(metadata.get(key)))), None)
