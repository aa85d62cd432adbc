"""What people should be told of a catalog: names in each other's way, overrides of nothing, too many tokens.

Each remark is made once, and again if it went away in between. Above: `catalogs.py`,
which logs them. Below: catalogs.
"""

from collections.abc import Iterator
from difflib import get_close_matches

from .catalog import Catalog


class Remarks:
    """`warn_tokens`: cost of a tool list above which something is said; 0: never."""

    def __init__(self, warn_tokens: int) -> None:
        self._warn_tokens = warn_tokens
        self._made: dict[str, frozenset[str]] = {}

    def news(self, view: str, catalog: Catalog, *, settled: bool) -> list[str]:
        """What is to be said now. Until all servers were `settled` once, costs and absences mean nothing."""
        remarks = dict(self._all(view, catalog, settled=settled))
        made, self._made[view] = self._made.get(view, frozenset()), frozenset(remarks)
        return [sentence for key, sentence in remarks.items() if key not in made]

    def _all(self, view: str, catalog: Catalog, *, settled: bool) -> Iterator[tuple[str, str]]:
        """Key and sentence; of two remarks with one key the first was enough."""
        where = f"profile {view}: " if view else ""
        for collision in catalog.collisions:
            yield collision, where + collision
        if not settled:
            return
        for tool in catalog.unmatched:
            near = get_close_matches(tool, catalog.tools, 1)
            hint = f'; did you mean "{near[0]}"?' if near else ""
            yield f"override {tool}", f'{where}there is no tool "{tool}" to override{hint}'
        if 0 < self._warn_tokens < catalog.tokens:
            yield "cost", cost(f"/mcp/{view}".rstrip("/"), catalog, self._warn_tokens)


def cost(path: str, catalog: Catalog, limit: int) -> str:
    """The sentence about a list that is too large."""
    count = sum(not offer.refusal for offer in catalog.tools.values())
    return (
        f"the {count} tools of {path} cost every conversation about {catalog.tokens:,} tokens, more than "
        f'mcp.warn_tokens ({limit:,}); offer fewer with mcp.profiles, or set "search: on" below mcp'
    )
