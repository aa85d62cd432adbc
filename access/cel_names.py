"""Tools by the name that the catalog shows: what an expression means that compares with one. Pure, text to text.

`mcp.tool.name` is the server's own name, as in agentgateway, and the same in every view: a rule must not depend on
how a client came in. Whoever compares it with `crm__export` has read that name in the catalog and means the tool
`export` of the server `crm`; so there the comparison holds for `mcp.tool.full`, too. Above: `cel.py`.
"""

from .cel_scan import Token, tokens

JOINED = "__"
_NAME = ["mcp", ".", "tool", ".", "name"]
_METHODS = frozenset({"contains", "endsWith", "matches", "startsWith"})
_BINDS_CLOSER = frozenset({"+", "-", "*", "/", "%", ".", "["})


def with_full_names(text: str) -> str:
    """The expression as it is evaluated."""
    if JOINED not in text:
        return text
    found = list(tokens(text))
    pieces, end, at = [], 0, 0
    while at < len(found):
        stop = _comparison(found, at)
        if stop is None:
            at += 1
            continue
        first, last = found[at], found[stop]
        pieces += [text[end : first.at], _both(text, found[at : stop + 1])]
        end = last.at + len(last.text)
        at = stop + 1
    return "".join([*pieces, text[end:]])


def _both(text: str, found: list[Token]) -> str:
    """The comparison with either name: of an inequality both hold."""
    words = [token.text for token in found]
    name = next(at for at in range(len(words)) if words[at : at + len(_NAME)] == _NAME) + len(_NAME) - 1
    written = text[found[0].at : found[-1].at + len(found[-1].text)]
    full = " ".join([*words[:name], "full", *words[name + 1 :]])
    return f"({written} {'&&' if '!=' in words else '||'} {full})"


def _comparison(found: list[Token], at: int) -> int | None:
    """The last token of a comparison of the tool's name with a name of the catalog that begins at this one."""
    words = [token.text for token in found[at : at + len(_NAME) + 2]]
    if at and found[at - 1].text in _BINDS_CLOSER:
        return None
    stop = None
    if words[: len(_NAME)] == _NAME:
        stop = _after_name(found, at + len(_NAME))
    elif words[2:] == _NAME and words[1] in ("==", "!=") and _is_full(found[at]):
        stop = at + len(_NAME) + 1
    if stop is None or (stop + 1 < len(found) and found[stop + 1].text in _BINDS_CLOSER):
        return None
    return stop


def _after_name(found: list[Token], at: int) -> int | None:
    """Of `== "A__B"`, `in ["A__B", ...]` or `.startsWith("A__")` behind the name: the last token."""
    words = [token.text for token in found[at : at + 4]]
    if words[:1] in (["=="], ["!="]) and at + 1 < len(found) and _is_full(found[at + 1]):
        return at + 1
    if words[:2] == ["in", "["]:
        close = next((place for place in range(at, len(found)) if found[place].text == "]"), None)
        return close if close is not None and any(map(_is_full, found[at:close])) else None
    if len(words) == 4 and words[0] == "." and words[1] in _METHODS and at + 4 < len(found):
        return at + 4 if _is_full(found[at + 3]) and found[at + 4].text == ")" else None
    return None


def _is_full(token: Token) -> bool:
    literal = token.literal
    return literal is not None and JOINED in literal
