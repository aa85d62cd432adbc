"""A fake A2A agent with a memory of its own: what it answers to one HTTP request. No socket.

Protocol 1.0 in JSON-RPC and HTTP+JSON. It counts the turns of each conversation and says the number,
so that an answer of another replica, or of a stranger's conversation, is seen to be wrong.
Above: `upstream.py`. Below: `streams.py`, `wire.py`.
"""

import json
import secrets

import msgspec

from bench.chat import SENTENCE
from bench.streams import Flow, Wish, mark, wish_in
from bench.wire import STREAM_END, STREAM_HEAD, chunk, response

REPLY_SIZE = 1200
EVENT_SIZE = 300
MAX_CONVERSATIONS = 1_000_000
CARD = b"/.well-known/agent-card.json"
REST = b"/message:send"
_PADDING = SENTENCE * (REPLY_SIZE // len(SENTENCE) + 1)


class Message(msgspec.Struct):
    message_id: str = msgspec.field(name="messageId", default="")
    context_id: str = msgspec.field(name="contextId", default="")


class Params(msgspec.Struct):
    message: Message


class Rpc(msgspec.Struct):
    """A JSON-RPC request, as far as an answer needs it."""

    id: msgspec.Raw
    method: str
    params: Params


read_rpc = msgspec.json.Decoder(Rpc).decode
read_params = msgspec.json.Decoder(Params).decode


class Replica:
    """One process of an agent, as it were. `url`: its base, for the card."""

    def __init__(self, name: str, url: str) -> None:
        self._name = name
        self._card = response(200, json.dumps(card(name, url)).encode())
        self._turns: dict[str, int] = {}
        self._tasks = 0

    def answer(self, rest: bytes, body: bytes) -> bytes | Flow:
        """The response to a request at the path `rest` below its base."""
        if rest == CARD:
            return self._card
        try:
            if rest == REST:
                return response(200, self._message(read_params(body).message, wish_in(body)))
            asked = read_rpc(body)
        except msgspec.MsgspecError:
            return response(400)
        wish = wish_in(body)
        if asked.method == "SendStreamingMessage":
            return self._stream(asked, wish)
        if asked.method != "SendMessage":
            return response(501)
        return response(200, _result(asked.id, self._message(asked.params.message, wish)))

    def _turn(self, context: str) -> int:
        turn = self._turns.get(context, 0) + 1
        if len(self._turns) < MAX_CONVERSATIONS or turn > 1:
            self._turns[context] = turn
        return turn

    def _message(self, message: Message, wish: Wish) -> bytes:
        context = message.context_id or secrets.token_hex(16)
        text = f"turn {self._turn(context)} at {self._name} {wish.word}: "
        if wish.kind == "task":
            return _task(self._new_task(), context, text)
        ids = f'"messageId":"{message.message_id}-r","contextId":"{context}"'
        return _padded('{"message":{%s,"role":"ROLE_AGENT","parts":[{"text":"%s"}]}}', ids, text)

    def _new_task(self) -> str:
        self._tasks += 1
        return f"{self._name}-task-{self._tasks}"

    def _stream(self, asked: Rpc, wish: Wish) -> Flow:
        """A task, updates of its artifact, and its end: as many events as were wished for."""
        context = asked.params.message.context_id or secrets.token_hex(16)
        task, turn = self._new_task(), self._turn(context)
        ids = f'"taskId":"{task}","contextId":"{context}"'
        padding = _PADDING[: EVENT_SIZE - 200]

        def piece(number: int) -> bytes:
            said = f'"metadata":{{"mark":"{mark(wish.word, number)}","turn":{turn},"by":"{self._name}"}}'
            if number == 0:
                state = '"status":{"state":"TASK_STATE_WORKING"}'
                result = f'{{"task":{{"id":"{task}","contextId":"{context}",{state},{said}}}}}'
            elif number == wish.events - 1:
                result = f'{{"statusUpdate":{{{ids},"status":{{"state":"TASK_STATE_COMPLETED"}},{said}}}}}'
            else:
                artifact = f'"artifact":{{"artifactId":"a","parts":[{{"text":"{padding}"}}]}},"append":true'
                result = f'{{"artifactUpdate":{{{ids},{artifact},{said}}}}}'
            return chunk(b"data: %s\n\n" % _result(asked.id, result.encode()))

        return Flow(STREAM_HEAD, piece, wish.events, wish.gap / 1000, STREAM_END)


def card(name: str, url: str) -> dict[str, object]:
    """What the agent says of itself."""
    bindings = [(url, "JSONRPC"), (url, "HTTP+JSON")]
    return {
        "name": name,
        "description": "Counts the turns of each conversation.",
        "version": "1",
        "capabilities": {"streaming": True},
        "defaultInputModes": ["text/plain"],
        "defaultOutputModes": ["text/plain"],
        "skills": [{"id": "count", "name": "count", "description": "Counts.", "tags": ["bench"]}],
        "supportedInterfaces": [
            {"url": place, "protocolBinding": binding, "protocolVersion": "1.0"} for place, binding in bindings
        ],
    }


def _result(ident: msgspec.Raw, result: bytes) -> bytes:
    return b'{"jsonrpc":"2.0","id":%s,"result":%s}' % (ident, result)


def _task(task: str, context: str, text: str) -> bytes:
    """A task that is done at once."""
    status = '"status":{"state":"TASK_STATE_COMPLETED"}'
    ids = f'"id":"{task}","contextId":"{context}",{status}'
    return _padded('{"task":{%s,"artifacts":[{"artifactId":"a","parts":[{"text":"%s"}]}]}}', ids, text)


def _padded(shape: str, ids: str, text: str) -> bytes:
    room = max(0, REPLY_SIZE - len(shape) - len(ids) - len(text) - 40)  # 40: about what the envelope takes
    return (shape % (ids, text + _PADDING[:room])).encode()
