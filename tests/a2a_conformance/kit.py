"""What checks are written with: a peer that speaks one speech, expectations, and the table they enter themselves in.

A check is a coroutine that takes a `Peer`, says what it needs by messageId prefixes of
`sut_agent.py`, and raises `Failed` or `Skipped`. It runs once for every speech it names. Knows
nothing of gateways. Above: the `checks_*` modules and `runner.py`.
"""

import itertools
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

from bench.a2a_client import Agent
from bench.a2a_heard import Answer, Heard
from bench.a2a_speech import SPEECHES, Headers, Said, Wire, name, send
from fedgate.a2a.values import Speech
from fedgate.core.http_client import HttpClient
from fedgate.core.http_values import Target

V1_RPC, V1_REST, V03_RPC, V03_REST = SPEECHES
ALL = SPEECHES
V1 = (V1_RPC, V1_REST)
V03 = (V03_RPC, V03_REST)
RPC = (V1_RPC, V03_RPC)
REST = (V1_REST, V03_REST)
ONCE = (V1_RPC,)
"""For what has no speech: cards."""

INVALID_PARAMS = -32602
TASK_NOT_FOUND = -32001
NOT_CANCELABLE = -32002
UNSUPPORTED = -32004
HTTP_OF = {-32001: 404, -32601: 404, -32603: 500, -32006: 500}
"""HTTP statuses of codes; all others are 400."""
REASONS = {
    -32001: "TASK_NOT_FOUND",
    -32002: "TASK_NOT_CANCELABLE",
    -32003: "PUSH_NOTIFICATION_NOT_SUPPORTED",
    -32004: "UNSUPPORTED_OPERATION",
    -32005: "CONTENT_TYPE_NOT_SUPPORTED",
    -32006: "INVALID_AGENT_RESPONSE",
    -32007: "EXTENDED_AGENT_CARD_NOT_CONFIGURED",
    -32008: "EXTENSION_SUPPORT_REQUIRED",
    -32009: "VERSION_NOT_SUPPORTED",
    -32602: "INVALID_PARAMS",
    -32603: "INTERNAL_ERROR",
}

DONE = "TASK_STATE_COMPLETED"
WORKING = "TASK_STATE_WORKING"
ASKS = "TASK_STATE_INPUT_REQUIRED"
CANCELED = "TASK_STATE_CANCELED"

COMPLETE, WANTS_INPUT, SLOW = "tck-complete-task", "tck-input-required", "test-resubscribe-message-id"


class Failed(Exception):
    """The requirement is not met: why."""


class Skipped(Exception):
    """The requirement does not apply: why."""


@dataclass(frozen=True)
class Check:
    """One requirement. `better`: a gateway must pass it, whatever the SDK's own server does."""

    id: str
    title: str
    speeches: tuple[Speech, ...]
    run: Callable[["Peer"], Awaitable[None]]
    better: bool = False


CHECKS: list[Check] = []


def check(
    ident: str, title: str, speeches: Collection[Speech] = ALL, *, better: bool = False
) -> Callable[[Callable[["Peer"], Awaitable[None]]], Callable[["Peer"], Awaitable[None]]]:
    """Enter a check into the table."""

    def enter(run: Callable[["Peer"], Awaitable[None]]) -> Callable[["Peer"], Awaitable[None]]:
        CHECKS.append(Check(ident, title, tuple(speeches), run, better))
        return run

    return enter


def expect(fine: object, detail: object) -> None:
    if not fine:
        raise Failed(str(detail)[:400])


def equal(found: object, wanted: object, what: str) -> None:
    if found != wanted:
        raise Failed(f"{what}: wanted {wanted!r}, found {found!r}"[:400])


class Peer:
    """The agent under test, spoken to in one speech. Ids are unlike those of every other run."""

    def __init__(self, agent: Agent, speech: Speech, run: str) -> None:
        self.agent = agent
        self.speech = speech
        self.url = agent.url
        self._run = run
        self._numbers = itertools.count(1)

    @property
    def is_rpc(self) -> bool:
        return self.speech.binding == "jsonrpc"

    @property
    def is_v1(self) -> bool:
        return self.speech.version == "1.0"

    def new(self, what: str = "id") -> str:
        """An id that nobody has used; `what` is its beginning."""
        return f"{what}.{self._run}.{name(self.speech).replace('/', '-')}.{next(self._numbers)}"

    def in_speech(self, speech: Speech) -> "Peer":
        return Peer(self.agent, speech, f"{self._run}.{self.new('as')}")

    async def ask(self, wire: Wire, headers: Headers | None = None) -> Answer:
        return await self.agent.ask(self.speech, wire, headers=headers)

    async def plain(self, method: str, path: str, headers: Headers = (), body: bytes = b"") -> Answer:
        """Any request below the agent's URL."""
        return await self.agent.ask(self.speech, Wire(method, path, body, headers))

    async def say(self, behaviour: str, text: str = "hello", **more: Any) -> Answer:
        """Send a message whose id chooses the behaviour."""
        return await self.ask(self.saying(behaviour, text, **more))

    def saying(self, behaviour: str, text: str = "hello", *, stream: bool = False, **more: Any) -> Wire:
        return send(self.speech, Said(text, self.new(behaviour), **more), stream=stream)

    async def told(self, behaviour: str = COMPLETE, **more: Any) -> Heard:
        """The result of a message that must not fail."""
        answer = await self.say(behaviour, **more)
        self.fine(answer)
        return answer.heard[-1]

    async def hears(self, wire: Wire) -> Heard:
        """The only result of a request that must not fail."""
        answer = await self.ask(wire)
        self.fine(answer)
        return answer.one

    def fine(self, answer: Answer) -> None:
        expect(answer.status == 200 and answer.failure is None and answer.heard, f"{answer.status} {answer.body!r}")

    def result(self, heard: Heard) -> Any:
        """What stands in the JSON-RPC envelope, or the body itself."""
        return heard.raw.get("result") if self.is_rpc else heard.raw

    async def refused(
        self, wire: Wire, code: int, *, headers: Headers | None = None, reason: str | None = None
    ) -> None:
        """The request fails, with this code in JSON-RPC and the HTTP status that belongs to it."""
        self.refusal(await self.ask(wire, headers), code, reason)

    def refusal(self, answer: Answer, code: int, reason: str | None = None) -> None:
        failure = answer.failure
        expect(failure is not None, f"it did not fail: {answer.status} {answer.body!r}")
        assert failure is not None
        if self.is_rpc:
            equal(answer.status, 200, "HTTP status")
            equal(failure.code, code if self.is_v1 or code > -32008 or code < -32009 else -32603, "code")
        else:
            equal(answer.status, HTTP_OF.get(code, 400), "HTTP status")
            equal(failure.code, answer.status, "code in the body")
        if self.is_v1 and (wanted := reason or REASONS.get(code)) is not None:
            equal(failure.reason, wanted, "reason")


async def fetched(http: HttpClient, url: str, headers: Headers = ()) -> Answer:
    """A GET of an absolute URL."""
    response = await http.request("GET", Target.parse(url), headers=headers)
    heads = {key.decode(): value.decode("latin-1") for key, value in response.headers}
    return Answer(response.status, heads, await response.read(1024 * 1024))
