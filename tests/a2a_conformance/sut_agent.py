"""An agent whose behaviour is chosen by the beginning of the message's id, as conformance suites want it.

    python tests/a2a_conformance/sut_agent.py [--port 0] [--pace 4] [--speaks 1.0,0.3] [--otherwise input-required]

Made with the official SDK in both versions and both HTTP bindings, below one URL. `BEHAVIOURS`
lists what it does: each step is one event. Prints the URL as a line of its own once it listens.
"""

import argparse
import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import httpx
import uvicorn
from a2a.helpers import new_data_part
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.request_handlers import DefaultRequestHandler
from a2a.server.routes import create_agent_card_routes, create_jsonrpc_routes, create_rest_routes
from a2a.server.tasks import (
    BasePushNotificationSender,
    InMemoryPushNotificationConfigStore,
    InMemoryTaskStore,
    TaskUpdater,
)
from a2a.types import (
    AgentCapabilities,
    AgentCard,
    AgentInterface,
    AgentProvider,
    AgentSkill,
    Part,
    Task,
    TaskState,
    TaskStatus,
)
from a2a.utils.errors import (
    A2AError,
    ContentTypeNotSupportedError,
    ExtensionSupportRequiredError,
    InternalError,
    InvalidParamsError,
    UnsupportedOperationError,
)
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

HOST = "127.0.0.1"
PACE = 4.0
"""Seconds that the long task works."""
PUSH_SECONDS = 10.0

Step = Callable[[TaskUpdater], Awaitable[None]]


class Works(float):
    """A step: as much of the pace passes."""


def _text(text: str, *, append: bool | None = None, last: bool | None = None) -> Step:
    async def step(updater: TaskUpdater) -> None:
        await updater.add_artifact([Part(text=text)], artifact_id="artifact", append=append, last_chunk=last)

    return step


def _part(part: Part) -> Step:
    async def step(updater: TaskUpdater) -> None:
        await updater.add_artifact([part], artifact_id="artifact")

    return step


async def _complete(updater: TaskUpdater) -> None:
    await updater.complete()


async def _greet(updater: TaskUpdater) -> None:
    await updater.complete(updater.new_agent_message([Part(text="Hello from the agent")]))


async def _work(updater: TaskUpdater) -> None:
    await updater.start_work()


async def _ask(updater: TaskUpdater) -> None:
    await updater.requires_input(updater.new_agent_message([Part(text="What else?")]))


async def _reject(updater: TaskUpdater) -> None:
    await updater.reject(updater.new_agent_message([Part(text="rejected")]))


async def _fail(updater: TaskUpdater) -> None:
    await updater.failed(updater.new_agent_message([Part(text="failed")]))


def _file(*, raw: bytes | None = None, url: str | None = None) -> Part:
    return Part(raw=raw, url=url, filename="output.txt", media_type="text/plain")


MESSAGE = "tck-message-response"
ERROR = "tck-error-"
ERRORS: dict[str, type[A2AError]] = {
    "content-type": ContentTypeNotSupportedError,
    "unsupported": UnsupportedOperationError,
    "params": InvalidParamsError,
    "extension": ExtensionSupportRequiredError,
    "internal": InternalError,
}
"""`tck-error-NAME.anything` fails so, before there is a task."""
BEHAVIOURS: dict[str, tuple[Step | Works, ...]] = {
    "tck-complete-task": (_greet,),
    "tck-input-required": (_ask,),
    "tck-reject-task": (_reject,),
    "tck-fail-task": (_fail,),
    "tck-artifact-text": (_text("Generated text content"), _complete),
    "tck-artifact-file-url": (_part(_file(url="https://example.com/output.txt")), _complete),
    "tck-artifact-file": (_part(_file(raw=b"tck")), _complete),
    "tck-artifact-data": (_part(new_data_part({"key": "value", "count": 42})), _complete),
    "tck-stream-001": (_work, _text("Stream hello from the agent"), _complete),
    "tck-stream-002": (_complete,),
    "tck-stream-003": (_work, _text("Stream task lifecycle"), _complete),
    "tck-stream-ordering-001": (_work, _text("Ordered output"), _complete),
    "tck-stream-artifact-text": (_work, _text("Streamed text content"), _complete),
    "tck-stream-artifact-file": (_work, _part(_file(raw=b"tck")), _complete),
    "tck-stream-artifact-chunked": (
        _work,
        _text("chunk-1 ", append=False, last=False),
        _text("chunk-2", append=True, last=True),
        _complete,
    ),
    "test-resubscribe-message-id": (_work, Works(1), _complete),
}
OTHERWISE = {"complete": (_greet,), "input-required": (_work, Works(0.75), _ask)}


