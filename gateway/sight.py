"""Who may know of what, by the manifest of the moment: the `Sight` that the endpoints are given once.

What an endpoint keeps for one kind of caller it keeps under that kind's key; so the keys of two manifests differ, or
a caller would go on seeing what it may not know of any more. Above: `app.py`, the endpoints. Below: `access/judge.py`.
"""

from ..access.judge import Judge
from ..core.call import Call, Principal
from ..core.ports import Seen


class _Of:
    """What somebody may know of by the manifest of this number."""

    def __init__(self, seen: Seen, number: int) -> None:
        self.key = b"%d " % number + seen.key
        self.sees = seen.sees


class CurrentSight:
    """The port."""

    def __init__(self, judge: Judge) -> None:
        self._judge = judge
        self._number = 0

    def swap(self, judge: Judge) -> None:
        """From now on this one says."""
        self._judge = judge
        self._number += 1

    def of(self, call: Call) -> Seen | None:
        return self._marked(self._judge.of(call))

    def by(self, protocol: str, principal: Principal) -> Seen | None:
        return self._marked(self._judge.by(protocol, principal))

    def _marked(self, seen: Seen | None) -> Seen | None:
        return seen if seen is None or not self._number else _Of(seen, self._number)
