"""One conversation with an agent: frames its requests in three speeches, and checks every answer.

Only an answer that is right counts: the request's id, the conversation's id, the word that was sent,
and the number of the turn, which only the replica that has heard all the others knows.
Above: `a2a_load.py`. Below: `http_client.py`, `streams.py`.
"""

from dataclasses import dataclass, field

import msgspec

from bench.chat import SENTENCE
from bench.http_client import Connection, Reply, Wrong
from bench.streams import Listener, Wish

REQUEST_SIZE = 1900
PATH = "/a2a/bench"
_PADDING = SENTENCE * (REQUEST_SIZE // len(SENTENCE) + 1)
_METHODS = {"jsonrpc": "SendMessage", "legacy": "message/send", "stream": "SendStreamingMessage"}


class Part(msgspec.Struct):
    text: str = ""


class Artifact(msgspec.Struct):
    parts: list[Part] = []


class Metadata(msgspec.Struct):
    mark: str = ""
    turn: int = 0
    by: str = ""


class Item(msgspec.Struct):
    """A message, a task or an update."""

    context: str = msgspec.field(name="contextId", default="")
    parts: list[Part] = []
    artifacts: list[Artifact] = []
    metadata: Metadata = msgspec.field(default_factory=Metadata)


class Result(Item):
    """A wrapped item, or (0.3) the item itself."""

    message: Item | None = None
    task: Item | None = None
    status_update: Item | None = msgspec.field(name="statusUpdate", default=None)
    artifact_update: Item | None = msgspec.field(name="artifactUpdate", default=None)

    def item(self) -> Item:
        return self.message or self.task or self.artifact_update or self.status_update or self


class Envelope(msgspec.Struct):
    id: int = -1
    result: Result | None = None
    error: msgspec.Raw = msgspec.Raw(b"")


read_envelope = msgspec.json.Decoder(Envelope).decode
read_result = msgspec.json.Decoder(Result).decode


@dataclass(frozen=True)
class Framing:
    """How requests look on the wire. `speech`: `jsonrpc`, `rest` (both 1.0), `legacy` (JSON-RPC of 0.3)."""

    host: str
    key: str
    speech: str = "jsonrpc"

    def post(self, ident: int, context: str, wish: Wish, *, stream: bool = False) -> bytes:
        """A framed message of 1.9 kB; its own id is the word of the wish."""
        legacy = self.speech == "legacy"
        role, kind = ("user", '"kind":"text",') if legacy else ("ROLE_USER", "")
        start = ('"kind":"message",' if legacy else "") + (f'"contextId":"{context}",' if context else "")
        start += f'"messageId":"m-{wish.word}","role":"{role}","parts":[{{{kind}"text":"{wish} '
        if self.speech == "rest":
            before, after = '{"message":{', '"}]}}'
        else:
            method = _METHODS["stream" if stream else self.speech]
            before = f'{{"jsonrpc":"2.0","id":{ident},"method":"{method}","params":{{"message":{{'
            after = '"}]}}}'
        room = max(0, REQUEST_SIZE - len(before) - len(start) - len(after))
        return self._head() + f"{before}{start}{_PADDING[:room]}{after}".encode()

    def _head(self) -> bytes:
        path = f"{PATH}/message:send" if self.speech == "rest" else PATH
        lines = (
            f"POST {path} HTTP/1.1",
            f"Host: {self.host}",
            f"Authorization: Bearer {self.key}",
            f"A2A-Version: {'0.3' if self.speech == 'legacy' else '1.0'}",
            "Content-Type: application/json",
            f"Content-Length: {REQUEST_SIZE}",
        )
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass
class Conversation:
    """Its methods raise `Wrong` on an answer that is not right."""

    framing: Framing
    context: str = ""
    turns: int = 0
    replica: str = ""
    _ident: int = field(default=0)

    async def send(self, connection: Connection, word: str, kind: str = "plain") -> None:
        """One turn. The first one learns the conversation's id, unless it has one, and the replica's name."""
        self._ident += 1
        reply = await connection.send(self.framing.post(self._ident, self.context, Wish(word, kind)))
        item = self._item(reply)
        parts = item.parts or [part for artifact in item.artifacts for part in artifact.parts]
        said = parts[0].text if parts else ""
        start, _, _ = said.partition(":")
        self._check(item.context, start)
        if start != f"turn {self.turns} at {self.replica} {word}":
            raise Wrong(f"turn {self.turns} of {self.context} was answered with {start!r}, not by {self.replica}")

    def _check(self, context: str, start: str) -> None:
        self.turns += 1
        self.context = self.context or context
        self.replica = self.replica or (start.split(" ") + [""] * 4)[3]
        if not context or context != self.context:
            raise Wrong(f"an answer of {context!r} came to {self.context!r}")

    def _item(self, reply: Reply) -> Item:
        if reply.status != 200:
            raise Wrong(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
        try:
            if self.framing.speech == "rest":
                return read_result(reply.body).item()
            answer = read_envelope(reply.body)
        except msgspec.MsgspecError as error:
            raise Wrong(f"not an answer of A2A: {error}") from error
        if answer.id != self._ident or answer.result is None:
            raise Wrong(f"request {self._ident} was answered with {reply.body[:200]!r}")
        return answer.result.item()

    async def stream(self, connection: Connection, wish: Wish) -> list[float]:
        """One turn whose answer is a stream; gives the lag of every event."""
        self._ident += 1
        turn = self.turns + 1

        def read(data: bytes) -> str:
            answer = read_envelope(data)
            item = Item() if answer.result is None else answer.result.item()
            self.context = self.context or item.context
            self.replica = self.replica or item.metadata.by
            mine = (self._ident, self.context, turn, self.replica)
            if (answer.id, item.context, item.metadata.turn, item.metadata.by) != mine:
                raise Wrong(f"an event that belongs to another turn than {mine}")
            return item.metadata.mark

        listener = Listener(wish.word, wish.events, read)
        request = self.framing.post(self._ident, self.context, wish, stream=True)
        reply = await connection.send(request, sink=listener.take)
        self.turns = turn
        if reply.status != 200:
            raise Wrong(f"HTTP {reply.status}: {reply.body[:200].decode(errors='replace')}")
        listener.check()
        return listener.lags
