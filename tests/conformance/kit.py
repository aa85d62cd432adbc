"""The kit that fixtures are written with: one handler, both protocol eras.

A fixture is a coroutine that takes a `Turn` and returns text, content blocks or prompt
messages. Where it needs the client (elicitation, sampling, roots) it awaits `Turn.ask`.
On a handshake-era connection `ask` sends a request on the call's own stream; on a modern
one it ends the turn with `input_required` and finds the answers on the retry. So a
fixture named for one era also answers in the other, and a gateway that bridges eras is
measured by the same fixtures.

Knows the SDK's types; must not know transports, ports or the suite's runner. Above it:
the `fixtures_*` modules and `everything_server`.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp import types
from mcp.server import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp.types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ValidationError

from tests.conformance.world import World

Schema = dict[str, Any]
Answer = types.ElicitResult | types.CreateMessageResult | types.ListRootsResult
Context = ServerRequestContext[Any, Any]

CAPABILITY_OF = {"elicitation/create": "elicitation", "sampling/createMessage": "sampling", "roots/list": "roots"}
RESULT_OF: dict[str, type[Answer]] = {
    "elicitation/create": types.ElicitResult,
    "sampling/createMessage": types.CreateMessageResult,
    "roots/list": types.ListRootsResult,
}


class InputNeeded(Exception):
    """Ends a modern turn: the client is asked, and retries with the answers."""

    def __init__(self, requests: types.InputRequests, state: str | None) -> None:
        super().__init__(", ".join(requests))
        self.result = types.InputRequiredResult(input_requests=requests, request_state=state)


class FixtureFailed(Exception):
    """A failure the model should see: becomes a result with `isError`."""


def form(message: str, properties: Schema, required: list[str] | None = None) -> types.ElicitRequest:
    """An elicitation in form mode; every property is required unless `required` says less."""
    schema = {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
    }
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def prompt_model(text: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    """A sampling request of one user message."""
    message = types.SamplingMessage(role="user", content=types.TextContent(text=text))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


def text_of(answer: Answer) -> str:
    """What a sampled model said, or "" when it was not text."""
    content = answer.content if isinstance(answer, types.CreateMessageResult) else None
    return content.text if isinstance(content, types.TextContent) else ""


def field_of(answer: Answer, name: str) -> str:
    """One field of an accepted form, as text; "" when declined."""
    content = answer.content if isinstance(answer, types.ElicitResult) else None
    return str((content or {}).get(name, ""))


@dataclass(frozen=True)
class Turn:
    """One invocation of a fixture: what came in, and the way back to the client."""

    ctx: Context
    world: World
    arguments: Mapping[str, Any]
    answers: Mapping[str, Any]  # raw JSON by key: those just given and those carried in the state

    @property
    def is_modern(self) -> bool:
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    def declares(self, capability: str) -> bool:
        """Whether the client declared `sampling`, `elicitation` or `roots`."""
        return getattr(self.ctx.session.client_capabilities, capability, None) is not None

    def require(self, capability: str) -> None:
        """Refuse with MissingRequiredClientCapability (-32021) unless declared."""
        if not self.declares(capability):
            raise MCPError(
                code=types.MISSING_REQUIRED_CLIENT_CAPABILITY,
                message=f"this fixture needs a client that declares {capability!r}",
                data={"requiredCapabilities": {capability: {}}},
            )

    async def log(self, text: str) -> None:
        """An info log line on this call's stream (a modern client opts in per request)."""
        await self.ctx.session.send_log_message("info", text, related_request_id=self.ctx.request_id)

    async def progress(self, done: float, total: float, message: str) -> None:
        await self.ctx.session.report_progress(done, total, message)

    async def ask(self, questions: Mapping[str, types.InputRequest], *, stateful: bool = False) -> dict[str, Answer]:
        """Ask the client all `questions` and return the answers by key.

        `stateful` adds a `requestState` to the first round already; later rounds always
        carry the earlier answers in one.
        """
        for question in questions.values():
            self.require(CAPABILITY_OF[question.method])
        if not self.is_modern:
            return {key: await self._send(question) for key, question in questions.items()}
        given = {key: _accepted(question, self.answers.get(key)) for key, question in questions.items()}
        open_questions = {key: questions[key] for key, answer in given.items() if answer is None}
        if open_questions:
            raise InputNeeded(open_questions, _state(self.answers, stateful))
        return {key: answer for key, answer in given.items() if answer is not None}

    async def _send(self, question: types.InputRequest) -> Answer:
        # The related id keeps the request on this call's stream, where the client awaits it.
        return await self.ctx.session.send_request(
            question,
            RESULT_OF[question.method],
            metadata=ServerMessageMetadata(related_request_id=self.ctx.request_id),
        )


def _state(answers: Mapping[str, Any], stateful: bool) -> str | None:
    return json.dumps({"answers": dict(answers)}) if stateful or answers else None


def _accepted(question: types.InputRequest, raw: object) -> Answer | None:
    """The answer, or None when it is missing, of the wrong kind or lacks a required field."""
    if raw is None:
        return None
    try:
        answer = RESULT_OF[question.method].model_validate(raw)
    except ValidationError:
        return None
    if isinstance(question, types.ElicitRequest) and isinstance(answer, types.ElicitResult):
        schema = getattr(question.params, "requested_schema", {})
        lacking = set(schema.get("required", ())) - set(answer.content or {})
        return None if answer.action == "accept" and lacking else answer
    return answer


def answers_of(params: types.InputResponseRequestParams) -> dict[str, Any]:
    """Answers of earlier rounds (from the unsealed state) and of this one, as JSON."""
    earlier = json.loads(params.request_state)["answers"] if params.request_state else {}
    now = {key: _dump(answer) for key, answer in (params.input_responses or {}).items()}
    return {**earlier, **now}


def _dump(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True, mode="json", exclude_none=True)


ToolOutput = str | list[types.ContentBlock]
ToolBody = Callable[[Turn], Awaitable[ToolOutput]]
PromptBody = Callable[[Turn], Awaitable[list[types.PromptMessage]]]


@dataclass(frozen=True)
class ToolFixture:
    tool: types.Tool
    body: ToolBody


@dataclass(frozen=True)
class PromptFixture:
    prompt: types.Prompt
    body: PromptBody


@dataclass(frozen=True)
class Shelf:
    """The fixtures of one theme, filled by decorators."""

    tools: dict[str, ToolFixture] = field(default_factory=dict)
    prompts: dict[str, PromptFixture] = field(default_factory=dict)

    def tool(self, name: str, description: str, schema: Schema | None = None) -> Callable[[ToolBody], ToolBody]:
        """Register a tool; without a schema it takes no arguments."""
        spec = types.Tool(
            name=name, description=description, input_schema=schema or {"type": "object", "properties": {}}
        )

        def register(body: ToolBody) -> ToolBody:
            self.tools[name] = ToolFixture(spec, body)
            return body

        return register

    def prompt(
        self, name: str, description: str, arguments: Mapping[str, str] | None = None
    ) -> Callable[[PromptBody], PromptBody]:
        """Register a prompt; `arguments` maps each required argument to its description."""
        listed = [
            types.PromptArgument(name=argument, description=about, required=True)
            for argument, about in (arguments or {}).items()
        ]
        spec = types.Prompt(name=name, description=description, arguments=listed)

        def register(body: PromptBody) -> PromptBody:
            self.prompts[name] = PromptFixture(spec, body)
            return body

        return register
