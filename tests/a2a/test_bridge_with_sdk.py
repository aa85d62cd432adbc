"""The bridge between the SDK's clients and servers: what one side says is what the other side understands."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from a2a.client.errors import A2AClientError
from a2a.types import a2a_pb2 as core
from a2a.utils import errors

from fedgate.a2a.values import Speech
from tests.a2a.bridged import CARD, PAIRS, Agent, Gateway, client, json_format, said

ParseDict = json_format.ParseDict

MESSAGE = {
    "messageId": "m1",
    "contextId": "c1",
    "taskId": "t1",
    "role": "ROLE_USER",
    "parts": [
        {"text": "hello", "metadata": {"a": 1}},
        {"data": {"rows": [1, 2.5, "x", None, {"y": True}]}},
        {"url": "http://files/a.txt", "filename": "a.txt", "mediaType": "text/plain"},
        {"raw": "AAECAw==", "filename": "b.bin", "mediaType": "application/octet-stream"},
    ],
    "metadata": {"k": {"nested": ["v"]}},
    "extensions": ["urn:x"],
}
STATUS = {
    "state": "TASK_STATE_WORKING",
    "message": MESSAGE | {"role": "ROLE_AGENT", "messageId": "m2"},
    "timestamp": "2026-01-02T03:04:05.006Z",
}
ARTIFACT = {
    "artifactId": "a1",
    "name": "n",
    "description": "d",
    "parts": [{"text": "out"}, {"raw": "/w=="}],
    "metadata": {"m": "v"},
    "extensions": ["urn:y"],
}
TASK = {
    "id": "t1",
    "contextId": "c1",
    "status": STATUS | {"state": "TASK_STATE_CANCELED"},
    "artifacts": [ARTIFACT],
    "history": [MESSAGE],
    "metadata": {"t": "m"},
}
PUSH = {
    "id": "p1",
    "taskId": "t1",
    "url": "http://callback/",
    "token": "secret",
    "authentication": {"scheme": "Bearer", "credentials": "xyz"},
}
SEND = {
    "message": MESSAGE,
    "configuration": {
        "acceptedOutputModes": ["text/plain"],
        "historyLength": 3,
        "returnImmediately": True,
        "taskPushNotificationConfig": {"url": "http://callback/", "id": "p2", "token": "t"},
    },
    "metadata": {"z": 1},
}
EVENTS: list[Any] = [
    ParseDict(TASK, core.Task()),
    ParseDict({"taskId": "t1", "contextId": "c1", "status": STATUS}, core.TaskStatusUpdateEvent()),
    ParseDict(
        {"taskId": "t1", "contextId": "c1", "artifact": ARTIFACT, "append": True, "lastChunk": True},
        core.TaskArtifactUpdateEvent(),
    ),
    ParseDict(
        {"taskId": "t1", "contextId": "c1", "status": {"state": "TASK_STATE_COMPLETED"}, "metadata": {"e": "v"}},
        core.TaskStatusUpdateEvent(),
    ),
]

UNARY = {
    "send_message": (core.SendMessageRequest, SEND, ParseDict(TASK, core.Task())),
    "get_task": (core.GetTaskRequest, {"id": "t 1/ü".replace("/", ":"), "historyLength": 2}, EVENTS[0]),
    "cancel_task": (core.CancelTaskRequest, {"id": "t1"}, EVENTS[0]),
    "create_task_push_notification_config": (
        core.TaskPushNotificationConfig,
        PUSH,
        ParseDict(PUSH, core.TaskPushNotificationConfig()),
    ),
    "get_task_push_notification_config": (
        core.GetTaskPushNotificationConfigRequest,
        {"taskId": "t1", "id": "p1"},
        ParseDict(PUSH, core.TaskPushNotificationConfig()),
    ),
    "list_task_push_notification_configs": (
        core.ListTaskPushNotificationConfigsRequest,
        {"taskId": "t1"},
        ParseDict({"configs": [PUSH, PUSH | {"id": "p2"}]}, core.ListTaskPushNotificationConfigsResponse()),
    ),
    "delete_task_push_notification_config": (
        core.DeleteTaskPushNotificationConfigRequest,
        {"taskId": "t1", "id": "p1"},
        None,
    ),
    "get_extended_agent_card": (core.GetExtendedAgentCardRequest, {}, CARD),
    "list_tasks": (
        core.ListTasksRequest,
        {
            "contextId": "c1",
            "status": "TASK_STATE_WORKING",
            "pageSize": 7,
            "pageToken": "a+b/c=",
            "historyLength": 0,
            "statusTimestampAfter": "2026-01-02T03:04:05Z",
            "includeArtifacts": True,
        },
        ParseDict({"tasks": [TASK], "nextPageToken": "n", "pageSize": 7, "totalSize": 1}, core.ListTasksResponse()),
    ),
}
LEGACY_REST = Speech("0.3", "rest")
UNSPOKEN = {"list_task_push_notification_configs", "delete_task_push_notification_config"}
"""What the SDK's REST client of 0.3 does not know, and of deleting neither its server."""

