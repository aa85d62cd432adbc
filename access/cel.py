"""CEL expressions: compiled when a manifest is loaded, evaluated on what a call shows. The one door to the engine.

What is wrong with an expression is found when it is compiled: syntax, unknown variables, members and functions,
patterns that are not written out, too much text or too many macros in one another. So none is slow, and none can
name what will never be there. An evaluation ends in a value or in a `Fault`; nothing else comes out. The engine
(`common-expression-language`, Rust) is imported with the first expression. Above: `rules.py`, limits, routes.
Below:
`cel_engine.py`, `cel_scan.py`, `names.py`.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from . import cel_scan
from .cel_engine import engine
from .cel_names import with_full_names
from .cel_scan import Called, Scan
from .names import ANY, VARIABLES, Path, Tree, is_secret, members

MAX_TEXT = 4096
"""Characters of an expression."""
MAX_MACROS = 8
"""Macros in one expression."""
MAX_NESTED = 2
"""Macros in one another: each multiplies what is gone through."""
MAX_PATTERN = 256
"""Characters of a regular expression: it is compiled anew each time."""
MAX_REPEATS = 64
"""Counted repetitions in it."""

TYPES = frozenset({"bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"})
FUNCTIONS = frozenset(
    [
        "bool",
        "bytes",
        "cidr",
        "contains",
        "containsIP",
        "double",
        "duration",
        "dyn",
        "endsWith",
        "getDate",
        "getDayOfMonth",
        "getDayOfWeek",
        "getDayOfYear",
        "getFullYear",
        "getHours",
        "getMilliseconds",
        "getMinutes",
        "getMonth",
        "getSeconds",
        "has",
        "int",
        "matches",
        "size",
        "startsWith",
        "string",
        "timestamp",
        "type",
        "uint",
    ]
) | frozenset(cel_scan.MACROS)
_PLACE = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_UNDEFINED = re.compile(r"Undefined variable or function: '([^']*)'")
_COUNTED = re.compile(r"\{(\d*),?(\d*)\}")


class CelError(ValueError):
    """The expression cannot be used. The text is a predicate about it; `why` says what to write, `offset` where."""

    def __init__(self, what: str, why: str = "", *, offset: int = 0, nearest: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.offset = offset
        self.nearest = nearest


class Fault(Exception):
    """An evaluation without a value. `absent`: it named something that is not there; else something does not fit."""

    def __init__(self, what: str, *, absent: bool) -> None:
        super().__init__(what)
        self.absent = absent


class Program:
    """A compiled expression. `paths`: the variables that it mentions."""

    def __init__(self, text: str, program: Any, paths: frozenset[Path], functions: frozenset[str]) -> None:
        self.text = text
        self.paths = paths
        self.functions = functions
        self._program = program

    def __repr__(self) -> str:
        return f"<Program {self.text!r}>"

    def mentions(self, path: Path) -> bool:
        """Whether it names this variable, a member of it, or what it is a member of."""
        return any(each[: len(path)] == path[: len(each)] for each in self.paths)

    def evaluate(self, context: Any) -> Any:
        """The value, for a context made by `context`. Raises `Fault`."""
        try:
            return self._program.execute(context)
        except (LookupError, TypeError, ArithmeticError, RuntimeError, ValueError) as error:
            raise _fault(error) from error

    def holds(self, context: Any) -> bool:
        """Whether it is true. Raises `Fault`, also for what is neither true nor false."""
        found = self.evaluate(context)
        if not isinstance(found, bool):
            raise Fault(f"it gives {type(found).__name__}, not true or false", absent=False)
        return found


def _fault(error: Exception) -> Fault:
    """Why there is no value, without any value in it."""
    if isinstance(error, LookupError):
        what = "a member" if isinstance(error, KeyError) else "an element"
        return Fault(f"it names {what} that is not there", absent=True)
    if isinstance(error, ArithmeticError):
        return Fault("a number in it cannot be computed", absent=False)
    undefined = _UNDEFINED.match(str(error))
    if undefined is not None and undefined[1] not in FUNCTIONS:
        return Fault("it names a variable that is not there", absent=True)
    # A function that is not there for this kind of value is said to be undefined, too.
    if isinstance(error, TypeError) or undefined is not None:
        return Fault("it compares or calls what does not go together", absent=False)
    return Fault("a function in it failed", absent=False)


def context(values: Mapping[str, Any], functions: Iterable[str] = ()) -> Any:
    """What programs are evaluated on. `functions`: those that the programs call."""
    own = {name: _FUNCTIONS[name] for name in functions if name in _FUNCTIONS}
    made = engine().Context
    return made(dict(values), own) if own else made(dict(values))


def compile(text: str, variables: Tree = VARIABLES) -> Program:  # noqa: A001 - read as cel.compile, as in re.compile
    """Raises `CelError`."""
    if len(text) > MAX_TEXT:
        raise CelError(f"must have at most {MAX_TEXT} characters", "write two rules", offset=MAX_TEXT)
    try:
        engine().compile(text)
    except ValueError as error:
        raise _syntax(text, str(error)) from None
    found = cel_scan.scan(text)
    _check(found, variables)
    for call in found.calls:
        if call.name == "matches":
            _check_pattern(call)
    meant = with_full_names(text)
    paths = frozenset(each.parts for each in cel_scan.scan(meant).paths if each.parts[0] not in TYPES)
    return Program(text, engine().compile(meant), paths, frozenset(each.name for each in found.calls))


def _syntax(text: str, said: str) -> CelError:
    found = _PLACE.search(said)
    if found is None:
        return CelError("is not a CEL expression", "see docs/rules.md")
    lines = text.split("\n")[: int(found[1])]
    offset = sum(len(line) + 1 for line in lines[:-1]) + max(int(found[2]), 1) - 1
    what = found[3].split(" expecting ")[0].replace("Syntax error: ", "").replace("'<EOF>'", "the end")
    return CelError("is not a CEL expression", what[:160], offset=min(offset, len(text)))


def _check(found: Scan, variables: Tree) -> None:
    if found.strange is not None:
        raise CelError("has something in it that rules do not use", "write NAME.MEMBER", offset=found.strange)
    if len(found.bound) > MAX_MACROS or found.depth > MAX_NESTED:
        why = f"at most {MAX_MACROS} of all, exists, exists_one, filter and map, {MAX_NESTED} in one another"
        raise CelError("has too many macros", why, offset=found.bound[-1].at)
    for name in found.bound:
        if name.text in variables:
            raise CelError(
                f'calls an element by the name of a variable, "{name.text}"', "choose another", offset=name.at
            )
    for call in found.calls:
        if call.name not in FUNCTIONS:
            raise _unknown("function", call.name, sorted(FUNCTIONS), call.at)
    for path in found.paths:
        if path.parts[0] not in TYPES or len(path.parts) > 1:
            _check_path(path, variables)


def _check_path(path: cel_scan.Path, variables: Tree) -> None:
    for place, part in enumerate(path.parts):
        known = members(path.parts[:place], variables) if place else variables
        if known is None or known is ANY:
            break
        if not known:
            above = ".".join(path.parts[:place])
            raise CelError(f'has no member "{part[:60]}"', f"{above} is a single value", offset=path.at[place])
        if part not in known:
            above = f"variable {'.'.join(path.parts[:place])}." if place else "variable"
            raise _unknown(above, part, sorted(known), path.at[place])
    if path.parts[:2] == ("request", "headers") and len(path.parts) > 2:
        _check_header(path.parts[2], path.at[2])


def _check_header(name: str, at: int) -> None:
    if is_secret(name.lower()):
        raise CelError("names a header that carries a credential", "rules are never shown those", offset=at)
    if name != name.lower():
        raise CelError("names a header in capitals", "headers are known in lower case", offset=at, nearest=name.lower())


def _unknown(kind: str, name: str, known: list[str], at: int) -> CelError:
    near = get_close_matches(name, known, 1)
    what = f"knows no {kind}{name[:60]}" if kind.endswith(".") else f'knows no {kind} "{name[:60]}"'
    return CelError(what, f"there are {', '.join(known)}", offset=at, nearest=near[0] if near else None)


def _check_pattern(call: Called) -> None:
    """A pattern of the caller's could be made slow: only those that stand in the expression are used."""
    if call.pattern is None:
        raise CelError("has a pattern that is no text", 'write matches("PATTERN")', offset=call.at)
    text, at = call.pattern.text, call.pattern.at
    counts = [int(number) for found in _COUNTED.finditer(text) for number in found.groups() if number]
    if len(text) > MAX_PATTERN or any(count > MAX_REPEATS for count in counts):
        why = f"at most {MAX_PATTERN} characters, and {MAX_REPEATS} repetitions"
        raise CelError("has a pattern that is too large", why, offset=at)
    try:
        engine().evaluate(f'"".matches({text})')
    except (RuntimeError, ValueError, TypeError):
        raise CelError("has a pattern that is no regular expression (RE2 syntax)", "", offset=at) from None


# Functions of agentgateway that the engine lacks.


def _contains(whole: Any, part: Any) -> bool:
    """As in agentgateway also of lists, which is how its rules ask for a group."""
    if isinstance(whole, list):
        return part in whole
    if isinstance(whole, str) and isinstance(part, str):
        return part in whole
    if isinstance(whole, bytes) and isinstance(part, bytes):
        return part in whole
    raise TypeError("contains is of texts and lists")


def _cidr(text: Any) -> str:
    return str(ipaddress.ip_network(text, strict=False))


def _contains_ip(network: Any, address: Any) -> bool:
    return ipaddress.ip_address(address) in ipaddress.ip_network(network)


_FUNCTIONS: dict[str, Callable[..., Any]] = {"contains": _contains, "cidr": _cidr, "containsIP": _contains_ip}
