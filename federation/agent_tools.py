"""An agent's skills as MCP tools, and the arguments of their calls. Pure.

Every tool takes a message in plain words: a skill has no parameters of its own. Above:
`agent_connection.py`. Below: the values of `core.conversation`.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import msgspec

from ..core.conversation import Offer, Skill
from ..core.rawjson import Fields, encode, fields, is_object, text
from .openapi_keywords import distinct, short

MAX_NAME = 64
MAX_TITLE = 100
MAX_DESCRIPTION = 4000
MAX_ID = 512
"""Characters of an id that a caller names."""
SEND = "send"
_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]+")
_HINTS = {"readOnlyHint": False, "openWorldHint": True}

_ARGUMENTS: dict[str, dict[str, Any]] = {
    "message": {"type": "string", "minLength": 1, "description": "What to say to the agent, in plain words."},
    "context_id": {
        "type": "string",
        "description": "The contextId of an earlier answer, to go on with that conversation. "
        "Left out: the conversation of this session, or else a new one.",
    },
    "task_id": {
        "type": "string",
        "description": "The taskId of an earlier answer, to go on with that task, "
        "such as when the agent has asked something.",
    },
}
_INPUT = {"type": "object", "properties": _ARGUMENTS, "required": ["message"], "additionalProperties": False}
_OUTPUT = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "What the agent answers in words."},
        "data": {"type": "array", "description": "What it answers as JSON."},
        "state": {"type": "string", "description": "completed, input-required, failed, ..."},
        "contextId": {"type": "string", "description": "The conversation, for context_id."},
        "taskId": {"type": "string", "description": "The task, for task_id."},
    },
}


class AgentTools(msgspec.Struct, frozen=True):
    """`listing`: the result of `tools/list`; `skills`: tool → the skill's id, empty for the tool of all."""

    listing: bytes
    skills: dict[str, str]


class Arguments(NamedTuple):
    """Of one call."""

    message: str
    context: str = ""
    task: str = ""


class BadArgument(ValueError):
    """The sentence is for the model."""


def build(offer: Offer, mode: Literal["skills", "send"]) -> AgentTools:
    """One tool per skill, or one for all."""
    if mode == "send" or not offer.skills:
        return AgentTools(_listing([_send(offer)]), {SEND: ""})
    names = distinct([_name(skill) for skill in offer.skills], MAX_NAME)
    tools = [_tool(name, skill, offer) for name, skill in zip(names, offer.skills, strict=True)]
    return AgentTools(_listing(tools), {name: skill.id for name, skill in zip(names, offer.skills, strict=True)})


def _listing(tools: list[dict[str, Any]]) -> bytes:
    return encode({"tools": tools})


def _name(skill: Skill) -> str:
    for wanted in (skill.id, skill.name):
        legal = _ILLEGAL.sub("_", wanted).strip("_")[:MAX_NAME]
        if legal:
            return legal
    return "skill"


def _tool(name: str, skill: Skill, offer: Offer) -> dict[str, Any]:
    title = skill.name.strip()
    said = [skill.description.strip() or title or skill.id, *_examples(skill), f"Asks the agent {_called(offer)}."]
    words = {"title": short(title, MAX_TITLE)} if title else {}
    return {"name": name, **words, **_shape("\n\n".join(said))}


def _send(offer: Offer) -> dict[str, Any]:
    said = [offer.description.strip(), f"Sends a message to the agent {_called(offer)}."]
    known = [f"- {skill.name or skill.id}: {skill.description}".rstrip(": ") for skill in offer.skills]
    if known:
        said.append("\n".join(["It can do this:", *known]))
    return {"name": SEND, "title": short(f"Ask {_called(offer)}", MAX_TITLE), **_shape("\n\n".join(filter(None, said)))}


def _called(offer: Offer) -> str:
    return short(offer.name.strip(), MAX_TITLE)


def _examples(skill: Skill) -> Iterator[str]:
    if skill.examples:
        yield "\n".join(["Examples:", *(f"- {each}" for each in skill.examples)])


def _shape(description: str) -> dict[str, Any]:
    return {
        "description": short(description, MAX_DESCRIPTION),
        "inputSchema": _INPUT,
        "outputSchema": _OUTPUT,
        "annotations": _HINTS,
    }


def read(params: Fields) -> Arguments:
    """The arguments of a `tools/call`. Raises `BadArgument`."""
    given = params.get("arguments")
    if given is None or not is_object(given):
        raise BadArgument('arguments must be an object with "message": what to say to the agent')
    try:
        members = fields(given)
    except ValueError:
        raise BadArgument("arguments cannot be read: they are not UTF-8 JSON") from None
    unknown = members.keys() - _ARGUMENTS.keys()
    if unknown:
        raise BadArgument(f"unknown argument {min(unknown)[:100]!r}; there are message, context_id and task_id")
    message = _string(members, "message", None)
    if not message.strip():
        raise BadArgument("message is missing: say what the agent is to do, in plain words")
    return Arguments(message, _string(members, "context_id", MAX_ID), _string(members, "task_id", MAX_ID))


def _string(members: Fields, name: str, limit: int | None) -> str:
    member = members.get(name)
    if member is None or bytes(member) == b"null":
        return ""
    found = text(member)
    if found is None:
        raise BadArgument(f"{name} must be a string")
    if limit is not None and len(found) > limit:
        raise BadArgument(f"{name} is longer than {limit} characters")
    return found
