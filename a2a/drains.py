"""Which instances are to get no new conversations, kept in the session table: where that has a store, a restart of the
gateway does not send new conversations to an instance that is being emptied.

A record says yes or no and is never ended here: it is no session, and its end is none. Above: `agents.py`. Below: the
session table.
"""

import logging

from ..core.errors import Overloaded
from ..sessions.table import Rule, SessionTable

log = logging.getLogger("fedgate.a2a.agent")

SHELF = "a2a.drained"
RULE = Rule(idle=365 * 86_400.0, limit=10_000)
"""Used again at every start of the gateway."""
_OWNER = "gateway:"


class Drains:
    """By `Instance.key`: another address under the same name is another instance."""

    def __init__(self, sessions: SessionTable) -> None:
        self._sessions = sessions
        sessions.shelve(SHELF, RULE)

    def __contains__(self, key: str) -> bool:
        record = self._sessions.find(SHELF, key, _OWNER)
        return record is not None and record.data.get("on") is True

    def put(self, key: str, on: bool) -> None:
        """Where it cannot be written down it holds until the gateway ends."""
        if not on and self._sessions.peek(SHELF, key) is None:
            return
        try:
            record, _ = self._sessions.claim(SHELF, key, _OWNER, key)
        except Overloaded as error:
            log.warning("that %s is drained is not kept across a restart: %s", key.partition("@")[0], error.message)
            return
        record.data = {"on": on}
        self._sessions.changed(record)

    def all(self) -> list[str]:
        """Of those that are drained."""
        return [each.view for each in self._sessions.all(SHELF) if each.shelf == SHELF and each.data.get("on") is True]
