"""The list of models, in the form of each vendor. Pure.

Routes are what there is to list: callers ask for them by name. Claude Code's picker shows only names that
begin with claude or anthropic, so in Anthropic's form every other route has a second name. Above:
`endpoint`. Below: `routes`.
"""

from ..core.call import JSON, Reply
from ..core.rawjson import encode
from .places import Place
from .routes import Route, Routes

CREATED = 1735689600
"""A moment in 2025: routes have none, and clients want a number."""
CREATED_AT = "2025-01-01T00:00:00Z"
OWNER = "fedgate"
ACTIONS = ["generateContent", "streamGenerateContent", "countTokens"]


def list_models(place: Place, routes: Routes, only: Route | None = None) -> Reply:
    """`only`: below a route's path, there is but that one. Raises `NotFound` for an unknown id."""
    names = [only.name] if only is not None else routes.names
    if place.model:
        return _one(place, routes, only)
    if place.format == "gemini":
        return _json({"models": [_gemini(name) for name in names]})
    if place.format == "anthropic":
        shown = [_anthropic(name) for name in (names if only is not None else routes.picker_names())]
        ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
        return _json({"data": shown, "has_more": False, **ends})
    return _json({"object": "list", "data": [_openai(name) for name in names]})


def _one(place: Place, routes: Routes, only: Route | None) -> Reply:
    name = place.model.removeprefix("models/")
    if only is None:
        routes.named(name)
    elif name != only.name and routes.find(name) is not only:
        raise routes.unknown(name)
    if place.format == "gemini":
        return _json(_gemini(name))
    return _json(_anthropic(name) if place.format == "anthropic" else _openai(name))


def _openai(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": CREATED, "owned_by": OWNER}


def _anthropic(name: str) -> dict[str, object]:
    # The SDK of today asks for `lifecycle`, earlier ones do not know it.
    return {"type": "model", "id": name, "display_name": name, "created_at": CREATED_AT, "lifecycle": "active"}


def _gemini(name: str) -> dict[str, object]:
    return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": ACTIONS}


def _json(value: dict[str, object]) -> Reply:
    return Reply(200, (JSON,), encode(value))
