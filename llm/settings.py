"""The `models` section: providers, routes between them, and what happens when a provider fails.

Values only. Routes are `route_settings`, retries and breakers `retry_settings`, providers `provider_settings`;
here they are composed and checked against one another. `manifest/model.py` composes this section.
"""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from ..core.apart import elsewhere
from ..core.values import Name, Refusal, Section, Where, refuse, refuse_all
from .intent_spelling import expression
from .retry_settings import BreakerSettings, RetrySettings

if TYPE_CHECKING:
    from .provider_settings import ProviderSettings
    from .route_settings import RouteSettings, RuleSettings
else:
    ProviderSettings = elsewhere(".provider_settings", "ProviderSettings", __package__)
    RouteSettings = elsewhere(".route_settings", "RouteSettings", __package__)

MODEL_PATTERN = "^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$"
RESERVED = frozenset(
    {"mcp", "sse", "messages", "a2a", "v1", "v1beta", ".well-known", "healthz", "readyz", "metrics", "admin", "console"}
)
"""First segments of paths that are the gateway's own."""
MAX_INTENT = 256
"""Characters of one keyword or expression."""
MAX_PATTERNS = 64
"""Keywords and expressions of one class of requests, and classes: each costs time."""


def _route_name(text: str) -> str:
    if not re.fullmatch(MODEL_PATTERN[1:-1], text):
        raise refuse("is not a model name", "names have 1 to 128 letters, digits and . _ : / @ + -, a letter first")
    return text


def _intent(patterns: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    if not 1 <= len(patterns) <= MAX_PATTERNS:
        raise refuse(f"must have 1 to {MAX_PATTERNS} entries", "join some: /this|that/i")
    for place, pattern in enumerate(patterns):
        if not pattern.strip() or len(pattern) > MAX_INTENT:
            found.append(
                Refusal(f"must have 1 to {MAX_INTENT} characters", "write a keyword or /EXPRESSION/", (place,))
            )
        elif (written := re.fullmatch(r"/(.+)/([a-z]*)", pattern)) and not _compiles(*written.groups()):
            found.append(Refusal("is not a regular expression", "write /EXPRESSION/ or /EXPRESSION/i", (place,)))
    if found:
        raise refuse_all(found)
    return patterns


def _compiles(text: str, flags: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return set(flags) <= {"i"}


RouteName = Annotated[str, AfterValidator(_route_name), WithJsonSchema({"type": "string", "pattern": MODEL_PATTERN})]
Intent = Annotated[tuple[str, ...], AfterValidator(_intent)]


class ModelsSettings(Section):
    """The models behind the gateway."""

    providers: dict[Name, ProviderSettings] = Field(default={}, description="Who serves models, each under its name.")
    retry: RetrySettings = Field(
        default_factory=RetrySettings.absent,
        description="How a provider that failed is asked again; routes may differ.",
    )
    breaker: BreakerSettings = Field(
        default_factory=BreakerSettings.absent,
        description="When a provider that fails is left alone; routes may differ.",
    )
    routes: dict[RouteName, RouteSettings] = Field(
        default={}, description="What clients can ask for: the name is the model name that they send."
    )
    intents: dict[Name, Intent] = Field(
        default={},
        max_length=MAX_PATTERNS,
        description="Classes of requests by keywords and /expressions/ of the last user message.",
    )

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        found = [*_targets(self), *_rules(self), *_paths(self), *_aliases(self)]
        if found:
            raise refuse_all(found)
        return self

    def conditions(self) -> Iterator[tuple[Where, str]]:
        """Each expression of a rule with its place: this part cannot read them, whoever composes the manifest can."""
        for name, route in self.routes.items():
            for place, rule in enumerate(route.rules):
                if rule.when is not None:
                    yield ("routes", name, "rules", place, "when"), rule.when

    def patterns(self) -> Iterator[tuple[Where, str, bool]]:
        """Each regular expression of an intent with its place, and whether case does not count."""
        for name, patterns in self.intents.items():
            for place, pattern in enumerate(patterns):
                if (found := expression(pattern)) is not None:
                    yield ("intents", name, place), *found


def _nearest(name: str, known: dict[str, object]) -> str | None:
    return next(iter(get_close_matches(name, known, 1, 0.5)), None)


def _targets(models: ModelsSettings) -> Iterator[Refusal]:
    providers: dict[str, object] = {**models.providers}
    for name, route in models.routes.items():
        for place, target in enumerate(route.targets):
            if target.provider not in providers:
                yield Refusal(
                    "is no provider of this manifest",
                    "write it under models.providers" if not providers else f"there are {', '.join(sorted(providers))}",
                    ("routes", name, "targets", place, "provider"),
                    nearest=_nearest(target.provider, providers),
                )


def _rules(models: ModelsSettings) -> Iterator[Refusal]:
    routes: dict[str, object] = {**models.routes}
    for name, route in models.routes.items():
        for place, rule in enumerate(route.rules):
            if rule.route not in routes:
                yield Refusal(
                    "is no route of this manifest",
                    "a rule leads to another route of models.routes",
                    ("routes", name, "rules", place, "route"),
                    nearest=_nearest(rule.route, routes),
                )
            yield from _intents(models, rule, ("routes", name, "rules", place, "match", "intent"))
        if name in _reachable(models, name):
            yield Refusal(
                "leads back to itself by its rules", "let its rules lead to routes with targets", ("routes", name)
            )


def _intents(models: ModelsSettings, rule: "RuleSettings", at: Where) -> Iterator[Refusal]:
    known: dict[str, object] = {**models.intents}
    for place, intent in enumerate((rule.match and rule.match.intent) or ()):
        if intent not in known:
            why = f"there are {', '.join(sorted(known))}" if known else "write it under models.intents"
            yield Refusal("is no intent of this manifest", why, (*at, place), nearest=_nearest(intent, known))


def _reachable(models: ModelsSettings, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        route = models.routes.get(waiting.pop())
        for rule in route.rules if route is not None else ():
            if rule.route not in seen:
                seen.add(rule.route)
                waiting.append(rule.route)
    return seen


def _paths(models: ModelsSettings) -> Iterator[Refusal]:
    seen: dict[str, str] = {}
    for name, route in models.routes.items():
        if route.path is None:
            continue
        if route.path.split("/")[1] in RESERVED:
            yield Refusal("is a path of the gateway's own", "choose another first segment", ("routes", name, "path"))
        first = seen.setdefault(route.path, name)
        if first != name:
            yield Refusal(
                "is the path of another route",
                "each route needs a path of its own",
                ("routes", name, "path"),
                ("routes", first, "path"),
            )


def _aliases(models: ModelsSettings) -> Iterator[Refusal]:
    seen: dict[str, str] = {}
    for name, route in models.routes.items():
        for place, alias in enumerate(route.aliases):
            other = alias if alias in models.routes else seen.setdefault(alias, name)
            if other != name:
                yield Refusal(
                    "is the name of another route", "each name leads to one route", ("routes", name, "aliases", place)
                )