pytestmark = pytest.mark.anyio


def possible(name: str, caller: Speech, agent: Speech) -> bool:
    if name == "list_tasks":
        return caller.version == agent.version == "1.0"
    if name == "delete_task_push_notification_config" and agent == LEGACY_REST:
        return False
    return caller != LEGACY_REST or name not in UNSPOKEN


CASES = [(name, *pair) for name in UNARY for pair in PAIRS if possible(name, *pair)]


@pytest.mark.parametrize(
    ("name", "caller", "to"), CASES, ids=[f"{name}-{said((caller, to))}" for name, caller, to in CASES]
)
async def test_every_operation_reaches_the_agent_and_its_result_the_caller(
    name: str, caller: Speech, to: Speech
) -> None:
    kind, members, reply = UNARY[name]
    agent = Agent()
    agent.reply = reply
    asked = ParseDict(members, kind())
    async with Gateway(agent, to) as gateway:
        got = await getattr(client(caller, gateway), name)(asked)
    assert agent.seen == [asked]
    assert got == (core.SendMessageResponse(task=reply) if name == "send_message" else reply)


@pytest.mark.parametrize(("caller", "to"), PAIRS, ids=map(said, PAIRS))
async def test_a_message_as_the_answer_is_a_message_in_every_speech(caller: Speech, to: Speech) -> None:
    agent = Agent()
    agent.reply = ParseDict(MESSAGE, core.Message())
    async with Gateway(agent, to) as gateway:
        got = await client(caller, gateway).send_message(ParseDict(SEND, core.SendMessageRequest()))
    assert got == core.SendMessageResponse(message=agent.reply)


async def collect(stream: AsyncIterator[Any], into: list[Any]) -> None:
    async for each in stream:
        into.append(each)  # noqa: PERF401 (what came before an error counts)


@pytest.mark.parametrize("name", ["send_message_streaming", "subscribe"])
@pytest.mark.parametrize(("caller", "to"), PAIRS, ids=map(said, PAIRS))
async def test_the_events_of_a_stream_arrive_in_every_speech(caller: Speech, to: Speech, name: str) -> None:
    agent = Agent()
    agent.reply = [*EVENTS, ParseDict(MESSAGE, core.Message())]
    asked = ParseDict(SEND, core.SendMessageRequest()) if "send" in name else core.SubscribeToTaskRequest(id="t1")
    async with Gateway(agent, to) as gateway:
        got = [each async for each in getattr(client(caller, gateway), name)(asked)]
    assert agent.seen == [asked]
    members = ["task", "status_update", "artifact_update", "status_update", "message"]
    assert got == [core.StreamResponse(**{name: each}) for name, each in zip(members, agent.reply, strict=True)]


