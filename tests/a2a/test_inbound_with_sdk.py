"""a2a/inbound.py against the official SDK: what we let through, its servers read as we did."""

from collections.abc import Callable
from typing import Any

import a2a.server.routes.jsonrpc_dispatcher  # before the adapters of 0.3, which it imports and is imported by
import pytest
from a2a.compat.v0_3 import a2a_v0_3_pb2, conversions, proto_utils
from a2a.compat.v0_3 import types as legacy
from a2a.compat.v0_3.jsonrpc_adapter import JSONRPC03Adapter
from a2a.types import a2a_pb2
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from starlette.routing import Route as StarletteRoute

from fedgate.a2a.errors import A2aError
from fedgate.a2a.inbound import read
from fedgate.a2a.operations import OPERATIONS, method_name, of_route, route_path
from fedgate.a2a.values import Ids, Version

from .wire import compact, dump, json_format, request, rpc

POST = request()
ID = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NAMED = ID.filter(lambda each: each not in ("", ".", "..") and not {"/", "\\"} & set(each))
SPELLINGS = st.booleans()


def proto(built: Any, snake: bool) -> dict[str, Any]:
    found: dict[str, Any] = json_format.MessageToDict(built, preserving_proto_field_name=snake)
    return found


# Names and routes.


def test_methods_are_those_of_the_sdk() -> None:
    assert set(a2a.server.routes.jsonrpc_dispatcher.JsonRpcDispatcher.METHOD_TO_MODEL) == {
        method_name(each, "1.0") for each in OPERATIONS
    }
    assert {*JSONRPC03Adapter.METHOD_TO_MODEL, None} == {method_name(each, "0.3") for each in OPERATIONS}


def test_routes_are_those_of_the_sdk() -> None:
    handler: Any = object()  # routes are made of it, none is called
    routes = [
        each
        for each in a2a.server.routes.create_rest_routes(handler, enable_v0_3_compat=True)
        if isinstance(each, StarletteRoute)
    ]
    assert len(routes) == 22
    for route in routes:
        path = route.path.format(id="a:b", push_id="p")
        for method in (route.methods or set()) - {"HEAD"}:
            found = of_route(method, path)
            assert found is not None, (method, path)
            assert found.task == ("a:b" if "{id}" in route.path else "")
            assert found.config == ("p" if "{push_id}" in route.path else "")
            assert found.version == ("0.3" if path.startswith("/v1/") else "1.0")


# What the SDK writes, we read.


@given(ID, ID, ID, st.lists(ID.filter(bool), max_size=3), SPELLINGS)
def test_ids_of_messages_that_the_sdk_writes(
    task: str, context: str, message: str, references: list[str], snake: bool
) -> None:
    built = a2a_pb2.SendMessageRequest(
        message=a2a_pb2.Message(
            message_id=message,
            task_id=task,
            context_id=context,
            reference_task_ids=references,
            role="ROLE_USER",
            parts=[a2a_pb2.Part(text="hello")],
        ),
        configuration=a2a_pb2.SendMessageConfiguration(
            task_push_notification_config=a2a_pb2.TaskPushNotificationConfig(url="https://a", token="x")
        ),
    )
    ids = Ids(task, context, tuple(references), message)
    assert read("x", "", POST, rpc("SendMessage", proto(built, snake))).ids == ids
    assert read("x", "/message:send", POST, dump(proto(built, snake))).ids == ids

    old = conversions.to_compat_send_message_request(built, request_id=1)
    params = old.params.model_dump(by_alias=not snake, exclude_none=True, mode="json")
    assert read("x", "", POST, rpc("message/send", params)).ids == ids

    oldest = a2a_v0_3_pb2.SendMessageRequest(
        request=proto_utils.ToProto.message(old.params.message),
        configuration=proto_utils.ToProto.message_send_configuration(old.params.configuration),
    )
    assert read("x", "/v1/message:stream", POST, dump(proto(oldest, snake))).ids == Ids(task, context, (), message)


@given(NAMED, NAMED, SPELLINGS)
def test_ids_of_requests_for_a_task_that_the_sdk_writes(task: str, config: str, snake: bool) -> None:
    written: list[tuple[str, Any, Ids]] = [
        ("GetTask", a2a_pb2.GetTaskRequest(id=task, history_length=3), Ids(task)),
        ("CancelTask", a2a_pb2.CancelTaskRequest(id=task), Ids(task)),
        ("SubscribeToTask", a2a_pb2.SubscribeToTaskRequest(id=task), Ids(task)),
        ("ListTasks", a2a_pb2.ListTasksRequest(context_id=task, page_size=2), Ids(context=task)),
        (
            "CreateTaskPushNotificationConfig",
            a2a_pb2.TaskPushNotificationConfig(task_id=task, id=config, url="https://a"),
            Ids(task, config=config),
        ),
        (
            "GetTaskPushNotificationConfig",
            a2a_pb2.GetTaskPushNotificationConfigRequest(task_id=task, id=config),
            Ids(task, config=config),
        ),
        (
            "DeleteTaskPushNotificationConfig",
            a2a_pb2.DeleteTaskPushNotificationConfigRequest(task_id=task, id=config),
            Ids(task, config=config),
        ),
        (
            "ListTaskPushNotificationConfigs",
            a2a_pb2.ListTaskPushNotificationConfigsRequest(task_id=task),
            Ids(task),
        ),
    ]
    for method, built, ids in written:
        assert read("x", "", POST, rpc(method, proto(built, snake))).ids == ids
    path = route_path("CreateTaskPushNotificationConfig", "1.0", task)
    assert path is not None
    assert read("x", path[1], POST, dump(proto(written[4][1], snake))).ids == Ids(task, config=config)


