"""A client of a2a-sdk 1.3 that talks to the sample agent: `a2a_sdk_13.py URL BINDING [KEY]`; prints JSON.

BINDING is JSONRPC or HTTP+JSON. It goes wherever the card sends it. Needs the repository on
PYTHONPATH for the web hook.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

import httpx
from a2a.client import A2ACardResolver, Client, ClientConfig, ClientFactory
from a2a.helpers import get_artifact_text, get_message_text, new_text_message
from a2a.types import (
    AgentCard,
    CancelTaskRequest,
    DeleteTaskPushNotificationConfigRequest,
    GetTaskPushNotificationConfigRequest,
    GetTaskRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTasksRequest,
    Role,
    SendMessageRequest,
    StreamResponse,
    SubscribeToTaskRequest,
    Task,
    TaskPushNotificationConfig,
    TaskState,
)
from a2a.utils.errors import A2AError

from tests.samples.receiver import received

SECONDS = 30.0


def state(task: Task) -> str:
    name: str = TaskState.Name(task.status.state)
    return name


def text(task: Task) -> str:
    return "".join(get_artifact_text(each) for each in task.artifacts)


class Talk:
    """One user with two clients of the same agent: one that streams and one that does not."""

    def __init__(self, http: httpx.AsyncClient, card: AgentCard, binding: str) -> None:
        self.whole = self._client(http, card, binding, streaming=False)
        self.streaming = self._client(http, card, binding, streaming=True)

    @staticmethod
    def _client(http: httpx.AsyncClient, card: AgentCard, binding: str, *, streaming: bool) -> Client:
        config = ClientConfig(streaming=streaming, httpx_client=http, supported_protocol_bindings=[binding])
        return ClientFactory(config).create(card)

    def events(self, client: Client, said: str, context: str = "", task: str = "") -> AsyncIterator[StreamResponse]:
        message = new_text_message(said, context_id=context or None, task_id=task or None, role=Role.ROLE_USER)
        return client.send_message(SendMessageRequest(message=message))

    async def ask(self, said: str, context: str = "", task: str = "") -> StreamResponse:
        (answer,) = [each async for each in self.events(self.whole, said, context, task)]
        return answer

    async def told(self, said: str, context: str = "", task: str = "") -> Task:
        return (await self.ask(said, context, task)).task


async def remembering(talk: Talk) -> dict[str, Any]:
    first = await talk.told("remember tea is green")
    second = await talk.told("what is tea?", first.context_id)
    streamed = [each async for each in talk.events(talk.streaming, "what do you know?", first.context_id)]
    remark = (await talk.ask("who are you?", first.context_id)).message
    kept = await talk.whole.get_task(GetTaskRequest(id=first.id))
    listed = await talk.whole.list_tasks(ListTasksRequest(context_id=first.context_id))
    return {
        "remembered": [text(first), text(second)],
        "one context": {second.context_id, remark.context_id, kept.context_id} == {first.context_id},
        "streamed kinds": [each.WhichOneof("payload") for each in streamed],
        "streamed": [
            get_artifact_text(each.artifact_update.artifact) for each in streamed if each.artifact_update.task_id
        ],
        "remark": get_message_text(remark),
        "kept": [state(kept), text(kept)],
        "listed": listed.total_size,
    }


async def booking(talk: Talk) -> dict[str, Any]:
    asked = await talk.told("book a table for 4")
    done = await talk.told("19:30", asked.context_id, asked.id)
    return {
        "asked": [state(asked), get_message_text(asked.status.message)],
        "booked": [state(done), text(done), done.id == asked.id],
    }


async def watching(talk: Talk) -> dict[str, Any]:
    """A task that one stream starts, another one joins and a third call ends."""
    events = talk.events(talk.streaming, "count to 1000")
    started = (await anext(events)).task
    others = talk.streaming.subscribe(SubscribeToTaskRequest(id=started.id))
    joined = (await anext(others)).task
    cancelled = await talk.whole.cancel_task(CancelTaskRequest(id=started.id))
    ends = [each async for each in others]
    _ = [each async for each in events]
    try:
        await talk.whole.cancel_task(CancelTaskRequest(id=started.id))
        again = "no error"
    except A2AError as error:
        again = type(error).__name__
    return {
        "joined": joined.id == started.id,
        "cancelled": [state(cancelled), TaskState.Name(ends[-1].status_update.status.state), again],
    }


async def pushing(talk: Talk) -> dict[str, Any]:
    with received("/a2a/hook") as (url, arrived):
        asked = await talk.told("book a table for 4")
        config = TaskPushNotificationConfig(task_id=asked.id, id="mine", url=url, token="a token")
        created = await talk.whole.create_task_push_notification_config(config)
        kept = await talk.whole.get_task_push_notification_config(
            GetTaskPushNotificationConfigRequest(task_id=asked.id, id="mine")
        )
        listed = await talk.whole.list_task_push_notification_configs(
            ListTaskPushNotificationConfigsRequest(task_id=asked.id)
        )
        await talk.told("19:30", asked.context_id, asked.id)
        calls = [await asyncio.to_thread(next, arrived) for _ in range(3)]
        await talk.whole.delete_task_push_notification_config(
            DeleteTaskPushNotificationConfigRequest(task_id=asked.id, id="mine")
        )
    return {
        "own url": {created.url, kept.url, *(each.url for each in listed.configs)} == {url},
        "called back": [next(iter(each.body)) for each in calls],
        "token": [each.token for each in calls],
        "path": sorted({each.path for each in calls}),
    }


async def failing(talk: Talk) -> dict[str, Any]:
    try:
        await talk.whole.get_task(GetTaskRequest(id="nowhere"))
        return {"unknown": "no error"}
    except A2AError as error:
        return {"unknown": type(error).__name__}


async def everything(url: str, binding: str, key: str = "") -> dict[str, Any]:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    async with httpx.AsyncClient(headers=headers, timeout=SECONDS, trust_env=False) as http:
        card = await A2ACardResolver(http, url).get_agent_card()
        talk = Talk(http, card, binding)
        seen: dict[str, Any] = {
            "card": card.name,
            "addresses": sorted({each.url for each in card.supported_interfaces}),
        }
        for part in (remembering, booking, watching, pushing, failing):
            seen |= await part(talk)
        return seen


async def main() -> None:
    async with asyncio.timeout(2 * SECONDS):
        seen = await everything(*sys.argv[1:])
    print(json.dumps(seen))  # noqa: T201


if __name__ == "__main__":
    asyncio.run(main())
