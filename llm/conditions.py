"""The rules of a route: which of them holds for a request, and why, in a few words. Pure.

A rule holds if its plain fields do (`match`) and its expression does (`when`); one that says neither always holds.
An expression that cannot be evaluated, because it names what a request does not say, does not hold. Above:
`routing`. Below: `facts`, `match_settings`, `expressions`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from .expressions import NO_EXPRESSIONS, Condition, Expressions
from .facts import Facts
from .match_settings import MatchSettings
from .route_settings import RuleSettings

MAX_SHOWN = 60
"""Characters of an expression in a reason."""

Test = Callable[[Facts], bool]
Tell = Callable[[Facts], Mapping[str, Any]]
"""What expressions are told of a request: the members of `llm`."""


def tell(facts: Facts) -> Mapping[str, Any]:
    """Functions are called if somebody wants to know."""
    asked = facts.asked
    told: dict[str, Any] = {
        "route": facts.route.name,
        "model": asked.model,
        "stream": asked.stream,
        "has_tools": facts.has_tools,
        "has_images": lambda: facts.has_images,
        "intent": lambda: facts.intent,
        "estimated_tokens": lambda: facts.estimated_tokens,
    }
    if facts.max_tokens is not None:
        told["max_tokens"] = facts.max_tokens
    return {"llm": told}


class Rule(msgspec.Struct, frozen=True):
    """`why`: its condition in a few words; empty for one that always holds."""

    route: str
    why: str
    tests: tuple[Test, ...]
    when: Condition | None

    def holds(self, facts: Facts) -> bool:
        if not all(test(facts) for test in self.tests):
            return False
        return self.when is None or self.when(facts.call, tell(facts))


def rules(name: str, settings: Iterable[RuleSettings], expressions: Expressions = NO_EXPRESSIONS) -> tuple[Rule, ...]:
    """Of the route `name`. Raises `ValueError`, with the place, for an expression that cannot be used."""
    return tuple(_rule(f"models.routes.{name}.rules[{at}]", each, expressions) for at, each in enumerate(settings))


def _rule(place: str, settings: RuleSettings, expressions: Expressions) -> Rule:
    named = _tests(settings.match) if settings.match is not None else []
    when: Condition | None = None
    words = [words for words, _ in named]
    if settings.when is not None:
        try:
            when = expressions.condition(settings.when)
        except ValueError as error:
            raise ValueError(f"{place}.when {error}") from error
        words.append(settings.when if len(settings.when) <= MAX_SHOWN else settings.when[:MAX_SHOWN] + "...")
    return Rule(settings.route, ", ".join(words), tuple(test for _, test in named), when)


def _tests(match: MatchSettings) -> list[tuple[str, Test]]:
    """Cheap ones first: what has to read the body comes last."""
    found: list[tuple[str, Test]] = []
    if match.stream is not None:
        found.append(_flag("stream", match.stream, lambda facts: facts.asked.stream))
    if match.group is not None:
        found.append(_in_groups(match.group))
    if match.model is not None:
        found.append(_globs("model", match.model, lambda facts: facts.asked.model))
    if match.path is not None:
        found.append(_globs("path", match.path, lambda facts: facts.call.request.path))
    found += [_in_header(name, values) for name, values in match.header.items()]
    if match.max_tokens is not None:
        bound = match.max_tokens
        found.append((f"max_tokens {bound}", lambda facts: bound.holds(facts.max_tokens)))
    if match.has_tools is not None:
        found.append(_flag("tools", match.has_tools, lambda facts: facts.has_tools))
    if match.reasoning is not None:
        found.append(_flag("reasoning", match.reasoning, lambda facts: facts.wants_reasoning))
    return found + _costly(match)


def _costly(match: MatchSettings) -> list[tuple[str, Test]]:
    found: list[tuple[str, Test]] = []
    if match.estimated_tokens is not None:
        length = match.estimated_tokens
        found.append((f"estimated_tokens {length}", lambda facts: length.holds(facts.estimated_tokens)))
    if match.has_images is not None:
        found.append(_flag("images", match.has_images, lambda facts: facts.has_images))
    if match.intent is not None:
        wanted = frozenset(match.intent)
        found.append((f"intent {' or '.join(match.intent)}", lambda facts: facts.intent in wanted))
    return found


def _flag(name: str, wanted: bool, read: Test) -> tuple[str, Test]:
    return (name if wanted else f"no {name}"), lambda facts: read(facts) is wanted


def _in_groups(groups: tuple[str, ...]) -> tuple[str, Test]:
    wanted = frozenset(groups)
    return f"group {' or '.join(groups)}", lambda facts: not wanted.isdisjoint(facts.call.principal.groups)


def _globs(name: str, globs: tuple[str, ...], read: Callable[[Facts], str]) -> tuple[str, Test]:
    fits = glob(globs)
    return f"{name} {' or '.join(globs)}", lambda facts: fits(read(facts))


def _in_header(name: str, values: tuple[str, ...]) -> tuple[str, Test]:
    fits, key = glob(values), name.encode()

    def has(facts: Facts) -> bool:
        value = facts.call.request.header(key)
        return value is not None and fits(value)

    return f"header {name}", has


def glob(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Whether a text fits one of the patterns, in which `*` stands for anything. Takes time in proportion to it."""
    parts = [pattern.split("*") for pattern in patterns]
    return lambda text: any(_fits(each, text) for each in parts)


def _fits(parts: list[str], text: str) -> bool:
    first, *middle = parts
    if not middle:
        return text == first
    *between, last = middle
    if not text.startswith(first) or not text.endswith(last) or len(text) < len(first) + len(last):
        return False
    at, end = len(first), len(text) - len(last)
    for part in between:
        at = text.find(part, at, end)
        if at < 0:
            return False
        at += len(part)
    return True
