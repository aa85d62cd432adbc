"""a2a/rendering.py against the official SDK: its clients raise the error that was meant, whole or in a stream."""

from typing import Any

import httpx
import pytest
from a2a.client.errors import A2AClientError
from a2a.client.transports.base import ClientTransport
from a2a.client.transports.jsonrpc import JsonRpcTransport
from a2a.client.transports.rest import RestTransport
from a2a.compat.v0_3.jsonrpc_transport import CompatJsonRpcTransport
from a2a.compat.v0_3.rest_transport import CompatRestTransport
from a2a.types import AgentCard, GetTaskRequest, SubscribeToTaskRequest
from a2a.utils import errors as theirs

from fedgate.a2a import errors
from fedgate.a2a.errors import A2aError
from fedgate.a2a.rendering import error_event, render
from fedgate.a2a.values import Speech
from fedgate.core.rawjson import Raw

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, SPEECHES

pytestmark = pytest.mark.anyio
URL = "http://gateway.example/a2a/x"
ID = Raw(b'"i-1"')
CASES: list[tuple[A2aError, type[Exception]]] = [
    (errors.task_not_found("t"), theirs.TaskNotFoundError),
    (A2aError(errors.TASK_NOT_CANCELABLE, "why"), theirs.TaskNotCancelableError),
    (errors.push_not_supported(), theirs.PushNotificationNotSupportedError),
    (errors.unsupported_operation("why"), theirs.UnsupportedOperationError),
    (errors.content_type_not_supported("why"), theirs.ContentTypeNotSupportedError),
    (errors.invalid_agent_response("why"), theirs.InvalidAgentResponseError),
    (errors.extended_card_not_configured(), theirs.ExtendedAgentCardNotConfiguredError),
    (errors.invalid_params("why"), theirs.InvalidParamsError),
    (errors.invalid_request("why"), theirs.InvalidRequestError),
    (errors.method_not_found("why"), theirs.MethodNotFoundError),
    (errors.internal("why"), theirs.InternalError),
]


def transport(speech: Speech, answer: httpx.Response) -> ClientTransport:
    """The SDK's client of a speech, to which everything is answered so."""
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer))
    if speech == RPC:
        return JsonRpcTransport(client, AgentCard(), URL)
    if speech == REST:
        return RestTransport(client, AgentCard(), URL)
    return (CompatJsonRpcTransport if speech == LEGACY_RPC else CompatRestTransport)(client, AgentCard(), URL)


async def ask(client: ClientTransport, stream: bool) -> None:
    if not stream:
        await client.get_task(GetTaskRequest(id="t"))
        return
    async for _ in client.subscribe(SubscribeToTaskRequest(id="t")):
        pass


async def raised(client: ClientTransport, stream: bool) -> Exception:
    with pytest.raises((A2AClientError, theirs.A2AError)) as caught:
        await ask(client, stream)
    await client.close()
    return caught.value


def answered(speech: Speech, error: A2aError) -> httpx.Response:
    reply = render(speech, ID, error)
    assert isinstance(reply.body, bytes)
    return httpx.Response(reply.status, headers=list(reply.headers), content=reply.body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(("error", "wanted"), CASES)
async def test_an_answer_is_the_error_that_was_meant(
    error: A2aError, wanted: type[Exception], speech: Speech, stream: bool
) -> None:
    found = await raised(transport(speech, answered(speech, error)), stream)
    assert type(found) is wanted
    assert str(found) == error.message


@pytest.mark.parametrize("speech", [RPC, REST])
async def test_metadata_reach_the_caller(speech: Speech) -> None:
    found: Any = await raised(transport(speech, answered(speech, errors.task_not_found("t-1"))), stream=False)
    assert found.data == {"taskId": "t-1"}


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(("error", "wanted"), CASES)
async def test_an_event_is_the_error_that_was_meant(error: A2aError, wanted: type[Exception], speech: Speech) -> None:
    stream = error_event(speech, ID, error)
    answer = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=stream)
    found = await raised(transport(speech, answer), stream=True)
    if speech == LEGACY_REST:
        # Its client knows no errors in streams: that it raises at all is what the event's name does.
        assert type(found) is A2AClientError
        assert error.message in str(found)
    else:
        assert type(found) is wanted
        assert str(found) == error.message


@pytest.mark.parametrize("speech", [RPC, LEGACY_RPC])
async def test_an_instance_that_is_away_is_an_internal_error_to_json_rpc(speech: Speech) -> None:
    found = await raised(transport(speech, answered(speech, errors.instance_unavailable(5))), stream=False)
    assert type(found) is theirs.InternalError
