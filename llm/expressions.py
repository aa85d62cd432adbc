"""The port of expressions: what evaluates a manifest's CEL conditions and its regular expressions.

This part knows neither engine. Whoever assembles the gateway gives one; without it, a manifest that has expressions
is refused, not passed over. Above: `conditions`, `intents`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ..core.call import Call

Condition = Callable[[Call, Mapping[str, Any]], bool]
"""Whether it holds of a call, given what its protocol tells of it; what cannot be evaluated does not hold."""
Pattern = Callable[[str], bool]
"""Whether it is found in a text, in time that grows with the text and no faster."""


class Expressions(Protocol):
    """Both raise `ValueError`, with a predicate about the text, for what cannot be used."""

    def condition(self, text: str, /) -> Condition: ...

    def pattern(self, text: str, /, *, any_case: bool) -> Pattern: ...


class NoExpressions:
    """None can be used."""

    def condition(self, _text: str, /) -> Condition:
        raise ValueError("is an expression, and nothing here can evaluate it")

    def pattern(self, _text: str, /, *, any_case: bool) -> Pattern:
        kind = "in any case" if any_case else "as it stands"
        raise ValueError(f"is a regular expression, and nothing here can look for it {kind}")


NO_EXPRESSIONS = NoExpressions()
