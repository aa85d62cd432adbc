"""What an agent says in one turn, gathered from answers and events of 1.0: ids, state, artifacts, messages. Pure.

Artifacts come whole or piece by piece; the last message stands for the state that it came with. What is
gathered has one limit for all. Above: `door.py`. Below: the values of `core.conversation`.
"""

from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from ..core.conversation import INTERRUPTED, TERMINAL, Heard, Outcome, Piece
from ..core.errors import UpstreamInvalid
from ..core.rawjson import EMPTY, Raw, detach, well_formed

WAITS = {"input-required": "What should I tell the agent?", "auth-required": "The agent needs an authorization."}
"""What is asked where the agent does not say it itself."""

_STATES = ("submitted", "working", "completed", "failed", "canceled", "input-required", "rejected", "auth-required")
Shape = TypeVar("Shape")


class _Part(msgspec.Struct):
    text: str | None = None
    data: Raw = EMPTY
    raw: str | None = None
    url: str | None = None
    filename: str | None = None
    mediaType: str | None = None  # noqa: N815
    media_type: str | None = None


class _Message(msgspec.Struct):
    role: str | int | None = None
    parts: list[_Part] | None = None
    contextId: str | None = None  # noqa: N815
    context_id: str | None = None


class _Status(msgspec.Struct):
    state: str | int | None = None
    message: _Message | None = None


class _Artifact(msgspec.Struct):
    artifactId: str | None = None  # noqa: N815
    artifact_id: str | None = None
    parts: list[_Part] | None = None


class _Task(msgspec.Struct):
    id: str | None = None
    contextId: str | None = None  # noqa: N815
    context_id: str | None = None
    status: _Status | None = None
    artifacts: list[_Artifact] | None = None
    history: list[_Message] | None = None


class _Update(msgspec.Struct):
    taskId: str | None = None  # noqa: N815
    task_id: str | None = None
    contextId: str | None = None  # noqa: N815
    context_id: str | None = None
    status: _Status | None = None
    artifact: _Artifact | None = None
    append: bool | None = None


class _Result(msgspec.Struct):
    task: _Task | None = None
    message: _Message | None = None
    statusUpdate: _Update | None = None  # noqa: N815
    status_update: _Update | None = None
    artifactUpdate: _Update | None = None  # noqa: N815
    artifact_update: _Update | None = None


class _Artifacts:
    """In the order of their first pieces; what is appended to text goes on with it."""

    def __init__(self) -> None:
        self._found: dict[str, list[tuple[bool, Piece]]] = {}

    def add(self, artifact: _Artifact, *, append: bool) -> None:
        key = artifact.artifactId or artifact.artifact_id or ""
        there = self._found.setdefault(key, [])
        if not append:
            there.clear()
        there += [(append and number == 0, piece) for number, piece in enumerate(_pieces(artifact.parts))]

    def pieces(self) -> Iterator[Piece]:
        for each in self._found.values():
            yield from _joined(each)


