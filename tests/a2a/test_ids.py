"""a2a/ids.py: every operation's ids are found where its version and binding have them, and nowhere twice."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedgate.a2a.errors import A2aError
from fedgate.a2a.ids import MAX_REFERENCES, of_body, of_params
from fedgate.a2a.operations import OPERATIONS, Route, of_route
from fedgate.a2a.values import Ids, Speech
from fedgate.core.rawjson import EMPTY, Raw

from .wire import LEGACY_REST, LEGACY_RPC, REST, RPC, SPEECHES, dump, message


def params(operation: str, speech: Speech, sent: Any) -> Ids:
    return of_params(operation, speech, Raw(dump(sent)))


def body(method: str, path: str, sent: Any) -> Ids:
    route = of_route(method, path)
    assert route is not None
    return of_body(route, dump(sent) if sent is not None else b"")


def refused(read: Any, *arguments: Any) -> str:
    with pytest.raises(A2aError) as caught:
        read(*arguments)
    assert caught.value.code == -32602
    return caught.value.message


# Messages.

IDS: list[tuple[dict[str, Any], Ids]] = [
    ({}, Ids(message="m-1", bare=True)),
    ({"contextId": "c"}, Ids(context="c", message="m-1", bare=True)),
    ({"context_id": "c", "task_id": "t"}, Ids("t", "c", message="m-1", bare=True)),
    ({"taskId": "t", "referenceTaskIds": ["a", "b"]}, Ids("t", references=("a", "b"), message="m-1", bare=True)),
    ({"taskId": "", "contextId": None, "reference_task_ids": []}, Ids(message="m-1", bare=True)),
]


def send(speech: Speech, sent: Any) -> Ids:
    if speech.binding == "jsonrpc":
        return params("SendMessage", speech, sent)
    return body("POST", "/v1/message:send" if speech.version == "0.3" else "/message:send", sent)


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(("members", "ids"), IDS)
def test_a_message_names_its_ids_in_every_speech(speech: Speech, members: dict[str, Any], ids: Ids) -> None:
    assert send(speech, {"message": message(**members), "configuration": {"blocking": True}}) == ids
    assert params("SendStreamingMessage", RPC, {"message": message(**members)}) == ids


def test_a_message_may_be_called_a_request_by_the_proto_of_0_3() -> None:
    ids = Ids("t", "c", message="m-1", bare=True)
    assert send(LEGACY_REST, {"request": message(context_id="c", task_id="t")}) == ids
    assert send(REST, {"request": message(contextId="c")}) == Ids(bare=True)
    both = {"request": message(contextId="c"), "message": message(contextId="d")}
    assert refused(send, LEGACY_REST, both) == 'the body has "message" and "request", which are the same; use one'


@pytest.mark.parametrize("speech", SPEECHES)
def test_what_is_missing_is_the_agents_affair(speech: Speech) -> None:
    assert send(speech, {}) == send(speech, {"message": None}) == Ids(bare=True)


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(
    "members",
    [
        *({"contextId": "mine", "context_id": "theirs"}, {"contextid": "theirs"}, {"ContextId": "theirs"}),
        *({"taskId": "mine", "task_id": "theirs"}, {"TaskID": "theirs"}, {"taskId": 5}, {"contextId": ["c"]}),
        *({"messageId": "m", "message_id": "n"}, {"messageId": 5}, {"contextId": "a" * 513}, {"contextId": "a\0"}),
        *({"referenceTaskIds": "t"}, {"referenceTaskIds": [5]}, {"referenceTaskIds": [""]}),
        *({"referenceTaskIds": ["a" * 513]}, {"referenceTaskIds": ["t"] * (MAX_REFERENCES + 1)}),
        *({"referenceTaskIds": ["a"], "reference_task_ids": ["b"]}, {"referencetaskids": ["b"]}),
    ],
)
def test_ids_of_a_message_that_could_be_read_otherwise_are_refused(speech: Speech, members: dict[str, Any]) -> None:
    refused(send, speech, {"message": {"parts": []} | members})


@pytest.mark.parametrize("speech", SPEECHES)
@pytest.mark.parametrize(
    "sent", [{"message": "m"}, {"message": []}, {"Message": {}}, {"message": {}, "configuration": 1}]
)
def test_objects_on_the_way_to_an_id_are_objects_with_their_own_name(speech: Speech, sent: Any) -> None:
    refused(send, speech, sent)


@pytest.mark.parametrize(
    ("speech", "name", "snake"),
    [
        (RPC, "taskPushNotificationConfig", "task_push_notification_config"),
        (REST, "taskPushNotificationConfig", "task_push_notification_config"),
        (LEGACY_RPC, "pushNotificationConfig", "push_notification_config"),
        (LEGACY_REST, "pushNotification", "push_notification"),
    ],
)
def test_a_push_configuration_on_the_way_stands_there_once(speech: Speech, name: str, snake: str) -> None:
    good = {"url": "https://a", "id": "p", "token": None}
    for fine in ({name: good}, {snake: good}, {name: None}):
        found = send(speech, {"message": message(), "configuration": fine})
        assert found == Ids(message="m-1", bare=fine == {name: None})
    for other in ("taskPushNotificationConfig", "push_notification_config", "pushNotification"):
        # Of another version or binding: who reads configurations refuses it, so it must be looked for.
        assert not send(speech, {"message": message(), "configuration": {other: good}}).bare
    for bad in (
        {name: good, snake: good},
        {name.lower(): good},
        {name: good | {"URL": "https://b"}},
        {name: good | {"Token": "x"}},
        {name: good | {"id": 5}},
        {name: "https://a"},
    ):
        refused(send, speech, {"message": message(), "configuration": bad})


@pytest.mark.parametrize("speech", [RPC, REST])
def test_a_push_configuration_on_the_way_is_for_the_messages_own_task(speech: Speech) -> None:
    def sent(task: str, other: str) -> dict[str, Any]:
        config = {"taskId": other, "url": "https://a"}
        return {"message": message(taskId=task), "configuration": {"taskPushNotificationConfig": config}}

    assert send(speech, sent("t", "t")).task == "t"
    assert send(speech, sent("t", "")).task == "t"
    assert refused(send, speech, sent("t", "u")) == "the push configuration names another task than the message"
    refused(send, speech, sent("", "u"))


# The other operations in JSON-RPC.


@pytest.mark.parametrize("speech", [RPC, LEGACY_RPC])
@pytest.mark.parametrize("operation", ["GetTask", "CancelTask", "SubscribeToTask"])
def test_a_task_is_named_by_id(speech: Speech, operation: str) -> None:
    assert params(operation, speech, {"id": "t", "historyLength": 3, "metadata": {"id": "x"}}) == Ids("t")
    assert refused(params, operation, speech, {}) == "params.id must name the task"
    assert refused(params, operation, speech, {"id": ""}) == "params.id must name the task"
    refused(params, operation, speech, {"id": 5})
    refused(params, operation, speech, {"ID": "t"})


@pytest.mark.parametrize(("operation", "speech"), [("GetTask", RPC), ("GetTask", LEGACY_RPC)])
def test_absent_params_are_empty_ones(operation: str, speech: Speech) -> None:
    assert refused(of_params, operation, speech, EMPTY) == "params.id must name the task"
    assert of_params("ListTasks", RPC, EMPTY) == Ids()
    assert of_params("GetExtendedAgentCard", speech, EMPTY) == Ids()


def test_a_list_may_name_a_context() -> None:
    assert params("ListTasks", RPC, {"contextId": "c", "pageToken": "x"}) == Ids(context="c")
    assert params("ListTasks", RPC, {"context_id": "c"}) == Ids(context="c")
    assert params("ListTasks", RPC, {}) == Ids()
    refused(params, "ListTasks", RPC, {"contextId": "c", "context_id": "c"})


PUSHES: list[tuple[str, Speech, dict[str, Any], Ids]] = [
    ("Create", RPC, {"taskId": "t", "id": "p", "url": "https://a"}, Ids("t", config="p")),
    ("Create", RPC, {"task_id": "t", "url": "https://a"}, Ids("t")),
    ("Create", LEGACY_RPC, {"taskId": "t", "pushNotificationConfig": {"id": "p", "url": "u"}}, Ids("t", config="p")),
    ("Create", LEGACY_RPC, {"task_id": "t", "push_notification_config": {"url": "u"}}, Ids("t")),
    ("Create", LEGACY_RPC, {"taskId": "t"}, Ids("t")),
    ("Get", RPC, {"taskId": "t", "id": "p"}, Ids("t", config="p")),
    ("Get", LEGACY_RPC, {"id": "t", "pushNotificationConfigId": "p"}, Ids("t", config="p")),
    ("Get", LEGACY_RPC, {"id": "t"}, Ids("t")),
    ("Delete", RPC, {"task_id": "t", "id": "p"}, Ids("t", config="p")),
    ("Delete", LEGACY_RPC, {"id": "t", "push_notification_config_id": "p"}, Ids("t", config="p")),
    ("List", RPC, {"taskId": "t", "pageSize": 1}, Ids("t")),
    ("List", LEGACY_RPC, {"id": "t"}, Ids("t")),
]


def full(verb: str) -> str:
    return f"{verb}TaskPushNotificationConfig" + ("s" if verb == "List" else "")


@pytest.mark.parametrize(("verb", "speech", "sent", "ids"), PUSHES)
def test_push_methods_name_the_task_where_their_version_has_it(
    verb: str, speech: Speech, sent: dict[str, Any], ids: Ids
) -> None:
    assert params(full(verb), speech, sent) == ids


@pytest.mark.parametrize(
    ("verb", "speech", "sent"),
    [
        *(("Get", RPC, {"id": "p"}), ("List", RPC, {"id": "t"}), ("Delete", RPC, {}), ("Create", RPC, {"id": "p"})),
        *(("Create", RPC, {"taskId": "t", "task_id": "u"}), ("Create", RPC, {"taskId": "t", "url": "a", "Url": "b"})),
        *(("Create", LEGACY_RPC, {"id": "t"}), ("Create", LEGACY_RPC, {"taskId": "t", "pushNotificationConfig": 1})),
        ("Create", LEGACY_RPC, {"taskId": "t", "pushNotificationConfig": {"id": "p", "Id": "q"}}),
        *(("Get", LEGACY_RPC, {"taskId": "t"}), ("Get", LEGACY_RPC, {"id": "t", "pushNotificationConfigID": "p"})),
        *(("Get", RPC, {"taskId": 5}), ("Get", RPC, {"taskId": "t", "id": 5}), ("List", LEGACY_RPC, {"Id": "t"})),
    ],
)
def test_push_methods_without_a_sure_task_are_refused(verb: str, speech: Speech, sent: dict[str, Any]) -> None:
    refused(params, full(verb), speech, sent)


# The other operations in HTTP+JSON.


@pytest.mark.parametrize("prefix", ["", "/v1"])
def test_ids_of_a_path_need_no_body(prefix: str) -> None:
    configs = prefix + "/tasks/t/pushNotificationConfigs"
    assert body("GET", prefix + "/tasks/t", None) == Ids("t")
    assert body("POST", prefix + "/tasks/t:cancel", None) == Ids("t")
    assert body("GET", configs, None) == Ids("t")
    assert body("DELETE", configs + "/p", None) == Ids("t", config="p")


@pytest.mark.parametrize("path", ["/tasks/t:cancel", "/v1/tasks/t:cancel", "/tasks/t:subscribe"])
def test_a_body_may_repeat_the_task_of_the_path(path: str) -> None:
    for fine in ({}, {"id": "t", "metadata": {}}, {"id": None}, {"name": "tasks/t"}):
        assert body("POST", path, fine) == Ids("t")
    for other in ({"id": "u"}, {"name": "tasks/u"}, {"ID": "u"}, {"id": 5}, {"name": "u"}):
        refused(body, "POST", path, other)


CREATE = "/tasks/t/pushNotificationConfigs"
INNER = {"id": "p", "url": "https://a"}
NAMED = "tasks/t/pushNotificationConfigs/"


@pytest.mark.parametrize(
    ("path", "sent", "config"),
    [
        (CREATE, INNER, "p"),
        (CREATE, {"taskId": "t", "url": "https://a"}, ""),
        (
            "/v1" + CREATE,
            {"parent": "tasks/t", "configId": "p", "config": {"pushNotificationConfig": {"url": "u"}}},
            "p",
        ),
        ("/v1" + CREATE, {"config_id": "q", "config": {"push_notification_config": INNER}}, "p"),
        ("/v1" + CREATE, {"config": {"name": NAMED + "q", "pushNotificationConfig": {"url": "u"}}}, "q"),
        ("/v1" + CREATE, {"name": NAMED + "p", "pushNotificationConfig": {"url": "u"}}, "p"),
        ("/v1" + CREATE, {"name": NAMED, "pushNotificationConfig": INNER}, "p"),
        ("/v1" + CREATE, {"taskId": "t", "pushNotificationConfig": INNER}, "p"),
        ("/v1" + CREATE, {}, ""),
    ],
)
def test_a_push_configuration_is_created_in_any_of_its_shapes(path: str, sent: Any, config: str) -> None:
    assert body("POST", path, sent) == Ids("t", config=config)


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        *((CREATE, {"taskId": "u"}), (CREATE, {"task_id": "t", "taskId": "t"}), (CREATE, {"url": "a", "URL": "b"})),
        *(
            ("/v1" + CREATE, {"parent": "tasks/u"}),
            ("/v1" + CREATE, {"parent": "t"}),
            ("/v1" + CREATE, {"taskId": "u"}),
        ),
        ("/v1" + CREATE, {"name": "tasks/u/pushNotificationConfigs/p", "pushNotificationConfig": INNER}),
        ("/v1" + CREATE, {"config": {"name": "tasks/u/pushNotificationConfigs/p"}}),
        ("/v1" + CREATE, {"config": {"taskId": "u"}}),
        ("/v1" + CREATE, {"config": {"pushNotificationConfig": INNER}, "pushNotificationConfig": INNER}),
        ("/v1" + CREATE, {"config": {"pushNotificationConfig": INNER | {"Url": "https://b"}}}),
        *(("/v1" + CREATE, {"config": []}), ("/v1" + CREATE, {"Config": {}}), ("/v1" + CREATE, {"configId": 5})),
    ],
)
def test_a_push_configuration_for_two_tasks_or_urls_is_refused(path: str, sent: Any) -> None:
    refused(body, "POST", path, sent)


# Whatever comes.

NAMES = ["message", "request", "id", "taskId", "task_id", "contextId", "configuration", "config", "name", "ID", "x"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.sampled_from(["", "t", "tasks/t", "a\0"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)
ROUTES = [
    Route("SendMessage", "0.3", "/message:send"),
    Route("SendMessage", "1.0", "/message:send"),
    Route("CancelTask", "1.0", "/tasks/t:cancel", "t"),
    Route("CreateTaskPushNotificationConfig", "1.0", CREATE, "t"),
    Route("CreateTaskPushNotificationConfig", "0.3", CREATE, "t"),
]


@given(JSON, st.sampled_from(sorted(OPERATIONS)), st.sampled_from([RPC, LEGACY_RPC]))
def test_any_params_have_ids_or_are_refused(sent: Any, operation: str, speech: Speech) -> None:
    with suppress(A2aError):
        assert isinstance(params(operation, speech, sent), Ids)


@given(JSON, st.sampled_from(ROUTES))
def test_any_body_has_ids_or_is_refused(sent: Any, route: Route) -> None:
    with suppress(A2aError):
        assert isinstance(of_body(route, dump(sent)), Ids)