class ByMessageId(AgentExecutor):
    """Does what the first entry says whose name the message's id begins with."""

    def __init__(self, pace: float, otherwise: tuple[Step | Works, ...]) -> None:
        self._pace = pace
        self._otherwise = otherwise

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        message_id = context.message.message_id if context.message is not None else ""
        task = context.current_task
        context_id = (task.context_id if task is not None else context.context_id) or ""
        updater = TaskUpdater(event_queue, context.task_id or "", context_id)
        if message_id.startswith(ERROR):
            raise ERRORS[message_id.removeprefix(ERROR).partition(".")[0]]("as it was told")
        if message_id.startswith(MESSAGE) and task is None:
            message = updater.new_agent_message([Part(text="Direct message response")])
            message.ClearField("task_id")
            await event_queue.enqueue_event(message)
            return
        if task is None:
            await event_queue.enqueue_event(_submitted(context))
        for step in self._steps(message_id):
            await (asyncio.sleep(step * self._pace) if isinstance(step, Works) else step(updater))

    def _steps(self, message_id: str) -> tuple[Step | Works, ...]:
        found = (steps for prefix, steps in BEHAVIOURS.items() if message_id.startswith(prefix))
        return next(found, self._otherwise)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


def _submitted(context: RequestContext) -> Task:
    status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
    status.timestamp.GetCurrentTime()
    history = [context.message] if context.message is not None else []
    return Task(id=context.task_id, context_id=context.context_id, status=status, history=history)


def card(url: str, speaks: Sequence[str], *, extended: bool) -> AgentCard:
    """The agent's card; the extended one has a skill more."""
    spoken = [(binding, version) for version in speaks for binding in ("JSONRPC", "HTTP+JSON")]
    names = ["conformance", *(["extended"] if extended else [])]
    return AgentCard(
        name="Conformance",
        description="Does what the message's id says.",
        version="1.0.0",
        provider=AgentProvider(organization="fedgate", url="https://example.com"),
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version) for binding, version in spoken
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True, extended_agent_card=True),
        default_input_modes=["text/plain", "text"],
        default_output_modes=["text/plain"],
        skills=[
            AgentSkill(id=name, name=name, description=f"The skill {name}", tags=["conformance"]) for name in names
        ],
    )


class WithoutSlash:
    """Serves `/base/` as `/base` and so on, as a gateway's prefix does."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] != "/":
            scope = {**scope, "path": scope["path"].rstrip("/")}
        await self._app(scope, receive, send)


def build(url: str, speaks: Sequence[str], pace: float, otherwise: str) -> Starlette:
    """The agent as an ASGI application."""
    own, push = card(url, speaks, extended=False), InMemoryPushNotificationConfigStore()
    sender = httpx.AsyncClient(timeout=PUSH_SECONDS, trust_env=False)
    handler = DefaultRequestHandler(
        agent_executor=ByMessageId(pace, OTHERWISE[otherwise]),
        task_store=InMemoryTaskStore(),
        agent_card=own,
        push_config_store=push,
        push_sender=BasePushNotificationSender(sender, push),
        extended_agent_card=card(url, speaks, extended=True),
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sender:
            yield
            await handler.aclose()

    routes = [
        *create_agent_card_routes(own, cache_control="public, max-age=60"),
        *create_jsonrpc_routes(handler, "/", enable_v0_3_compat="0.3" in speaks),
        *create_rest_routes(handler, enable_v0_3_compat="0.3" in speaks),
    ]
    return Starlette(routes=routes, lifespan=lifespan, middleware=[Middleware(WithoutSlash)])


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Serve an agent for conformance tests.")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one")
    parser.add_argument("--pace", type=float, default=PACE, help="seconds that the long task works")
    parser.add_argument("--otherwise", choices=list(OTHERWISE), default="complete", help="what any other id means")
    parser.add_argument("--speaks", default="1.0,0.3", help="versions, with commas between (default: both)")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    for name in ("a2a", "opentelemetry"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with socket.create_server((HOST, options.port)) as listener:
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        app = build(url, options.speaks.split(","), options.pace, options.otherwise)
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        sys.stdout.write(f"{url}\n")
        sys.stdout.flush()
        uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    sys.exit(main())
