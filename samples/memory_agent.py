"""A sample A2A agent that remembers each conversation, in the memory of its own process.

    python -m fedgate.samples.memory_agent [--port 9101] [--name memory] [--host 127.0.0.1]

Made with the official SDK, in its versions 1.0 and 0.3, over JSON-RPC and HTTP+JSON, all below
one URL. Every answer ends with the turn's number and the instance's name, so that anybody can
see who answered and whether it knew the conversation. Run several and put a gateway in front:
that is what it is for. Logs go to standard error.
"""

import argparse
import asyncio
import contextlib
import logging
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.context import ServerCallContext
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
    AgentSkill,
    Message,
    Part,
    Role,
    Task,
    TaskState,
    TaskStatus,
)

from fedgate.samples.memory_talk import Asks, Done, Memory, Said

if TYPE_CHECKING:
    from starlette.applications import Starlette

HOST = "127.0.0.1"
PORT = 9101
PACE = 0.2
"""Seconds between two numbers when it counts."""
MAX_TASKS = 20_000
"""Tasks kept; of more, the oldest is forgotten."""
WAITS_FOR_INPUT = 3600.0
PUSH_SECONDS = 10.0

log = logging.getLogger("memory")


class MemoryExecutor(AgentExecutor):
    """Runs turns of conversations as the SDK's tasks and messages."""

    def __init__(self, memory: Memory, pace: float = PACE) -> None:
        self._memory = memory
        self._pace = pace

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        task_id, context_id = _ids(context)
        reply, turn = self._memory.turn(context_id, task_id, context.get_user_input())
        ending = f" (turn {turn}, {self._memory.name})"
        metadata = {"instance": self._memory.name, "turn": turn}
        if isinstance(reply, Said) and context.current_task is None:
            await event_queue.enqueue_event(
                Message(
                    role=Role.ROLE_AGENT,
                    message_id=f"{context_id}-{turn}",
                    context_id=context_id,
                    parts=[Part(text=reply.text + ending)],
                    metadata=metadata,
                )
            )
            return
        if context.current_task is None:
            await event_queue.enqueue_event(_submitted(context, task_id, context_id))
        updater = TaskUpdater(event_queue, task_id, context_id)
        await updater.start_work()
        if isinstance(reply, Asks):
            asked = updater.new_agent_message([Part(text=reply.question + ending)], metadata=metadata)
            await updater.requires_input(asked)
            return
        await self._say(updater, Done((reply.text,)) if isinstance(reply, Said) else reply, ending, metadata)
        await updater.complete()

    async def _say(self, updater: TaskUpdater, done: Done, ending: str, metadata: dict[str, object]) -> None:
        """One artifact, piece by piece."""
        last = len(done.chunks) - 1
        for number, chunk in enumerate(done.chunks):
            if done.paced and number:
                await asyncio.sleep(self._pace)
            await updater.add_artifact(
                [Part(text=chunk.rstrip() + ending if number == last else chunk)],
                artifact_id="answer",
                name="answer",
                metadata=metadata,
                append=number > 0,
                last_chunk=number == last,
            )

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        task_id, context_id = _ids(context)
        self._memory.drop(context_id, task_id)
        await TaskUpdater(event_queue, task_id, context_id).cancel()


def _ids(context: RequestContext) -> tuple[str, str]:
    """Task and context; a message that names its task alone belongs to the task's conversation."""
    task = context.current_task
    return context.task_id or "", (task.context_id if task is not None else context.context_id) or ""


def _submitted(context: RequestContext, task_id: str, context_id: str) -> Task:
    status = TaskStatus(state=TaskState.TASK_STATE_SUBMITTED)
    status.timestamp.GetCurrentTime()
    history = [context.message] if context.message is not None else []
    return Task(id=task_id, context_id=context_id, status=status, history=history)


