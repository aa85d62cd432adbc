"""What rules, limits and logs are told of models: of a request that is bound, and of a route that could be asked. Pure.

Nothing is read from the body before somebody wants to know. Which provider will serve a request is not decided when
it is judged: all that its route may lead to are told. Above: `endpoint.py`, `visible.py`. Below: `facts.py`.
"""

from typing import Any

from ..core.ports import OneOf
from .facts import Facts
from .routes import CLAUDE, Route, Routes

UNKNOWN = tuple(
    f"llm.{name}" for name in ("stream", "max_tokens", "has_tools", "has_images", "intent", "estimated_tokens")
)
"""What a request would say besides the route and its name."""
_READ = ("max_tokens", "has_tools", "has_images", "intent", "estimated_tokens")


def of_call(routes: Routes, facts: Facts, operation: str) -> dict[str, Any]:
    asked, route = facts.asked, facts.route
    # The second name that one client's picker needs is no other model.
    model = route.name if asked.model == CLAUDE + route.name else asked.model
    llm = {"operation": operation, "stream": asked.stream, **_of_route(routes, route), "model": model}
    for name in _READ:
        llm[name] = lambda name=name: getattr(facts, name)
    return {"llm": llm}


def of_route(routes: Routes, route: Route) -> dict[str, Any]:
    return {"llm": {**_of_route(routes, route), "model": route.name}}


def _of_route(routes: Routes, route: Route) -> dict[str, Any]:
    return {"route": route.name, "provider": OneOf(_providers(routes, route))}


def _providers(routes: Routes, route: Route) -> list[str]:
    """All that the route may lead to, by its targets or by its rules; these do not lead in circles."""
    found = dict.fromkeys(target.provider for target in route.targets)
    for rule in route.settings.rules:
        found |= dict.fromkeys(_providers(routes, routes.by_name[rule.route]))
    return list(found)