@given(NAMED, NAMED, SPELLINGS)
def test_ids_of_old_requests_that_the_sdk_writes(task: str, config: str, snake: bool) -> None:
    built = a2a_pb2.TaskPushNotificationConfig(task_id=task, id=config, url="https://a")
    old: list[tuple[str, Any, Ids]] = [
        ("tasks/get", legacy.TaskQueryParams(id=task), Ids(task)),
        ("tasks/cancel", legacy.TaskIdParams(id=task), Ids(task)),
        (
            "tasks/pushNotificationConfig/set",
            conversions.to_compat_create_task_push_notification_config_request(built, request_id=1).params,
            Ids(task, config=config),
        ),
        (
            "tasks/pushNotificationConfig/get",
            legacy.GetTaskPushNotificationConfigParams(id=task, push_notification_config_id=config),
            Ids(task, config=config),
        ),
        (
            "tasks/pushNotificationConfig/delete",
            legacy.DeleteTaskPushNotificationConfigParams(id=task, push_notification_config_id=config),
            Ids(task, config=config),
        ),
        ("tasks/pushNotificationConfig/list", legacy.ListTaskPushNotificationConfigParams(id=task), Ids(task)),
    ]
    for method, params, ids in old:
        sent = params.model_dump(by_alias=not snake, exclude_none=True, mode="json")
        assert read("x", "", POST, rpc(method, sent)).ids == ids
    named = proto_utils.ToProto.task_push_notification_config(old[2][1])
    created = a2a_v0_3_pb2.CreateTaskPushNotificationConfigRequest(
        parent=f"tasks/{task}", config_id=config, config=named
    )
    path = route_path("CreateTaskPushNotificationConfig", "0.3", task)
    assert path is not None
    for body in (created, named):
        assert read("x", path[1], POST, dump(proto(body, snake))).ids == Ids(task, config=config)


# What we let through, the SDK reads as we did.

NAMES = ["taskId", "task_id", "contextId", "context_id", "contextid", "ContextId", "messageId", "message_id"]
ODD = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["", "a", "b", None, 5]), max_size=4)
ODD_PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(["a", "b"])), max_size=4)
WRAPPERS = st.sampled_from(["message", "request", "Message"])
Parsed = tuple[str, str]


def current(body: dict[str, Any]) -> Parsed:
    parsed = json_format.ParseDict(body, a2a_pb2.SendMessageRequest(), ignore_unknown_fields=True)
    return parsed.message.task_id, parsed.message.context_id


def old_rest(body: dict[str, Any]) -> Parsed:
    parsed = json_format.ParseDict(body, a2a_v0_3_pb2.SendMessageRequest(), ignore_unknown_fields=True)
    return parsed.request.task_id, parsed.request.context_id


def old_rpc(body: dict[str, Any]) -> Parsed:
    given = {"role": "user", "parts": [], "messageId": "m"} | body.get("message", {})
    parsed = legacy.MessageSendParams.model_validate({"message": given})
    return parsed.message.task_id or "", parsed.message.context_id or ""


READERS: list[tuple[Version, str, Callable[[bytes], bytes], Callable[[dict[str, Any]], Parsed]]] = [
    ("1.0", "", lambda body: b'{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":%b}' % body, current),
    ("1.0", "/message:send", lambda body: body, current),
    ("0.3", "", lambda body: b'{"jsonrpc":"2.0","id":1,"method":"message/send","params":%b}' % body, old_rpc),
    ("0.3", "/v1/message:send", lambda body: body, old_rest),
]


@pytest.mark.parametrize(("version", "rest", "wrap", "parse"), READERS)
@settings(max_examples=150)
@given(odd=ODD, wrapper=WRAPPERS)
def test_no_spelling_shows_the_sdk_another_id(
    version: Version,
    rest: str,
    wrap: Callable[[bytes], bytes],
    parse: Callable[[dict[str, Any]], Parsed],
    odd: Any,
    wrapper: str,
) -> None:
    body = {wrapper: odd}
    try:
        asked = read("x", rest, POST, wrap(compact(body)))
    except A2aError:
        return  # nothing passes that is doubtful
    assert asked.speech.version == version
    try:
        theirs = parse(body)
    except (json_format.ParseError, ValidationError):
        return  # the agent refuses it too
    assert theirs == (asked.ids.task, asked.ids.context)


@pytest.mark.parametrize(("version", "rest", "wrap", "parse"), READERS)
@given(pairs=ODD_PAIRS)
def test_no_double_is_let_through(
    version: Version, rest: str, wrap: Callable[[bytes], bytes], parse: Callable[[dict[str, Any]], Parsed], pairs: Any
) -> None:
    members = b",".join(b'"%b":"%b"' % (name.encode(), value.encode()) for name, value in pairs)
    try:
        asked = read("x", rest, POST, wrap(b'{"message":{%b}}' % members))
    except A2aError:
        return
    first = dict(reversed(pairs))
    assert asked.speech.version == version
    assert first == dict(pairs)
    assert parse({"message": first}) == (asked.ids.task, asked.ids.context)
