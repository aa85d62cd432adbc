"""a2a/learn.py against the official SDK: what its servers write is learnt as it was meant, in all four speeches."""

from typing import Any

from a2a.compat.v0_3 import conversions, proto_utils
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.types import a2a_pb2
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import TaskNotFoundError
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.learn import answer, event, failed
from fedgate.a2a.values import Seen, Speech

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, dump, json_format

ID = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
STATES = st.sampled_from([name for name in a2a_pb2.TaskState.keys() if not name.endswith("UNSPECIFIED")])  # noqa: SIM118
SNAKE = st.booleans()


def nested(context: str) -> a2a_pb2.Message:
    return a2a_pb2.Message(message_id="m", role="ROLE_AGENT", context_id=context, task_id=context)


def task(id_: str, context: str, state: str) -> a2a_pb2.Task:
    status = a2a_pb2.TaskStatus(state=state, message=nested("phantom"))
    artifact = a2a_pb2.Artifact(artifact_id="a", parts=[a2a_pb2.Part(text="x")])
    return a2a_pb2.Task(id=id_, context_id=context, status=status, history=[nested("phantom")], artifacts=[artifact])


def status_update(id_: str, context: str, state: str) -> a2a_pb2.TaskStatusUpdateEvent:
    status = a2a_pb2.TaskStatus(state=state, message=nested("phantom"))
    return a2a_pb2.TaskStatusUpdateEvent(task_id=id_, context_id=context, status=status)


def artifact_update(id_: str, context: str) -> a2a_pb2.TaskArtifactUpdateEvent:
    artifact = a2a_pb2.Artifact(artifact_id="a", parts=[a2a_pb2.Part(text="x")])
    return a2a_pb2.TaskArtifactUpdateEvent(task_id=id_, context_id=context, artifact=artifact)


def envelope(result: Any) -> bytes:
    return dump({"result": result, "id": "1", "jsonrpc": "2.0"})


def proto(built: Any, snake: bool = False) -> Any:
    found: dict[str, Any] = json_format.MessageToDict(built, preserving_proto_field_name=snake)
    return found


def written(response: a2a_pb2.StreamResponse, snake: bool) -> list[tuple[Speech, bytes]]:
    """One stream item as servers of each speech write it."""
    old = conversions.to_compat_stream_response(response, request_id=1).result
    oldest = proto_utils.ToProto.stream_response(old)
    return [
        (RPC, envelope(proto(response, snake))),
        (REST, dump(proto(response, snake))),
        (LEGACY_RPC, envelope(old.model_dump(mode="json", by_alias=not snake, exclude_none=True))),
        (LEGACY_REST, dump(proto(oldest, snake))),
    ]


@given(ID, ID, STATES, SNAKE)
def test_items_of_streams(id_: str, context: str, state: str, snake: bool) -> None:
    made: list[tuple[a2a_pb2.StreamResponse, Seen]] = [
        (a2a_pb2.StreamResponse(task=task(id_, context, state)), Seen(id_, context, state)),
        (a2a_pb2.StreamResponse(message=nested(context)), Seen("", context)),
        (a2a_pb2.StreamResponse(status_update=status_update(id_, context, state)), Seen(id_, context, state)),
        (a2a_pb2.StreamResponse(artifact_update=artifact_update(id_, context)), Seen(id_, context)),
    ]
    for response, seen in made:
        for speech, data in written(response, snake):
            assert event(speech, data) == seen, speech
            assert answer(speech, "SendMessage", data) == [seen], speech
            assert not failed(speech, data)


@given(ID, ID, STATES, SNAKE)
def test_bare_tasks_and_lists(id_: str, context: str, state: str, snake: bool) -> None:
    made = task(id_, context, state)
    old = conversions.to_compat_task(made)
    page = a2a_pb2.ListTasksResponse(tasks=[made, made], total_size=2)
    seen = Seen(id_, context, state)
    for speech, body in (
        (RPC, envelope(proto(made, snake))),
        (REST, dump(proto(made, snake))),
        (LEGACY_RPC, envelope(old.model_dump(mode="json", by_alias=not snake, exclude_none=True))),
        (LEGACY_REST, dump(proto(proto_utils.ToProto.task(old), snake))),
    ):
        assert answer(speech, "GetTask", body) == answer(speech, "CancelTask", body) == [seen]
    assert answer(RPC, "ListTasks", envelope(proto(page, snake))) == [seen, seen]
    assert answer(REST, "ListTasks", dump(proto(page, snake))) == [seen, seen]


def test_errors() -> None:
    for speech, body in (
        (RPC, build_error_response("1", TaskNotFoundError())),
        (REST, build_rest_error_payload(TaskNotFoundError())),
        (LEGACY_REST, build_rest_error_payload(TaskNotFoundError())),
    ):
        assert failed(speech, dump(body))
        assert event(speech, dump(body)) is None
