"""One conversation with the sample agent: says things, asks for them later, and checks every answer.

What is checked is what a user would notice: an answer that does not know what this conversation
was told, or that counts its turns otherwise. Above: `a2a_experiment.py`. Below: `a2a_client.py`.
"""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from bench.a2a_client import Agent
from bench.a2a_heard import Answer
from bench.a2a_speech import Said, name, send
from fedgate.a2a.values import Speech
from fedgate.core.errors import GatewayError

PARALLEL = 3
"""Turns that a conversation with an id of its own begins with, all at once."""
MAX_EXAMPLES = 5
_ENDING = re.compile(r"(.*) \(turn (\d+), ([^)]+)\)", re.S)


@dataclass
class Tally:
    """What was seen, over any number of conversations."""

    turns: int = 0
    wrong: int = 0
    errors: int = 0
    moved: int = 0
    """Conversations that more than one instance answered."""
    by_speech: Counter[str] = field(default_factory=Counter)
    """Wrong answers and errors by the speech they came in."""
    examples: list[str] = field(default_factory=list)

    def note(self, what: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(what)


@dataclass
class Told:
    """An answer taken apart."""

    text: str
    turn: int
    instance: str
    context: str
    task: str
    state: str


class Conversation:
    """One user's conversation. `minted`: its id is made here, and its first turns are sent at once."""

    def __init__(self, agent: Agent, speech: Speech, number: int, tally: Tally, *, stream: bool, minted: bool) -> None:
        self._agent = agent
        self._speech = speech
        self._tally = tally
        self._stream = stream
        self._random = Random(number)
        self._label = f"conversation {number} ({name(speech)}{', streamed' if stream else ''})"
        self._id = f"{number}-{self._random.getrandbits(64):x}"
        self._minted = minted
        self._context = f"minted-{self._id}" if minted else ""
        self._facts: dict[str, str] = {}
        self._turns = 0
        self._counted = True
        self._instances: set[str] = set()

    async def run(self, turns: int) -> None:
        if self._minted:
            await asyncio.gather(*(self._remember(in_order=False) for _ in range(min(PARALLEL, turns))))
        while self._turns < turns:
            await self._turn(turns - self._turns)
        self._tally.moved += len(self._instances) > 1

    async def _turn(self, left: int) -> None:
        kind = self._random.randrange(4)
        if left == 1 and self._facts:
            await self._ask("what do you know?", self._everything())
        elif not self._facts or kind == 0:
            await self._remember()
        elif kind == 1 and left >= 2:
            await self._book()
        else:
            what = self._random.choice(list(self._facts))
            await self._ask(f"what is {what}?", f"{what} is {self._facts[what]}.")

    def _everything(self) -> str:
        return "".join(
            ["This is what you have told me:\n", *(f"{a} is {b}.\n" for a, b in self._facts.items())]
        ).strip()

    async def _remember(self, *, in_order: bool = True) -> None:
        what, value = f"fact {self._turns}", f"{self._random.getrandbits(32):x}"
        told = await self._ask(f"remember {what} is {value}", f"I will remember that {what} is {value}.", in_order)
        if told is not None:
            self._facts[what] = value

    async def _book(self) -> None:
        """An unfinished task and its continuation: two turns, bound by the task's id."""
        people = self._random.randrange(2, 9)
        told = await self._ask("book a table", "For how many people?")
        if told is not None and told.state == "TASK_STATE_INPUT_REQUIRED":
            await self._ask(f"{people} at 19:30", f"A table for {people} at 19:30 is booked.", task=told.task)

    async def _ask(self, text: str, wanted: str, in_order: bool = True, task: str = "") -> Told | None:
        """Say something. None: it failed, and nobody knows whether it was heard."""
        self._turns += 1
        self._tally.turns += 1
        turn = self._turns
        said = Said(text, f"{self._id}-{turn}", self._context, task)
        try:
            answer = await self._agent.ask(self._speech, send(self._speech, said, stream=self._stream))
            told = _told(answer)
        except (GatewayError, ValueError) as error:
            self._tally.errors += 1
            self._counted = False  # it may have been heard or not
            self._fail(f"turn {turn}: {error}")
            return None
        self._check(told, text, wanted, turn if in_order else 0)
        return told

    def _check(self, told: Told, text: str, wanted: str, turn: int) -> None:
        self._context = self._context or told.context
        self._instances.add(told.instance)
        right = sorted(told.text.splitlines()) == sorted(wanted.splitlines())
        if self._counted:
            right = right and (told.turn == turn or (not turn and told.turn <= PARALLEL))
        if told.context != self._context or not right:
            self._tally.wrong += 1
            self._fail(f"turn {turn}: asked {text!r}, wanted {wanted!r}, heard {told.text!r} as turn {told.turn}")

    def _fail(self, what: str) -> None:
        self._tally.by_speech[name(self._speech)] += 1
        self._tally.note(f"{self._label}, {what}")


def _told(answer: Answer) -> Told:
    """`ValueError` if it is an error or says nothing."""
    if answer.failure is not None:
        raise ValueError(f"error {answer.failure.code} {answer.failure.message}")
    text = "".join(each.text for each in answer.heard)
    asked = next((each.question for each in reversed(answer.heard) if each.question), "")
    found = _ENDING.fullmatch((text or asked).strip())
    if found is None:
        raise ValueError(f"HTTP {answer.status} without an answer: {answer.body[:200]!r}")
    ids = [each for each in answer.heard if each.context]
    contexts = {each.context for each in ids}
    context = contexts.pop() if len(contexts) == 1 else ""
    task = next((each.task for each in ids if each.task), "")
    state = next((each.state for each in reversed(answer.heard) if each.state), "")
    return Told(found[1], int(found[2]), found[3], context, task, state)
