"""What a CEL expression names, and how deep it goes: read off its text, before it is ever evaluated. Pure.

The engine says whether an expression is well formed; it does not say which members of a variable are meant, nor
where. So the text is cut into tokens here, and the paths (`mcp.tool.name`), functions, macros and patterns in it
are collected with their places. Only for text that the engine has accepted. Above: `cel.py`.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
"""Calls whose first argument is a name, good for their other arguments alone."""
WORDS = frozenset({"true", "false", "null", "in"})
_OPERANDS = frozenset({"name", "string", "number"})

_TOKEN = re.compile(
    r"""
    (?P<blank>[ \t\r\n\f]+|//[^\n]*)
    |(?P<string>(?:[bB][rR]?|[rR][bB]?)?(?:'''(?:\\.|.)*?'''|\"\"\"(?:\\.|.)*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
    |(?P<number>(?:0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[uU]?)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/%!<>?:,.()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    kind: str
    text: str
    at: int

    @property
    def literal(self) -> str | None:
        """What a plain string stands for; `None` where it has a prefix or an escape, or is no string."""
        if self.kind != "string" or "\\" in self.text or self.text[0] not in "'\"":
            return None
        return self.text[3:-3] if self.text[:3] in ("'''", '"""') else self.text[1:-1]


class Path(NamedTuple):
    """A variable and the members that are named after it. `whole`: more may follow that is not named."""

    parts: tuple[str, ...]
    at: tuple[int, ...]
    """Where each part stands."""


class Called(NamedTuple):
    """A function by name. `pattern`: of `matches`, its argument if that is a literal."""

    name: str
    at: int
    pattern: Token | None = None


class Scan(NamedTuple):
    paths: tuple[Path, ...]
    calls: tuple[Called, ...]
    bound: tuple[Token, ...]
    """The names that macros bind."""
    depth: int
    """How many macros stand in one another."""
    strange: int | None
    """Where something stands that rules do not use: a character that belongs to no token, `.name`, `Name{...}`."""


def tokens(text: str) -> Iterator[Token]:
    """Without blanks and comments. Ends at a character that begins no token, which is given as one."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            yield Token("strange", text[at], at)
            return
        if found.lastgroup != "blank":
            yield Token(found.lastgroup or "", found.group(), at)
        at = found.end()


def scan(text: str) -> Scan:
    return _Scanner(list(tokens(text))).run()


class _Scanner:
    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._paths: list[Path] = []
        self._calls: list[Called] = []
        self._bound: list[Token] = []
        self._scopes: list[str | None] = []
        """One per open bracket: the name that a macro's brackets bind, else nothing."""
        self._depth = 0
        self._macro: Token | None = None
        """A macro whose bracket opens next."""

    def run(self) -> Scan:
        at, strange = 0, None
        while at < len(self._tokens):
            token = self._tokens[at]
            if self._is_strange(at):
                strange = token.at
                break
            at = self._name(at) if token.kind == "name" else self._sign(at)
        return Scan(tuple(self._paths), tuple(self._calls), tuple(self._bound), self._depth, strange)

    def _text(self, at: int) -> str:
        return self._tokens[at].text if 0 <= at < len(self._tokens) else ""

    def _is_strange(self, at: int) -> bool:
        token = self._tokens[at]
        if token.text == ".":
            before = self._tokens[at - 1] if at else None
            return before is None or not (before.kind in _OPERANDS or before.text in (")", "]", "}"))
        return token.kind == "strange" or (token.kind == "name" and self._text(at + 1) == "{")

    def _sign(self, at: int) -> int:
        text = self._text(at)
        if text in ("(", "[", "{"):
            self._scopes.append(self._opened(at) if text == "(" else None)
            self._depth = max(self._depth, sum(each is not None for each in self._scopes))
        elif text in (")", "]", "}") and self._scopes:
            self._scopes.pop()
        return at + 1

    def _opened(self, at: int) -> str | None:
        """The name that this bracket binds."""
        macro, self._macro = self._macro, None
        if macro is None or at + 1 >= len(self._tokens):
            return None
        name = self._tokens[at + 1]
        self._bound.append(name)
        return name.text

    def _name(self, at: int) -> int:
        token = self._tokens[at]
        if self._text(at - 1) == ".":
            return self._member(at)
        if token.text in WORDS or token.text in self._scopes:
            return at + 1
        if self._text(at + 1) == "(":
            self._call(at)
            return at + 1
        return self._path(at)

    def _member(self, at: int) -> int:
        """A name after a dot that belongs to no path: of a call's result, or of a bound name."""
        if self._text(at + 1) == "(":
            self._call(at)
        return at + 1

    def _call(self, at: int) -> None:
        token = self._tokens[at]
        if token.text in MACROS and self._text(at - 1) == ".":
            self._macro = token
        argument = self._tokens[at + 2] if at + 3 < len(self._tokens) else None
        literal = argument if argument is not None and argument.kind == "string" and self._text(at + 3) == ")" else None
        self._calls.append(Called(token.text, token.at, literal))

    def _path(self, at: int) -> int:
        parts, places = [self._text(at)], [self._tokens[at].at]
        at += 1
        while True:
            step = self._tokens[at + 1 : at + 3]
            if self._text(at) == "." and step and step[0].kind == "name" and self._text(at + 2) != "(":
                parts.append(step[0].text)
                places.append(step[0].at)
                at += 2
            elif self._text(at) == "[" and step and step[0].literal is not None and self._text(at + 2) == "]":
                parts.append(step[0].literal or "")
                places.append(step[0].at)
                at += 3
            else:
                break
        self._paths.append(Path(tuple(parts), tuple(places)))
        return at


def mention_in_all_alternatives(text: str, roots: frozenset[str]) -> bool:
    """Whether each side of every `||` (and each branch of a `?`) names one of these variables: then it has nothing to
    say without them."""
    alternatives = _Alternatives()
    before = ""
    for token in tokens(text):
        alternatives.see(token.text, named=token.kind == "name" and token.text in roots and before != ".")
        before = token.text
    return alternatives.all()


class _Alternatives:
    """One frame per open bracket: of its alternatives so far, whether each has named one; the last is the current."""

    def __init__(self) -> None:
        self._frames: list[list[bool]] = [[False]]
        self._good = True

    def see(self, text: str, *, named: bool) -> None:
        if named:
            for frame in self._frames:
                frame[-1] = True
        elif text in ("||", "?", ":"):
            self._frames[-1].append(False)
        elif text == ",":
            self._end()
            self._frames.append([False])
        elif text in ("(", "[", "{"):
            self._frames.append([False])
        elif text in (")", "]", "}"):
            self._end()

    def _end(self) -> None:
        frame = self._frames.pop() if len(self._frames) > 1 else [True]
        self._good = self._good and (len(frame) == 1 or all(frame))

    def all(self) -> bool:
        return self._good and all(self._frames[0])
