"""The rules of a manifest: what they say of a call. Pure. The semantics are agentgateway's.

In this order, whatever order they are written in:

    any deny holds                  → denied
    any require does not hold       → denied
    any allow holds                 → allowed
    else                            → denied if there is an allow rule, allowed if there is none

A rule without a value (it names what the call does not have) does not hold: such an allow does not allow, such a
require denies, such a deny does not deny. Where agentgateway's rules see nothing, in a tool's arguments, that would
let callers switch a deny off: one that mentions what could not be shown, or does not fit what the caller wrote,
denies. An allow or require that can say nothing without `mcp`, `a2a` or `llm` is about those protocols alone. Of a
call without a thing, such as `initialize`, whatever depends on the thing is left open. Above: `judge.py`. Below:
`cel.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec

from . import cel
from .cel import Fault, Program
from .cel_scan import mention_in_all_alternatives, scan
from .names import CALLERS_WORDS, PROTOCOLS, Path
from .rule_settings import RuleSettings
from .variables import Needs, Shown

Kind = Literal["deny", "require", "allow"]
Held = Literal["yes", "no", "error", "unknown"]
"""`unknown`: it depends on what is not said yet, as where a list is filtered."""

THINGS: tuple[Path, ...] = (
    *(("mcp", member) for member in ("server", "tool", "prompt", "resource", "task")),
    *(("a2a", member) for member in ("agent", "context_id", "task_id", "skill")),
    *(("llm", member) for member in ("route", "provider", "stream", "max_tokens", "has_tools")),
    *(("llm", member) for member in ("model", "has_images", "intent", "estimated_tokens")),
)
"""Variables that say what a call is about; without one of them it is about the gateway itself."""


class Rule(msgspec.Struct, frozen=True):
    """One rule. `label`: its name, or where it stands in the list."""

    kind: Kind
    program: Program
    label: str
    named: bool = False
    about: frozenset[str] = frozenset()
    """The protocols that it is about; empty: all."""

    def concerns(self, protocols: Iterable[str]) -> bool:
        """Whether it has anything to say of calls that are of these protocols."""
        return not self.about or not self.about.isdisjoint(protocols)


def _about(kind: Kind, text: str) -> frozenset[str]:
    """The protocols that a rule is about; empty: all. A deny needs none: what it does not find does not hold."""
    if kind == "deny" or not mention_in_all_alternatives(text, frozenset(PROTOCOLS)):
        return frozenset()
    return frozenset(path.parts[0] for path in scan(text).paths if path.parts[0] in PROTOCOLS)


class Told(msgspec.Struct, frozen=True):
    """What one rule said, and why it said nothing."""

    rule: Rule
    held: Held
    why: str = ""


class Verdict(msgspec.Struct, frozen=True):
    """`by`: the rule that decided; `None` if none did."""

    allowed: bool
    by: Rule | None = None
    why: str = ""

    @property
    def reason(self) -> str:
        """Why, for operators."""
        if self.by is None:
            return self.why or "allowed"
        return f"{self.by.kind} {self.by.label}" + (f" ({self.why})" if self.why else "")

    def __str__(self) -> str:
        return f"{'allowed' if self.allowed else 'refused'}: {self.reason}"


ALLOWED = Verdict(True)


class Rules:
    """All rules of a manifest."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.all = tuple(rules)
        self.needs = Needs.of(path for rule in self.all for path in rule.program.paths).tree
        self._functions = frozenset(name for rule in self.all for name in rule.program.functions)

    def __len__(self) -> int:
        return len(self.all)

    @classmethod
    def of(cls, settings: Iterable[RuleSettings]) -> "Rules":
        """Raises `CelError`; not for settings that were checked."""
        made = []
        for number, each in enumerate(settings, 1):
            kind, text = each.kind, each.expression
            label = each.name or f"rule {number}"
            made.append(Rule(kind, cel.compile(text), label, each.name is not None, _about(kind, text)))
        return cls(made)

    def concerning(self, protocols: Iterable[str]) -> tuple[Rule, ...]:
        """`protocols`: usually one; a tool that is an agent is of two."""
        known = frozenset(protocols)
        return tuple(rule for rule in self.all if rule.concerns(known))

    def context(self, values: Mapping[str, Any]) -> Any:
        """What rules are evaluated on, with what is the same for several calls."""
        return cel.context(values, self._functions)

    def tell(
        self, rules: Iterable[Rule], shown: Shown, unknown: tuple[Path, ...] = (), context: Any = None
    ) -> list[Told]:
        """What each rule says of the values. `unknown`: what is not said yet. `context`: one that has some already;
        what protocols tell is put into it anew."""
        if context is None:
            context = self.context(shown.values)
        for name in PROTOCOLS:
            if name in self.needs:
                context.add_variable(name, shown.values.get(name, {}))
        return [_tell(rule, context, shown, unknown) for rule in rules]


def _tell(rule: Rule, context: Any, shown: Shown, unknown: tuple[Path, ...]) -> Told:
    for path in shown.hidden:
        if rule.program.mentions(path):
            held: Held = "yes" if rule.kind == "deny" else "error"
            return Told(rule, held, f"{'.'.join(path)} cannot be shown to rules: it is too large or ambiguous")
    try:
        return Told(rule, "yes" if rule.program.holds(context) else "no")
    except Fault as fault:
        if any(rule.program.mentions(path) for path in unknown):
            return Told(rule, "unknown", "it depends on the call")
        if rule.kind == "deny" and not fault.absent and rule.program.mentions(CALLERS_WORDS):
            return Told(rule, "yes", f"{fault}, and the caller wrote it")
        return Told(rule, "error", str(fault))


def decide(told: Iterable[Told]) -> Verdict:
    """The table above."""
    told = list(told)
    for each in told:
        if each.rule.kind == "deny" and each.held == "yes":
            return Verdict(False, each.rule, each.why)
    for each in told:
        if each.rule.kind == "require" and each.held in ("no", "error"):
            return Verdict(False, each.rule, each.why)
    allows = [each for each in told if each.rule.kind == "allow"]
    for each in allows:
        if each.held in ("yes", "unknown"):
            return Verdict(True, each.rule)
    return Verdict(False, None, "no allow rule holds") if allows else ALLOWED
