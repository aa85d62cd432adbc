"""Conversations with models in the session table: which target serves one, what it has cost; who made a response.

A record belongs to its caller and to the route that was asked for. It is made when a target answers, and says where
the conversation stands: the target, per route that rules may lead to. Responses that a provider keeps have records
of their own, so that what goes on from one reaches who made it, and nobody goes on from a stranger's. Above:
`routing`. Below: `affinity`, the session table.
"""

from typing import NamedTuple

from ..core.call import Call
from ..core.errors import BadRequest, Overloaded
from ..sessions.table import Rule, SessionTable
from . import affinity
from .facts import Facts
from .neutral import Usage
from .values import Target

SHELF = "llm.conversation"
RESPONSES = "llm.response"
IDLE = 3600.0
"""Seconds that a conversation is remembered: longer than any provider keeps its prompt."""
CONVERSATIONS = 50_000
RESPONSE_IDLE = 30 * 86_400.0
"""Seconds that a response is remembered: as long as its provider keeps it."""
MAX_RESPONSES = 50_000
SINCE = "since"
"""Of a record's data: when it came to where it stands, by route."""
LONGEST_ID = 256
"""Characters of a response's id that is remembered."""
UNKNOWN = (
    "previous_response_id names no response that can be gone on from here (somebody else's, one too old, or of a model "
    "that keeps none): send the whole conversation in input instead"
)


_RULES = {
    SHELF: Rule(IDLE, CONVERSATIONS, stored=False),
    RESPONSES: Rule(RESPONSE_IDLE, MAX_RESPONSES),
}


class Maker(NamedTuple):
    """Who made a response, and in which conversation."""

    target: str
    provider: str
    conversation: str


class Bound(NamedTuple):
    """Where a conversation stands: the target's label, empty if nowhere, and seconds since it came there."""

    target: str = ""
    age: float = 0.0


NOWHERE = Bound()


class Conversations:
    """Of all routes."""

    def __init__(self, sessions: SessionTable) -> None:
        self._sessions = sessions
        for shelf, rule in _RULES.items():
            if sessions.rule(shelf) != rule:  # what stands there already stays
                sessions.shelve(shelf, rule)

    def __len__(self) -> int:
        return self._sessions.count(SHELF)

    def maker(self, facts: Facts) -> Maker | None:
        """Who made the response that the request goes on from; None if it goes on from none. Raises `BadRequest`."""
        response = affinity.previous(facts)
        if not response:
            return None
        record = self._sessions.find(RESPONSES, _response(facts.owner, response), facts.owner)
        if record is None:
            raise BadRequest(UNKNOWN)
        data = record.data
        return Maker(str(data.get("target")), str(data.get("provider")), str(data.get("conversation")))

    def name(self, facts: Facts, maker: Maker | None = None) -> str:
        """The conversation of a request; empty if nothing tells it from others."""
        if maker is not None and maker.conversation:
            return maker.conversation
        key = affinity.key_of(facts)
        return affinity.record_id(facts.owner, facts.route.name, key) if key else ""

    def bound(self, name: str, owner: str, route: str) -> Bound:
        """The target that has served the conversation on this route."""
        record = self._sessions.peek(SHELF, name) if name else None
        if record is None or record.owner != owner or route not in record.pins:
            return NOWHERE
        since = record.data.get(SINCE, {}).get(route, 0.0)
        return Bound(record.pins[route], self._sessions.clock.monotonic() - since)

    def kept(self, facts: Facts, name: str, route: str, target: Target) -> None:
        """A target answers: the conversation stands there from now on."""
        if not name:
            return
        try:
            record, _ = self._sessions.claim(SHELF, name, facts.owner, facts.route.name)
        except Overloaded:
            return  # an answer is worth more than its record
        if record.owner != facts.owner:
            return
        record.turns += 1
        label, pins, data = target.label, record.pins, record.data
        if route not in pins or pins[route] != label:
            pins[route] = label
            data.setdefault(SINCE, {})[route] = self._sessions.clock.monotonic()
        data["target"] = label
        facts.call.record.session = name

    def made(self, facts: Facts, name: str, target: Target, response: str) -> None:
        """The target's provider keeps this response: who goes on from it has to go there."""
        if not 0 < len(response) <= LONGEST_ID or not affinity.keeps(facts):
            return
        data = {"target": target.label, "provider": target.provider, "conversation": name}
        try:
            self._sessions.claim(RESPONSES, _response(facts.owner, response), facts.owner, facts.route.name, data)
        except Overloaded:
            return  # who goes on from it is told to send all of it

    def spent(self, call: Call, _target: str, usage: Usage, usd: float | None) -> None:
        """The `Spent` of the ledger: an answer is over. What nobody knows is not added."""
        name = call.record.session
        record = self._sessions.peek(SHELF, name) if name else None
        if record is None or record.owner != call.principal.owner:
            return
        data = record.data
        if usage.input is not None:
            data["input_tokens"] = data.get("input_tokens", 0) + usage.input
        if usage.output is not None:
            data["output_tokens"] = data.get("output_tokens", 0) + usage.output
        if usd is not None:
            data["cost_usd"] = data.get("cost_usd", 0.0) + usd


def _response(owner: str, response: str) -> str:
    return affinity.record_id(owner, RESPONSES, response)
