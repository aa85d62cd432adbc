"""What is said to an agent and what it answers, for parts that do not know the agent's protocol.

Plain values. States are short words of A2A (`working`, `input-required`, `completed`, ...); ids are
those that the agent gave. Above: the port `AgentDoor` and both of its sides. Below: `Caller`, `Trail`.
"""

import msgspec

from .call import Caller
from .rawjson import EMPTY, Raw
from .trail import Trail

FAILED = frozenset({"failed", "rejected", "canceled"})
TERMINAL = FAILED | {"completed"}
INTERRUPTED = frozenset({"input-required", "auth-required"})


class Skill(msgspec.Struct, frozen=True):
    """One thing that an agent says it can do."""

    id: str
    name: str = ""
    description: str = ""
    examples: tuple[str, ...] = ()


class Offer(msgspec.Struct, frozen=True):
    """What an agent says of itself."""

    name: str
    description: str = ""
    version: str = ""
    skills: tuple[Skill, ...] = ()


class Shown(msgspec.Struct, frozen=True):
    """How an agent is at this moment."""

    offer: Offer | None = None
    """`None` while it cannot be spoken to."""
    settled: bool = True
    """Whether it was reached, or was not, for the first time."""
    reason: str = ""
    """Why there is no offer."""


class Asking(msgspec.Struct, frozen=True):
    """One message for an agent, and whose it is."""

    agent: str
    caller: Caller
    message: str
    context: str = ""
    """The conversation to go on with; it must be the caller's own."""
    task: str = ""
    """The task to go on with; it must be the caller's own."""
    thread: str = ""
    """What the conversation is kept under from one message to the next, where no id is named: a session of the
    caller. Empty: every message begins a new one."""
    skill: str = ""
    """The skill that the caller has in mind; a hint."""
    trail: Trail | None = None
    """What the caller's operation goes through, so that the requests to the agent are told there."""

    @property
    def owner(self) -> str:
        """What the session table knows the caller by."""
        return self.caller.principal.owner


class Piece(msgspec.Struct, frozen=True):
    """A part of an answer: text, JSON (`data`), bytes (`blob`, in base64) or an address (`url`)."""

    text: str | None = None
    data: Raw = EMPTY
    blob: str | None = None
    url: str | None = None
    name: str = ""
    media: str = ""


class Heard(msgspec.Struct, frozen=True):
    """A sign of life before the answer. `said`: text to show, if there is any."""

    context: str = ""
    task: str = ""
    state: str = ""
    said: str = ""


class Outcome(msgspec.Struct, frozen=True):
    """The end of a turn."""

    context: str = ""
    task: str = ""
    state: str = "completed"
    pieces: tuple[Piece, ...] = ()
    question: str = ""
    """What the agent wants to know before it goes on with the task."""


Said = Heard | Outcome
