"""The last requests, each with its story: stages and when they were entered, what was decided, who was asked, the end.

Kept are values that are small and hold no credential: no head, no body. The oldest goes first. Above: the
administration; `gateway/observe.py` tells of every operation that ends. Below: `Record`, `Trail`.
"""

from collections import deque
from typing import Any

import msgspec

from ..core.call import Record
from ..core.trail import Hop, Trail
from .lines import Ended, session_mark
from .spans import MARKED
from .spelling import bound


class Asked(msgspec.Struct, frozen=True):
    """One request to an upstream. Milliseconds since the operation began."""

    upstream: str
    kind: str
    what: str
    at_ms: float
    took_ms: float
    error: str


class Passed(msgspec.Struct, frozen=True):
    """One stage. `took_ms`: until the next one was entered; of the last, until the end."""

    stage: str
    at_ms: float
    took_ms: float


class Story(msgspec.Struct, frozen=True):
    """One operation, from its beginning to its end."""

    id: str
    when: float
    """Seconds since the epoch, at the end."""
    protocol: str
    operation: str
    route: str
    target: str
    endpoint: str
    user: str
    status: int
    error: str
    duration_ms: float
    overhead_ms: float
    stages: list[Passed]
    decisions: list[str]
    upstreams: list[Asked]
    fields: dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    """What is taken at the end of an operation: references, so that it costs next to nothing."""

    id: str
    started: float
    when: float
    protocol: str
    operation: str
    route: str
    target: str
    endpoint: str
    user: str
    status: int
    error: str
    seconds: float
    overhead: float
    fields: dict[str, Any]
    trail: Trail | None


class Stories:
    """A watcher of `observe`. `keep`: how many; `plain_ids`: ids of conversations are shown as they are."""

    def __init__(self, keep: int, *, plain_ids: bool = False) -> None:
        self._plain_ids = plain_ids
        self._kept: deque[Kept] = deque(maxlen=keep)

    def __len__(self) -> int:
        return len(self._kept)

    def began(self, record: Record) -> None:
        """Of no interest before its end."""

    def ended(self, ended: Ended) -> None:
        record = ended.record
        self._kept.append(
            Kept(
                record.request.id,
                record.started,
                ended.when,
                record.protocol,
                ended.operation,
                record.route,
                record.target,
                record.endpoint,
                record.principal.id,
                ended.status,
                record.error,
                ended.seconds,
                ended.overhead,
                record.fields,
                record.trail,
            )
        )

    def find(self, id_: str) -> list[Story]:
        """All operations of the request, in the order in which they ended: a batch has several."""
        return [self._told(each) for each in self._kept if each.id == id_]

    def _told(self, kept: Kept) -> Story:
        steps = kept.trail.steps if kept.trail is not None else []
        hops = kept.trail.hops if kept.trail is not None else []
        over = kept.started + kept.seconds
        leaves = [when for _, when in steps[1:]] + [over]
        return Story(
            id=kept.id,
            when=round(kept.when, 3),
            protocol=kept.protocol,
            operation=kept.operation,
            route=bound(kept.route),
            target=bound(kept.target),
            endpoint=bound(kept.endpoint),
            user=kept.user,
            status=kept.status,
            error=bound(kept.error),
            duration_ms=_ms(kept.seconds),
            overhead_ms=_ms(kept.overhead),
            stages=[
                Passed(name, _ms(when - kept.started), _ms(leave - when))
                for (name, when), leave in zip(steps, leaves, strict=True)
            ]
            if steps
            else [],
            decisions=kept.trail.told if kept.trail is not None else [],
            upstreams=[_asked(each, kept.started, over) for each in hops],
            fields={key: self._shown(key, each) for key, each in kept.fields.items()},
        )

    def _shown(self, key: str, value: Any) -> Any:
        if key in MARKED and not self._plain_ids:
            return session_mark(str(value))
        return bound(value) if isinstance(value, str) else value


def _asked(hop: Hop, started: float, over: float) -> Asked:
    end = over if hop.ended is None else hop.ended
    return Asked(hop.upstream, hop.kind, bound(hop.name), _ms(hop.started - started), _ms(end - hop.started), hop.error)


def _ms(seconds: float) -> float:
    return round(seconds * 1000.0, 3)
