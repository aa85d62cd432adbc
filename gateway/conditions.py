"""What the models' side evaluates: CEL conditions on calls, and regular expressions, both by the engine of rules.

The engine's expressions see what rules see of a call. Its regular expressions take time in proportion to the text,
whatever they say. Implements `llm.expressions.Expressions`. Above: `models.py`. Below: `access/cel.py`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..access import cel
from ..access.variables import Needs, common, show
from ..core.call import Call
from ..llm.expressions import Condition, Pattern

_TEXT: dict[str, Any] = {"text": {}}
"""The one variable of a regular expression."""


class CelExpressions:
    def condition(self, text: str, /) -> Condition:
        program = _compiled(text)
        needs = Needs.of(program.paths).tree

        def holds(call: Call, own: Mapping[str, Any]) -> bool:
            shown = show(needs, {**common(needs, call), **own})
            return _holds(program, shown.values)

        return holds

    def pattern(self, text: str, /, *, any_case: bool) -> Pattern:
        literal = msgspec.json.encode(f"(?i){text}" if any_case else text).decode()
        program = _compiled(f"text.matches({literal})", _TEXT)
        return lambda said: _holds(program, {"text": said})


def _compiled(text: str, variables: dict[str, Any] | None = None) -> cel.Program:
    try:
        return cel.compile(text) if variables is None else cel.compile(text, variables)
    except cel.CelError as error:
        raise ValueError(f"{error.what}: {error.why}" if error.why else error.what) from error


def _holds(program: cel.Program, values: Mapping[str, Any]) -> bool:
    try:
        return program.holds(cel.context(values, program.functions))
    except cel.Fault:
        return False
