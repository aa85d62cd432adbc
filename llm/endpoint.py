"""Models behind the data path: what `bind`, `dispatch` and `render` mean for every path that a client of models uses.

Above: `gateway/app.py`, which gives it the HTTP client, a chooser, a meter and prices. Below: `relay`.
"""

from typing import Any

import msgspec

from ..core.call import Call, Record, Reply, replace
from ..core.errors import GatewayError
from ..core.ports import FULL_SIGHT, Sight
from . import telling
from .counting import estimated
from .errors import ModelError
from .facts import Facts, Intent, no_intent
from .inbound import check_query, read
from .listing import list_models
from .places import Place, place_of
from .relay import Relay
from .rendering import Wire, render
from .routes import Route, Routes
from .values import OPERATIONS, Asked
from .visible import VisibleRoutes


class Bound(msgspec.Struct, frozen=True, eq=False):
    """A request and the route that it led to. `place` alone for what is not asked of a model."""

    place: Place
    route: Route | None
    asked: Asked | None
    facts: Facts | None = None


class LlmEndpoint:
    """The `Endpoint` port."""

    protocol = "llm"
    operations = OPERATIONS

    def __init__(self, routes: Routes, relay: Relay, sight: Sight = FULL_SIGHT, intent: Intent = no_intent) -> None:
        """`intent`: which of the manifest's classes a text belongs to."""
        self.routes = routes
        self._intent = intent
        self._relay = relay
        self._visible = VisibleRoutes(routes, sight)

    async def bind(self, call: Call) -> Call:
        request, record, routes = call.request, call.record, self._visible.get(call)
        found = routes.at(request.path)
        route, rest = found if found is not None else (None, request.path)
        place = place_of(request.method, rest, request.headers, in_route=route is not None)
        wire = record.wire = Wire(place.format)
        record.operation = place.operation
        if place.operation == "models":
            check_query(request.query)
            return replace(call, operation=place.operation, message=Bound(place, route, None))
        asked = read(place, request, await request.read())
        if asked.model:
            record.fields["gen_ai.request.model"] = asked.model
        route = route or routes.named(asked.model)
        record.route = route.name
        wire.headers = ((b"x-fedgate-route", route.name.encode("ascii", "replace")),)
        return self.bound(call, place, route, asked)

    def bound(self, call: Call, place: Place, route: Route, asked: Asked) -> Call:
        """The call of a request that was read and led to a route."""
        return replace(
            call,
            operation=place.operation,
            target=route.name,
            view=route.name,
            body=asked.body,
            message=Bound(place, route, asked, Facts(call, asked, route, self._intent)),
        )

    async def dispatch(self, call: Call) -> Reply:
        bound: Bound = call.message
        if bound.facts is None:
            return list_models(bound.place, self._visible.get(call), bound.route)
        if bound.facts.asked.operation == "count_tokens":
            return await self._count(call, bound.facts)
        return await self._relay.relay(call, bound.facts)

    async def _count(self, call: Call, facts: Facts) -> Reply:
        """By the provider, if one of the route's can; else estimated here."""
        try:
            return await self._relay.relay(call, facts)
        except ModelError as error:
            if error.failure is not None and error.failure.sort == "client":
                raise
            call.record.error = ""
            return estimated(facts.asked)

    def seen_by(self, call: Call) -> Routes:
        """The routes that the caller may know of."""
        return self._visible.get(call)

    def variables(self, call: Call) -> dict[str, Any]:
        """The `Telling` port."""
        bound: Bound = call.message
        if bound.facts is None:
            return {"llm": {"operation": call.operation}}
        return telling.of_call(self.routes, bound.facts, call.operation)

    def render(self, record: Record, error: GatewayError) -> Reply:
        return render(record, error)
