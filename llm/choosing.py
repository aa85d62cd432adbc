"""The port through which a route's targets are chosen, and the simplest chooser: in the manifest's order.

Above: `relay`, `attempts`. `routing` implements the port with rules, strategies and affinity.
"""

from typing import Protocol

from .facts import Facts
from .routes import Route, Routes
from .usage import Told
from .values import Decision, Failure, Target


class Chooser(Protocol):
    """Decides where a request goes, and hears how it went."""

    def choose(self, facts: Facts, route: Route) -> tuple[Decision, Route]:
        """Also the route that the rules of `route` led to: its settings hold. Raises `ClientError` if nothing fits."""
        ...

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        """One attempt is over: seconds until its answer began (or failed)."""
        ...

    def kept(self, facts: Facts, decision: Decision, target: Target, told: Told) -> None:
        """The request is being answered by this target. `told`: what is known of the answer."""
        ...


class InOrder:
    """The `fallback` strategy alone. Rules with conditions are passed over: it cannot read them."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def choose(self, facts: Facts, route: Route) -> tuple[Decision, Route]:
        while route.settings.rules:
            rule = next((each for each in route.settings.rules if each.when is None and each.match is None), None)
            if rule is None:
                raise self._routes.unknown(facts.asked.model)
            route = self._routes.by_name[rule.route]
        return Decision(route.targets, "fallback" if len(route.targets) > 1 else "only", route.name), route

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        pass

    def kept(self, facts: Facts, decision: Decision, target: Target, told: Told) -> None:
        pass
