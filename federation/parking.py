"""Calls of modern clients to legacy servers that wait for an answer of their client.

A legacy server asks in the middle of a call; a modern client can only be asked at the
end of a response. So the call is parked: its response ends with `input_required` and a
sealed state, the call itself stays open towards the server, and the client's next
request brings the answers and takes the call up again (2026-07-28, multi-round requests).
"""

import asyncio
import secrets
from collections import Counter
from dataclasses import dataclass, field

from ..core import jsonrpc
from ..core.errors import RpcError
from ..core.rawjson import Raw, encode, sub
from .exchange import Exchange
from .inbound import Inbound
from .messages import Answer
from .questions import answerable
from .sealing import Seal, State
from .wire import refuse

PATIENCE = 300.0
"""Seconds that a parked call waits for its client."""
PER_OWNER = 32
TOTAL = 4096


@dataclass
class _Question:
    method: str
    params: bytes
    answer: "asyncio.Future[Answer]"


@dataclass
class Parked:
    """A call that waits: which round it is in, and what it wants to know."""

    exchange: Exchange
    owner: str
    inbound: Inbound
    ticket: str = ""
    """Good for the next round only."""
    questions: dict[str, _Question] = field(default_factory=dict)
    asked: int = 0


class Parking:
    """All calls of modern clients, of which a few are parked."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal
        self._calls: dict[Exchange, Parked] = {}
        self._tickets: dict[str, Parked] = {}
        self._owners: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._tickets)

    def admit(self, exchange: Exchange, owner: str, inbound: Inbound) -> None:
        """A call begins that may have to be parked."""
        self._calls[exchange] = Parked(exchange, owner, inbound)

    def done(self, exchange: Exchange) -> None:
        """The call has ended. If it ended while parked, its answer is kept until the client comes, for a while."""
        parked = self._calls.pop(exchange, None)
        if parked is None:
            return
        if exchange.parked and parked.ticket:
            asyncio.get_running_loop().call_later(PATIENCE, self._withdraw, parked, parked.ticket)
        else:
            self._withdraw(parked, parked.ticket)

    async def ask(self, exchange: Exchange, method: str, params: bytes) -> Answer:
        """Put a server's question to the client: park the call, and wait for the round that answers it."""
        parked = self._calls[exchange]
        if not answerable(method, exchange.client.capabilities):
            return refuse(method, "the client did not declare it")
        if not parked.ticket and (self._owners[parked.owner] >= PER_OWNER or len(self) >= TOTAL):
            return refuse(method, "too many calls wait for their clients")
        parked.asked += 1
        key = f"q{parked.asked}"
        question = _Question(method, params, asyncio.get_running_loop().create_future())
        parked.questions[key] = question
        if not exchange.parked:
            self._park(parked)
        try:
            async with asyncio.timeout(PATIENCE):
                return await question.answer
        except TimeoutError:
            exchange.cancel()
            return refuse(method, f"the client did not come back within {PATIENCE:g} s")
        finally:
            parked.questions.pop(key, None)

    def _park(self, parked: Parked) -> None:
        self._withdraw(parked, parked.ticket)
        parked.ticket = secrets.token_urlsafe(16)
        self._tickets[parked.ticket] = parked
        self._owners[parked.owner] += 1
        requests = {key: _request(question) for key, question in parked.questions.items()}
        state = self._seal.close("parked", parked.owner, parked.inbound, parked.ticket)
        result = {"resultType": "input_required", "inputRequests": requests, "requestState": state}
        parked.exchange.park(encode(result))

    def _withdraw(self, parked: Parked, ticket: str) -> None:
        """The ticket is good no more. A later one of the same call stays."""
        if not ticket or parked.ticket != ticket:
            return
        self._tickets.pop(ticket, None)
        parked.ticket = ""
        self._owners[parked.owner] -= 1
        if not self._owners[parked.owner]:
            del self._owners[parked.owner]

    def resume(self, state: State, inbound: Inbound) -> Exchange:
        """The client came back: hand over its answers. Questions left open are asked again at once."""
        parked = self._tickets.get(state.body)
        if parked is None:
            raise RpcError(jsonrpc.INVALID_PARAMS, "requestState is not valid for this request", status=400)
        self._withdraw(parked, parked.ticket)
        parked.exchange.resume(inbound.message.id)
        answers = sub(inbound.params, "inputResponses")
        for key, question in list(parked.questions.items()):
            if key in answers and not question.answer.done():
                question.answer.set_result(Answer(result=bytes(answers[key])))
                del parked.questions[key]
        if parked.questions:
            self._park(parked)
        return parked.exchange


def _request(question: _Question) -> dict[str, object]:
    if not question.params:
        return {"method": question.method}
    return {"method": question.method, "params": Raw(question.params)}
