"""The routes of a manifest: which one a model name, an alias or a path leads to. Pure.

Above: `endpoint`, and whoever chooses targets. Below: the settings.
"""

from copy import copy
from difflib import get_close_matches

import msgspec

from ..core.errors import BadRequest, ClientError, NotFound
from .breaker import Threshold
from .retry import Backoff
from .retry_settings import BreakerSettings, RetrySettings
from .route_settings import RouteSettings, TargetSettings
from .settings import ModelsSettings
from .values import Target

CLAUDE = "claude-"
"""Claude Code's picker shows only models whose names begin so: every other route has a second name with it."""
_SHOWN = ("claude", "anthropic")
MAX_NEAREST = 3


class Route(msgspec.Struct, frozen=True):
    """One route, ready for use."""

    name: str
    settings: RouteSettings
    targets: tuple[Target, ...]
    backoff: Backoff
    threshold: Threshold


class Routes:
    """All of them."""

    def __init__(self, models: ModelsSettings) -> None:
        self.by_name = {name: _route(name, route, models) for name, route in models.routes.items()}
        self._aliases: dict[str, str] = {}
        self._beginnings: list[tuple[str, str]] = []
        self._paths: list[tuple[str, str]] = []
        for name, route in models.routes.items():
            for alias in route.aliases:
                if alias.endswith("*"):
                    self._beginnings.append((alias[:-1], name))
                else:
                    self._aliases[alias] = name
            if route.path is not None:
                self._paths.append((route.path, name))
        self._beginnings.sort(key=lambda pair: -len(pair[0]))
        self._paths.sort(key=lambda pair: -len(pair[0]))

    def __len__(self) -> int:
        return len(self.by_name)

    def only(self, names: frozenset[str]) -> "Routes":
        """The same with these routes alone."""
        less = copy(self)
        less.by_name = {name: route for name, route in self.by_name.items() if name in names}
        less._aliases = {alias: name for alias, name in self._aliases.items() if name in names}
        less._beginnings = [pair for pair in self._beginnings if pair[1] in names]
        less._paths = [pair for pair in self._paths if pair[1] in names]
        return less

    @property
    def prefixes(self) -> frozenset[str]:
        """First segments of the paths that routes have."""
        return frozenset(path.split("/")[1] for path, _ in self._paths)

    def at(self, path: str) -> tuple[Route, str] | None:
        """The route whose path this is, or lies above it, and the rest of the path."""
        for prefix, name in self._paths:
            if path == prefix or path.startswith(prefix + "/"):
                return self.by_name[name], path[len(prefix) :]
        return None

    def find(self, model: str) -> Route | None:
        """By name, alias, beginning of a name, or the name that Claude Code's picker was given."""
        name: str | None = model if model in self.by_name else self._aliases.get(model)
        if name is None:
            name = next((route for beginning, route in self._beginnings if model.startswith(beginning)), None)
        if name is None and model.startswith(CLAUDE) and model[len(CLAUDE) :] in self.by_name:
            name = model[len(CLAUDE) :]
        return None if name is None else self.by_name[name]

    def named(self, model: str) -> Route:
        """Raises `BadRequest` for no name, `NotFound` with the nearest ones for an unknown one."""
        route = self.by_name.get(model) or self.find(model)
        if route is None:
            raise self.unknown(model)
        return route

    def unknown(self, model: str) -> ClientError:
        known = ", ".join(self.names[:8]) or "none: the manifest has no models.routes"
        if not model:
            return BadRequest(f"the request names no model; there are {known}")
        nearest = get_close_matches(model, self.names, MAX_NEAREST, 0.4)
        hint = f"did you mean {' or '.join(nearest)}?" if nearest else f"there are {known}"
        return NotFound(f"there is no model {model[:128]!r} here; {hint}")

    @property
    def names(self) -> list[str]:
        """What clients can ask for, aliases that stand for many left out."""
        return sorted({*self.by_name, *self._aliases})

    def picker_names(self) -> list[str]:
        """The same for Claude Code's picker, which shows no others."""
        return [name if name.startswith(_SHOWN) else CLAUDE + name for name in self.names]


def _route(name: str, route: RouteSettings, models: ModelsSettings) -> Route:
    return Route(
        name,
        route,
        tuple(_target(target) for target in route.targets),
        _backoff(route.retry or models.retry),
        _threshold(route.breaker or models.breaker),
    )


def _target(target: TargetSettings) -> Target:
    return Target(target.provider, target.model or "", target.on, target.weight, target.first_byte_timeout)


def _backoff(retry: RetrySettings) -> Backoff:
    return Backoff(retry.attempts, retry.initial, retry.max, retry.multiplier, frozenset(retry.on))


def _threshold(breaker: BreakerSettings) -> Threshold:
    return Threshold(breaker.failures, breaker.reset)
