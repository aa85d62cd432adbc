"""The port through which a route's targets are chosen.

Above: `relay`, `attempts`. `routing` implements the port with rules, strategies and affinity.
"""

from typing import Protocol

from .facts import Facts
from .routes import Route
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
