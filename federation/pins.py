"""Which definition of each tool was accepted, which one its server gives now, and what follows. Pure.

The first definition that is seen of a tool is accepted. Later ones are compared with it
until somebody accepts them: `off` compares nothing, `warn` tells, `strict` withholds the
tool as well. A tool that goes and comes back is still known. Above: `hub.py`, which logs
and counts, and `pin_file.py`, which keeps what was accepted. Below: `fingerprints.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from .fingerprints import Fingerprint, differences, fingerprint, invisible
from .listing import Item

Mode = Literal["off", "warn", "strict"]

MAX_TOOLS = 20_000
"""Definitions remembered per server; beyond, those that it no longer offers are forgotten, oldest first."""

Accepted = dict[str, dict[str, Fingerprint]]
"""Server → tool → the definition that was accepted."""


class Finding(msgspec.Struct, frozen=True):
    """What is odd about one tool of one server."""

    server: str
    tool: str
    """In the server's own spelling."""
    changed: tuple[str, ...] = ()
    """Parts of its definition that differ from what was accepted: `description`, `inputSchema`, ..."""
    invisible: tuple[str, ...] = ()
    """Characters in it that people cannot see."""
    withheld: bool = False

    def __str__(self) -> str:
        said = []
        if self.changed:
            said.append(f"its definition has changed ({', '.join(self.changed)})")
        if self.invisible:
            said.append(f"its definition has invisible characters ({', '.join(self.invisible)})")
        return " and ".join(said)


class _Seen(msgspec.Struct, frozen=True):
    raw: bytes
    given: Fingerprint
    finding: Finding | None


class Pins:
    """All servers together. `unsaved`: something was accepted that no file has yet."""

    def __init__(self, modes: Mapping[str, Mode], accepted: Accepted | None = None) -> None:
        self.accepted: Accepted = accepted or {}
        self.unsaved = False
        self._modes = modes
        self._seen: dict[str, dict[str, _Seen]] = {}

    def rule(self, modes: Mapping[str, Mode]) -> None:
        """From now on these servers are there, in these modes; what was accepted of others is still known."""
        for server in self._modes:
            if modes.get(server) != self._modes[server]:
                self._seen.pop(server, None)
        self._modes = modes

    def look(self, server: str, tools: Iterable[Item]) -> list[Finding]:
        """A server's tools as they are now. What is found for the first time is given back."""
        if self._modes.get(server, "off") == "off":
            return []
        before = self._seen.get(server, {})
        now: dict[str, _Seen] = {}
        news: list[Finding] = []
        for item in tools:
            last = before.get(item.key)
            if last is None or last.raw != item.raw:
                seen = self._compared(server, item.key, item.raw, fingerprint(item.raw))
                if seen.finding is not None and (
                    last is None or last.finding != seen.finding or last.given != seen.given
                ):
                    news.append(seen.finding)
                last = seen
            now[item.key] = last
        self._seen[server] = now
        self._forget(server)
        return news

    def _compared(self, server: str, tool: str, raw: bytes, found: Fingerprint) -> _Seen:
        known = self.accepted.setdefault(server, {})
        if tool not in known:
            known[tool] = found
            self.unsaved = True
        changed = differences(known[tool], found)
        hidden = invisible(raw)
        withheld = bool(changed) and self._modes[server] == "strict"
        finding = Finding(server, tool, changed, hidden, withheld) if changed or hidden else None
        return _Seen(raw, found, finding)

    def _forget(self, server: str) -> None:
        known, now = self.accepted.get(server, {}), self._seen[server]
        if len(known) > MAX_TOOLS:
            gone = [tool for tool in known if tool not in now]
            for tool in gone[: len(known) - MAX_TOOLS]:
                del known[tool]

    @property
    def findings(self) -> list[Finding]:
        """Everything that is odd now."""
        return [each.finding for seen in self._seen.values() for each in seen.values() if each.finding is not None]

    def refused(self) -> dict[str, dict[str, str]]:
        """Server → tool → why it is withheld."""
        found: dict[str, dict[str, str]] = {}
        for each in self.findings:
            if each.withheld:
                found.setdefault(each.server, {})[each.tool] = (
                    f"the tool {each.tool} of {each.server} is withheld: {each}. Look at it with "
                    '"fedgate tools --changed"; whoever runs the gateway accepts it with "fedgate tools --accept"'
                )
        return found

    def accept(self, server: str = "", tool: str = "") -> list[Finding]:
        """Take the definitions that are given now for good: of one tool, one server, or all. What was changed."""
        taken = [
            each for each in self.findings if each.changed and server in ("", each.server) and tool in ("", each.tool)
        ]
        for each in taken:
            self.accepted[each.server][each.tool] = self._seen[each.server][each.tool].given
        self._compare_again()
        self.unsaved = self.unsaved or bool(taken)
        return taken

    def merge(self, saved: Accepted) -> bool:
        """Take over what a file says; what it does not know stays. Whether a finding came or went by that."""
        before = self.findings
        for server, tools in saved.items():
            self.accepted.setdefault(server, {}).update(tools)
        self._compare_again()
        return self.findings != before

    def _compare_again(self) -> None:
        for server, tools in self._seen.items():
            for tool, seen in tools.items():
                tools[tool] = self._compared(server, tool, seen.raw, seen.given)
