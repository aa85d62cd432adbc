"""Where a request goes: by its route's rules to a route with targets, of these to those that can, in the order of the
strategy, and first of all to where its conversation stands.

Every decision says why. Knows neither HTTP nor formats: what a request is stands in `facts`. Above: `relay`, by the
`Chooser` port; the ledger, by `spent`. Below: `conditions`, `capabilities`, `strategies`, `conversations`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from ..core.call import Call
from ..core.clock import Clock
from ..core.errors import BadRequest, ClientError
from .capabilities import EXCESS, Capabilities, lack, shortcoming
from .conditions import Rule, rules
from .conversations import Conversations, Maker
from .estimate import Estimates
from .expressions import NO_EXPRESSIONS, Expressions
from .facts import Facts
from .ledger import Price
from .neutral import Usage
from .routes import Route, Routes
from .strategies import Choice, Latencies, cheapest, weighted
from .usage import Told
from .values import Decision, Failure, Target

USUAL_ANSWER = 1000
"""Tokens that an answer is expected to have where nobody says; nor is more expected of one that may be longer."""
ASTRAY = 300.0
"""Seconds that a conversation stays where it fell to, before the preferred target is asked again. By then the preferred
one's cache has forgotten it anyway; sooner it would only lose the cache of the other, too."""
SPOKEN = frozenset({"chat", "generate_content"})
"""Operations that are turns of a conversation."""
_UNMEASURED = frozenset({"client", "busy", "unfit"})


@dataclass(frozen=True)
class Knowledge:
    """What choosing rests on. `random` gives numbers in [0, 1)."""

    capabilities: Capabilities
    conversations: Conversations
    price: Price
    clock: Clock
    random: Callable[[], float]


