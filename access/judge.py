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
from .rules import ALLOWED, THINGS, Rule, Rules, Told, Verdict
from .variables import Path, Shown, common, show

MAX_VERDICTS = 8192
"""Verdicts that are kept."""
MAX_KEY = 1024
"""Bytes of what the rules have seen, up to which a verdict is kept."""

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
        self._members = members
        self._kept: OrderedDict[bytes, Verdict] = OrderedDict()
        self._about: dict[tuple[str, bool], tuple[Rule, ...]] = {}

    def __bool__(self) -> bool:
        """Whether anything is said at all."""
        return bool(len(self.rules) or len(self._members))

    def __len__(self) -> int:
        return len(self._kept)

    def verdict(self, call: Call, own: Mapping[str, Any]) -> Verdict:
        """Of a call. `own`: what its protocol tells of it (`core.ports.Telling`)."""
        return self.seen(call.principal, Shown(common(self.rules.needs, call)), own)

    def seen(
        self, principal: Principal, base: Shown, own: Mapping[str, Any], unknown: tuple[Path, ...] = ()
    ) -> Verdict:
        """The same for what is known of a caller (`base`), and with what is not said yet (`unknown`)."""
        missing = self._members.missing(principal, own)
        if missing:
            return Verdict(False, None, _NOT_A_MEMBER.format(missing))
        rules = self._concerning(own, thing=bool(unknown) or is_about_a_thing(own))
        verdict = ALLOWED
        for each in self._alternatives(own) if rules else ():
            shown = show(self.rules.needs, {**base.values, **each})
            verdict = self._kept_verdict(rules, Shown(shown.values, base.hidden + shown.hidden), unknown)
            if not verdict.allowed:
                break
        return verdict

    def _kept_verdict(self, rules: tuple[Rule, ...], shown: Shown, unknown: tuple[Path, ...]) -> Verdict:
        key = b"%d %b" % (id(rules), _encode((shown.values, unknown)))
        if shown.hidden or len(key) > MAX_KEY:
            return self.rules.judge(rules, shown, unknown)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = self.rules.judge(rules, shown, unknown)
            if len(self._kept) > MAX_VERDICTS:
                self._kept.popitem(last=False)
        return found

    def _concerning(self, own: Mapping[str, Any], *, thing: bool) -> tuple[Rule, ...]:
        """Kept, so that equal calls have the same rules."""
        key = (",".join(own), thing)
        rules = self._about.get(key)
        if rules is None:
            rules = self._about[key] = self.rules.concerning(own, thing=thing)
        return rules

    def _alternatives(self, own: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """What is not decided yet must be allowed whatever is decided."""
        found: list[Mapping[str, Any]] = [own]
        for protocol, members in own.items():
            needed = self.rules.needs.get(protocol)
            if needed is None:
                continue
            for name, choices in members.items():
                if isinstance(choices, OneOf) and len(choices) > 1 and (not needed or name in needed):
                    found = [{**each, protocol: {**each[protocol], name: one}} for each in found for one in choices]
        return found

    def told(self, call: Call, own: Mapping[str, Any]) -> list[Told]:
        """What each rule says of a call, for people. Where something is not decided yet: of its first choice."""
        rules = self._concerning(own, thing=is_about_a_thing(own))
        return self.rules.tell(rules, show(self.rules.needs, {**common(self.rules.needs, call), **own}))

    def mark(self, principal: Principal) -> list[str]:
        """What of a caller's groups the plain fields mention."""
        return self._members.mark(principal)

    def of(self, call: Call) -> SeenPort | None:
        """The `Sight` port."""
        return Seen(self, call) if self else None

    def by(self, protocol: str, principal: Principal) -> SeenPort | None:
        """The `Sight` port."""
        request = Request("", "GET", "", b"", {}, "", "", "", _nothing)
        return self.of(Call(protocol, request, Record(request, protocol, 0.0), principal=principal))


class Seen:
    """What one caller may know of, from where and how it calls. Keeps what rules see of the call, not the call."""

    def __init__(self, judge: Judge, call: Call) -> None:
        self._judge = judge
        needs = judge.rules.needs
        base = common(needs, call)
        shown = show({name: needs[name] for name in base}, base)
        self._principal = call.principal
        self._shown = shown
        seen = _encode((call.protocol, shown.values, shown.hidden, judge.mark(call.principal)))
        self.key = seen if len(seen) <= 64 else hashlib.sha256(seen).digest()

    def sees(self, facts: Mapping[str, Any], unknown: tuple[str, ...] = ()) -> bool:
        paths = tuple(tuple(each.split(".")) for each in unknown)
        return self._judge.seen(self._principal, self._shown, facts, paths).allowed


async def _nothing() -> bytes:
    return b""


def is_about_a_thing(own: Mapping[str, Any]) -> bool:
    return any(path[1] in own.get(path[0], ()) for path in THINGS)
