"""Adding the context to a message that names its task alone, for agents that would make up another (`fill_context`).

Pure. The one place besides push configurations where a message is taken apart: the members that are not
touched stay the bytes they were. Above: `endpoint.py`.
"""

from collections.abc import Callable

import msgspec

from ..core.rawjson import Fields, fields, join, raw
from .placing import Place
from .values import Asked

Change = Callable[[Fields], Fields]
"""Members in, members out."""


def with_context(asked: Asked, place: Place) -> Asked:
    """The same request with `message.contextId`, if it has none and the task's context is known."""
    context = place.task.data.get("context") if place.task is not None else None
    if asked.ids.context or not isinstance(context, str):
        return asked
    return with_message(asked, lambda message: {**message, "contextId": raw(context)})


def with_message(asked: Asked, changed: Change) -> Asked:
    """The same request with another message."""
    return with_params(
        asked, lambda params: {**params, "message": msgspec.Raw(join(changed(fields(params["message"]))))}
    )


def with_params(asked: Asked, changed: Change) -> Asked:
    """The same request with other parameters (the body, in REST)."""
    params = msgspec.Raw(join(changed(fields(asked.params))))
    if asked.speech.binding == "rest":
        return msgspec.structs.replace(asked, params=params, body=bytes(params))
    body = join({**fields(asked.body), "params": params})
    return msgspec.structs.replace(asked, params=params, body=body)
