"""An agent's answer as the result of a tool call, its signs of life as progress, its question as an elicitation. Pure.

What clients show a model differs: some show the content, some the structured content. So the words
stand in both, beside the ids that a later call may name. Above: `agent_call.py`. Below: the values of
`core.conversation`.
"""

from typing import Any
from urllib.parse import quote

from ..core.conversation import FAILED, Outcome, Piece
from ..core.rawjson import Fields, Raw, encode, fields, is_object, join, sub, text
from .openapi_keywords import short

META_CONTEXT, META_TASK = "fedgate.a2a/contextId", "fedgate.a2a/taskId"
MAX_PROGRESS = 2000
"""Characters of a progress message."""
MAX_QUESTION = 8000
"""Characters of a question."""
ANSWER = "answer"

_SILENT = {
    "completed": "The agent has done it, and says nothing more.",
    "failed": "The agent's task has failed.",
    "rejected": "The agent has rejected the task.",
    "canceled": "The agent's task was cancelled.",
    "working": "The agent is still at work on the task.",
    "submitted": "The agent has taken the task, but has not begun.",
}
_BINARY = "application/octet-stream"


def result(outcome: Outcome, agent: str) -> bytes:
    """The `tools/call` result."""
    content = [_block(piece, agent, outcome.task or outcome.context) for piece in outcome.pieces]
    if outcome.question:
        content.append(_text(outcome.question))
        content.append(_text(_how_to_go_on(outcome)))
    if not any(each["type"] == "text" for each in content):
        content.append(_text(_SILENT.get(outcome.state, "The agent has not answered.")))
    return _whole(outcome, content)


def ended(outcome: Outcome, sentence: str) -> bytes:
    """The result of a task that was ended instead of answered."""
    return _whole(outcome, [_text(sentence)])


def failed(sentence: str) -> bytes:
    """A tool's error, for the model to read."""
    return encode({"content": [_text(sentence)], "isError": True})


def _whole(outcome: Outcome, content: list[dict[str, Any]]) -> bytes:
    words = "\n\n".join(each["text"] for each in content if each["type"] == "text" and "json" not in each)
    data = [piece.data for piece in outcome.pieces if bytes(piece.data)]
    ids = {"contextId": outcome.context, "taskId": outcome.task}
    named = {key: id_ for key, id_ in ids.items() if id_}
    structured = {"text": words, **({"data": data} if data else {}), "state": outcome.state, **named}
    keys = {"contextId": META_CONTEXT, "taskId": META_TASK}
    members: dict[str, Any] = {
        "content": [{key: part for key, part in each.items() if key != "json"} for each in content],
        "structuredContent": structured,
        "_meta": {keys[key]: id_ for key, id_ in named.items()},
    }
    if outcome.state in FAILED:
        members["isError"] = True
    return encode(members)


def _text(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _block(piece: Piece, agent: str, of: str) -> dict[str, Any]:
    """`json` marks text that is JSON: it is not among the words."""
    if piece.text is not None:
        return _text(piece.text)
    if bytes(piece.data):
        return {**_text(_decoded(piece.data)), "json": True}
    media = piece.media or _BINARY
    if piece.url is not None:
        name = piece.name or piece.url.rstrip("/").rpartition("/")[2] or piece.url
        known = {"mimeType": piece.media} if piece.media else {}
        return {"type": "resource_link", "uri": piece.url, "name": short(name, 200), **known}
    if media.startswith(("image/", "audio/")):
        return {"type": media.partition("/")[0], "data": piece.blob, "mimeType": media}
    uri = f"a2a:///{agent}/{quote(of, safe='')}/{quote(piece.name or 'file', safe='')}"
    return {"type": "resource", "resource": {"uri": uri, "mimeType": media, "blob": piece.blob}}


def _decoded(data: Raw) -> str:
    return bytes(data).decode(errors="replace")


def _how_to_go_on(outcome: Outcome) -> str:
    ids = [(name, id_) for name, id_ in (("context_id", outcome.context), ("task_id", outcome.task)) if id_]
    named = " and ".join(f'{name} "{id_}"' for name, id_ in ids)
    return f"The agent waits for an answer: call this tool again with it as message, and with {named or 'no ids'}."


# On the way there.


def progress(token: Raw, number: int, said: str) -> bytes:
    """The parameters of `notifications/progress`; `token` is the client's own."""
    members: Fields = {"progressToken": token, "progress": Raw(b"%d" % number)}
    if said:
        members["message"] = Raw(encode(short(said, MAX_PROGRESS)))
    return join(members)


def elicitation(question: str) -> bytes:
    """The parameters of `elicitation/create`: a form with one field."""
    schema = {
        "type": "object",
        "properties": {ANSWER: {"type": "string", "title": "Answer"}},
        "required": [ANSWER],
    }
    return encode({"message": short(question, MAX_QUESTION), "requestedSchema": schema})


def can_be_asked(capabilities: Raw) -> bool:
    """Whether a client shows forms. One that says nothing of modes has this one (2025-11-25, elicitation)."""
    try:
        declared = fields(capabilities).get("elicitation")
        if declared is None or not is_object(declared):
            return False
        modes = fields(declared)
    except ValueError:
        return False
    return "form" in modes or "url" not in modes


def answer_in(answered: bytes) -> str | None:
    """What was answered; `None` if the person declined or dismissed it. Raises `ValueError` if it is neither."""
    members = fields(answered)
    action = text(members.get("action"))
    if action in ("decline", "cancel"):
        return None
    said = text(sub(members, "content").get(ANSWER))
    if action != "accept" or not said or not said.strip():
        raise ValueError("it has no answer")
    return said
