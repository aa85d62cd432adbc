"""The port through which a route's targets are chosen, and the simplest chooser: in the manifest's order.

Above: `endpoint`. Other strategies, conditions and affinity implement the same port.
"""

from typing import Protocol

from .routes import Route, Routes
from .values import Decision, Facts, Failure, Target


class Chooser(Protocol):
    """Decides where a request goes, and hears how it went."""

    def choose(self, facts: Facts, route: Route) -> Decision:
        """Raises `ClientError` if no target can serve the request."""
        ...

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        """One attempt is over: seconds until its answer began (or failed)."""
        ...

    def kept(self, facts: Facts, decision: Decision, target: Target) -> None:
        """The request is being answered by this target."""
        ...


class InOrder:
    """The `fallback` strategy. Rules with conditions are passed over: it cannot read them."""

    def __init__(self, routes: Routes) -> None:
        self._routes = routes

    def choose(self, facts: Facts, route: Route) -> Decision:
        while route.settings.rules:
            rule = next((each for each in route.settings.rules if each.when is None), None)
            if rule is None:
                raise self._routes.unknown(facts.asked.model)
            route = self._routes.by_name[rule.route]
        return Decision(route.targets, "fallback" if len(route.targets) > 1 else "only", route.name)

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        pass

    def kept(self, facts: Facts, decision: Decision, target: Target) -> None:
        pass
