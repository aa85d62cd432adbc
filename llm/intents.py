"""Classes of requests by what the user said last: keywords and regular expressions that the manifest gives. Pure.

Keywords are found in any case, as they stand. Regular expressions run in time that grows with the text and no faster
(`expressions`), over a text of bounded length (`facts`). The first class in the manifest's order is the intent.
Above: `routing`, rules. Below: `expressions`.
"""

from collections.abc import Mapping

from .expressions import NO_EXPRESSIONS, Expressions, Pattern
from .intent_spelling import expression


class Intents:
    """All classes of a manifest. Raises `ValueError`, with the class, for an expression that cannot be used."""

    def __init__(self, classes: Mapping[str, tuple[str, ...]], expressions: Expressions = NO_EXPRESSIONS) -> None:
        self._classes = [(name, _Class(name, patterns, expressions)) for name, patterns in classes.items()]

    def __len__(self) -> int:
        return len(self._classes)

    def of(self, text: str) -> str | None:
        """The intent of a text; None if it belongs to no class."""
        if not text or not self._classes:
            return None
        folded = text.casefold()
        return next((name for name, each in self._classes if each.has(text, folded)), None)


class _Class:
    def __init__(self, name: str, patterns: tuple[str, ...], expressions: Expressions) -> None:
        self._words: list[str] = []
        self._patterns: list[Pattern] = []
        for pattern in patterns:
            found = expression(pattern)
            if found is None:
                self._words.append(pattern.casefold())
                continue
            try:
                self._patterns.append(expressions.pattern(found[0], any_case=found[1]))
            except ValueError as error:
                raise ValueError(f"models.intents.{name}: {pattern} {error}") from error

    def has(self, text: str, folded: str) -> bool:
        return any(word in folded for word in self._words) or any(found(text) for found in self._patterns)
