"""One call of an agent's tool: what is said, what is heard, what the agent asks back, and how it ends.

The agent's question goes to the client as any server's does; the task is gone on with by its answer. If
the caller goes away, or the agent is silent for too long, the task that is under way is cancelled.
Above: `agent_connection.py`. Below: the port `AgentDoor`, `agent_result.py`.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec

from ..core.conversation import INTERRUPTED, TERMINAL, Asking, Heard, Outcome, Said
from ..core.errors import GatewayError, UpstreamInvalid, UpstreamTimeout
from ..core.ports import AgentDoor
from ..core.trail import Trail
from . import agent_result
from .agent_result import can_be_asked
from .messages import Answer, Ask, Event, Notice, Outbound
from .wire import PROGRESS, TOKEN

MAX_QUESTIONS = 8
"""How often an agent may ask back in one call; after that the result says what it wants to know."""
PATIENCE = 900.0
"""Seconds until a question counts as unanswered; whoever asks a client gives up earlier."""


class Question:
    """On its way to the client and back."""

    def __init__(self, text: str) -> None:
        self._answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.ask = Ask("elicitation/create", agent_result.elicitation(text), self._reply)

    async def _reply(self, answer: Answer) -> None:
        if not self._answer.done():
            self._answer.set_result(answer)

    async def answer(self) -> str | None:
        """As `answer_in`. Raises `ValueError` for no answer at all."""
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._answer
        except TimeoutError as error:
            raise ValueError("nobody answered") from error
        if answer.error:
            raise ValueError("the client refused")
        return agent_result.answer_in(answer.result)


class AgentCall:
    """Runs once: `events`."""

    def __init__(self, door: AgentDoor, asking: Asking, outbound: Outbound) -> None:
        self._door = door
        self._asking = asking
        self._outbound = outbound
        self._live = ""
        """The task that must not be left running."""
        self._signs = 0

    async def events(self) -> AsyncGenerator[Event, None]:
        """Raises as `AgentDoor.converse` does."""
        try:
            for number in range(MAX_QUESTIONS + 1):
                outcome: Outcome | None = None
                self._asking = msgspec.structs.replace(self._asking, trail=self._trail)
                async with aclosing(self._door.converse(self._asking)) as heard:
                    while (event := await self._next(heard)) is not None:
                        self._note(event)
                        if isinstance(event, Outcome):
                            outcome = event
                        elif (notice := self._progress(event)) is not None:
                            yield notice
                if outcome is None:
                    raise UpstreamInvalid(f"agent {self._asking.agent} has not answered")
                question = self._question(outcome, last=number == MAX_QUESTIONS)
                if question is not None:
                    yield question.ask
                answer = await self._answered(outcome, question)
                if answer is not None:
                    yield answer
                    return
        except (asyncio.CancelledError, GeneratorExit, UpstreamTimeout):
            if self._live:
                self._door.abandon(self._asking.agent, self._asking.caller, self._live)
            raise

    @property
    def _trail(self) -> Trail | None:
        """Of the client's request of the moment: an answer to a question may come with another one."""
        return None if self._outbound.spent is None else self._outbound.spent.trail

    async def _next(self, heard: AsyncGenerator[Said, None]) -> Said | None:
        seconds = self._outbound.timeout
        try:
            async with asyncio.timeout(seconds):
                return await anext(heard, None)
        except TimeoutError as error:
            raise UpstreamTimeout(f"agent {self._asking.agent} was silent for {seconds:g} s") from error

    def _note(self, event: Said) -> None:
        over = event.state in TERMINAL or (isinstance(event, Outcome) and event.state not in INTERRUPTED)
        self._live = "" if over else event.task

    def _progress(self, heard: Heard) -> Notice | None:
        token = self._outbound.meta.get(TOKEN)
        if token is None:
            return None
        self._signs += 1
        return Notice(PROGRESS, agent_result.progress(token, self._signs, heard.said))

    def _question(self, outcome: Outcome, *, last: bool) -> Question | None:
        """What the client is asked, if there is a question and it can be."""
        if last or not outcome.question or not outcome.task or not can_be_asked(self._outbound.client.capabilities):
            return None
        return Question(outcome.question)

    async def _answered(self, outcome: Outcome, question: Question | None) -> Answer | None:
        """The end of the call; `None` if it goes on with what the client has answered."""
        try:
            said = await question.answer() if question is not None else ""
        except ValueError:
            said = ""
        if said is None:
            return await self._declined(outcome)
        if not said:
            self._live = ""  # it is the caller's to go on with
            return Answer(result=agent_result.result(outcome, self._asking.agent))
        ids = {"context": outcome.context, "task": outcome.task}
        self._asking = msgspec.structs.replace(self._asking, message=said, **ids)
        return None

    async def _declined(self, outcome: Outcome) -> Answer:
        asking, self._live = self._asking, ""
        try:
            state = await self._door.cancel(asking.agent, asking.caller, outcome.task, self._trail)
            then = f"and its task was cancelled ({state})" if state != "canceled" else "and its task was cancelled"
        except GatewayError as error:
            state, then = outcome.state, f"but its task could not be cancelled: {error.message}"
        sentence = f"The agent asked: {outcome.question}\n\nThis was not answered, {then}."
        return Answer(result=agent_result.ended(msgspec.structs.replace(outcome, state=state), sentence))