class Hearing:
    """One turn. Every method raises `UpstreamInvalid` for what is not of the protocol, or more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        self.context = ""
        self.task = ""
        self.state = ""
        self._limit = limit
        self._size = 0
        self._artifacts = _Artifacts()
        self._message: list[Piece] = []
        self._history: list[Piece] = []

    @property
    def over(self) -> bool:
        """Whether nothing more is to come in this turn."""
        return self.state in TERMINAL or self.state in INTERRUPTED

    def take(self, result: Raw | bytes) -> str:
        """The result of a message, or one event of its stream. Gives the text that it shows of work under way."""
        found = self._read(result, _Result)
        status, artifact = found.statusUpdate or found.status_update, found.artifactUpdate or found.artifact_update
        if found.task is not None:
            return self._task(found.task)
        if found.message is not None:
            self._note(found.message.contextId or found.message.context_id, None)
            self.state, self._message = "completed", list(_pieces(found.message.parts))
        elif status is not None:
            self._note(status.contextId or status.context_id, status.taskId or status.task_id)
            return self._status(status.status)
        elif artifact is not None and artifact.artifact is not None:
            self._note(artifact.contextId or artifact.context_id, artifact.taskId or artifact.task_id)
            self._artifacts.add(artifact.artifact, append=artifact.append is True)
            return _text(_pieces(artifact.artifact.parts))
        return ""

    def take_task(self, result: Raw | bytes) -> str:
        """The same of a task alone, as those are answered who ask for one."""
        return self._task(self._read(result, _Task))

    def _read(self, raw: Raw | bytes, shape: type[Shape]) -> Shape:
        self._size += len(bytes(raw))
        if self._size > self._limit:
            raise UpstreamInvalid(f"the agent's answer is longer than {self._limit} bytes")
        try:
            bytes(raw).decode()  # what is kept as it came is not looked into
            try:
                return msgspec.json.decode(raw, type=shape)
            except ValueError:
                return msgspec.json.decode(well_formed(bytes(raw)), type=shape)
        except (ValueError, RecursionError) as error:
            raise UpstreamInvalid(f"the agent's answer cannot be understood: {error}") from error

    def _note(self, context: str | None, task: str | None) -> None:
        self.context, self.task = context or self.context, task or self.task

    def _task(self, task: _Task) -> str:
        self._note(task.contextId or task.context_id, task.id)
        if task.artifacts:
            self._artifacts = _Artifacts()
            for each in task.artifacts:
                self._artifacts.add(each, append=False)
        own = [each for each in task.history or () if each.role in ("ROLE_AGENT", "agent", 2)]
        self._history = list(_pieces(own[-1].parts)) if own else []
        return self._status(task.status)

    def _status(self, status: _Status | None) -> str:
        if status is None:
            return ""
        self.state = _word(status.state) or self.state
        self._message = list(_pieces(status.message.parts)) if status.message is not None else []
        return "" if self.over else _text(self._message)

    def heard(self, said: str) -> Heard:
        return Heard(self.context, self.task, self.state, said)

    def outcome(self) -> Outcome:
        """How it stands now."""
        pieces = list(self._artifacts.pieces())
        question = ""
        if self.state in INTERRUPTED:
            question = _text(self._message) or WAITS[self.state]
            pieces += [each for each in self._message if each.text is None]
        else:
            shown = {each.text for each in pieces if each.text is not None}
            # Some agents say in the last message what stands in the artifact already.
            pieces += [each for each in self._message if each.text is None or each.text not in shown]
        if not pieces and not question:
            pieces = self._history
        return Outcome(self.context, self.task, self.state, tuple(pieces), question)


def _word(state: str | int | None) -> str:
    """The state as a short word, however it is spelled; empty for what is none."""
    if isinstance(state, int):
        return _STATES[state - 1] if 0 < state <= len(_STATES) else ""
    word = (state or "").removeprefix("TASK_STATE_").lower().replace("_", "-")
    word = "canceled" if word == "cancelled" else word
    return word if word in _STATES else ""


def _pieces(parts: Iterable[_Part] | None) -> Iterator[Piece]:
    for part in parts or ():
        name, media = part.filename or "", part.mediaType or part.media_type or ""
        if part.text is not None:
            yield Piece(text=part.text)
        elif part.raw is not None:
            yield Piece(blob=part.raw, name=name, media=media)
        elif part.url is not None:
            yield Piece(url=part.url, name=name, media=media)
        elif bytes(part.data) not in (b"", b"null"):
            yield Piece(data=detach(part.data))


def _joined(pieces: Iterable[tuple[bool, Piece]]) -> Iterator[Piece]:
    """Pieces, each with whether it goes on with the one before."""
    words: list[str] = []
    for goes_on, piece in pieces:
        if words and not (goes_on and piece.text is not None):
            yield Piece(text="".join(words))
            words = []
        if piece.text is None:
            yield piece
        else:
            words.append(piece.text)
    if words:
        yield Piece(text="".join(words))


def _text(pieces: Iterable[Piece]) -> str:
    return "\n".join(each.text for each in pieces if each.text)