ERRORS: list[type[errors.A2AError]] = [
    errors.TaskNotFoundError,
    errors.TaskNotCancelableError,
    errors.PushNotificationNotSupportedError,
    errors.UnsupportedOperationError,
    errors.ContentTypeNotSupportedError,
    errors.InternalError,
    errors.InvalidAgentResponseError,
    errors.ExtendedAgentCardNotConfiguredError,
    errors.InvalidParamsError,
    errors.InvalidRequestError,
    errors.MethodNotFoundError,
    errors.ExtensionSupportRequiredError,
    errors.VersionNotSupportedError,
]
NEW = (errors.ExtensionSupportRequiredError, errors.VersionNotSupportedError)
FOREIGN = [pair for pair in PAIRS if pair[0] != pair[1]]
"""Speeches that differ: the SDK's REST client of 0.3 does not understand its own server's errors."""


@pytest.mark.parametrize("error", ERRORS, ids=[each.__name__ for each in ERRORS])
@pytest.mark.parametrize(("caller", "to"), FOREIGN, ids=map(said, FOREIGN))
async def test_an_error_of_the_agent_is_the_same_error_for_the_caller(
    caller: Speech, to: Speech, error: type[errors.A2AError]
) -> None:
    agent = Agent()
    agent.reply = error("this is why")
    legacy = Speech("0.3", "jsonrpc") in (caller, to) and error in NEW
    async with Gateway(agent, to) as gateway:
        with pytest.raises(errors.InternalError if legacy else error) as raised:
            await client(caller, gateway).get_task(core.GetTaskRequest(id="t1"))
    assert raised.value.message == "this is why"


@pytest.mark.parametrize("binding", ["jsonrpc", "rest"])
async def test_details_of_an_error_survive_the_other_binding(binding: str) -> None:
    caller = Speech("1.0", "jsonrpc" if binding == "rest" else "rest")
    agent = Agent()
    agent.reply = errors.TaskNotFoundError("gone", data={"taskId": "t1"})
    async with Gateway(agent, Speech("1.0", binding)) as gateway:  # type: ignore[arg-type]
        with pytest.raises(errors.TaskNotFoundError) as raised:
            await client(caller, gateway).get_task(core.GetTaskRequest(id="t1"))
    assert raised.value.data == {"taskId": "t1"}


BREAKING = [pair for pair in FOREIGN if pair[1] != LEGACY_REST]
"""The SDK's REST server of 0.3 cuts the connection where a stream fails."""


@pytest.mark.parametrize(("caller", "to"), BREAKING, ids=map(said, BREAKING))
async def test_an_error_in_the_middle_of_a_stream_ends_it_with_that_error(caller: Speech, to: Speech) -> None:
    agent = Agent()
    agent.reply = [EVENTS[0], errors.UnsupportedOperationError("no more")]
    got: list[core.StreamResponse] = []
    # The REST client of 0.3 knows no kinds of errors within a stream.
    kind = A2AClientError if caller == LEGACY_REST else errors.UnsupportedOperationError
    async with Gateway(agent, to) as gateway:
        stream = client(caller, gateway).send_message_streaming(ParseDict(SEND, core.SendMessageRequest()))
        with pytest.raises(kind, match="no more"):
            await collect(stream, got)
    assert got == [core.StreamResponse(task=EVENTS[0])]


@pytest.mark.parametrize(("caller", "to"), BREAKING, ids=map(said, BREAKING))
async def test_a_stream_that_fails_before_its_first_event_is_that_error(caller: Speech, to: Speech) -> None:
    agent = Agent()
    agent.reply = errors.TaskNotFoundError("no such task")
    kind = A2AClientError if caller == LEGACY_REST and to == Speech("0.3", "jsonrpc") else errors.TaskNotFoundError
    async with Gateway(agent, to) as gateway:
        with pytest.raises(kind, match="no such task"):
            await collect(client(caller, gateway).subscribe(core.SubscribeToTaskRequest(id="t1")), [])