class Routing:
    """For all routes. Raises `ValueError` for an expression of a rule that cannot be used."""

    def __init__(self, routes: Routes, knowledge: Knowledge, expressions: Expressions = NO_EXPRESSIONS) -> None:
        self._routes = routes.by_name
        self._know = knowledge
        self._rules = {name: rules(name, route.settings.rules, expressions) for name, route in self._routes.items()}
        self.estimates = Estimates()
        self.latencies = Latencies()
        self._measures = any(route.settings.strategy == "latency" for route in self._routes.values())

    def choose(self, facts: Facts, route: Route) -> tuple[Decision, Route]:
        """The `Chooser` port. Raises `BadRequest` for a request that no rule or no target of its route is for."""
        reasons: list[str] = []
        while route.settings.rules:
            place, rule = self._rule(facts, route)
            reasons.append(f"rule {place}: {rule.why}" if rule.why else f"rule {place}")
            route = self._routes[rule.route]
        return self._decided(facts, route, reasons), route

    def _decided(self, facts: Facts, route: Route, reasons: list[str]) -> Decision:
        if facts.asked.operation not in SPOKEN:
            able, skipped = self._able(facts, route)
            choice = self._ordered(facts, route, able, "")
            return _decision(route, choice, [*reasons, *skipped, _named(route, able)], "")
        maker = self._maker(facts, route) if facts.asked.format == "responses" else None
        name = self._know.conversations.name(facts, maker)
        if maker is not None:
            return _decision(route, _after(route, maker), [*reasons, "affinity"], name)
        able, skipped = self._able(facts, route)
        choice = self._ordered(facts, route, able, name)
        first = self._bound(facts, route, able, name) if len(able) > 1 else None
        if first is None:
            return _decision(route, choice, [*reasons, *skipped, _named(route, able)], name)
        rest = tuple(target for target in choice.targets if target is not first)
        return _decision(route, Choice((first, *rest), ""), [*reasons, *skipped, "affinity"], name)

    def _rule(self, facts: Facts, route: Route) -> tuple[int, Rule]:
        for place, rule in enumerate(self._rules[route.name], 1):
            if rule.holds(facts):
                return place, rule
        raise BadRequest(f"no rule of the model {route.name} is for a request like this; ask for another model")

    def _maker(self, facts: Facts, route: Route) -> Maker | None:
        try:
            return self._know.conversations.maker(facts)
        except BadRequest:
            if route.settings.credentials == "caller":
                return None  # the provider sees whose response it is by the caller's own key
            raise

    def _bound(self, facts: Facts, route: Route, able: Sequence[Target], name: str) -> Target | None:
        """The target that the conversation stays with, if it stands somewhere and can stay there."""
        if route.settings.affinity == "none":
            return None
        bound = self._know.conversations.bound(name, facts.owner, route.name)
        target = next((each for each in able if each.label == bound.target), None)
        gone_astray = route.settings.strategy == "fallback" and target is not able[0] and bound.age > ASTRAY
        return None if gone_astray else target

    def _able(self, facts: Facts, route: Route) -> tuple[list[Target], list[str]]:
        """The targets that can carry the request, and the others with the reason. Raises `BadRequest` for none."""
        for excess in (1.0, EXCESS):
            able: list[Target] = []
            lacks: list[tuple[Target, str]] = []
            for target in route.targets:
                known = self._know.capabilities.of(target.provider, target.model or facts.asked.model)
                why = lack(facts, known, partial(self._length, facts, target), excess=excess)
                if why:
                    lacks.append((target, why))
                else:
                    able.append(target)
            if able:
                return able, [f"skipped {target.label} ({why})" for target, why in lacks] if lacks else []
        raise _unable(route, lacks)

    def _length(self, facts: Facts, target: Target) -> int:
        model = _model(target, facts)
        return self.estimates.of(facts.size, _label(target, facts), model)

    def _ordered(self, facts: Facts, route: Route, able: Sequence[Target], name: str) -> Choice:
        strategy = route.settings.strategy
        if strategy == "weighted":
            choice = weighted(able, self._seed(route, name))
            if not choice.targets:
                raise _unable(route, [(target, "has no share") for target in able])
            return choice
        if strategy == "fallback" or len(able) == 1:
            preferred = strategy == "fallback" and len(route.targets) > 1 and able[0] is route.targets[0]
            return Choice(tuple(able), "primary" if preferred else "")
        whole, partly = self._parted(facts, able)
        if strategy == "cost":
            choice = cheapest(whole, lambda target: self._expected(facts, target))
        else:
            labels = [_label(target, facts) for target in whole]
            choice = self.latencies.fastest(whole, labels, self._know.clock.monotonic(), self._know.random)
        return Choice((*choice.targets, *partly), choice.why)

    def _seed(self, route: Route, name: str) -> bytes:
        """A conversation stays on its side even where nobody remembers it."""
        if name and route.settings.affinity != "none":
            return name.encode()
        return b"%d" % int(self._know.random() * 2**53)

    def _parted(self, facts: Facts, able: Sequence[Target]) -> tuple[list[Target], list[Target]]:
        """Who would leave something undone comes last where the gateway chooses by itself."""
        whole: list[Target] = []
        partly: list[Target] = []
        for target in able:
            known = self._know.capabilities.of(target.provider, _model(target, facts))
            (partly if shortcoming(facts, known) else whole).append(target)
        return (whole, partly) if whole else (partly, [])

    def _expected(self, facts: Facts, target: Target) -> float | None:
        written = min(facts.max_tokens or USUAL_ANSWER, USUAL_ANSWER)
        usage = Usage(self._length(facts, target), written)
        return self._know.price(target.provider, _model(target, facts), usage)

    def tried(self, target: Target, model: str, seconds: float, failure: Failure | None) -> None:
        if self._measures and (failure is None or failure.sort not in _UNMEASURED):
            now = self._know.clock.monotonic()
            self.latencies.tried(f"{target.provider}/{model}", seconds, now, failed=failure is not None)

    def kept(self, facts: Facts, decision: Decision, target: Target, told: Told) -> None:
        if facts.asked.operation in SPOKEN:
            conversations = self._know.conversations
            conversations.kept(facts, decision.conversation, decision.route, target)
            if told.id:
                conversations.made(facts, decision.conversation, target, told.id)

    def spent(self, call: Call, target: str, usage: Usage, usd: float | None) -> None:
        """The `Spent` of the ledger: an answer is over."""
        self._know.conversations.spent(call, target, usage, usd)
        asked = call.message.asked
        if usage.input is not None and asked.operation in SPOKEN:
            self.estimates.learn(asked, target, target.partition("/")[2], usage.input)


def _model(target: Target, facts: Facts) -> str:
    return target.model or facts.asked.model


def _label(target: Target, facts: Facts) -> str:
    return f"{target.provider}/{_model(target, facts)}"


def _named(route: Route, able: Sequence[Target]) -> str:
    return route.settings.strategy if len(route.targets) > 1 or len(able) > 1 else "only"


def _after(route: Route, maker: Maker) -> Choice:
    """Responses are kept by a provider for all of its models, so another one of them may stand in."""
    there = [target for target in route.targets if target.provider == maker.provider]
    if not there:
        raise BadRequest(
            f"previous_response_id names a response of {maker.target}, where this request does not lead: "
            "send the whole conversation in input instead"
        )
    there.sort(key=lambda target: target.label != maker.target)
    return Choice(tuple(there), "previous_response_id")


def _decision(route: Route, choice: Choice, reasons: list[str], name: str) -> Decision:
    return Decision(choice.targets, "; ".join(reasons), route.name, choice.why, name)


def _unable(route: Route, lacks: Sequence[tuple[Target, str]]) -> ClientError:
    said = "; ".join(f"{target.label} {why}" for target, why in lacks)
    return BadRequest(f"no model behind {route.name} can take this request: {said}")
