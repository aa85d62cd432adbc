"""Models behind the data path: what `bind`, `dispatch` and `render` mean for every path that a client of models uses.

Above: `gateway/app.py`, which gives it the HTTP client, a chooser, a meter and prices. Below: `relay`.
"""

from ..core.call import Call, Record, Reply, replace
from ..core.errors import GatewayError
from .counting import estimated
from .errors import ModelError
from .inbound import check_query, read
from .listing import list_models
from .places import Place, likely_format, place_of
from .relay import Relay
from .rendering import Wire, render
from .routes import Route, Routes
from .values import OPERATIONS, Asked


class Bound:
    """A request and the route that it led to. `place` alone for what is not asked of a model."""

    __slots__ = ("asked", "place", "route")

    def __init__(self, place: Place, route: Route | None, asked: Asked | None) -> None:
        self.place = place
        self.route = route
        self.asked = asked


class LlmEndpoint:
    """The `Endpoint` port."""

    protocol = "llm"
    operations = OPERATIONS

    def __init__(self, routes: Routes, relay: Relay) -> None:
        self.routes = routes
        self._relay = relay

    async def bind(self, call: Call) -> Call:
        request = call.request
        found = self.routes.at(request.path)
        route, rest = found if found is not None else (None, request.path)
        call.record.wire = Wire(likely_format(request.path, request.headers))
        place = place_of(request.method, rest, request.headers, in_route=route is not None)
        call.record.wire = Wire(place.format)
        call.record.operation = place.operation
        if place.operation == "models":
            check_query(request.query)
            return replace(call, operation=place.operation, message=Bound(place, route, None))
        asked = read(place, request, await request.read())
        if asked.model:
            call.record.fields["gen_ai.request.model"] = asked.model
        route = route or self.routes.named(asked.model)
        call.record.route = route.name
        call.record.wire.headers = ((b"x-fedgate-route", route.name.encode("ascii", "replace")),)
        return replace(
            call,
            operation=place.operation,
            target=route.name,
            view=route.name,
            body=asked.body,
            message=Bound(place, route, asked),
        )

    async def dispatch(self, call: Call) -> Reply:
        bound: Bound = call.message
        if bound.asked is None or bound.route is None:
            return list_models(bound.place, self.routes, bound.route)
        if bound.asked.operation == "count_tokens":
            return await self._count(call, bound.asked, bound.route)
        return await self._relay.relay(call, bound.asked, bound.route)

    async def _count(self, call: Call, asked: Asked, route: Route) -> Reply:
        """By the provider, if one of the route's can; else estimated here."""
        try:
            return await self._relay.relay(call, asked, route)
        except ModelError as error:
            if error.failure is not None and error.failure.sort == "client":
                raise
            call.record.error = ""
            return estimated(asked)

    def render(self, record: Record, error: GatewayError) -> Reply:
        return render(record, error)
