"""Calls of modern clients: stateless requests, of which some come back for another round.

A round carries a sealed state. Either it wakes a call that is parked here, or it is the
wrapped state of a modern server, which gets its own back.
"""

import hashlib

from ..core.call import Call, replace
from ..core.errors import RpcError
from ..core.jsonrpc import INTERNAL_ERROR
from ..core.rawjson import Fields, encode, fields, raw, text
from .bind import owner_of
from .exchange import Exchange
from .inbound import Inbound
from .messages import Answer, Client
from .parking import Parking
from .rounds import needs_input
from .sealing import Seal
from .stream import EventStream
from .task_ids import TaskIds, is_task

STATE = "requestState"


class ModernCalls:
    """Begins and ends exchanges of modern clients."""

    def __init__(self, seal: Seal, tasks: TaskIds) -> None:
        self.parking = Parking(seal)
        self._seal = seal
        self._tasks = tasks

    def begin(self, call: Call, inbound: Inbound) -> tuple[Exchange, Inbound | None]:
        """The exchange for this request, and the request to send on; `None` if it only wakes a parked call."""
        owner = owner_of(call)
        sealed = text(inbound.params.get(STATE))
        if sealed is not None:
            state = self._seal.open(sealed, owner, inbound)
            if state.kind == "parked":
                return self.parking.resume(state, inbound), None
            inbound = replace(inbound, params={**inbound.params, STATE: raw(state.body)})
        exchange = Exchange(inbound.message.id, "modern", _client(owner, inbound.client), EventStream, self.parking.ask)
        self.parking.admit(exchange, owner, inbound)
        return exchange, inbound

    def finished(self, answer: Answer, call: Call, inbound: Inbound) -> Answer:
        """A server's answer with what only its owner may use: ids of tasks, and states of open rounds."""
        if inbound.route is not None and is_task(inbound.message.method or "", answer.result):
            return Answer(self._tasks.map_result(owner_of(call), inbound.route.server, answer.result))
        return self._sealed(answer, call, inbound) if needs_input(answer) else answer

    def _sealed(self, answer: Answer, call: Call, inbound: Inbound) -> Answer:
        """`input_required` with its state wrapped, so that nobody can play it elsewhere."""
        result: Fields = fields(answer.result)
        if STATE not in result:
            return answer
        state = text(result[STATE])
        if state is None:
            raise RpcError(INTERNAL_ERROR, "the server gave a requestState that is no string")
        wrapped = self._seal.close("relayed", owner_of(call), inbound, state)
        return Answer(result=encode({**result, STATE: raw(wrapped)}))


def _client(owner: str, client: Client) -> Client:
    """Clients of this era have no session; the caller and what it declares tell them apart."""
    mark = hashlib.blake2b(bytes(client.capabilities), digest_size=8).hexdigest()
    return Client(f"{owner}:{mark}", client.capabilities, client.info, client.log_level)