class LatestTasks(InMemoryTaskStore):
    """The SDK's store with an end: the task that was made first goes first."""

    def __init__(self) -> None:
        super().__init__()
        self._made: dict[str, ServerCallContext] = {}

    async def save(self, task: Task, context: ServerCallContext) -> None:
        await super().save(task, context)
        self._made.setdefault(task.id, context)
        if len(self._made) > MAX_TASKS:
            oldest = next(iter(self._made))
            await self.delete(oldest, self._made.pop(oldest))


def card(name: str, url: str) -> AgentCard:
    """What the agent says of itself; `url` is where it is reached, without a slash at the end."""
    spoken = [("JSONRPC", "1.0"), ("HTTP+JSON", "1.0"), ("JSONRPC", "0.3"), ("HTTP+JSON", "0.3")]
    return AgentCard(
        name="Memory",
        description=f"Remembers what each conversation told it, in the memory of one process ({name}).",
        version="1.0.0",
        supported_interfaces=[
            AgentInterface(url=url, protocol_binding=binding, protocol_version=version) for binding, version in spoken
        ],
        capabilities=AgentCapabilities(streaming=True, push_notifications=True),
        default_input_modes=["text/plain"],
        default_output_modes=["text/plain"],
        skills=[
            AgentSkill(
                id="remember",
                name="Remember",
                description="Keeps facts for as long as the conversation lasts, and tells them when asked.",
                tags=["memory"],
                examples=["remember tea is green", "what is tea?", "what do you know?"],
            ),
            AgentSkill(
                id="count",
                name="Count",
                description="Counts slowly, number by number: streamed, and it can be cancelled.",
                tags=["streaming"],
                examples=["count to 5"],
            ),
            AgentSkill(
                id="book",
                name="Book a table",
                description="Asks for what is missing before it is done.",
                tags=["input-required"],
                examples=["book a table", "book a table for 4 at 19:30"],
            ),
        ],
    )


def build(name: str, url: str, pace: float = PACE) -> "Starlette":
    """The agent as an ASGI application."""
    import httpx
    from starlette.applications import Starlette

    own, push = card(name, url), InMemoryPushNotificationConfigStore()
    sender = httpx.AsyncClient(timeout=PUSH_SECONDS, trust_env=False)
    handler = DefaultRequestHandler(
        agent_executor=MemoryExecutor(Memory(name), pace),
        task_store=LatestTasks(),
        agent_card=own,
        push_config_store=push,
        # Whom an agent may call back is its gateway's affair here.
        push_sender=BasePushNotificationSender(sender, push),
        interrupted_task_timeout=WAITS_FOR_INPUT,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with sender:
            yield
            await handler.aclose()

    routes = [
        *create_agent_card_routes(own, cache_control="max-age=60"),
        *create_jsonrpc_routes(handler, "/", enable_v0_3_compat=True),
        *create_rest_routes(handler, enable_v0_3_compat=True),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Serve an A2A agent that remembers its conversations.")
    parser.add_argument("--port", type=int, default=PORT, help="TCP port; 0 takes a free one")
    parser.add_argument("--host", default=HOST, help="address to listen on")
    parser.add_argument("--name", default="memory", help="the instance's name, which it ends every answer with")
    parser.add_argument("--pace", type=float, default=PACE, help="seconds between two numbers when it counts")
    options = parser.parse_args(argv)
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s: %(message)s")
    log.setLevel(logging.INFO)
    for name in ("a2a", "opentelemetry"):
        # Every refused request is logged with its traceback; the caller is told anyway.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        _serve(options.host, options.port, options.name, options.pace)
    except OSError as error:
        log.error("cannot listen on %s:%d: %s", options.host, options.port, error)
        return 1
    return 0


def _serve(host: str, port: int, name: str, pace: float) -> None:
    import uvicorn

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family) as listener:
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{listener.getsockname()[1]}"
        config = uvicorn.Config(
            build(name, url, pace), log_level="warning", access_log=False, timeout_graceful_shutdown=1
        )
        log.info("listening on %s", url)
        uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
