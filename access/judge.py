"""Whether a caller may do what a call is about: the manifest's rules and its plain `groups`. Pure.

Verdicts are kept by what the rules have seen, so that a call like one before costs no evaluation. Nothing is kept
of values that are large. The same rules say what a caller may know of (`Seen`). Above: the authorize stage, which
asks about calls; the endpoints, which ask about things through `core.ports.Sight`. Below: `rules.py`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import msgspec

from ..core.call import Call, Principal, Record, Request
from ..core.ports import OneOf
from ..core.ports import Seen as SeenPort
from .names import PROTOCOLS, Path, Tree
from .rules import ALLOWED, THINGS, Rule, Rules, Told, Verdict, decide
from .variables import Shown, common, show

MAX_VERDICTS = 8192
"""Verdicts that are kept."""
MAX_KEY = 1024
"""Bytes of what the rules have seen, up to which a verdict is kept."""

MAX_CALLERS = 1024
"""Callers that are remembered."""
_LASTING = frozenset({"protocol", "principal", "jwt", "apiKey"})
"""Variables that are the same in every call of a caller."""

_encode = msgspec.json.Encoder().encode
_NOT_A_MEMBER = "{} is for other groups"


class Members:
    """The plain `groups` of servers, profiles, routes...: variable and value → groups. Empty groups mean everybody."""

    def __init__(self, groups: Mapping[tuple[str, str, str], tuple[str, ...]] | None = None) -> None:
        """`groups`: such as `{("mcp", "server", "crm"): ("sales",)}`."""
        self._groups = {place: frozenset(each) for place, each in (groups or {}).items() if each}
        self._places = sorted({place[:2] for place in self._groups})
        self._known = frozenset(name for each in self._groups.values() for name in each)

    def __len__(self) -> int:
        return len(self._groups)

    def missing(self, principal: Principal, facts: Mapping[str, Any]) -> str:
        """What the caller may not use for its groups, such as `mcp.server crm`; empty if there is nothing."""
        for protocol, member in self._places:
            value = facts.get(protocol, {}).get(member)
            wanted = self._groups.get((protocol, member, value)) if isinstance(value, str) else None
            if wanted is not None and wanted.isdisjoint(principal.groups):
                return f"{protocol}.{member} {value}"
        return ""

    def mark(self, principal: Principal) -> list[str]:
        """What tells callers apart."""
        return sorted(self._known.intersection(principal.groups))


class Judge:
    """Of one manifest."""

    def __init__(self, rules: Rules, members: Members) -> None:
        self.rules = rules
        self.members = members
        self.base: Tree = {name: below for name, below in rules.needs.items() if name not in PROTOCOLS}
        """What rules want to know of a call before they know what it is about."""
        self.own: Tree = {name: below for name, below in rules.needs.items() if name in PROTOCOLS}
        self._is_lasting = self.base.keys() <= _LASTING
        self._callers: OrderedDict[tuple[int, str], Seen] = OrderedDict()
        self._kept: OrderedDict[bytes, Verdict] = OrderedDict()
        self._about: dict[str, tuple[Rule, ...]] = {}

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return bool(len(self.rules) or len(self.members))

    def __len__(self) -> int:
        return len(self._kept)

    def verdict(self, call: Call, own: Mapping[str, Any]) -> Verdict:
        """Of a call. `own`: what its protocol tells of it (`core.ports.Telling`)."""
        return self._seen_by(call).verdict(own)

    def told(self, call: Call, own: Mapping[str, Any]) -> list[Told]:
        """What each rule says of a call, for people. Where something is not decided yet: of its first choice."""
        shown = show(self.rules.needs, {**common(self.base, call), **own})
        return self.rules.tell(self.concerning(own), shown, open_things(own))

    def of(self, call: Call) -> SeenPort | None:
        """The `Sight` port."""
        return self._seen_by(call) if self else None

    def by(self, protocol: str, principal: Principal) -> SeenPort | None:
        """The `Sight` port."""
        request = Request("", "GET", "", b"", {}, "", "", "", _nothing)
        return self.of(Call(protocol, request, Record(request, protocol, 0.0), principal=principal))

    def _seen_by(self, call: Call) -> "Seen":
        """Where rules look at nothing but who calls, callers are remembered: keys and tokens stand for one object."""
        if not self._is_lasting:
            return Seen(self, call)
        key = id(call.principal), call.protocol
        found = self._callers.get(key)
        if found is None or found.principal is not call.principal:
            found = self._callers[key] = Seen(self, call)
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
        return found

    def concerning(self, own: Mapping[str, Any]) -> tuple[Rule, ...]:
        """The rules that have something to say; the same object for equal calls."""
        key = ",".join(own)
        rules = self._about.get(key)
        if rules is None:
            rules = self._about[key] = self.rules.concerning(own)
        return rules

    def kept(self, key: bytes) -> Verdict | None:
        """The verdict on what looked so to the rules."""
        return self._kept.get(key)

    def keep(self, key: bytes, verdict: Verdict) -> None:
        self._kept[key] = verdict
        if len(self._kept) > MAX_VERDICTS:
            self._kept.popitem(last=False)


class Seen:
    """A caller, from where and how it calls, as the rules see it: what it may know of, and what it may do.

    Keeps what rules see of the call, not the call.
    """

    def __init__(self, judge: Judge, call: Call) -> None:
        self.principal = call.principal
        self._judge = judge
        self._shown = show(judge.base, common(judge.base, call))
        marks = judge.members.mark(call.principal)
        seen = _encode((call.protocol, self._shown.values, self._shown.hidden, marks))
        self.key = seen if len(seen) <= 64 else hashlib.sha256(seen).digest()
        self._context: Any = None

    def sees(self, facts: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bool:
        """The `Seen` port."""
        return self.verdict(facts, tuple(tuple(each.split(".")) for each in unknown)).allowed

    def verdict(self, own: Mapping[str, Any], unknown: tuple[Path, ...] = ()) -> Verdict:
        """Of what a protocol tells. `unknown`: what is not said yet."""
        missing = self._judge.members.missing(self.principal, own)
        if missing:
            return Verdict(False, None, _NOT_A_MEMBER.format(missing))
        rules = self._judge.concerning(own)
        unknown = unknown or open_things(own)
        verdict = ALLOWED
        for each in _alternatives(self._judge.own, own) if rules else ():
            verdict = self._on(rules, show(self._judge.own, each), unknown)
            if not verdict.allowed:
                break
        return verdict

    def _on(self, rules: tuple[Rule, ...], shown: Shown, unknown: tuple[Path, ...]) -> Verdict:
        judge = self._judge
        key = b"%d %b %b" % (id(rules), self.key, _encode((shown.values, unknown)))
        if shown.hidden or self._shown.hidden or len(key) > MAX_KEY:
            return self._judged(rules, shown, unknown)
        found = judge.kept(key)
        if found is None:
            found = self._judged(rules, shown, unknown)
            judge.keep(key, found)
        return found

    def _judged(self, rules: tuple[Rule, ...], shown: Shown, unknown: tuple[Path, ...]) -> Verdict:
        if self._context is None:
            self._context = self._judge.rules.context(self._shown.values)
        of_both = Shown(shown.values, self._shown.hidden + shown.hidden)
        return decide(self._judge.rules.tell(rules, of_both, unknown, self._context))


def _alternatives(needs: Tree, own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is not decided yet must be allowed whatever is decided."""
    found: list[Mapping[str, Any]] = [own]
    for protocol, members in own.items():
        needed = needs.get(protocol)
        if needed is None:
            continue
        for name, choices in members.items():
            if isinstance(choices, OneOf) and len(choices) > 1 and (not needed or name in needed):
                found = [{**each, protocol: {**each[protocol], name: one}} for each in found for one in choices]
    return found


async def _nothing() -> bytes:
    return b""


def open_things(own: Mapping[str, Any]) -> tuple[Path, ...]:
    """What a call is not about, if it is about no thing at all: what comes after it will be, and is judged then."""
    if any(path[1] in own.get(path[0], ()) for path in THINGS):
        return ()
    return tuple(path for path in THINGS if path[0] in own)
