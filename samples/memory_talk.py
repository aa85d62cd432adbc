"""What the sample agent understands and remembers: conversations with facts, turns and unfinished bookings.

Plain values and no protocol: a text comes in, a reply goes out. Each conversation is known by
the id that the agent's protocol gives it, lives in this process alone and knows nothing of the
others. Above: `memory_agent.py`. Below: nothing.
"""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

MAX_CONVERSATIONS = 10_000
"""Conversations remembered; of more, the one that was silent longest is forgotten."""
MAX_FACTS = 200
"""Facts of one conversation; of more, the oldest is forgotten."""
MAX_BOOKINGS = 20
"""Unfinished bookings of one conversation; of more, the oldest is dropped."""
MAX_TEXT = 2_000
"""Characters of a message that are read."""
MAX_COUNT = 1_000

HELP = (
    'I remember what I am told: "remember tea is green", then "what is tea?". Also "what do you know?", '
    '"forget tea", "count to 5", "book a table", "who are you?".'
)


@dataclass(frozen=True)
class Said:
    """A remark that is no work: the whole answer."""

    text: str


@dataclass(frozen=True)
class Done:
    """Work with a result, in one piece or in several that come one after the other."""

    chunks: tuple[str, ...]
    paced: bool = False
    """Whether the pieces take their time."""


@dataclass(frozen=True)
class Asks:
    """Work that cannot go on before this is answered."""

    question: str


Reply = Said | Done | Asks
Item = TypeVar("Item")


@dataclass
class Booking:
    """A table that somebody wants. What is empty is still missing."""

    people: str = ""
    time: str = ""


@dataclass
class Conversation:
    """One conversation: how often it was spoken to, what it was told, what is unfinished (by task)."""

    turns: int = 0
    facts: dict[str, str] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)


class Memory:
    """All conversations of one process."""

    def __init__(self, name: str, limit: int = MAX_CONVERSATIONS) -> None:
        self.name = name
        self._limit = limit
        self._conversations: OrderedDict[str, Conversation] = OrderedDict()

    def __repr__(self) -> str:
        return f"Memory({self.name}, {len(self._conversations)} conversations)"

    def turn(self, conversation: str, task: str, text: str) -> tuple[Reply, int]:
        """The reply to a text, and the number of this turn in its conversation, from 1."""
        known = self._find(conversation)
        known.turns += 1
        text = " ".join(text[:MAX_TEXT].split())
        if task in known.bookings:
            return _go_on(known, task, text), known.turns
        return self._begin(known, task, text), known.turns

    def drop(self, conversation: str, task: str) -> None:
        """Forget what is unfinished of a task."""
        if conversation in self._conversations:
            self._conversations[conversation].bookings.pop(task, None)

    def _find(self, conversation: str) -> Conversation:
        known = self._conversations.setdefault(conversation, Conversation())
        self._conversations.move_to_end(conversation)
        if len(self._conversations) > self._limit:
            self._conversations.popitem(last=False)
        return known

    def _begin(self, known: Conversation, task: str, text: str) -> Reply:
        if re.fullmatch(r"(?:hello|hi|good (?:morning|day|evening))\b.*|who are you\b.*", text, re.I):
            return Said(f"I am {self.name}.")
        if found := re.fullmatch(r"remember (?:that )?(.+?) is (.+?)[.!]*", text, re.I):
            return _remember(known, found[1], found[2])
        if re.fullmatch(r"what do you (?:know|remember)\W*|tell me everything\W*", text, re.I):
            return _everything(known)
        if found := re.fullmatch(r"what(?: is|'s) (.+?)[?.! ]*", text, re.I):
            return _recall(known, found[1])
        if found := re.fullmatch(r"forget (.+?)[.!]*", text, re.I):
            return _forget(known, found[1])
        if found := re.fullmatch(r"count to (\d{1,4})\W*", text, re.I):
            return _count(int(found[1]))
        if found := re.fullmatch(r"(?:please )?(?:book|reserve) a table\b(.*)", text, re.I):
            _keep(known.bookings, task, Booking(), MAX_BOOKINGS)
            return _go_on(known, task, found[1])
        return Done((HELP,))


def _keep(table: dict[str, Item], key: str, value: Item, limit: int) -> None:
    table.pop(key, None)
    table[key] = value
    if len(table) > limit:
        del table[next(iter(table))]


def _remember(known: Conversation, what: str, value: str) -> Reply:
    _keep(known.facts, what.lower(), value, MAX_FACTS)
    return Done((f"I will remember that {what} is {value}.",))


def _recall(known: Conversation, what: str) -> Reply:
    value = known.facts.get(what.lower())
    return Done((f"You have not told me what {what} is." if value is None else f"{what} is {value}.",))


def _forget(known: Conversation, what: str) -> Reply:
    gone = known.facts.pop(what.lower(), None)
    return Done((f"You have not told me what {what} is." if gone is None else f"I have forgotten what {what} is.",))


def _everything(known: Conversation) -> Reply:
    lines = tuple(f"{what} is {value}.\n" for what, value in known.facts.items())
    return Done(("This is what you have told me:\n", *lines) if lines else ("You have told me nothing yet.",))


def _count(to: int) -> Reply:
    if not 1 <= to <= MAX_COUNT:
        return Done((f"I count from 1 to at most {MAX_COUNT}.",))
    return Done(tuple(f"{number} " for number in range(1, to + 1)), paced=True)


def _go_on(known: Conversation, task: str, text: str) -> Reply:
    """Take what the text says of the booking, and ask for what is missing."""
    booking = known.bookings[task]
    if found := re.search(r"\b(\d{1,2})[:.h](\d{2})\b", text):
        booking.time = f"{int(found[1]):02}:{found[2]}"
        text = text.replace(found[0], "")
    if found := re.search(r"\b(\d{1,3})\b", text):
        booking.people = found[1]
    if not booking.people:
        return Asks("For how many people?")
    if not booking.time:
        return Asks("At what time? (HH:MM)")
    del known.bookings[task]
    return Done((f"A table for {booking.people} at {booking.time} is booked.",))
