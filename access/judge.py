"""Whether a caller may do what a call is about: the manifest's rules and its plain `groups`. Pure.

What rules say is kept by what they have seen, so that a call like one before costs no evaluation; rules that look at
what callers write, which is always something else, are kept apart from those that do not. Nothing is kept of values
that are large. The same rules say what a caller may know of (`Seen`). Above: the authorize stage, which
asks about calls; the endpoints, which ask about things through `core.ports.Sight`. Below: `rules.py`.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from ..core.call import Call, Principal, Record, Request
from ..core.ports import OneOf
from ..core.ports import Seen as SeenPort
from .names import CALLERS_WORDS, PROTOCOLS, Path, Tree
from .rules import ALLOWED, THINGS, Rule, Rules, Told, Verdict, decide
from .variables import Needs, Shown, common, show

MAX_VERDICTS = 8192
"""Sayings of rules that are kept."""
MAX_KEY = 1024
"""Bytes of what the rules have seen, up to which what they say is kept."""

MAX_CALLERS = 1024
"""Callers that are remembered."""
Look = tuple[int, bytes, bytes, tuple[Path, ...]]
"""What is said depends on: which rules, the caller, the call, and what is left open."""
_LASTING = frozenset({"protocol", "principal", "jwt", "apiKey"})
"""Variables that are the same in every call of a caller."""

_encode = msgspec.json.Encoder().encode
_NONE = frozenset[str]()
_THINGS = {name: frozenset(path[1] for path in THINGS if path[0] == name) for name in PROTOCOLS}
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


class Part(NamedTuple):
    """Rules whose sayings are kept together."""

    rules: tuple[Rule, ...]
    needs: Tree
    """What they want to know of the call."""
    places: tuple[int, ...]
    """Where they stand among all."""


class Saying(NamedTuple):
    """What the rules of a part said, and what would follow if there were no others."""

    told: list[Told]
    verdict: Verdict


class About(NamedTuple):
    """The rules that have something to say of a kind of call."""

    rules: tuple[Rule, ...]
    needs: Tree
    parts: tuple[Part, ...]


class Judge:
    """Of one manifest."""

    def __init__(self, rules: Rules, members: Members) -> None:
        self.rules = rules
        self.members = members
        self.base: Tree = {name: below for name, below in rules.needs.items() if name not in PROTOCOLS}
        """What rules want to know of a call before they know what it is about."""
        self._is_lasting = self.base.keys() <= _LASTING
        self._says = bool(len(rules) or len(members))
        self._callers: OrderedDict[tuple[int, str], Seen] = OrderedDict()
        self._kept: OrderedDict[Look, Saying] = OrderedDict()
        self._about: dict[tuple[str, ...], About] = {}

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return self._says

    def __len__(self) -> int:
        return len(self._kept)

    def verdict(self, call: Call, own: Mapping[str, Any]) -> Verdict:
        """Of a call. `own`: what its protocol tells of it (`core.ports.Telling`)."""
        return self._seen_by(call).verdict(own)

    def told(self, call: Call, own: Mapping[str, Any]) -> list[Told]:
        """What each rule says of a call, for people. Where something is not decided yet: of its first choice."""
        shown = show(self.rules.needs, {**common(self.base, call), **own})
        return self.rules.tell(self.concerning(own).rules, shown, open_things(own))

    def of(self, call: Call) -> SeenPort | None:
        """The `Sight` port."""
        return self._seen_by(call) if self._says else None

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

    def concerning(self, own: Mapping[str, Any]) -> About:
        """The rules that have something to say, and what they want to know; the same objects for equal calls."""
        key = tuple(own)
        found = self._about.get(key)
        if found is None:
            rules = self.rules.concerning(own)
            writes = [at for at, rule in enumerate(rules) if rule.program.mentions(CALLERS_WORDS)]
            others = [at for at in range(len(rules)) if at not in writes]
            parts = tuple(_part(rules, places, own) for places in (others, writes) if places)
            found = self._about[key] = About(rules, _part(rules, range(len(rules)), own).needs, parts)
        return found

    def kept(self, key: Look) -> Saying | None:
        """What was said of what looked so to the rules."""
        return self._kept.get(key)

    def keep(self, key: Look, saying: Saying) -> None:
        self._kept[key] = saying
        if len(self._kept) > MAX_VERDICTS:
            self._kept.popitem(last=False)


def _part(rules: tuple[Rule, ...], places: Iterable[int], own: Mapping[str, Any]) -> Part:
    chosen = tuple(places)
    needs = Needs.of(path for at in chosen for path in rules[at].program.paths).tree
    told = {name: below for name, below in needs.items() if name in PROTOCOLS and name in own}
    return Part(tuple(rules[at] for at in chosen), told, chosen)


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
        about = self._judge.concerning(own)
        unknown = unknown or open_things(own)
        verdict = ALLOWED
        for each in _alternatives(about.needs, own) if about.rules else ():
            verdict = self._on(about, each, unknown)
            if not verdict.allowed:
                break
        return verdict

    def _on(self, about: About, own: Mapping[str, Any], unknown: tuple[Path, ...]) -> Verdict:
        sayings = [self._said(part, show(part.needs, own), unknown) for part in about.parts]
        if len(sayings) == 1:
            return sayings[0].verdict
        told = {
            place: each
            for part, saying in zip(about.parts, sayings, strict=True)
            for place, each in zip(part.places, saying.told, strict=True)
        }
        return decide([told[place] for place in range(len(told))])

    def _said(self, part: Part, shown: Shown, unknown: tuple[Path, ...]) -> Saying:
        judge = self._judge
        values = _encode(shown.values)
        if shown.hidden or self._shown.hidden or len(values) > MAX_KEY:
            return self._asked(part, shown, unknown)
        key = id(part), self.key, values, unknown
        found = judge.kept(key)
        if found is None:
            found = self._asked(part, shown, unknown)
            judge.keep(key, found)
        return found

    def _asked(self, part: Part, shown: Shown, unknown: tuple[Path, ...]) -> Saying:
        if self._context is None:
            self._context = self._judge.rules.context(self._shown.values)
        of_both = Shown(shown.values, self._shown.hidden + shown.hidden)
        told = self._judge.rules.tell(part.rules, of_both, unknown, self._context)
        return Saying(told, decide(told))


def _alternatives(needs: Tree, own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is not decided yet must be allowed whatever is decided."""
    found: list[Mapping[str, Any]] = [own]
    for protocol, needed in needs.items():
        members = own[protocol]
        for name in needed or members:
            choices = members.get(name)
            if choices.__class__ is OneOf and len(choices) > 1:
                found = [{**each, protocol: {**each[protocol], name: one}} for each in found for one in choices]
    return found


async def _nothing() -> bytes:
    return b""


def open_things(own: Mapping[str, Any]) -> tuple[Path, ...]:
    """What a call is not about, if it is about no thing at all: what comes after it will be, and is judged then."""
    for protocol, members in own.items():
        if not _THINGS.get(protocol, _NONE).isdisjoint(members):
            return ()
    return _all_open(tuple(own))


@lru_cache(64)
def _all_open(protocols: tuple[str, ...]) -> tuple[Path, ...]:
    return tuple(path for path in THINGS if path[0] in protocols)
